from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import lupa
import pytest
from jsonschema import Draft202012Validator

from devloop.errors import UserError
from devloop.model import Port
from devloop.scaffold.editors import plan as editors
from devloop.scaffold.editors.files import FILES, EditorSubject
from devloop.scaffold.plan import FilePlan
from tests.scaffold.vscode import TASKS

NODE = EditorSubject(
    "shop", "Dockerfile", "dev", "/app", ("node_modules",), (Port(3000, 3000),), "node"
)
PYTHON = EditorSubject("shop", "docker/Dockerfile", None, "/srv", (), (), "python")
GO = EditorSubject("shop", "Dockerfile", None, "/app", (), (), "go")


def plans(editor: str, it: EditorSubject, **existing: bytes) -> dict[str, FilePlan]:
    return {one.path: one for one in editors.plan((editor,), it, existing)}


def data(editor: str, it: EditorSubject, path: str) -> Any:
    return json.loads(plans(editor, it)[path].content)


@pytest.mark.parametrize("it", [NODE, PYTHON, GO], ids=lambda it: it.stack)
def test_vs_code_s_tasks_keep_to_its_schema(it: EditorSubject) -> None:
    found = data("vscode", it, ".vscode/tasks.json")
    assert list(Draft202012Validator(TASKS).iter_errors(found)) == []


STREAM = """devloop: shop (devloop.yaml)
devloop: building: start
app | devloop: cycle 9 started (x)
devloop: listening on http://localhost:3000
devloop: cycle 7 started (src/a.py)
devloop: error: src/a.py:3:7: it is wrong (test)
devloop: warning: src/b.py:4: odd (test)
devloop: cycle 7 finished restart ok in 0.08s: src/a.py
devloop: error: the app does not answer yet (does it listen?)"""


def test_the_matchers_read_the_plain_stream() -> None:
    task = data("vscode", NODE, ".vscode/tasks.json")["tasks"][0]["problemMatcher"]
    lines, back, pattern = STREAM.splitlines(), task["background"], task["pattern"]
    assert [one for one in lines if re.search(back["beginsPattern"], one)] == [lines[4]]
    assert [one for one in lines if re.search(back["endsPattern"], one)] == [lines[3], lines[7]]
    found = [it for one in lines if (it := re.search(pattern["regexp"], one))]
    parts = ("severity", "file", "line", "column", "message")
    assert [tuple(one[pattern[part]] for part in parts) for one in found] == [
        ("error", "src/a.py", "3", "7", "it is wrong (test)"),
        ("warning", "src/b.py", "4", None, "odd (test)"),
    ]


def test_a_debugger_is_attached_with_the_paths_mapped() -> None:
    node = data("vscode", NODE, ".vscode/launch.json")["configurations"][0]
    assert (node["port"], node["remoteRoot"], node["restart"]) == (9229, "/app", True)
    python = data("vscode", PYTHON, ".vscode/launch.json")["configurations"][0]
    assert python["connect"] == {"host": "127.0.0.1", "port": 5678}
    assert python["pathMappings"][0]["remoteRoot"] == "/srv"
    labels = {one["label"] for one in data("vscode", NODE, ".vscode/tasks.json")["tasks"]}
    assert node["preLaunchTask"] in labels
    assert ".vscode/launch.json" not in plans("vscode", GO)
    assert data("zed", PYTHON, ".zed/debug.json")[0]["adapter"] == "Debugpy"
    assert data("zed", NODE, ".zed/debug.json")[0]["type"] == "pwa-node"
    assert ".zed/debug.json" not in plans("zed", GO)


def test_the_dev_container_is_the_same_image() -> None:
    found = data("vscode", NODE, ".devcontainer/devcontainer.json")
    assert found["build"] == {"dockerfile": "../Dockerfile", "context": "..", "target": "dev"}
    assert found["mounts"] == [
        "source=${devcontainerId}-node_modules,target=/app/node_modules,type=volume"
    ]
    assert found["forwardPorts"] == [3000]
    assert data("zed", PYTHON, ".devcontainer/devcontainer.json")["build"] == {
        "dockerfile": "../docker/Dockerfile",
        "context": "..",
    }


