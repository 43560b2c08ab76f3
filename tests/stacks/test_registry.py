import pytest
from hypothesis import given
from hypothesis import strategies as st

from devloop.stacks import registry
from devloop.stacks.base import Detection, Snapshot
from tests.stacks.snapshots import detect, package, tree


def test_what_is_asked_for_stays_small() -> None:
    files: dict[str, object] = {
        f"src/part{n}/file{n}.{s}": "" for n in range(300) for s in ("js", "py")
    }
    files |= {f"app{n}/main.py": "" for n in range(50)}
    files |= {"package.json": package(main="src/x.js"), "src/x.js": "", "requirements.txt": ""}
    snapshot = tree(files)
    assert {"package.json", "src/x.js", "requirements.txt"} <= snapshot.contents.keys()
    assert len(snapshot.contents) < 20


def test_what_is_there_is_not_asked_for_again() -> None:
    paths = frozenset({"package.json"})
    assert registry.wanted(Snapshot(paths)) == paths
    assert registry.wanted(Snapshot(paths, {"package.json": b"{}"})) == frozenset()
    assert registry.wanted(Snapshot(frozenset())) == frozenset()


def test_paths_that_a_dockerfile_cannot_name_are_not_there() -> None:
    workspaces = package(workspaces=["packages/*"])
    files = {"package.json": workspaces, "packages/a\nRUN x/package.json": package()}
    (found,) = detect(files)
    assert found.manifests == ("package.json",)


SERVER = {"package.json": package(scripts={"start": "node a.js"}, dependencies={"express": "1"})}
BUILD = {"package.json": package(scripts={"build": "tailwindcss"})}
DJANGO = {"manage.py": "django", "requirements.txt": "django"}


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ({}, []),
        (SERVER, ["node"]),
        ({**SERVER, **DJANGO}, ["python", "node"]),
        ({**BUILD, **DJANGO}, ["python", "node"]),
        ({**SERVER, "requirements.txt": "numpy"}, ["node", "python"]),
        ({**SERVER, "main.py": ""}, ["node", "python"]),
        ({**BUILD, "main.py": ""}, ["python", "node"]),
    ],
)
def test_what_serves_leads(files: dict[str, object], names: list[str]) -> None:
    assert [found.name for found in detect(files)] == names


@pytest.mark.parametrize(
    "path",
    [
        "package.json",
        "a/b/package.json",
        "package-lock.json",
        "npm-shrinkwrap.json",
        "pnpm-lock.yaml",
        "pnpm-workspace.yaml",
        ".pnpmfile.cjs",
        "yarn.lock",
        ".yarnrc.yml",
        ".npmrc",
        ".nvmrc",
        "patches/x.patch",
        "a/patches/deep/x",
        "prisma/schema.prisma",
        "prisma/schema/user.prisma",
        ".yarn/releases/yarn.cjs",
        ".yarn/cache/x.zip",
        ".pnp.cjs",
        "bun.lock",
        "requirements.txt",
        "requirements-dev.txt",
        "dev-requirements.txt",
        "requirements/anything.txt",
        "constraints.txt",
        "pyproject.toml",
        "uv.lock",
        "poetry.lock",
        "Pipfile.lock",
        "pdm.lock",
        "setup.py",
        ".python-version",
    ],
)
def test_manifests_by_name(path: str) -> None:
    assert registry.is_manifest(path)


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "src/index.js",
        "package.json5",
        "prisma/migrations/1/migration.sql",
        "patches",
        "notes.txt",
        "main.py",
        ".env",
        "tsconfig.json",
    ],
)
def test_what_is_no_manifest(path: str) -> None:
    assert not registry.is_manifest(path)


ALL = ("package.json", "requirements.txt", "pyproject.toml", "pnpm-workspace.yaml", "Procfile")
MORE = (".npmrc", ".nvmrc", ".python-version", "runtime.txt", "mise.toml", "main.py", "index.js")


@given(contents=st.dictionaries(st.sampled_from([*ALL, *MORE]), st.binary(max_size=120)))
def test_no_bytes_break_detection(contents: dict[str, bytes]) -> None:
    snapshot = Snapshot(frozenset(contents), contents)
    assert registry.wanted(snapshot) == frozenset()
    for found in registry.detect(snapshot):
        assert isinstance(found, Detection)
        assert set(found.manifests) <= snapshot.paths
        assert list(found.manifests) == sorted(found.manifests)
        assert found.image.split(":")[0] == found.name
