"""What Maven and Gradle have in common: the questions that ``stack`` asks them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from devloop.model import Command
from devloop.stacks.base import Snapshot


@dataclass(frozen=True)
class BuildFacts:
    """What the build files say: Java's version, the framework, the modules' folders.

    ``application`` is the folder of the module that is started, empty for the project itself.
    ``wrapper``: the build tool is started by the project's own script; ``tool`` is its version.
    ``starts``: the build files say themselves what is started.
    """

    java: str = ""
    framework: str = ""
    folders: tuple[str, ...] = ("",)
    application: str = ""
    wrapper: bool = False
    starts: bool = False
    tool: str = ""


class BuildTool(Protocol):
    """A build tool: a module with these names.

    ``HOME`` is the folder of its repository, ``KEEP`` are the folders that each module's build
    fills, ``ENV`` is what points the tool at its home.
    """

    NAME: str
    HOME: str
    KEEP: tuple[str, ...]
    ENV: tuple[tuple[str, str], ...]

    def is_here(self, snapshot: Snapshot) -> bool:
        """Say whether the project is built with it."""

    def wanted(self, snapshot: Snapshot) -> tuple[str, ...]:
        """Name the files whose bytes are needed."""

    def manifests(self, snapshot: Snapshot) -> tuple[str, ...]:
        """Name the files that the install reads, whether they are there or not."""

    def read(self, snapshot: Snapshot) -> BuildFacts:
        """Read the build files."""

    def image(self, found: BuildFacts, java: str) -> str:
        """Give the image that has the tool and this Java."""

    def install(self, found: BuildFacts) -> str:
        """Give the shell line that fetches the dependencies."""

    def run(self, found: BuildFacts, main: str) -> Command:
        """Give the command that compiles and starts the app; ``main`` is its class."""

    def package(self, found: BuildFacts, main: str) -> str:
        """Give the shell line that puts what is shipped into /opt/app."""
