"""Edits of every app of the corpus: only what an install reads moves the fingerprint."""

import json
import re
from collections.abc import Callable, Mapping

import pytest

from devloop.image import inputs as image_inputs
from devloop.image.inputs import BuildSettings
from devloop.project import state as inspection
from devloop.scaffold import plan
from devloop.scaffold.write import read_templates
from devloop.stacks import fingerprint, registry
from tests.stacks.corpus import OURS, REASON, files
from tests.stacks.snapshots import as_bytes, detect, package

TEMPLATES = read_templates()
Files = dict[str, object]
Edit = Callable[[str, str], str | None]
pytestmark = pytest.mark.skipif(not OURS, reason=REASON)

NAMES = [name for name, app in OURS.items() if detect(files(app))]
LOCKS = re.compile(
    r"(?:.*/)?(?:[\w.-]*lock[\w.-]*|go\.sum|npm-shrinkwrap\.json|\.pnp\..*|\.yarn/.*)"
)


def digest(tree: Mapping[str, object]) -> str:
    """Give the fingerprint as ``devloop up`` has it for a project without a Dockerfile."""
    found = detect(tree)
    text, ignore = plan.dockerfile(found, TEMPLATES), plan.dockerignore(found, TEMPLATES)
    inputs = image_inputs.analyse(text, ignore, BuildSettings(None, {}, None))
    roles = {path: inputs.role(path, registry.is_manifest) for path in tree}
    entries = {
        path: inspection.entry(path, as_bytes(tree[path]), role, found)[0]
        for path, role in roles.items()
        if role is not None
    }
    return fingerprint.combine(entries, inputs.recipe).digest


def manifests(tree: Mapping[str, object]) -> list[str]:
    return sorted({path for item in detect(tree) for path in item.manifests})


HASHED = {"pyproject.toml", "Cargo.toml", "Pipfile", "Gemfile", "mix.exs", "requirements.txt"}


def reformatted(path: str, text: str) -> str | None:
    """Write a manifest in another form; None for one that counts as it stands."""
    name = path.rsplit("/", 1)[-1]
    if name in {"package.json", "composer.json", "deno.json"}:
        try:
            return json.dumps(dict(reversed(json.loads(text).items())), indent=7)
        except ValueError:
            return None
    if name in HASHED:
        return f"# a remark\n\n{text}\n\n"
    if name == "go.mod":
        return f"// a remark\n\n{text}\n"
    return f"{text}\n<!-- a remark -->\n" if name.endswith(("pom.xml", "proj")) else None


def rescripted(path: str, text: str) -> str | None:
    """Add a description and a script that no install runs."""
    if path.rsplit("/", 1)[-1] not in {"package.json", "composer.json"}:
        return None
    try:
        data = json.loads(text)
    except ValueError:
        return None
    scripts = {**data.get("scripts", {}), "unheard-of": "true"}
    return json.dumps({**data, "description": "another", "scripts": scripts})


ADDED = {
    "Cargo.toml": '\n[target.unheard.dependencies]\nunheard = "9"\n',
    "Pipfile": '\n[unheard]\nunheard = "*"\n',
    "Gemfile": '\ngem "unheard", "9"\n',
    "go.mod": "\nrequire example.com/unheard v9.9.9\n",
    "mix.exs": '\n{:unheard, "~> 9.0"}\n',
    "requirements.txt": "\nunheard==9\n",
    "build.gradle": "\n// unheard 9\n",
    "build.gradle.kts": "\n// unheard 9\n",
}
POM = "<dependencies><dependency><artifactId>unheard</artifactId></dependency></dependencies>"
ITEM = '<ItemGroup><PackageReference Include="Unheard" Version="9" /></ItemGroup>'


def bumped(path: str, text: str) -> str | None:
    """Add or raise a dependency in the manifest's own way; None where there is none."""
    name = path.rsplit("/", 1)[-1]
    if name in {"package.json", "composer.json"}:
        key = "dependencies" if name == "package.json" else "require"
        data = json.loads(text or "{}")
        return json.dumps({**data, key: {**data.get(key, {}), "a/unheard": "^9.9.9"}})
    if name == "pyproject.toml":
        poetry = '\n[tool.poetry.group.unheard.dependencies]\nunheard = "^9"\n'
        standard = '\n[dependency-groups]\nunheard = ["unheard>=9"]\n'
        return text + (poetry if "[tool.poetry]" in text else standard)
    for end, extra in (("</project>", POM), ("</Project>", ITEM)):
        if end in text:
            return text.replace(end, extra + end)
    lock = "\nunheard 9\n" if LOCKS.fullmatch(path) else None
    added = ADDED.get(name, lock)
    return text + added if added else None


def edited(tree: Files, edit: Edit) -> list[Files]:
    """Give the project after this edit of each of its manifests."""
    found = []
    for path in manifests(tree):
        text = as_bytes(tree[path]).decode()
        new = edit(path, text)
        if new is not None and new != text:
            found.append({**tree, path: new})
    return found


@pytest.mark.parametrize("name", NAMES)
def test_what_no_install_reads_does_not_count(name: str) -> None:
    tree = files(OURS[name])
    before = digest(tree)
    known = set(manifests(tree))
    sources = [path for path in tree if path not in known and not registry.is_manifest(path)]
    assert digest({**tree, "README.md": "another", "docs/new.md": "new"}) == before
    for path in sources[:25]:
        assert digest({**tree, path: as_bytes(tree[path]) + b"\n"}) == before, path
    for edit in (reformatted, rescripted):
        for changed in edited(tree, edit):
            assert digest(changed) == before


