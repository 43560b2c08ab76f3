from __future__ import annotations

import pytest

from devloop.check.installs import installs, stack_of
from devloop.image.dockerfile import parse


@pytest.mark.parametrize(
    ("command", "stack"),
    [
        ("npm ci", "node"),
        ("npm install --omit=dev", "node"),
        ("NODE_ENV=x npm i", "node"),
        ("npm install -g pnpm", ""),
        ("npm install express", ""),
        ("npm run build", ""),
        ("pnpm install --frozen-lockfile", "node"),
        ("pnpm add x", ""),
        ("yarn", "node"),
        ("yarn --frozen-lockfile", "node"),
        ("yarn build", ""),
        ("bun install", "node"),
        ("deno install", "deno"),
        ("deno install -g npm:x", ""),
        ("pip install -r requirements.txt", "python"),
        ("pip3 install --no-cache-dir --requirement=r.txt", "python"),
        ("python3 -m pip install -rdev.txt", "python"),
        ("uv pip install -r requirements.txt", "python"),
        ("pip -q install -r requirements.txt", "python"),
        ("pip install flask", ""),
        ("pip download -r x", ""),
        ("/opt/venv/bin/pip install -r requirements.txt", "python"),
        ("uv sync --locked", "python"),
        ("poetry install --no-root", "python"),
        ("pipenv sync", "python"),
        ("pdm install", "python"),
        ("go mod download", "go"),
        ("go mod tidy", ""),
        ("go build ./...", ""),
        ("cargo fetch", "rust"),
        ("bundle install --jobs 4", "ruby"),
        ("composer install --no-scripts", "php"),
        ("dotnet restore", "dotnet"),
        ("mix deps.get", "elixir"),
        ("apt-get install -y curl", ""),
        ("echo 'unclosed", ""),
        ("A=1", ""),
        ("", ""),
    ],
)
def test_which_stack_a_command_installs(command: str, stack: str) -> None:
    assert stack_of(command) == stack


def test_the_first_install_of_each_run_is_found_in_every_form() -> None:
    text = """FROM a
RUN apt-get update && npm ci; npm run build
RUN ["npm", "ci"]
RUN <<EOT
echo
pip install -r x
EOT
RUN echo nothing
COPY . .
"""
    found = [(one.instruction.line, one.stack, one.alone) for one in installs(parse(text))]
    assert found == [(2, "node", False), (3, "node", True), (4, "python", False)]
