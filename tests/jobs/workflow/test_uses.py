from __future__ import annotations

import pytest

from devloop.jobs.workflow import uses


@pytest.mark.parametrize(
    ("name", "inputs", "words"),
    [
        ("actions/checkout@v4", {}, "the project is mounted"),
        ("actions/checkout@v4", {"repository": "a/b"}, ""),
        ("actions/cache/restore@v4", {}, "the container keeps what it needs"),
        ("actions/setup-node@v4", {}, "the dev container has it"),
        (
            "actions/setup-node@v4",
            {"node-version": "22"},
            "the dev container has it, whatever it has for node-version 22",
        ),
        ("a/b@v1", {}, ""),
    ],
)
def test_what_the_container_fulfils(name: str, inputs: dict[str, str], words: str) -> None:
    assert uses.fulfilled(name, inputs) == words


def test_local_actions_and_outputs() -> None:
    assert [uses.local(one) for one in ("./a/b/", "./", "a/b@v1")] == ["a/b", ".", None]
    assert uses.outputs("actions/cache@v4") == {"cache-hit": "true"}
    assert uses.outputs("actions/checkout@v4") == {}
