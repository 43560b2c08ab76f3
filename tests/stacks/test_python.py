import pytest

from devloop.stacks.base import Env
from devloop.stacks.python import commands as python_commands
from devloop.stacks.python.install import PDM, POETRY, UV
from tests.stacks.snapshots import detect, one

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
FASTAPI = "import fastapi\napi: fastapi.FastAPI = fastapi.FastAPI(title='x')\n"
PROJECT = '[project]\nname = "x"\nversion = "1"\ndependencies = ["flask"]\n'
BUILD = '[build-system]\nrequires = ["hatchling"]\n'
POETRY_TABLE = '[tool.poetry.dependencies]\npython = "^3.10"\nFlask = "^3"\n'
UV_MEMBERS = '[tool.uv.workspace]\nmembers = ["libs/*"]\nexclude = ["libs/old"]\n'
POETRY_LINE = "poetry install --no-root --no-interaction"


@pytest.mark.parametrize(
    ("files", "manager", "install", "production"),
    [
        ({"main.py": ""}, "pip", "", ""),
        (
            {"requirements.txt": "flask"},
            "pip",
            "pip install -r requirements.txt",
            "pip install -r requirements.txt",
        ),
        (
            {"requirements.txt": "flask", "requirements-dev.txt": "", "dev-requirements.txt": ""},
            "pip",
            "pip install -r requirements.txt -r dev-requirements.txt -r requirements-dev.txt",
            "pip install -r requirements.txt",
        ),
        (
            {"requirements/base.txt": "", "requirements/dev.txt": "-r base.txt"},
            "pip",
            "pip install -r requirements/base.txt -r requirements/dev.txt",
            "pip install -r requirements/base.txt",
        ),
        (
            {"requirements/dev.txt": ""},
            "pip",
            "pip install -r requirements/dev.txt",
            "pip install -r requirements/dev.txt",
        ),
        ({"pyproject.toml": PROJECT + BUILD}, "pip", "pip install -e .", "pip install ."),
        (
            {"pyproject.toml": PROJECT + "optional-dependencies = {dev = [], x = []}\n" + BUILD},
            "pip",
            "pip install -e '.[dev]'",
            "pip install .",
        ),
        ({"setup.py": ""}, "pip", "pip install -e .", "pip install ."),
        (
            {"pyproject.toml": PROJECT + "[tool.uv]\n"},
            "uv",
            "uv sync --no-install-project",
            "uv sync --no-dev --no-install-project",
        ),
        (
            {"pyproject.toml": PROJECT, "uv.lock": "", "requirements.txt": ""},
            "uv",
            "uv sync --locked --no-install-project",
            "uv sync --locked --no-dev --no-install-project",
        ),
        (
            {"pyproject.toml": "[project]\ndynamic = ['dependencies']\n", "uv.lock": ""},
            "uv",
            "uv sync --frozen --no-install-project",
            "uv sync --frozen --no-dev --no-install-project",
        ),
        (
            {"pyproject.toml": UV_MEMBERS, "uv.lock": "", "libs/a/pyproject.toml": PROJECT},
            "uv",
            "uv sync --frozen --all-packages --no-install-workspace",
            "uv sync --frozen --no-dev --all-packages --no-install-workspace",
        ),
        ({"pyproject.toml": POETRY_TABLE}, "poetry", POETRY_LINE, f"{POETRY_LINE} --only main"),
        (
            {"pyproject.toml": PROJECT, "poetry.lock": ""},
            "poetry",
            POETRY_LINE,
            f"{POETRY_LINE} --only main",
        ),
    ],
)
def test_the_manager_and_how_it_installs(
    files: dict[str, str], manager: str, install: str, production: str
) -> None:
    found = one(files)
    assert (found.manager, found.install, found.production.install) == (
        manager,
        install,
        production,
    )


@pytest.mark.parametrize(
    "files",
    [
        {"README.md": ""},
        {"pyproject.toml": "[tool.ruff]\n"},
        {"pyproject.toml": "[tool.uv]\n"},
        {"pyproject.toml": "broken ["},
        {"sub/main.py": ""},
    ],
)
def test_what_is_not_ours(files: dict[str, str]) -> None:
    assert detect(files) == ()


@pytest.mark.parametrize(
    ("version", "module"), [("3.9", "pip._vendor import tomli"), ("3.12", "import tomllib")]
)
def test_dependencies_are_read_out_of_a_project_that_builds_nothing(
    version: str, module: str
) -> None:
    found = one({"pyproject.toml": PROJECT, "app.py": "", ".python-version": version})
    assert module in found.install
    assert "dependency-groups" in found.install
    assert "dependency-groups" not in found.production.install
    assert found.manifests == (".python-version", "pyproject.toml")
    assert not found.needs_source


