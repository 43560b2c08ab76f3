"""Published shapes of Dockerfiles as they stand: a source save never rebuilds, an input does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from devloop.engine.client import Engine
from tests.e2e import harness
from tests.e2e.apps import NODE, App, package

HEAD = "FROM node:22-slim\n"


@dataclass(frozen=True)
class Shape:
    """A Dockerfile, files besides the app's, and a file whose change is an input of the image."""

    dockerfile: str
    files: dict[str, str]
    input: tuple[str, str]
    config: str = ""


MORE = ("package.json", package(dependencies={"express": "^4.18.0", "is-odd": "^3.0.1"}))
GREETING = "console.log(require('fs').readFileSync('/etc/greeting', 'utf8'))\n"

SHAPES = {
    "the source before the install": Shape(
        HEAD + "WORKDIR /app\nCOPY . .\nRUN npm install\nCMD npm start\n", {}, MORE
    ),
    "bind mounts in RUN": Shape(
        HEAD + "WORKDIR /app\n"
        "RUN --mount=type=bind,source=package.json,target=package.json npm install\n"
        'COPY . .\nCMD ["node", "server.js"]\n',
        {},
        MORE,
    ),
    "a config file outside the mount": Shape(
        HEAD
        + "WORKDIR /app\nCOPY package.json .\nRUN npm install\n"
        "COPY conf/greeting /etc/greeting\nCOPY . .\n"
        'CMD ["node", "-r", "/etc/greeting.js", "server.js"]\n'.replace(
            '"-r", "/etc/greeting.js", ', ""
        ),
        {"conf/greeting": "one\n"},
        ("conf/greeting", "two\n"),
    ),
    "several stages": Shape(
        "FROM node:22-slim AS deps\nWORKDIR /app\nCOPY package.json ./\nRUN npm install\n"
        "FROM deps AS build\nCOPY . .\nRUN echo built > built.txt\n"
        "FROM node:22-slim\nWORKDIR /app\nCOPY --from=build /app .\n"
        'CMD ["node", "server.js"]\n',
        {},
        MORE,
    ),
    "no WORKDIR": Shape(
        HEAD + "COPY . /srv\nRUN cd /srv && npm install\nCMD cd /srv && exec node server.js\n",
        {},
        MORE,
    ),
    "a USER": Shape(
        HEAD + "WORKDIR /app\nRUN chown node:node /app\nUSER node\n"
        "COPY --chown=node:node package.json .\nRUN npm install\n"
        'COPY --chown=node:node . .\nCMD ["node", "server.js"]\n',
        {},
        MORE,
    ),
    "ENTRYPOINT with CMD": Shape(
        HEAD + "WORKDIR /app\nCOPY package.json .\nRUN npm install\nCOPY . .\n"
        'ENTRYPOINT ["node"]\nCMD ["server.js"]\n',
        {},
        MORE,
    ),
    "a STOPSIGNAL": Shape(
        HEAD + "WORKDIR /app\nCOPY package.json .\nRUN npm install\nCOPY . .\n"
        'STOPSIGNAL SIGINT\nCMD ["node", "server.js"]\n',
        {},
        MORE,
    ),
}


COMMON = ("the source before the install", "bind mounts in RUN", "several stages", "a USER")


