"""All rules of `devloop check`, and what becomes of what they find."""

from __future__ import annotations

from devloop.check import image_rules, server_rules
from devloop.check.subject import CheckSubject, Edit, Finding, Rule

RULES: tuple[Rule, ...] = (
    image_rules.source_before_install,
    image_rules.manifest_not_copied,
    image_rules.manifest_ignored,
    image_rules.no_workdir,
    image_rules.root_user,
    image_rules.unpinned_base,
    server_rules.server_on_localhost,
)


def check(subject: CheckSubject) -> tuple[Finding, ...]:
    """Give all findings, by file and line."""
    found = [one for rule in RULES for one in rule(subject)]
    return tuple(sorted(found, key=lambda one: (one.path, one.line, one.rule)))


def mended(text: str, edit: Edit) -> str:
    """Make one edit of a file, which keeps its kind of line ends."""
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines()
    lines[edit.start - 1 : edit.end - 1] = edit.lines
    return end.join([*lines, ""])
