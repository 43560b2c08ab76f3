"""What is always so of each stack, held against the rest of what it says."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from devloop.scaffold.backings import BACKINGS
from devloop.stacks import registry
from devloop.stacks.base import Stack
from devloop.stacks.facts import Facts, Install
from devloop.target import agent

STACKS = pytest.mark.parametrize("stack", registry.STACKS.values(), ids=list(registry.STACKS))


@STACKS
def test_what_declares_and_locks_are_manifests(stack: Stack) -> None:
    facts = stack.FACTS
    for path in (*facts.locks, *(one.replace("*", "x", 1) for one in facts.declares)):
        assert stack.is_manifest(re.sub(r"\[(.).*?\]", r"\1", path)), path


@STACKS
def test_services_are_ones_that_can_be_written(stack: Stack) -> None:
    assert set(stack.FACTS.services) <= {one.name for one in BACKINGS}
    assert bool(stack.FACTS.services) <= bool(stack.FACTS.declares)


@STACKS
def test_a_debugger_s_hook_is_there(stack: Stack) -> None:
    hook = stack.FACTS.debugger
    if hook:
        assert resources.files(agent).joinpath("hooks", hook.file).is_file()
        assert 0 < hook.port < 65536


@STACKS
def test_expressions_of_servers_can_be_read(stack: Stack) -> None:
    for server in stack.FACTS.servers:
        assert re.compile(server.command)
        assert re.search(server.told, f"runserver {server.add}")


@pytest.mark.parametrize("name", registry.STACKS)
def test_a_stack_installs_by_its_own_commands(name: str) -> None:
    for one in registry.STACKS[name].FACTS.installs:
        words = [word.replace("*", "3") for word in one.words]
        assert registry.installed_by([*words, *one.needs[:1]]) == name


def test_commands_that_install() -> None:
    add = Install(("npm", "install"), alone=True, bars=frozenset({"-g"}))
    assert add.fits(["npm", "install", "--omit=dev"])
    assert not add.fits(["npm", "install", "express"])
    assert not add.fits(["npm", "install", "-g"])
    pip = Install(("python*", "pip", "install"), needs=("-r",))
    assert pip.fits(["python3.12", "-m", "pip", "install", "-rdev.txt"])
    assert not pip.fits(["python3", "-m", "pip", "install", "flask"])
    assert not pip.fits(["pip", "install", "-r", "x"])


def test_a_package_shows_a_service() -> None:
    facts = Facts(services={"redis": frozenset({"redis", "github.com/x/redis"})})
    assert facts.uses("redis", "github.com/x/redis/v9")
    assert not facts.uses("redis", "redis/v9")
    assert not facts.uses("mongo", "redis")


def test_a_service_shows_in_a_stack_s_own_files_alone() -> None:
    (ruby,) = registry.declaring("sub/Gemfile")
    assert ruby.uses("rabbitmq", "bunny")
    (node,) = registry.declaring("package.json")
    assert not node.uses("rabbitmq", "bunny")
    assert registry.declaring("package-lock.json") == ()


@pytest.mark.parametrize("path", ["a/uv.lock", "yarn.lock", "composer.lock", "bun.lock"])
def test_locks_that_only_an_installer_reads(path: str) -> None:
    assert registry.is_lock(path)


@pytest.mark.parametrize("path", ["Gemfile.lock", "Cargo.lock", "go.sum", "mix.lock", "deno.lock"])
def test_locks_that_the_app_s_own_start_reads(path: str) -> None:
    assert not registry.is_lock(path)


def test_what_is_not_known_has_nothing() -> None:
    assert registry.extensions("cobol") == ()
    assert registry.extensions("go") == ("golang.go",)
