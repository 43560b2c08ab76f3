"""What devloop.yaml may say, told from the typed config: a JSON Schema, and tables for people."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from devloop.config.settings import AppSettings, Config, Watch
from devloop.jobs.workflow import grammar
from devloop.jobs.workflow.steps import CONTROL, KINDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]

TEXT: Schema = {"type": ["string", "number", "boolean"], "minLength": 1}
TEXTS: Schema = {"type": "array", "items": TEXT}
PATH: Schema = {"type": "string", "not": {"pattern": r"^(/|\.\.(/|$))"}}
VARIABLES: Schema = {
    "type": ["object", "null"],
    "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_.-]*$"},
    "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
}
DURATION: Schema = {
    "type": ["string", "number"],
    "minimum": 0,
    "pattern": r"^[0-9]+(\.[0-9]+)?(ms|s|m)?$",
}
EXPRESSION: Schema = {"type": "string", "pattern": r"\$\{\{"}
FLAG: Schema = {"anyOf": [{"type": "boolean"}, EXPRESSION]}
MINUTES: Schema = {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, EXPRESSION]}
ONE_OR_MORE: Schema = {"anyOf": [TEXT, TEXTS]}
LAST_PORT = 65535
SIGNALS = ("HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "WINCH", "CONT", "ALRM")

FORMS: Mapping[str, tuple[str, Schema]] = {
    "text": ("a text", TEXT),
    "texts": ("a list", TEXTS),
    "path": ("a path", PATH),
    "paths": ("a list of paths", {"type": "array", "items": PATH}),
    "place": ("an absolute path", {"type": "string", "pattern": "^/[^:]*$"}),
    "command": ("a text or a list", {"anyOf": [TEXT, {**TEXTS, "minItems": 1}]}),
    "variables": ("`NAME: value`", VARIABLES),
    "ports": (
        "a list",
        {
            "type": "array",
            "items": {
                "type": ["string", "integer"],
                "minimum": 1,
                "maximum": LAST_PORT,
                "pattern": r"^(.+:)?([0-9]*:)?[1-9][0-9]*$",
            },
        },
    ),
    "reload": (
        "a text, or `exec: …`",
        {
            "anyOf": [
                {
                    "type": "string",
                    "pattern": rf"^(restart|none|exec:.+|signal: *(SIG)?({'|'.join(SIGNALS)}))$",
                },
                {
                    "type": "object",
                    "properties": {"exec": TEXT, "signal": TEXT},
                    "additionalProperties": False,
                    "minProperties": 1,
                    "maxProperties": 1,
                },
            ]
        },
    ),
    "duration": ("`30ms`, `2s`, `1m`", DURATION),
    "poll": ("`auto`, `off`, `500ms`", {"anyOf": [{"enum": ["auto", "off"]}, DURATION]}),
    "size": ("`512m`, `1g`", {"type": ["string", "integer"], "pattern": r"^[0-9.]+\s*[a-zA-Z]*$"}),
    "number": ("a number", {"type": "number", "exclusiveMinimum": 0}),
    "url": ("an address", {"type": "string", "pattern": r"^http://[^\s/]+(/\S*)?$"}),
}
"""How a value is written: for people, and for an editor."""

JOBS: Mapping[str, Schema] = {
    "needs": ONE_OR_MORE,
    "paths": TEXTS,
    "paths-ignore": TEXTS,
    "env": VARIABLES,
    "outputs": VARIABLES,
    "with": VARIABLES,
    "if": TEXT,
    "name": TEXT,
    "id": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_-]*$"},
    "run": TEXT,
    "uses": {"type": "string"},
    "shell": {"type": "string"},
    "working-directory": TEXT,
    "continue-on-error": FLAG,
    "timeout-minutes": MINUTES,
    "background": {"type": "boolean"},
    "wait": ONE_OR_MORE,
    "strategy": {
        "type": "object",
        "properties": {
            "matrix": {
                "anyOf": [
                    EXPRESSION,
                    {
                        "type": "object",
                        "minProperties": 1,
                        "additionalProperties": {"anyOf": [{"type": "array"}, EXPRESSION]},
                    },
                ]
            },
            "fail-fast": FLAG,
            "max-parallel": MINUTES,
        },
        "additionalProperties": False,
    },
    "wait-all": {"type": ["null", "boolean"]},
    "cancel": {"type": "string"},
}


def schema() -> Schema:
    """Give the JSON Schema of devloop.yaml."""
    return {
        "$schema": DIALECT,
        "title": "devloop.yaml",
        "type": ["object", "null"],
        "properties": {
            **_properties(Config),
            "app": _object(AppSettings, "the container under development"),
            "watch": _object(Watch, "which saves count, and when they are answered"),
            **_grammar(),
        },
        "additionalProperties": False,
    }


def _object(kind: type, about: str) -> Schema:
    return {
        "description": about,
        "type": ["object", "null"],
        "properties": _properties(kind),
        "additionalProperties": False,
    }


def _properties(kind: type) -> Schema:
    return {key: _described(field) for key, field in _keys(kind)}


def _described(field: dataclasses.Field[Any]) -> Schema:
    shown = field.metadata["shown"]
    tail = f" (default: {shown})" if shown else ""
    about = f"{field.metadata['about']}{tail}".replace("`", "")
    return {"description": about, **FORMS[field.metadata["form"]][1]}


def _keys(kind: type) -> Iterator[tuple[str, dataclasses.Field[Any]]]:
    for field in dataclasses.fields(kind):
        if field.metadata:
            yield field.name.replace("_", "-"), field


def _grammar() -> Schema:
    """Give the part in GitHub Actions' grammar: its keys are those that are read."""
    keys = grammar.keys()
    beside = _known(tuple(key for key in keys["step"] if key not in CONTROL))
    step = _known(keys["step"])
    step["properties"]["parallel"] = {"type": "array", "items": beside, "minItems": 1}
    job = _known(keys["job"])
    step["oneOf"] = [{"required": [key]} for key in KINDS]
    job["properties"]["steps"] = {"type": "array", "items": step, "minItems": 1}
    job["required"] = ["steps"]
    filters = {"type": ["object", "null"], "properties": {"paths": TEXTS, "paths-ignore": TEXTS}}
    change = {"anyOf": [{"const": "change"}, {"type": "object", "properties": {"change": filters}}]}
    run = {"type": "object", "properties": {"shell": TEXT, "working-directory": TEXT}}
    defaults = {"run": {**run, "additionalProperties": False}}
    return {
        "on": {"description": "which saves start the jobs", **change},
        "env": {"description": "the environment of all steps", **VARIABLES},
        "defaults": {"description": "the shell and directory of steps", "properties": defaults},
        "concurrency": {
            "description": "what becomes of an older run",
            "type": ["object", "string"],
            "properties": {"group": TEXT, "cancel-in-progress": FLAG},
        },
        "jobs": {
            "description": "what runs on each save",
            "type": ["object", "null"],
            "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_-]*$"},
            "additionalProperties": job,
        },
    }


def _known(keys: tuple[str, ...]) -> Schema:
    properties = {key: dict(JOBS.get(key, {})) for key in keys}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def tables() -> dict[str, str]:
    """Give a table in Markdown for each part: the top, ``app``, ``watch``."""
    return {
        name: "\n".join(_table(kind))
        for name, kind in (("top", Config), ("app", AppSettings), ("watch", Watch))
    }


def _table(kind: type) -> Iterator[str]:
    yield "| key | written as | what it is | default |"
    yield "|---|---|---|---|"
    for key, field in _keys(kind):
        it = field.metadata
        default = it["shown"] or "none"
        yield f"| `{key}` | {FORMS[it['form']][0]} | {it['about']} | {default} |"
