"""Gradle: build scripts are programs, so they count as they stand."""

from __future__ import annotations

import re
import shlex

from devloop.model import Command
from devloop.stacks import paths, versions
from devloop.stacks.base import Snapshot
from devloop.stacks.java.build import BuildFacts
from devloop.stacks.java.maven import jar

NAME = "gradle"
HOME = "/opt/gradle-home"
KEEP: tuple[str, ...] = (".gradle", "build")
ENV: tuple[tuple[str, str], ...] = (("GRADLE_USER_HOME", HOME),)
DEFAULT = "8"
_BUILDS = ("build.gradle", "build.gradle.kts")
_SETTINGS = ("settings.gradle", "settings.gradle.kts")
_WRAPPER = "gradle/wrapper/gradle-wrapper.properties"
_JAR = "gradle/wrapper/gradle-wrapper.jar"
_NAMES = frozenset(
    {*_BUILDS, *_SETTINGS, "gradle.properties", "gradle.lockfile", "libs.versions.toml", "gradlew"}
)
_INCLUDE = re.compile(r"""^\s*include(?:\s|\()([^\n]*(?:,\s*\n[^\n]*)*)""", re.MULTILINE)
_QUOTED = re.compile(r"""['"]:?([\w:.-]+)['"]""")
_JAVA = (
    re.compile(r"JavaLanguageVersion\.of\(\s*(\d{1,2})"),
    re.compile(r"jvmToolchain\(\s*(\d{1,2})"),
    re.compile(r"(?:source|target)Compatibility\s*=?\s*\(?['\"]?(?:1\.)?(\d{1,2})"),
    re.compile(r"(?:source|target)Compatibility\s*=?\s*JavaVersion\.VERSION_(?:1_)?(\d{1,2})"),
)
_DISTRIBUTION = re.compile(r"gradle-(\d{1,2}(?:\.\d{1,3}){0,2})-(?:bin|all)\.zip")
# The newest Java with long support that a release of Gradle runs on.
_RUNS_ON = (((9, 1), "25"), ((8, 5), "21"), ((7, 3), "17"), ((5, 0), "11"), ((0,), "8"))


def is_here(snapshot: Snapshot) -> bool:
    """Say whether the project is built with Gradle."""
    return bool(snapshot.present(*_BUILDS, *_SETTINGS, "gradlew"))


def is_manifest(path: str) -> bool:
    """Say by its name whether a file can be a manifest of Gradle's."""
    return paths.name(path) in _NAMES or path.startswith(("gradle/wrapper/", "buildSrc/"))


def wanted(snapshot: Snapshot) -> tuple[str, ...]:
    """Name the build scripts and what says Gradle's version."""
    return (*_scripts(snapshot), *_SETTINGS, _WRAPPER)


def manifests(snapshot: Snapshot) -> tuple[str, ...]:
    """Name every file that configures the build."""
    own = {path for path in snapshot.paths if path.startswith(("gradle/", "buildSrc/"))}
    locks = {f"{folder}/gradle.lockfile".lstrip("/") for folder in _folders(snapshot)}
    named = {*_scripts(snapshot), *_SETTINGS, "gradle.properties", "gradlew"}
    return tuple({*named, *locks, *(path for path in own if "/build/" not in path)})


def read(snapshot: Snapshot) -> BuildFacts:
    """Read the build scripts."""
    text = "".join(snapshot.text(path) for path in _scripts(snapshot))
    folders = tuple(_folders(snapshot))
    released = _DISTRIBUTION.search(snapshot.text(_WRAPPER))
    tool = released[1] if released else ""
    matches = (pattern.search(text) for pattern in _JAVA)
    asked = next((match[1] for match in matches if match), "")
    wrapper = {"gradlew", _JAR} <= snapshot.paths
    java = _java(asked, tool)
    return BuildFacts(
        java,
        _framework(text),
        folders,
        _application(snapshot, folders),
        wrapper,
        _starts(text),
        tool,
    )


