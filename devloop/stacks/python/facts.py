"""What is always so of Python: its locks, commands, debugger and packages."""

from __future__ import annotations

from devloop.stacks.facts import HOOK_FOLDER, DebugHook, Facts, Install, Server, names
from devloop.stacks.python.install import VERSION_FILES
from devloop.stacks.python.project import PIPFILE, PYPROJECT

_FROM_FILES = ("-r", "--requirement")
_PIPS = (("pip",), ("pip3",), ("uv", "pip"), ("python*", "pip"))

FACTS = Facts(
    found_by=("requirements.txt", PYPROJECT, PIPFILE, "main.py"),
    locks=names("uv.lock poetry.lock pdm.lock Pipfile.lock"),
    version_files=frozenset(VERSION_FILES),
    tool_folders=names("__pycache__ .venv"),
    installs=(
        *(Install((*pip, "install"), needs=_FROM_FILES) for pip in _PIPS),
        Install(("uv", "sync")),
        Install(("poetry", "install")),
        Install(("pipenv", "install")),
        Install(("pipenv", "sync")),
        Install(("pdm", "install")),
        Install(("pdm", "sync")),
    ),
    declares=("requirements*.txt", PYPROJECT, PIPFILE),
    services={
        "redis": names("redis django-redis rq"),
        "postgres": names("psycopg psycopg2 psycopg2-binary asyncpg pg8000"),
        "mysql": names("mysqlclient PyMySQL pymysql aiomysql mysql-connector-python mariadb"),
        "mongo": names("pymongo motor mongoengine"),
        "rabbitmq": names("pika aio-pika amqp"),
    },
    servers=(
        Server(r"\bflask\b.*\brun\b", r"--host|-h\b|FLASK_RUN_HOST", "--host=0.0.0.0"),
        Server(r"\buvicorn\b", r"--host|--uds|--fd|UVICORN_HOST", "--host 0.0.0.0"),
        Server(r"\bhypercorn\b", r"--bind|-b\b", "--bind 0.0.0.0:8000"),
        Server(r"\bgunicorn\b", r"--bind|-b\b|--config|-c\b", "--bind 0.0.0.0:8000"),
        Server(r"\bfastapi dev\b", r"--host", "--host 0.0.0.0"),
        Server(
            r"\bmanage\.py runserver\b", r"runserver\s+(?:-\S+\s+)*[\w.:\[\]]*\d", "0.0.0.0:8000"
        ),
        Server(r"\bmkdocs serve\b", r"-a\b|--dev-addr", "-a 0.0.0.0:8000"),
    ),
    served=(".py",),
    debugger=DebugHook(
        port=5678,
        file="sitecustomize.py",
        loaded=f'PYTHONPATH="{HOOK_FOLDER}${{PYTHONPATH:+:$PYTHONPATH}}"',
        speaks="debugpy",
        languages=("python",),
    ),
    extensions=("ms-python.python", "ms-python.debugpy"),
)
