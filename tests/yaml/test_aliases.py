from __future__ import annotations

import time
from pathlib import Path

import pytest

from devloop.compose.command import Compose
from devloop.config.load import load
from devloop.errors import ConfigError
from devloop.yaml import nodes
from tests.e2e.harness import write

BOMB = "x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n" + "".join(
    f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]\n" for n in range(1, 10)
)


def complaint(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        nodes.parse(text.encode(), "devloop.yaml")
    return str(caught.value.problems[0])


def test_aliases_that_unfold_to_billions_are_refused_at_once() -> None:
    began = time.monotonic()
    assert complaint(BOMB) == "devloop.yaml:1:1: its aliases unfold to more than 100,000 values"
    assert time.monotonic() - began < 1


def test_in_a_matrix_too() -> None:
    steps = "jobs:\n  a:\n    strategy: {matrix: {v: *x9}}\n    steps: [{run: x}]\n"
    with pytest.raises(ConfigError) as caught:
        load((BOMB + steps).encode())
    assert "its aliases unfold" in str(caught.value)


def test_as_many_aliases_as_anybody_writes_are_fine() -> None:
    lists = "a: &a [1, 2, 3]\n" + "".join(f"b{n}: *a\n" for n in range(1000))
    assert len(nodes.parse(lists.encode(), "x").value) == 1001  # type: ignore[arg-type]


def test_compose_never_sees_such_a_file(tmp_path: Path) -> None:
    write(tmp_path, {"compose.yaml": BOMB.replace("x", "x-") + "services: {}\n"})
    with pytest.raises(ConfigError) as caught:
        Compose(str(tmp_path)).model()
    assert caught.value.location == "compose.yaml:1:1"


def test_what_else_is_wrong_is_left_to_compose() -> None:
    nodes.check_size(b"a: [", "compose.yaml")
    nodes.check_size(b"a: 1\na: 2\n", "compose.yaml")
