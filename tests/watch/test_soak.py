"""Long runs: very many saves from several processes, and memory that stays as it is."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from devloop.config.settings import Watch
from tests.watch.watching import put, watching

SAVES = 50_000
"""By each of two processes."""
FILES = 200
SECONDS = 60
GROWTH_KIB = 4096
WRITER = """
import os, random, sys, time
root, name, saves, files, seconds = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
begin = time.monotonic()
for number in range(saves):
    path = f"{root}/d{number % 17}/{name}{number % files}.py"
    if number % 3:
        with open(path, "w") as stream:
            stream.write(f"{name} {number}")
    else:
        with open(path + ".new~", "w") as stream:
            stream.write(f"{name} {number}")
        os.replace(path + ".new~", path)
    ahead = begin + number * seconds / saves - time.monotonic()
    if ahead > 0:
        time.sleep(ahead)
"""


def resident() -> int:
    """Give this process's memory in KiB."""
    gc.collect()
    text = Path("/proc/self/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads memory from /proc")
@pytest.mark.parametrize("settings", [Watch(), Watch(quiet=0.0)], ids=["default", "at once"])
def test_the_last_of_100_000_saves_is_told_and_memory_does_not_grow(
    tmp_path: Path, settings: Watch
) -> None:
    root = tmp_path / "project"
    put(root, *(f"d{number}/x.py" for number in range(17)))
    with watching(root, settings) as eye:
        sizes: list[int] = []
        ended = threading.Event()

        def run() -> None:
            command = [sys.executable, "-c", WRITER, str(root)]
            both = [
                subprocess.Popen([*command, name, str(SAVES), str(FILES), str(SECONDS)])
                for name in "ab"
            ]
            assert [one.wait() for one in both] == [0, 0]
            ended.set()

        writers = threading.Thread(target=run)
        writers.start()
        while not ended.is_set():
            eye.next()
            if eye.batches.empty():
                sizes.append(resident())
        writers.join()
        eye.seen()
        lost = {}
        for folder, _, names in os.walk(root):
            for name in names:
                path = Path(folder, name)
                inner = path.relative_to(root).as_posix()
                if name[0] in "ab" and eye.contents.get(inner) != path.read_bytes():
                    lost[inner] = (eye.contents.get(inner), path.read_bytes())
        assert lost == {}
        assert len([path for path in eye.known if path.split("/")[-1][0] in "ab"]) >= FILES * 2
    settled = sizes[len(sizes) // 4 :]
    assert max(settled) - settled[0] < GROWTH_KIB
