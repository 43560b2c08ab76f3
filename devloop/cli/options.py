"""The options that several verbs share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """How a verb that runs for a while reports."""

    AUTO = "auto"
    TUI = "tui"
    PLAIN = "plain"
    JSON = "json"
    GITHUB = "github"


class Output(StrEnum):
    """How a verb that answers once does so."""

    PLAIN = "plain"
    JSON = "json"


class Editor(StrEnum):
    """For which editor `init` writes files."""

    VSCODE = "vscode"
    ZED = "zed"
    NEOVIM = "neovim"
    JETBRAINS = "jetbrains"


class Cache(StrEnum):
    """Where the layers of an image that is shipped are kept."""

    REGISTRY = "registry"
    GHA = "gha"


Tag = Annotated[str, typer.Option("--tag", "-t", help="the image to ship, user/name:version")]
Push = Annotated[bool, typer.Option("--push", help="push it")]
Kept = Annotated[Cache | None, typer.Option("--cache", help="keep its layers with it, or in gha")]
Folder = Annotated[Path, typer.Argument(help="the project folder", show_default=False)]
Reporting = Annotated[
    Format, typer.Option("--format", help="how to report; auto: a live view in a terminal")
]
Answering = Annotated[Output, typer.Option("--format", help="text for people, or one JSON object")]
Files = Annotated[
    list[str] | None, typer.Option("--file", "-f", help="a compose file, once or several times")
]
Targets = Annotated[
    list[str] | None,
    typer.Argument(help="the project folder, services of its compose file", show_default=False),
]
Here = Annotated[Path, typer.Option("--project", "-C", help="the project folder")]
