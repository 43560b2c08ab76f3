"""The `docker compose` command: asked for the resolved model, and given the one to run."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress

from devloop.compose import locate as place
from devloop.compose import model as models
from devloop.compose.files import FILES, OVERRIDES, file_of
from devloop.compose.model import Model
from devloop.errors import ConfigError, HostError, Problem, ProjectError
from devloop.process import Command, Ended
from devloop.yaml import nodes
from devloop.yaml.nodes import YamlNode

EVERY_PROFILE = ("--profile", "*")
NO_PLUGIN = "the Compose plugin of the docker command is not there"
HINT = "install it (Debian and Ubuntu: docker-compose-plugin or docker-compose-v2)"
PROGRESS = re.compile(
    r"^\s*(Container|Network|Volume|Image) \S+\s+\S+\s*$|^\s*\S+ Pull(ing|ed)\s*$"
)


class Compose:
    """Runs Compose for one project folder; ``files`` are those of ``-f``, empty for Compose's."""

    def __init__(self, folder: str, files: Sequence[str] = ()) -> None:
        self.folder = folder
        self.files = tuple(files)
        self._running: set[Command] = set()
        self._lock = threading.Lock()

    @property
    def file(self) -> str:
        """Name the file that the user knows the project by, relative to its folder."""
        found = self.files[0] if self.files else file_of(self.folder) or FILES[0]
        return os.path.relpath(os.path.join(self.folder, found), self.folder)

    def reads(self, path: str) -> bool:
        """Say whether Compose may read a file of the folder: its name says so, or a compose file.

        The latter is asked of the one that the project is known by.
        """
        name = os.path.basename(path)
        if path in (*FILES, *OVERRIDES, ".env", self.file) or self._chose(path):
            return True
        if not (name.endswith((".yaml", ".yml", ".env")) or name.startswith(".env")):
            return False
        try:
            with open(os.path.join(self.folder, self.file), "rb") as stream:
                return os.fsencode(name) in stream.read()
        except OSError:
            return False

    def _chose(self, path: str) -> bool:
        return os.path.join(self.folder, path) in self.files

    def model(self, *, every: bool = False) -> tuple[Model, Mapping[str, YamlNode]]:
        """Resolve the compose files: the model, and each service's ``x-devloop``.

        ``every``: with the services of all profiles. Raises ``ConfigError`` with Compose's own
        words, ``HostError`` without Compose.
        """
        self._check_size()
        profiles = EVERY_PROFILE if every else ()
        model = models.parse(json.loads(self._resolved("json", profiles)))
        written = self._resolved("yaml", profiles)  # JSON leaves extensions out (seen)
        return model, self._extensions(written)

    def _check_size(self) -> None:
        """Refuse what would take all memory before Compose reads it; the rest is Compose's to say.

        Raises ``ConfigError``.
        """
        asked = os.environ.get("COMPOSE_FILE", "")
        separator = os.environ.get("COMPOSE_PATH_SEPARATOR") or os.pathsep
        names = self.files or (asked.split(separator) if asked else (*FILES, *OVERRIDES))
        for name in names:
            with suppress(OSError), open(os.path.join(self.folder, name), "rb") as stream:
                nodes.check_size(stream.read(), os.path.relpath(stream.name, self.folder))

    def _resolved(self, form: str, profiles: Sequence[str]) -> bytes:
        ended = self._run([*profiles, *self._chosen(), "config", "--format", form])
        if ended.code:
            self._missing()
            raise ConfigError((self._problem(ended.stderr),))
        return ended.stdout

    def _chosen(self) -> list[str]:
        return [word for file in self.files for word in ("-f", file)]

    def _extensions(self, text: bytes) -> dict[str, YamlNode]:
        services = nodes.parse(text, self.file).value
        found = services.get("services") if isinstance(services, Mapping) else None
        named = found.value if found is not None and isinstance(found.value, Mapping) else {}
        own = None
        with suppress(ConfigError):  # Compose could read what we cannot
            own = self._written()
        return {
            name: place.located(one.value["x-devloop"], own, ("services", name, "x-devloop"))
            for name, one in named.items()
            if isinstance(one.value, Mapping) and "x-devloop" in one.value
        }

    def _written(self) -> YamlNode | None:
        """Read the compose file as it is written, for the places in it; None if it is not there.

        Raises ``ConfigError`` if it is not YAML.
        """
        try:
            with open(os.path.join(self.folder, self.file), "rb") as stream:
                return nodes.parse(stream.read(), self.file)
        except OSError:
            return None

    def _problem(self, stderr: str) -> Problem:
        """Say what Compose says, with the line that it is about."""
        message = _last(stderr) or "docker compose could not read it"
        try:
            written = self._written()
        except ConfigError as error:  # Compose tells the line alone, if at all
            return error.problems[0]
        where = place.find(written, message)
        location = f"{self.file}:{where[0]}:{where[1]}" if where else self.file
        return Problem(message, hint="Compose says so", location=location)

    # the project that runs

    def up(self, document: str, services: Sequence[str], *, deps: bool, start: bool = True) -> None:
        """Start these services of a model, or only make them; raises ``ProjectError``."""
        how = "-d" if start else "--no-start"
        alone = [] if deps else ["--no-deps"]
        self._act(document, ["up", how, "--quiet-pull", *alone, *services])

    def stop(self, document: str, services: Sequence[str]) -> None:
        """Stop these services in Compose's order and grace."""
        self._act(document, ["stop", *services])

    def down(self, *, volumes: bool) -> None:
        """Remove the project's containers and networks, and its volumes if asked to."""
        words = ["down", *(["--volumes"] if volumes else [])]
        self._act("", words, [*EVERY_PROFILE, *self._chosen()])

    def _act(self, document: str, words: Sequence[str], files: Sequence[str] | None = None) -> None:
        chosen = ["--project-directory", self.folder, "-f", "-"] if files is None else files
        ended = self._run([*chosen, *words], document)
        if ended.code:
            self._missing()
            raise ProjectError(
                _last(ended.stderr) or "docker compose failed", hint="Compose says so"
            )

    def interrupt(self) -> None:
        """End what runs."""
        with self._lock:
            for one in self._running:
                one.interrupt()

    def _run(self, words: Sequence[str], text: str = "") -> Ended:
        try:
            command = Command(["docker", "compose", *words], self.folder)
        except FileNotFoundError:
            raise HostError(
                "there is no docker command", hint="a Compose project needs it"
            ) from None
        with self._lock:
            self._running.add(command)
        try:
            return command.end(text)
        finally:
            with self._lock:
                self._running.discard(command)

    def _missing(self) -> None:
        """Raise ``HostError`` if Compose itself is what is missing."""
        if self._run(["version", "--short"]).code:
            raise HostError(NO_PLUGIN, hint=HINT)


def _last(stderr: str) -> str:
    """Give the last line that is no progress."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    said = [line for line in lines if not PROGRESS.match(line) and "level=warning" not in line]
    return said[-1] if said else ""
