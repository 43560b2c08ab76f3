"""The model of `docker compose config`, read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devloop.compose import settings
from devloop.compose.model import Dependency, ServiceBuild, ServiceMount, WatchRule, parse, seconds
from devloop.config.settings import Watch
from devloop.model import Port

WEB: dict[str, Any] = {
    "build": {"context": "/p/web", "dockerfile": "Dockerfile.dev", "args": {"A": "1", "B": None}},
    "ports": [
        {"mode": "ingress", "target": 80, "published": "8080", "protocol": "tcp"},
        {"target": 81, "published": "8081", "host_ip": "127.0.0.1"},
        {"target": 82},
        {"target": 53, "published": "53", "protocol": "udp"},
    ],
    "volumes": [
        {"type": "bind", "source": "/p/web", "target": "/app/"},
        {"type": "volume", "target": "/app/node_modules"},
    ],
    "environment": {"PRICE": "5$$", "EMPTY": None},
    "depends_on": {"db": {"condition": "service_healthy", "restart": True, "required": True}},
    "develop": {
        "watch": [
            {"path": "/p/web/src", "action": "sync", "target": "/app/src", "ignore": ["x/"]},
            {"path": "/p/web", "action": "sync+exec", "exec": {"command": ["a", "b c"]}},
        ]
    },
    "entrypoint": None,
    "command": ["sh", "-c", "echo $$HOME"],
    "stop_grace_period": "1m3s",
    "stop_signal": "SIGINT",
    "user": "1000",
}


def test_a_service_is_read_with_its_dollars_as_they_are_meant() -> None:
    web = parse({"name": "p", "services": {"web": WEB}}).services["web"]
    assert web.build == ServiceBuild("/p/web", "Dockerfile.dev", None, (("A", "1"),))
    assert web.ports == (Port(80, 8080, "0.0.0.0"), Port(81, 8081, "127.0.0.1"))  # noqa: S104
    assert web.mounts == (
        ServiceMount("bind", "/p/web", "/app"),
        ServiceMount("volume", "", "/app/node_modules"),
    )
    assert web.environment == (("PRICE", "5$"),)
    assert web.depends_on == (Dependency("db", "service_healthy", restart=True),)
    assert web.watch[0] == WatchRule("/p/web/src", "sync", "/app/src", ("x/",))
    assert web.watch[1].command == ("a", "b c")
    assert (web.entrypoint, web.command) == (None, ("sh", "-c", "echo $HOME"))
    assert (web.grace, web.stop_signal, web.user) == (63.0, "INT", "1000")


@pytest.mark.parametrize(
    ("written", "expected"),
    [("10s", 10), ("1h1m1s", 3661), ("500ms", 0.5), ("", 10), ("soon", 10), ("1.2.3s", 10)],
)
def test_durations(written: str, expected: float) -> None:
    assert seconds(written) == expected


def test_what_depends_on_what() -> None:
    def on(name: str, **more: Any) -> dict[str, Any]:
        return {name: {"condition": "service_started", **more}}

    model = parse(
        {
            "services": {
                "a": {"depends_on": on("b", restart=True)},
                "b": {"depends_on": on("c", condition="service_completed_successfully")},
                "c": {},
                "d": {"depends_on": on("gone")},
            }
        }
    )
    assert model.closure(["a"]) == {"a", "b", "c"}
    assert model.closure(["d", "nobody"]) == {"d"}
    assert model.dependents("b") == ("a",)
    assert model.dependents("c") == ()
    assert model.one_shot("c")
    assert not model.one_shot("b")


WORDS = """
name services web build context ports target volumes depends_on develop watch path action
environment command stop_grace_period x
"""
KEYS = st.sampled_from(WORDS.split())
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
SHAPED = st.fixed_dictionaries(
    {"services": st.dictionaries(st.text(max_size=3), st.dictionaries(KEYS, JSON) | JSON)}
)


@given(JSON | SHAPED)
def test_no_json_breaks_the_reading(document: Any) -> None:
    settings.developed(parse(document), "/p", {}, Watch())
