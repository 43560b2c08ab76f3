"""Ends running steps: kills their process groups, and what has their tracking ID."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from devloop import threads
from devloop.errors import DevloopError
from devloop.jobs.run import shell
from devloop.jobs.run.surroundings import ShellLink


class Termination:
    """The steps of one run by their names, ``s1.s0`` being a part of ``s1``.

    A step that is over stays so, with its parts; one that was stopped with the job does not take
    with it what an action does always. May be used from several threads.
    """

    def __init__(self, tracking_id: str, open_shell: Callable[[], ShellLink]) -> None:
        self._tracking_id = tracking_id
        self._open_shell = open_shell
        self._lock = threading.Lock()
        self._groups: dict[int, str] = {}
        self._running: set[str] = set()
        self._scripts: set[str] = set()
        self._stopped: set[str] = set()
        self._over: set[str] = set()

    def tracking_id(self, name: str = "") -> str:
        """Give the tracking ID of a step's processes, without a name that of the whole run."""
        return f"{self._tracking_id}.{name}." if name else f"{self._tracking_id}."

    @contextmanager
    def running(self, name: str) -> Iterator[None]:
        """Count a step as running, from before its condition is evaluated."""
        with self._lock:
            self._running.add(name)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(name)

    @contextmanager
    def script(self, name: str) -> Iterator[None]:
        """Count a step as one that has, or will have, a process."""
        with self._lock:
            self._scripts.add(name)
        try:
            yield
        finally:
            with self._lock:
                self._scripts.discard(name)

    def begun(self, name: str, group: int) -> None:
        """Note a step's process group; kills it if the step was ended before it had one."""
        with self._lock:
            self._groups[group] = name
        if self.over(name):
            threads.spawn(self._kill_late, name, failed=threads.shown)

    def over(self, name: str) -> bool:
        """Say whether a step was ended, by itself or with the one that it is a part of."""
        parts = name.split(".")
        above = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
        return name in self._stopped or bool(above & self._over)

    def stop(self, decide: Callable[[], None]) -> None:
        """Call ``decide`` and kill the steps that run; later conditions see what it set."""
        with self._lock:
            decide()
            self._stopped |= self._running
            names = tuple(self._scripts)
        self._kill(names)

    def end(self, name: str) -> None:
        """End a step and its parts."""
        with self._lock:
            self._over.add(name)
        self._kill((name,))

    def last(self) -> str:
        """Give the shell commands that kill all remaining processes of the run."""
        return shell.kill((self.tracking_id(),), tuple(self._groups), gently=False)

    def _kill_late(self, name: str) -> None:
        with suppress(DevloopError, OSError):  # the container has gone, and what ran in it
            self._kill((name,))

    def _kill(self, names: tuple[str, ...]) -> None:
        if not names:
            return
        with self._lock:
            groups = tuple(
                group
                for group, owner in self._groups.items()
                if any(f"{owner}.".startswith(f"{name}.") for name in names)
            )
        tracking_ids = tuple(self.tracking_id(name) for name in names)
        link = self._open_shell()
        try:
            link.send(shell.kill(tracking_ids, groups, gently=True) + shell.leave())
            for _ in link.lines():
                pass
        finally:
            link.close()
