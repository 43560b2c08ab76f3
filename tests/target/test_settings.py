"""What a container is made of, as it is computed."""

from __future__ import annotations

from devloop.container_settings import MountKind
from devloop.engine.images import Image
from devloop.model import ContainerSpec, Debugger, Port
from devloop.target import settings

IMAGE = Image("sha256:1", ("node",), ("server.js",), "/app", "INT", ())
SPEC = ContainerSpec("/p", "/app", ("b", "a"), stop_grace=0.5, env=(("A", "1"),))


def test_the_supervisor_runs_the_images_command() -> None:
    found = settings.of("ours", IMAGE, SPEC, {"l": "1"}, "nonce")
    assert found.entrypoint is not None
    assert found.entrypoint[:2] == ("sh", "-c")
    assert found.entrypoint[3:] == ("devloop", "nonce", "INT", "0.5", "HUP")
    assert found.command == ("node", "server.js")
    assert (found.image, found.labels, found.env) == ("ours", (("l", "1"),), (("A", "1"),))
    assert (found.stop_signal, found.stop_timeout, found.init) == ("SIGTERM", 2, True)


def test_without_a_supervisor_the_command_is_the_container() -> None:
    found = settings.of("ours", IMAGE, SPEC, {})
    assert (found.entrypoint, found.command) == (("node",), ("server.js",))
    assert found.stop_signal == ""


def test_a_command_takes_the_place_of_the_images() -> None:
    spec = ContainerSpec("/p", None, command="npm start")
    found = settings.of("ours", IMAGE, spec, {})
    assert (found.entrypoint, found.command) == (("node",), ("sh", "-c", "npm start"))
    listed = settings.of("ours", IMAGE, ContainerSpec("/p", None, command=("x",)), {})
    assert listed.command == ("x",)


def test_of_an_image_that_is_not_known_only_what_was_said_changes() -> None:
    found = settings.of("", None, SPEC, {})
    assert (found.entrypoint, found.command, found.stop_timeout) == (None, None, 0.5)


def test_an_image_that_starts_nothing_is_left_so() -> None:
    nothing = Image("sha256:1", (), (), "/", "TERM", ())
    found = settings.of("ours", nothing, ContainerSpec("/p", None), {})
    assert (found.entrypoint, found.command) == (None, None)


def test_the_project_is_mounted_its_state_hidden_and_what_is_kept_a_volume() -> None:
    mounts = settings.of("ours", IMAGE, SPEC, {}, kept={"b": "v-b", "a": "v-a"}).mounts
    assert [(one.kind, one.source, one.target) for one in mounts] == [
        (MountKind.BIND, "/p", "/app"),
        (MountKind.TMPFS, "", "/app/.devloop"),
        (MountKind.VOLUME, "v-a", "/app/a"),
        (MountKind.VOLUME, "v-b", "/app/b"),
    ]
    assert settings.of("ours", IMAGE, ContainerSpec("/p", None), {}).mounts == ()


def test_a_debugger_has_a_port_and_a_user_a_home() -> None:
    spec = ContainerSpec("/p", None, user=(1000, 100), debugger=Debugger("node", 9229))
    found = settings.of("ours", IMAGE, spec, {})
    assert found.ports == (Port(9229, 9229),)
    assert found.env == (("HOME", settings.HOME),)
    assert found.entrypoint == ("sh",)
    assert found.command is not None
    assert found.command[-2:] == ("node", "server.js")
