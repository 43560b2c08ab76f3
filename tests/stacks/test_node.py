from typing import Any

import pytest

from devloop.stacks.base import Env
from devloop.stacks.node import frameworks as node_frameworks
from tests.stacks.snapshots import one, package

EXPRESS = {"dependencies": {"express": "^4"}}
PNPM = "--store-dir /root/.local/share/pnpm/store"
BERRY = (
    "YARN_ENABLE_TELEMETRY=0 YARN_ENABLE_GLOBAL_CACHE=true YARN_GLOBAL_FOLDER=/root/.cache/yarn "
    "yarn install"
)


def berry_lock(version: int) -> str:
    return f"# generated\n\n__metadata:\n  version: {version}\n  cacheKey: 8\n"


@pytest.mark.parametrize(
    ("keys", "files", "manager", "setup", "install"),
    [
        ({}, {}, "npm", "", "npm install"),
        ({}, {"package-lock.json": "{}"}, "npm", "", "npm ci"),
        ({}, {"npm-shrinkwrap.json": "{}"}, "npm", "", "npm ci"),
        ({"packageManager": "npm@10.8.0"}, {}, "npm", "npm install -g npm@10.8.0", "npm install"),
        (
            {"packageManager": "pnpm@9.0.3+sha512.abc"},
            {"package-lock.json": "{}"},
            "pnpm",
            "npm install -g pnpm@9.0.3",
            f"pnpm install --no-frozen-lockfile {PNPM}",
        ),
        (
            {},
            {"pnpm-lock.yaml": "lockfileVersion: 5.4\n"},
            "pnpm",
            "npm install -g pnpm@7.33.7",
            f"pnpm install --frozen-lockfile {PNPM}",
        ),
        (
            {"packageManager": "pnpm"},
            {"pnpm-lock.yaml": "lockfileVersion: '6.0'\n"},
            "pnpm",
            "npm install -g pnpm@8.15.9",
            f"pnpm install --frozen-lockfile {PNPM}",
        ),
        (
            {},
            {"pnpm-lock.yaml": "lockfileVersion: '9.0'\n"},
            "pnpm",
            "npm install -g pnpm@10.34.9",
            f"pnpm install --frozen-lockfile {PNPM}",
        ),
        (
            {"devEngines": {"packageManager": {"name": "pnpm", "version": "^11.0.0"}}},
            {},
            "pnpm",
            "npm install -g pnpm@11.28.11",
            f"pnpm install --no-frozen-lockfile {PNPM}",
        ),
        (
            {"devEngines": {"packageManager": {"name": "pnpm", "version": ">=77"}}},
            {"yarn.lock": ""},
            "pnpm",
            "npm install -g pnpm@10.34.9",
            f"pnpm install --no-frozen-lockfile {PNPM}",
        ),
        (
            {"packageManager": "pnpm@9.0.3; reboot"},
            {},
            "pnpm",
            "npm install -g pnpm@9.0.3",
            f"pnpm install --no-frozen-lockfile {PNPM}",
        ),
        (
            {"packageManager": "pnpm@$(reboot)"},
            {},
            "pnpm",
            "npm install -g pnpm@10.34.9",
            f"pnpm install --no-frozen-lockfile {PNPM}",
        ),
        (
            {},
            {"yarn.lock": "# yarn lockfile v1\n"},
            "yarn",
            "npm install -g --force yarn@1.22.22",
            "yarn install --frozen-lockfile",
        ),
        (
            {"engines": {"yarn": ">=1"}},
            {},
            "yarn",
            "npm install -g --force yarn@1.22.22",
            "yarn install",
        ),
        (
            {"packageManager": "yarn@4.9.4"},
            {"yarn.lock": berry_lock(8)},
            "yarn",
            "npm install -g --force @yarnpkg/cli-dist@4.9.4",
            f"{BERRY} --immutable",
        ),
        (
            {},
            {"yarn.lock": berry_lock(6)},
            "yarn",
            "npm install -g --force @yarnpkg/cli-dist@3.8.7",
            f"{BERRY} --immutable",
        ),
        (
            {},
            {".yarnrc.yml": "nodeLinker: node-modules\n"},
            "yarn",
            "npm install -g --force @yarnpkg/cli-dist@4.18.1",
            f"{BERRY} --no-immutable",
        ),
        (
            {},
            {".yarnrc.yml": "yarnPath: .yarn/releases/yarn-3.2.4.cjs\n", "yarn.lock": ""},
            "yarn",
            "npm install -g --force yarn@1.22.22",
            f"{BERRY} --immutable",
        ),
    ],
)
def test_the_manager_and_how_it_is_got(
    keys: dict[str, object], files: dict[str, str], manager: str, setup: str, install: str
) -> None:
    found = one({"package.json": package(**keys), **files})
    assert (found.manager, found.setup, found.install) == (manager, setup, install)


