"""Projects that between them reach every line of the templates."""

from tests.stacks.snapshots import package

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
NODE: dict[str, object] = {
    "package.json": package(
        scripts={"dev": "node server.js", "build": "tsc"}, dependencies={"express": "4"}
    ),
    "server.js": "",
}
PYTHON: dict[str, object] = {"requirements.txt": "flask\ngunicorn", "app.py": FLASK}
LOCK = "lockfileVersion: '9.0'\n"

PROJECTS: dict[str, dict[str, object]] = {
    "npm": {**NODE, "package-lock.json": "{}"},
    "npm without a lock": NODE,
    "pnpm": {**NODE, "pnpm-lock.yaml": LOCK, "patches/a b.patch": ""},
    "yarn classic": {**NODE, "yarn.lock": ""},
    "yarn berry": {**NODE, ".yarnrc.yml": "", "yarn.lock": ""},
    "yarn with a committed cache": {
        **NODE,
        ".yarnrc.yml": "",
        ".pnp.cjs": "",
        **{f".yarn/cache/{n}.zip": "" for n in range(20)},
    },
    "workspace": {
        "package.json": package(workspaces=["packages/*"], scripts={"dev": "turbo dev"}),
        "packages/a/package.json": package(),
        "packages/$(b) c/package.json": package(),
    },
    "private registry": {**NODE, ".npmrc": "//r.example/:_authToken=abc\n"},
    "postinstall": {"package.json": package(scripts={"postinstall": "node x.js"})},
    "vite": {
        "package.json": package(
            scripts={"dev": "vite", "build": "vite build"}, devDependencies={"vite": "6"}
        )
    },
    "nothing to start": {"package.json": package()},
    "pip": {**PYTHON, "requirements-dev.txt": "pytest", "requirements/it's $x.txt": ""},
    "pip -e": {"pyproject.toml": "[project]\nname='x'\n[build-system]\n", "src/x/__main__.py": ""},
    "listed": {"pyproject.toml": "[project]\nname='x'\ndependencies=[]\n", "app.py": FLASK},
    "bare": {"main.py": "print(1)"},
    "uv": {"pyproject.toml": "[project]\n", "uv.lock": "", "main.py": "port=8000"},
    "uv workspace": {
        "pyproject.toml": "[tool.uv.workspace]\nmembers=['a']\n",
        "uv.lock": "",
        "a/pyproject.toml": "",
    },
    "poetry": {"pyproject.toml": "[tool.poetry]\n", "poetry.lock": "", "main.py": ""},
    "python and node": {**PYTHON, **NODE},
    "node and python": {**NODE, "requirements.txt": "numpy"},
    "Procfile": {"requirements.txt": "", "Procfile": "web: gunicorn $X --bind '0.0.0.0'\n"},
}
