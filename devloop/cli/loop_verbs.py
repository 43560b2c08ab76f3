"""The Typer commands of the verbs that deal with a running loop and its containers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from devloop.cli.options import Answering, Folder, Format, Here, Output, Reporting

Service = Annotated[str, typer.Argument(help="only this service's", show_default=False)]
OfService = Annotated[str, typer.Option("--service", "-s", help="which one, of several")]

verbs = typer.Typer(rich_markup_mode=None)


@verbs.command()
def attach(path: Folder = Path(), *, report: Reporting = Format.AUTO) -> None:
    """Show what the running loop does; Ctrl-C leaves it alone."""
    from devloop.cli import attach as verb  # noqa: PLC0415

    raise typer.Exit(verb.attach(path, report.value))


@verbs.command()
def status(path: Folder = Path(), *, output: Answering = Output.PLAIN) -> None:
    """Say where the running loop is; the exit code is 1 if none runs."""
    from devloop.cli import status as verb  # noqa: PLC0415

    raise typer.Exit(verb.status(path, output.value))


@verbs.command()
def restart(
    path: Folder = Path(), *, service: OfService = "", report: Reporting = Format.AUTO
) -> None:
    """Have the running loop start the app anew, and wait until it is there."""
    from devloop.cli import restart as verb  # noqa: PLC0415

    raise typer.Exit(verb.restart(path, service, report.value))


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


@verbs.command()
def ps(
    service: Service = "",
    *,
    project: Here = Path(),
    output: Annotated[
        str, typer.Option("--format", help="table, json, or a Go template: '{{.Name}}'")
    ] = "table",
) -> None:
    """List the project's containers with state, ports, processor and memory."""
    from devloop.cli import ps as verb  # noqa: PLC0415

    raise typer.Exit(verb.ps(project, service, output))


@verbs.command()
def logs(
    service: Service = "",
    *,
    project: Here = Path(),
    follow: Annotated[bool, typer.Option("--follow", "-f", help="go on until Ctrl-C")] = False,
    since: Annotated[str, typer.Option(help="10m, or a date and time", show_default=False)] = "",
    tail: Annotated[str, typer.Option("--tail", "-n", help="so many lines, or all")] = "all",
) -> None:
    """Print what the app has written."""
    from devloop.cli import logs as verb  # noqa: PLC0415

    raise typer.Exit(verb.show(project, service, follow=follow, since=since, tail=tail))


PASSING = {"ignore_unknown_options": True, "allow_interspersed_args": False}


@verbs.command("exec", context_settings=PASSING)
def execute(
    command: Annotated[list[str], typer.Argument(help="the command and its arguments")],
    *,
    project: Here = Path(),
    service: OfService = "",
    env: Annotated[list[str] | None, typer.Option("--env", "-e", help="NAME=value")] = None,
    workdir: Annotated[str, typer.Option("--workdir", "-w", help="where to run it")] = "",
    no_tty: Annotated[bool, typer.Option("--no-tty", "-T", help="without a terminal")] = False,
) -> None:
    """Run a command in the app's container; the exit code is the command's."""
    from devloop.cli import exec as verb  # noqa: PLC0415

    raise typer.Exit(
        verb.execute(
            project,
            tuple(command),
            service=service,
            env=tuple(env or ()),
            workdir=workdir,
            plain=no_tty,
        )
    )


@verbs.command()
def shell(*, project: Here = Path(), service: OfService = "") -> None:
    """Open a shell in the app's container: bash, else sh."""
    from devloop.cli import exec as verb  # noqa: PLC0415

    raise typer.Exit(verb.execute(project, verb.SHELL, service=service))


@verbs.command()
def clean(
    path: Folder = Path(),
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would go")] = False,
) -> None:
    """Remove all that was made for the project: containers, volumes, images."""
    from devloop.cli import clean as verb  # noqa: PLC0415

    raise typer.Exit(verb.clean(path, dry_run=dry_run))


@verbs.command()
def doctor(path: Folder = Path(), *, output: Answering = Output.PLAIN) -> None:
    """Look at what devloop needs of this machine, and say how to mend what is missing."""
    from devloop.cli import doctor as verb  # noqa: PLC0415

    raise typer.Exit(verb.doctor(path, output.value))