@pytest.mark.parametrize("files", [{"bun.lock": ""}, {"bun.lockb": ""}])
def test_bun_is_not_taken_for_npm(files: dict[str, str]) -> None:
    files = {**files, "bunfig.toml": "", "a.js": ""}
    found = one({"package.json": package(scripts={"dev": "node a.js"}), **files})
    assert (found.manager, found.image, found.setup) == ("bun", "oven/bun:1", "")
    assert (found.install, found.cache) == (
        "bun install --frozen-lockfile",
        "/root/.bun/install/cache",
    )
    assert found.manifests == tuple(sorted({*files, "package.json"} - {"a.js"}))
    assert found.run == ("bun", "a.js")


RUN = ("npm", "run", "dev")
HOST = ("--", *node_frameworks.HOST)


@pytest.mark.parametrize(
    ("script", "dependencies", "run", "framework", "port", "reload"),
    [
        ("node server.js", ["express"], ("node", "server.js"), "express", 3000, "restart"),
        (
            "nodemon -w src --ext js,json -q 'my server.js' --flag",
            [],
            ("node", "my server.js", "--flag"),
            "",
            3000,
            "restart",
        ),
        ("nodemon --exec 'node x.js'", [], RUN, "", 3000, "none"),
        ("nodemon", [], RUN, "", 3000, "none"),
        ("nodemon --delay", [], RUN, "", 3000, "none"),
        (
            "nodemon index.ts",
            ["fastify", "ts-node"],
            ("node_modules/.bin/ts-node", "index.ts"),
            "fastify",
            3000,
            "restart",
        ),
        ("nodemon index.ts", ["fastify"], RUN, "fastify", 3000, "none"),
        (
            "node --watch --watch-path=src --env-file=.env server.js",
            [],
            ("node", "--env-file=.env", "server.js"),
            "",
            3000,
            "restart",
        ),
        ("node --watch-path src server.js", [], ("node", "server.js"), "", 3000, "restart"),
        ("node --test", [], RUN, "", 3000, "restart"),
        ("node", [], RUN, "", 3000, "restart"),
        ("tsx watch src/a.ts", ["tsx"], ("node_modules/.bin/tsx", "src/a.ts"), "", 3000, "restart"),
        ("tsx --inspect src/a.ts", ["tsx"], RUN, "", 3000, "restart"),
        ("tsx watch src/a.ts", [], RUN, "", 3000, "none"),
        ("ts-node a.ts", ["ts-node"], ("node_modules/.bin/ts-node", "a.ts"), "", 3000, "restart"),
        (
            "nest start --watch",
            ["@nestjs/core", "@nestjs/cli"],
            ("node_modules/.bin/nest", "start"),
            "nest",
            3000,
            "restart",
        ),
        ("nest build", ["@nestjs/core", "@nestjs/cli"], RUN, "nest", 3000, "restart"),
        ("PORT=4000 node a.js", ["koa"], RUN, "koa", 4000, "restart"),
        ("node a.js && echo $HOME", [], RUN, "", 3000, "restart"),
        ("node 'a.js", [], RUN, "", 3000, "restart"),
        ("next dev", ["next"], RUN, "next", 3000, "none"),
        ("next dev --port 3001", ["next"], RUN, "next", 3001, "none"),
        ("next dev -p3002", ["next"], RUN, "next", 3002, "none"),
        ("next dev -p 99999", ["next"], RUN, "next", 3000, "none"),
        ("vite", ["vite"], (*RUN, *HOST), "vite", 5173, "none"),
        ("cross-env X=1 vite dev", ["vite"], (*RUN, *HOST), "vite", 5173, "none"),
        ("vite --host", ["vite"], RUN, "vite", 5173, "none"),
        ("vite", ["vite", "@sveltejs/kit"], (*RUN, *HOST), "sveltekit", 5173, "none"),
        ("vite", [], (*RUN, *HOST), "vite", 5173, "none"),
        ("tsc && vite", ["vite"], RUN, "vite", 5173, "none"),
        ("react-router dev", ["@react-router/dev"], (*RUN, *HOST), "react-router", 5173, "none"),
        ("nuxt dev", ["nuxt"], (*RUN, *HOST), "nuxt", 3000, "none"),
        ("nuxi dev", ["nuxt"], (*RUN, *HOST), "nuxt", 3000, "none"),
        ("astro dev", ["astro"], (*RUN, *HOST), "astro", 4321, "none"),
        ("ng serve", ["@angular/core"], (*RUN, *HOST), "angular", 4200, "none"),
        ("react-scripts start", ["react-scripts"], RUN, "cra", 3000, "none"),
        ("vue-cli-service serve", ["@vue/cli-service"], RUN, "vue-cli", 8080, "none"),
        (
            "gatsby develop",
            ["gatsby"],
            (*RUN, "--", "-H", node_frameworks.HOST[1]),
            "gatsby",
            8000,
            "none",
        ),
        ("docusaurus start", ["@docusaurus/core"], (*RUN, *HOST), "docusaurus", 3000, "none"),
        ("turbo run dev --parallel", ["turbo"], RUN, "", 3000, "none"),
        ("node server.js", ["next", "express"], ("node", "server.js"), "express", 3000, "restart"),
        ("node server.js", ["vite"], ("node", "server.js"), "", 3000, "restart"),
    ],
)
def test_how_a_script_is_run(
    script: str,
    dependencies: list[str],
    run: tuple[str, ...],
    framework: str,
    port: int,
    reload: str,
) -> None:
    manifest = package(scripts={"dev": script}, dependencies=dict.fromkeys(dependencies, "*"))
    found = one({"package.json": manifest})
    assert (found.run, found.framework, found.port, found.reload) == (run, framework, port, reload)


