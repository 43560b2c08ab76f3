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
from dataclasses import dataclass, field

from devloop import events
from devloop.engine import containers, logs, ready
from devloop.engine.client import Engine, RefusedError
from devloop.engine.containers import Container, PortTakenError
from devloop.errors import DevloopError, EngineGoneError, HostError
from devloop.image import engine_build
from devloop.image.engine_build import BuildCancelledError, BuildFailedError
from devloop.loop import actions as do
from devloop.loop import images
from devloop.loop import inputs as on
from devloop.loop.picture import Picture
from devloop.model import ContainerSpec, Port, Project

SLOW = 15.0
RECHECK_AFTER = 0.5
SETTLE_AFTER = 1.5
PING_PAUSE, LONGEST_PING_PAUSE = 0.1, 2.0

Post = Callable[[object], None]


@dataclass(frozen=True)
class RecheckDue:
    """It is time to look again at a file that was half-written."""

    path: str


@dataclass
class Followed:
    """A container whose output is read; ``announced`` holds its marks back until it is known."""

    container: Container
    announced: threading.Event = field(default_factory=threading.Event)
    expected_end: bool = False
    starts: int = 1


class Executor:
    """The hands of one loop."""

    def __init__(
        self,
        engine: Engine,
        project: Project,
        post: Post,
        report: Callable[[events.Event], None],
        port_owner: Callable[[int], str] = lambda _port: "",
    ) -> None:
        self.engine = engine
        self.project = project
        self.post = post
        self.report = report
        self.port_owner = port_owner
        self.picture: Picture | None = None
        self.current: Followed | None = None
        self.quitting = threading.Event()
        self._cancellations: defaultdict[int, threading.Event] = defaultdict(threading.Event)
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
                self._spawn(self._swap, action)
            case do.Restart():
                self._commands.put(self._restart)
            case do.Reload():
                self._commands.put(lambda: self._reload(action))
            case do.Probe():
                self._start_probe(action)
            case do.Recheck():
                self._later(RECHECK_AFTER, lambda: self.post(RecheckDue(action.path)))
            case do.Settle():
                self._later(SETTLE_AFTER, lambda: self._settled(action))
            case do.Reconnect():
                self.current = None
                self._spawn(self._reconnect)

    def quit(self) -> None:
        """Stop the app within its grace and leave no container behind."""
        self.quitting.set()
        self._probe.set()
        with suppress(DevloopError, RefusedError):
            if self.current:
                container = self.current.container
                self.current.expected_end = True
                containers.stop(self.engine, container.id, containers.grace_seconds(container.spec))
            self.remove_all()

    def kill(self) -> None:
        """Stop at once: the user asked a second time."""
        self.quitting.set()
        with suppress(DevloopError, RefusedError):
            self.remove_all()

    def remove_all(self, but: str = "") -> None:
        """Remove the project's containers, by their label."""
        for found in containers.of_project(self.engine, self.project):
            if found["Id"] != but:
                containers.remove(self.engine, found["Id"])

    # images

    def _build_id(self, generation: int) -> str:
        return f"devloop-{self.project.id}-{os.getpid()}-{generation}"

    def _cancellation(self, generation: int) -> threading.Event:
        return self._cancellations[generation]

    def _cancel(self, generation: int) -> None:
        self._cancellation(generation).set()
        self._spawn(engine_build.cancel, self.engine, self._build_id(generation))

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
            )
        except BuildCancelledError:
            return
        except BuildFailedError as error:
            self._image_failed(generation, error.step, error.message)
        except EngineGoneError:
            raise
        except (DevloopError, RefusedError) as error:
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

    # containers

    def _swap(self, action: do.Swap) -> None:
        """Hand over: prepare the new container, stop the old one, start the new one."""
        spec, old = action.wanted.spec, self.current
        try:
            self._check_ports(spec, old)
            image = containers.inspect_image(self.engine, action.image)
            if image is None:
                raise HostError("the image is gone", hint="save a file to build it again")
            make_mount_points(spec)
            new = containers.prepare(
                self.engine, self.project, image, spec, action.wanted.fingerprint.digest
            )
        except EngineGoneError:
            raise
        except (DevloopError, RefusedError, OSError) as error:
            self._swap_failed(action, error, restored=self.current is not None, untouched=True)
            return
        self._remove_others({new.id, old.container.id if old else ""})
        followed = Followed(new)
        since = time.monotonic() if old else None
        if old:
            old.expected_end = True
            containers.stop(
                self.engine, old.container.id, containers.grace_seconds(old.container.spec)
            )
        self.current = followed
        self._follow(followed)
        try:
            containers.start(self.engine, new)
        except EngineGoneError:
            raise
        except (DevloopError, RefusedError) as error:
            followed.expected_end = True
            containers.remove(self.engine, new.id)
            self.current = None
            self._swap_failed(action, error, restored=self._bring_back(old))
            return
        self._announce(action, followed, since)
        if old:
            containers.remove(self.engine, old.container.id)
        containers.rename(self.engine, new.id, self.project.slug)

    def _announce(self, action: do.Swap, followed: Followed, since: float | None) -> None:
        now = time.monotonic()
        name = self.project.image(action.wanted.fingerprint.digest)
        self.post(on.Swapped(now, action.generation, followed.container.id, name, since))
        followed.announced.set()

    def _check_ports(self, spec: ContainerSpec, old: Followed | None) -> None:
        """Find out early, and by whom, that a port is taken."""
        ours = {port.published for port in old.container.spec.ports} if old else set()
        for port in spec.ports:
            if port.published in ours or ready.free(port.host, port.published):
                continue
            if self._stale_owner(port):
                continue
            raise containers.port_taken(self.engine, (port,), self.port_owner(port.published))

    def _stale_owner(self, port: Port) -> bool:
        """Say whether a container that an earlier loop left has the port: it is removed anyway."""
        return any(
            one.get("PublicPort") == port.published
            for found in containers.of_project(self.engine, self.project)
            for one in found.get("Ports") or ()
        )

    def _remove_others(self, ours: set[str]) -> None:
        """Remove what an earlier loop of this project left behind."""
        for found in containers.of_project(self.engine, self.project):
            if found["Id"] not in ours:
                containers.remove(self.engine, found["Id"])

    def _bring_back(self, old: Followed | None) -> bool:
        """Start the old container again after a failed hand-over."""
        if old is None:
            return False
        again = Followed(old.container)
        try:
            self._follow(again)
            containers.start(self.engine, old.container)
        except (DevloopError, RefusedError):
            return False
        self.current = again
        again.announced.set()
        return True

    def _swap_failed(
        self, action: do.Swap, error: Exception, *, restored: bool, untouched: bool = False
    ) -> None:
        message = error.message if isinstance(error, DevloopError | RefusedError) else str(error)
        hint = error.hint if isinstance(error, DevloopError) else "see app in devloop.yaml"
        fatal = error.exit_code if isinstance(error, PortTakenError | HostError) else None
        self.post(
            on.SwapFailed(
                time.monotonic(),
                action.generation,
                message,
                hint,
                restored,
                fatal,
                untouched and restored,
            )
        )

    def _restart(self) -> None:
        followed = self.current
        if followed is None:
            return
        supervised = bool(followed.container.nonce)
        followed.expected_end = followed.expected_end or not supervised
        try:
            containers.restart(self.engine, followed.container)
        except RefusedError:
            self._post_exit(followed, gone=True)
            return
        if not supervised:
            self.current = again = Followed(followed.container, starts=followed.starts + 1)
            again.announced.set()
            self._follow(again)
            self._mark(again, "started", again.starts)

    def _reload(self, action: do.Reload) -> None:
        followed = self.current
        if followed is None:
            return
        try:
            if action.kind == "signal":
                containers.forward_signal(self.engine, followed.container, action.argument)
                return
            code, output = containers.execute(
                self.engine, followed.container.id, ["sh", "-c", action.argument]
            )
        except RefusedError as error:
            self.post(on.ReloadFailed(time.monotonic(), error.message))
            return
        if code:
            last = output.strip().splitlines()[-1:] or [f"exit code {code}"]
            self.post(on.ReloadFailed(time.monotonic(), last[0]))

    def _follow(self, followed: Followed) -> None:
        """Read a container's output from before its start until its end."""
        attached = threading.Event()

        def read() -> None:
            pieces = self.engine.output(followed.container.id, attached.set)
            logs.split(
                pieces,
                followed.container.nonce,
                lambda stream, text: self.report(events.Log("app", stream, text)),
                lambda word, number: self._mark(followed, word, number),
            )
            self._output_ended(followed)

        self._spawn(read)
        attached.wait(10)

    def _mark(self, followed: Followed, word: str, number: int) -> None:
        """Post what the supervisor reports, once the loop knows the container."""
        followed.announced.wait()
        now, identity = time.monotonic(), followed.container.id
        if word == "started":
            self.post(on.AppStarted(now, identity, number))
        else:
            self.post(on.AppExited(now, identity, number))

    def _output_ended(self, followed: Followed) -> None:
        if followed.expected_end or self.quitting.is_set() or self.current is not followed:
            return
        self._post_exit(followed, gone=bool(followed.container.nonce))

    def _post_exit(self, followed: Followed, *, gone: bool) -> None:
        followed.announced.wait()
        code = containers.exit_code(self.engine, followed.container.id)
        if code is None and not gone:
            return  # it runs again: a restart of a container without a supervisor
        gone = gone or code is None
        exited = on.AppExited(time.monotonic(), followed.container.id, code or 0, gone)
        self.post(exited)

    # readiness

    def _start_probe(self, action: do.Probe) -> None:
        self._probe.set()
        self._probe = threading.Event()
        followed = self.current
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
            self.engine.hold(self.quitting.is_set)
        if not self.quitting.is_set():
            self.post(on.EngineLost(time.monotonic()))

    def _reconnect(self) -> None:
        pause = PING_PAUSE
        while not self.quitting.wait(pause):
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


def make_mount_points(spec: ContainerSpec) -> None:
    """Make the kept paths as the user, before the engine makes them as root."""
    if spec.mount is None:
        return
    for path in (".devloop", *spec.keep):
        os.makedirs(os.path.join(spec.root, path), exist_ok=True)


def reachable(host: str) -> str:
    """Give an address at which what is published on ``host`` can be asked."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not bound here
