"""Compose projects on a real engine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from devloop.engine.client import Engine
from tests.e2e import composing, harness, shop_project

pytestmark = composing.NEEDS_COMPOSE


def test_an_edit_restarts_only_the_app_and_the_count_stays(
    tmp_path: Path, port: int, engine: Engine
) -> None:
    root = composing.counter(tmp_path / f"counter{port}", port)
    with composing.upped(root) as up:
        assert up.ready(service="web")["url"] == f"http://localhost:{port}"
        assert up.wait("service.started", service="redis")["image"] == "redis:7"
        assert composing.visits(port) == ("one", 1)
        before = composing.ids(root)
        here = up.here
        (root / "server.js").write_text(composing.COUNTER % "two")
        done = up.cycle("server.js", here)
        assert (done["action"], done["outcome"], done["service"]) == ("restart", "ok", "web")
        assert composing.visits(port) == ("two", 2)
        assert composing.ids(root) == before
        here = up.here
        (root / "package.json").write_text(composing.package(**{"is-odd": "^3.0.1"}))
        done = up.cycle("package.json", here)
        assert (done["action"], done["outcome"]) == ("rebuild", "ok")
        assert harness.get(port, "/has/is-odd") == "there"
        assert composing.visits(port) == ("two", 3)
        again = composing.ids(root)
        assert again["redis"] == before["redis"]
        assert again["web"] != before["web"]
        assert up.stop() == 130
        assert {one["State"] for one in composing.ps(root).values()} == {"exited"}
    assert harness.containers(engine, root) == []


def test_down_leaves_the_volume_unless_asked_for(tmp_path: Path, port: int) -> None:
    root = composing.counter(tmp_path / f"counter{port}", port)
    with composing.upped(root) as up:
        for expected, options in ((1, []), (2, ["--volumes"]), (1, [])):
            up.ready()
            assert composing.visits(port) == ("one", expected)
            composing.compose(root, "exec", "redis", "redis-cli", "save")
            assert harness.devloop("down", str(root), *options).returncode == 0
            assert up.exit_code() == 130
            assert composing.ps(root) == {}
            composing.again(up)
        up.stop()


@pytest.mark.slow
def test_several_services_of_several_stacks_are_developed_one_by_one(
    tmp_path: Path, port: int, engine: Engine
) -> None:
    other = harness.free_port()
    root = shop_project.shop(tmp_path / f"shop{port}", port, other)
    with composing.upped(root) as up:
        for service in ("web", "worker", "site"):
            up.ready(service=service)
        assert up.count("image.building") == 2, "web and worker share an image"
        images = {
            one["service"]: one["image"] for one in up.events if one["event"] == "image.built"
        }
        assert images["web"] == images["worker"] != images["site"]
        assert harness.get(port, "/add") == "web1 1 False"
        before = composing.ids(root)

        here = up.here
        (root / "site/server.js").write_text(shop_project.SITE % ("2", "site2"))
        assert up.cycle("server.js", here)["service"] == "site"
        assert harness.get(other) == "site2"
        here = up.here
        (root / "api/web.py").write_text(shop_project.WEB % "web2")
        for service in ("web", "worker"):
            done = up.wait("cycle.finished", here, service=service)
            assert (done["action"], done["outcome"]) == ("restart", "ok")
        assert harness.get(port) == "web2 1 False"
        assert composing.ids(root) == before

        here = up.here
        cache = started_at(engine, before["cache"])
        (root / "api/requirements.txt").write_text("pg8000\ntomli\n")
        for service in ("web", "worker"):
            assert up.wait("cycle.finished", here, service=service)["action"] in (
                "rebuild",
                "recreate",
            )
        assert up.count("image.building", here) == 1
        assert harness.get(port, "/has/tomli") == "web2 1 True"
        up.wait("log", here, service="site", text="site 2")
        up.wait("notice", here, service="cache")
        composing.wait_until(lambda: started_at(engine, before["cache"]) != cache)
        after = composing.ids(root)
        same = {name for name in before if before[name] == after[name]}
        assert same == {"db", "site", "cache"}
        assert up.stop() == 130


def started_at(engine: Engine, container: str) -> str:
    return str(engine.get(f"/containers/{container}/json")["State"]["StartedAt"])


def test_services_are_chosen_by_name_and_files_by_option(tmp_path: Path, port: int) -> None:
    root = tmp_path / f"chosen{port}"
    for name in ("one", "two"):
        composing.plain(root, name)
    text = "services:\n  one: {build: ./one, depends_on: [base]}\n  two: {build: ./two}\n"
    harness.write(root, {"other.yaml": text + "  base: {image: redis:7}\n"})
    file = str(root / "other.yaml")
    with composing.upped(root, "one", "--file", file) as up:
        assert up.wait("up.started")["config"] == "other.yaml"
        up.ready(service="one")
        assert set(composing.ids(root)) == {"one", "base"}
        assert up.stop() == 130


def test_x_devloop_is_honoured_and_its_mistakes_have_a_place(tmp_path: Path, port: int) -> None:
    root = tmp_path / f"said{port}"
    composing.plain(root, "web")
    more = harness.free_port()
    text = f"""services:
  web:
    build: ./web
    environment: {{WORD: file}}
    x-devloop:
      run: node server.js
      ports: ["{more}:3000"]
      env: {{WORD: "5$"}}
