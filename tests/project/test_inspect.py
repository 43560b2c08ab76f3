"""Looking at projects and saying what a batch means, on real folders; no engine."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from devloop.cli import project as projects
from devloop.config.settings import Config, Rule
from devloop.errors import ConfigError, UserError
from devloop.model import ByRestart, Change, ChangeKind, Port
from devloop.project import inspect
from devloop.project.classify import Impact, classify, needs_look, triggers
from devloop.project.state import Inspection, Wanted, env_file, meaning
from tests.e2e.apps import package

DOCKERFILE = (
    "FROM node:22-slim\nWORKDIR /app\nCOPY package.json conf/x.ini ./\nRUN npm i\nCOPY . .\n"
)


class Shop:
    """A Node project with a Dockerfile of its own, and the inspection of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("Dockerfile", DOCKERFILE)
        self.write("package.json", package())
        self.write("conf/x.ini", "one")
        self.write("src/a.js", "1")
        self.write("README.md", "# shop")
        self.around = projects.surroundings()
        self.inspection = self.look()

    def write(self, path: str, text: str) -> None:
        target = self.root / path
        target.parent.mkdir(exist_ok=True)
        target.write_text(text)

    def look(self) -> Inspection:
        return inspect.look(os.path.realpath(self.root), self.around)

    def save(self, path: str, text: str | None, kind: str = "modified") -> Impact:
        """Save a file (None removes it) and say what that means, as the loop does."""
        if text is None:
            (self.root / path).unlink()
        else:
            self.write(path, text)
        changes = (Change(path, ChangeKind(kind)),)
        before = self.inspection
        root = os.path.realpath(self.root)
        after = (
            inspect.look(root, self.around, before)
            if needs_look(before, changes)
            else inspect.glance(root, before, changes)
        )
        self.inspection = after
        return classify(before, after, changes)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_an_inspection(shop: Shop) -> None:
    spec = shop.inspection.wanted.spec
    assert set(shop.inspection.wanted.fingerprint.entries) == {"package.json", "conf/x.ini"}
    assert (spec.mount, spec.keep, spec.ports) == ("/app", ("node_modules",), (Port(3000, 3000),))
    assert shop.inspection.reload == ByRestart()
    assert not shop.inspection.generated
    assert shop.inspection.wanted.same(shop.look().wanted)
    assert not shop.inspection.wanted.same(None)


def test_a_source_restarts(shop: Shop) -> None:
    impact = shop.save("src/a.js", "2")
    assert (impact.restarts, impact.moved, impact.mends) == (("src/a.js",), (), False)


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("README.md", "# x", "not a source of the app"),
        ("package.json", json.dumps(json.loads(package())), "means the same as before"),
        ("Dockerfile", "# a comment\n" + DOCKERFILE, "no effect on the image or the container"),
        ("devloop.yaml", "# nothing\n", "no effect on the image or the container"),
    ],
)
def test_what_needs_nothing_says_why(shop: Shop, path: str, text: str, why: str) -> None:
    impact = shop.save(path, text)
    assert impact.restarts == impact.moved == ()
    assert impact.idle[0].startswith(f"{path}: {why}")


def test_a_version_restarts_without_a_build(shop: Shop) -> None:
    impact = shop.save("package.json", package(version="2.0.0"))
    assert (impact.restarts, impact.moved) == (("package.json",), ())
    assert impact.unmoved == ("package.json",)


def test_a_dependency_moves_the_fingerprint(shop: Shop) -> None:
    impact = shop.save("package.json", package(dependencies={"express": "^5"}))
    assert impact.moved == ("package.json: dependencies.express ^4.18.0 → ^5",)
    assert impact.mends
    assert impact.restarts == (), "the app that runs need not see what is for the new image"
    back = shop.save("package.json", package())
    assert back.moved == ("package.json: dependencies.express ^5 → ^4.18.0",)


def test_a_lock_is_for_the_installer(shop: Shop) -> None:
    shop.write("Dockerfile", DOCKERFILE.replace("conf/x.ini", "package-lock.json"))
    shop.write("package-lock.json", '{"lockfileVersion": 3, "packages": {"a": {}}}')
    shop.inspection = shop.look()
    bumped = '{"version": "2", "lockfileVersion": 3, "packages": {"a": {}}}'
    impact = shop.save("package-lock.json", bumped)
    assert (impact.restarts, impact.moved) == ((), ())
    assert "a lock is for the installer" in impact.idle[0]
    impact = shop.save("package-lock.json", '{"lockfileVersion": 3, "packages": {"b": {}}}')
    assert (impact.restarts, bool(impact.moved)) == ((), True)


