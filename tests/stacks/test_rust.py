import pytest

from devloop.stacks.rust import cargo as rust_cargo
from tests.stacks.snapshots import one

ANY = "0.0.0.0"  # noqa: S104 - a command, not a socket
PACKAGE = '[package]\nname = "app"\n'


@pytest.mark.parametrize(
    ("files", "run", "port"),
    [
        ({"Cargo.toml": PACKAGE, "src/main.rs": ""}, ("--bin", "app"), None),
        (
            {"Cargo.toml": PACKAGE + "[dependencies]\naxum = '1'", "src/main.rs": ""},
            ("--bin", "app"),
            3000,
        ),
        (
            {"Cargo.toml": PACKAGE + "[dependencies]\naxum = '1'", "src/main.rs": '"0.0.0.0:4000"'},
            ("--bin", "app"),
            4000,
        ),
        (
            {"Cargo.toml": PACKAGE + "[dependencies]\nrocket = '1'", "src/main.rs": ""},
            ("--bin", "app"),
            8000,
        ),
        (
            {"Cargo.toml": PACKAGE, "src/bin/b.rs": "", "src/bin/a/main.rs": ""},
            ("--bin", "a"),
            None,
        ),
        (
            {"Cargo.toml": PACKAGE + 'default-run = "b"\n', "src/bin/a.rs": "", "src/bin/b.rs": ""},
            ("--bin", "b"),
            None,
        ),
        (
            {"Cargo.toml": PACKAGE + '[[bin]]\nname = "x"\npath = "x.rs"\n', "x.rs": ""},
            ("--bin", "x"),
            None,
        ),
        (
            {
                "Cargo.toml": "[workspace]\nmembers = ['a']",
                "a/Cargo.toml": PACKAGE,
                "a/src/main.rs": "",
            },
            ("--package", "app", "--bin", "app"),
            None,
        ),
        ({"Cargo.toml": PACKAGE, "src/lib.rs": ""}, None, None),
        ({"Cargo.toml": "broken ["}, None, None),
    ],
)
def test_what_is_run(
    files: dict[str, object], run: tuple[str, ...] | None, port: int | None
) -> None:
    found = one(files)
    assert (found.run, found.port) == (("cargo", "run", *run) if run else (), port)


def test_rocket_is_told_where_to_listen() -> None:
    found = one({"Cargo.toml": PACKAGE + "[dependencies]\nrocket = '1'", "src/main.rs": ""})
    assert {"ROCKET_ADDRESS": ANY, "ROCKET_PORT": "8000"}.items() <= {
        item.name: item.value for item in found.env
    }.items()


@pytest.mark.parametrize(
    ("files", "image"),
    [
        ({}, "rust:1.85-slim"),
        ({"rust-toolchain": "1.80.1\n"}, "rust:1.80.1-slim"),
        ({"rust-toolchain.toml": '[toolchain]\nchannel = "1.79"\n'}, "rust:1.79-slim"),
        ({"rust-toolchain.toml": '[toolchain]\nchannel = "nightly"\n'}, "rust:1.85-slim"),
        ({"rust-toolchain.toml": "broken ["}, "rust:1.85-slim"),
        ({"Cargo.toml": PACKAGE + 'rust-version = "1.90"\n'}, "rust:1.90-slim"),
        ({"Cargo.lock": '[[package]]\nname = "openssl-sys"\n'}, "rust:1.85"),
    ],
)
def test_the_image(files: dict[str, object], image: str) -> None:
    assert one({"Cargo.toml": PACKAGE, "src/main.rs": "", **files}).image == image


def test_every_target_has_a_stand_in_and_none_of_them_stays() -> None:
    cargo = (
        PACKAGE
        + '[lib]\npath = "l.rs"\n[[bench]]\nname = "s"\n[[example]]\nname = "e"\npath = "e.rs"\n'
    )
    line = one({"Cargo.toml": cargo, "src/main.rs": "", "build.rs": ""}).install
    assert "mkdir -p benches src" in line
    for path in ("l.rs", "benches/s.rs", "e.rs", "src/main.rs", "build.rs"):
        assert path in line
    assert line.endswith("&& cargo build \\\n    && cargo clean -p app")


def test_what_counts_in_a_cargo_toml() -> None:
    base = b'[package]\nname = "a"\ndescription = "x"\n[target.unix.dependencies]\nx = "1"\n'
    fields = rust_cargo.fields(base)
    assert fields == {"package.name": "a", "target.unix.dependencies": {"x": "1"}}
    assert rust_cargo.fields(b"# c\n" + base.replace(b'"x"\n[', b'"y"\n[')) == fields
