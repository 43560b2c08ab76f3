"""Rust: Cargo packages and workspaces, whose dependencies are compiled outside the mount."""

from __future__ import annotations

import re
from collections.abc import Mapping

from devloop.stacks import code, paths, versions
from devloop.stacks.base import Detection, Env, ManifestError, Production, Snapshot
from devloop.stacks.parse import decode, reach, string, toml_table
from devloop.stacks.rust import cargo as rust_cargo
from devloop.stacks.rust import facts as rust_facts
from devloop.stacks.rust.cargo import CARGO, Crate

NAME = "rust"
FACTS = rust_facts.FACTS
SUFFIXES = frozenset({".rs", ".html", ".hbs", ".tera", ".sql", ".css"})
IGNORE = ("**/target",)
TOOLCHAINS = ("rust-toolchain.toml", "rust-toolchain")
FRAMEWORKS = {"axum": 3000, "rocket": 8000, "actix-web": 8080, "warp": 3030, "poem": 3000}
_CONFIG = (".cargo/config.toml", ".cargo/config")
_NAMES = frozenset({CARGO, "Cargo.lock", "build.rs", *TOOLCHAINS})
# Their build scripts look for a system library, which slim images lack.
_SYSTEM = frozenset({"openssl", "openssl-sys", "native-tls", "reqwest", "git2", "pq-sys", "diesel"})
_CHANNEL = re.compile(r"\d{1,3}\.\d{1,3}(?:\.\d{1,3})?")
_PLAIN = re.compile(r"[\w-]+")


def wanted(snapshot: Snapshot) -> frozenset[str]:
    """Name the manifests of all crates and the sources that may say the port."""
    if CARGO not in snapshot.paths:
        return frozenset()
    found = rust_cargo.crates(snapshot)
    mains = (path for crate in found for path in crate.mains(snapshot))
    first = (CARGO, "Cargo.lock", *TOOLCHAINS, *(crate.path for crate in found))
    return frozenset(snapshot.present(*first, *mains))


def detect(snapshot: Snapshot) -> Detection | None:
    """Say how a Cargo project is compiled and run."""
    if CARGO not in snapshot.paths:
        return None
    found = rust_cargo.crates(snapshot)
    crate, program = _program(found)
    names = {name for one in found for name in one.dependencies}
    framework, port = _server(snapshot, names, crate)
    channel, version = _version(snapshot, found)
    image = f"rust:{channel or version}"
    flags = _flags(found, crate, program)
    return Detection(
        name=NAME,
        manager="cargo",
        framework=framework,
        version=channel or version,
        image=image if _needs_system(snapshot, names) else f"{image}-slim",
        manifests=_manifests(snapshot, found),
        install=rust_cargo.dummies(snapshot, found),
        cache="",
        run=("cargo", "run", *flags) if program else (),
        port=port if program else None,
        reload="restart",
        suffixes=SUFFIXES,
        stores=("/opt/cargo", "/opt/target"),
        env=(
            Env("CARGO_HOME", "/opt/cargo"),
            Env("CARGO_TARGET_DIR", "/opt/target"),
            *_env(framework, port),
        ),
        ignore=IGNORE,
        production=_production(program, flags, port, system=_needs_system(snapshot, names)),
    )


def is_manifest(path: str) -> bool:
    """Say by its name whether a file can be a manifest of a Cargo project."""
    return paths.name(path) in _NAMES or path.endswith(_CONFIG)


def fields(path: str, content: bytes, manager: str) -> Mapping[str, object] | None:
    """Give what counts in a Cargo.toml; None for all else."""
    del manager
    return rust_cargo.fields(content) if paths.name(path) == CARGO else None


def _manifests(snapshot: Snapshot, found: list[Crate]) -> tuple[str, ...]:
    scripts = (paths.join(crate.folder, "build.rs") or "" for crate in found)
    named = {"Cargo.lock", *_CONFIG, *TOOLCHAINS, *scripts, *(crate.path for crate in found)}
    return tuple(sorted(snapshot.present(*named)))


def _program(found: list[Crate]) -> tuple[Crate | None, str]:
    """Give the crate that holds the app and the name of its program."""
    for crate in found:
        programs = crate.programs()
        chosen = crate.text("package", "default-run")
        chosen = chosen or next((name for name in programs if name == crate.name), "")
        if programs:
            return crate, chosen or programs[0]
    return None, ""


def _flags(found: list[Crate], crate: Crate | None, program: str) -> tuple[str, ...]:
    if crate is None:
        return ()
    package = ("--package", crate.name) if crate is not found[0] else ()
    return (*package, "--bin", program)


def _server(snapshot: Snapshot, names: set[str], crate: Crate | None) -> tuple[str, int | None]:
    texts = [snapshot.text(path) for path in crate.mains(snapshot)] if crate else []
    for framework, usual in FRAMEWORKS.items():
        if framework in names:
            return framework, code.port(*texts) or usual
    serving = [text for text in texts if "TcpListener" in text or "hyper" in names]
    return "", code.port(*serving)


def _env(framework: str, port: int | None) -> tuple[Env, ...]:
    host = "0.0.0.0"  # noqa: S104 - published on loopback only
    rocket = (Env("ROCKET_ADDRESS", host), Env("ROCKET_PORT", str(port)))
    return (
        *(rocket if framework == "rocket" else ()),
        *((Env("PORT", str(port)),) if port else ()),
    )


def _version(snapshot: Snapshot, found: list[Crate]) -> tuple[str, str]:
    """Give the exact release that rustup's file asks for, and the one that the crates allow."""
    channel = _channel(snapshot)
    asked = [crate.text("package", "rust-version") for crate in found]
    asked.append(string(reach(found[0].data, "workspace", "package", "rust-version")))
    newest = max(filter(None, asked), key=versions.numbers, default="")
    release = versions.choose(versions.RUST, [f">={newest}"] if newest else [])
    return channel if _CHANNEL.fullmatch(channel) else "", release


def _channel(snapshot: Snapshot) -> str:
    for path in snapshot.present(*TOOLCHAINS):
        try:
            content = snapshot.contents.get(path, b"")
            text = decode(content).strip()
            return (
                text
                if _CHANNEL.fullmatch(text)
                else string(reach(toml_table(content), "toolchain", "channel"))
            )
        except ManifestError:
            continue
    return ""


def _needs_system(snapshot: Snapshot, names: set[str]) -> bool:
    locked = re.findall(r'^name = "([\w-]+)"', snapshot.text("Cargo.lock"), re.MULTILINE)
    return bool(_SYSTEM & ({*locked} or names))


def _production(
    program: str, flags: tuple[str, ...], port: int | None, *, system: bool
) -> Production:
    """Ship the program alone, on the build's own image where it needs a system library."""
    if not program or not all(_PLAIN.fullmatch(word) for word in flags):
        return Production()
    build = f"cargo build --release {' '.join(flags)} && cp /opt/target/release/{program} /opt/app"
    return Production(
        build=build,
        run=("app",),
        port=port,
        image="" if system else "debian:trixie-slim",
    )
