import pytest

from devloop.stacks import dotnet
from tests.stacks.snapshots import detect, one

WEB = '<Project Sdk="Microsoft.NET.Sdk.Web"><TargetFramework>net%s</TargetFramework></Project>'
EXE = "<Project><OutputType>Exe</OutputType></Project>"


@pytest.mark.parametrize(
    ("files", "project", "port", "install", "keep"),
    [
        ({"a.csproj": WEB % "9.0"}, "a.csproj", 8080, "dotnet restore", ("bin", "obj")),
        ({"a.fsproj": EXE}, "a.fsproj", None, "dotnet restore", ("bin", "obj")),
        (
            {"x.sln": "", "src/b/b.csproj": WEB % "9.0", "test/b.Tests.csproj": EXE},
            "src/b/b.csproj",
            8080,
            "dotnet restore x.sln",
            ("src/b/bin", "src/b/obj", "test/bin", "test/obj"),
        ),
        ({"a.csproj": "<Project/>"}, "", None, "dotnet restore", ("bin", "obj")),
    ],
)
def test_what_is_run(
    files: dict[str, object], project: str, port: int | None, install: str, keep: tuple[str, ...]
) -> None:
    found = one(files)
    run = ("dotnet", "run", "--no-launch-profile", "--project", project) if project else ()
    assert (found.run, found.port, found.install) == (run, port, install)
    assert sorted(found.keep) == sorted(keep)


@pytest.mark.parametrize(("asked", "version"), [("8.0", "8.0"), ("10.0", "10.0"), ("99.0", "9.0")])
def test_the_version(asked: str, version: str) -> None:
    assert one({"a.csproj": WEB % asked}).image == f"mcr.microsoft.com/dotnet/sdk:{version}"
    pinned = {"a.csproj": "<Project/>", "global.json": '{"sdk": {"version": "8.0.100"}}'}
    assert one(pinned).version == "8.0"
    assert one({**pinned, "global.json": "broken"}).version == "9.0"


def test_a_project_somewhere_below_is_not_this_folders() -> None:
    assert detect({"deep/a.csproj": EXE}) == ()


def test_what_counts_in_a_project() -> None:
    base = b'<Project Sdk="x"><PackageReference Include="a" Version="1"/><Other>1</Other></Project>'
    assert dotnet.fields("a.csproj", base, "") == dotnet.fields(
        "a.csproj", base.replace(b">1<", b">2<"), ""
    )
    inner = b'<X><PackageReference Include="a"><Version>%d</Version></PackageReference></X>'
    assert dotnet.fields("a.csproj", inner % 1, "") != dotnet.fields("a.csproj", inner % 2, "")
    assert dotnet.fields("global.json", b"{}", "") is None
