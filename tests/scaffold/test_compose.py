"""The compose.yaml that `init --compose` and `export compose` write."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from devloop.cli import app as cli
from devloop.cli.init import init
from devloop.scaffold import backings
from devloop.stacks import registry
from devloop.yaml import nodes
from tests.scaffold.projects import NODE
from tests.stacks.snapshots import package, tree


def used(name: str, text: str) -> list[str]:
    snapshot = tree({name: text})
    return [one.name for one in backings.used(snapshot, registry.detect(snapshot))]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("package.json", '{"dependencies": {"ioredis": "5", "pg": "8"}}', ["redis", "postgres"]),
        ("package.json", '{"description": "redis", "dependencies": {"pgx": "1"}}', []),
        ("requirements.txt", "psycopg[binary]>=3\npika\n", ["postgres", "rabbitmq"]),
        ("requirements.txt", "redis-om-like\n", []),
        (
            "pyproject.toml",
            '[project]\nname="a"\nversion="1"\ndependencies=["pymongo>4"]',
            ["mongo"],
        ),
        ("go.mod", "module a\n\nrequire github.com/redis/go-redis/v9 v9.0.0\n", ["redis"]),
        ("Gemfile", "gem 'mysql2', '~> 0.5'\n", ["mysql"]),
        ("composer.json", '{"require": {"predis/predis": "^2"}}', ["redis"]),
        ("composer.json", '{"require": {"php-amqplib/php-amqplib": "^3"}}', ["rabbitmq"]),
        (
            "Cargo.toml",
            '[package]\nname="a"\nversion="0.1.0"\n[dependencies]\nlapin="2"',
            ["rabbitmq"],
        ),
        ("package.json", "{ broken", []),
    ],
)
def test_what_the_code_uses_shows_in_what_it_depends_on(
    name: str, text: str, expected: list[str]
) -> None:
    assert used(name, text) == expected


def test_init_offers_it_and_writes_it_when_asked_to(tmp_path: Path) -> None:
    files = {**NODE, "package.json": package(dependencies={"express": "4", "redis": "4"})}
    err = io.StringIO()
    options = {"force": False, "output": "plain", "stderr": err}
    init(tmp_path, tree(files), dry_run=True, **options)  # type: ignore[arg-type]
    assert "it uses Redis: `devloop init --compose` writes a compose.yaml" in err.getvalue()
    init(tmp_path, tree(files), dry_run=False, compose=True, **options)  # type: ignore[arg-type]
    assert not (tmp_path / "devloop.yaml").exists()
    found = nodes.parse((tmp_path / "compose.yaml").read_bytes(), "compose.yaml")
    assert 'REDIS_URL: "redis://redis:6379"' in (tmp_path / "compose.yaml").read_text()
    assert found.value
    before = (tmp_path / "compose.yaml").read_text()
    init(tmp_path, tree(NODE), dry_run=False, compose=True, **options)  # type: ignore[arg-type]
    assert (tmp_path / "compose.yaml").read_text() == before, "what is there is kept"


DOCKERFILE = "FROM node:22-slim AS dev\nWORKDIR /app\nCOPY package.json ./\nRUN npm i\nCOPY . .\n"
SETTINGS = """name: My Shop
app:
  run: npm start
  ports: ["8080:3000"]
  env: {PRICE: 5$}
  env-file: .env
  keep: [node_modules]
"""


def test_export_writes_the_project_and_none_of_its_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "package.json").write_text(json.dumps({"dependencies": {"express": "4"}}))
    (tmp_path / "devloop.yaml").write_text(SETTINGS)
    (tmp_path / ".env").write_text("TOKEN=geheim\n")
    assert cli.run(["export", "compose", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "geheim" not in text
    assert "TOKEN" not in text
    for line in (
        'name: "my-shop"',
        '      target: "dev"',
        '    command: ["sh", "-c", "npm start"]',
        '    ports: ["127.0.0.1:8080:3000"]',
        '      PRICE: "5$$"',
        '    env_file: ".env"',
        '        - action: "rebuild"',
        '          path: "package.json"',
        '        - action: "sync+restart"',
        '          ignore: [".devloop/", ".git/", "node_modules/"]',
    ):
        assert line in text.splitlines(), text
    nodes.parse(text.encode(), "compose.yaml")


def test_export_needs_a_dockerfile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "package.json").write_text("{}")
    assert cli.run(["export", "compose", str(tmp_path)]) == 2
    assert "`devloop init` writes one" in capsys.readouterr().err
