"""Jobs in a container, and what they leave there."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from devloop import events
from devloop.engine.client import Engine
from devloop.engine.logs import Lines
from devloop.jobs.run.job import JobRun
from devloop.jobs.schedule.contexts import JobOrder, RunnerContext
from devloop.jobs.workflow import grammar


class Shell:
    def __init__(self, engine: Engine, container: str) -> None:
        self.link = engine.converse(container, ["sh"])

    def send(self, text: str) -> None:
        self.link.send(text.encode())

    def lines(self) -> Iterator[str]:
        cut = Lines()
        for piece in self.link.pieces():
            yield from cut.feed(piece)
        yield from cut.close()

    def close(self) -> None:
        self.link.close()


class Bench:
    def __init__(
        self,
        engine: Engine,
        container: str,
        steps: str,
        job: str = "",
        files: dict[str, str] | None = None,
    ) -> None:
        text = f"jobs:\n  a:\n    {job}\n    steps:\n{steps}"
        flow = grammar.load(text.encode(), "ci.yml")
        self.told: list[events.Event] = []
        self.first = threading.Event()
        known = {path: content.encode() for path, content in (files or {}).items()}
        order = JobOrder(1, flow, flow.jobs[0], "ci/a", "ci/a")
        host = RunnerContext(sha="abc")
        self.run = JobRun(order, host, lambda: Shell(engine, container), self.tell, read=known.get)

    def tell(self, event: events.Event) -> None:
        self.told.append(event)
        if isinstance(event, events.Log):
            self.first.set()

    def steps(self) -> dict[str, str]:
        ended = (one for one in self.told if isinstance(one, events.StepFinished))
        return {one.step: one.conclusion for one in ended}

    def marks(self) -> list[str]:
        found = (one for one in self.told if isinstance(one, events.Annotation))
        return [f"{one.file}:{one.line}:{one.col}: {one.level}: {one.message}" for one in found]

    def lines(self) -> list[str]:
        return [one.text for one in self.told if isinstance(one, events.Log)]


def left(engine: Engine, container: str) -> tuple[list[str], int, str]:
    found = engine.get(f"/containers/{container}/json")["ExecIDs"] or []
    processes = len(engine.get(f"/containers/{container}/top")["Processes"])
    talk = Shell(engine, container)
    talk.send("ls /tmp; exit\n")
    text = "\n".join(talk.lines())
    talk.close()
    return found, processes, text