@pytest.mark.parametrize(
    ("files", "setup"),
    [
        ({"main.py": ""}, "python -m venv /opt/venv"),
        ({"uv.lock": ""}, f"pip install uv=={UV}"),
        ({"poetry.lock": ""}, f"pip install poetry=={POETRY} && python -m venv /opt/venv"),
        (
            {"poetry.lock": "", "runtime.txt": "python-3.9.18\n"},
            "pip install poetry==2.2.1 && python -m venv /opt/venv",
        ),
    ],
)
def test_the_tools_are_pinned(files: dict[str, str], setup: str) -> None:
    assert one(files).setup == setup


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({}, "3.13"),
        ({".python-version": "3.12.3\n"}, "3.12"),
        ({".python-version": "cpython-3.11\n"}, "3.11"),
        ({"runtime.txt": "python-3.11.4\n"}, "3.11"),
        ({".python-version": "2.7\n"}, "3.13"),
        ({".tool-versions": "nodejs 1\npython 3.12.3\n"}, "3.12"),
        ({"mise.toml": '[tools]\npython = "3.10"\n'}, "3.10"),
        ({"mise.toml": "]"}, "3.13"),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.10,<3.12"\n'}, "3.11"),
        ({"pyproject.toml": '[tool.poetry.dependencies]\npython = "~3.12"\n'}, "3.12"),
    ],
)
def test_the_version_of_python(files: dict[str, str], version: str) -> None:
    found = one({"main.py": "", **files})
    assert (found.version, found.image) == (version, f"python:{version}-slim")


@pytest.mark.parametrize(
    ("line", "image"),
    [
        ("psycopg2-binary", "python:3.13-slim"),
        ("Psycopg2>=2", "python:3.13"),
        ("psycopg[binary]", "python:3.13-slim"),
        ("psycopg[c,pool]", "python:3.13"),
        ("x @ git+https://host/x", "python:3.13"),
    ],
)
def test_what_slim_images_cannot_build(line: str, image: str) -> None:
    assert one({"requirements.txt": line}).image == image


ANY = ("--host", python_commands.ANY, "--port", "8000")


@pytest.mark.parametrize(
    ("names", "files", "run", "framework", "port"),
    [
        (
            "flask",
            {"app.py": FLASK},
            ("flask", "--app", "app:app", "run", "--host=0.0.0.0", "--port", "5000"),
            "flask",
            5000,
        ),
        (
            "flask",
            {"shop/__init__.py": "import flask\ndef create_app():\n"},
            ("flask", "--app", "shop:create_app", "run", "--host=0.0.0.0", "--port", "5000"),
            "flask",
            5000,
        ),
        ("fastapi", {"main.py": FASTAPI}, ("uvicorn", "main:api", *ANY), "fastapi", 8000),
        ("fastapi", {"app/main.py": FASTAPI}, ("uvicorn", "app.main:api", *ANY), "fastapi", 8000),
        ("fastapi", {"src/main.py": FASTAPI}, ("uvicorn", "main:api", *ANY), "fastapi", 8000),
        (
            "fastapi",
            {"src/__init__.py": "", "src/main.py": FASTAPI},
            ("uvicorn", "src.main:api", *ANY),
            "fastapi",
            8000,
        ),
        (
            "fastapi",
            {"src/shop/api.py": "import fastapi\ndef create_app():\n"},
            ("uvicorn", "--factory", "shop.api:create_app", *ANY),
            "fastapi",
            8000,
        ),
        (
            "fastapi hypercorn",
            {"main.py": FASTAPI},
            ("hypercorn", "main:api", "--bind", "0.0.0.0:8000"),
            "fastapi",
            8000,
        ),
        (
            "starlette",
            {"main.py": "app = Starlette()"},
            ("uvicorn", "main:app", *ANY),
            "starlette",
            8000,
        ),
        (
            "django",
            {"manage.py": ""},
            ("python", "manage.py", "runserver", "0.0.0.0:8000", "--noreload"),
            "django",
            8000,
        ),
        (
            "",
            {"site/manage.py": "import django"},
            ("python", "site/manage.py", "runserver", "0.0.0.0:8000", "--noreload"),
            "django",
            8000,
        ),
        ("django", {"a/manage.py": "", "b/manage.py": ""}, (), "", None),
        # Flask-Script's manage.py is not Django's
        (
            "flask",
            {"manage.py": "from app import app", "app.py": FLASK},
            ("flask", "--app", "app:app", "run", "--host=0.0.0.0", "--port", "5000"),
            "flask",
            5000,
        ),
        ("gradio", {"app.py": "import gradio as gr"}, ("python", "app.py"), "gradio", 7860),
        ("flask", {"main.py": "print(1)"}, ("python", "main.py"), "", None),
        ("", {"tests/app.py": FLASK, "main.py": "x"}, ("python", "main.py"), "", None),
        ("", {"main.py": "serve(port=8081)"}, ("python", "main.py"), "", 8081),
        ("", {"main.py": "int(environ.get('PORT', 9000))"}, ("python", "main.py"), "", 9000),
        ("", {"main.py": "HTTPServer(('', 8002), H)"}, ("python", "main.py"), "", 8002),
        ("", {"main.py": "port=70000"}, ("python", "main.py"), "", None),
        ("", {"shop/__main__.py": ""}, ("python", "-m", "shop"), "", None),
        ("", {"Procfile": "web: python x.py\n"}, "python x.py", "", None),
        ("", {}, (), "", None),
    ],
)
def test_how_the_app_is_started(
    names: str, files: dict[str, str], run: object, framework: str, port: int | None
) -> None:
    found = one({"requirements.txt": names.replace(" ", "\n"), **files})
    assert (found.run, found.framework, found.port) == (run, framework, port)
    assert found.reload == "restart"


