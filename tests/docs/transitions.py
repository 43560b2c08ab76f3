"""The table of docs/loop.md: what each input does in each state, found out by asking ``step``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields

from devloop.loop.decide import actions as do
from devloop.loop.decide import inputs as on
from devloop.loop.decide.state import Absent, App, Exited, Running, Work
from tests.loop.decide.machine import A, B, Machine

Happens = Callable[[Machine], str]


def beginning() -> Machine:
    machine = Machine()
    machine(on.Begun, {"": A})
    return machine


def ready() -> Machine:
    machine = beginning()
    machine.built()
    machine.taken_over("c1")
    machine.started()
    machine.ready()
    return machine


def _then(*more: Happens) -> Callable[[], Machine]:
    def make() -> Machine:
        machine = ready()
        for one in more:
            one(machine)
        return machine

    return make


def depend(machine: Machine) -> str:
    return machine.depend(B)


STATES: tuple[Callable[[], Machine], ...] = (
    beginning,
    ready,
    _then(lambda it: it.save("a.py")),
    _then(lambda it: it(on.AppExited, "c1", 1)),
    _then(lambda it: it(on.AppExited, "c1", 137, gone=True)),
    _then(depend),
    _then(depend, lambda it: it(on.AppExited, "c1", 1)),
    _then(depend, lambda it: it.built()),
    _then(lambda it: it(on.EngineLost)),
)

INPUTS: tuple[tuple[str, Happens], ...] = (
    ("a source is saved", lambda it: it.save("b.py")),
    ("a dependency moves", lambda it: it.depend(B)),
    ("a dependency is put back", lambda it: it.depend(A)),
    ("the image is there", lambda it: it(on.ImageReady, it.state.generation, "img", False, 4.0)),
    ("the build fails", lambda it: it(on.ImageFailed, it.state.generation, "RUN x", "no")),
    ("the new container runs", lambda it: it.taken_over("c2")),
    (
        "the hand-over fails, the old one serves",
        lambda it: it(on.HandOverFailed, it.state.generation, "no", "", on.Untouched()),
    ),
    ("the app was started", lambda it: it(on.AppStarted, it.container, _next(it.app))),
    ("the app answers", lambda it: it(on.AppReady, it.container, _start(it.app), None)),
    ("the app exits", lambda it: it(on.AppExited, it.container, 1)),
    ("a restart is asked for", lambda it: it(on.RestartAsked)),
    ("a rebuild is asked for", lambda it: it(on.RebuildAsked)),
    ("the engine goes", lambda it: it(on.EngineLost)),
    ("the engine comes back", lambda it: it(on.EngineFound)),
)


def _start(app: App) -> int:
    return 0 if isinstance(app, Absent) else app.start


def _next(app: App) -> int:
    return app.ordered if isinstance(app, Running) else _start(app)


def name(work: Work, app: App) -> str:
    """Name a state in a word for its work and a few for its app."""
    what = type(work).__name__
    if isinstance(app, Running):
        how = "starting" if app.starting else "ready" if app.ready else "started"
        return f"{what}, running ({how})"
    if isinstance(app, Exited):
        return f"{what}, exited"
    return f"{what}, absent ({app.why})"


def rows() -> Iterator[tuple[str, str, str, str]]:
    """Yield state, input, new state and plan, for whatever changes something."""
    for make in STATES:
        for what, happens in INPUTS:
            machine = make()
            before = machine.state
            plan = happens(machine)
            after = machine.state
            same = all(
                getattr(before, one.name) == getattr(after, one.name)
                for one in fields(before)
                if one.name not in ("count", "broken")
            )
            if same and not plan and not any(isinstance(one, do.Report) for one in machine.plan):
                continue
            yield name(before.work, before.app), what, name(after.work, after.app), plan


def table() -> str:
    """Give the table as Markdown."""
    lines = ["| state | what happens | then | plan |", "| --- | --- | --- | --- |"]
    last = ""
    for state, what, after, plan in rows():
        shown = "" if state == last else state
        last = state
        told = "<br>".join(f"`{line}`" for line in plan.splitlines())
        lines.append(f"| {shown} | {what} | {after if after != state else '(the same)'} | {told} |")
    return "\n".join(lines)
