from __future__ import annotations

import pytest

from devloop.image.inputs import BuildSettings, TargetError, analyse


def manifest(path: str) -> bool:
    return path.rsplit("/", 1)[-1] in ("package.json", "requirements.txt")


PATHS = ("package.json", "src/a.js", "README.md", "conf/x.ini", "server.js")

CASES = {
    "the source before the install": (
        "FROM a\nWORKDIR /app\nCOPY . .\nRUN npm i\n",
        "/app",
        {"package.json": "fields"},
    ),
    "dependency-first": (
        "FROM a\nWORKDIR /app\nCOPY package*.json ./\nRUN npm i\nCOPY . .\nCMD x",
        "/app",
        {"package.json": "fields"},
    ),
    "no RUN after the copy": ("FROM a\nWORKDIR /app\nCOPY . .\n", "/app", {}),
    "a RUN in a stage above": (
        "FROM a AS b\nWORKDIR /app\nCOPY package.json server.js ./\nFROM b\nRUN npm i\n",
        "/app",
        {"package.json": "fields", "server.js": "content"},
    ),
    "a RUN two stages above": (
        "FROM a AS b\nWORKDIR /app\nCOPY server.js ./\nFROM b AS c\nFROM c\nRUN x\n",
        "/app",
        {"server.js": "content"},
    ),
    "no WORKDIR, a folder of its own": (
        "FROM a\nCOPY . /srv\nRUN cd /srv && npm i\n",
        "/srv",
        {"package.json": "fields"},
    ),
    "the folder goes before WORKDIR": (
        "FROM a\nCOPY . /srv/app\nWORKDIR /srv/app/src\nCMD x\n",
        "/srv/app",
        {},
    ),
    "a config file outside the mount": (
        "FROM a\nWORKDIR /app\nCOPY conf/x.ini /etc/x.ini\nCOPY . .\n",
        "/app",
        {"conf/x.ini": "content"},
    ),
    "bind mounts in RUN": (
        "FROM a\nWORKDIR /app\n"
        "RUN --mount=type=bind,source=package.json,target=package.json npm ci\nCOPY . .\n",
        "/app",
        {"package.json": "fields"},
    ),
    "a bind mount of the whole folder": (
        "FROM a\nWORKDIR /app\nRUN --mount=type=bind,target=. npm ci\nCOPY . .\n",
        "/app",
        {"package.json": "fields"},
    ),
    "a stage whose folder the target takes over": (
        "FROM a AS b\nWORKDIR /app\nCOPY . .\nRUN npm run build\n"
        "FROM a\nWORKDIR /app\nCOPY --from=b /app .\n",
        "/app",
        {"package.json": "fields"},
    ),
    "a builder besides the target's own copy": (
        "FROM a AS b\nWORKDIR /app\nCOPY . .\nRUN pip\n"
        "FROM a\nWORKDIR /app\nCOPY --from=b /install /usr/local\nCOPY . .\n",
        "/app",
        {"package.json": "fields"},
    ),
    "only what a builder made": (
        "FROM a AS b\nWORKDIR /app\nCOPY . .\nRUN build\nFROM a\nWORKDIR /app\n"
        "COPY package.json ./\nRUN npm ci\nCOPY --from=b /app/dist ./dist\n",
        None,
        dict.fromkeys(PATHS, "content"),
    ),
    "a binary in an empty image": (
        "FROM a AS b\nWORKDIR /src\nCOPY . .\nRUN build\nFROM scratch\nCOPY --from=b /bin/x /x\n",
        None,
        dict.fromkeys(PATHS, "content"),
    ),
    "the app in the root": (
        "FROM a\nCOPY . .\nRUN npm i\n",
        None,
        dict.fromkeys(PATHS, "content"),
    ),
    "a folder of sources": (
        "FROM a\nWORKDIR /app\nCOPY package.json .\nRUN npm i\nCOPY src ./src\nRUN x\n",
        "/app",
        {"package.json": "fields"},
    ),
    "several files into WORKDIR by its name": (
        "FROM a\nWORKDIR /app\nCOPY server.js /app\nRUN x\n",
        "/app",
        {"server.js": "content"},
    ),
    "a file under another name": (
        "FROM a\nWORKDIR /app\nCOPY server.js /app/main.js\n",
        "/app",
        {"server.js": "content"},
    ),
    "parents": (
        "FROM a\nWORKDIR /app\nCOPY --parents conf/x.ini ./\nRUN x\n",
        "/app",
        {"conf/x.ini": "content"},
    ),
    "what is no context source": (
        "FROM a\nWORKDIR /app\nADD https://x/y /y\nADD git@x:y /z\nCOPY <<E /e\nhi\nE\nCOPY x\n"
        "RUN --mount=type=cache,target=/c --mount=type=bind,from=b,target=/b x\n",
        "/app",
        {},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_roles(name: str) -> None:
    text, mount, expected = CASES[name]
    inputs = analyse(text, "", BuildSettings())
    found = {path: inputs.role(path, manifest) for path in PATHS}
    assert inputs.mount == mount
    assert {path: str(role) for path, role in found.items() if role} == expected
    assert bool(inputs.unmounted) == (mount is None)


def test_ignored_files_are_no_inputs() -> None:
    inputs = analyse("FROM a\nCOPY . .\n", "*.md\n!README.md\nsrc\n", BuildSettings())
    assert inputs.role("src/a.js", manifest) is None
    assert inputs.role("README.md", manifest) is not None
    assert not inputs.reaches("src/a.js")
    assert inputs.reaches("server.js")


def test_the_users_word_on_target_and_mount() -> None:
    text = "FROM a AS dev\nWORKDIR /d\nFROM a AS prod\nEXPOSE 80\nWORKDIR /p\n"
    assert analyse(text, "", BuildSettings()).target == "dev"
    found = analyse(text, "", BuildSettings(target="prod", mount="/x"))
    assert (found.target, found.mount, found.workdir, found.port) == ("prod", "/x", "/p", 80)
    assert analyse(text, "", BuildSettings(mount="/")).mount is None


@pytest.mark.parametrize(
    ("text", "message"),
    [("FROM a AS x\n", "it has: x"), ("FROM a\n", "no named one"), ("", "no FROM")],
)
def test_a_stage_that_is_not_there(text: str, message: str) -> None:
    with pytest.raises(TargetError, match=message):
        analyse(text, "", BuildSettings(target="nope"))


def test_the_recipe_is_meaning_not_bytes() -> None:
    one = analyse("FROM a AS dev\nRUN x  # y\nFROM b\n", "a\n", BuildSettings()).recipe
    same = analyse("# hi\nFROM a AS dev\n\nRUN x  # y\nFROM c\n", "# c\na\n\n", BuildSettings())
    other = analyse("FROM a AS dev\nRUN z\nFROM b\n", "a\n", BuildSettings())
    assert one == same.recipe
    assert one != other.recipe


def test_copies_of_copies_are_followed_without_end() -> None:
    text = "FROM a AS b\nCOPY . /x\nRUN y\nFROM b AS c\nFROM a\nWORKDIR /x\nCOPY --from=c /x /x\n"
    inputs = analyse(text, "", BuildSettings())
    assert inputs.mount == "/x"
    assert inputs.role("src/a.js", manifest) is None
