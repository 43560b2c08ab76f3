"""A Docker Engine as the target: what one container and a Compose project have in common."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from devloop import events, threads
from devloop.engine import build
from devloop.engine.client import Engine
from devloop.errors import DevloopError, EngineGoneError, RefusedError, unexpected
from devloop.image.engine_build import BuildCancelledError, BuildFailedError
from devloop.jobs.run.surroundings import JobSurroundings
from devloop.loop.decide import actions as do
from devloop.loop.decide import inputs as on
from devloop.model import Project
from devloop.project.state import Inspection
from devloop.target import images, shell
from devloop.target.attachment import Attachment
from devloop.target.base import Post, Report
from devloop.target.readiness import Probes

PING_PAUSE, LONGEST_PING_PAUSE = 0.1, 2.0


class Links:
    """What is known of the containers that serve: an attachment for each service."""

    def __init__(self, engine: Engine, post: Post, report: Report) -> None:
        self.engine = engine
        self.post = post
        self.report = report
        self.quitting = threading.Event()
        self._attachments: dict[str, Attachment] = {}

    def of(self, service: str) -> Attachment:
        """Give the attachment of a service."""
        if service not in self._attachments:
            self._attachments[service] = Attachment(
                self.engine, service, self.post, self.report, self.quitting, self.failed
            )
        return self._attachments[service]

    def forget(self) -> None:
        """Forget the containers: the engine is gone, and they with it."""
        for one in self._attachments.values():
            one.current = None

    def failed(self, error: Exception) -> None:
        """Tell what a thread could not do; a lost engine is an input."""
        if self.quitting.is_set():
            return
        if isinstance(error, EngineGoneError):
            self.post(on.EngineLost(time.monotonic()))
        elif isinstance(error, RefusedError):
            self.report(events.Error(f"the engine refused: {error.message}"))
        else:
            self.report(events.Error(unexpected(error)))


class Bringing(Protocol):
    """How containers take over from one another: alone, or by Compose."""

    def bring_up(self, order: do.BringUp) -> None:
        """Do it, and post what became of it."""

    def failed(self, order: do.BringUp, error: Exception) -> None:
        """Post that it could not be done."""

    def forget(self) -> None:
        """Take nothing for started: the engine was gone."""

    def quit(self) -> None:
        """Stop all within its grace."""

    def kill(self) -> None:
        """Stop all at once."""


@dataclass
class Build:
    """A build under way, by the name that the engine knows it by."""

    project: Project
    id: str
    cancelled: threading.Event = field(default_factory=threading.Event)


class DockerTarget:
    """Runs apps on an engine; ``project_of`` names what is made for a service."""

    def __init__(
        self, links: Links, bringing: Bringing, project_of: Callable[[str], Project]
    ) -> None:
        self._links = links
        self._bringing = bringing
        self._project_of = project_of
        self._engine = links.engine
        self._builds: dict[tuple[str, int], Build] = {}
        self._probes = Probes(links.post, links.failed)
        self._commands: defaultdict[str, queue.SimpleQueue[Callable[[], None]]] = defaultdict(
            queue.SimpleQueue
        )
        threads.spawn(self._observe, failed=links.failed)

    # images

    def ensure_image(self, order: do.EnsureImage, inspection: Inspection) -> None:
        """Have an image in a thread of its own."""
        project = self._project_of(order.service)
        identity = f"devloop-{project.id}{project.service}-{os.getpid()}-{order.generation}"
        found = self._builds[order.service, order.generation] = Build(project, identity)

        def failed(error: Exception) -> None:
            self._image_failed(order, found, error)

        threads.spawn(self._ensure_image, order, found, inspection, failed=failed)

    def _ensure_image(self, order: do.EnsureImage, found: Build, inspection: Inspection) -> None:
        made = images.ensure(
            self._engine,
            found.project,
            inspection,
            order.cause,
            self._reporting(order.service),
            found.id,
            found.cancelled,
            forced=order.forced,
        )
        name = found.project.image(order.wanted.fingerprint.digest)
        now, size = time.monotonic(), made.image.size
        self._links.post(
            on.ImageReady(
                now, order.service, order.generation, name, made.cached, made.duration, size
            )
        )
        if not made.cached:
            with suppress(DevloopError):
                images.prune(self._engine, found.project)

    def _image_failed(self, order: do.EnsureImage, found: Build, error: Exception) -> None:
        if isinstance(error, BuildCancelledError) or found.cancelled.is_set():
            return
        if isinstance(error, EngineGoneError):
            self._links.failed(error)
            return
        step = error.step if isinstance(error, BuildFailedError) else ""
        message = str(error) if isinstance(error, DevloopError | OSError) else unexpected(error)
        now = time.monotonic()
        self._links.post(on.ImageFailed(now, order.service, order.generation, step, message))

    def cancel_build(self, order: do.CancelBuild) -> None:
        """Cancel a build here and in the engine; its service may be gone from the project."""
        found = self._builds.get((order.service, order.generation))
        if found:
            found.cancelled.set()
            threads.spawn(build.cancel, self._engine, found.id, failed=self._links.failed)

    def _reporting(self, service: str) -> Report:
        if not service:
            return self._links.report
        return lambda event: self._links.report(events.of_service(event, service))

    # containers

    def bring_up(self, order: do.BringUp) -> None:
        """Have containers run, in a thread of its own."""

        def failed(error: Exception) -> None:
            if isinstance(error, EngineGoneError):
                self._links.failed(error)
            else:
                self._bringing.failed(order, error)

        threads.spawn(self._bringing.bring_up, order, failed=failed)

    def restart(self, order: do.RestartApp) -> None:
        """Restart after what was asked of this app before."""
        attachment = self._links.of(order.service)
        self._command(order.service, attachment.restart, attachment.restart_failed)

    def reload(self, order: do.ReloadApp) -> None:
        """Reload after what was asked of this app before."""
        attachment = self._links.of(order.service)
        self._command(order.service, lambda: attachment.reload(order.by), self._links.failed)

    def _command(self, service: str, work: Callable[[], None], failed: threads.Failed) -> None:
        """Do what is asked of an app one after the other, in the order it was decided."""
        known = service in self._commands

        def command() -> None:
            try:
                work()
            except EngineGoneError as error:
                self._links.failed(error)
            except Exception as error:  # noqa: BLE001 - told, so that the next command is done
                failed(error)

        self._commands[service].put(command)
        if not known:
            threads.spawn(self._do_commands, self._commands[service], failed=self._links.failed)

    @staticmethod
    def _do_commands(commands: queue.SimpleQueue[Callable[[], None]]) -> None:
        while True:
            commands.get()()

    def probe(self, order: do.Probe) -> None:
        """Wait for an answer of the container that serves."""
        attached = self._links.of(order.service).current
        if attached is not None and attached.container.id == order.container:
            self._probes.start(order, attached.container.spec)

    def surroundings(self, root: str) -> JobSurroundings:
        """Give what jobs run with."""
        return shell.surroundings(self._engine, root)

    # the engine

    def _observe(self) -> None:
        """Hold the engine's event stream open: its end tells that the engine is gone."""
        with suppress(RefusedError, EngineGoneError):
            self._engine.hold(self._links.quitting.is_set)
        if not self._links.quitting.is_set():
            self._links.post(on.EngineLost(time.monotonic()))

    def reconnect(self) -> None:
        """Ask the engine until it answers, ever less often."""
        self._links.forget()
        self._bringing.forget()
        self._probes.cancel_all()
        threads.spawn(self._reconnect, failed=self._links.failed)

    def _reconnect(self) -> None:
        pause = PING_PAUSE
        while not self._links.quitting.wait(pause):
            pause = min(pause * 1.3, LONGEST_PING_PAUSE)
            if self._engine.ping():
                threads.spawn(self._observe, failed=self._links.failed)
                self._links.post(on.EngineFound(time.monotonic()))
                return

    # the end

    def quit(self) -> None:
        """Stop the apps within their grace and leave nothing behind."""
        self._probes.cancel_all()
        self._links.quitting.set()
        self._bringing.quit()

    def kill(self) -> None:
        """Stop at once."""
        self._links.quitting.set()
        self._bringing.kill()


def fatal_code(error: Exception, kinds: type[DevloopError]) -> int | None:
    """Give the exit code of an error that no save can mend."""
    return error.exit_code if isinstance(error, kinds) else None


def words(error: Exception, hint: str) -> Mapping[str, str]:
    """Give an error's message, and its hint or this one."""
    if isinstance(error, DevloopError):
        return {"message": error.message, "hint": error.hint or hint}
    message = str(error) if isinstance(error, OSError) else unexpected(error)
    return {"message": message, "hint": hint}
