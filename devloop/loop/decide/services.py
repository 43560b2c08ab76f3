"""Several services as one project: what is brought up, in which order, and why.

The law: one bringing up at a time. A developed service starts for the first time when the images of
all developed ones that it waits for are there, together with whatever else can start by then. What
fails together is tried one by one, so that nobody bears another one's fault. A service that is made
anew takes those with it that ask for that (``restart: true``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TypeAlias

from devloop import events
from devloop.loop.decide import containers, converge, cycles, starts, wishes
from devloop.loop.decide import inputs as on
from devloop.loop.decide.actions import (
    BringUp,
    Headstart,
    Operation,
    Plan,
    Replacement,
    Report,
    ServiceNode,
    tell,
)
from devloop.loop.decide.state import (
    Building,
    Built,
    EngineState,
    HandingOver,
    Once,
    Over,
    ProjectState,
    ServiceState,
    UnderWay,
    container,
)
from devloop.project.state import Wanted

Result: TypeAlias = tuple[ProjectState, Plan]


def of_service(name: str, plan: Plan) -> Plan:
    """Say in what is told which service it is about; that of a single app has no name."""
    if not name:
        return plan
    return tuple(
        replace(one, event=events.of_service(one.event, name)) if isinstance(one, Report) else one
        for one in plan
    )


def put(project: ProjectState, service: ServiceState) -> ProjectState:
    """Give the project with another state of a service."""
    return replace(project, services={**project.services, service.name: service})


def each(project: ProjectState, found: Iterable[tuple[ServiceState, Plan]]) -> Result:
    """Take what was decided for several services."""
    plan: Plan = ()
    for service, more in found:
        project = put(project, service)
        plan += of_service(service.name, more)
    return project, plan


# beginning, and another compose file


def begin(project: ProjectState, services: Mapping[str, Wanted], once: frozenset[str]) -> Result:
    """Go for the images of services that are new here."""
    fresh = [
        ServiceState(wanted, name, once=name in once) for name, wanted in sorted(services.items())
    ]
    cause = "ci" if isinstance(project.aim, Once) else "start"
    return each(project, [converge.ensure(one, cause) for one in fresh])


def begun(project: ProjectState, it: on.Begun) -> Result:
    """Begin with all services; those without a build wait a moment for the first images."""
    project, plan = begin(replace(project, topology=it.topology), it.services, it.once)
    project, more = headstart(project)
    return project, (*plan, *more)


def headstart(project: ProjectState) -> Result:
    """Let services without a build wait a moment for the first images."""
    waits = bool(project.topology.plain)
    return replace(project, headstart=waits), (Headstart(""),) if waits else ()


def remodelled(project: ProjectState, it: on.Remodelled) -> Result:
    """Take another topology: let go of what is no more in it, go for what is new."""
    there = set(it.topology.developed)
    gone = [one for name, one in sorted(project.services.items()) if name not in there]
    project, plan = each(
        project, [wishes.stopped(one, it.now, "not in it any more") for one in gone]
    )
    removed = sorted(project.started - set(it.topology.needs))
    kept = sorted(it.topology.plain & project.started)
    why = "the compose file changed"
    due = [ServiceNode(name, Operation.REMOVE, why) for name in removed]
    due += [ServiceNode(name, Operation.UPDATE, why) for name in kept]
    project = replace(
        project,
        topology=it.topology,
        given_up=frozenset(),
        services={name: one for name, one in project.services.items() if name in there},
        started=project.started - set(removed),
        due=(*(one for one in project.due if one.service in it.topology.wanted), *due),
    )
    project, more = begin(project, it.services, it.once)
    return project, (*plan, *more)


# reconciling


def reconcile(project: ProjectState, now: float) -> Result:
    """Bring up what can be: the difference between what is started and what is wanted."""
    if project.bringing or project.engine is EngineState.LOST or isinstance(project.aim, Over):
        return project, ()
    for choose in (_due, _first, _renewed):
        found = choose(project)
        if found.nodes:
            return _bring_up(project, found, now)
    blocked = [
        containers.give_up(one, f"waits for {', '.join(failed)}, which failed", now)
        for name, one in project.services.items()
        if isinstance(one.work, Built) and (failed := _failed_before(project, name))
    ]
    return each(project, blocked)


def _failed_before(project: ProjectState, name: str) -> list[str]:
    """List the services that one waits for and that could not be had."""
    before = sorted(project.topology.built_for(name) - {name})
    return [
        one
        for one in before
        if one in project.services and containers.failed(project.services[one])
    ]


def _due(project: ProjectState) -> BringUp:
    """Do first what other changes left to do: the services are there and wait for nothing."""
    return BringUp("", project.brought + 1, project.due, needs=False)


def _first(project: ProjectState) -> BringUp:
    """Start what was not started yet and now can be."""
    topology, there = project.topology, project.started
    built = {name for name in _built(project) if name not in there}
    able = frozenset(name for name in built if topology.built_for(name) <= there | built)
    alone = [name for name in able if _alone(project, name)]
    if alone:  # the one that waits for the fewest others is one that waits for none
        able = min((topology.built_for(name) - there for name in sorted(alone)), key=len)
    plain = {
        name
        for name in topology.plain - there - project.given_up
        if topology.built_for(name) <= there | able
    }
    if alone:
        plain &= topology.closure(able)
    if not able and project.headstart:
        plain = set()
    return BringUp("", project.brought + 1, _nodes(project, able | plain))


def _renewed(project: ProjectState) -> BringUp:
    """Give services that run the container that was made ready for them."""
    built = sorted(name for name in _built(project) if name in project.started)
    alone = [name for name in built if _alone(project, name)]
    chosen = set(alone[:1] or built)
    return BringUp("", project.brought + 1, _nodes(project, chosen), needs=False)


def _built(project: ProjectState) -> dict[str, Built]:
    """Give the services whose image is there and whose container waits for its turn."""
    works = ((name, one.work) for name, one in project.services.items())
    return {name: work for name, work in works if isinstance(work, Built)}


def _alone(project: ProjectState, name: str) -> bool:
    work = project.services[name].work
    return isinstance(work, Built) and work.alone


def _nodes(project: ProjectState, names: AbstractSet[str]) -> tuple[ServiceNode, ...]:
    """Order services by what they wait for; in a tie by name."""
    needs = project.topology.needs
    found: list[ServiceNode] = []
    left = sorted(names)
    while left:
        done = {one.service for one in found}
        waits = {name: {one.service for one in needs[name]} & names for name in left}
        free = [name for name in left if waits[name] <= done] or left[:1]  # Compose has no cycles
        found += [_node(project, name, tuple(sorted(waits[name]))) for name in free]
        left = [name for name in left if name not in free]
    return tuple(found)


def _node(project: ProjectState, name: str, after: tuple[str, ...]) -> ServiceNode:
    service = project.services.get(name)
    if service is None or not isinstance(service.work, Built):
        return ServiceNode(name, Operation.START, "wanted", after)
    work = service.work
    operation = Operation.RECREATE if container(service.app) else Operation.CREATE
    made = Replacement(work.generation, work.image, work.goal)
    return ServiceNode(name, operation, cycles.cause(service), after, made)


def _bring_up(project: ProjectState, what: BringUp, now: float) -> Result:
    """Have it done; the services of it are handed over from now on."""
    names = tuple(node.service for node in what.nodes)
    project = replace(
        project, bringing=UnderWay(what.number, names), brought=what.number, due=(), headstart=False
    )
    handed = [
        containers.hand_over(service, service.work, now)
        for name in names
        if (service := project.services.get(name)) and isinstance(service.work, Built)
    ]
    project, plan = each(project, handed)
    return project, (*plan, what)


# what became of it


def handed_over(project: ProjectState, it: on.HandedOver) -> Result:
    """Note that a service was started; made anew, it takes those with it that ask for that."""
    if it.service not in project.services:
        return project, ()
    renewed = it.service in project.started and it.gap_since is not None
    project = replace(project, started=project.started | {it.service})
    return _restart_with(project, it.service, it.now) if renewed else (project, ())


def _restart_with(project: ProjectState, name: str, now: float) -> Result:
    """Restart what asks for that: a developed service by a cycle, others by the target."""
    cause = f"{name} was made anew (depends_on, restart: true)"
    asking = [one for one in project.topology.restarted_with(name) if one in project.started]
    plain = [one for one in asking if one not in project.services]
    due = tuple(ServiceNode(one, Operation.RESTART, cause) for one in plain)
    notice = tell(events.Notice(f"restarting: {cause}"))
    told = tuple(action for one in plain for action in of_service(one, (notice,)))
    project = replace(project, due=(*project.due, *due))
    developed = [project.services[one] for one in asking if one in project.services]
    project, plan = each(project, [starts.restart_because(one, cause, now) for one in developed])
    return project, (*told, *plan)


def brought_up(project: ProjectState, it: on.BroughtUp) -> Result:
    """Take the end of a bringing up; what failed as a whole is tried one by one."""
    if project.bringing is None or it.number != project.bringing.number:
        return project, ()
    names = project.bringing.services
    project = replace(project, bringing=None, started=project.started | set(it.started))
    told: Plan = (tell(events.Error(it.message, it.hint)),) if it.message else ()
    if it.apart:
        again = [project.services[one] for one in names if one in project.services]
        project, _ = each(project, [(containers.try_alone(one), ()) for one in again])
    elif it.message:
        failed = set(names) - project.started - set(project.services)
        project = replace(project, given_up=project.given_up | failed)
    return project, told


def engine_lost(project: ProjectState) -> ProjectState:
    """Take nothing for started any more."""
    return replace(
        project,
        engine=EngineState.LOST,
        bringing=None,
        started=frozenset(),
        given_up=frozenset(),
        due=(),
    )


def busy(project: ProjectState) -> bool:
    """Say whether an image is made or something is brought up."""
    works = (one.work for one in project.services.values())
    making = any(isinstance(one, Building | Built | HandingOver) for one in works)
    return making or project.bringing is not None
