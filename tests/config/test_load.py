from __future__ import annotations

import pytest

from devloop.config.load import load
from devloop.config.settings import AppSettings, Config, Watch
from devloop.errors import ConfigError
from devloop.model import ByCommand, ByItself, ByRestart, BySignal, Port, Reload
from devloop.yaml import nodes


def problems(text: str | bytes) -> list[str]:
    content = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(ConfigError) as caught:
        load(content)
    return [f"{one} ({one.hint})" if one.hint else str(one) for one in caught.value.problems]


def test_everything() -> None:
    text = b"""
name: shop
app:
  dockerfile: docker/Dockerfile
  target: dev
  build-args: {B: 1, A: x}
  run: [npm, run, dev]
  mount: /app/
  keep: [node_modules, ./a/b, node_modules]
  ports: ["3000", 8080:80, "0.0.0.0:1:2", "[::1]:5:6"]
  env: {T: 12:30, ON: on, N: null}
  env-file: .env
  manifests: [patches/**]
  reload: signal:SIGUSR2
  stop-grace: 500ms
  memory: 1g
  cpus: 1.5
  health: http://localhost:3000/health
watch: {paths: ["**"], paths-ignore: [docs/**], quiet: 20ms, max-wait: 2, poll: 500ms}
"""
    assert load(text) == Config(
        "shop",
        AppSettings(
            dockerfile="docker/Dockerfile",
            target="dev",
            build_args=(("A", "x"), ("B", "1")),
            run=("npm", "run", "dev"),
            mount="/app",
            keep=("node_modules", "a/b"),
            ports=(Port(3000, 3000), Port(80, 8080), Port(2, 1, "0.0.0.0"), Port(6, 5, "::1")),  # noqa: S104
            env=(("N", "null"), ("ON", "on"), ("T", "12:30")),
            env_file=".env",
            manifests=("patches/**",),
            reload=BySignal("USR2"),
            stop_grace=0.5,
            memory=1 << 30,
            cpus=1.5,
            health="http://localhost:3000/health",
        ),
        Watch(("**",), ("docs/**",), 0.02, 2.0, 0.5),
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "app:\n", "name: x\napp: {}\n"])
def test_all_of_it_is_optional(text: str) -> None:
    assert load(text.encode()).app == AppSettings()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("restart", ByRestart()),
        ("none", ByItself()),
        ("'signal: HUP'", BySignal("HUP")),
        ("'exec: touch x'", ByCommand("touch x")),
        ("{exec: touch x}", ByCommand("touch x")),
        ("{signal: SIGHUP}", BySignal("HUP")),
    ],
)
def test_reload(value: str, expected: Reload) -> None:
    assert load(f"app: {{reload: {value}}}".encode()).app.reload == expected


@pytest.mark.parametrize(("value", "seconds"), [("auto", None), ("off", 0.0), ("1m", 60.0)])
def test_poll(value: str, seconds: float | None) -> None:
    assert load(f"watch: {{poll: {value}}}".encode()).watch.poll == seconds


BAD = {
    "a: [": "devloop.yaml:2:1: not valid YAML",
    "\x00": "not readable as YAML",
    "name: [x]": "devloop.yaml:1:7: a text is needed here, not a list",
    "name: ''": "a text is needed here",
    'name: "a\\0b"': "NUL",
    "- x": "must be a mapping, not a list",
    "5": "must be a mapping, not a number",
    "true": "must be a mapping, not true or false",
    "x": "must be a mapping, not a text",
    "app: 1": "devloop.yaml:1:6: app must be a mapping",
    "name: a\nname: b": "devloop.yaml:2:1: the key `name` stands here a second time",
    "? [a]\n: b": "a key must be a text",
    "app: &a {env: *a}": "an alias contains itself",
    "nme: x": "devloop.yaml:1:1: unknown key `nme` in devloop.yaml (did you mean `name`?)",
    "zzzzzz: x": "known keys: name, app, watch",
    "app:\n  prots: [1]": "devloop.yaml:2:3: unknown key `prots` in app (did you mean `ports`?)",
    "jobs: []": "jobs must be a mapping",
    "app: {ports: 3000}": "a list is needed here, not a number",
    "app: {ports: [x]}": "`x` is no port",
    "app: {ports: [70000]}": "`70000` is no port",
    "app: {ports: [1.5]}": "`1.5` is no port",
    "app: {keep: [../x]}": "`../x` is outside the project",
    "app: {keep: [/x]}": "outside the project",
    "app: {keep: [.]}": "cannot be kept",
    "app: {mount: app}": "not an absolute path",
    "app: {run: []}": "an empty command runs nothing",
    "app: {run: {a: b}}": "a text is needed here, not a mapping",
    "app: {env: [A=b]}": "a mapping is needed here, not a list",
    "app: {env: {A B: c}}": "`A B` is no name of a variable",
    "app: {env: {A: [b]}}": "the value of A must be a text, not a list",
    "app: {reload: often}": "`often` is no way to reload",
    "app: {reload: ''}": "a text is needed here",
    "app: {reload: signal:KILL}": "no way to reload",
    "app: {reload: {signal: KILL}}": "no signal that an app can be sent",
    "app: {reload: {}}": "reload needs `exec` or `signal`",
    "app: {stop-grace: soon}": "`soon` is no length of time",
    "app: {stop-grace: []}": "a text is needed here",
    "app: {memory: lots}": "`lots` is no amount of memory",
    "app: {memory: []}": "a text is needed here",
    "app: {memory: 1m}": "less than the 6 MB",
    "app: {cpus: 0}": "a number above 0",
    "app: {cpus: true}": "a number above 0",
    "app: {cpus: [1]}": "a number above 0 is needed here, not `a list`",
    "app: {health: localhost}": "`localhost` is no address",
}


@pytest.mark.parametrize("text", BAD)
def test_what_is_wrong_is_said_with_its_place(text: str) -> None:
    found = problems(text)
    assert len(found) == 1, found
    assert BAD[text] in found[0]


def test_all_errors_of_a_file_are_told_at_once() -> None:
    found = problems("nme: x\napp:\n  cpus: no\n  ports: [x, y]\nwatch: 1\n")
    assert [one.split(": ")[0] for one in found] == [
        "devloop.yaml:1:1",
        "devloop.yaml:3:9",
        "devloop.yaml:4:11",
        "devloop.yaml:4:14",
        "devloop.yaml:5:8",
    ]


def test_yaml_1_2_scalars() -> None:
    text = b"[on, yes, 12:30, 0x10, 0o17, 1e3, .5, true, ~, '1', 012, 123456789012345678901234]"
    values = nodes.parse(text, "x").value
    assert isinstance(values, tuple)
    assert [one.value for one in values] == [
        "on",
        "yes",
        "12:30",
        16,
        15,
        1000.0,
        0.5,
        True,
        None,
        "1",
        12,
        123456789012345678901234.0,
    ]


def test_hostile_files_are_errors_not_crashes() -> None:
    assert "not readable" in problems(b"\xff\xfe\x00")[0]
    assert "larger than 1 MiB" in problems(b"#" * (2 << 20))[0]
    assert "too deep" in problems("[" * 3000 + "]" * 3000)[0]
    laughs = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(24)
    )
    assert "its aliases unfold" in problems(laughs)[0]