def test_a_file_that_counts_by_content(shop: Shop) -> None:
    assert shop.save("conf/x.ini", "two").moved == ("conf/x.ini: content",)
    assert shop.save("conf/x.ini", None, "deleted").moved == ("conf/x.ini: gone",)
    assert shop.save("conf/x.ini", "two", "created").moved == ("conf/x.ini: new",)


def test_the_dockerfile_its_ignore_file_and_the_config(shop: Shop) -> None:
    assert shop.save("Dockerfile", DOCKERFILE + "RUN x\n").moved == (
        "the Dockerfile's instructions",
    )
    assert shop.save(".dockerignore", "*.log\n", "created").moved == ("the ignore file",)
    impact = shop.save("devloop.yaml", "app: {memory: 1g}\n", "created")
    assert (impact.respec, impact.moved) == (True, ())
    moved = shop.save("devloop.yaml", "app: {build-args: {A: b}, memory: 1g}\n").moved
    assert moved == ("app.build-args",)


def test_a_half_written_manifest_keeps_its_last_good_state(shop: Shop) -> None:
    before = shop.inspection.wanted
    impact = shop.save("package.json", package()[:30])
    assert impact.wanted.same(before)
    assert impact.broken[0][0] == "package.json"
    assert "does not parse" in impact.idle[0]
    whole = shop.save("package.json", package())
    assert (whole.broken, whole.moved) == ((), ())
    assert "means the same" in whole.idle[0]


def test_a_manifest_that_never_parsed_counts_by_content_with_a_warning(shop: Shop) -> None:
    shop.write("package.json", "{ not json")
    shop.inspection = shop.look()
    assert any("package.json" in text for text in projects.at_start(shop.inspection))
    shop.write("package.json", "{ still not")
    impact = shop.save("package.json", "{ still not")
    assert impact.moved == ("package.json: content",)


def test_a_broken_manifest_found_by_a_new_look_keeps_its_last_good_state(shop: Shop) -> None:
    shop.write("package.json", "{ broken")
    impact = shop.save("devloop.yaml", "app: {cpus: 1}\n", "created")
    assert impact.moved == ()
    assert [path for path, _ in impact.broken] == ["package.json"]


def test_nothing_restarts_where_nothing_is_mounted(shop: Shop) -> None:
    shop.write("Dockerfile", "FROM a\nCOPY . .\nRUN x\n")
    shop.inspection = shop.look()
    impact = shop.save("src/a.js", "2")
    assert (impact.restarts, impact.moved) == ((), ("src/a.js: content",))
    assert impact.unmounted


@pytest.mark.parametrize(
    ("watch", "path", "expected"),
    [
        ("{}", "src/a.js", True),
        ("{}", "src/a.md", False),
        ("{}", "node_modules/x/a.js", False),
        ("{paths: ['**.md']}", "README.md", True),
        ("{paths: ['**.md']}", "src/a.js", False),
        ("{paths-ignore: ['src/**']}", "src/a.js", False),
    ],
)
def test_what_triggers(shop: Shop, watch: str, path: str, expected: bool) -> None:
    shop.write("devloop.yaml", f"watch: {watch}\n")
    assert triggers(shop.look(), path) is expected


