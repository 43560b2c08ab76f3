"""Files that are wrong in one way or more: each told in a sentence, with its place, all at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from devloop.cli import app

MALFORMED = [
    ("app: [", ["2:1: not valid YAML: did not find expected node content"]),
    ("app: {run: npm start", ["2:1: not valid YAML: did not find expected ',' or '}'"]),
    ('"app', ["1:5: not valid YAML: found unexpected end of stream"]),
    ("app:\n\trun: x", ["2:1: not valid YAML: found character that cannot start any token"]),
    ("app: &a {run: *a}", ["1:6: the nesting is too deep or an alias contains itself"]),
    ("app: *nope", ["1:6: not valid YAML: found undefined alias"]),
    ("[1, 2]", ["1:1: devloop.yaml must be a mapping, not a list"]),
    ("just text", ["1:1: devloop.yaml must be a mapping, not a text"]),
    ("app: 3", ["1:6: app must be a mapping, not a number"]),
    ("app: {prots: [3000]}", ["1:7: unknown key `prots` in app"]),
    ("aap: {}", ["1:1: unknown key `aap` in devloop.yaml"]),
    ("app: {ports: 3000}", ["1:14: a list is needed here, not a number"]),
    ("app: {ports: [0]}", ["1:15: `0` is no port"]),
    ("app: {ports: [70000]}", ["1:15: `70000` is no port"]),
    ("app: {ports: [http]}", ["1:15: `http` is no port"]),
    ("app: {ports: [[1]]}", ["1:15: a text is needed here, not a list"]),
    ("app: {run: []}", ["1:12: an empty command runs nothing"]),
    ("app: {run: {a: b}}", ["1:12: a text is needed here, not a mapping"]),
    ('app: {run: ""}', ["1:12: a text is needed here, not an empty one"]),
    ("app: {env: [A=1]}", ["1:12: a mapping is needed here, not a list"]),
    ('app: {env: {"1A": x}}', ["1:19: `1A` is no name of a variable"]),
    ("app: {env: {A: [1]}}", ["1:16: the value of A must be a text, not a list"]),
    ("app: {env-file: /etc/passwd}", ["1:17: `/etc/passwd` is outside the project"]),
    ("app: {env-file: ../../x}", ["1:17: `../../x` is outside the project"]),
    ("app: {dockerfile: ../Dockerfile}", ["1:19: `../Dockerfile` is outside the project"]),
    ("app: {keep: .}", ["1:13: a list is needed here, not a text"]),
    ("app: {keep: [.]}", ["1:14: the project folder itself cannot be kept from the mount"]),
    ("app: {keep: [../x]}", ["1:14: `../x` is outside the project"]),
    ("app: {mount: app}", ["1:14: `app` is not an absolute path of the container"]),
    ('app: {mount: "/a:b"}', ["1:14: `/a:b` is not an absolute path of the container"]),
    ("app: {reload: sometimes}", ["1:15: `sometimes` is no way to reload"]),
    ("app: {reload: signal:NOPE}", ["1:15: `signal:NOPE` is no way to reload"]),
    (
        "app: {reload: {exec: a, signal: HUP}}",
        ["1:15: reload needs `exec` or `signal`, one of them"],
    ),
    ("app: {reload: {}}", ["1:15: reload needs `exec` or `signal`, one of them"]),
    ("app: {stop-grace: soon}", ["1:19: `soon` is no length of time"]),
    ("app: {memory: lots}", ["1:15: `lots` is no amount of memory"]),
    ("app: {memory: 1k}", ["1:15: `1k` is less than the 6 MB that an engine accepts"]),
    ("app: {cpus: 0}", ["1:13: a number above 0 is needed here, not `0`"]),
    ("app: {cpus: many}", ["1:13: a number above 0 is needed here, not `many`"]),
    ("app: {health: localhost}", ["1:15: `localhost` is no address"]),
    ("watch: {quiet: -1}", ["1:16: `-1` is no length of time"]),
    ("watch: {poll: sometimes}", ["1:15: `sometimes` is no length of time"]),
    ('watch: {paths: "**"}', ["1:16: a list is needed here, not a text"]),
    ("workflows: .github/workflows/ci.yml", ["1:12: a list is needed here, not a text"]),
    ("workflows: [../ci.yml]", ["1:13: `../ci.yml` is outside the project"]),
    ("app: {}\napp: {}", ["2:1: the key `app` stands here a second time"]),
    ("on: push", ["1:5: the event `push` cannot happen here"]),
    (
        "on: {change: {paths: [a], paths-ignore: [b]}}\njobs: {a: {steps: [{run: x}]}}",
        ["1:14: paths and paths-ignore exclude each other"],
    ),
    (
        'on: {change: {paths: ["!a"]}}',
        ["1:14: paths has only patterns with !, so nothing can match"],
    ),
    ("jobs: [a]", ["1:7: jobs must be a mapping, not a list"]),
    ("jobs: {a: }", ["1:11: the job a needs steps"]),
    ("jobs: {a: {steps: []}}", ["1:11: the job a needs steps"]),
    ("jobs: {a b: {steps: [{run: x}]}}", ["1:13: `a b` is no name of a job"]),
    ("jobs: {a: {needs: [b], steps: [{run: x}]}}", ["1:11: the job a needs `b`, which is no job"]),
    (
        "jobs: {a: {steps: [{run: x, uses: y}]}}",
        ["1:20: a step needs one of run, uses, wait, wait-all, cancel and parallel"],
    ),
    (
        'jobs: {a: {steps: [{run: "${{ 1 + }}"}]}}',
        ["1:26: the expression: unexpected `+` at character 4"],
    ),
    ('jobs: {a: {steps: [{run: "${{ github.x"}]}}', ["1:26: the expression: ${{ without }}"]),
    (
        "jobs: {a: {if: \"'a' ==\", steps: [{run: x}]}}",
        ["1:16: the expression of if: the expression ends too early after `==` at character 5"],
    ),
    (
        "jobs: {a: {services: {db: {image: pg}}, steps: [{run: x}]}}",
        ["1:22: services, containers and called workflows are not run by devloop"],
    ),
    (
        "jobs: {a: {strategy: {matrix: 3}, steps: [{run: x}]}}",
        ["1:31: a matrix must be a mapping, not a number"],
    ),
    (
        "jobs: {a: {strategy: {matrix: {n: 3}}, steps: [{run: x}]}}",
        ["1:35: `n` of the matrix must be a list, not a number"],
    ),
    ("env: [A]", ["1:6: a mapping is needed here, not a list"]),
    (
        "concurrency: {cancel-in-progress: maybe}",
        ["1:35: true, false or an expression is needed here, not a text"],
    ),
    ("defaults: {run: {shel: sh}}", ["1:18: unknown key `shel` in defaults.run"]),
    (
        "jobs: {a: {timeout-minutes: 0, steps: [{run: x}]}}",
        ["1:29: a number above 0 or an expression is needed here"],
    ),
    (
        "app: {ports: [x], cpus: 0}\nwatch: {quiet: y}\njobs: {a: {stps: []}}",
        [
            "1:15: `x` is no port",
            "1:25: a number above 0 is needed here, not `0`",
            "2:16: `y` is no length of time",
            "3:12: unknown key `stps` in the job a",
        ],
    ),
    ("name: [a]", ["1:7: a text is needed here, not a list"]),
    ('app: {run: "a\\0b"}', ["1:12: a text cannot hold a NUL character"]),
    ("1: 2", ["1:1: unknown key `1` in devloop.yaml"]),
    ("? [a, b]\n: c", ["1:3: a key must be a text"]),
]
SENTENCE = re.compile(r"devloop: error: devloop\.yaml:([1-9]\d*:[1-9]\d*: .+?)( \(.+\))?")


def told(root: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Give what is told of a file, without the hints; it must be the user's mistake."""
    (root / "Dockerfile").write_text("FROM scratch\n")
    (root / "devloop.yaml").write_bytes(content)
    assert app.run(["fingerprint", str(root)]) == 2
    found = [SENTENCE.fullmatch(line) for line in capsys.readouterr().err.splitlines()]
    return [one[1] if one else "no sentence" for one in found]


@pytest.mark.parametrize(("text", "expected"), MALFORMED)
def test_what_is_wrong_is_told(
    text: str, expected: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(tmp_path, text.encode(), capsys) == expected


@pytest.mark.parametrize("content", [b"a: \x80", b"a: 1\nb: \0", b"[" * 5000, b"{a: " * 3000])
def test_what_is_no_yaml_is_told(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(tmp_path, content, capsys)
    assert len(found) == 1
    assert found[0] != "no sentence"
