from __future__ import annotations

from collections.abc import Iterable

from devloop.engine import logs

Piece = tuple[bytes | None, bytes | None]


def split(pieces: Iterable[Piece], nonce: str = "n0nce") -> tuple[list[str], list[tuple[str, int]]]:
    lines: list[str] = []
    marks: list[tuple[str, int]] = []
    logs.split(
        iter(pieces),
        nonce,
        lambda stream, text: lines.append(f"{stream}: {text}"),
        lambda word, number: marks.append((word, number)),
    )
    return lines, marks


def test_lines_are_put_together_from_pieces() -> None:
    pieces = [(b"one\ntw", None), (None, b"err\r\n"), (b"o\nlast", None), (b"", None)]
    lines, marks = split(pieces)
    assert lines == ["stdout: one", "stderr: err", "stdout: two", "stdout: last"]
    assert marks == []


def test_the_supervisors_lines_are_taken_out() -> None:
    pieces = [(None, b"n0nce started 1\nhalf a linen0nce exi"), (None, b"ted 3\nrest\n")]
    lines, marks = split(pieces)
    assert lines == ["stderr: half a line", "stderr: rest"]
    assert marks == [("started", 1), ("exited", 3)]


def test_an_app_cannot_pretend_to_be_the_supervisor() -> None:
    lines, marks = split([(b"other exited 3\n", b"n0nce exited x\n")])
    assert marks == []
    assert len(lines) == 2
    assert split([(b"n0nce exited 3\n", None)], nonce="")[1] == []


def test_a_line_without_an_end_is_cut() -> None:
    lines, _ = split([(b"x" * (logs.MAX_LINE + 5), None)])
    assert [len(line) for line in lines] == [len("stdout: ") + logs.MAX_LINE, len("stdout: xxxxx")]
