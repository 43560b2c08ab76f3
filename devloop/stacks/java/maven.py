"""Maven: pom.xml of the project and its modules."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree as ET

from devloop.model import Command
from devloop.stacks import paths
from devloop.stacks.base import ManifestError, Snapshot
from devloop.stacks.java.build import BuildFacts
from devloop.stacks.parse import MAX_DEPTH
from devloop.stacks.xml import parse_xml

NAME = "maven"
POM = "pom.xml"
HOME = "/opt/m2"
KEEP: tuple[str, ...] = ("target",)
ENV: tuple[tuple[str, str], ...] = (("MAVEN_OPTS", f"-Dmaven.repo.local={HOME}"),)
MAX_MODULES = 5000
_COUNTED = frozenset(
    {
        "parent",
        "groupId",
        "artifactId",
        "packaging",
        "dependencies",
        "dependencyManagement",
        "properties",
        "repositories",
        "pluginRepositories",
        "build",
        "modules",
        "profiles",
    }
)
_JAVA = ("java.version", "maven.compiler.release", "maven.compiler.source", "maven.compiler.target")
_FRAMEWORKS = {"spring-boot": "spring-boot", "quarkus": "quarkus", "micronaut": "micronaut"}
_PLAIN = re.compile(r"[\w./-]+")


def is_here(snapshot: Snapshot) -> bool:
    """Say whether the project is built with Maven."""
    return POM in snapshot.paths


def is_manifest(path: str) -> bool:
    """Say by its name whether a file can be a manifest of Maven's."""
    return paths.name(path) == POM or path == "mvnw" or path.startswith(".mvn/")


def wanted(snapshot: Snapshot) -> tuple[str, ...]:
    """Name the pom.xml of the project and its modules."""
    return _poms(snapshot)


def manifests(snapshot: Snapshot) -> tuple[str, ...]:
    """Name every pom.xml and what configures Maven itself."""
    own = (path for path in snapshot.paths if path.startswith(".mvn/"))
    return (*_poms(snapshot), *own, "mvnw")


def fields(content: bytes) -> Mapping[str, object]:
    """Give what counts in a pom.xml; ``ManifestError`` if it does not parse."""
    root = parse_xml(content)
    return {_name(item): _value(item, MAX_DEPTH) for item in root if _name(item) in _COUNTED}


def read(snapshot: Snapshot) -> BuildFacts:
    """Read the pom.xml of the project and its modules."""
    poms = _poms(snapshot)
    text = "".join(snapshot.text(path) for path in poms)
    framework = next((name for word, name in _FRAMEWORKS.items() if word in text), "")
    found = (re.search(rf"<{re.escape(key)}>\s*(?:1\.)?(\d{{1,2}})\b", text) for key in _JAVA)
    java = next((match[1] for match in found if match), "")
    folders = tuple(sorted(map(paths.folder, poms)))
    return BuildFacts(java, framework, folders, _application(snapshot, poms))


def image(found: BuildFacts, java: str) -> str:
    """Give the official image; a wrapper would only fetch another Maven."""
    del found
    return f"maven:3.9-eclipse-temurin-{java}"


def install(found: BuildFacts) -> str:
    """Give the shell line that fetches dependencies and plugins.

    Modules that depend on each other find each other only in a build that compiles.
    """
    compiled = "compile " if len(found.folders) > 1 else ""
    return f"mvn -B {compiled}dependency:go-offline"


def run(found: BuildFacts, main: str) -> Command:
    """Give the command that compiles and starts the app."""
    goals = {"spring-boot": "spring-boot:run", "quarkus": "quarkus:dev", "micronaut": "mn:run"}
    goal = goals.get(found.framework, "")
    if found.application and (goal or main):
        module = shlex.quote(found.application)
        started = goal or f"exec:java -Dexec.mainClass={main}"
        return f"mvn -q -pl {module} -am install -DskipTests && exec mvn -q -pl {module} {started}"
    if goal:
        host = ("-Dquarkus.http.host=0.0.0.0",) if goal == "quarkus:dev" else ()
        return ("mvn", "-q", goal, *host)
    return ("mvn", "-q", "compile", "exec:java", f"-Dexec.mainClass={main}") if main else ()


def package(found: BuildFacts, main: str) -> str:
    """Give the shell line that puts the jar, with what it needs, into /opt/app."""
    home = f"{found.application}/target" if found.application else "target"
    module = f" -pl {shlex.quote(found.application)} -am" if found.application else ""
    if found.framework == "quarkus":
        return f"mvn -B{module} package -DskipTests && cp -r {shlex.quote(home)} /opt/app"
    libraries = "" if found.framework or not main else _LIBRARIES
    return f"mvn -B{module} package{libraries} -DskipTests && {jar(home)}"


_LIBRARIES = " dependency:copy-dependencies -DoutputDirectory=/opt/app/lib"


def jar(folder: str) -> str:
    """Give the shell line that takes the one jar of a folder that is the app."""
    others = " ".join(f"! -name '*-{kind}.jar'" for kind in ("plain", "sources", "javadoc"))
    find = f"find {shlex.quote(folder)} -maxdepth 1 -name '*.jar' {others} ! -name 'original-*'"
    return f"mkdir -p /opt/app && {find} -exec cp {{}} /opt/app/app.jar \\;"


def _application(snapshot: Snapshot, poms: tuple[str, ...]) -> str:
    """Give the folder of the module that has the framework's plugin, or the only one with code."""
    modules = [path for path in poms if path != POM]
    if not modules or any(path.startswith("src/main/") for path in snapshot.paths):
        return ""
    booting = [path for path in modules if re.search(r"-maven-plugin<", snapshot.text(path))]
    homes = [paths.folder(path) for path in booting or modules]
    plain = [home for home in homes if _PLAIN.fullmatch(home)]
    return plain[0] if plain else ""


def _poms(snapshot: Snapshot) -> tuple[str, ...]:
    """Give the pom.xml of the project and of the modules that are reached from it, sorted."""
    found: set[str] = set()
    waiting = [POM]
    while waiting and len(found) < MAX_MODULES:
        path = waiting.pop()
        if path in snapshot.paths and path not in found:
            found.add(path)
            waiting += _modules(snapshot, path)
    return tuple(sorted(found))


def _modules(snapshot: Snapshot, path: str) -> Iterator[str]:
    for name in re.findall(r"<module>\s*([^<\s]+)\s*</module>", snapshot.text(path)):
        inside = paths.join(paths.folder(path), name)
        if inside:
            yield inside if inside.endswith(".xml") else paths.join(inside, POM) or ""


def _name(item: ET.Element) -> str:
    return item.tag.rpartition(":")[2]


def _value(item: ET.Element, depth: int) -> object:
    """Give an element as JSON has it: its text, or its children in order with their names."""
    if depth == 0:
        raise ManifestError("nested too deeply")
    if not len(item):
        return " ".join((item.text or "").split())
    return [{_name(child): _value(child, depth - 1)} for child in item]
