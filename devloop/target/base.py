"""What the loop needs of whatever can run an app."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from devloop.events import Event
from devloop.jobs.run.surroundings import JobSurroundings
from devloop.loop.decide import actions as do
from devloop.loop.decide.inputs import AnyInput
from devloop.project.state import Inspection

Post = Callable[[AnyInput], None]
"""Puts what has happened into the loop's queue; may be called from every thread."""

Report = Callable[[Event], None]


class Target(Protocol):
    """Runs the apps of a project.

    No method waits: each sets something going, whose end is posted as an input, its failure too.
    A save needs no word where the folder is mounted; a target without mounts has to send it.
    """

    def ensure_image(self, order: do.EnsureImage, inspection: Inspection) -> None:
        """Have an image; posts ``ImageReady`` or ``ImageFailed``."""

    def cancel_build(self, order: do.CancelBuild) -> None:
        """Cancel a build, whose end is then not posted."""

    def bring_up(self, order: do.BringUp) -> None:
        """Have containers run; posts ``HandedOver`` or ``HandOverFailed`` for each developed one.

        ``BroughtUp`` comes last.
        """

    def restart(self, order: do.RestartApp) -> None:
        """Start an app anew in its container; posts ``AppStarted`` or ``RestartFailed``."""

    def reload(self, order: do.ReloadApp) -> None:
        """Have an app reload by its own means; posts ``ReloadFailed`` if that fails."""

    def probe(self, order: do.Probe) -> None:
        """Wait until a start of an app answers; posts ``AppReady``, or before ``AppSlow``."""

    def reconnect(self) -> None:
        """Wait until containers can be run again; posts ``EngineFound``."""

    def surroundings(self, root: str) -> JobSurroundings:
        """Give what jobs run with: shells in containers, the files of the project in ``root``."""

    def quit(self) -> None:
        """Stop the apps within their grace and leave nothing behind; this one waits."""

    def kill(self) -> None:
        """Stop at once: the user asked a second time."""
