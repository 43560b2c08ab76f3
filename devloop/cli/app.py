"""The command line: commands, options and help, and the one place where errors become exit codes.

Verbs import what they need when they run: completion runs this file on every TAB.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from devloop.cli import loop_verbs
from devloop.cli.options import (
    Answering,
    Editor,
    Files,
    Folder,
    Format,
    Here,
    Kept,
    Output,
    Push,
    Reporting,
    Tag,
    Targets,
)
from devloop.errors import ConfigError, DevloopError, HostError, unexpected

app = typer.Typer(
    name="devloop",
    help="Your CI, on every save: a container dev loop that rebuilds only when it must.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


debugging = False


@app.callback()
def main(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="show tracebacks")] = False,
    version: Annotated[bool, typer.Option("--version", help="print the version")] = False,
) -> None:
    """Take the options of all verbs."""
    global debugging  # noqa: PLW0603 - read once, where errors become exit codes
    debugging = debug
    if version:  # pragma: no cover - `devloop --version` alone is answered before typer is imported
        from devloop import __version__  # noqa: PLC0415

        typer.echo(f"devloop {__version__}")
        raise typer.Exit


@app.command()
def init(
    path: Folder = Path(),
    *,
    force: Annotated[bool, typer.Option("--force", help="overwrite files that exist")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="write nothing")] = False,
    editor: Annotated[
        list[Editor] | None, typer.Option("--editor", help="write tasks and debuggers for it too")
    ] = None,
    compose: Annotated[
        bool, typer.Option("--compose", help="write a compose.yaml with the services it uses")
    ] = False,
    template: Annotated[
        Path | None,
        typer.Option("--template", metavar="FOLDER", help="templates to take in place of ours"),
    ] = None,
    output: Answering = Output.PLAIN,
) -> None:
    """Write a Dockerfile, .dockerignore and devloop.yaml for the stack found."""
    from devloop.cli import init as verb  # noqa: PLC0415
    from devloop.cli import project  # noqa: PLC0415

    root = project.folder(path)
    raise typer.Exit(
        verb.init(
            Path(root),
            project.bare_snapshot(root),
            force=force,
            dry_run=dry_run,
            output=output.value,
            editors=tuple(one.value for one in editor or ()),
            compose=compose,
            templates=template,
        )
    )


@app.command()
def up(
    targets: Targets = None,
    *,
    file: Files = None,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="go on in the background once it is ready")
    ] = False,
    debug_port: Annotated[
        int | None,
        typer.Option("--debug-port", min=1, max=65535, help="let a debugger attach here"),
    ] = None,
    report: Reporting = Format.AUTO,
) -> None:
    """Build, run, watch and hot-reload; Ctrl-C stops it all."""
    chosen = tuple(targets or ()), tuple(file or ())
    if detach:
        from devloop.cli import detach as detaching  # noqa: PLC0415

        raise typer.Exit(detaching.detached(*chosen, report.value, debug_port))
    from devloop.cli import up as verb  # noqa: PLC0415

    raise typer.Exit(verb.up(*chosen, report.value, debug_port))


@app.command()
def build(
    targets: Targets = None,
    *,
    file: Files = None,
    tag: Tag = "",
    push: Push = False,
    cache: Kept = None,
    report: Reporting = Format.AUTO,
) -> None:
    """Build the image only; with a tag the one that is shipped, not the one that the loop runs."""
    from devloop.cli import build as verb  # noqa: PLC0415

    shipped = tag, push, cache.value if cache else ""
    raise typer.Exit(verb.build(tuple(targets or ()), tuple(file or ()), report.value, shipped))


@app.command()
def check(
    path: Folder = Path(),
    *,
    fix: Annotated[bool, typer.Option("--fix", help="mend what is safe to mend")] = False,
    output: Answering = Output.PLAIN,
) -> None:
    """Lint the Dockerfile, its ignore file and devloop.yaml."""
    from devloop.cli import check as verb  # noqa: PLC0415

    raise typer.Exit(verb.check(path, output.value, fix=fix))


@app.command()
def plan(
    paths: Annotated[list[str] | None, typer.Argument(help="files; without any, `up`")] = None,
    *,
    project: Here = Path(),
    output: Answering = Output.PLAIN,
) -> None:
    """Say what a change of these files would cause, and why."""
    from devloop.cli import plan as verb  # noqa: PLC0415

    raise typer.Exit(verb.plan(project, tuple(paths or ()), output.value))


@app.command()
def fingerprint(path: Folder = Path(), *, output: Answering = Output.PLAIN) -> None:
    """Print the fingerprint of the image and its inputs."""
    from devloop.cli import fingerprint as verb  # noqa: PLC0415

    raise typer.Exit(verb.fingerprint(path, output.value))


@app.command()
def watch(path: Folder = Path(), *, report: Reporting = Format.AUTO) -> None:
    """Print the changes that the loop would see."""
    from devloop.cli import project  # noqa: PLC0415
    from devloop.cli import watch as verb  # noqa: PLC0415

    root = project.folder(path)
    settings, ignores = project.watching(root)
    raise typer.Exit(verb.run(root, settings, ignores, report.value, sys.stdout))


@app.command()
def jobs(
    names: Annotated[list[str] | None, typer.Argument(help="jobs; without any, all")] = None,
    *,
    project: Here = Path(),
    report: Reporting = Format.AUTO,
) -> None:
    """Run jobs once, in the container of `up` or in one of the same image."""
    from devloop.cli import jobs as verb  # noqa: PLC0415

    raise typer.Exit(verb.jobs(project, tuple(names or ()), report.value))


@app.command()
def ci(
    path: Folder = Path(),
    *,
    jobs: Annotated[str, typer.Option("--jobs", help="jobs, separated by commas; else all")] = "",
    tag: Tag = "",
    push: Push = False,
    cache: Kept = None,
    report: Reporting = Format.AUTO,
) -> None:
    """Check, build, start and run every job once; the exit code is for CI."""
    from devloop.cli import ci as verb  # noqa: PLC0415

    shipped = tag, push, cache.value if cache else ""
    names = tuple(filter(None, jobs.split(",")))
    raise typer.Exit(verb.ci(path, names, shipped, report.value))


@app.command()
def down(
    path: Folder = Path(),
    *,
    file: Files = None,
    volumes: Annotated[
        bool, typer.Option("--volumes", "-v", help="a Compose project's volumes too")
    ] = False,
) -> None:
    """End the project's loop and remove its containers."""
    from devloop.cli import down as verb  # noqa: PLC0415

    raise typer.Exit(verb.down(path, tuple(file or ()), volumes=volumes))