@pytest.mark.parametrize(
    ("scripts", "run"),
    [
        (["start", "serve", "start:dev", "dev"], "dev"),
        (["start", "serve", "start:dev"], "start:dev"),
        (["start", "serve"], "serve"),
        (["start", "build"], "start"),
    ],
)
def test_the_order_of_scripts(scripts: list[str], run: str) -> None:
    found = one({"package.json": package(scripts=dict.fromkeys(scripts, "make it"))})
    assert found.run == ("npm", "run", run)


@pytest.mark.parametrize(
    ("keys", "files", "run"),
    [
        ({"main": "lib/x.js"}, ["lib/x.js", "server.js"], ("node", "lib/x.js")),
        ({"main": "./lib"}, ["lib/index.js"], ("node", "lib/index.js")),
        ({"main": "lib/x"}, ["lib/x.js"], ("node", "lib/x.js")),
        ({"main": "gone.js"}, ["index.js"], ("node", "index.js")),
        ({"main": "../out.js"}, ["app.js"], ("node", "app.js")),
        ({}, ["app.js", "index.js", "server.js"], ("node", "server.js")),
        ({}, ["src/index.mjs"], ("node", "src/index.mjs")),
        ({}, ["index.ts"], ("node", "index.ts")),
        ({"devDependencies": {"tsx": "*"}}, ["index.ts"], ("node_modules/.bin/tsx", "index.ts")),
        ({"dependencies": {"next": "*"}}, [], ("node_modules/.bin/next", "dev")),
        ({}, [], ()),
        ({"scripts": {"dev": "  ", "start": 3}}, [], ()),
    ],
)
def test_without_a_script(keys: dict[str, object], files: list[str], run: tuple[str, ...]) -> None:
    found = one({"package.json": package(**keys), **dict.fromkeys(files, "")})
    assert found.run == run
    assert (found.port is None) == (not run)


