"""When an app counts as ready, through the engine's own proxy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e import harness

SILENT = """import socket, time
time.sleep(1)
listener = socket.create_server(("0.0.0.0", 7000))
print("listens", flush=True)
links = []
while True:
    links.append(listener.accept())
"""


@pytest.mark.usefixtures("engine")
def test_a_silent_server_is_ready_when_it_listens_and_not_before(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    port = harness.free_port()
    harness.write(
        tmp_path,
        {
            "app.py": SILENT,
            "requirements.txt": "",
            "devloop.yaml": f'app: {{run: python app.py, ports: ["{port}:7000"]}}\n',
        },
    )
    with harness.running(tmp_path) as up:
        for number in range(4):
            here = up.here if number else 0
            if number:
                harness.write(tmp_path, {"app.py": SILENT + "#" * number})
            listens = up.wait("log", here, text="listens")
            ready = up.wait("app.ready", here)
            assert 0 <= ready["ts"] - listens["ts"] < 1.0
