from __future__ import annotations

import pytest

from devloop.errors import UserError
from devloop.report.go_template import fields, render

ROWS = [{"Name": "shop-1", "State": "running"}, {"Name": "b", "State": 'say "x"'}]
HEADS = {"Name": "CONTAINER", "State": "STATE"}


@pytest.mark.parametrize(
    ("template", "lines"),
    [
        ("{{.Name}}", ["shop-1", "b"]),
        ("{{ .Name }}\\t{{- .State -}}!", ["shop-1\trunning!", 'b\tsay "x"!']),
        ("{{json .State}}", ['"running"', '"say \\"x\\""']),
        (
            "{{json .}}",
            ['{"Name": "shop-1", "State": "running"}', '{"Name": "b", "State": "say \\"x\\""}'],
        ),
        ("{{upper .Name}} {{.State | upper | json}}", ['SHOP-1 "RUNNING"', 'B "SAY \\"X\\""']),
        (
            "table {{.Name}}\\t{{lower .State}}",
            ["CONTAINER   STATE", "shop-1      running", 'b           say "x"'],
        ),
        ("plain", ["plain", "plain"]),
    ],
)
def test_what_is_known(template: str, lines: list[str]) -> None:
    assert render(template, ROWS, HEADS) == lines


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{.Nope}}", "there is no field `.Nope`"),
        ("{{if .Name}}x{{end}}", "is not understood"),
        ("{{}}", "is not understood"),
        ("{{json}}", "is not understood"),
        ("{{upper .}}", "takes one field"),
        ("{{.Name", "is not closed"),
    ],
)
def test_what_is_not(template: str, words: str) -> None:
    with pytest.raises(UserError, match=words.replace(".", r"\.")):
        render(template, ROWS, HEADS)


def test_which_fields_a_template_uses() -> None:
    assert fields("table {{.A}}\t{{json .B | upper}} {{json .}}") == {"A", "B", "."}