def test_streamlit_reloads_itself() -> None:
    found = one({"requirements.txt": "streamlit", "Home.py": "import streamlit as st"})
    assert found.run[:3] == ("streamlit", "run", "Home.py")
    assert (found.port, found.reload) == (8501, "none")
    assert "--server.runOnSave" not in found.production.run
    assert one({"requirements.txt": "streamlit", "main.py": ""}).framework == ""


@pytest.mark.parametrize(
    ("names", "files", "run"),
    [
        ("flask\ngunicorn", {"app.py": FLASK}, ("gunicorn", "--bind", "0.0.0.0:5000", "app:app")),
        (
            "flask\ngunicorn",
            {"app.py": "import flask\ndef make_app():\n"},
            ("gunicorn", "--bind", "0.0.0.0:5000", "app:make_app()"),
        ),
        (
            "django\ngunicorn",
            {"manage.py": "", "site/wsgi.py": ""},
            ("gunicorn", "--bind", "0.0.0.0:8000", "site.wsgi"),
        ),
        (
            "django\ngunicorn",
            {"web/manage.py": "", "web/site/wsgi.py": "", "site/wsgi.py": ""},
            ("gunicorn", "--chdir", "web", "--bind", "0.0.0.0:8000", "site.wsgi"),
        ),
        (
            "django",
            {"manage.py": "", "site/wsgi.py": ""},
            ("python", "manage.py", "runserver", "0.0.0.0:8000", "--noreload"),
        ),
        ("", {"main.py": ""}, ("python", "main.py")),
    ],
)
def test_production(names: str, files: dict[str, str], run: tuple[str, ...]) -> None:
    assert one({"requirements.txt": names, **files}).production.run == run


def test_requirements_are_followed_wherever_they_lead() -> None:
    files = {
        "requirements.txt": '-r "req dir/a b.txt"\n--constraint=c.txt\n-rplain.txt  # why\n',
        "req dir/a b.txt": "-r ../deep/x.pip\n-r ../../outside.txt\n-r 'open\n",
        "deep/x.pip": "-r ../requirements.txt\ngunicorn\nflask",
        "c.txt": "",
        "plain.txt": "-r https://host/x.txt\n",
        "unrelated.txt": "",
        "app.py": FLASK,
    }
    found = one(files)
    assert found.manifests == (
        "c.txt",
        "deep/x.pip",
        "plain.txt",
        "req dir/a b.txt",
        "requirements.txt",
    )
    assert found.production.run[0] == "gunicorn"


def test_a_name_is_one_word_for_the_shell() -> None:
    name = "requirements/dev.txt"
    assert one({name: ""}).install == f"pip install -r {name}"


@pytest.mark.parametrize(
    ("line", "needs", "manifests"),
    [
        ("-e .", True, ["pyproject.toml", "requirements.txt", "setup.py"]),
        ("-e ./lib[extra]", True, ["lib/setup.py", "requirements.txt"]),
        ("./lib", True, ["lib/setup.py", "requirements.txt"]),
        ("file:lib", True, ["lib/setup.py", "requirements.txt"]),
        ("-e git+https://host/x#egg=x", False, ["requirements.txt"]),
        ("-e ../outside", False, ["requirements.txt"]),
        ("./gone", False, ["requirements.txt"]),
        ("...", False, ["requirements.txt"]),
    ],
)
def test_requirements_that_are_folders_of_the_project(
    line: str, needs: bool, manifests: list[str]
) -> None:
    files = {"requirements.txt": line, "setup.py": "", "pyproject.toml": "", "lib/setup.py": ""}
    found = one(files)
    assert (found.needs_source, list(found.manifests)) == (needs, manifests)


