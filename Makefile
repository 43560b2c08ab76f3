# Everything that a checkout needs: `make test` on a bare Debian machine runs the tests on a real engine.
ENGINE := tests/engine/engine
PYTHON := .venv/bin/python
IMAGES ?=
STACKS := golang:1.24 rust:1.85-slim maven:3.9-eclipse-temurin-21 ruby:3.3-slim php:8.4-cli \
  elixir:1.18-slim nginx:1.26
ARGS ?=

.PHONY: help venv engine engine-stop test test-slow lint docs bench demo clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /make \1 — /; s/\$$\$$/$$/; /^make /p' Makefile

venv: ## .venv with devloop and its test tools, made anew when pyproject.toml changed
	@tests/engine/venv

engine: ## start a Docker Engine for tests; use as: eval "$$(make -s engine)"; IMAGES='redis:7' adds images
	@$(ENGINE) start $(IMAGES)

engine-stop: ## stop it; its images are kept
	@$(ENGINE) stop

test: venv ## the tests that run on every change; ARGS='-k name' goes to pytest
	@$(ENGINE) run redis:7 $(IMAGES) -- $(PYTHON) -m pytest -m 'not slow' $(ARGS)

test-slow: venv ## the slow tests
	@$(ENGINE) run $(STACKS) redis:7 postgres:17 $(IMAGES) -- tests/engine/pytest-or-none -m slow $(ARGS)

lint: venv ## ruff, and mypy for each platform
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	for platform in linux darwin win32; do $(PYTHON) -m mypy --strict --platform $$platform devloop || exit 1; done

docs: venv ## write the parts of docs/ that are made from the code
	@$(PYTHON) -m tests.docs

bench: venv ## how fast a save is answered
	@$(ENGINE) run redis:7 $(IMAGES) -- $(PYTHON) -m tests.bench $(ARGS)

demo: venv ## devloop at work on a sample project
	@$(ENGINE) run $(IMAGES) -- $(PYTHON) -m tests.demo $(ARGS)

clean: ## remove .venv and caches; the engine's images stay
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache
