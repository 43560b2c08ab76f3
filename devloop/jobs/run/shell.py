"""The commands that the runner sends to the shell that waits in the container, as text.

The shell reads POSIX commands from its stdin, so it works in any image with ``sh``. Each step runs
in a session of its own, whose number it tells before anything else, and under an ID in its
environment, by which what escapes the session is found. Lines of the runner bear a nonce.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

FILES = ("output", "env", "path", "state", "summary")
LIMIT = 1 << 20
TRACKING_ID = "DEVLOOP_JOB_ID"
DEFAULT = "default"

NO_BASH = "this image has no bash: install it, or write `shell: sh`"
NO_PROGRAM = 127

START = (
    'printf "%s pid %s\\n" "$1" "$$"; shift; '
    'if command -v setsid >/dev/null; then exec setsid "$@"; else exec "$@"; fi'
)

HUNT = """\
tracked() { for e in $(grep -Fls "$tracks" /proc/[0-9]*/environ 2>/dev/null); do
  e=${e#/proc/}; echo "${e%/environ}"; done; }
grouped() { for g in $groups; do kill -0 "-$g" 2>/dev/null && echo "-$g"; done; }
send() { for p in $(grouped) $([ "$1" = INT ] || tracked); do kill "-$1" "$p" 2>/dev/null; done; }
gone() { n=0; while [ -n "$(grouped)$(tracked)" ]; do
  n=$((n + 1)); [ "$n" -lt 14 ] || return 1; sleep 0.06 2>/dev/null || sleep 1; done; }
"""


def begin(folder: str) -> str:
    """Make the folder of a run, for its user alone, if another shell of the run has not."""
    return f"mkdir -p -m 700 {folder} && mkdir -p {folder}/temp\n"


def step(  # noqa: PLR0913, PLR0917 - all that a step is made of
    folder: str,
    name: str,
    nonce: str,
    argv: tuple[str, ...],
    script: str,
    directory: str,
    env: Mapping[str, str],
    paths: tuple[str, ...] = (),
) -> str:
    """Run one step's script; its end is ``nonce exit code``, then the files that it wrote."""
    base = f"{folder}/{name}"
    files = " ".join(f"{base}.{kind}" for kind in FILES)
    variables = " ".join(shlex.quote(f"{key}={value}") for key, value in env.items())
    if paths:
        variables += f' PATH={shlex.quote(":".join(paths))}:"$PATH"'
    command = " ".join(_word(word, f"{base}.script") for word in argv)
    if argv[0] == DEFAULT:
        rest = " ".join(_word(word, f"{base}.script") for word in argv[1:])
        command = f"$(command -v bash || echo sh) {rest}"
    start = f"sh -c {shlex.quote(START)} devloop {nonce} env {variables} {command}"
    read = "".join(
        f"[ -s {base}.{kind} ] && {{ echo; echo {nonce} file {kind};"
        f" head -c {LIMIT} {base}.{kind}; }}\n"
        for kind in FILES
    )
    return (
        f"for f in {files}; do : >$f; done\n"
        f"printf %s {shlex.quote(script)} >{base}.script\n"
        f"( cd {shlex.quote(directory)} && {start} ) </dev/null 2>&1\n"
        f"echo {nonce} exit $?\n{read}echo; echo {nonce} end\nrm -f {base}.*\n"
    )


def _word(word: str, script: str) -> str:
    return shlex.quote(word.replace("{0}", script))


def end(folder: str, nonce: str) -> str:
    """Remove the folder and leave."""
    return f"rm -rf {folder}; echo {nonce} bye; exit\n"


def leave() -> str:
    """Leave a shell whose folder another one removes."""
    return "exit\n"


def kill(tracking_ids: tuple[str, ...], groups: tuple[int, ...], *, gently: bool) -> str:
    """End what has these tracking IDs: SIGINT, 1 s, SIGTERM, 1 s, SIGKILL; at once if not gently.

    A tracking ID ends in a dot, so that the first step's is not the beginning of the tenth's.
    """
    wanted = "\n".join(f"{TRACKING_ID}={one}" for one in tracking_ids)
    head = f"tracks='{wanted}'; groups='{' '.join(map(str, groups))}'\n{HUNT}"
    if not gently:
        return head + "send KILL; gone\n"
    return head + "send INT; gone || { send TERM; gone; } || { send KILL; gone; }\n"


def argv(shell: str) -> tuple[str, ...]:
    """Give how a script is run by a shell; raises ``ValueError`` if it cannot be."""
    known = {
        "": (DEFAULT, "-e", "{0}"),
        "bash": ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "{0}"),
        "sh": ("sh", "-e", "{0}"),
        "python": ("python", "{0}"),
    }
    if shell in known:
        return known[shell]
    words = tuple(shlex.split(shell))
    if not any("{0}" in word for word in words):
        raise ValueError(f"the shell `{shell}` needs {{0}} for the script")
    return words
