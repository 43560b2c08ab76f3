"""The laws of the loop, held over whatever can happen: a small engine, and hypothesis at the keys.

At rest what serves is what is wanted, or that has failed (1); every save was read by a start (2); a
cycle that ends well was answered by a process started after its save (4); every cycle begun ends,
once (5); no start is asked for while one is under way (8).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from devloop import events
from devloop.loop.decide import actions as do
from devloop.loop.decide import containers
from devloop.loop.decide import inputs as on
from devloop.loop.decide.state import (
    Absence,
    Absent,
    Building,
    Built,
    EngineState,
    Exited,
    HandingOver,
    Idle,
    ProjectState,
    Running,
    ServiceState,
    made_from,
)
from devloop.loop.decide.step import step
from devloop.loop.decide.topology import SINGLE, Need, Topology
from devloop.model import ByItself, BySignal, Change, ChangeKind
from devloop.project.classify import Impact
from devloop.project.state import Wanted
from tests.loop.decide.machine import A, B, C, composed, wanted

WANTED = (A, B, C, wanted("a", memory=1 << 30))
THREE = composed(
    {"api": (), "db": (), "web": ("api", "db"), "worker": (Need("api", restart=True),)},
    "api",
    "web",
    "worker",
)
PATHS = ("a.py", "b.py")


@dataclass
class Process:
    """A container of the little engine, and the process in it; times are the world's."""

    id: str
    started: float
    starts: int = 1
    alive: bool = True
    hups: list[float] = field(default_factory=list)
    reported: int = 0


