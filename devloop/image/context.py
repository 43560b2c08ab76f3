"""Which files go into the build context: those that the build can reach, less the ignored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from devloop.image.inputs import ImageInputs

STATE_FOLDER = ".devloop"
GENERATED_DOCKERFILE = ".devloop-dockerfile"
GENERATED_IGNORE = ".devloop-dockerfile.dockerignore"


def members(inputs: ImageInputs, paths: Iterable[str]) -> Iterator[str]:
    """Yield the paths of the context, sorted, so that the same tree gives the same archive."""
    for path in sorted(paths):
        if path.split("/", 1)[0] != STATE_FOLDER and inputs.reaches(path):
            yield path
