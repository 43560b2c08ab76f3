"""The secrets that jobs name, from the environment of the verb that runs them."""

from __future__ import annotations

import os
import re

from devloop.jobs.schedule.graph import Jobs


def secrets_of(found: Jobs) -> dict[str, str]:
    """Give the secrets that the jobs name, from this process's environment."""
    named = re.findall(r"secrets\s*(?:\.\s*|\[\s*')([A-Za-z_]\w*)", repr(found.workflows))
    return {name: os.environ[name] for name in named if name in os.environ}
