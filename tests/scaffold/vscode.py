"""VS Code's tasks.json as its documentation describes it ("Tasks appendix"), as a JSON Schema."""

from __future__ import annotations

from typing import Any

TEXT: dict[str, Any] = {"type": "string"}
FLAG: dict[str, Any] = {"type": "boolean"}
GROUP: dict[str, Any] = {"type": "integer", "minimum": 0}


def _object(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


PATTERN = _object(
    ("regexp",),
    regexp=TEXT,
    kind={"enum": ["file", "location"]},
    file=GROUP,
    location=GROUP,
    line=GROUP,
    column=GROUP,
    endLine=GROUP,
    endColumn=GROUP,
    severity=GROUP,
    code=GROUP,
    message=GROUP,
    loop=FLAG,
)
LINE = {"anyOf": [TEXT, _object(("regexp",), regexp=TEXT, file=GROUP)]}
MATCHER = _object(
    (),
    base=TEXT,
    owner=TEXT,
    source=TEXT,
    severity={"enum": ["error", "warning", "info"]},
    fileLocation={"anyOf": [TEXT, {"type": "array", "items": TEXT}]},
    pattern={"anyOf": [TEXT, PATTERN, {"type": "array", "items": PATTERN}]},
    background=_object((), activeOnStart=FLAG, beginsPattern=LINE, endsPattern=LINE),
)
TASK = _object(
    ("label", "type", "command"),
    label=TEXT,
    type={"enum": ["shell", "process"]},
    command=TEXT,
    args={"type": "array", "items": TEXT},
    isBackground=FLAG,
    group={"anyOf": [TEXT, _object((), kind=TEXT, isDefault=FLAG)]},
    presentation=_object(
        (),
        reveal={"enum": ["never", "silent", "always"]},
        echo=FLAG,
        focus=FLAG,
        panel={"enum": ["shared", "dedicated", "new"]},
        showReuseMessage=FLAG,
        clear=FLAG,
        group=TEXT,
    ),
    problemMatcher={"anyOf": [TEXT, MATCHER, {"type": "array", "items": MATCHER}]},
    runOptions=_object((), reevaluateOnRerun=FLAG, runOn=TEXT),
    dependsOn={"anyOf": [TEXT, {"type": "array", "items": TEXT}]},
)
TASKS = _object(("version",), version={"const": "2.0.0"}, tasks={"type": "array", "items": TASK})
