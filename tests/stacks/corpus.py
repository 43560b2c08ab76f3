"""The corpus of example apps beside the repository, and the apps of it that a stack covers."""

import json
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).parents[3] / "shared" / "corpora" / "apps.json"
REASON = "the corpus is not beside the repository"

# How the corpus names what we name otherwise.
STACKS = {"c#": "dotnet", "f#": "dotnet", "staticfile": "static"}
COVERED = {"node", "deno", "python", "go", "rust", "ruby", "php", "java", "dotnet", "elixir"}


def apps() -> dict[str, dict[str, Any]]:
    if not CORPUS.exists():
        print(f"no corpus at {CORPUS.name}: its tests are skipped")
        return {}
    found: dict[str, dict[str, Any]] = json.loads(CORPUS.read_text("utf-8"))["apps"]
    return dict(sorted(found.items()))


def files(app: dict[str, Any]) -> dict[str, object]:
    return {path: app["contents"].get(path, "") for path in app["files"]}


def stack(name: str, app: dict[str, Any]) -> str:
    """Give the stack that is expected, empty where it is none of ours.

    The corpus has no plan for a few; their name says what they are.
    """
    expected = app.get("expected")
    first = ((expected or {}).get("providers") or "").split(",")[0]
    first = first or ("" if expected else name.partition("-")[0])
    found = STACKS.get(first, first)
    return found if found in COVERED | {"static"} else ""


APPS = apps()
OURS = {name: app for name, app in APPS.items() if stack(name, app)}