def test_the_procfile_is_the_last_resort() -> None:
    files = {"package.json": package(), "Procfile": "worker: x\nweb:  node a.js $PORT \r\n"}
    assert one(files).run == "node a.js $PORT"
    assert one({**files, "index.js": ""}).run == ("node", "index.js")


def test_hooks_around_a_script_are_left_to_the_manager() -> None:
    scripts = {"predev": "make", "dev": "node a.js", "start": "node a.js", "poststart": "x"}
    found = one({"package.json": package(scripts=scripts)})
    assert found.run == ("npm", "run", "dev")
    assert found.production.run == ("npm", "run", "start")


@pytest.mark.parametrize("file", ["nodemon.json", "package.json"])
def test_a_configured_nodemon_is_left_alone(file: str) -> None:
    config = {"nodemonConfig": {}} if file == "package.json" else {}
    manifest = package(scripts={"dev": "nodemon a.js"}, **config)
    found = one({file: "{}", "package.json": manifest})
    assert (found.run, found.reload) == (RUN, "none")


@pytest.mark.parametrize(
    ("code", "port"),
    [
        ("app.listen(8080)", 8080),
        ("const port = process.env.PORT || 4000", 4000),
        ("process.env['PORT'] ?? '4001'", 4001),
        ("const port = 5000;\nx.listen(port)", 5000),
        ("fastify.listen({ port: 3456 })", 3456),
        ("listen(99999)", 3000),
        ("", 3000),
    ],
)
def test_the_port_in_the_code(code: str, port: int) -> None:
    manifest = package(scripts={"start": "node srv.js"}, **EXPRESS)
    found = one({"package.json": manifest, "srv.js": code})
    assert found.port == port
    assert Env("PORT", str(port)) in found.env


@pytest.mark.parametrize(
    ("files", "keys", "version"),
    [
        ({}, {}, "22"),
        ({".nvmrc": "v14.18.1\n"}, {"engines": {"node": "20"}}, "14"),
        ({".nvmrc": "lts/iron"}, {}, "20"),
        ({".nvmrc": "lts/*\n"}, {}, "22"),
        ({".nvmrc": "node"}, {}, "22"),
        ({".nvmrc": "some_invalid_version"}, {"engines": {"node": "20"}}, "20"),
        ({".node-version": "20.1.0"}, {}, "20"),
        ({".tool-versions": "python 3.1\nnodejs 18.20.1\n"}, {}, "18"),
        ({"mise.toml": '[tools]\nnode = "24"\n'}, {}, "24"),
        ({"mise.toml": "broken ["}, {"volta": {"node": "20.1.1"}}, "20"),
        ({}, {"engines": {"node": ">=18"}}, "22"),
        ({}, {"devEngines": {"runtime": {"name": "node", "version": "^24"}}}, "24"),
    ],
)
def test_the_version_of_node(files: dict[str, str], keys: dict[str, object], version: str) -> None:
    found = one({"package.json": package(**keys), **files})
    assert (found.version, found.image) == (version, f"node:{version}-slim")


@pytest.mark.parametrize(
    ("spec", "image"),
    [
        ("^4.1.0", "node:22-slim"),
        ("npm:left-pad@1", "node:22-slim"),
        ("git+https://host/x.git", "node:22"),
        ("owner/repo#semver:^1", "node:22"),
        ("github:owner/repo", "node:22"),
    ],
)
def test_git_dependencies_need_an_image_with_git(spec: str, image: str) -> None:
    assert one({"package.json": package(dependencies={"x": spec})}).image == image


WORKSPACE = {
    "packages/a/package.json": package(),
    "packages/b/package.json": package(),
    "packages/b/node_modules/c/package.json": package(),
    "other/package.json": package(),
}
MEMBERS = ("packages/a/package.json", "packages/b/package.json")


