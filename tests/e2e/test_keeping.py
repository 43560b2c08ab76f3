"""What is kept in the engine, and for how long: images, volumes; ways to reload."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import pytest

from devloop.engine import build as builds
from devloop.engine import containers, files, volumes
from devloop.engine import images as engine_images
from devloop.engine.client import Engine
from devloop.engine.images import Image
from devloop.image import engine_build
from devloop.image.engine_build import BuildOrder
from devloop.model import ContainerSpec, Project
from devloop.target import images, prepare
from tests.e2e import harness
from tests.e2e.apps import NODE, App


def build(engine: Engine, project: Project, dockerfile: str, letter: str) -> Image:
    fingerprint = letter * 64
    order = BuildOrder(
        root=project.root,
        files=(),
        dockerfile=dockerfile,
        ignore="",
        target="",
        build_args={},
        labels=volumes.labels(project, fingerprint),
        tag=project.image(fingerprint),
        build_id=f"test-{letter}",
    )
    nothing = lambda *_: False  # noqa: E731
    post = partial(builds.build, engine)
    identity = engine_build.build(post, order, nothing, nothing, lambda *_: True)
    found = engine_images.inspect(engine, identity)
    assert found
    return found


def spec(root: Path) -> ContainerSpec:
    return ContainerSpec(str(root), "/app", ("kept",))


FILLED = "FROM node:22-slim\nWORKDIR /app\nRUN mkdir kept && echo %s > kept/file\n"


def listing(engine: Engine, container: str) -> str:
    return files.read_file(engine, container, "/app/kept/file").decode().strip()


def test_the_newest_five_images_stay_older_ones_go_with_their_volumes(
    tmp_path: Path, engine: Engine
) -> None:
    project = Project(str(tmp_path), "keeping")
    try:
        for letter in "abcdefg":
            image = build(engine, project, FILLED % letter, letter)
            made = prepare.prepare(engine, project, image, spec(tmp_path), letter * 64)
            containers.remove(engine, made.id)
        assert len(harness.volumes(engine, tmp_path)) == 7
        images.prune(engine, project)
        left = engine.get("/images/json", reference=project.repository)
        tags = {tag for one in left for tag in one["RepoTags"] or () if project.repository in tag}
        assert tags == {project.image(letter * 64) for letter in "cdefg"}
        assert len(harness.volumes(engine, tmp_path)) == 5
    finally:
        for letter in "abcdefg":
            engine.delete(f"/images/{project.image(letter * 64)}", force="true")
        for volume in harness.volumes(engine, tmp_path):
            engine.delete(f"/volumes/{volume['Name']}")


def test_an_image_that_is_made_again_of_cached_layers_is_new(
    tmp_path: Path, engine: Engine
) -> None:
    project = Project(str(tmp_path), "keeping")
    try:
        build(engine, project, FILLED % "a", "a")
        begun = int(time.time())
        while int(time.time()) == begun:  # the layers' date has whole seconds
            time.sleep(0.02)
        for letter in "bcdef":
            build(engine, project, FILLED % letter, letter)
        engine.delete(f"/images/{project.image('a' * 64)}")
        again = build(engine, project, FILLED % "a", "a")
        images.prune(engine, project)
        assert engine_images.inspect(engine, project.image("a" * 64)) == again
        assert engine_images.inspect(engine, project.image("b" * 64)) is None
    finally:
        for letter in "abcdef":
            engine.delete(f"/images/{project.image(letter * 64)}", force="true")


def test_a_volume_that_is_not_known_to_be_full_is_made_anew(tmp_path: Path, engine: Engine) -> None:
    project = Project(str(tmp_path), "keeping")
    image = build(engine, project, FILLED % "whole", "a")
    name = volumes.name(project, image.id, "kept", None)
    try:
        volumes.create(engine, project, name, "a" * 64)
        half = engine.post(
            "/containers/create",
            {
                "Image": image.id,
                "Cmd": ["sh", "-c", "echo half > /v/file"],
                "HostConfig": {"Mounts": [{"Type": "volume", "Source": name, "Target": "/v"}]},
            },
        )["Id"]
        engine.post(f"/containers/{half}/start")
        engine.post(f"/containers/{half}/wait")
        containers.remove(engine, half)
        first = prepare.prepare(engine, project, image, spec(tmp_path), "a" * 64)
        assert listing(engine, first.id) == "whole"
        assert volumes.filled(engine, first.id, "/app/kept")
        files.put(engine, first.id, "/app/kept", [])
        containers.remove(engine, first.id)
        again = prepare.prepare(engine, project, image, spec(tmp_path), "a" * 64)
        assert volumes.filled(engine, again.id, "/app/kept")
        containers.remove(engine, again.id)
        assert len(harness.volumes(engine, tmp_path)) == 1
    finally:
        volumes.remove_when_free(engine, name)
        engine.delete(f"/images/{project.image('a' * 64)}", force="true")


@pytest.mark.parametrize(
    ("reload", "code"),
    [
        ("signal:USR2", "process.on('SIGUSR2', () => { body = 'reloaded' })\n"),
        (
            "'exec: touch /tmp/again'",
            "setInterval(() => { if (fs.existsSync('/tmp/again')) body = 'reloaded' }, 20)\n",
        ),
    ],
    ids=["signal", "exec"],
)
def test_an_app_that_reloads_by_its_own_means_is_not_restarted(
    reload: str, code: str, tmp_path: Path, engine: Engine
) -> None:
    app = App(NODE, tmp_path)
    source = (
        "const fs = require('fs')\nlet body = 'first'\n"
        "require('http').createServer((q, r) => r.end(body)).listen(3000)\n"
    )
    harness.write(
        tmp_path,
        {"server.js": source + code, "devloop.yaml": app.config(f"  reload: {reload}\n")},
    )
    with harness.running(tmp_path) as up:
        up.ready()
        assert app.get() == "first"
        here = up.here
        harness.write(tmp_path, {"lib.js": "// changed\n"})
        done = up.cycle("lib.js", here)
        assert (done["action"], done["outcome"]) == ("reload", "ok")
        for _ in range(500):
            if app.get() == "reloaded":
                break
        assert app.get() == "reloaded"
        assert up.count("app.ready") == 1
    assert engine.ping()


def test_a_reload_command_that_fails_is_told(tmp_path: Path, engine: Engine) -> None:
    app = App(NODE, tmp_path)
    harness.write(tmp_path, {"devloop.yaml": app.config("  reload: 'exec: echo no way; false'\n")})
    with harness.running(tmp_path) as up:
        up.ready()
        here = up.here
        app.say("changed")
        assert "no way" in up.wait("error", here)["message"]
    assert engine.ping()


def test_a_secret_reaches_the_install_and_no_layer(tmp_path: Path, engine: Engine) -> None:
    App(NODE, tmp_path)
    secret = "//127.0.0.1:9/:_authToken=s3cr3t-of-the-test\n"  # noqa: S105
    (tmp_path / "devloop.yaml").unlink()
    harness.write(tmp_path, {".npmrc": secret})
    assert harness.devloop("init", str(tmp_path)).returncode == 0
    assert "type=secret,id=npmrc" in (tmp_path / "Dockerfile").read_text()
    built = harness.devloop("build", str(tmp_path))
    assert built.returncode == 0, built.stderr
    name = built.stdout.strip()
    assert "s3cr3t" not in built.stderr + str(engine.get(f"/images/{name}/history"))
    made = engine.post("/containers/create", {"Image": name, "Cmd": ["true"]})["Id"]
    try:
        for path in ("/app/.npmrc", "/root/.npmrc"):
            assert b"s3cr3t" not in files.read_file(engine, made, path)
        assert files.has_file(engine, made, "/app/node_modules/express/package.json")
    finally:
        containers.remove(engine, made)
