""".NET: C#, F# and Visual Basic, with packages outside the mount."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from devloop.stacks import paths, versions
from devloop.stacks.base import Detection, Env, ManifestError, Production, Snapshot
from devloop.stacks.facts import Facts, Install, names
from devloop.stacks.parse import json_object, reach, string
from devloop.stacks.xml import parse_xml

NAME = "dotnet"
SUFFIXES = frozenset({".cs", ".fs", ".vb", ".cshtml", ".razor", ".json", ".css", ".html"})
IGNORE = ("**/bin/Debug", "**/bin/Release", "**/obj")
PORT = 8080
PROJECTS = (".csproj", ".fsproj", ".vbproj")
FACTS = Facts(
    found_by=("*.csproj",),
    version_files=names("global.json"),
    installs=(Install(("dotnet", "restore")),),
    declares=tuple(f"*{suffix}" for suffix in PROJECTS),
    services={
        "redis": names("StackExchange.Redis"),
        "postgres": names("Npgsql Npgsql.EntityFrameworkCore.PostgreSQL"),
        "mysql": names("MySql.Data MySqlConnector"),
        "mongo": names("MongoDB.Driver"),
        "rabbitmq": names("RabbitMQ.Client"),
    },
    extensions=("ms-dotnettools.csharp",),
)
_SOLUTIONS = (".sln", ".slnx")
_SHARED = frozenset(
    {
        "directory.build.props",
        "directory.build.targets",
        "directory.packages.props",
        "nuget.config",
        "global.json",
        "packages.lock.json",
    }
)
_COUNTED = frozenset(
    {
        "TargetFramework",
        "TargetFrameworks",
        "RuntimeIdentifier",
        "RuntimeIdentifiers",
        "PackageReference",
        "PackageVersion",
        "ProjectReference",
        "FrameworkReference",
        "ManagePackageVersionsCentrally",
        "RestorePackagesWithLockFile",
        "Import",
        "Sdk",
    }
)
_FRAMEWORK = re.compile(r"<TargetFrameworks?>[^<]*?net(?:coreapp)?(\d{1,2}\.\d)", re.IGNORECASE)
_REFERENCE = re.compile(r"<ProjectReference\s+Include=\"([^\"]+)\"", re.IGNORECASE)
_PLAIN = re.compile(r"[\w. /+-]+")
_SDK = "mcr.microsoft.com/dotnet"


def wanted(snapshot: Snapshot) -> frozenset[str]:
    """Name the projects, which say the framework and what they refer to."""
    projects = _projects(snapshot)
    return frozenset(snapshot.present(*projects, "global.json")) if projects else frozenset()


def detect(snapshot: Snapshot) -> Detection | None:
    """Say how a project or solution is restored and run."""
    projects = _projects(snapshot)
    if not projects:
        return None
    program = _program(snapshot, projects)
    web = program and _is_web(snapshot, program)
    version = versions.choose(versions.DOTNET, _version_specs(snapshot, projects))
    whole = _restored(snapshot, program or projects[0])
    run = ("dotnet", "run", "--no-launch-profile", *_chosen(program)) if program else ()
    return Detection(
        name=NAME,
        manager=NAME,
        framework="aspnet" if web else "",
        version=version,
        image=f"{_SDK}/sdk:{version}",
        manifests=_manifests(snapshot, projects),
        install=f"dotnet restore{whole}",
        cache="",
        run=run,
        port=PORT if web else None,
        reload="restart",
        suffixes=SUFFIXES,
        keep=tuple(
            f"{paths.folder(path)}/{name}".lstrip("/") for path in projects for name in _BUILT
        ),
        stores=("/opt/nuget",),
        env=(
            Env("NUGET_PACKAGES", "/opt/nuget"),
            Env("DOTNET_CLI_TELEMETRY_OPTOUT", "1"),
            Env("DOTNET_NOLOGO", "1"),
            *((Env("ASPNETCORE_URLS", f"http://0.0.0.0:{PORT}"),) if web else ()),
        ),
        develop=(
            Env("DOTNET_ENVIRONMENT", "Development"),
            Env("ASPNETCORE_ENVIRONMENT", "Development"),
        ),
        ignore=IGNORE,
        production=_production(program, version, web=bool(web)),
    )


_BUILT = ("bin", "obj")


def is_manifest(path: str) -> bool:
    """Say by its name whether a file can be a manifest of a .NET project."""
    return path.endswith((*PROJECTS, *_SOLUTIONS)) or paths.name(path).lower() in _SHARED


def fields(path: str, content: bytes, manager: str) -> Mapping[str, object] | None:
    """Give what counts in a project, and in what projects share; None for all else."""
    del manager
    if not path.endswith((*PROJECTS, ".props")):
        return None
    root = parse_xml(content)
    found = [
        {"name": item.tag, "text": " ".join((item.text or "").split()), **item.attrib}
        for item in root.iter()
        if item.tag.rpartition("}")[2] in _COUNTED
    ]
    versions_in = [
        {"name": item.tag, "text": (item.text or "").strip()}
        for parent in root.iter("PackageReference")
        for item in parent
    ]
    return {"Sdk": root.get("Sdk", ""), "items": found, "inner": versions_in}


def _projects(snapshot: Snapshot) -> tuple[str, ...]:
    """Give the projects of the folder, those at the top first; none where it is somebody else's."""
    found = [path for path in snapshot.paths if path.endswith(PROJECTS)]
    near = [path for path in found if "/" not in path]
    solution = any("/" not in path and path.endswith(_SOLUTIONS) for path in snapshot.paths)
    if not near and not solution:
        return ()
    return tuple(sorted(found, key=lambda path: (path.count("/"), path)))