def image(found: BuildFacts, java: str) -> str:
    """Give an image with a JDK, and with Gradle where the project does not bring its own."""
    if found.wrapper:
        return f"eclipse-temurin:{java}-jdk"
    return f"gradle:{found.tool or DEFAULT}-jdk{java}"


def install(found: BuildFacts) -> str:
    """Give the shell line that resolves the dependencies of every module."""
    tasks = (f":{folder.replace('/', ':')}:dependencies" for folder in found.folders if folder)
    return " ".join([_gradle(found), "--no-daemon", "dependencies", *map(shlex.quote, tasks)])


def run(found: BuildFacts, main: str) -> Command:
    """Give the command that compiles and starts the app; the build files name its class."""
    del main
    tasks = {"spring-boot": "bootRun", "quarkus": "quarkusDev"}
    task = tasks.get(found.framework) or ("run" if found.framework or found.starts else "")
    where = f":{found.application.replace('/', ':')}:" if found.application else ""
    command = (*_gradle(found).split(), "--no-daemon", "--quiet", f"{where}{task}")
    return command if task else ()


def package(found: BuildFacts, main: str) -> str:
    """Give the shell line that puts the jar, or the distribution, into /opt/app."""
    del main
    home = f"{found.application}/build" if found.application else "build"
    gradle = f"{_gradle(found)} --no-daemon"
    if found.framework == "spring-boot":
        return f"{gradle} bootJar && {jar(f'{home}/libs')}"
    if found.framework == "quarkus":
        return f"{gradle} quarkusBuild && cp -r {shlex.quote(home)} /opt/app"
    if not found.starts:
        return f"{gradle} assemble && mkdir -p /opt/app"
    copied = f"find {shlex.quote(home)}/install -name '*.jar' -exec cp {{}} /opt/app/lib/ \\;"
    return f"{gradle} installDist && mkdir -p /opt/app/lib && {copied}"


def _gradle(found: BuildFacts) -> str:
    """Call the wrapper by sh: a checkout from Windows has lost its executable bit."""
    return "sh gradlew" if found.wrapper else "gradle"


def _starts(text: str) -> bool:
    """Say whether the plugin that runs a main class is applied."""
    return (
        re.search(r"""['"]application['"]|^\s*`?application`?\s*$""", text, re.MULTILINE)
        is not None
    )


def _java(asked: str, tool: str) -> str:
    """Give the Java asked for, or the newest that the project's Gradle runs on."""
    if asked or not tool:
        return asked
    release = versions.numbers(tool)
    return next(java for since, java in _RUNS_ON if release >= since)


def _framework(text: str) -> str:
    known = {
        "org.springframework.boot": "spring-boot",
        "spring-boot-gradle-plugin": "spring-boot",
        "io.quarkus": "quarkus",
        "io.micronaut": "micronaut",
        "io.ktor": "ktor",
    }
    return next((name for word, name in known.items() if word in text), "")


def _folders(snapshot: Snapshot) -> list[str]:
    """Give the folders of the project and of what settings.gradle includes, sorted."""
    text = "".join(snapshot.text(path) for path in _SETTINGS)
    named = {name for match in _INCLUDE.findall(text) for name in _QUOTED.findall(match)}
    inside = (paths.join("", name.replace(":", "/")) for name in named)
    return sorted({"", *(path for path in inside if path and path != ".")})


def _scripts(snapshot: Snapshot) -> tuple[str, ...]:
    found = (f"{folder}/{name}".lstrip("/") for folder in _folders(snapshot) for name in _BUILDS)
    return snapshot.present(*found)


def _application(snapshot: Snapshot, folders: tuple[str, ...]) -> str:
    """Give the folder of the module with the application, empty for the project itself."""
    if any(path.startswith("src/main/") for path in snapshot.paths):
        return ""
    words = ("org.springframework.boot", "application", "io.quarkus")
    texts = {
        folder: "".join(snapshot.text(f"{folder}/{name}") for name in _BUILDS)
        for folder in folders
        if folder
    }
    found = (folder for folder, text in texts.items() if any(word in text for word in words))
    return next(found, "")
