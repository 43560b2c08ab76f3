"""The files of each editor: tasks, a debugger to attach, a dev container."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import quoteattr

from devloop.config import reference
from devloop.model import Port
from devloop.stacks import registry

BEGINS = r"^devloop: cycle \d+ started"
ENDS = r"^devloop: (?:cycle \d+ finished|listening on|running|build failed|the app exited)"
PROBLEM: Mapping[str, Any] = {
    "regexp": r"^devloop: (error|warning): ([^:\s]+):(\d+):(?:(\d+):)? (.*)$",
    "severity": 1,
    "file": 2,
    "line": 3,
    "column": 4,
    "message": 5,
}
FINDING: Mapping[str, Any] = {
    "regexp": r"^([^:\s]+):(\d+):(?:(\d+):)? (error|warning): (.*)$",
    "file": 1,
    "line": 2,
    "column": 3,
    "severity": 4,
    "message": 5,
}
"""What `up` and `jobs` tell of a problem, and what `check` does."""
SCHEMA = ".vscode/devloop.schema.json"
UP, DEBUG = "devloop: up", "devloop: up with a debugger"
ATTACH = "devloop: attach"
LUA_BEGIN, LUA_END = "-- devloop: begin", "-- devloop: end"


@dataclass(frozen=True)
class EditorSubject:
    """What an editor is told of a project.

    ``mount`` is where it stands in the container, ``stack`` the leading one's name or empty.
    """

    name: str
    dockerfile: str
    target: str | None
    mount: str
    keep: tuple[str, ...]
    ports: tuple[Port, ...]
    stack: str

    @property
    def debug_port(self) -> int | None:
        """Give the usual port of the stack's debugger, None if devloop has none for it."""
        hook = registry.DEBUGGERS.get(self.stack)
        return hook.port if hook else None

    @property
    def speaks(self) -> str:
        """Say what an editor attaches with, empty if devloop has no debugger for the stack."""
        hook = registry.DEBUGGERS.get(self.stack)
        return hook.speaks if hook else ""


Content = Mapping[str, Any] | list[Any] | str
"""Data that is merged, or a text: a block of Lua, or a whole file."""


# VS Code


def _vscode(it: EditorSubject) -> dict[str, Content]:
    found: dict[str, Content] = {
        ".vscode/tasks.json": {"version": "2.0.0", "tasks": _vscode_tasks(it)},
        ".vscode/settings.json": {"yaml.schemas": {SCHEMA: "devloop.yaml"}},
        SCHEMA: json.dumps(reference.schema(), indent=1) + "\n",
        ".devcontainer/devcontainer.json": devcontainer(it),
    }
    attach = _vscode_attach(it)
    if attach:
        found[".vscode/launch.json"] = {"version": "0.2.0", "configurations": [attach]}
    return found


def _vscode_tasks(it: EditorSubject) -> list[dict[str, Any]]:
    loops = [(UP, ["up", "--format", "plain"])]
    if it.debug_port:
        loops.append((DEBUG, [*loops[0][1], "--debug-port", str(it.debug_port)]))
    return [
        *(_vscode_task(label, words, PROBLEM, _background()) for label, words in loops),
        _vscode_task("devloop: jobs", ["jobs", "--format", "plain"], PROBLEM, {}),
        _vscode_task("devloop: check", ["check", "--format", "plain"], FINDING, {}),
    ]


def _vscode_task(
    label: str, words: list[str], pattern: Mapping[str, Any], background: dict[str, Any]
) -> dict[str, Any]:
    matcher = {
        "owner": "devloop",
        "source": "devloop",
        "fileLocation": ["relative", "${workspaceFolder}"],
        "pattern": dict(pattern),
        **background,
    }
    return {
        "label": label,
        "type": "process",
        "command": "devloop",
        "args": words,
        "isBackground": bool(background),
        "presentation": {"panel": "dedicated"},
        "problemMatcher": matcher,
    }


def _background() -> dict[str, Any]:
    return {"background": {"activeOnStart": True, "beginsPattern": BEGINS, "endsPattern": ENDS}}


def _vscode_attach(it: EditorSubject) -> dict[str, Any] | None:
    local = "${workspaceFolder}"
    common = {"name": ATTACH, "request": "attach", "preLaunchTask": DEBUG}
    if it.speaks == "inspector":
        place = {"address": "127.0.0.1", "port": it.debug_port, "restart": True}
        return {**common, "type": "node", **place, "localRoot": local, "remoteRoot": it.mount}
    if it.speaks == "debugpy":
        return {**common, "type": "debugpy", **_debugpy(it, local)}
    return None


def _debugpy(it: EditorSubject, local: str) -> dict[str, Any]:
    return {
        "connect": {"host": "127.0.0.1", "port": it.debug_port},
        "pathMappings": [{"localRoot": local, "remoteRoot": it.mount}],
    }


def devcontainer(it: EditorSubject) -> dict[str, Any]:
    """Describe the same image for editors that work inside the container."""
    build = {"dockerfile": posixpath.join("..", it.dockerfile), "context": ".."}
    kept = [
        f"source=${{devcontainerId}}-{path.replace('/', '-')},"
        f"target={posixpath.join(it.mount, path)},type=volume"
        for path in it.keep
    ]
    return {
        "name": it.name,
        "build": {**build, **({"target": it.target} if it.target else {})},
        "workspaceFolder": it.mount,
        "workspaceMount": f"source=${{localWorkspaceFolder}},target={it.mount},type=bind",
        **({"mounts": kept} if kept else {}),
        **({"forwardPorts": [port.container for port in it.ports]} if it.ports else {}),
        "overrideCommand": True,
        "customizations": {"vscode": {"extensions": list(registry.extensions(it.stack))}},
    }