@pytest.mark.parametrize(
    "name", [one if one in COMMON else pytest.param(one, marks=pytest.mark.slow) for one in SHAPES]
)
def test_a_source_save_never_rebuilds_and_an_input_always_does(
    name: str, tmp_path: Path, engine: Engine
) -> None:
    shape = SHAPES[name]
    app = App(NODE, tmp_path)
    harness.write(tmp_path, {**shape.files, "Dockerfile": shape.dockerfile})
    harness.write(tmp_path, {".dockerignore": "node_modules\n"})
    if name == "a STOPSIGNAL":
        source = tmp_path / "server.js"
        told = "process.on('SIGINT', () => { console.log('by INT'); process.exit() })\n"
        source.write_text(source.read_text() + told)
    with harness.running(tmp_path) as up:
        first = up.wait("app.started")
        up.ready()
        assert app.get() == "hello 1"
        here = up.here
        app.say("hello 2")
        done = up.cycle("server.js", here)
        assert (done["action"], done["outcome"]) == ("restart", "ok")
        assert app.get() == "hello 2"
        if name == "a STOPSIGNAL":
            up.wait("log", here, text="by INT")
        assert up.count("app.started") == 1
        here = up.here
        path, content = shape.input
        (tmp_path / path).write_text(content)
        done = up.cycle(path, here)
        assert (done["action"], done["outcome"]) == ("rebuild", "ok"), done
        assert up.wait("app.started", here)["image"] != first["image"]
        assert app.get() == "hello 2"
        if path == "package.json":
            assert app.has("is-odd")
        assert len(harness.containers(engine, tmp_path)) == 1


def test_an_image_without_a_shell_is_restarted_as_a_container(
    tmp_path: Path, engine: Engine
) -> None:
    app = App(NODE, tmp_path)
    dockerfile = (
        "FROM node:22-slim AS deps\nWORKDIR /app\nCOPY package.json ./\nRUN npm install\n"
        'RUN mkdir -p /root-fs/bin && cp "$(readlink -f "$(command -v node)")" /root-fs/bin/\n'
        "RUN ldd /root-fs/bin/node | grep -o '/[^ ]*' | sort -u"
        " | xargs -I{} sh -c 'mkdir -p /root-fs/$(dirname {}) && cp -L {} /root-fs/{}'\n"
        "FROM scratch\nWORKDIR /app\nCOPY --from=deps /root-fs/ /\n"
        "COPY --from=deps /app/node_modules ./node_modules\nCOPY . .\n"
        'EXPOSE 3000\nENTRYPOINT ["/bin/node"]\nCMD ["server.js"]\n'
    )
    harness.write(tmp_path, {"Dockerfile": dockerfile, ".dockerignore": "node_modules\n"})
    with harness.running(tmp_path) as up:
        up.ready()
        assert app.get() == "hello 1"
        here = up.here
        app.say("hello 2")
        done = up.cycle("server.js", here)
        assert (done["action"], done["outcome"]) == ("restart", "ok")
        assert app.get() == "hello 2"
        here = up.here
        app.crash()
        assert up.cycle("server.js", here)["outcome"] == "crashed"
        assert up.wait("app.exited", here)["exit_code"] != 0
        here = up.here
        app.say("hello 3")
        assert up.cycle("server.js", here)["outcome"] == "ok"
        assert app.get() == "hello 3"
        assert up.count("image.building") == 1
        assert len(harness.containers(engine, tmp_path)) == 1
        assert up.stop() == 130


@pytest.mark.parametrize(
    ("dockerfile", "why"),
    [
        (HEAD + "COPY . .\nRUN npm install\nCMD node server.js\n", "WORKDIR"),
        (
            "FROM node:22-slim AS build\nWORKDIR /src\nCOPY . .\nRUN npm install\n"
            "FROM node:22-slim\nWORKDIR /out\nCOPY --from=build /src/server.js .\n"
            "COPY --from=build /src/node_modules ./node_modules\nCMD node server.js\n",
            "app.target",
        ),
    ],
    ids=["in the root", "only what was built"],
)
def test_where_nothing_can_be_mounted_a_save_rebuilds_and_that_is_said(
    dockerfile: str, why: str, tmp_path: Path, engine: Engine
) -> None:
    app = App(NODE, tmp_path)
    harness.write(tmp_path, {"Dockerfile": dockerfile, ".dockerignore": "node_modules\n"})
    with harness.running(tmp_path) as up:
        told = up.wait("notice", where=lambda it: "every save rebuilds" in it["message"])
        assert why in told["message"]
        up.ready()
        here = up.here
        app.say("hello 2")
        done = up.cycle("server.js", here)
        assert (done["action"], done["outcome"]) == ("rebuild", "ok")
        assert app.get() == "hello 2"
    assert harness.containers(engine, tmp_path) == []
