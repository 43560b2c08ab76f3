"""Jobs carried out: threads that run what ``jobs.graph`` decides, in one container."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

from devloop import events
from devloop.engine.client import Engine, RefusedError
from devloop.engine.logs import Lines
from devloop.errors import DevloopError
from devloop.jobs import graph
from devloop.jobs.contexts import Host, Order
from devloop.jobs.filters import PathFilter
from devloop.jobs.graph import Jobs, Outcome
from devloop.jobs.runner import Run
from devloop.watch import tree

SPARE_FOR = 3.0

Report = Callable[[events.Event], None]


class Shell:
    """A shell in a container that reads what it is sent."""

    def __init__(self, engine: Engine, container: str) -> None:
        """Start it; raises ``RefusedError`` or ``EngineGoneError``."""
        self._link = engine.converse(container, ["sh"])

    def send(self, text: str) -> None:
        """Give it commands."""
        self._link.send(text.encode("utf-8", "surrogateescape"))

    def lines(self) -> Iterator[str]:
        """Yield its output until it ends."""
        cut = Lines()
        for piece in self._link.pieces():
            yield from cut.feed(piece)
        yield from cut.close()

    def close(self) -> None:
        """End it."""
        self._link.close()


def hash_files(root: str, *patterns: object) -> str:
    """Hash the project's files that match, empty if none does."""
    wanted = PathFilter(tuple(str(one) for one in patterns))
    found = hashlib.sha256()
    some = False
    for path in sorted(tree.walk(root, tree.load_ignores(root, (), ()).prunes)):
        if wanted.matches(path):
            some = True
            found.update(hashlib.sha256(tree.read(root, path) or b"").digest())
    return found.hexdigest() if some else ""


class Spare:
    """A shell opened ahead of its use: a run that ends another one need not wait for it."""

    def __init__(self, engine: Engine, container: str) -> None:
        """Open it; it goes if nobody takes it soon."""
        self._container = container
        self._shell: Shell | None = Shell(engine, container)
        self._lock = threading.Lock()
        self._timer = threading.Timer(SPARE_FOR, self.close)
        self._timer.daemon = True
        self._timer.start()

    def take(self, container: str) -> Shell | None:
        """Give the shell, once, if it is in this container."""
        with self._lock:
            if self._container != container:
                return None
            found, self._shell = self._shell, None
        self._timer.cancel()
        return found

    def close(self) -> None:
        """End a shell that nobody took."""
        found = self.take(self._container)
        if found:
            with suppress(DevloopError, RefusedError, OSError):
                found.close()


class Crew:
    """Runs orders, each in a thread; ``post`` gets (order, outcome) when one has ended."""

    def __init__(
        self,
        engine: Engine,
        root: str,
        report: Report,
        post: Callable[[Order, Outcome], None],
    ) -> None:
        self._engine = engine
        self._root = root
        self._report = report
        self._post = post
        self._runs: dict[str, Run] = {}
        self._spares: queue.SimpleQueue[Spare] = queue.SimpleQueue()

    def perform(self, action: graph.Action, container: str, host: Host) -> None:
        """Do what the graph decided."""
        match action:
            case graph.Tell():
                self._report(action.event)
            case graph.Start():
                run = Run(
                    action.order,
                    host,
                    lambda: self._shell(container),
                    self._report,
                    lambda *patterns: hash_files(self._root, *patterns),
                    lambda path: tree.read(self._root, path),
                )
                self._runs[action.order.label] = run
                self._spawn(self._run, action.order, run)
            case graph.Cancel() if action.order.label in self._runs:
                self._spawn(self._stop, self._runs[action.order.label], action.abandon)
                if action.abandon:
                    self._spawn(self._prepare, container)

    def quit(self) -> None:
        """Let no run complain that its container goes."""
        for run in self._runs.values():
            run.cancelled = run.abandoned = True

    def _prepare(self, container: str) -> None:
        with suppress(DevloopError, RefusedError, OSError):
            self._spares.put(Spare(self._engine, container))

    def _shell(self, container: str) -> Shell:
        """Give a shell: one that was opened ahead, else a new one."""
        with suppress(queue.Empty):
            while True:
                found = self._spares.get_nowait().take(container)
                if found:
                    return found
        return Shell(self._engine, container)

    def _run(self, order: Order, run: Run) -> None:
        try:
            outcome = run()
        except (DevloopError, RefusedError, OSError) as error:
            self._report(events.Error(f"job {order.label} could not be run: {error}"))
            outcome = Outcome("failure", "failure")
        self._post(order, outcome)

    @staticmethod
    def _stop(run: Run, abandon: bool) -> None:
        try:
            run.stop(abandon=abandon)
        except (DevloopError, RefusedError, OSError):
            return  # the container has gone, and what ran in it

    @staticmethod
    def _spawn(work: Callable[..., None], *arguments: object) -> None:
        threading.Thread(target=work, args=arguments, daemon=True, name=work.__name__).start()


def once(
    engine: Engine,
    root: str,
    container: str,
    jobs: Jobs,
    names: tuple[str, ...],
    report: Report,
    *,
    named: bool,
) -> tuple[Jobs, bool]:
    """Run these jobs to their end; also says whether the user interrupted them."""
    ended: queue.SimpleQueue[tuple[Order, Outcome]] = queue.SimpleQueue()
    crew = Crew(engine, root, report, lambda order, outcome: ended.put((order, outcome)))
    jobs, plan = graph.ask(jobs, names, (), named=named)
    interrupted = False
    while True:
        for action in plan:
            crew.perform(action, container, jobs.host)
        if jobs.idle or (interrupted and not jobs.waves):
            return jobs, interrupted
        try:
            jobs, plan = graph.ended(jobs, *ended.get())
        except KeyboardInterrupt:
            interrupted = True
            jobs, plan = graph.hold(jobs)
