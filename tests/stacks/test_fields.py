import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devloop.stacks import registry
from devloop.stacks.base import Detection, ManifestError
from tests.stacks.snapshots import as_bytes, detect, package

NAMES = (
    "package.json",
    "packages/a/package.json",
    "package-lock.json",
    "pyproject.toml",
    "requirements.txt",
    "constraints.txt",
    "yarn.lock",
    "uv.lock",
)
UV = detect({"pyproject.toml": "[project]\n[tool.uv]\n"})
POETRY = detect({"pyproject.toml": "[tool.poetry]\n"})
PIP = detect({"main.py": ""})
NPM = detect({"package.json": package()})


def fields(
    path: str, content: object, detections: tuple[Detection, ...] = NPM
) -> Mapping[str, object] | None:
    return registry.fields(path, as_bytes(content), detections)


BASE: dict[str, Any] = {"name": "a", "dependencies": {"x": "^1"}, "scripts": {"test": "t"}}


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ({"dependencies": {"x": "^2"}}, True),
        ({"devDependencies": {"y": "1"}}, True),
        ({"peerDependenciesMeta": {"y": {}}}, True),
        ({"bundledDependencies": ["x"]}, True),
        ({"overrides": {"y": "1"}}, True),
        ({"resolutions": {"y": "1"}}, True),
        ({"pnpm": {"patchedDependencies": {}}}, True),
        ({"workspaces": ["a"]}, True),
        ({"packageManager": "npm@1.0.0"}, True),
        ({"engines": {"node": "22"}}, True),
        ({"name": "b"}, True),
        ({"scripts": {"test": "t", "postinstall": "x"}}, True),
        ({"scripts": {"test": "other", "dev": "x"}}, False),
        ({"version": "2.0.0"}, False),
        ({"bin": "x.js"}, False),
        ({"description": "x", "type": "module", "main": "x.js", "jest": {}}, False),
    ],
)
def test_what_counts_in_a_package(change: dict[str, object], counts: bool) -> None:
    assert (fields("package.json", {**BASE, **change}) != fields("package.json", BASE)) is counts


@pytest.mark.parametrize("change", [{"version": "2"}, {"bin": "x"}])
def test_of_a_workspace_member_its_version_and_programs_count(change: dict[str, object]) -> None:
    path = "packages/a/package.json"
    assert fields(path, {**BASE, **change}) != fields(path, BASE)


def test_the_order_of_keys_and_the_layout_do_not_count() -> None:
    one = '{"dependencies": {"a": "1", "b": [1.5, null, true]}, "name": "x"}'
    two = '\ufeff{"name":"\\u0078",\r\n "dependencies":{"b":[1.5,null,true],"a":"1"}}'
    assert json.dumps(fields("package.json", one)) == json.dumps(fields("package.json", two))


@pytest.mark.parametrize("name", ["package-lock.json", "sub/npm-shrinkwrap.json"])
def test_of_a_lock_all_but_the_roots_own_version_counts(name: str) -> None:
    def lock(version: str, other: str, depth: str = "1") -> dict[str, object]:
        packages = {"": {"name": "a", "version": version}, "x": {"version": other}}
        return {"name": "a", "version": version, "packages": packages, "dependencies": {"x": depth}}

    assert fields(name, lock("1", "1")) == fields(name, lock("2", "1"))
    assert fields(name, lock("1", "1")) != fields(name, lock("1", "2"))
    assert fields(name, lock("1", "1")) != fields(name, lock("1", "1", "2"))
    assert fields(name, {"version": "1"}) == {}


PROJECT = """
[project]
name = "x"
version = "1"
requires-python = ">=3.12"
dependencies = ["a"]
[tool.poetry.group.dev.dependencies]
p = "1"
[tool.uv.sources]
a = { index = "x" }
[tool.ruff]
line-length = 100
"""


@pytest.mark.parametrize(
    ("old", "new", "counts"),
    [
        ("100", "90", ""),
        ("[project]", "# comment\n[project]", ""),
        ('name = "x"', 'name = "y"', "uv"),
        ('version = "1"', 'version = "2"', "uv"),
        ('"x" }', '"y" }', "uv"),
        ('p = "1"', 'p = "2"', "poetry"),
        (">=3.12", ">=3.13", "uv poetry pip"),
        ('["a"]', '["b"]', "uv poetry pip"),
        ("[tool.ruff]", '[dependency-groups]\ndev = ["z"]\n[tool.ruff]', "uv poetry pip"),
        ("[tool.ruff]", "[build-system]\nrequires = []\n[tool.ruff]", "uv poetry pip"),
        ("[project]", '[project]\ndynamic = ["readme"]', "uv pip"),
    ],
)
def test_what_counts_in_a_pyproject(old: str, new: str, counts: str) -> None:
    changed = PROJECT.replace(old, new)
    assert changed != PROJECT
    for name, found in (("uv", UV), ("poetry", POETRY), ("pip", PIP)):
        assert found[0].manager == name
        same = fields("pyproject.toml", changed, found) == fields("pyproject.toml", PROJECT, found)
        assert same is (name not in counts), name


