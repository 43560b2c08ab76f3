"""`devloop init` writes files that are good as they stand, whatever the project's files say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from devloop.engine.client import Engine
from devloop.image import dockerfile as df
from tests.e2e import harness
from tests.e2e.apps import NODE, App, package

HADOLINT = Path(sys.executable).parent / "hadolint"


def lint(dockerfile: Path) -> str:
    found = subprocess.run([HADOLINT, dockerfile], capture_output=True, text=True, check=False)
    return found.stdout + found.stderr


def test_init_writes_in_the_right_order_and_hadolint_is_silent(app: App) -> None:
    (app.root / "devloop.yaml").unlink()
    done = harness.devloop("init", str(app.root))
    assert done.returncode == 0, done.stderr
    assert lint(app.root / "Dockerfile") == ""
    parsed = df.parse((app.root / "Dockerfile").read_text())
    target = parsed.stage("dev")
    assert target
    steps = [one for stage in df.chain(parsed, target) for one in stage.instructions]
    workdir = _first(steps, lambda it: it.keyword == "WORKDIR")
    manifests = _first(steps, lambda it: it.keyword == "COPY" and app.kind.manifest in it.args)
    install = _first(
        steps,
        lambda it: it.keyword == "RUN" and ("npm install" in it.args or "install -r" in it.args),
    )
    source = _first(steps, lambda it: it.keyword == "COPY" and it.words() == (".", "."))
    assert workdir < manifests < install < source
    assert all(one.keyword != "RUN" for one in steps[source:])
    with harness.running(app.root) as up:  # init's port, which every project of the kind has
        ready = up.ready()
        assert ready["url"].endswith(str(app.kind.port))
        assert harness.get(app.kind.port) == "hello 1"


def _first(steps: list[df.Instruction], fits: object) -> int:
    return next(number for number, one in enumerate(steps) if fits(one))  # type: ignore[operator]


def test_init_never_overwrites_without_force(app: App) -> None:
    (app.root / "Dockerfile").write_text("FROM mine\n")
    config = (app.root / "devloop.yaml").read_text()
    dry = harness.devloop("init", str(app.root), "--dry-run")
    assert dry.returncode == 0
    assert not (app.root / ".dockerignore").exists()
    assert harness.devloop("init", str(app.root)).returncode == 0
    assert (app.root / "Dockerfile").read_text() == "FROM mine\n"
    assert (app.root / "devloop.yaml").read_text() == config
    assert (app.root / ".dockerignore").exists()
    assert harness.devloop("init", str(app.root), "--force").returncode == 0
    assert "FROM mine" not in (app.root / "Dockerfile").read_text()


def test_init_as_json(app: App) -> None:
    done = harness.devloop("init", str(app.root), "--dry-run", "--format", "json")
    found = json.loads(done.stdout)
    assert set(found) == {"stacks", "files"}
    keys = ["name", "manager", "framework", "version", "manifests"]
    keys += ["install", "keep", "run", "port", "reload"]
    assert list(found["stacks"][0]) == keys
    assert found["stacks"][0]["framework"] == app.kind.name
    assert {one["path"] for one in found["files"]} == {
        "Dockerfile",
        ".dockerignore",
        "devloop.yaml",
    }
    assert set(found["files"][0]) == {"path", "action", "content"}


EVIL = "\nRUN touch /pwned\n\"'`touch /pwned` $(touch /pwned) ${HOME} \\"


@pytest.mark.parametrize("where", ["name", "main", "script", "dependency"])
def test_what_a_manifest_says_never_becomes_an_instruction(
    where: str, tmp_path: Path, engine: Engine
) -> None:
    changes = {
        "name": {"name": f"shop{EVIL}"},
        "main": {"main": f"server.js{EVIL}", "scripts": {}},
        "script": {"scripts": {"start": f"node server.js # {EVIL}", "dev": f"echo hi {EVIL}"}},
        "dependency": {"version": EVIL, "packageManager": f"npm@10.9.0{EVIL}"},
    }[where]
    app = App(NODE, tmp_path)
    plain = _keywords(tmp_path)
    app.manifest(package(**changes))
    (tmp_path / "devloop.yaml").unlink()
    done = harness.devloop("init", str(tmp_path), "--force")
    assert done.returncode == 0, done.stderr
    parsed = df.parse((tmp_path / "Dockerfile").read_text())
    found = [one.keyword for stage in parsed.stages for one in stage.instructions]
    assert [one for one in found if one != "EXPOSE"] == plain
    assert "touch /pwned" not in " ".join(
        one.args for stage in parsed.stages for one in stage.instructions if one.keyword == "RUN"
    )
    assert lint(tmp_path / "Dockerfile") == ""
    if where in ("name", "dependency"):  # npm itself may refuse such a name; devloop may not run it
        return
    built = harness.devloop("build", str(tmp_path))
    assert built.returncode == 0, built.stderr
    listing = subprocess.run(
        ["docker", "run", "--rm", "--entrypoint", "ls", built.stdout.strip(), "/"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "app" in listing
    assert "pwned" not in listing
    assert engine.ping()


def _keywords(root: Path) -> list[str]:
    done = harness.devloop("init", str(root), "--dry-run", "--force", "--format", "json")
    files = {one["path"]: one["content"] for one in json.loads(done.stdout)["files"]}
    parsed = df.parse(files["Dockerfile"])
    keywords = [one.keyword for stage in parsed.stages for one in stage.instructions]
    return [one for one in keywords if one != "EXPOSE"]
