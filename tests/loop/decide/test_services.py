"""Several services as one project, by the text of plans; no engine."""

from __future__ import annotations

import pytest

from devloop import events
from devloop.loop.decide import inputs as on
from devloop.loop.decide.state import Running
from devloop.loop.decide.topology import Need, Topology
from tests.loop.decide.machine import A, B, Machine, composed, wanted

WEB = composed({"redis": (), "web": ("redis",)}, "web", workplace="web")
THREE = composed(
    {"api": (), "redis": (), "web": ("api", "redis"), "worker": (Need("api", restart=True),)},
    "api",
    "web",
    "worker",
)


def image(name: str, letter: str = "a") -> str:
    return f"{name} image {letter * 12}: start"


class Project(Machine):
    """Several services, fed by name."""

    def of(self, name: str) -> Project:
        self.name = name
        return self

    def begin(self, topology: Topology, **fields: object) -> str:
        services = dict.fromkeys(sorted(topology.developed), A)
        return self(on.Begun, services, topology=topology, **fields)

    def brought_up(self, *plain: str, **fields: object) -> str:
        assert self.project.bringing
        return self(on.BroughtUp, self.project.bringing.number, plain, **fields)

    def runs(self, name: str) -> None:
        """The container of a service is there and answers."""
        generation = self.of(name).state.generation
        self.take(on.HandedOver(self.now, name, generation, f"{name}1", "img", self.now, None))
        self.started()
        self.ready()


@pytest.fixture
def three() -> Project:
    """Three developed services that run, and redis."""
    up = Project()
    up.begin(THREE)
    for name in ("api", "web", "worker"):
        up.of(name).built()
    up(on.HeadstartOver)
    while up.project.bringing:
        names = up.project.bringing.services
        for name in names:
            if name != "redis":
                up.runs(name)
        up.brought_up(*(["redis"] if "redis" in names else []))
    assert up.project.started == THREE.wanted
    return up


def test_all_that_can_start_with_the_first_image_starts_with_it() -> None:
    up = Project()
    assert up.begin(WEB) == f"{image('web')}\nheadstart"
    assert up.of("web").built() == "redis start: wanted\nweb create after redis: start"
    assert up(on.HeadstartOver) == ""


def test_without_an_image_in_time_the_others_start_alone() -> None:
    up = Project()
    up.begin(WEB)
    assert up(on.HeadstartOver) == "redis start: wanted"
    assert up.of("web").built() == "", "one thing is brought up at a time"
    assert up.brought_up("redis") == "web create: start"


def test_a_service_waits_for_the_images_of_all_that_it_depends_on() -> None:
    up = Project()
    up.begin(THREE)
    assert up.of("web").built() == ""
    assert up.of("worker").built() == ""
    plan = [
        "api create: start",
        "redis start: wanted",
        "web create after api, redis: start",
        "worker create after api: start",
    ]
    assert up.of("api").built() == "\n".join(plan)


def test_one_that_comes_later_is_started_when_it_can_be() -> None:
    up = Project()
    up.begin(THREE)
    assert up.of("api").built() == "api create: start\nredis start: wanted"
    up.of("web").built()
    up.runs("api")
    assert up.brought_up("redis") == "web create: start"


def test_what_waits_for_something_that_failed_is_told_so() -> None:
    up = Project()
    up.begin(THREE)
    up.of("web").save("a.py")
    up.built()
    up.of("api")(on.ImageFailed, 1, "RUN x", "no")
    done = up.told(events.CycleFinished)[0]
    assert (done.service, done.outcome) == ("web", "failed")
    assert done.cause == "waits for api, which failed"


def test_what_fails_together_is_tried_one_by_one() -> None:
    up = Project()
    up.begin(THREE)
    for name in ("web", "worker", "api"):
        up.of(name).built()
    assert up.brought_up(apart=True) == "api create: start"
    up.runs("api")
    assert up.brought_up() == "redis start: wanted\nweb create after redis: start"
    generation = up.of("web").state.generation
    up(on.HandOverFailed, generation, "no", "", on.Nothing())
    assert up.told(events.Error)[0].service == "web"
    assert "worker create: start" in [str(one) for one in up.plan if one] or up.project.bringing


def test_of_those_that_failed_together_the_first_is_one_that_needs_no_other() -> None:
    up = Project()
    up.begin(composed({"a": ("b",), "b": ()}, "a", "b"))
    up.of("a").built()
    assert up.of("b").built() == "b create: start\na create after b: start"
    assert up.brought_up(apart=True) == "b create: start"
    up.runs("b")
    assert up.brought_up() == "a create: start"


def test_a_service_of_compose_may_be_called_app() -> None:
    up = Project()
    up.begin(composed({"app": ()}, "app"))
    up.of("app").built()
    up.runs("app")
    up.brought_up()
    assert up(on.RestartAsked, "app") == "app restart: restart asked for"
    assert up(on.RestartAsked, "strange") == ""


def test_a_fault_that_no_save_can_mend_ends_it() -> None:
    up = Project()
    up.begin(WEB)
    up.of("web").built()
    assert up(on.HandOverFailed, 1, "port taken", "", on.Nothing(), 1) == "quit 1"


