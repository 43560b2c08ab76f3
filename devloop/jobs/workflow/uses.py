"""``uses:``: what the dev container fulfils by itself, what is local, what cannot run here."""

from __future__ import annotations

from collections.abc import Mapping

FULFILLED = ("actions/checkout", "actions/cache", "actions/cache/restore", "actions/cache/save")


def local(name: str) -> str | None:
    """Give the folder of a local action, None if it is not one."""
    return name.removeprefix("./").rstrip("/") or "." if name.startswith("./") else None


def fulfilled(name: str, inputs: Mapping[str, str]) -> str:
    """Say how the container fulfils an action, empty if it does not."""
    action = name.partition("@")[0]
    if action == "actions/checkout":
        other = inputs.get("repository") or inputs.get("path")
        return "" if other else "the project is mounted"
    if action in FULFILLED:
        return "the container keeps what it needs"
    if action.startswith("actions/setup-"):
        version = next((f"{key} {inputs[key]}" for key in inputs if key.endswith("version")), "")
        asked = f", whatever it has for {version}" if version else ""
        return f"the dev container has it{asked}"
    return ""


def outputs(name: str) -> dict[str, str]:
    """Give the outputs of a fulfilled action."""
    return {"cache-hit": "true"} if name.startswith(("actions/cache", "actions/setup-")) else {}
