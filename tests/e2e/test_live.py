"""The live view, driven in tmux on a real engine."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import pytest

from devloop.engine.client import Engine
from tests.e2e import harness
from tests.e2e.apps import App
from tests.e2e.harness import devloop
from tests.e2e.tmux import Tmux

DEVLOOP = [sys.executable, "-m", "devloop"]
KEYS = "r restart  b rebuild  j jobs  l clear  o open  q quit"
SECONDS, A_SECOND = 3, 10_000
BURST = """
app.get('/burst', (req, res) => {
  res.send('begun')
  let sent = 0
  const began = Date.now()
  const timer = setInterval(() => {
    const due = Math.min(TOTAL, Math.floor((Date.now() - began) * RATE / 1000))
    let text = ''
    for (; sent < due; sent++) text += `line ${sent} at ${Date.now()}\\n`
    process.stdout.write(text)
    if (sent >= TOTAL) clearInterval(timer)
  }, 10)
})
""".replace("TOTAL", str(SECONDS * A_SECOND)).replace("RATE", str(A_SECOND))
JOBS = """
on: {change: {paths: [never]}}
jobs:
  test: {steps: [{run: "echo tested"}]}
  lint: {steps: [{run: "exit 1"}]}
"""


@pytest.fixture
def shop(lone_shop: App) -> App:
    return lone_shop


def up(app: App, **options: str) -> Tmux:
    return Tmux([*DEVLOOP, "up", str(app.root)], **options)


def test_the_view_and_its_keys(shop: App, engine: Engine, tmp_path: Path) -> None:
    harness.write(shop.root, {"devloop.yaml": shop.config() + JOBS})
    browser = tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\necho $1 > {tmp_path}/opened\n")
    browser.chmod(0o755)
    with up(shop, BROWSER=str(browser)) as window:
        rows = window.see(f"app ready  http://localhost:{shop.port}")
        assert rows[-1] == KEYS
        assert rows[-3].startswith("── express ──")
        assert "app | express is up" in rows
        shop.say("hello 2")
        window.see(
            lambda it: any(re.match(r"#1 restart ok 0\.\d\ds server\.js$", row) for row in it)
        )
        window.key("r")
        window.see("#2 restart ok")
        window.key("b")
        window.see("#3 rebuild ok")
        window.key("j")
        window.see("✓ job test success")
        window.see("✗ job lint failure")
        window.key("l")
        rows = window.see(lambda it: it[0].startswith("── express"))
        window.key("o")
        deadline = time.monotonic() + 10
        while not (tmp_path / "opened").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert (tmp_path / "opened").read_text() == f"http://localhost:{shop.port}\n"
        window.key("q")
        rows = window.see("ended with code 0, echo")
        assert "devloop: ended with exit code 0" in rows
        assert not any(KEYS in row for row in rows)
    assert harness.containers(engine, shop.root) == []


@pytest.mark.slow
def test_a_build_shows_its_steps(shop: App) -> None:
    dockerfile = "FROM node:22-slim\nWORKDIR /app\nCOPY package.json ./\nRUN npm install\n"
    dockerfile += f"RUN : {time.time_ns()}; sleep 4\nCOPY . .\nCMD node server.js\n"
    harness.write(shop.root, {"Dockerfile": dockerfile})
    devloop("build", str(shop.root), "--tag", "devloop-test/warm:1")
    harness.write(shop.root, {"Dockerfile": dockerfile.replace("sleep 4", "sleep 5")})
    with up(shop) as window:
        rows = window.see("; sleep 5")
        assert any(re.match(r"  step \d of 6 .*━", row) for row in rows), rows
        assert any(row.startswith("  ✓ cached [4/6] RUN npm install") for row in rows), rows
        assert any(row.startswith("  … [5/6] RUN") for row in rows), rows
        window.see("app ready")
        window.key("q")
        window.see("ended with code 0")


def test_forty_columns_and_back(shop: App) -> None:
    source = shop.root / "server.js"
    source.write_text(source.read_text() + "for (let i = 0; i < 60; i++) console.log('filled', i)")
    with up(shop) as window:
        window.see("app ready")
        for number, columns in enumerate((40, 120, 40, 100), 1):
            window.resize(columns, 30)
            keys = "r restart  b" if columns > 40 else "r:rest b"
            window.see(lambda it, keys=keys: it[-1].startswith(keys))
            window.key("r")
            rows = window.see(f"#{number} restart ok")
            assert all(len(row) <= columns for row in rows)
            assert len([row for row in rows if row.startswith("── express")]) == 1, rows
        window.resize(20, 3)
        window.key("r")
        window.see("r:rest")
        window.resize(100, 30)
        window.see(KEYS)
        window.key("q")
        window.see("ended with code 0")


def test_ten_thousand_lines_a_second_are_all_there_within_a_second(shop: App) -> None:
    source = shop.root / "server.js"
    source.write_text(source.read_text() + BURST)
    lags = []
    with up(shop) as window:
        window.see("app ready")
        shop.get("/burst")
        last = -1
        deadline = time.monotonic() + 30
        while last < SECONDS * A_SECOND - 1:
            assert time.monotonic() < deadline, f"line {last} is the last"
            rows, now = window.screen(), time.time() * 1000
            found = [re.match(r"app \| line (\d+) at (\d{13})$", row) for row in rows]
            newest = [it for it in found if it]
            if newest:
                last = int(newest[-1][1])
                lags.append(now - int(newest[-1][2]))
            time.sleep(0.1)
        assert lags
        assert max(lags) < 1000, lags
        lines = [
            int(it) for it in re.findall(r"^app \| line (\d+) at", window.history(), re.MULTILINE)
        ]
        assert lines == list(range(SECONDS * A_SECOND))
        print(f"lag: at most {max(lags):.0f} ms over {len(lags)} looks")
        window.key("q")
        window.see("ended with code 0")


def test_ctrl_c_twice_does_not_wait_for_the_grace(shop: App, engine: Engine) -> None:
    source = shop.root / "server.js"
    source.write_text(source.read_text() + "process.on('SIGTERM', () => console.log('deaf'))\n")
    harness.write(shop.root, {"devloop.yaml": shop.config("  stop-grace: 60s\n")})
    with up(shop) as window:
        window.see("app ready")
        window.key("C-c")
        window.see("app | deaf")
        time.sleep(0.5)  # a person's second press
        window.key("C-c")
        window.see("ended with code 130, echo", timeout=20)
    assert harness.containers(engine, shop.root) == []


@pytest.mark.slow
def test_the_terminal_is_restored_after_a_crash(shop: App, engine: Engine) -> None:
    code = "import sys\nfrom devloop.loop.driver import Driver\n"
    code += "def crash(*_): raise RuntimeError('a fault of ours')\n"
    code += "Driver._batch = crash\n"
    code += f"sys.argv[1:] = ['up', {str(shop.root)!r}]\n"
    code += "from devloop.__main__ import main\nsys.exit(main())"
    with Tmux([sys.executable, "-c", code]) as window:
        window.see("app ready")
        shop.say("this crashes")
        rows = window.see("ended with code 1, echo")
        assert any("devloop itself failed: RuntimeError: a fault of ours" in row for row in rows)
        assert not any(KEYS in row for row in rows)
    assert harness.containers(engine, shop.root) == [], "nothing is left of it"


def test_who_attaches_sees_the_same_and_leaves_with_q(shop: App) -> None:
    assert devloop("up", str(shop.root), "-d").returncode == 0
    with Tmux([*DEVLOOP, "attach", str(shop.root)]) as window:
        window.see("app ready")
        window.key("r")
        window.see("#1 restart ok")
        window.key("q")
        window.see("ended with code 130, echo")
    assert shop.get() == "hello 1"


@pytest.mark.parametrize(
    ("env", "live", "colours"),
    [
        ({}, True, True),
        ({"NO_COLOR": "1"}, True, False),
        ({"CI": "true"}, False, False),
        ({"TERM": "dumb"}, False, False),
    ],
)
def test_what_the_environment_says_is_respected(
    shop: App, env: dict[str, str], live: bool, colours: bool
) -> None:
    with Tmux([*DEVLOOP, "up", str(shop.root)], **env) as window:
        window.see("app ready" if live else "devloop: listening on")
        assert (KEYS in window.screen()) is live
        assert (re.search(r"\x1b\[3\d", window.coloured()) is not None) is colours
        window.key("C-c")
        window.see("ended with code 130")