def test_a_service_without_a_build_that_fails_is_told_and_not_tried_for_ever() -> None:
    up = Project()
    up.begin(WEB)
    up(on.HeadstartOver)
    assert up.brought_up(message="pull access denied") == ""
    assert up.told(events.Error)[0].message == "pull access denied"
    assert up.of("web").built() == "web create: start"


def test_the_end_of_an_older_bringing_up_changes_nothing(three: Project) -> None:
    before = three.project
    three(on.BroughtUp, 1)
    assert three.project == before


def test_a_service_made_anew_restarts_those_that_ask_for_it(three: Project) -> None:
    three.of("api").depend(B)
    assert three.built() == "api recreate: package.json: x"
    plan = three(on.HandedOver, three.state.generation, "api2", "img", three.now, three.now)
    cause = "api was made anew (depends_on, restart: true)"
    assert plan == f"worker restart: {cause}"
    three.of("worker").started()
    three.ready()
    finished = three.told(events.CycleFinished)[0]
    assert (finished.service, finished.action, finished.cause) == ("worker", "restart", cause)


def test_a_service_without_a_build_is_restarted_too() -> None:
    topology = composed({"db": (Need("api", restart=True),), "api": ()}, "api")
    up = Project()
    up.begin(topology)
    up.of("api").built()
    up.runs("api")
    up.brought_up("db")
    up.of("api").depend(B)
    up.built()
    plan = up(on.HandedOver, up.state.generation, "api2", "img", up.now, up.now)
    assert plan == "db restart: api was made anew (depends_on, restart: true)"
    (notice,) = up.told(events.Notice)
    assert (notice.service, notice.message.split(":")[0]) == ("db", "restarting")


def test_what_gets_a_container_anyway_is_not_restarted(three: Project) -> None:
    three.of("worker").depend(B)
    three.of("api").depend(B)
    three.of("api").built()
    assert three(on.HandedOver, three.state.generation, "api2", "img", three.now, 1.0) == ""


def test_another_compose_file_ends_what_is_gone_and_begins_what_is_new(three: Project) -> None:
    topology = composed({"api": (), "cache": (), "new": (), "web": ("cache",)}, "api", "new", "web")
    plan = three(on.Remodelled, topology, {"new": A})
    assert plan == "\n".join(
        [
            image("new"),
            "redis remove: the compose file changed",
            "worker remove: the compose file changed",
        ]
    )
    assert sorted(three.project.services) == ["api", "new", "web"]
    assert three.brought_up() == "cache start: wanted"
    three(on.AppExited, "worker1", 1)
    assert three.plan == ()


def test_services_that_stay_are_updated(three: Project) -> None:
    assert three(on.Remodelled, THREE, {}) == "redis update: the compose file changed"


def test_all_or_one_can_be_restarted(three: Project) -> None:
    assert three(on.RestartAsked, "web") == "web restart: restart asked for"
    plan = three(on.RestartAsked)
    assert plan.splitlines() == [
        "api restart: restart asked for",
        "worker restart: restart asked for",
    ], "web is being started anew already, and again when it has"
    three.of("web")
    assert three.started() == "web restart: restart asked for"


def test_the_engine_takes_everything_with_it(three: Project) -> None:
    three.of("api").depend(B)
    three.built()
    assert three(on.EngineLost) == "reconnect: the engine is gone"
    assert three(on.BroughtUp, 99) == ""
    assert len(three(on.EngineFound).splitlines()) == 4, "three images and a headstart"
    for name in ("web", "worker"):
        assert three.of(name).built() == ""
    plan = three.of("api").built()
    assert [line.split(":")[0] for line in plan.splitlines()] == [
        "api create",
        "redis start",
        "web create after api, redis",
        "worker create after api",
    ]


def test_what_happens_to_a_service_that_is_gone_is_dropped(three: Project) -> None:
    before = three.project
    three.take(on.AppExited(1.0, "nobody", "c", 1))
    assert three.project == before


def test_stopping_closes_every_cycle(three: Project) -> None:
    three.of("web").save("a.py")
    three.of("api").depend(B)
    assert three(on.StopAsked, 130) == "api cancel the build: asked to stop\nquit 130"
    assert [one.service for one in three.told(events.CycleFinished)] == ["api", "web"]


def test_another_image_while_a_container_waits_for_its_turn() -> None:
    up = Project()
    up.begin(THREE)
    up.of("web").built()
    assert up.depend(B) == f"web image {'b' * 12}: package.json: x"
    up.built()
    spec = wanted("b", cpus=1.0)
    assert up.save("compose.yaml", want=spec, restarts=(), respec=True) == ""
    up.of("api").built()
    assert isinstance(up.project.services["api"].work, object)
    assert not isinstance(up.of("web").app, Running)


def test_the_closure_of_a_service() -> None:
    assert THREE.closure(["web"]) == {"web", "api", "redis"}
    assert THREE.built_for("web") == {"web", "api"}
    assert THREE.plain == {"redis"}
    assert THREE.restarted_with("api") == ("worker",)
    assert THREE.closure(["nobody"]) == frozenset()
