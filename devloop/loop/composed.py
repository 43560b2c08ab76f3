"""A Compose project that runs: which of its services are changed, started, made anew, stopped.

One `docker compose` command at a time. A developed service starts when the images of all that it
depends on are there; whoever comes first starts all that can be started by then, in one command.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from devloop import events
from devloop.compose import change as changes
from devloop.compose.change import Change
from devloop.compose.command import Compose
from devloop.compose.model import Model
from devloop.compose.settings import Developed
from devloop.engine import body, containers, volumes
from devloop.engine.client import Engine, RefusedError
from devloop.engine.containers import Container
from devloop.engine.logs import Lines
from devloop.errors import DevloopError, EngineGoneError, HostError
from devloop.loop import actions as do
from devloop.loop import inputs as on
from devloop.loop.follow import Followed, Follower
from devloop.loop.serving import make_mount_points
from devloop.model import LABEL_PROJECT, ContainerSpec, Port

PROJECT, SERVICE = "com.docker.compose.project", "com.docker.compose.service"
ONE_OFF = "com.docker.compose.oneoff=False"


class StoppedError(Exception):
    """The loop ends: nothing is started any more."""


class Together:
    """What runs of one Compose project; its methods may be called from several threads."""

    def __init__(
        self,
        engine: Engine,
        compose: Compose,
        model: Model,
        developed: Mapping[str, Developed],
        wanted: frozenset[str],
        report: Callable[[events.Event], None],
    ) -> None:
        self.engine = engine
        self.compose = compose
        self.model = model
        self.developed = developed
        self.wanted = wanted
        self.report = report
        self.changes: dict[str, Change] = {}
        self.started: set[str] = set()
        self.others = frozenset(self._running())
        self.preparing = threading.Lock()
        self.stopping = threading.Event()
        self._command = threading.Lock()
        self._news = threading.Condition()
        self._waved = threading.Event()

    def start(self, name: str, change: Change) -> None:
        """Have a service run with this change.

        Raises ``ProjectError`` with Compose's words, ``StoppedError`` if the loop ends.
        """
        with self._news:
            self.changes[name] = change
            self._news.notify_all()
            self._news.wait_for(lambda: self.stopping.is_set() or self._available(name))
        with self._command:
            if self.stopping.is_set():
                raise StoppedError
            if name not in self.started:
                self._wave(name)
            elif not self._runs(name, change):
                self._up([name], deps=False)

    def _available(self, name: str) -> bool:
        """Say whether all that a service depends on can be started."""
        return all(
            one in self.changes for one in self.model.closure([name]) if one in self.developed
        )

    def _wave(self, name: str) -> None:
        """Start a service for the first time, and whatever else can be by now.

        If that fails the service is tried alone, so that another one's fault is not its own.
        """
        ready = {one for one in self.wanted - self.started if self._available(one)}
        try:
            self._up(sorted(ready), deps=True)
        except DevloopError:
            if len(ready) == 1 or self.stopping.is_set():
                raise
            ready = set(self.model.closure([name]))
            self._up(sorted(ready), deps=True)
        self._note(ready)
        self._waved.set()

    def _up(self, names: list[str], *, deps: bool) -> None:
        document = self.document()
        users = {one: self.changes[one].spec.user for one in names if one in self.changes}
        if any(users.values()):
            self.compose.up(document, names, deps=deps, start=False)
            for one, user in users.items():
                identity = self.container(one)
                if user and identity:
                    containers.settle_user(self.engine, identity, user)
        self.compose.up(document, names, deps=deps)

    def document(self) -> str:
        """Give the model as it runs now."""
        return changes.document(self.model, self.developed, self.changes)

    def _runs(self, name: str, change: Change) -> bool:
        """Say whether a wave of another service has started just this."""
        found = self._found(name)
        known = [one for one in found if one["State"] == "running"]
        return any(one["Labels"].get(changes.LABEL_CHANGE) == change.id for one in known)

    def adopt(
        self, model: Model, developed: Mapping[str, Developed], wanted: frozenset[str]
    ) -> None:
        """Take another model; services that it has no more are stopped and removed."""
        with self._command:
            gone = self.started - set(model.services)
            self.model, self.developed, self.wanted = model, developed, wanted
            for name in gone:
                self.started.discard(name)
                self.changes.pop(name, None)
        for name in sorted(gone):
            for one in self._found(name):
                containers.stop(self.engine, one["Id"], 10)
                containers.remove(self.engine, one["Id"])

    def apply(self, patience: float = 0.0) -> None:
        """Let Compose start and change the services that devloop leaves alone.

        For ``patience`` seconds a developed service may come that starts them along with it.
        """
        self._waved.wait(patience)
        with self._command:
            plain = set(self.wanted) - set(self.developed)
            free = {one for one in plain if not self.model.closure([one]) & set(self.developed)}
            late = {one for one in plain - free - self.started if self._available(one)}
            known = (plain - free) & self.started
            if patience and free <= self.started:
                free = set()
            if self.stopping.is_set():
                return
            for names, deps in ((free | late, True), (known, False)):
                if names:
                    self._up(sorted(names), deps=deps)
                    self._note(names)

    def _note(self, names: set[str]) -> None:
        """Take services for started, and listen to those that nobody follows."""
        fresh = names - self.started
        self.started |= names
        for one in sorted(fresh - set(self.developed)):
            self._listen(one)

    def forget(self) -> None:
        """Take nothing for started: the engine was gone."""
        with self._news:
            self.started.clear()

    def stop(self) -> None:
        """Stop what was started here, in Compose's order and grace."""
        self.stopping.set()
        with self._news:
            self._news.notify_all()
        self.compose.interrupt()
        ours = sorted(self.wanted - self.others)
        with self._command, suppress(DevloopError, RefusedError):
            if ours:
                self.compose.stop(self.document(), ours)

    def kill(self) -> None:
        """Stop at once: the user asked a second time."""
        self.stopping.set()
        self.compose.interrupt()
        with suppress(DevloopError, RefusedError):
            for name in self.wanted - self.others:
                for one in self._found(name):
                    self.engine.post(f"/containers/{one['Id']}/kill")

    def restart(self, name: str) -> None:
        """Restart a service that devloop does not develop, in its own grace."""
        identity = self.container(name)
        if identity:
            self.engine.post(f"/containers/{identity}/restart")
            self._listen(name)

    def container(self, name: str) -> str | None:
        """Give the id of a service's container."""
        found = self._found(name)
        return str(found[0]["Id"]) if found else None

    def _found(self, name: str) -> list[Mapping[str, Any]]:
        labels = [f"{PROJECT}={self.model.name}", f"{SERVICE}={name}", ONE_OFF]
        filters = json.dumps({"label": labels})
        return list(self.engine.get("/containers/json", all="true", filters=filters))

    def _running(self) -> Iterable[str]:
        """List the services that ran before, but for what an earlier loop has left."""
        filters = json.dumps({"label": [f"{PROJECT}={self.model.name}", ONE_OFF]})
        for one in self.engine.get("/containers/json", filters=filters):
            if LABEL_PROJECT not in one["Labels"]:
                yield str(one["Labels"][SERVICE])

    def _listen(self, name: str) -> None:
        """Report what a service that devloop does not develop writes from now on."""
        identity, since = self.container(name), time.time() - 1
        if identity is None:
            return

        def read() -> None:
            lines = Lines()
            with suppress(DevloopError, RefusedError):
                for piece in self.engine.lines_since(identity, since):
                    for text in lines.feed(piece):
                        self.report(events.Log(name, "stdout", text))

        threading.Thread(target=read, daemon=True, name=f"logs of {name}").start()


