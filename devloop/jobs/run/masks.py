"""Hides secret values in everything that is reported."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote

STARS = "***"


class Masks:
    """The values to hide, in every form that is looked for: whole, by lines, encoded."""

    def __init__(self, values: tuple[str, ...] = ()) -> None:
        self._forms: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None
        for value in values:
            self.add(value)

    def add(self, value: str) -> None:
        """Hide a value from now on: whole, each of its lines, and encoded."""
        forms = {
            form for one in (value, *value.splitlines()) if one.strip() for form in _forms(one)
        }
        if forms <= self._forms:
            return
        self._forms |= forms
        longest = sorted(self._forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, longest)))

    def hide(self, text: str) -> str:
        """Give a text with stars for each secret."""
        return self._pattern.sub(STARS, text) if self._pattern else text

    @property
    def longest(self) -> int:
        """Give the length of the longest text that is hidden."""
        return max(map(len, self._forms), default=0)

    def within(self, text: str) -> bool:
        """Say whether a text holds a secret."""
        return bool(self._pattern and self._pattern.search(text))


def _forms(value: str) -> set[str]:
    encoded = base64.b64encode(value.encode("utf-8", "replace")).decode("ascii")
    return {value, value.strip(), json.dumps(value)[1:-1], quote(value, safe=""), encoded}