def test_of_an_unknown_manager_all_that_could_count_does() -> None:
    found = fields("pyproject.toml", PROJECT, ())
    assert found is not None
    assert {"project.version", "tool.poetry.group", "tool.uv"} <= found.keys()


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("# only\n\n  \n", []),
        ("b==1 # why\na\n", ["b==1", "a"]),
        ("x @ https://h/x#egg=x\n", ["x @ https://h/x#egg=x"]),
        (
            "a==1 \\\n    --hash=sha256:1 \\\r\n  --hash=sha256:2\r\n",
            ["a==1 --hash=sha256:1 --hash=sha256:2"],
        ),
        ("﻿a\n", ["a"]),
    ],
)
def test_requirements_less_comments(text: str, lines: list[str]) -> None:
    for path in ("requirements.txt", "requirements/dev.in", "my-constraints.txt"):
        assert fields(path, text) == {"lines": lines}


@pytest.mark.parametrize(
    "path",
    ["yarn.lock", "pnpm-lock.yaml", ".npmrc", "uv.lock", "poetry.lock", "setup.py", "README.md"],
)
def test_what_counts_by_its_content(path: str) -> None:
    assert fields(path, "{ anything") is None


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        ("package.json", '{\n  "a": ,\n}', "not valid JSON: Expecting value at line 2, column 8"),
        ("package.json", "", "not valid JSON: Expecting value at line 1, column 1"),
        ("package.json", "[]", "not a JSON object at line 1, column 1"),
        ("package.json", '{"name": NaN}', "NaN is not JSON"),
        ("package.json", b'{"a":\n "\xff"}', "not valid UTF-8 at line 2, column 3"),
        ("package.json", b"\xff\xfe\x00", "not valid UTF-16 at line 1, column 3"),
        ("package.json", '{"a":' * 5000, "nested too deeply"),
        ("package.json", '{"pnpm":' * 200 + "1" + "}" * 200, "nested too deeply"),
        ("package-lock.json", '{"dependencies":' * 200 + "1" + "}" * 200, "nested too deeply"),
        (
            "pyproject.toml",
            "[project]\nname = \n",
            "not valid TOML: Invalid value at line 2, column 8",
        ),
        ("pyproject.toml", "a = " + "[" * 5000, "nested too deeply"),
        ("pyproject.toml", "a = 1\na = 2", "not valid TOML: Cannot overwrite a value"),
        ("requirements.txt", b"a\n\xff", "not valid UTF-8 at line 2, column 1"),
    ],
)
def test_what_does_not_parse_says_where(path: str, content: object, message: str) -> None:
    with pytest.raises(ManifestError) as caught:
        fields(path, content)
    assert str(caught.value).startswith(message)


def test_a_number_that_python_refuses_is_an_error_of_the_manifest() -> None:
    with pytest.raises(ManifestError, match="out of range"):
        fields("package.json", '{"pnpm": ' + "9" * 5000 + "}")


def test_values_that_json_lacks_become_text() -> None:
    toml = "[project]\n[tool.uv]\na = 1979-05-27\nb = nan\nc = -inf\nd = 07:32:00\n"
    assert fields("pyproject.toml", toml, UV) == {
        "tool.uv": {"a": "1979-05-27", "b": "nan", "c": "-inf", "d": "07:32:00"}
    }
    text = '{"name": "\\ud800", "engines": {"\\udfff": "1e999"}, "pnpm": 1e999}'
    found = fields("package.json", text)
    assert found == {"name": "\\ud800", "engines": {"\\udfff": "1e999"}, "pnpm": "inf"}


@given(path=st.sampled_from(NAMES), content=st.binary(max_size=200))
def test_any_bytes_are_fields_or_an_error_of_the_manifest(path: str, content: bytes) -> None:
    for detections in (NPM, UV, ()):
        try:
            found = registry.fields(path, content, detections)
        except ManifestError:
            continue
        json.dumps(found, allow_nan=False).encode()


TEXT = st.text(max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@given(value=st.dictionaries(st.sampled_from([*sorted(BASE), "pnpm", "engines"]), JSON))
def test_fields_are_the_same_however_the_object_is_written(value: dict[str, object]) -> None:
    text = json.dumps(value, allow_nan=True)
    if "NaN" in text or "Infinity" in text:
        return
    other = json.dumps(dict(reversed(value.items())), indent=3, ensure_ascii=False)
    one = fields("package.json", text)
    assert one == fields("package.json", other.encode("utf-8", "surrogatepass")) or "\\ud" in text
    json.dumps(one, allow_nan=False).encode()
