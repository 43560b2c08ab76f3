from __future__ import annotations

import pytest

from devloop.image import dockerfile as df


def test_instructions_keep_their_lines_flags_and_heredocs() -> None:
    parsed = df.parse(
        "# syntax=docker/dockerfile:1\n# escape=\\\n\nFROM a AS base\n"
        "RUN --mount=type=cache,target=/c \\\n  # a comment inside\n\n  one \\\n  two\n"
        "COPY <<EOF <<-'END' /x/\nFROM not\nEOF\n\tindented\n\tEND\nCMD [\"x\"]\n"
    )
    run, copy, cmd = parsed.stages[0].instructions
    assert parsed.directives == {"syntax": "docker/dockerfile:1", "escape": "\\"}
    assert (run.keyword, run.line, run.flag("mount")) == ("RUN", 5, "type=cache,target=/c")
    assert run.args.split() == ["one", "two"]
    assert copy.heredocs == ("FROM not", "indented")
    assert (cmd.keyword, cmd.line) == ("CMD", 15)
    assert cmd.flag("none") is None


def test_the_escape_directive_changes_the_continuation() -> None:
    parsed = df.parse("# escape=`\nFROM a\nRUN one `\n two\n")
    assert parsed.stages[0].instructions[0].args.split() == ["one", "two"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('["a b", "c/"]', ("a b", "c/")),
        ("[not json", ("[not", "json")),
        ("[1, 2]", ("[1,", "2]")),
        ("a  b\tc", ("a", "b", "c")),
    ],
)
def test_words_of_both_forms(text: str, words: tuple[str, ...]) -> None:
    assert df.parse(f"FROM a\nCOPY {text}\n").stages[0].instructions[0].words() == words


STAGES = """ARG V=22
FROM node:${V}-slim AS base
FROM base AS dev
FROM golang AS tools
FROM scratch AS final
COPY --from=base /a /a
COPY --from=busybox:1 /bin/sh /bin/
RUN --mount=type=bind,from=tools,target=/t true
"""


def test_stages_and_what_a_target_needs() -> None:
    parsed = df.parse(STAGES, {"V": "24"})
    final = parsed.stage("FINAL")
    assert final
    assert [stage.name for stage in df.needed(parsed, final)] == ["base", "tools", "final"]
    assert df.images(parsed, final) == (("busybox:1", ""), ("golang", ""), ("node:24-slim", ""))
    assert parsed.stage("1") is parsed.stage("dev")
    assert parsed.stage("9") is None
    default = parsed.default_target()
    assert default
    assert default.name == "dev"


@pytest.mark.parametrize(
    ("names", "expected"), [(("a", "development"), "development"), (("a", "b"), "b"), ((), None)]
)
def test_the_default_target(names: tuple[str, ...], expected: str | None) -> None:
    target = df.parse("".join(f"FROM x AS {name}\n" for name in names)).default_target()
    assert (target.name if target else None) == expected


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$A/b", "1/b"),
        ("${A}b", "1b"),
        ("${B:-x}", "x"),
        ("${E-x}", ""),
        ("${E:-x}", "x"),
        ("${A:+y}${B:+y}", "y"),
        ("$B", ""),
        ("'$A'", "$A"),
        ('"$A b"', "1 b"),
        ("\\$A", "$A"),
        ("'", "'"),
    ],
)
def test_variables(text: str, result: str) -> None:
    assert df.expand(text, {"A": "1", "E": ""}) == result


def test_workdir_follows_variables_and_bases() -> None:
    text = (
        "FROM a AS b\nENV D=/srv E='x y'\nWORKDIR $D\nFROM b\nARG N=q\nWORKDIR $N\nENV OLD form x\n"
    )
    parsed = df.parse(text)
    assert df.final_workdir(parsed, parsed.stages[1], {}) == "/srv/q"
    assert df.final_workdir(parsed, parsed.stages[1], {"N": "z"}) == "/srv/z"


def test_args_take_global_defaults_only_when_declared() -> None:
    parsed = df.parse("ARG D=/one\nFROM a\nARG D\nWORKDIR $D\nFROM a\nWORKDIR /x$D\n")
    assert df.final_workdir(parsed, parsed.stages[0], {}) == "/one"
    assert df.final_workdir(parsed, parsed.stages[1], {}) == "/x"


@pytest.mark.parametrize(
    ("expose", "port"),
    [("EXPOSE 80", 80), ("EXPOSE 53/udp 81/tcp", 81), ("EXPOSE $P", None), ("", None)],
)
def test_the_exposed_port(expose: str, port: int | None) -> None:
    parsed = df.parse(f"FROM a AS b\n{expose}\nFROM b\n")
    assert df.exposed_port(parsed, parsed.stages[1]) == port


@pytest.mark.parametrize(
    "text", ["", "\n# only\n", "RUN x\n", "FROM\n", "COPY <<EOF /x", "FROM a\nRUN x \\"]
)
def test_what_is_no_dockerfile_is_read_all_the_same(text: str) -> None:
    df.parse(text)
