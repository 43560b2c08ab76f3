"""The model with what devloop changes in it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from devloop.compose import change as changes
from devloop.compose import settings
from devloop.compose.change import ServiceChange
from devloop.compose.model import parse
from devloop.config.settings import Watch
from devloop.container_settings import ContainerSettings, Mount, MountKind
from devloop.errors import ConfigError
from devloop.model import ByItself, ContainerSpec, Port
from devloop.yaml import nodes

MOUNTS = (
    Mount(MountKind.BIND, "/p", "/app"),
    Mount(MountKind.TMPFS, "", "/app/.devloop", size=1 << 16, mode=0o555),
    Mount(MountKind.VOLUME, "vol", "/app/node_modules"),
)
BUILD = {"context": "/p", "dockerfile": "Dockerfile"}


def changed(web: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Change a service as the shell does; gives the whole document."""
    model = parse({"name": "p", "services": {"web": {"build": BUILD, **web}, "db": {"image": "d"}}})
    found = settings.developed(model, "/p", {}, Watch())
    settings_of_web = ContainerSettings(
        "ours:1",
        entrypoint=("sh", "-c", "echo $1"),
        command=("node", "a"),
        env=(("PRICE", "5$"),),
        labels=(("dev.devloop.project", "1"),),
        mounts=MOUNTS,
        ports=found["web"].config.app.ports or (),
        init=True,
        stop_signal="SIGTERM",
    )
    change = ServiceChange(found["web"], replace(settings_of_web, **more))
    return json.loads(changes.document(model, {"web": change}))


def test_a_build_gives_way_to_our_image_and_its_supervisor() -> None:
    document = changed({"develop": {"watch": []}, "command": ["x"], "environment": {"A": None}})
    web = document["services"]["web"]
    assert "build" not in web
    assert "develop" not in web
    assert (web["image"], web["pull_policy"], web["init"]) == ("ours:1", "never", True)
    assert web["entrypoint"] == ["sh", "-c", "echo $$1"]
    assert web["command"] == ["node", "a"]
    assert web["environment"] == {"A": None, "PRICE": "5$$"}
    assert web["labels"]["dev.devloop.project"] == "1"
    assert {one["target"]: one["type"] for one in web["volumes"]} == {
        "/app": "bind",
        "/app/.devloop": "tmpfs",
        "/app/node_modules": "volume",
    }
    assert document["volumes"] == {"vol": {"name": "vol", "external": True}}


def test_a_service_without_a_build_stays_as_it_is_written() -> None:
    assert changed({})["services"]["db"] == {"image": "d"}


def test_what_the_service_mounts_itself_stays_but_for_stale_volumes() -> None:
    own = [
        {"type": "bind", "source": "/p", "target": "/app"},
        {"type": "volume", "target": "/app/node_modules"},
        {"type": "volume", "source": "data", "target": "/data"},
    ]
    web = changed({"volumes": own})["services"]["web"]
    assert [one["target"] for one in web["volumes"]].count("/app") == 1
    kept = [one for one in web["volumes"] if one["target"] == "/app/node_modules"]
    assert kept == [{"type": "volume", "source": "vol", "target": "/app/node_modules"}]
    assert own[2] in web["volumes"]


def test_a_named_volume_over_a_kept_path_stays() -> None:
    own = {"type": "volume", "source": "modules", "target": "/app/node_modules"}
    web = changed({"volumes": [own]})["services"]["web"]
    assert [one for one in web["volumes"] if one["target"] == "/app/node_modules"] == [own]


def test_a_sync_elsewhere_is_a_mount_of_its_own() -> None:
    watch = [
        {"path": "/p/static", "action": "sync", "target": "/srv/static"},
        {"path": "/p/src", "action": "sync", "target": "/app/src"},
    ]
    web = changed({"develop": {"watch": watch}})["services"]["web"]
    assert {"type": "bind", "source": "/p/static", "target": "/srv/static"} in web["volumes"]
    assert "/app/src" not in [one["target"] for one in web["volumes"]]


def test_an_image_without_a_shell_keeps_what_is_written() -> None:
    plain = {"entrypoint": None, "command": None, "init": False}
    web = changed({"entrypoint": ["/app"], "command": ["x"]}, **plain)["services"]["web"]
    assert (web["entrypoint"], web["command"]) == (["/app"], ["x"])
    assert "init" not in web


