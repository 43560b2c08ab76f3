"""devloop.yaml's nodes → ``Config``; every error of the file is told at once, with its place."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from devloop.config.settings import AppSettings, Config, Watch
from devloop.errors import ConfigError, Problem
from devloop.jobs.workflow import grammar
from devloop.model import ByCommand, ByItself, ByRestart, BySignal, Command, Port, Reload
from devloop.yaml import nodes
from devloop.yaml.nodes import YamlNode
from devloop.yaml.reader import Reader

DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m)?")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}
SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)
POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
SIGNAL = re.compile(r"(SIG)?(HUP|INT|QUIT|USR1|USR2|TERM|WINCH|CONT|ALRM)")
LAST_PORT = 65535


def load(content: bytes, path: str = "devloop.yaml") -> Config:
    """Read devloop.yaml; raises ``ConfigError`` with all problems of the file."""
    return _Reader(path).config(nodes.parse(content, path))


def extension(node: YamlNode, path: str) -> AppSettings:
    """Read what a compose file's `x-devloop` says; raises ``ConfigError`` with all problems."""
    reader = _Reader(path)
    found = reader.container(node, "x-devloop")
    if reader.problems:
        raise ConfigError(tuple(sorted(reader.problems, key=Problem.place)))
    return found


class _Reader(Reader):
    """Reads the parts of devloop.yaml that are about the app; the jobs' grammar reads the rest."""

    def config(self, root: YamlNode) -> Config:
        """Read the whole file; raises ``ConfigError`` with all its problems, the first first."""
        found = self.table(
            root,
            "devloop.yaml",
            {
                "name": self.text,
                "app": self.app,
                "watch": self.watch,
                "workflows": lambda node: self.items(node, self.inside),
            }
            | dict.fromkeys(grammar.KEYS, lambda _node: None),
        )
        workflow, problems = grammar.own(root, self.path)
        self.problems += problems
        if self.problems:
            self.problems.sort(key=Problem.place)
            raise ConfigError(tuple(self.problems))
        known = {key: value for key, value in found.items() if key not in grammar.KEYS}
        return Config(**known, workflow=workflow)  # type: ignore[arg-type]

    def app(self, node: YamlNode) -> AppSettings:
        return self.container(node, "app")

    def container(self, node: YamlNode, where: str) -> AppSettings:
        found = self.table(
            node,
            where,
            {
                "dockerfile": self.inside,
                "target": self.text,
                "build-args": self.variables,
                "run": self.command,
                "mount": self.mount,
                "keep": self.insides,
                "ports": self.ports,
                "env": self.variables,
                "env-file": self.inside,
                "manifests": self.texts,
                "reload": self.reload,
                "stop-grace": self.duration,
                "memory": self.size,
                "cpus": self.positive,
                "health": self.url,
            },
        )
        return AppSettings(**found)  # type: ignore[arg-type]

    def watch(self, node: YamlNode) -> Watch:
        found = self.table(
            node,
            "watch",
            {
                "paths": self.texts,
                "paths-ignore": self.texts,
                "quiet": self.duration,
                "max-wait": self.duration,
                "poll": self.poll,
            },
        )
        return Watch(**found)  # type: ignore[arg-type]

    def inside(self, node: YamlNode) -> str:
        text = self.text(node)
        cleaned = posixpath.normpath(text) if text else ""
        if cleaned.startswith(("/", "../")) or cleaned == "..":
            self.problem(node, f"`{text}` is outside the project", "give a path below its folder")
        return cleaned

    def insides(self, node: YamlNode) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.items(node, self.kept)))

    def kept(self, node: YamlNode) -> str:
        path = self.inside(node)
        if path == ".":
            self.problem(node, "the project folder itself cannot be kept from the mount")
        return path

    def mount(self, node: YamlNode) -> str:
        text = self.text(node)
        if text and (not text.startswith("/") or ":" in text):
            self.problem(node, f"`{text}` is not an absolute path of the container")
        return posixpath.normpath(text) if text else ""

    def command(self, node: YamlNode) -> Command:
        if isinstance(node.value, tuple):
            words = self.texts(node)
            if not words:
                self.problem(node, "an empty command runs nothing")
            return words
        return self.text(node)

    def variables(self, node: YamlNode) -> tuple[tuple[str, str], ...]:
        if not isinstance(node.value, Mapping):
            self.problem(node, f"a mapping is needed here, not {node.kind}", "write NAME: value")
            return ()
        found: list[tuple[str, str]] = []
        for key, value in sorted(node.value.items()):
            if not ENV_NAME.fullmatch(key):
                self.problem(value, f"`{key}` is no name of a variable")
            elif isinstance(value.value, tuple | Mapping):
                self.problem(value, f"the value of {key} must be a text, not {value.kind}")
            else:
                found.append((key, value.text))
        return tuple(found)

    def ports(self, node: YamlNode) -> tuple[Port, ...]:
        return self.items(node, self.port)

    def port(self, node: YamlNode) -> Port:
        text = self.text(node)
        if not text:
            return Port(0, 0)
        head, _, container = text.rpartition(":")
        host, _, published = head.rpartition(":")
        numbers = (container, published or container)
        if not all(one.isdigit() and 0 < int(one) <= LAST_PORT for one in numbers):
            self.problem(node, f"`{text}` is no port", "write 3000, 8080:3000 or 0.0.0.0:8080:3000")
            return Port(0, 0)
        address = host.strip("[]") or "127.0.0.1"
        return Port(int(container), int(published or container), address)

    def reload(self, node: YamlNode) -> Reload:
        if isinstance(node.value, Mapping):
            found = self.table(node, "reload", {"exec": self.text, "signal": self.signal})
            if len(found) == 1:
                (kind, argument), *_ = found.items()
                return BySignal(str(argument)) if kind == "signal" else ByCommand(str(argument))
            if not self.problems:
                self.problem(node, "reload needs `exec` or `signal`, one of them")
            return ByRestart()
        text = self.text(node)
        kind, _, argument = text.partition(":")
        if text in ("restart", "none"):
            return ByItself() if text == "none" else ByRestart()
        if kind == "signal" and SIGNAL.fullmatch(argument.strip()):
            return BySignal(argument.strip().removeprefix("SIG"))
        if kind == "exec" and argument.strip():
            return ByCommand(argument.strip())
        if text:
            self.problem(
                node,
                f"`{text}` is no way to reload",
                "write restart, none, signal:USR2 or exec: <command>",
            )
        return ByRestart()

    def signal(self, node: YamlNode) -> str:
        text = self.text(node)
        if text and not SIGNAL.fullmatch(text):
            self.problem(node, f"`{text}` is no signal that an app can be sent")
        return text.removeprefix("SIG")

    def duration(self, node: YamlNode) -> float:
        text = self.text(node)
        match = DURATION.fullmatch(text)
        if not match:
            if text:
                self.problem(node, f"`{text}` is no length of time", "write 30ms, 2s or 1m")
            return 0.0
        return float(match[1]) * UNITS[match[2] or "s"]

    def poll(self, node: YamlNode) -> float | None:
        if node.text == "auto":
            return None
        if node.text == "off":
            return 0.0
        return self.duration(node)

    def size(self, node: YamlNode) -> int:
        text = self.text(node)
        match = SIZE.fullmatch(text)
        if not match:
            if text:
                self.problem(node, f"`{text}` is no amount of memory", "write 512m or 2g")
            return 0
        size = int(float(match[1]) * 1024 ** POWERS[match[2].lower()])
        if size < 6 << 20:
            self.problem(node, f"`{text}` is less than the 6 MB that an engine accepts")
        return size

    def positive(self, node: YamlNode) -> float:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            self.problem(node, f"a number above 0 is needed here, not `{node.text or node.kind}`")
            return 0.0
        return float(value)

    def url(self, node: YamlNode) -> str:
        text = self.text(node)
        if text and not re.fullmatch(r"http://[^\s/]+(/\S*)?", text):
            self.problem(node, f"`{text}` is no address", "write http://localhost:3000/")
        return text