def test_a_project_of_no_stack_restarts_on_any_save(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a\nWORKDIR /app\nCOPY . .\n")
    inspection = inspect.look(str(tmp_path), projects.surroundings())
    assert triggers(inspection, "anything")
    assert inspection.reload == ByRestart()
    assert inspection.wanted.spec.ports == ()


def test_a_bare_project_uses_what_init_would_write(shop: Shop) -> None:
    (shop.root / "Dockerfile").unlink()
    inspection = shop.look()
    assert inspection.generated
    assert inspection.dockerfile_path == ".devloop/Dockerfile"
    assert "no Dockerfile here" in projects.at_start(inspection)[0]
    assert inspection.structural("Dockerfile")


@pytest.mark.parametrize(
    ("config", "kind", "words"),
    [
        ("app: {dockerfile: nope}\n", UserError, "app.dockerfile names nope"),
        ("app: {env-file: nope}\n", UserError, "app.env-file names nope"),
        ("app: {target: nope}\n", UserError, "no stage 'nope'"),
        ("app: 1\n", ConfigError, "must be a mapping"),
    ],
)
def test_what_the_user_got_wrong(
    shop: Shop, config: str, kind: type[Exception], words: str
) -> None:
    shop.write("devloop.yaml", config)
    with pytest.raises(kind, match=words):
        shop.look()


def test_everything_of_the_config_reaches_the_container(shop: Shop) -> None:
    shop.write(".env", "A=1\nB=2\n")
    shop.write(
        "devloop.yaml",
        "app: {env-file: .env, env: {B: 3}, keep: [b, a], ports: ['1:2'], reload: signal:USR2}\n",
    )
    spec = shop.look().wanted.spec
    assert spec.env == (("A", "1"), ("B", "3"))
    assert (spec.keep, spec.ports, spec.reload_signal) == (("a", "b"), (Port(2, 1),), "USR2")
    assert "B" not in repr(spec)


def test_links_count_by_what_they_point_to(shop: Shop) -> None:
    (shop.root / "conf/x.ini").unlink()
    (shop.root / "conf/x.ini").symlink_to("../README.md")
    first = shop.look().wanted.fingerprint
    shop.write("README.md", "# other")
    assert shop.look().wanted.fingerprint != first


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\n# B=2\n\nexport C='x y'\nD=\"q\"\nE=a # b\nnope\n", "A=1 C=x y D=q E=a"),
        ("A=\nA=2\n", "A=2"),
        ("A='\n", "A='"),
    ],
)
def test_env_files(text: str, expected: str) -> None:
    assert " ".join(f"{key}={value}" for key, value in env_file(text)) == expected


SAME: list[tuple[str, bytes, bytes, bool]] = [
    ("a.json", b'{"a": 1, "b": 2}', b'{"b":2,"a":1}', True),
    ("a.json", b'{"a": 1}', b'{"a": 2}', False),
    ("a.toml", b"a = 1\n", b"# c\na=1", True),
    ("a.txt", b"a", b"a ", False),
    ("a.json", b"{", b"{ ", False),
]


@pytest.mark.parametrize(("path", "one", "two", "same"), SAME)
def test_meanings(path: str, one: bytes, two: bytes, same: bool) -> None:
    assert (meaning(path, one) == meaning(path, two)) is same


def test_same_image_other_spec(shop: Shop) -> None:
    wanted: Wanted = shop.inspection.wanted
    shop.write("devloop.yaml", "app: {cpus: 2}\n")
    other = shop.look().wanted
    assert wanted.same_image(other)
    assert not wanted.same(other)


RULES = (
    Rule("src", "sync", ignore=("x/",)),
    Rule("src/b.js", "restart"),
    Rule("tpl", "sync+exec", command="make"),
)


@pytest.mark.parametrize(
    ("path", "kind", "why"),
    [
        ("src/a.js", "", "src/a.js: synced by the mount (develop.watch)"),
        ("src/x/a.js", "", "src/x/a.js: ignored by develop.watch"),
        ("src/b.js", "restart", ""),
        ("tpl/a.html", "exec", ""),
        ("server.js", "restart", ""),
    ],
)
def test_the_rules_of_a_compose_file_decide_first(
    shop: Shop, path: str, kind: str, why: str
) -> None:
    shop.around = replace(shop.around, config=lambda: Config(rules=RULES))
    shop.inspection = shop.look()
    (shop.root / path).parent.mkdir(parents=True, exist_ok=True)
    impact = shop.save(path, "2", "modified")
    assert impact.restarts == ((path,) if kind else ())
    assert impact.idle == ((why,) if why else ())
    if kind:
        assert impact.reload.kind == kind


def test_the_surroundings_have_the_last_word_on_the_container(shop: Shop) -> None:
    shop.around = replace(shop.around, finish=lambda spec: replace(spec, rest="x"))
    assert shop.look().wanted.spec.rest == "x"
    assert not shop.look().wanted.same(shop.inspection.wanted)
