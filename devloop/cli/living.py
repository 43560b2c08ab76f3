"""The words of the verbs that deal with what runs already: its life, its logs, its inside."""

from __future__ import annotations

from pathlib import Path

import typer

from devloop.cli.options import Answering, Folder, Format, Output, Reporting

verbs = typer.Typer(rich_markup_mode=None)


@verbs.command()
def attach(path: Folder = Path(), *, report: Reporting = Format.AUTO) -> None:
    """Show what the running loop does; Ctrl-C leaves it alone."""
    from devloop.cli import talk  # noqa: PLC0415

    raise typer.Exit(talk.attach(path, report.value))


@verbs.command()
def status(path: Folder = Path(), *, output: Answering = Output.PLAIN) -> None:
    """Say where the running loop is; the exit code is 1 if none runs."""
    from devloop.cli import talk  # noqa: PLC0415

    raise typer.Exit(talk.status(path, output.value))


@verbs.command()
def restart(path: Folder = Path(), *, report: Reporting = Format.AUTO) -> None:
    """Have the running loop start the app anew, and wait until it is there."""
    from devloop.cli import talk  # noqa: PLC0415

    raise typer.Exit(talk.restart(path, report.value))


@verbs.command()
def stop(path: Folder = Path()) -> None:
    """End the loop and stop the app: its stop signal, after the grace SIGKILL."""
    from devloop.cli import stop as verb  # noqa: PLC0415

    raise typer.Exit(verb.stop(path))


@verbs.command()
def kill(path: Folder = Path()) -> None:
    """End the loop and the app at once."""
    from devloop.cli import stop as verb  # noqa: PLC0415

    raise typer.Exit(verb.kill(path))