class Composed:
    """Hands over one service of a Compose project: Compose stops the old and starts the new."""

    def __init__(
        self,
        together: Together,
        name: str,
        follower: Follower,
        renewed: Callable[[str], None],
    ) -> None:
        self.together = together
        self.name = name
        self.follower = follower
        self.renewed = renewed

    def quit(self) -> None:
        """Start nothing more; the whole project is stopped at once."""
        self.follower.quitting.set()

    def kill(self) -> None:
        """Stop the whole project at once."""
        self.follower.quitting.set()
        self.together.kill()

    def swap(self, action: do.Swap) -> None:
        """Hand over to a container of this image."""
        old, before = self.follower.current, self.together.changes.get(self.name)
        try:
            with self.together.preparing:
                container, change = self._prepare(action)
        except EngineGoneError:
            raise
        except (DevloopError, RefusedError, OSError) as error:
            self._failed(action, error, restored=old is not None, untouched=True)
            return
        since = time.monotonic() if old else None
        if old:
            self.follower.retire(old)
        try:
            self._run(action, container, change, since)
        except (EngineGoneError, StoppedError):
            if not self.together.stopping.is_set():
                raise
        except (DevloopError, RefusedError) as error:
            if not self.together.stopping.is_set():
                self._failed(action, error, restored=self._bring_back(old, before))
        else:
            if old:
                self.renewed(self.name)

    def _prepare(self, action: do.Swap) -> tuple[Container, Change]:
        """Fill the volumes and find out what the image can do, with a container that never runs."""
        one, engine = self.together.developed[self.name], self.together.engine
        spec, digest = action.wanted.spec, action.wanted.fingerprint.digest
        image = containers.inspect_image(engine, action.image)
        if image is None:
            raise HostError("the image is gone", hint="save a file to build it again")
        image = _as_written(image, one)
        make_mount_points(spec)
        helper = containers.prepare(engine, one.project, image, spec, digest)
        containers.remove(engine, helper.id)
        if self.together.model.one_shot(self.name):
            helper = replace(helper, nonce="")
        return helper, _change(one, action.image, helper, digest)

    def _run(
        self, action: do.Swap, container: Container, change: Change, since: float | None
    ) -> None:
        self.together.start(self.name, change)
        engine, identity = self.together.engine, self.together.container(self.name)
        if identity is None:
            raise HostError("its container is gone", hint="save a file to start it again")
        spec = replace(container.spec, ports=_published(engine, identity, container.spec))
        followed = Followed(replace(container, id=identity, spec=spec))
        self.follower.current = followed
        self.follower.follow(followed, replay=True)
        now, name = time.monotonic(), action.image
        self.follower.post(on.Swapped(now, action.generation, identity, name, since))
        self.follower.announce(followed)

    def _bring_back(self, old: Followed | None, before: Change | None) -> bool:
        """Start the service again as it was."""
        if old is None or before is None:
            self.together.changes.pop(self.name, None)
            self.follower.current = None
            return False
        try:
            self.together.start(self.name, before)
            identity = self.together.container(self.name)
        except (DevloopError, RefusedError, StoppedError):
            return False
        again = Followed(replace(old.container, id=identity or ""))
        self.follower.current = again
        self.follower.follow(again, replay=True)
        self.follower.announce(again)
        return identity == old.container.id

    def _failed(
        self, action: do.Swap, error: Exception, *, restored: bool, untouched: bool = False
    ) -> None:
        message = error.message if isinstance(error, DevloopError | RefusedError) else str(error)
        hint = error.hint if isinstance(error, DevloopError) else "see the compose file"
        fatal = error.exit_code if isinstance(error, DevloopError) else 1
        now, generation = time.monotonic(), action.generation
        self.follower.post(
            on.SwapFailed(now, generation, message, hint, restored, fatal, untouched and restored)
        )