exports = typer.Typer(help="Write the project for another tool.", no_args_is_help=True)
app.add_typer(exports, name="export")
app.add_typer(loop_verbs.verbs)


@exports.callback()
def export() -> None:
    """Write the project for another tool."""


@exports.command("compose")
def export_compose(path: Folder = Path()) -> None:
    """Print a compose.yaml with develop.watch, for those who don't have devloop."""
    from devloop.cli import export as verb  # noqa: PLC0415

    raise typer.Exit(verb.compose(path))


def run(arguments: list[str]) -> int:
    """Run the command line; gives the exit code (docs/events.md)."""
    try:
        app(arguments, standalone_mode=True)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    except DevloopError as error:
        tell(error)
        return error.exit_code
    except OSError as error:
        return _system(error)
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - the last resort: a sentence, not a traceback
        return _unexpected(error)
    return 0


def tell(error: DevloopError) -> None:
    """Write an error for people: one sentence, where, and what to do; all of a file's at once."""
    if debugging:
        import traceback  # noqa: PLC0415

        traceback.print_exception(error)
    problems = error.problems if isinstance(error, ConfigError) else (error,)
    for problem in problems:
        hint = f" ({problem.hint})" if problem.hint else ""
        sys.stderr.write(f"devloop: error: {problem}{hint}\n")


def _system(error: OSError) -> int:
    import errno  # noqa: PLC0415

    if error.errno == errno.EPIPE:  # whoever read the output has gone
        return 0
    where = f"{error.filename}: " if error.filename else ""
    what = HostError(f"{where}{error.strerror or error}")
    if error.errno == errno.ENOSPC:
        what = HostError("the disk is full", hint="free some space")
    if debugging:
        raise error
    tell(what)
    return what.exit_code


def _unexpected(error: Exception) -> int:
    if debugging:
        raise error
    tell(
        DevloopError(
            unexpected(error),
            hint="run it again with `devloop --debug …` and report what it prints",
        )
    )
    return 1
