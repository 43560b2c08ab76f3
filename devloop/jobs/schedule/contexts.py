"""What expressions and steps see of a run: contexts and GITHUB_* variables."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from devloop.jobs.workflow.model import Job, Workflow

MOST_CHANGED = 1000


@dataclass(frozen=True)
class RunnerContext:
    """What a run takes from its surroundings.

    ``workspace`` is the mount in the container; ``secrets`` are used by named jobs alone.
    """

    project: str = "app"
    workspace: str = "/"
    arch: str = "X64"
    sha: str = ""
    ref: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class JobOrder:
    """One run of a job with one row of its matrix; ``named``: a person asked for it.

    ``cancels``: it ends what runs in its concurrency ``group``; ``flow_group`` is its workflow's.
    """

    number: int
    workflow: Workflow
    job: Job
    name: str
    label: str
    row: Mapping[str, Any] = field(default_factory=dict)
    index: int = 0
    total: int = 1
    fail_fast: bool = True
    max_parallel: int = 0
    needs: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    named: bool = False
    group: str = ""
    cancels: bool = False
    flow_group: str = ""


def github(
    host: RunnerContext, workflow: Workflow, job: str = "", number: int = 1
) -> dict[str, Any]:
    """Give the github context."""
    return {
        "event_name": "devloop",
        "event": {},
        "workspace": host.workspace,
        "workflow": workflow.name or workflow.path,
        "job": job,
        "run_id": str(number),
        "run_number": str(number),
        "run_attempt": "1",
        "repository": f"local/{host.project}",
        "repository_owner": "local",
        "actor": "devloop",
        "sha": host.sha,
        "ref": host.ref,
        "ref_name": host.ref.removeprefix("refs/heads/").removeprefix("refs/tags/"),
        "ref_type": "tag" if host.ref.startswith("refs/tags/") else "branch",
        "head_ref": "",
        "base_ref": "",
        "server_url": "https://github.com",
        "api_url": "https://api.github.com",
        "token": "",
    }


def of_job(
    host: RunnerContext, order: JobOrder, folder: str, inputs: Mapping[str, str], action: str = ""
) -> dict[str, Any]:
    """Give the contexts that steps share: those of a job, or of the action in this folder."""
    known = github(host, order.workflow, order.job.id, order.number)
    return {
        "github": {**known, "action_path": action} if action else known,
        "inputs": dict(inputs),
        "vars": {},
        "secrets": dict(host.secrets) if order.named else {},
        "needs": dict(order.needs),
        "matrix": dict(order.row),
        "strategy": {
            "fail-fast": order.fail_fast,
            "job-index": order.index,
            "job-total": order.total,
            "max-parallel": order.max_parallel or order.total,
        },
        "runner": {
            "os": "Linux",
            "arch": host.arch,
            "name": "devloop",
            "temp": f"{folder}/temp",
            "tool_cache": "/opt/hostedtoolcache",
            "debug": "",
            "environment": "self-hosted",
        },
    }


def variables(
    contexts: Mapping[str, Any], order: JobOrder, base: str, action: str
) -> dict[str, str]:
    """Give what a step finds in its environment before anything that the user wrote."""
    found = {
        f"GITHUB_{key.upper()}": str(value)
        for key, value in contexts["github"].items()
        if key not in ("event", "token")
    }
    runner = contexts["runner"]
    changed = "\n".join(order.files[:MOST_CHANGED])
    return {
        **found,
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTION": action,
        "GITHUB_OUTPUT": f"{base}.output",
        "GITHUB_ENV": f"{base}.env",
        "GITHUB_PATH": f"{base}.path",
        "GITHUB_STATE": f"{base}.state",
        "GITHUB_STEP_SUMMARY": f"{base}.summary",
        "RUNNER_OS": runner["os"],
        "RUNNER_ARCH": runner["arch"],
        "RUNNER_NAME": runner["name"],
        "RUNNER_TEMP": runner["temp"],
        "RUNNER_TOOL_CACHE": runner["tool_cache"],
        "DEVLOOP_CHANGED_FILES": changed,
    }


def directory(workspace: str, path: str) -> str:
    """Give where a step runs, absolute in the container."""
    return posixpath.normpath(posixpath.join(workspace, path))
