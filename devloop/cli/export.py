"""`devloop export compose`: the single-app project for those who don't have devloop."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from devloop.cli import project as projects
from devloop.errors import UserError
from devloop.project.state import env_file
from devloop.scaffold.compose import Exported, exported
from devloop.target import settings as settings_of
from devloop.watch import tree


def compose(path: Path) -> int:
    """Print a compose.yaml with develop.watch; gives the exit code.

    Raises ``UserError`` if the project has no Dockerfile of its own.
    """
    root = projects.folder(path)
    inspection = projects.look(root)
    if inspection.generated:
        raise UserError(
            "there is no Dockerfile to export the project with", hint="`devloop init` writes one"
        )
    app, spec = inspection.config.app, inspection.wanted.spec
    text = tree.read(root, app.env_file) if app.env_file else None
    secret = dict(env_file((text or b"").decode("utf-8", "replace")))
    env = tuple(one for one in spec.env if one in app.env or one[0] not in secret)
    inputs = tuple(
        sorted(set(inspection.wanted.fingerprint.entries) - {inspection.dockerfile_path})
    )
    settings = settings_of.of("", None, replace(spec, env=env), {})
    found = Exported(
        name=projects.named(root, inspection).name,
        dockerfile=inspection.dockerfile_path,
        target=inspection.inputs.target,
        args=dict(app.build_args),
        settings=replace(settings, stdin=False),
        mount=spec.mount,
        keep=spec.keep,
        inputs=inputs,
        reload=inspection.reload.kind,
        env_file=app.env_file,
    )
    sys.stdout.write(exported(found))
    return 0