@pytest.mark.parametrize(
    "toml",
    [
        '[tool.uv.sources]\nx = { path = "lib" }\n[project]\n',
        '[tool.poetry.dependencies]\nx = { path = "./lib", develop = true }\n',
        '[tool.poetry.group.dev.dependencies]\nx = { path = "lib" }\n',
        '[tool.poetry.dev-dependencies]\nx = { path = "lib" }\n',
    ],
)
def test_path_dependencies_need_the_source(toml: str) -> None:
    found = one({"pyproject.toml": toml, "lib/pyproject.toml": "", "lib/a.py": ""})
    assert found.needs_source
    assert found.manifests == ("lib/pyproject.toml", "pyproject.toml")


def test_pdm_and_pipenv() -> None:
    pdm = one({"pyproject.toml": PROJECT, "pdm.lock": "", "main.py": ""})
    assert pdm.setup == f"pip install pdm=={PDM} 'hishel<2' && python -m venv /opt/venv"
    assert (pdm.install, pdm.production.install) == (
        "pdm install --no-self",
        "pdm install --no-self --prod",
    )
    assert pdm.manifests == ("pdm.lock", "pyproject.toml")
    pipenv = one({"Pipfile": '[requires]\npython_version = "3.12"\n[packages]\nflask = "*"\n'})
    assert (pipenv.version, pipenv.manifests) == ("3.12", ("Pipfile",))
    assert pipenv.install.endswith("pipenv install --skip-lock --dev")


def test_members_of_a_uv_workspace() -> None:
    files = {
        "pyproject.toml": UV_MEMBERS,
        "uv.lock": "",
        "libs/a/pyproject.toml": PROJECT,
        "libs/old/pyproject.toml": PROJECT,
        "else/pyproject.toml": PROJECT,
        "libs/a/src/a/__init__.py": "",
    }
    found = one(files)
    assert found.manifests == ("libs/a/pyproject.toml", "pyproject.toml", "uv.lock")
    assert not found.needs_source
    assert Env("PYTHONPATH", "/app/libs/a/src") in found.env
    flat = one(
        {**files, "libs/a/src/a/__init__.py": "", "src/x.py": "", "libs/b/pyproject.toml": ""}
    )
    assert Env("PYTHONPATH", "/app/src:/app/libs/a/src:/app/libs/b") in flat.env


@pytest.mark.parametrize(
    ("files", "env"),
    [
        ({"main.py": ""}, []),
        ({"src/app.py": "", "main.py": ""}, [Env("PYTHONPATH", "/app/src")]),
        ({"src/__init__.py": "", "main.py": ""}, []),
        ({"poetry.lock": ""}, [Env("VIRTUAL_ENV", "/opt/venv")]),
        (
            {"uv.lock": "", ".python-version": "3.12.3"},
            [
                Env("UV_LINK_MODE", "copy"),
                Env("UV_PROJECT_ENVIRONMENT", "/opt/venv"),
                Env("UV_PYTHON", "3.12"),
                Env("UV_PYTHON_DOWNLOADS", "never"),
            ],
        ),
        (
            {"requirements.txt": "gradio", "app.py": "import gradio"},
            [Env("GRADIO_SERVER_NAME", python_commands.ANY), Env("GRADIO_SERVER_PORT", "7860")],
        ),
    ],
)
def test_the_environment(files: dict[str, str], env: list[Env]) -> None:
    always = [Env("PATH", "/opt/venv/bin:$PATH"), Env("PYTHONUNBUFFERED", "1")]
    assert list(one(files).env) == [*always, *env]


def test_nothing_is_kept_but_a_foreign_venv() -> None:
    found = one({"main.py": ""})
    assert (found.keep, found.keep_foreign) == ((), (".venv",))


def test_dependencies_in_every_table_are_seen() -> None:
    toml = (
        '[project]\ndependencies = ["a"]\n'
        "[project.optional-dependencies]\nx = [\"Psycopg2 ; python_version > '3'\"]\n"
    )
    assert one({"pyproject.toml": toml}).image == "python:3.13"
    toml = '[project]\n[dependency-groups]\ndev = [{include-group = "x"}, "mysqlclient"]\n'
    assert one({"pyproject.toml": toml}).image == "python:3.13"
    toml = '[project]\n[tool.uv]\ndev-dependencies = ["x @ git+https://h/x"]\n'
    assert one({"pyproject.toml": toml}).image == "python:3.13"


def test_requirements_that_are_no_text_read_as_empty() -> None:
    assert one({"requirements.txt": b"\xff\xff\xff"}).install == "pip install -r requirements.txt"
    utf16 = "﻿psycopg2\r\n".encode("utf-16-le")
    assert one({"requirements.txt": utf16}).image == "python:3.13"
