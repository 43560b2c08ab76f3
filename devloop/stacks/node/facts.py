"""What is always so of Node: its locks, commands, debugger and packages."""

from __future__ import annotations

from devloop.stacks.facts import HOOK_FOLDER, DebugHook, Facts, Install, Scripts, Server, names
from devloop.stacks.node.manifest import LOCKS, VERSION_FILES
from devloop.stacks.node.package import ROOT

MANAGERS = names("npm pnpm yarn bun")
_HOOK = f"{HOOK_FOLDER}/inspect.cjs"
_GLOBAL = names("-g --global")
_ADDING = {
    "npm": ("ci", "clean-install", "install", "i"),
    "pnpm": ("install", "i"),
    "bun": ("install", "i"),
}
"""With the name of a package they add it, instead of installing what the manifests say."""

FACTS = Facts(
    found_by=(ROOT,),
    locks=frozenset(LOCKS),
    version_files=frozenset(VERSION_FILES),
    tool_folders=names("node_modules"),
    installs=(
        *(
            Install((tool, verb), alone=True, bars=_GLOBAL)
            for tool, verbs in _ADDING.items()
            for verb in verbs
        ),
        Install(("yarn",), alone=True),
        Install(("yarn", "install")),
    ),
    declares=(ROOT,),
    services={
        "redis": names("redis ioredis bull bullmq connect-redis"),
        "postgres": names("pg postgres pg-promise"),
        "mysql": names("mysql mysql2 mariadb"),
        "mongo": names("mongodb mongoose"),
        "rabbitmq": names("amqplib amqp-connection-manager"),
    },
    servers=(
        Server(r"(?:^|\s)vite(?!\s+build)(?:\s|$)", r"--host", "--host 0.0.0.0"),
        Server(r"\bng serve\b", r"--host", "--host 0.0.0.0"),
        Server(r"\bastro dev\b", r"--host", "--host"),
    ),
    served=(".js", ".mjs", ".cjs", ".ts", ".mts"),
    scripts=Scripts(MANAGERS, ROOT, "scripts"),
    debugger=DebugHook(
        port=9229,
        file="inspect.cjs",
        loaded=f'NODE_OPTIONS="${{NODE_OPTIONS:+$NODE_OPTIONS }}--require {_HOOK}"',
        speaks="inspector",
        languages=("javascript", "typescript"),
    ),
    extensions=("dbaeumer.vscode-eslint",),
)
