import pytest

from devloop.stacks import elixir
from tests.stacks.snapshots import one

PHOENIX = '{:phoenix, "~> 1.7"}\n'
LOOPBACK = {"config/dev.exs": "http: [ip: {127, 0, 0, 1}, port: 4001]"}


@pytest.mark.parametrize(
    ("files", "run", "port", "reload"),
    [
        ({"mix.exs": ""}, ("mix", "run", "--no-halt"), None, "restart"),
        ({"mix.exs": '{:bandit, "1"}'}, ("mix", "run", "--no-halt"), 4000, "restart"),
        ({"mix.exs": PHOENIX}, ("mix", "phx.server"), 4000, "none"),
        ({"mix.exs": "", "apps/web/mix.exs": PHOENIX}, ("mix", "phx.server"), 4000, "none"),
    ],
)
def test_what_is_run(files: dict[str, object], run: object, port: int | None, reload: str) -> None:
    found = one(files)
    assert (found.run, found.port, found.reload) == (run, port, reload)
    assert found.keep == ("deps", "_build")


def test_phoenix_listens_outside_the_container_whatever_its_configuration_says() -> None:
    found = one({"mix.exs": PHOENIX, **LOOPBACK})
    assert found.port == 4001
    assert found.run[:5] == ("mix", "run", "--no-start", "--no-halt", "-e")
    assert "{0, 0, 0, 0}" in found.run[5]


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ('elixir: "~> 1.14"', "elixir:1.18-slim"),
        ('elixir: "~> 1.15.0"', "elixir:1.15-slim"),
        ('{:bcrypt_elixir, "3"}', "elixir:1.18"),
        ('{:x, github: "a/b"}', "elixir:1.18"),
    ],
)
def test_the_image(text: str, image: str) -> None:
    assert one({"mix.exs": text}).image == image
    assert one({"mix.exs": "", ".tool-versions": "elixir 1.16.2-otp-26"}).version == "1.16"


def test_the_projects_own_version_does_not_count() -> None:
    one_, two = b'# c\nversion: "1.0",\nx', b'version: "2.0",\nx\n'
    assert (
        elixir.fields("mix.exs", one_, "") == elixir.fields("mix.exs", two, "") == {"lines": ["x"]}
    )


@pytest.mark.parametrize(
    ("deps", "fetched"),
    [
        ("deps: []", False),
        ('{:a, in_umbrella: true}, {:b, path: "../b"}', False),
        ('{:plug, "~> 1.0"}', True),
        ('{:a, in_umbrella: true}, {:c, git: "https://example.invalid"}', True),
    ],
)
def test_hex_is_only_for_what_is_fetched(deps: str, fetched: bool) -> None:
    assert ("local.hex" in one({"mix.exs": deps}).setup) == fetched
