"""Performs the loop's actions: the effects of ``step``'s plans, and the inputs they lead to.

Nothing is decided here. Long actions run in threads of their own and post their outcome; each
reads the state of the engine itself, so that an old generation's thread can do no harm.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

from devloop import events
from devloop.engine import build as builds
from devloop.engine import ready
from devloop.engine.client import Engine
from devloop.errors import DevloopError, EngineGoneError, RefusedError
from devloop.image.engine_build import BuildCancelledError, BuildFailedError
from devloop.jobs.run.pool import Pool
from devloop.jobs.schedule.contexts import Order
from devloop.jobs.schedule.graph import Outcome
from devloop.loop.decide import actions as do
from devloop.loop.decide import inputs as on
from devloop.model import ContainerSpec, Port, Project
from devloop.project.state import Picture
from devloop.target import images
from devloop.target.attachment import Follower
from devloop.target.container import Serving
from devloop.target.shell import surroundings

SLOW = 15.0
RECHECK_AFTER = 0.5
SETTLE_AFTER = 1.5
PING_PAUSE, LONGEST_PING_PAUSE = 0.1, 2.0

Post = Callable[[object], None]


@dataclass(frozen=True)
class RecheckDue:
    """It is time to look again at a file that was half-written."""

    path: str


class HandOver(Protocol):
    """How containers take over from one another."""

    def swap(self, action: do.Swap) -> None:
        """Have a new container serve; posts ``Swapped`` or ``SwapFailed``."""

    def quit(self) -> None:
        """Stop the app within its grace."""

    def kill(self) -> None:
        """Stop it at once."""


class Executor:
    """The hands of one loop; ``hand_over`` None is one container, without Compose."""

    def __init__(
        self,
        engine: Engine,
        project: Project,
        post: Post,
        report: Callable[[events.Event], None],
        port_owner: Callable[[int], str] = lambda _port: "",
        hand_over: Callable[[Follower], HandOver] | None = None,
    ) -> None:
        self.engine = engine
        self.project = project
        self.post = post
        self.report = report
        self.picture: Picture | None = None
        self.follower = Follower(engine, post, report, self._spawn)
        self.serving: HandOver = (
            hand_over(self.follower)
            if hand_over
            else Serving(engine, project, self.follower, port_owner)
        )
        self._cancellations: defaultdict[int, threading.Event] = defaultdict(threading.Event)
        self.pool = Pool(surroundings(engine, project.root), report, self._job_ended)
        self._probe = threading.Event()
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._spawn(self._command_loop)
        self._spawn(self._watch_engine)

    def run(self, action: do.Action) -> None:  # noqa: C901 - one arm an action
        """Perform one action, or set it going."""
        match action:
            case do.Report():
                self.report(action.event)
            case do.EnsureImage() if self.picture is not None:
                self._spawn(self._ensure_image, action, self.picture)
            case do.CancelBuild():
                self._cancel(action.generation)
            case do.Swap():
                self._spawn(self.serving.swap, action)
            case do.Restart():
                self._commands.put(self.follower.restart)
            case do.Reload():
                self._commands.put(lambda: self.follower.reload(action))
            case do.Probe():
                self._start_probe(action)
            case do.Recheck():
                self._later(RECHECK_AFTER, lambda: self.post(RecheckDue(action.path)))
            case do.Settle():
                self._later(SETTLE_AFTER, lambda: self._settled(action))
            case do.JobWork():
                self.pool.perform(action.work, action.container, action.host)
            case do.Reconnect():
                self.follower.lost()
                self._spawn(self._reconnect)

    def _job_ended(self, order: Order, outcome: Outcome) -> None:
        self.post(on.JobEnded(time.monotonic(), order, outcome))

    def quit(self) -> None:
        """Stop the app within its grace and leave nothing behind."""
        self._probe.set()
        self.pool.quit()
        self.serving.quit()

    def kill(self) -> None:
        """Stop at once."""
        self.serving.kill()

    # images

    def _build_id(self, generation: int) -> str:
        return f"devloop-{self.project.id}{self.project.service}-{os.getpid()}-{generation}"

    def _cancellation(self, generation: int) -> threading.Event:
        return self._cancellations[generation]

    def _cancel(self, generation: int) -> None:
        self._cancellation(generation).set()
        self._spawn(builds.cancel, self.engine, self._build_id(generation))

    def _ensure_image(self, action: do.EnsureImage, picture: Picture) -> None:
        generation = action.generation
        try:
            made = images.ensure(
                self.engine,
                self.project,
                picture,
                action.cause,
                self.report,
                self._build_id(generation),
                self._cancellation(generation),
                forced=action.forced,
            )
        except BuildCancelledError:
            return
        except BuildFailedError as error:
            self._image_failed(generation, error.step, error.message)
        except EngineGoneError:
            raise
        except DevloopError as error:
            self._image_failed(generation, "", str(error))
        else:
            name = self.project.image(action.wanted.fingerprint.digest)
            now = time.monotonic()
            self.post(on.ImageReady(now, generation, name, made.cached, made.duration))
            if not made.cached:
                images.prune(self.engine, self.project)

    def _image_failed(self, generation: int, step: str, message: str) -> None:
        if not self._cancellation(generation).is_set():
            self.post(on.ImageFailed(time.monotonic(), generation, step, message))

    # readiness

    def _start_probe(self, action: do.Probe) -> None:
        self._probe.set()
        self._probe = threading.Event()
        followed = self.follower.current
        if followed is not None and followed.container.id == action.container:
            self._spawn(self._wait_ready, action, followed.container.spec, self._probe)

    def _wait_ready(
        self, action: do.Probe, spec: ContainerSpec, cancelled: threading.Event
    ) -> None:
        port = spec.ports[0] if spec.ports else None
        address = (reachable(port.host), port.published) if port else None
        slow = self._later(SLOW, lambda: self._slow(action, port))
        try:
            if ready.wait(address, spec.health, cancelled.wait):
                url = f"http://localhost:{port.published}" if port else None
                now = time.monotonic()
                self.post(on.AppReady(now, action.container, action.number, url))
        finally:
            slow.cancel()

    def _slow(self, action: do.Probe, port: Port | None) -> None:
        where = f"port {port.container}" if port else "its port"
        hint = f"does it listen on 0.0.0.0 (not on localhost) and on {where} of the container?"
        self.post(on.AppSlow(time.monotonic(), action.container, action.number, hint))

    # the engine

    def _watch_engine(self) -> None:
        """Hold the engine's event stream open: its end tells that the engine is gone."""
        with suppress(RefusedError):
            self.engine.hold(self.follower.quitting.is_set)
        if not self.follower.quitting.is_set():
            self.post(on.EngineLost(time.monotonic()))

    def _reconnect(self) -> None:
        pause = PING_PAUSE
        while not self.follower.quitting.wait(pause):
            pause = min(pause * 1.3, LONGEST_PING_PAUSE)
            if self.engine.ping():
                self._spawn(self._watch_engine)
                self.post(on.EngineFound(time.monotonic()))
                return

    # threads

    def _command_loop(self) -> None:
        """Restarts and reloads happen one after the other, in the order they were decided."""
        while True:
            command = self._commands.get()
            with self._engine_may_go():
                command()

    def _settled(self, action: do.Settle) -> None:
        self.post(on.Settled(time.monotonic(), action.path, action.cycle))

    def _later(self, seconds: float, work: Callable[[], None]) -> threading.Timer:
        timer = threading.Timer(seconds, work)
        timer.daemon = True
        timer.start()
        return timer

    def _spawn(self, work: Callable[..., None], *arguments: object) -> None:
        def guarded() -> None:
            with self._engine_may_go():
                work(*arguments)

        threading.Thread(target=guarded, daemon=True, name=work.__name__).start()

    @contextmanager
    def _engine_may_go(self) -> Iterator[None]:
        """No thread dies silently: a lost engine is an input, anything else ends the loop."""
        try:
            yield
        except EngineGoneError:
            self.post(on.EngineLost(time.monotonic()))
        except RefusedError as error:
            self.report(events.Error(f"the engine refused: {error.message}"))
        except Exception as error:  # noqa: BLE001 - handed to the owner, who raises it
            self.post(error)


def reachable(host: str) -> str:
    """Give an address at which what is published on ``host`` can be asked."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not bound here