class World(RuleBasedStateMachine):
    """Carries out plans as an engine would, and knows what the loop can only be told."""

    topology: Topology = SINGLE

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.project = ProjectState()
        self.images: dict[tuple[str, int], do.EnsureImage] = {}
        self.bringing: do.BringUp | None = None
        self.processes: dict[str, Process] = {}
        self.probes: dict[str, do.Probe] = {}
        self.late: set[do.Probe] = set()
        self.timers: list[on.AnyInput] = []
        self.reconnecting = False
        self.made = 0
        self.open: dict[tuple[str, int], float] = {}
        self.closed: set[tuple[str, int]] = set()
        self.saved: dict[str, float] = {}
        self.excused: dict[str, float] = {}
        self.over = False

    # what the loop does

    def feed(self, happened: on.AnyInput) -> None:
        self.project, plan = step(self.project, happened)
        for action in plan:
            self.perform(action)

    def tick(self, seconds: float = 0.1) -> float:
        self.now += seconds
        return self.now

    def perform(self, action: do.AnyAction) -> None:  # noqa: C901, PLR0912
        match action:
            case do.Report():
                self.hear(action.event)
            case do.EnsureImage():
                self.images[action.service, action.generation] = action
            case do.CancelBuild():
                self.images.pop((action.service, action.generation), None)
            case do.BringUp():
                assert self.bringing is None, "one thing is brought up at a time"
                self.bringing = action
            case do.RestartApp():
                process = self.processes.get(action.service)
                if process is not None:
                    assert not process.hups, "a start is asked for while one is under way"
                    process.hups.append(self.now)
            case do.Probe():
                self.probes[action.service] = action
                self.late.discard(action)
            case do.Settle():
                self.timers.append(on.Settled(0, action.service, action.path, action.at))
            case do.Recheck():
                self.timers.append(on.Waited(0, action.service, action.path, "line 1"))
            case do.Headstart():
                self.timers.append(on.HeadstartOver(0))
            case do.Reconnect():
                self.reconnecting = True
                self.processes.clear()
                self.probes.clear()
            case do.Quit():
                self.over = True
            case _:
                pass

    def hear(self, event: events.Event) -> None:
        match event:
            case events.CycleStarted():
                key = (event.service or "", event.cycle)
                assert key not in self.open
                assert key not in self.closed
                self.open[key] = self.now
            case events.CycleFinished():
                key = (event.service or "", event.cycle)
                began = self.open.pop(key)
                self.closed.add(key)
                self.is_true(event, began)
            case events.AppReady():
                process = self.processes[event.service or ""]
                assert process.alive
                assert not process.hups, "listening, and about to be started anew"
            case _:
                pass

    def is_true(self, event: events.CycleFinished, began: float) -> None:
        """`ok` is said of a process that was started after the save."""
        if event.outcome == "ok" and event.action in ("restart", "recreate", "rebuild"):
            process = self.processes[event.service or ""]
            assert process.started >= began, f"{event} of a process of {process.started}"

    # what the user does

    @initialize(ready=st.sampled_from([True, True, False]))
    def begin(self, ready: bool) -> None:
        services = dict.fromkeys(sorted(self.topology.developed), A)
        self.feed(on.Begun(self.now, services, self.topology))
        if ready:
            self.rest()

    def names(self) -> st.SearchStrategy[str]:
        return st.sampled_from(sorted(self.topology.developed))

    def save(self, service: str, wanted: Wanted, paths: tuple[str, ...], **impact: Any) -> None:
        self.tick(0.01)
        changes = tuple(Change(path, ChangeKind.MODIFIED) for path in paths or ("README.md",))
        if paths and impact.get("reload") is None and self.project.engine is EngineState.ANSWERS:
            self.saved[service] = self.now
        found = {key: value for key, value in impact.items() if value is not None}
        self.feed(on.Changed(self.now, service, changes, Impact(wanted, restarts=paths, **found)))

    @rule(data=st.data(), paths=st.sets(st.sampled_from(PATHS), min_size=1))
    def saves_source(self, data: st.DataObject, paths: set[str]) -> None:
        service = data.draw(self.names())
        self.save(service, self.project.services[service].wanted, tuple(sorted(paths)))

    @rule(
        data=st.data(),
        wanted=st.sampled_from(WANTED),
        paths=st.sampled_from([(), ("a.py",)]),
        mends=st.booleans(),
    )
    def saves_dependency(
        self, data: st.DataObject, wanted: Wanted, paths: tuple[str, ...], mends: bool
    ) -> None:
        service = data.draw(self.names())
        self.save(service, wanted, paths, moved=("package.json: x",), mends=mends)

    @rule(data=st.data(), reload=st.sampled_from([ByItself(), BySignal("HUP")]))
    def saves_what_the_app_reloads(self, data: st.DataObject, reload: Any) -> None:
        service = data.draw(self.names())
        self.save(service, self.project.services[service].wanted, ("a.py",), reload=reload)

    @rule(data=st.data())
    def saves_what_does_not_count(self, data: st.DataObject) -> None:
        service = data.draw(self.names())
        broken = data.draw(st.sampled_from([(), (("package.json", "line 1"),)]))
        self.save(service, self.project.services[service].wanted, (), broken=broken)

    @rule(data=st.data(), rebuild=st.booleans(), every=st.booleans())
    def asks(self, data: st.DataObject, rebuild: bool, every: bool) -> None:
        service = None if every else data.draw(self.names())
        kind = on.RebuildAsked if rebuild else on.RestartAsked
        self.feed(kind(self.tick(0.01), service))

    @rule()
    def waits(self) -> None:
        self.tick(5)

    @rule(steps=st.integers(1, 4))
    def goes_well(self, steps: int) -> None:
        for _ in range(steps):
            self.go_on()

    @rule(data=st.data(), steps=st.integers(1, 4))
    def a_dependency_moves(self, data: st.DataObject, steps: int) -> None:
        """The same as two rules above, so that it happens more often."""
        service, wanted = data.draw(self.names()), data.draw(st.sampled_from(WANTED))
        self.save(service, wanted, ("a.py",), moved=("package.json: x",), mends=True)
        for _ in range(steps):
            self.go_on()

    @rule(
        data=st.data(),
        image=st.booleans(),
        how=st.sampled_from(["untouched", "back", "nothing"]),
        meanwhile=st.sampled_from([None, *WANTED, "source", "rebuild"]),
    )
    def a_work_fails(
        self, data: st.DataObject, image: bool, how: str, meanwhile: Wanted | str | None
    ) -> None:
        """What goes wrong in the middle, with something else happening before it does."""
        service, wanted = data.draw(self.names()), data.draw(st.sampled_from(WANTED))
        self.save(service, wanted, ("a.py",), moved=("package.json: x",), mends=True)
        for _ in range(20):
            if (self.images if image else self.bringing) or not self.go_on():
                break
        if isinstance(meanwhile, Wanted):
            self.save(service, meanwhile, ("b.py",), moved=("package.json: y",))
        elif meanwhile == "source":
            self.save(service, self.project.services[service].wanted, ("b.py",))
        elif meanwhile:
            self.feed(on.RebuildAsked(self.tick(0.01), service))
        if image and self.images:
            self.end_image(min(self.images), good=False)
        elif self.bringing:
            self.end_bringing(good=False, how=how)

    # what the engine does

    def pick(self, data: st.DataObject, what: Mapping[Any, Any]) -> Any:
        return data.draw(st.sampled_from(sorted(what)))

    @precondition(lambda self: self.images)
    @rule(
        data=st.data(),
        good=st.booleans(),
        cached=st.booleans(),
        meanwhile=st.sampled_from([None, None, *WANTED]),
    )
    def image_ends(
        self, data: st.DataObject, good: bool, cached: bool, meanwhile: Wanted | None
    ) -> None:
        key = self.pick(data, self.images)
        if meanwhile:
            self.save(key[0], meanwhile, ("a.py",), moved=("package.json: x",))
        if key in self.images:
            self.end_image(key, good=good, cached=cached)

    def end_image(self, key: tuple[str, int], *, good: bool, cached: bool = False) -> None:
        order, now = self.images.pop(key), self.tick()
        if good:
            there = cached and not order.forced
            self.feed(on.ImageReady(now, order.service, order.generation, "img", there, 1.0))
        else:
            self.feed(on.ImageFailed(now, order.service, order.generation, "RUN x", "no"))

    @precondition(lambda self: self.bringing)
    @rule(
        good=st.booleans(),
        how=st.sampled_from(["untouched", "back", "nothing"]),
        meanwhile=st.sampled_from([None, None, *WANTED]),
        late=st.booleans(),
    )
    def bringing_ends(self, good: bool, how: str, meanwhile: Wanted | None, late: bool) -> None:
        assert self.bringing
        developed = [node.service for node in self.bringing.nodes if node.replacement]
        if meanwhile and developed:
            self.save(developed[-1], meanwhile, ("a.py",), moved=("package.json: x",))
        self.end_bringing(good=good, how=how, late=late)

    def end_bringing(self, *, good: bool, how: str = "untouched", late: bool = False) -> None:
        what = self.bringing
        assert what is not None
        self.bringing = None
        plain = tuple(node.service for node in what.nodes if node.replacement is None)
        developed = [node for node in what.nodes if node.replacement]
        now = self.tick()
        if not good and len(developed) > 1:
            self.feed(on.BroughtUp(now, what.number, apart=True))
            return
        for node in developed:
            if good:
                self.take_over(node, late=late)
            else:
                self.fail(node, how)
        message = "" if good or developed else "no"
        self.feed(on.BroughtUp(self.now, what.number, plain if good else (), message=message))

    def take_over(self, node: do.ServiceNode, *, late: bool) -> None:
        """Start a new container; ``late``: something is saved before the loop is told."""
        assert node.replacement
        service, generation = node.service, node.replacement.generation
        live = self.awaited(service, generation)
        gap = self.now if service in self.processes else None
        started = self.tick(0.01)
        self.made += 1
        if live:
            self.processes[service] = Process(f"c{self.made}", started)
            self.probes.pop(service, None)
        if late and live:
            self.save(service, self.project.services[service].wanted, ("late.py",))
        self.feed(
            on.HandedOver(
                self.tick(0.05), service, generation, f"c{self.made}", "img", started, gap
            )
        )

    def awaited(self, service: str, generation: int) -> bool:
        found = self.project.services.get(service)
        work = found.work if found else Idle()
        return isinstance(work, HandingOver) and work.generation == generation

    def fail(self, node: do.ServiceNode, how: str) -> None:
        assert node.replacement
        service, generation = node.service, node.replacement.generation
        process = self.processes.get(service)
        left: on.Left = on.Untouched()
        if how != "untouched" and not self.awaited(service, generation):
            how = "untouched"
        if how == "back" and process:
            self.processes[service] = Process(process.id, self.tick(0.01))
            left = on.BroughtBack(process.id, self.now)
        elif how != "untouched":
            self.processes.pop(service, None)
            left = on.Nothing()
        self.probes.pop(service, None) if how != "untouched" else None
        self.feed(on.HandOverFailed(self.tick(), service, generation, "no", "", left))

    def busy(self) -> dict[str, Process]:
        return {
            name: one
            for name, one in self.processes.items()
            if one.hups or one.reported < one.starts
        }

    @precondition(lambda self: self.busy())
    @rule(data=st.data())
    def process_starts(self, data: st.DataObject) -> None:
        self.start(self.pick(data, self.busy()))

    def start(self, service: str) -> None:
        """Report a start, or do one that was asked for; its report comes a moment later."""
        process = self.processes[service]
        if process.reported == process.starts:
            process.hups.clear()
            process.starts, process.started, process.alive = process.starts + 1, self.tick(), True
        self.tick(0.01)
        process.reported = process.starts
        self.feed(on.AppStarted(self.now, service, process.id, process.starts))

    @precondition(lambda self: self.busy())
    @rule(data=st.data())
    def start_fails(self, data: st.DataObject) -> None:
        service = self.pick(data, self.busy())
        process = self.processes[service]
        if process.hups and process.reported == process.starts:
            process.hups.clear()
            self.excused[service] = self.tick()
            self.feed(on.RestartFailed(self.now, service, process.id, "no"))

    def probed(self) -> dict[str, do.Probe]:
        return {
            name: one
            for name, one in self.probes.items()
            if (it := self.processes.get(name)) and it.id == one.container and it.alive
            if it.starts == one.number
        }

    @precondition(lambda self: self.probed())
    @rule(data=st.data(), slow=st.booleans())
    def app_answers(self, data: st.DataObject, slow: bool) -> None:
        self.answer(self.pick(data, self.probed()), slow=slow)

    def answer(self, service: str, *, slow: bool = False) -> None:
        probe = self.probes[service] if slow else self.probes.pop(service)
        self.late |= {probe} if slow else set()
        where = (self.tick(), service, probe.container, probe.number)
        self.feed(on.AppSlow(*where, "hint") if slow else on.AppReady(*where, None))

    def alive(self) -> dict[str, Process]:
        return {name: one for name, one in self.processes.items() if one.alive and one.reported}

    @precondition(lambda self: self.alive())
    @rule(data=st.data(), gone=st.booleans(), code=st.sampled_from([0, 1]))
    def app_ends(self, data: st.DataObject, gone: bool, code: int) -> None:
        service = self.pick(data, self.alive())
        process = self.processes[service]
        if process.reported < process.starts or self.replaced(service):
            return
        process.alive = False
        self.probes.pop(service, None)
        if gone:
            del self.processes[service]
        self.feed(on.AppExited(self.tick(), service, process.id, code, gone))

    def replaced(self, service: str) -> bool:
        """While it is handed over, the end of the old container is expected and not told."""
        return isinstance(self.project.services[service].work, HandingOver)

    @precondition(lambda self: not self.reconnecting)
    @rule()
    def engine_goes(self) -> None:
        self.feed(on.EngineLost(self.tick()))

    @precondition(lambda self: self.reconnecting)
    @rule()
    def engine_comes(self) -> None:
        self.reconnecting = False
        self.images.clear()
        self.bringing = None
        self.feed(on.EngineFound(self.tick()))

    @precondition(lambda self: self.timers)
    @rule()
    def time_is_over(self) -> None:
        self.ring()

    def ring(self) -> None:
        timer = self.timers.pop(0)
        now = self.tick(2)
        self.feed(type(timer)(now, *list(vars(timer).values())[1:]))  # type: ignore[arg-type]

    # what must hold

    @invariant()
    def open_cycles_are_known(self) -> None:
        known = {
            (name, cycle.number)
            for name, one in self.project.services.items()
            for cycle in one.cycles
        }
        assert known == set(self.open)

    @invariant()
    def work_is_somebodys(self) -> None:
        for name, one in self.project.services.items():
            if isinstance(one.work, Building):
                assert (name, one.work.generation) in self.images or self.reconnecting
            if isinstance(one.work, HandingOver):
                assert self.bringing

    @rule()
    def comes_to_rest(self) -> None:
        """Let everything end well, then look whether the laws hold."""
        if not self.over:
            self.rest()

    def teardown(self) -> None:
        self.comes_to_rest()

    def rest(self) -> None:
        for _ in range(500):
            if not self.go_on():
                break
        else:
            raise AssertionError("it never comes to rest")
        assert not self.open, f"open at rest: {self.open}"
        for one in self.project.services.values():
            self.at_rest(one)

    def go_on(self) -> bool:
        """Do one thing that is left to do; False if there is none."""
        steps: list[tuple[bool, Callable[[], None]]] = [
            (bool(self.images), lambda: self.end_image(min(self.images), good=True)),
            (bool(self.bringing), lambda: self.end_bringing(good=True)),
            (bool(self.busy()), lambda: self.start(min(self.busy()))),
            (bool(self.to_answer()), lambda: self.answer(min(self.to_answer()))),
            (bool(self.timers), self.ring),
            (self.reconnecting, self.engine_comes),
        ]
        chosen = next((do_it for due, do_it in steps if due), None)
        if chosen:
            chosen()
        return chosen is not None

    def to_answer(self) -> set[str]:
        """The apps that may answer yet; of one that is late it was told that it may never."""
        return {name for name, probe in self.probed().items() if probe not in self.late}

    def at_rest(self, one: ServiceState) -> None:
        if isinstance(one.work, Built):
            before = self.topology.built_for(one.name) - {one.name}
            assert any(containers.failed(self.project.services[name]) for name in before)
            return
        assert isinstance(one.work, Idle)
        if isinstance(one.app, Absent):
            gone = one.app.why is Absence.GONE
            assert gone or one.wanted.same(one.failed), "nothing runs, and nothing says why"
            return
        same = one.wanted.same(made_from(one.app)) or one.wanted.same(one.failed)
        assert same, "something else is wanted"
        process = self.processes[one.name]
        assert process.id == one.app.container
        if isinstance(one.app, Exited):
            assert not process.alive or one.name in self.excused
            return
        assert isinstance(one.app, Running)
        saved, excused = self.saved.get(one.name, 0.0), self.excused.get(one.name, -1.0)
        assert process.started >= saved or excused >= saved, "a save was never read by a start"
        assert process.alive
        assert one.app.ready or self.probes.get(one.name) in self.late


class ThreeServices(World):
    """The same for a project of three developed services and a database."""

    topology = THREE


def hold(world: type[World], examples: int, steps: int) -> None:
    run_state_machine_as_test(
        world,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )


@pytest.mark.parametrize("world", [World, ThreeServices])
def test_the_laws_hold(world: type[World]) -> None:
    hold(world, 200, 12)


@pytest.mark.slow
@pytest.mark.parametrize("world", [World, ThreeServices])
def test_the_laws_hold_for_long(world: type[World]) -> None:
    hold(world, 5000, 20)