@pytest.mark.parametrize(
    ("keys", "files"),
    [
        ({"workspaces": ["packages/*"]}, {}),
        ({"workspaces": {"packages": ["packages/*"]}}, {"yarn.lock": ""}),
        ({}, {"pnpm-workspace.yaml": "packages:\n- 'packages/*' # x\n\n  - '!other'\nother: 1\n"}),
        ({}, {"pnpm-workspace.yaml": 'packages: ["packages/*"]\n'}),
    ],
)
def test_workspace_members(keys: dict[str, object], files: dict[str, str]) -> None:
    if "pnpm-workspace.yaml" in files:
        keys = {"packageManager": "pnpm@10.0.0", **keys}
    found = one({"package.json": package(**keys), **files, **WORKSPACE})
    assert found.manifests == tuple(sorted({"package.json", *files, *MEMBERS}))
    assert found.keep == ("node_modules", "packages/a/node_modules", "packages/b/node_modules")


def test_a_pnpm_workspace_without_packages() -> None:
    files = {"pnpm-workspace.yaml": "allowBuilds:\n  x: true\n", "pnpm-lock.yaml": ""}
    found = one({"package.json": package(), **files, **WORKSPACE})
    assert found.keep == ("node_modules",)


def test_all_manifests_that_an_install_reads() -> None:
    named = [
        ".npmrc",
        ".nvmrc",
        "lib/package.json",
        "package-lock.json",
        "package.json",
        "patches/x+1.0.0.patch",
        "prisma/schema.prisma",
        "vendored.tgz",
    ]
    others = ["README.md", "lib/index.js", "yarn.lock", "prisma/migrations/1.sql", ".env", "a\nb"]
    manifest = package(
        dependencies={"lib": "file:./lib", "v": "file:vendored.tgz", "out": "file:../x"},
    )
    files: dict[str, object] = {**dict.fromkeys([*named, *others], "{}"), "package.json": manifest}
    assert one(files).manager == "yarn"
    del files["yarn.lock"]
    assert list(one(files).manifests) == named
    assert not one(files).needs_source


@pytest.mark.parametrize(
    ("keys", "needs"),
    [
        ({"scripts": {"prepare": "husky"}}, False),
        ({"scripts": {"postinstall": "npx patch-package"}}, False),
        ({"scripts": {"postinstall": "prisma generate", "build": "tsc"}}, False),
        ({"scripts": {"postinstall": "node scripts/setup.js"}}, True),
        ({"scripts": {"prepare": "npm run build"}}, True),
        ({"scripts": {"prepare": "husky && evil"}}, True),
        ({"packageManager": "pnpm@10.0.0", "dependencies": {"l": "file:lib"}}, True),
        ({"packageManager": "pnpm@10.0.0", "dependencies": {"l": "link:lib"}}, False),
    ],
)
def test_an_install_that_needs_the_source(keys: dict[str, object], needs: bool) -> None:
    files = {"package.json": package(**keys), "lib/package.json": package()}
    assert one(files).needs_source is needs


@pytest.mark.parametrize(
    ("npmrc", "secrets"),
    [
        ("registry=https://r.example/\n", ()),
        ("//r.example/:_authToken=abc\n", (".npmrc",)),
        ("_auth=abc", (".npmrc",)),
    ],
)
def test_credentials_are_secrets(npmrc: str, secrets: tuple[str, ...]) -> None:
    found = one({"package.json": package(), ".npmrc": npmrc})
    assert found.secrets == secrets
    assert (".npmrc" in found.ignore) == bool(secrets)


ZERO = {
    ".pnp.cjs": "",
    ".pnp.loader.mjs": "",
    ".yarn/cache/a.zip": "",
    ".yarn/releases/yarn.cjs": "",
    ".yarn/unplugged/x": "",
    "yarn.lock": berry_lock(8),
}


def test_a_committed_pnp_cache_is_used_as_it_stands() -> None:
    manifest = package(packageManager="yarn@4.9.4", scripts={"dev": "node a.js"})
    found = one({"package.json": manifest, **ZERO})
    assert found.keep == (".yarn/unplugged",)
    assert found.run == ("yarn", "node", "a.js")
    assert {".pnp.cjs", ".yarn/cache/a.zip", ".yarn/releases/yarn.cjs"} <= {*found.manifests}
    assert ".yarn/unplugged/x" not in found.manifests
    assert ".yarn/cache" not in found.ignore
    assert not [env for env in found.env if env.name == "YARN_NODE_LINKER"]