# Zed


def _zed(it: EditorSubject) -> dict[str, Content]:
    words = [["up"], ["jobs"], ["check"]]
    words += [["up", "--debug-port", str(it.debug_port)]] if it.debug_port else []
    tasks = [
        {"label": f"devloop {' '.join(one)}", "command": "devloop", "args": one} for one in words
    ]
    found: dict[str, Content] = {
        ".zed/tasks.json": tasks,
        ".devcontainer/devcontainer.json": devcontainer(it),
    }
    root, common = "$ZED_WORKTREE_ROOT", {"label": ATTACH, "request": "attach"}
    if it.speaks == "inspector":
        place = {"type": "pwa-node", "address": "127.0.0.1", "port": it.debug_port}
        roots = {"localRoot": root, "remoteRoot": it.mount, "restart": True}
        found[".zed/debug.json"] = [{**common, "adapter": "JavaScript", **place, **roots}]
    elif it.speaks == "debugpy":
        found[".zed/debug.json"] = [{**common, "adapter": "Debugpy", **_debugpy(it, root)}]
    return found


# Neovim


def _neovim(it: EditorSubject) -> dict[str, Content]:
    return {".nvim.lua": f"{LUA_BEGIN}\n{LUA}{_dap(it)}{LUA_END}\n"}


LUA = """\
-- Read by Neovim with 'exrc' on, once you have trusted the file.
local function devloop(words)
  return function() vim.cmd("botright 12split | terminal devloop " .. words) end
end
vim.api.nvim_create_user_command("DevloopUp", devloop("up"), {})
vim.api.nvim_create_user_command("DevloopJobs", devloop("jobs"), {})
vim.api.nvim_create_user_command("DevloopCheck", function()
  local lines = vim.fn.systemlist("devloop check --format plain 2>&1")
  local format = "%f:%l:%c: %trror: %m,%f:%l:%c: %tarning: %m,"
    .. "%f:%l: %trror: %m,%f:%l: %tarning: %m,%-G%.%#"
  vim.fn.setqflist({}, " ", { title = "devloop check", lines = lines, efm = format })
  vim.cmd("cwindow")
end, {})
"""


def _dap(it: EditorSubject) -> str:
    """Attach with nvim-dap, where it is installed."""
    hook = registry.DEBUGGERS.get(it.stack)
    if hook is None:
        return ""
    adapter = {"inspector": "pwa-node", "debugpy": "python"}[hook.speaks]
    start = f'devloop("up --debug-port {it.debug_port}")'
    names = ", ".join(f'"{one}"' for one in hook.languages)
    entry = f'type = "{adapter}", request = "attach", name = "{ATTACH}", {_dap_place(it)}'
    return (
        f'vim.api.nvim_create_user_command("DevloopDebug", {start}, {{}})\n'
        'local ok, dap = pcall(require, "dap")\n'
        f"for _, language in ipairs(ok and {{ {names} }} or {{}}) do\n"
        "  dap.configurations[language] = dap.configurations[language] or {}\n"
        f"  table.insert(dap.configurations[language], {{ {entry} }})\n"
        "end\n"
    )


def _dap_place(it: EditorSubject) -> str:
    """Say where the debugger listens, and which folder is which."""
    roots = f"localRoot = vim.fn.getcwd(), remoteRoot = {_lua(it.mount)}"
    address = f'"127.0.0.1", port = {it.debug_port}'
    if it.speaks == "inspector":
        return f"address = {address}, restart = true, {roots}"
    return f"connect = {{ host = {address} }}, pathMappings = {{ {{ {roots} }} }}"


def _lua(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


# JetBrains


def _jetbrains(it: EditorSubject) -> dict[str, Content]:
    words = ["up", "jobs", "check"]
    words += [f"up --debug-port {it.debug_port}"] if it.debug_port else []
    found: dict[str, Content] = {
        f".run/devloop {one.replace(' --', ' ')}.run.xml": _shell(f"devloop {one}") for one in words
    }
    if it.speaks == "inspector":
        found[".run/devloop attach.run.xml"] = _configuration(
            ATTACH,
            f'type="ChromiumRemoteDebugType" factoryName="Chromium Remote" '
            f'port="{it.debug_port}" restartOnDisconnect="true"',
            f'<mapping local-file="$PROJECT_DIR$" remote-url={quoteattr(it.mount)} />',
        )
    return {**found, ".devcontainer/devcontainer.json": devcontainer(it)}


def _shell(command: str) -> str:
    options = {
        "SCRIPT_TEXT": command,
        "INDEPENDENT_SCRIPT_PATH": "true",
        "SCRIPT_PATH": "",
        "INDEPENDENT_SCRIPT_WORKING_DIRECTORY": "true",
        "SCRIPT_WORKING_DIRECTORY": "$PROJECT_DIR$",
        "EXECUTE_IN_TERMINAL": "true",
        "EXECUTE_SCRIPT_FILE": "false",
    }
    lines = [f'<option name="{key}" value={quoteattr(one)} />' for key, one in options.items()]
    return _configuration(command, 'type="ShConfigurationType"', "\n    ".join(lines))


def _configuration(name: str, kind: str, body: str) -> str:
    return (
        '<component name="ProjectRunConfigurationManager">\n'
        f'  <configuration default="false" name={quoteattr(name)} {kind}>\n'
        f"    {body}\n"
        '    <method v="2" />\n'
        "  </configuration>\n"
        "</component>\n"
    )


FILES: Mapping[str, Callable[[EditorSubject], dict[str, Content]]] = {
    "vscode": _vscode,
    "zed": _zed,
    "neovim": _neovim,
    "jetbrains": _jetbrains,
}
"""Each editor that files can be written for."""
