"""`devloop check`: what is wrong with a Dockerfile, its ignore file and devloop.yaml."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import asdict, replace
from pathlib import Path

from devloop.check.rules import check as find
from devloop.check.rules import mended
from devloop.check.subject import CheckSubject, Edit, Finding, Level
from devloop.cli import project as projects
from devloop.cli.apps import DevelopedApp, apps
from devloop.errors import ConfigError, Problem
from devloop.project import inspect
from devloop.project.inspect import Surroundings
from devloop.project.state import CONFIG_FILE, Inspection
from devloop.scaffold import write as scaffold_write
from devloop.scaffold.plan import FilePlan
from devloop.watch import tree
from devloop.yaml.nodes import YamlNode, parse

MOST_MENDS = 50
_PLACE = re.compile(r"(?P<path>.*?)(?::(?P<line>\d+))?(?::(?P<column>\d+))?")


def check(path: Path, output: str, *, fix: bool) -> int:
    """Print what is wrong, mend what is safe to mend; exit 1 if an error is left."""
    root = projects.folder(path)
    left = findings(root)
    done: list[Finding] = []
    if fix:
        left, done = mend(root, left)
    if output == "json":
        told = {
            "findings": [as_json(one) for one in left],
            "mended": [as_json(one) for one in done],
        }
        sys.stdout.write(json.dumps(told, ensure_ascii=True) + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in lines(left, done)))
    return int(any(one.level is Level.ERROR for one in left))


def findings(root: str) -> tuple[Finding, ...]:
    """Give all that is wrong with a project, by file and line."""
    return looked(root)[1]


def looked(
    root: str, around: Surroundings | None = None
) -> tuple[tuple[DevelopedApp, ...], tuple[Finding, ...]]:
    """Look at a project once, for its apps and all that is wrong with it."""
    try:
        found = apps(root, around=around)
    except ConfigError as error:
        return (), tuple(_of_config(problem) for problem in error.problems)
    return found, in_apps(root, found)


def in_apps(root: str, found: tuple[DevelopedApp, ...]) -> tuple[Finding, ...]:
    """Give what is wrong with these apps of a project, by file and line."""
    each = [
        replace(finding, path=one.below(root) + finding.path)
        for one in found
        for finding in find(_subject(one.root, one.inspection))
    ]
    return tuple(dict.fromkeys(each))  # two services may be built from one Dockerfile


def mend(root: str, found: tuple[Finding, ...]) -> tuple[tuple[Finding, ...], list[Finding]]:
    """Make the safe mends one by one, as each may change what is found; gives what is left."""
    done: list[Finding] = []
    for _ in range(MOST_MENDS):
        chosen = next((one for one in found if one.edit and _key(one) not in map(_key, done)), None)
        if chosen is None or chosen.edit is None:
            break
        folder = chosen.path.removesuffix(chosen.edit.path)
        if not _rewrite(os.path.join(root, folder).rstrip("/"), chosen.edit):
            break
        done.append(chosen)
        found = findings(root)
    return found, done


def _key(finding: Finding) -> tuple[str, str, str]:
    return finding.rule, finding.path, finding.what


def _rewrite(root: str, edit: Edit) -> bool:
    """Make an edit in its file; False if that is not there: devloop keeps it under .devloop."""
    content = tree.read(root, edit.path)
    if content is None or edit.path.startswith(".devloop/"):
        return False
    text = mended(content.decode("utf-8", "surrogateescape"), edit)
    scaffold_write.write(Path(root), [FilePlan(edit.path, "overwrite", text)])
    return True


def _subject(root: str, inspection: Inspection) -> CheckSubject:
    app = inspection.config.app
    files = inspect.files(root, inspection.config)
    return CheckSubject(
        text=inspection.dockerfile,
        path=inspection.dockerfile_path,
        ignore=inspection.ignore,
        ignore_path=inspection.ignore_path,
        detections=inspection.detections,
        snapshot=inspect.snapshot(root, files),
        target=app.target,
        build_args=dict(app.build_args),
        run=app.run,
        run_line=_run_line(root) if app.run is not None else 0,
    )


def _run_line(root: str) -> int:
    """Give the line of app.run in devloop.yaml."""
    node = parse(tree.read(root, CONFIG_FILE) or b"", CONFIG_FILE)
    for key in ("app", "run"):
        node = node.value[key] if isinstance(node.value, dict) else YamlNode(None, 1, 1)
    return node.line


def _of_config(problem: Problem) -> Finding:
    place = _PLACE.fullmatch(problem.location)
    where = place.groupdict() if place else {}
    return Finding(
        Level.ERROR,
        "config",
        where.get("path") or CONFIG_FILE,
        int(where.get("line") or 1),
        problem.message,
        "devloop does not start with it",
        problem.hint or "see `devloop.yaml` in the README",
        column=int(where.get("column") or 0),
    )


def as_json(finding: Finding) -> dict[str, object]:
    """Give one finding as a JSON object."""
    found = asdict(finding)
    found["level"] = finding.level.value
    found["safe"] = found.pop("edit") is not None
    return found


def lines(left: tuple[Finding, ...], done: list[Finding]) -> list[str]:
    """Write findings for people, three lines each, and how many there are."""
    told = [f"{_where(one)}: mended: {one.what} ({one.mend})" for one in done]
    for one in left:
        safe = " (`devloop check --fix` does it)" if one.edit else ""
        told.append(f"{_where(one)}: {one.level}: {one.what} [{one.rule}]")
        told += [f"    why: {one.why}", f"    mend: {one.mend}{safe}"]
    errors = sum(one.level is Level.ERROR for one in left)
    return [*told, f"{_counted(errors, 'error')}, {_counted(len(left) - errors, 'warning')}"]


def _where(finding: Finding) -> str:
    column = f":{finding.column}" if finding.column else ""
    return f"{finding.path}:{finding.line}{column}"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")
