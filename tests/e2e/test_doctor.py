from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from devloop.engine.client import Engine
from tests.e2e import harness
from tests.e2e.apps import NODE, App
from tests.e2e.harness import devloop


def test_doctor_finds_this_machine_fit(tmp_path: Path, engine: Engine) -> None:
    before = len(engine.get("/containers/json", all="true"))
    done = devloop("doctor", str(tmp_path), "--format", "json")
    found = {one["what"]: one for one in json.loads(done.stdout)["checks"]}
    assert {one for one in found if found[one]["state"] == "bad"} == set(), done.stdout
    assert set(found) == {
        "engine",
        "BuildKit",
        "clock",
        "disk of the engine",
        "file sharing",
        "buildx",
        "compose",
        "disk of the project",
        "watch limits",
    }
    assert "sees the project's files" in found["file sharing"]["found"]
    assert all(one["mend"] for one in found.values() if one["state"] != "good")
    assert len(engine.get("/containers/json", all="true")) <= before
    assert os.listdir(tmp_path) == []
    words = devloop("doctor", str(tmp_path)).stdout
    assert "ok  BuildKit: in the engine" in words


def test_doctor_without_an_engine_says_how_to_mend_that(tmp_path: Path) -> None:
    nowhere = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none.sock", "PATH": "/nowhere"}
    done = devloop("doctor", str(tmp_path), env=nowhere)
    assert done.returncode == 3
    assert done.stdout.startswith("no  engine: no Docker Engine answers\n      start it (")
    assert "hm  buildx: not there; builds with secrets, ssh or --tag need it" in done.stdout


def test_a_tagged_image_is_the_last_stage_with_the_source_as_it_is(
    tmp_path: Path, engine: Engine
) -> None:
    app = App(NODE, tmp_path)
    dockerfile = (
        "FROM node:22-slim AS dev\nWORKDIR /app\nCOPY package.json ./\nCMD node server.js\n"
    )
    dockerfile += "FROM dev\nCOPY . .\nRUN touch /last\n"
    harness.write(tmp_path, {"Dockerfile": dockerfile, ".dockerignore": "README.md\n"})
    tag = f"devloop-test/shop-{os.getpid()}:1.0"
    try:
        for text in ("first", "second"):
            app.say(text)
            done = devloop("build", str(tmp_path), "--tag", tag)
            assert (done.returncode, done.stdout) == (0, f"{tag}\n"), done.stderr
            inside = subprocess.run(
                ["docker", "run", "--rm", tag, "sh", "-c", "ls -A /app /last; cat server.js"],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            assert text in inside
            assert "/last" in inside
            assert "README.md" not in inside
            assert ".devloop" not in inside
        assert harness.label(tmp_path) not in json.dumps(engine.get(f"/images/{tag}/json"))
        fingerprints = devloop("build", str(tmp_path)).stdout
        assert fingerprints.startswith("devloop/")
        assert devloop("clean", str(tmp_path)).returncode == 0
        assert engine.get(f"/images/{tag}/json")["RepoTags"] == [tag]
    finally:
        engine.delete(f"/images/{tag}", force="true")


@pytest.mark.parametrize("tag", ["Shop", "a b", "a:b:c", "-x", "a/", "a:" + "x" * 200])
def test_what_is_no_name_for_an_image(tmp_path: Path, tag: str) -> None:
    done = devloop("build", str(tmp_path), f"--tag={tag}")
    assert (done.returncode, "is no name for an image" in done.stderr) == (2, True), done.stderr