@pytest.mark.parametrize("it", [NODE, PYTHON, GO], ids=lambda it: it.stack)
def test_neovim_s_file_runs(it: EditorSubject) -> None:
    lua = lupa.LuaRuntime()
    lua.execute(
        """
        made, dap = {}, { configurations = {} }
        vim = { api = {}, fn = { getcwd = function() return "/here" end } }
        function vim.api.nvim_create_user_command(name) table.insert(made, name) end
        function require(name) return dap end
        """
    )
    lua.execute(plans("neovim", it)[".nvim.lua"].content)
    made = set(lua.globals().made.values())
    assert made >= {"DevloopUp", "DevloopJobs", "DevloopCheck"}
    attached = dict(lua.globals().dap.configurations.items())
    assert set(attached) == {
        "node": {"javascript", "typescript"}, "python": {"python"}, "go": set()
    }[it.stack]  # fmt: skip
    for one in attached.values():
        assert one[1].request == "attach"


def test_a_block_of_lua_is_put_where_the_last_one_was() -> None:
    mine = b"local x = 1\n"
    once = plans("neovim", GO, **{".nvim.lua": mine})[".nvim.lua"]
    assert once.action == "merge"
    assert once.content.startswith("local x = 1\n\n-- devloop: begin\n")
    more = once.content + "local y = 2\n"
    again = plans("neovim", NODE, **{".nvim.lua": more.encode()})[".nvim.lua"]
    assert again.content.count("-- devloop: begin") == 1
    assert again.content.endswith("-- devloop: end\nlocal y = 2\n")
    assert "DevloopDebug" in again.content


@pytest.mark.parametrize("it", [NODE, PYTHON], ids=lambda it: it.stack)
def test_jetbrains_files_are_xml(it: EditorSubject) -> None:
    found = {path: one for path, one in plans("jetbrains", it).items() if path.endswith(".xml")}
    assert ".run/devloop up.run.xml" in found
    assert (".run/devloop attach.run.xml" in found) == (it.stack == "node")
    for one in found.values():
        assert ET.fromstring(one.content).tag == "component"  # noqa: S314 - our own


def test_what_is_there_is_added_to_or_kept() -> None:
    mine = b'{\n  // mine\n  "tasks": [{"label": "devloop: up", "command": "other"}]\n}\n'
    found = plans("vscode", NODE, **{".vscode/tasks.json": mine})[".vscode/tasks.json"]
    assert found.action == "merge"
    assert "// mine" in found.content
    assert found.content.count('"devloop: up"') == 1
    assert '"command": "other"' in found.content
    again = plans("vscode", NODE, **{found.path: found.content.encode()})[found.path]
    assert again.action == "same"
    run = ".run/devloop up.run.xml"
    assert plans("jetbrains", NODE, **{run: b"<mine/>"})[run].action == "keep"
    schema = ".vscode/devloop.schema.json"
    assert plans("vscode", NODE, **{schema: b"{}"})[schema].action == "merge"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{oops", ".vscode/tasks.json:1:2: a key in double quotes is missing"),
        (b"[]", ".vscode/tasks.json:1:1: the file must hold an object"),
        (b"\xff\xfe\x00", ".vscode/tasks.json: the file is no text"),
    ],
)
def test_a_broken_file_is_told_with_its_place(content: bytes, words: str) -> None:
    with pytest.raises(UserError) as caught:
        plans("vscode", NODE, **{".vscode/tasks.json": content})
    assert str(caught.value) == words


def test_any_name_is_data(tmp_path: Path) -> None:  # noqa: ARG001
    odd = EditorSubject('a"b\\c', "D", None, '/a"b\\', (), (), "node")
    for editor in FILES:
        for one in plans(editor, odd).values():
            if one.path.endswith(".json"):
                json.loads(one.content)
            elif one.path.endswith(".xml"):
                ET.fromstring(one.content)  # noqa: S314 - our own
    lupa.LuaRuntime().compile(plans("neovim", odd)[".nvim.lua"].content)