def test_a_pnp_project_without_a_cache_gets_node_modules() -> None:
    manifest = package(packageManager="yarn@4.9.4", scripts={"dev": "next dev"})
    files = {"package.json": manifest, ".pnp.cjs": "", "yarn.lock": ""}
    found = one(files)
    assert found.keep == ("node_modules",)
    assert found.env == (Env("YARN_NODE_LINKER", "node-modules"),)
    assert found.run == ("node", "--run", "dev")
    assert one({**files, ".nvmrc": "20"}).run == ("npm", "run", "dev")
    assert one({**files, ".yarnrc.yml": "nodeLinker: pnpm\n"}).env == ()
    assert ".pnp.cjs" not in found.manifests


def test_zero_install_runs_typescript_through_yarn() -> None:
    manifest = package(scripts={"dev": "tsx a.ts"}, devDependencies={"tsx": "*"})
    assert one({"package.json": manifest, **ZERO}).run == ("yarn", "run", "dev")


@pytest.mark.parametrize(
    ("keys", "static", "run", "prune"),
    [
        (
            {"scripts": {"dev": "vite", "build": "vite build"}, "devDependencies": {"vite": "1"}},
            "dist",
            ("npm", "run", "dev", *HOST),
            "",
        ),
        (
            {
                "scripts": {"dev": "vite", "build": "vite build", "start": "node srv.js"},
                "devDependencies": {"vite": "1"},
            },
            "",
            ("node", "srv.js"),
            "npm prune --omit=dev",
        ),
        (
            {"scripts": {"start": "ts-node a.ts"}, "devDependencies": {"ts-node": "1"}},
            "",
            ("node_modules/.bin/ts-node", "a.ts"),
            "",
        ),
        (
            {
                "scripts": {"start": "nest start"},
                "dependencies": {"@nestjs/core": "1"},
                "devDependencies": {"@nestjs/cli": "1"},
            },
            "",
            ("node_modules/.bin/nest", "start"),
            "",
        ),
        (
            {"scripts": {"dev": "next dev", "build": "next build", "start": "next start"}},
            "",
            ("npm", "run", "start"),
            "npm prune --omit=dev",
        ),
        ({}, "", (), ""),
        (
            {"scripts": {"start": "node a.js"}, "packageManager": "pnpm@10.0.0"},
            "",
            ("node", "a.js"),
            f"CI=true pnpm install --prod --ignore-scripts --offline {PNPM}",
        ),
        (
            {"scripts": {"start": "node a.js"}, "packageManager": "yarn@1.22.22"},
            "",
            ("node", "a.js"),
            "yarn install --production --ignore-scripts --prefer-offline",
        ),
        (
            {"scripts": {"start": "node a.js"}, "packageManager": "yarn@3.8.7"},
            "",
            ("node", "a.js"),
            "",
        ),
    ],
)
def test_production(keys: dict[str, Any], static: str, run: tuple[str, ...], prune: str) -> None:
    production = one({"package.json": package(**keys)}).production
    assert (production.static, production.run, production.prune) == (static, run, prune)
    assert bool(production.build) == ("build" in keys.get("scripts", {}))


def test_production_of_berry_4_and_of_a_locked_classic() -> None:
    manifest = package(scripts={"start": "node a.js"}, packageManager="yarn@4.9.4")
    berry = one({"package.json": manifest, "yarn.lock": berry_lock(8)}).production
    assert berry.prune.endswith("yarn workspaces focus --all --production")
    manifest["packageManager"] = "yarn@1.22.22"
    classic = one({"package.json": manifest, "yarn.lock": ""}).production
    assert classic.prune.endswith(" --frozen-lockfile")


@pytest.mark.parametrize("content", ["{", "[]", "\xff", '{"scripts": [], "workspaces": 3}'])
def test_a_broken_package_reads_as_empty(content: str) -> None:
    found = one({"package.json": content})
    assert (found.manager, found.run, found.manifests) == ("npm", (), ("package.json",))
