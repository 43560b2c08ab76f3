"""The quick way to the supervisor, and what happens when it is not there."""

from __future__ import annotations

from pathlib import Path

from devloop.engine import containers
from devloop.engine.channel import Channel
from devloop.engine.client import Engine
from tests.e2e import harness
from tests.e2e.apps import NODE, App


def test_a_signal_is_acknowledged_and_a_dead_shell_is_noticed(
    tmp_path: Path, engine: Engine
) -> None:
    app = App(NODE, tmp_path)
    with harness.running(tmp_path) as up:
        container = up.wait("app.started")["container"]
        up.ready()
        channel = Channel(engine, container)
        assert channel.send("0")
        here = up.here
        assert channel.send("HUP")
        up.ready(here)
        assert not channel.send("NOSUCHSIGNAL")
        assert not channel.send("0"), "a channel that failed once is not trusted again"
        channel.close()
        script = (
            "for p in /proc/[0-9]*; do if tr '\\0' ' ' <$p/cmdline | grep -q 'sh -c while read'"
        )
        script += "; then kill -KILL ${p#/proc/}; fi; done"
        containers.execute(engine, container, ["sh", "-c", script])
        here = up.here
        app.say("by the slow way")
        assert up.cycle("server.js", here)["outcome"] == "ok"
        assert app.get() == "by the slow way"
