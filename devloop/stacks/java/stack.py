"""Java and Kotlin: Maven and Gradle, with repositories outside the mount."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from devloop.stacks import code, paths, versions
from devloop.stacks.base import Detection, Env, Production, Snapshot
from devloop.stacks.java import facts as java_facts
from devloop.stacks.java import gradle as java_gradle
from devloop.stacks.java import maven as java_maven
from devloop.stacks.java.build import BuildFacts, BuildTool
from devloop.stacks.java.facts import VERSION_FILES

NAME = "java"
FACTS = java_facts.FACTS
SUFFIXES = frozenset(
    {".java", ".kt", ".groovy", ".scala", ".properties", ".yml", ".yaml", ".html", ".sql", ".xml"}
)
MAX_SOURCES = 12
_VERSIONS = (
    re.compile(r"^\s*(?:1\.)?(\d{1,2})\b"),
    re.compile(r"^java=(?:1\.)?(\d{1,2})\b", re.MULTILINE),
    re.compile(r"^java\.runtime\.version=(?:1\.)?(\d{1,2})\b", re.MULTILINE),
    re.compile(r"^java[ \t]+[a-z-]*(?:1\.)?(\d{1,2})\b", re.MULTILINE),
)
_MAIN = re.compile(r"\bstatic\s+(?:final\s+)?void\s+main\s*\(|\bfun\s+main\s*\(")
_PACKAGE = re.compile(r"^\s*package\s+([\w.]+)", re.MULTILINE)
_SOURCE = re.compile(
    r"(?:[^/]+/)?src/main/(?:java|kotlin)/(?:.+/)?\w*(?:Main|App|Application|Server)\w*\.(?:java|kt)"
)
_SETTINGS = re.compile(r"(?:[^/]+/)?src/main/resources/application\.(?:properties|ya?ml)")
_PORT = re.compile(
    r"^server\.port\s*=\s*(?:\$\{\w+:)?(\d{2,5})|^server:\s*\n\s+port:\s*(?:\$\{\w+:)?(\d{2,5})",
    re.MULTILINE,
)


def wanted(snapshot: Snapshot) -> frozenset[str]:
    """Name the build files, what says the version, and the sources that may hold ``main``."""
    build = _build(snapshot)
    if build is None:
        return frozenset()
    first = (*VERSION_FILES, *build.wanted(snapshot), "Procfile")
    return frozenset(snapshot.present(*first, *_sources(snapshot), *_settings(snapshot)))


def detect(snapshot: Snapshot) -> Detection | None:
    """Say how a Maven or Gradle project is built and run."""
    build = _build(snapshot)
    if build is None:
        return None
    found = build.read(snapshot)
    version = _version(snapshot, found.java)
    main, module = _main_class(snapshot)
    if main and module in found.folders:
        found = replace(found, application=module)
    port = _port(snapshot) if found.framework else _plain_port(snapshot)
    run = build.run(found, main)
    keep = _keep(found, build)
    return Detection(
        name=NAME,
        manager=build.NAME,
        framework=found.framework,
        version=version,
        image=build.image(found, version),
        manifests=tuple(sorted(snapshot.present(*build.manifests(snapshot), *VERSION_FILES))),
        install=build.install(found),
        cache="",
        run=run,
        port=port if run else None,
        reload="none" if found.framework == "quarkus" else "restart",
        suffixes=SUFFIXES,
        keep=keep,
        stores=(build.HOME,),
        env=tuple(Env(name, value) for name, value in build.ENV),
        ignore=keep,
        production=Production(
            build=build.package(found, main),
            run=_shipped(found.framework, main),
            port=port,
            image=f"eclipse-temurin:{version}-jre",
        ),
    )


def is_manifest(path: str) -> bool:
    """Say by its name whether a file can be a manifest of a Maven or Gradle project."""
    own = path in {".java-version", ".sdkmanrc", "system.properties"}
    return own or java_maven.is_manifest(path) or java_gradle.is_manifest(path)


def fields(path: str, content: bytes, manager: str) -> Mapping[str, object] | None:
    """Give what counts in a pom.xml; None for all else: Gradle's files are programs."""
    del manager
    return java_maven.fields(content) if paths.name(path) == java_maven.POM else None


def _build(snapshot: Snapshot) -> BuildTool | None:
    builds: tuple[BuildTool, ...] = (java_maven, java_gradle)
    return next((build for build in builds if build.is_here(snapshot)), None)


def _keep(found: BuildFacts, build: BuildTool) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}".lstrip("/") for folder in found.folders for name in build.KEEP)


def _version(snapshot: Snapshot, asked: str) -> str:
    """Give the oldest release with long support that compiles what is asked for."""
    texts = [snapshot.text(path) for path in VERSION_FILES]
    found = (pattern.search(text) for pattern, text in zip(_VERSIONS, texts, strict=True))
    pinned = next((match[1] for match in found if match), asked)
    number = (versions.numbers(pinned) or versions.JAVA.default)[0]
    fits = (release for (release, *_) in versions.JAVA.known if release >= number)
    return str(next(fits, versions.JAVA.known[-1][0]))


def _sources(snapshot: Snapshot) -> tuple[str, ...]:
    found = (path for path in snapshot.paths if _SOURCE.fullmatch(path))
    return tuple(sorted(found, key=lambda path: (path.count("/"), path))[:MAX_SOURCES])


def _settings(snapshot: Snapshot) -> tuple[str, ...]:
    return tuple(sorted(path for path in snapshot.paths if _SETTINGS.fullmatch(path)))[:MAX_SOURCES]


def _main_class(snapshot: Snapshot) -> tuple[str, str]:
    """Give the full name of the class that is started and its module's folder, empty if none."""
    for path in _sources(snapshot):
        text = snapshot.text(path)
        if _MAIN.search(text):
            package = _PACKAGE.search(text)
            stem = paths.name(path).removesuffix(".java").replace(".kt", "Kt")
            name = f"{package[1]}.{stem}" if package else stem
            module = path.rpartition("src/main/")[0].rstrip("/")
            return (name, module) if name.isascii() else ("", "")
    return "", ""


def _port(snapshot: Snapshot) -> int:
    found = (_PORT.search(snapshot.text(path)) for path in _settings(snapshot))
    numbers = (int(match[1] or match[2]) for match in found if match)
    return next((number for number in numbers if 0 < number <= code.MAX_PORT), 8080)


def _plain_port(snapshot: Snapshot) -> int | None:
    texts = [snapshot.text(path) for path in _sources(snapshot)]
    return code.port(*(text for text in texts if "Server" in text))


def _shipped(framework: str, main: str) -> tuple[str, ...]:
    if framework == "quarkus":
        return ("java", "-jar", "quarkus-app/quarkus-run.jar")
    if framework:
        return ("java", "-jar", "app.jar")
    return ("java", "-cp", "app.jar:lib/*", main) if main else ()
