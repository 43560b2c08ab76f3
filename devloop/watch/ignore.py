"""What is of no interest: to the watcher, the walk and the snapshot alike.

In this order: nothing below a VCS folder or ``.devloop`` ever counts; what ``always`` names does;
built-in names and kept paths do not; what lies below something that ``always`` names does; then
the ``.gitignore`` files decide, the deepest first, as git reads them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from pathspec import GitIgnoreSpec

from devloop.stacks.registry import TOOL_FOLDERS
from devloop.watch import named
from devloop.watch.named import upwards

NEVER = frozenset({".git", ".hg", ".svn", ".jj", ".bzr", "CVS", ".devloop"})
GITIGNORE = ".gitignore"
FOLDERS_KNOWN = 1 << 16
ABOVE = "ps_d"
"""pathspec's name for the slash after a folder that matched."""
ANY_FOLDER = ("*/", "!*/", "**/", "!**/")

TEMPORARY = re.compile(
    r"""4913            # vim asks with it whether it may write here
    | .*~               # backups of vim, emacs and others
    | \..*\.sw.         # vim's swap files
    | \.\#.*            # emacs: locks
    | \#.*\#            # emacs: autosaves
    | .*___jb_(tmp|old)___
    | \.goutputstream-.*
    | \..*\.kate-swp
    """,
    re.VERBOSE | re.DOTALL,
)
"""Names that only editors use, matched as a whole."""


@dataclass(frozen=True)
class Ignores:
    """What to leave out.

    ``keep`` are the container's own paths; ``always`` are paths or patterns (``*`` ``?`` ``[]``
    within a name, ``**`` for any number of folders) that count even if git ignores them;
    ``gitignores`` maps a folder (empty for the root) to the text of its .gitignore.
    """

    keep: tuple[str, ...] = ()
    always: tuple[str, ...] = ()
    gitignores: Mapping[str, str] = field(default_factory=dict)
    _pruned: dict[str, bool] = field(default_factory=dict, init=False, repr=False, compare=False)
    _shut: dict[str, bool] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Answers on folders: they never change, so they are found once."""

    def ignored(self, path: str) -> bool:
        """Say whether an event on this file (relative, with ``/``) is of no interest."""
        if self._never(path):
            return True
        if self.names(path):
            return False
        name = path.rpartition("/")[2]
        if self._built_in(path) or TEMPORARY.fullmatch(name):
            return True
        if self._below_named(path):
            return False
        folder = path.rpartition("/")[0]
        if name == GITIGNORE:
            return bool(folder) and self.prunes(folder)
        return self._excluded(folder) or self._by_git(path)

    def prunes(self, folder: str) -> bool:
        """Say whether nothing below this folder is of interest: no walk, no watch."""
        known = self._pruned.get(folder)
        if known is None:
            known = self._prunes(folder)
            _remember(self._pruned, folder, known=known)
        return known

    def names(self, path: str) -> bool:
        """Say whether ``always`` names this very path."""
        return any(one.matches(path) for one in named.read(self.always))

    def with_gitignores(self, gitignores: Mapping[str, str]) -> Ignores:
        """Give the same with other .gitignore files."""
        return Ignores(self.keep, self.always, gitignores)

    def _prunes(self, folder: str) -> bool:
        if self._never(folder):
            return True
        if any(one.leads(folder) for one in named.read(self.always)):
            return False
        if self._built_in(folder) or self._below_named(folder):
            return self._built_in(folder)
        return self._excluded(folder)

    def _never(self, path: str) -> bool:
        return not NEVER.isdisjoint(path.split("/"))

    def _below_named(self, path: str) -> bool:
        return any(self.names(above) for above in upwards(path))

    def _built_in(self, path: str) -> bool:
        """Say whether a folder that tools fill, or a kept path, is above; unless it is named."""
        kept = named.cleaned(self.keep)
        return any(
            (above.rpartition("/")[2] in TOOL_FOLDERS or above in kept) and not self.names(above)
            for above in upwards(path)
        )

    def _excluded(self, folder: str) -> bool:
        """Say whether git excludes a folder or one above it, whatever ``always`` names there."""
        known = False
        for at in reversed(list(upwards(folder))):
            found = self._shut.get(at)
            if found is None:
                found = known or self._by_git(at, is_folder=True)
                _remember(self._shut, at, known=found)
            known = found
        return known

    def _by_git(self, path: str, *, is_folder: bool = False) -> bool:
        for text, inner in self._gitignores_above(path):
            found = _verdict(text, inner, is_folder=is_folder)
            if found is not None:
                return found
        return False

    def _gitignores_above(self, path: str) -> Iterator[tuple[str, str]]:
        """Give each .gitignore's text and the path as seen from there, the deepest first."""
        for above in (*upwards(path.rpartition("/")[0]), ""):
            if above in self.gitignores:
                yield self.gitignores[above], path[len(above) + 1 :] if above else path


def _remember(memo: dict[str, bool], folder: str, *, known: bool) -> None:
    if len(memo) > FOLDERS_KNOWN:
        memo.clear()
    memo[folder] = known


@lru_cache(maxsize=1024)
def _lines(text: str) -> tuple[tuple[str, Any], ...]:
    """Give the lines that say something, the last first, each with its pattern.

    Lines that git would not understand are passed over.
    """
    found = []
    for raw in text.removeprefix("\ufeff").split("\n"):
        line = raw.removesuffix("\r")
        try:
            patterns = GitIgnoreSpec.from_lines([line]).patterns
        except (ValueError, re.error):
            continue
        found += [(line.strip(), one) for one in patterns if one.include is not None]
    return tuple(reversed(found))


def _verdict(text: str, path: str, *, is_folder: bool) -> bool | None:
    """Say whether a .gitignore excludes a path itself, None if it says nothing.

    The last line that matches decides.
    """
    for line, pattern in _lines(text):
        if _hits(line, pattern, path, is_folder=is_folder):
            return bool(pattern.include)
    return None


def _hits(line: str, pattern: Any, path: str, *, is_folder: bool) -> bool:  # noqa: ANN401
    """Say whether a pattern matches a path itself; folders above were asked for before.

    ``x/**`` excludes what is in x and not x, but taken back (``!x/**``) it lets x through, against
    git: nobody writes it so that nothing happens.
    """
    inside = pattern.include and line.endswith("/**")
    asked = path + "/" if is_folder and not inside else path
    match = pattern.regex.search(asked)
    if match is None:
        return False
    mark = match.groupdict().get(ABOVE)
    return not mark or match.end(ABOVE) == len(asked) or (is_folder and line in ANY_FOLDER)
