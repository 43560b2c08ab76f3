"""The frameworks of Node projects: how each is recognised and what its server needs."""

from __future__ import annotations

from dataclasses import dataclass

HOST = ("--host", "0.0.0.0")  # noqa: S104 - inside the container, published on loopback only
DEFAULT_PORT = 3000


@dataclass(frozen=True)
class Framework:
    """One framework.

    ``packages`` name it among the dependencies, ``program`` (with its first argument, if any) in a
    script. ``flags`` make that program listen outside the container. ``static`` is the folder of
    its build where that needs no server of its own.
    """

    name: str
    packages: tuple[str, ...]
    program: tuple[str, ...] = ()
    port: int = DEFAULT_PORT
    reload: str = "none"
    flags: tuple[str, ...] = ()
    static: str = ""


# In order of trial: what builds upon another comes first.
FRAMEWORKS = (
    Framework("next", ("next",), ("next", "dev")),
    Framework("nuxt", ("nuxt", "nuxt3"), ("nuxt", "dev"), flags=HOST),
    Framework("nuxt", (), ("nuxi", "dev"), flags=HOST),
    Framework("astro", ("astro",), ("astro", "dev"), 4321, flags=HOST, static="dist"),
    Framework("angular", ("@angular/cli", "@angular/core"), ("ng", "serve"), 4200, flags=HOST),
    Framework(
        "gatsby", ("gatsby",), ("gatsby", "develop"), 8000, "none", ("-H", HOST[1]), "public"
    ),
    Framework(
        "docusaurus", ("@docusaurus/core",), ("docusaurus", "start"), flags=HOST, static="build"
    ),
    Framework("cra", ("react-scripts",), ("react-scripts", "start"), static="build"),
    Framework("vue-cli", ("@vue/cli-service",), ("vue-cli-service", "serve"), 8080, static="dist"),
    Framework("nest", ("@nestjs/core",), ("nest", "start"), reload="restart"),
    Framework("react-router", ("@react-router/dev",), ("react-router", "dev"), 5173, flags=HOST),
    Framework("remix", ("@remix-run/dev",), ("remix", "vite:dev"), 5173, flags=HOST),
    Framework("sveltekit", ("@sveltejs/kit",), ("vite",), 5173, flags=HOST),
    Framework("qwik", ("@builder.io/qwik-city",), ("vite",), 5173, flags=HOST),
    Framework("vite", ("vite",), ("vite",), 5173, flags=HOST, static="dist"),
    Framework("fastify", ("fastify",), reload="restart"),
    Framework("express", ("express",), reload="restart"),
    Framework("koa", ("koa",), reload="restart"),
    Framework("hono", ("@hono/node-server",), reload="restart"),
)
PLAIN = Framework("", (), reload="restart")


def by_program(argv: tuple[str, ...], dependencies: frozenset[str]) -> Framework | None:
    """Give the framework whose development server this command is.

    Of several with one program the first whose package is there.
    """
    found = [
        framework
        for framework in FRAMEWORKS
        if framework.program and argv[: len(framework.program)] == framework.program
    ]
    owned = (framework for framework in found if dependencies & set(framework.packages))
    return next(owned, found[-1] if found else None)


def by_packages(dependencies: frozenset[str], *, server: bool) -> Framework:
    """Give the first framework among the dependencies; ``server``: of those that restart."""
    fits = (
        framework
        for framework in FRAMEWORKS
        if dependencies & set(framework.packages) and (not server or framework.reload == "restart")
    )
    return next(fits, PLAIN)