def _as_written(image: body.Image, one: Developed) -> body.Image:
    """Let the compose file's entrypoint, which drops the image's CMD, and stop signal count."""
    service = one.service
    if service.entrypoint is not None:
        image = replace(image, entrypoint=service.entrypoint, command=())
    return replace(image, stop_signal=service.stop_signal or image.stop_signal)


def _change(one: Developed, name: str, container: Container, digest: str) -> Change:
    spec, image = container.spec, container.image
    env = dict(spec.env)
    if spec.user:
        env.setdefault("HOME", body.HOME)
    kept = {
        path: volumes.name(one.project, image.id, path, spec.user) for path in body.kept_paths(spec)
    }
    supervised = bool(container.nonce)
    said = ("sh", "-c", spec.command) if isinstance(spec.command, str) else spec.command
    return Change(
        image=name,
        spec=spec,
        labels=volumes.labels(replace(one.project, service=one.service.name), digest),
        env=env,
        kept=kept,
        entrypoint=tuple(body.supervisor(image, spec, container.nonce)) if supervised else None,
        command=tuple(body.command(image, spec)) if supervised else said,
        supervised=supervised,
        grace=body.grace_seconds(spec) if supervised else max(1, round(spec.stop_grace)),
    )


def _published(engine: Engine, container: str, spec: ContainerSpec) -> tuple[Port, ...]:
    """Read at which ports of this machine a container is reached, in the order of the model."""
    found = engine.get(f"/containers/{container}/json")["NetworkSettings"].get("Ports") or {}
    ports = [
        Port(int(key.partition("/")[0]), int(binding["HostPort"]), binding["HostIp"] or "0.0.0.0")  # noqa: S104
        for key, bindings in found.items()
        if key.endswith("/tcp")
        for binding in bindings or ()
    ]
    order = [port.container for port in spec.ports]
    ports.sort(
        key=lambda one: (
            order.index(one.container) if one.container in order else 99,
            ":" in one.host,
        )
    )
    return tuple(ports)