"""
    harness.write(root, {"compose.yaml": text.replace("run:", "runn:")})
    done = harness.devloop("up", f"{root}/")
    assert done.returncode == 2
    assert "compose.yaml:6:7: unknown key `runn` in x-devloop (did you mean `run`?)" in done.stderr
    harness.write(root, {"compose.yaml": text})
    with composing.upped(root) as up:
        assert up.ready(service="web")["url"] == f"http://localhost:{more}"
        assert harness.get(more) == "5$"
        assert up.stop() == 130


@pytest.mark.slow
def test_one_that_others_wait_for_runs_to_its_end(tmp_path: Path, port: int) -> None:
    root = tmp_path / f"once{port}"
    composing.plain(root, "web")
    text = """services:
  web:
    build: ./web
    depends_on: {migrate: {condition: service_completed_successfully}}
  migrate:
    build: ./web
    command: [node, -e, "console.log('migrated')"]
"""
    harness.write(root, {"compose.yaml": text})
    with composing.upped(root) as up:
        up.ready(service="web")
        up.wait("log", service="migrate", text="migrated")
        assert up.wait("app.exited", service="migrate")["exit_code"] == 0
        here = up.here
        composing.plain(root, "web", text="again")
        up.wait("cycle.finished", here, service="web", action="restart")
        assert up.wait("cycle.finished", here, service="migrate")["action"] == "none"
        assert up.stop() == 130


@pytest.mark.slow
def test_services_come_and_go_with_the_files_that_name_them(tmp_path: Path, port: int) -> None:
    root = tmp_path / f"come{port}"
    for name in ("one", "two"):
        composing.plain(root, name)
    one, two = "  one: {build: ./one}\n", "  two: {build: ./two}\n"
    harness.write(root, {"compose.yaml": f"services:\n{one}"})
    with composing.upped(root) as up:
        up.ready(service="one")
        kept = composing.ids(root)["one"]
        (root / "compose.yaml").write_text(f"services:\n{one}{two}  base: {{image: redis:7}}\n")
        up.ready(service="two")
        composing.wait_until(lambda: "base" in composing.ids(root))
        here = up.here
        composing.plain(root, "two", text="again")
        assert up.cycle("server.js", here)["service"] == "two"
        (root / "compose.yaml").write_text(f"include: [two/part.yaml]\nservices:\n{one}")
        part = "services:\n  three: {build: ., environment: {WORD: %s}}\n"
        harness.write(root, {"two/part.yaml": part % "first"})
        up.ready(service="three")
        composing.wait_until(lambda: set(composing.ids(root)) == {"one", "three"})
        here = up.here
        (root / "two/part.yaml").write_text(part % "second")
        done = up.wait("cycle.finished", here, service="three")
        assert (done["action"], done["outcome"]) == ("recreate", "ok")
        assert composing.ids(root)["one"] == kept
        assert up.stop() == 130


@pytest.mark.slow
def test_a_profile_is_composes_own_work(tmp_path: Path, port: int) -> None:
    root = tmp_path / f"profile{port}"
    for name in ("web", "tool"):
        composing.plain(root, name)
    text = "services:\n  web: {build: ./web}\n  tool: {build: ./tool, profiles: [tools]}\n"
    harness.write(root, {"compose.yaml": text})
    for words, env, expected in (
        ([], {}, {"web"}),
        (["tool"], {}, {"tool"}),
        ([], {"COMPOSE_PROFILES": "tools"}, {"tool", "web"}),
    ):
        with composing.upped(root, *words, env={**os.environ, **env}) as up:
            for name in expected:
                up.ready(service=name)
            assert set(composing.ids(root)) == expected
            assert up.stop() == 130


@pytest.mark.slow
def test_what_init_writes_runs_with_its_service(tmp_path: Path, port: int) -> None:
    root = tmp_path / f"init{port}"
    root.mkdir(mode=0o755)
    files = {"package.json": composing.package(), "server.js": composing.COUNTER % "one"}
    harness.write(root, files)
    written = harness.devloop("init", str(root), "--compose")
    assert written.returncode == 0, written.stderr
    text = (root / "compose.yaml").read_text()
    assert ":3000:3000" in text
    (root / "compose.yaml").write_text(text.replace(":3000:3000", f":{port}:3000"))
    with composing.upped(root) as up:
        up.ready(service="app")
        assert composing.visits(port) == ("one", 1)
        assert up.stop() == 130


@pytest.mark.slow
def test_what_export_writes_runs_without_devloop(tmp_path: Path, port: int) -> None:
    root = tmp_path / f"export{port}"
    composing.plain(tmp_path, root.name)
    settings = f'app: {{ports: ["{port}:3000"], env: {{WORD: "5$"}}, stop-grace: 1s}}\n'
    harness.write(root, {"devloop.yaml": settings})
    exported = harness.devloop("export", "compose", str(root))
    assert exported.returncode == 0, exported.stderr
    harness.write(root, {"compose.yaml": exported.stdout})
    file = ("--project-directory", str(root), "-f", str(root / "compose.yaml"))
    try:
        done = composing.compose(root, *file, "up", "-d", "--build", "--wait")
        assert done.returncode == 0, done.stderr
        composing.wait_until(lambda: composing.answers(port) == "5$")
    finally:
        composing.compose(root, *file, "down", "--timeout", "1", "--rmi", "local")


@pytest.mark.slow
def test_an_image_without_setsid_is_restarted_as_a_container(tmp_path: Path, port: int) -> None:
    root = tmp_path / f"bare{port}"
    composing.plain(root, "web")
    (root / "web/Dockerfile").write_text(composing.PLAIN + "RUN rm /usr/bin/setsid\n")
    text = f'services: {{web: {{build: ./web, ports: ["127.0.0.1:{port}:3000"]}}}}\n'
    harness.write(root, {"compose.yaml": text})
    with composing.upped(root) as up:
        up.ready(service="web")
        before = composing.ids(root)
        here = up.here
        source = (root / "web/server.js").read_text().replace("|| 'web'", "|| 'again'")
        (root / "web/server.js").write_text(source)
        done = up.cycle("server.js", here)
        assert (done["action"], done["outcome"]) == ("restart", "ok")
        assert harness.get(port) == "again"
        assert composing.ids(root) == before
        assert up.stop() == 130


@pytest.mark.slow
def test_jobs_run_in_the_service_that_has_the_folder(tmp_path: Path, port: int) -> None:
    root = tmp_path / f"jobs{port}"
    composing.plain(tmp_path, root.name)
    composing.plain(root, "other")
    text = "services:\n  all: {build: .}\n  other: {build: ./other}\n"
    settings = "jobs:\n  test: {steps: [{run: hostname && grep -c runs server.js}]}\n"
    harness.write(root, {"compose.yaml": text, "devloop.yaml": settings})
    with composing.upped(root) as up:
        for name in ("all", "other"):
            up.ready(service=name)
        here = up.here
        composing.plain(tmp_path, root.name, text="runs again")
        assert up.wait("job.finished", here, job="test")["conclusion"] == "success"
        container = composing.ids(root)["all"]
        up.wait("log", here, where=lambda it: container.startswith(it["text"] or "-"))
        assert up.count("job.started", here) == 1
        assert up.stop() == 130


@pytest.mark.slow
def test_output_is_read_with_and_without_a_terminal(tmp_path: Path, port: int) -> None:
    root = tmp_path / f"spoken{port}"
    composing.plain(root, "web")
    talk = "image: redis:7, command: [sh, -c, 'echo out; echo err >&2; exec sleep 60']"
    text = "services:\n  web: {build: ./web, tty: true}\n"
    text += f"  pipe: {{{talk}}}\n  screen: {{{talk}, tty: true}}\n"
    harness.write(root, {"compose.yaml": text})
    with composing.upped(root) as up:
        for name, streams in (("pipe", ("stdout", "stderr")), ("screen", ("stdout", "stdout"))):
            for word, stream in zip(("out", "err"), streams, strict=True):
                assert up.wait("log", service=name, text=word)["stream"] == stream
        up.ready(service="web")
        up.wait("log", service="web", text="web runs")
        told = harness.devloop("logs", "--project", str(root))
        assert (told.stdout.splitlines(), told.stderr) == (["web runs"], "")
        assert up.stop() == 130


@pytest.mark.slow
def test_the_logs_of_a_service_that_is_not_developed_are_shown_from_its_start(
    tmp_path: Path, port: int
) -> None:
    root = composing.counter(tmp_path / f"logs{port}", port)
    with composing.upped(root) as up:
        up.wait("log", service="redis", where=lambda it: "Redis is starting" in it["text"])
        up.ready(service="web")
        assert up.stop() == 130
