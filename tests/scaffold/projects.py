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
    "bun": {**NODE, "bun.lock": ""},
    "pdm": {"pyproject.toml": "[project]\n", "pdm.lock": "", "main.py": ""},
    "pipenv": {"Pipfile": "", "main.py": ""},
    "go": {"go.mod": "module m", "main.go": 'package main // ":8080" "net"'},
    "go with an odd name": {"go.mod": "module m", "cmd/a b/main.go": "package main"},
    "rust": {"Cargo.toml": '[package]\nname="a"\n[lib]\npath="it\'s.rs"', "src/main.rs": ""},
    "a library of rust": {"Cargo.toml": "[workspace]\n"},
    "rails and node": {"Gemfile": 'gem "rails"\ngem "propshaft"', "bin/rails": "", **NODE},
    "sinatra": {"Gemfile": 'gem "sinatra"', "app.rb": ""},
    "laravel and node": {
        "composer.json": {"require": {"ext-zip": "*", "ext-redis": "*"}},
        "artisan": "",
        "public/index.php": "",
        "package.json": package(scripts={"build": "vite build"}),
    },
    "laravel with a secret": {"composer.json": "{}", "auth.json": "{}", "artisan": ""},
    "php": {"index.php": ""},
    "php and bun": {"index.php": "", "bun.lock": "", **NODE},
    "maven": {"pom.xml": "<project>spring-boot</project>"},
    "maven modules": {
        "pom.xml": "<project><modules><module>a</module></modules></project>",
        "a/pom.xml": "<project/>",
        "a/src/main/java/App.java": "static void main(",
    },
    "quarkus": {"pom.xml": "<project>quarkus</project>"},
    "gradle": {"build.gradle": "id 'application'", "settings.gradle": "include 'a', 'b'"},
    "gradle quarkus": {"build.gradle": "id 'io.quarkus'"},
    "dotnet": {"a b.csproj": '<Project Sdk="Microsoft.NET.Sdk.Web"/>'},
    "phoenix": {
        "mix.exs": 'app: :a, "assets.deploy" {:phoenix, "1"}',
        "config/dev.exs": "ip: {127,",
    },
    "deno": {"deno.json": "{}", "deno.lock": "{}", "main.ts": ""},
    "static": {"index.html": ""},
    "go and python": {"go.mod": "module m", "main.go": "package main", "requirements.txt": "x"},
    "Procfile": {"requirements.txt": "", "Procfile": "web: gunicorn $X --bind '0.0.0.0'\n"},
}