def test_limits_and_the_user_are_written() -> None:
    web = changed({}, user=(1000, 100), memory=1 << 30, cpus=1.5, mounts=())["services"]["web"]
    assert (web["user"], web["mem_limit"], web["cpus"]) == ("1000:100", "1073741824", 1.5)
    assert web["volumes"] == []


EXTENSION = b"""
run: npm run dev
ports: ["9229:9229"]
env: {A: x}
stop-grace: 1s
reload: none
"""


def test_x_devloop_takes_what_app_takes() -> None:
    service = {
        "build": {**BUILD, "target": "dev", "args": {"V": "1"}},
        "ports": [{"target": 80, "published": "8080"}],
        "environment": {"A": "y", "B": "z"},
        "stop_grace_period": "4s",
    }
    model = parse({"name": "p", "services": {"web": service}})
    node = nodes.parse(EXTENSION, "compose.yaml")
    app = settings.developed(model, "/p", {"web": node}, Watch())["web"].config.app
    assert (app.run, app.target, app.build_args) == ("npm run dev", "dev", (("V", "1"),))
    assert app.ports == (Port(80, 8080, "0.0.0.0"), Port(9229, 9229))  # noqa: S104
    assert app.env == (("A", "x"), ("B", "z"))
    assert (app.stop_grace, app.reload) == (1.0, ByItself())
    plain = settings.developed(model, "/p", {}, Watch())["web"].config.app
    assert plain.stop_grace == 4.0


def test_what_is_wrong_in_x_devloop_is_told_with_the_nearest_key() -> None:
    model = parse({"services": {"web": {"build": BUILD}}})
    node = nodes.parse(b"runn: x", "compose.yaml")
    with pytest.raises(ConfigError) as caught:
        settings.developed(model, "/p", {"web": node}, Watch())
    assert "unknown key `runn` in x-devloop" in str(caught.value)
    assert caught.value.hint == "did you mean `run`?"


@pytest.mark.parametrize(
    ("service", "why"),
    [
        ({"build": {"context": "https://example.org/x.git"}}, "no folder of this machine"),
        ({"build": {**BUILD, "additional_contexts": {"a": "b"}}}, "build.additional_contexts"),
        ({"build": {**BUILD, "dockerfile": "../Dockerfile"}}, "outside the build context"),
        ({"build": BUILD, "scale": 3}, "it runs 3 times"),
    ],
)
def test_what_cannot_be_developed_is_left_to_compose_and_told(
    service: dict[str, Any], why: str
) -> None:
    model = parse({"services": {"web": service}})
    assert settings.developed(model, "/p", {}, Watch()) == {}
    (told,) = settings.lefts(model)
    assert why in told


def test_services_of_one_build_share_an_image_and_others_do_not() -> None:
    model = parse(
        {
            "services": {
                "a": {"build": BUILD},
                "b": {"build": BUILD},
                "c": {"build": {**BUILD, "args": {"X": "1"}}},
            }
        }
    )
    found = settings.developed(model, "/p", {}, Watch())
    names = {name: one.project.repository for name, one in found.items()}
    assert names["a"] == names["b"] != names["c"]


def test_one_that_others_wait_for_is_not_run_again_by_a_save() -> None:
    waits = {"migrate": {"condition": "service_completed_successfully"}}
    model = parse({"services": {"migrate": {"build": BUILD}, "web": {"depends_on": waits}}})
    config = settings.developed(model, "/p", {}, Watch())["migrate"].config
    assert (config.app.reload, config.watch.paths) == (ByItself(), ())


def test_the_container_is_made_anew_for_what_the_file_says_but_not_for_how_it_is_built() -> None:
    def rest(**more: Any) -> str:
        model = parse({"services": {"web": {"build": BUILD, **more}}})
        one = settings.developed(model, "/p", {}, Watch())["web"]
        return one.spec(ContainerSpec("/p", None)).rest

    assert rest() == rest(develop={"watch": []}) == rest(depends_on={"a": {}})
    assert rest() != rest(networks={"a": None})