def _program(snapshot: Snapshot, projects: tuple[str, ...]) -> str:
    """Give the project that is started: of the web, else one that makes a program."""
    plain = [path for path in projects if _PLAIN.fullmatch(path) and "test" not in path.lower()]
    started = [path for path in plain if "<OutputType>Exe" in snapshot.text(path)]
    web = [path for path in plain if _is_web(snapshot, path)]
    return next(iter([*web, *started]), "")


def _is_web(snapshot: Snapshot, path: str) -> bool:
    return "Microsoft.NET.Sdk.Web" in snapshot.text(path)


def _chosen(program: str) -> tuple[str, ...]:
    return ("--project", program)


def _restored(snapshot: Snapshot, program: str) -> str:
    """Name what is restored: the one solution, else the project with all that it refers to."""
    solutions = [path for path in snapshot.paths if "/" not in path and path.endswith(_SOLUTIONS)]
    if len(solutions) == 1:
        return f" {shlex.quote(solutions[0])}"
    alone = "/" not in program and sum("/" not in path for path in _projects(snapshot)) == 1
    return "" if alone else f" {shlex.quote(program)}"


def _manifests(snapshot: Snapshot, projects: tuple[str, ...]) -> tuple[str, ...]:
    shared = {path for path in snapshot.paths if paths.name(path).lower() in _SHARED}
    solutions = {path for path in snapshot.paths if path.endswith(_SOLUTIONS) and "/" not in path}
    return tuple(sorted({*projects, *shared, *solutions}))


def _version_specs(snapshot: Snapshot, projects: tuple[str, ...]) -> list[str]:
    found = [match for path in projects for match in _FRAMEWORK.findall(snapshot.text(path))]
    newest = max(found, key=versions.numbers, default="")
    try:
        data = json_object(snapshot.contents.get("global.json", b"{}"))
    except ManifestError:
        data = {}
    pinned = ".".join(string(reach(data, "sdk", "version")).split(".")[:2])
    return [spec for spec in (newest, pinned) if spec]


def _production(program: str, version: str, *, web: bool) -> Production:
    if not program:
        return Production()
    stem = paths.name(program).rpartition(".")[0]
    return Production(
        build=f"dotnet publish {shlex.quote(program)} -c Release -o /opt/app",
        run=("dotnet", f"{stem}.dll"),
        port=PORT if web else None,
        image=f"{_SDK}/{'aspnet' if web else 'runtime'}:{version}",
        env=(Env("ASPNETCORE_URLS", f"http://0.0.0.0:{PORT}"),) if web else (),
    )
