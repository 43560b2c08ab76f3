"""Every setting of a container is written down by each of its writers, and none by accident."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, replace

import pytest

from devloop.compose import change, settings
from devloop.compose.change import ServiceChange
from devloop.compose.model import parse
from devloop.config.settings import Watch
from devloop.container_settings import ContainerSettings, Mount, MountKind
from devloop.engine import create
from devloop.model import Port
from devloop.scaffold.compose import Exported, exported

BARE = ContainerSettings("one")
OTHERS: Mapping[str, object] = {
    "image": "other",
    "entrypoint": ("sh",),
    "command": ("serve",),
    "env": (("A", "1"),),
    "labels": (("l", "1"),),
    "user": (1000, 100),
    "stop_signal": "SIGINT",
    "stop_timeout": 4.0,
    "init": True,
    "stdin": True,
    "mounts": (Mount(MountKind.VOLUME, "kept", "/app/kept"),),
    "ports": (Port(80, 8080),),
    "memory": 1 << 30,
    "cpus": 1.5,
    "network": "none",
}
MOUNTS = {
    "kind": MountKind.BIND,
    "source": "/other",
    "target": "/elsewhere",
    "read_only": True,
    "size": 1 << 16,
    "mode": 0o555,
}
MOUNT = Mount(MountKind.VOLUME, "kept", "/kept")
LEFT_OUT = {
    ("export", "image"): "the file builds it",
    ("export", "mounts"): "develop.watch brings the files, and `keep` is what it ignores",
}


def by_compose(one: ContainerSettings) -> str:
    build = {"context": "/p", "dockerfile": "Dockerfile"}
    model = parse({"name": "p", "services": {"web": {"build": build}}})
    web = settings.developed(model, "/p", {}, Watch())["web"]
    document = json.loads(change.document(model, {"web": ServiceChange(web, one)}))
    document["services"]["web"]["labels"].pop(change.LABEL_CHANGE)  # a hash of all settings
    return json.dumps(document["services"])


def by_export(one: ContainerSettings) -> str:
    return exported(Exported("p", "Dockerfile", "", {}, one, "/app", (), (), "none", None))


WRITERS: Mapping[str, Callable[[ContainerSettings], str]] = {
    "engine": lambda one: json.dumps(create.body(one)),
    "compose": by_compose,
    "export": by_export,
}


def test_the_table_has_every_field() -> None:
    assert set(OTHERS) == {one.name for one in fields(ContainerSettings)}
    assert set(MOUNTS) == {one.name for one in fields(Mount)}


@pytest.mark.parametrize("field", OTHERS)
@pytest.mark.parametrize("writer", WRITERS)
def test_each_writer_writes_each_setting(writer: str, field: str) -> None:
    write = WRITERS[writer]
    differs = write(replace(BARE, **{field: OTHERS[field]})) != write(BARE)
    assert differs == ((writer, field) not in LEFT_OUT)


@pytest.mark.parametrize("field", MOUNTS)
@pytest.mark.parametrize("writer", ["engine", "compose"])
def test_each_writer_writes_each_part_of_a_mount(writer: str, field: str) -> None:
    write = WRITERS[writer]
    before = replace(MOUNT, size=1) if field == "mode" else MOUNT
    after = replace(before, **{field: MOUNTS[field]})
    assert write(replace(BARE, mounts=(before,))) != write(replace(BARE, mounts=(after,)))


def test_values_of_the_environment_are_never_shown() -> None:
    assert "geheim" not in repr(ContainerSettings("one", env=(("TOKEN", "geheim"),)))
