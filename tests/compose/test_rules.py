"""What develop.watch means for a save."""

from __future__ import annotations

import pytest

from devloop.compose import rules
from devloop.compose.model import Service, WatchRule
from devloop.compose.rules import RuleVerdict
from devloop.config.settings import Rule
from devloop.jobs.workflow.filters import PathFilter

RULES = (
    Rule("src", "sync", ignore=("node_modules/", "*.test.js")),
    Rule("package.json", "rebuild"),
    Rule("src/conf", "sync+restart"),
    Rule("tpl", "sync+exec", include=("*.html",), command="reload"),
    Rule("etc", "restart"),
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("src/a.js", RuleVerdict.SYNC),
        ("src/deep/a.test.js", RuleVerdict.IGNORED),
        ("src/node_modules/x/a.js", RuleVerdict.IGNORED),
        ("src/x/node_modules/a.js", RuleVerdict.IGNORED),
        ("src/conf/a.ini", RuleVerdict.RESTART),
        ("package.json", RuleVerdict.REBUILD),
        ("tpl/a.html", RuleVerdict.EXEC),
        ("tpl/a.css", RuleVerdict.OWN),
        ("etc/app.conf", RuleVerdict.RESTART),
        ("etc2/app.conf", RuleVerdict.OWN),
        ("server.js", RuleVerdict.OWN),
    ],
)
def test_the_strongest_rule_that_holds_a_path_decides(path: str, expected: RuleVerdict) -> None:
    assert rules.verdict(RULES, path) is expected


def test_a_rule_for_the_whole_context_holds_everything_but_what_it_ignores() -> None:
    whole = (Rule(".", "sync", ignore=("dist/",)), Rule("package.json", "rebuild"))
    assert rules.verdict(whole, "a/b.js") is RuleVerdict.SYNC
    assert rules.verdict(whole, "dist/b.js") is RuleVerdict.IGNORED
    assert rules.verdict(whole, "package.json") is RuleVerdict.REBUILD


def test_an_unknown_action_is_none_of_ours() -> None:
    assert rules.verdict((Rule("src", "teleport"),), "src/a") is RuleVerdict.OWN


def test_the_command_is_that_of_the_rule_that_takes_the_path() -> None:
    assert rules.command(RULES, "tpl/a.html") == "reload"
    assert rules.command(RULES, "src/a.js") == ""


def test_what_is_to_be_rebuilt_counts_as_a_dependency() -> None:
    found = PathFilter(
        rules.manifests((Rule("deps", "rebuild", ignore=("tmp/",)), Rule("x.lock", "rebuild")))
    )
    assert found.matches("deps/a/b.txt")
    assert found.matches("x.lock")
    assert not found.matches("deps/tmp/b.txt")
    assert not found.matches("other/x.lock")
    assert PathFilter(rules.manifests((Rule(".", "rebuild"),))).matches("a/b.c")


def test_rules_are_taken_below_the_context_and_others_told() -> None:
    service = Service(
        "web",
        watch=(
            WatchRule("/p/web/src", "sync+exec", command=("touch", "a b")),
            WatchRule("/p/shared", "sync", "/shared"),
        ),
    )
    assert rules.of(service, "/p/web") == (Rule("src", "sync+exec", command="touch 'a b'"),)
    one, two = rules.told(service, "/p/web")
    assert one.startswith("develop.watch: sync+exec of src: ")
    assert two.startswith("develop.watch: /p/shared is outside the build context /p/web")
    assert rules.named((Rule("src", "sync"), Rule(".", "sync"))) == ("src",)


def test_the_command_runs_in_its_folder_and_environment_and_a_user_is_told() -> None:
    rule = WatchRule(
        "/p/t", "sync+exec", "/t", (), (), "make it", "/srv/a b", (("A", "1 2"),), "me"
    )
    service = Service("web", watch=(rule,))
    assert rules.of(service, "/p")[0].command == "cd '/srv/a b' && env 'A=1 2' make it"
    (told,) = rules.told(service, "/p")
    assert told.endswith("and the command runs, as the service's user and not as me")