@pytest.mark.parametrize("name", NAMES)
def test_what_an_install_reads_counts(name: str) -> None:
    tree = files(OURS[name])
    before = digest(tree)
    for changed in edited(tree, bumped):
        assert digest(changed) != before, [path for path in tree if tree[path] != changed[path]]
    if {"package.json"} & set(manifests(tree)):
        assert digest({**tree, ".npmrc": "save-exact=true"}) != before
        patch = {**tree, "patches/x+1.0.0.patch": "diff"}
        assert digest(patch) != before
        assert digest({**patch, "patches/x+1.0.0.patch": "other"}) != digest(patch)


def test_every_stack_with_manifests_was_bumped() -> None:
    stacks = {
        detect(files(OURS[name]))[0].name for name in NAMES if edited(files(OURS[name]), bumped)
    }
    assert stacks == registry.STACKS.keys() - {"static"}


WORKSPACES: dict[str, tuple[Files, str, str]] = {
    "npm": (
        {"package.json": package(workspaces=["packages/*"])},
        "packages/a/package.json",
        '{"dependencies": {"x": "%s"}}',
    ),
    "pnpm": (
        {
            "package.json": package(),
            "pnpm-lock.yaml": "",
            "pnpm-workspace.yaml": "packages:\n  - 'packages/*'\n",
        },
        "packages/a/package.json",
        '{"dependencies": {"x": "%s"}}',
    ),
    "yarn": (
        {"package.json": package(workspaces=["packages/*"]), "yarn.lock": ""},
        "packages/a/package.json",
        '{"dependencies": {"x": "%s"}}',
    ),
    "uv": (
        {"pyproject.toml": '[tool.uv.workspace]\nmembers = ["packages/*"]\n', "uv.lock": ""},
        "packages/a/pyproject.toml",
        '[project]\nname = "a"\ndependencies = ["x==%s"]\n',
    ),
    "poetry": (
        {
            "pyproject.toml": '[tool.poetry.dependencies]\na = {path = "packages/a"}\n',
            "poetry.lock": "",
        },
        "packages/a/pyproject.toml",
        '[tool.poetry.dependencies]\nx = "%s"\n',
    ),
    "pip include": (
        {"requirements.txt": "-r more/base.txt\n"},
        "more/base.txt",
        "x==%s\n",
    ),
    "pip constraint": ({"requirements.txt": "-c limits.txt\nx\n"}, "limits.txt", "x==%s\n"),
    "go work": (
        {"go.work": "go 1.24\nuse ./a\n", "a/main.go": "package main"},
        "a/go.mod",
        "module a\nrequire x v%s\n",
    ),
    "go replace": (
        {"go.mod": "module m\nreplace x => ./lib\n", "main.go": "package main"},
        "lib/go.mod",
        "module x\nrequire y v%s\n",
    ),
    "cargo": (
        {"Cargo.toml": '[workspace]\nmembers = ["crates/*"]\n'},
        "crates/a/Cargo.toml",
        '[package]\nname = "a"\n[dependencies]\nx = "%s"\n',
    ),
    "cargo path": (
        {"Cargo.toml": '[package]\nname = "m"\n[dependencies]\na = {path = "lib"}\n'},
        "lib/Cargo.toml",
        '[package]\nname = "a"\n[dependencies]\nx = "%s"\n',
    ),
    "maven": (
        {"pom.xml": "<project><modules><module>a</module></modules></project>"},
        "a/pom.xml",
        "<project><dependencies><d>%s</d></dependencies></project>",
    ),
    "gradle": (
        {"settings.gradle": "include 'a', ':b'\n"},
        "a/build.gradle",
        "dependencies { implementation 'x:x:%s' }",
    ),
    "gradle catalogue": (
        {"build.gradle.kts": ""},
        "gradle/libs.versions.toml",
        "[versions]\nx = '%s'\n",
    ),
    "dotnet": (
        {"x.sln": "", "src/a/a.csproj": '<Project Sdk="Microsoft.NET.Sdk.Web" />'},
        "Directory.Packages.props",
        '<Project><ItemGroup><PackageVersion Include="x" Version="%s" /></ItemGroup></Project>',
    ),
    "mix umbrella": ({"mix.exs": ""}, "apps/a/mix.exs", '{:x, "%s"}\n'),
    "composer path": (
        {"composer.json": {"repositories": [{"type": "path", "url": "packages/*"}]}},
        "packages/a/composer.json",
        '{"require": {"x/x": "%s"}}',
    ),
    "npm link": (
        {"package.json": package(dependencies={"a": "file:libs/a"})},
        "libs/a/package.json",
        '{"dependencies": {"x": "%s"}}',
    ),
    "ruby path": (
        {"Gemfile": 'gem "a", path: "libs/a"\n'},
        "libs/a/a.gemspec",
        'spec.add_dependency "x", "%s"\n',
    ),
    "ruby eval": ({"Gemfile": 'eval_gemfile "more/Gemfile"\n'}, "more/Gemfile", 'gem "x", "%s"\n'),
    "prisma": ({"package.json": package()}, "prisma/schema.prisma", "model A { x%s Int }"),
    "deno": (
        {"deno.json": {"workspace": ["./a"]}, "main.ts": ""},
        "a/deno.json",
        '{"imports": {"x": "jsr:@x/x@%s"}}',
    ),
}


@pytest.mark.parametrize("name", WORKSPACES)
def test_what_a_manifest_reaches_counts(name: str) -> None:
    tree, path, text = WORKSPACES[name]
    one, other = {**tree, path: text % "1"}, {**tree, path: text % "2"}
    assert path in manifests(one)
    assert digest(one) != digest(other)
    assert digest(one) == digest({**one, "README.md": "x"})
