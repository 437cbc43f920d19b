# Development commands. Every target makes the virtual environment the first time.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3.15 python3; do $$p -c 'import sys; sys.exit(sys.version_info < (3,11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
DEMO := $(VENV)/.demo
DEV := $(VENV)/.dev

# The tests start hundreds of processes: without bytecode each one compiles all modules again.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install demo setup run test test-promises coverage test-faults test-year test-image test-install installation release check format docs pictures bench clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# What the demo needs, and the rest for the tests and checks: an installation for each.
$(DEMO): EXTRAS := demo
$(DEV): EXTRAS := demo,dev
$(DEMO) $(DEV): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Paperround needs Python 3.11 or newer, and none was found. Install one, or set PYTHON=/path/to/python." >&2; exit 1; }
	@echo "Installing $(EXTRAS) into $(VENV) with $$($(PYTHON) --version): about a minute, once …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check "pip>=25.3,<28" || : # Python's own is slow
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]' \
	  && echo "done in $$SECONDS s"
	@touch $(if $(findstring dev,$(EXTRAS)),$(DEMO)) $@

install: $(DEV)

demo: $(DEMO) ## the bot on a local page with sample digests; no token, no network; in Korean with LOCALE=ko, PORT=0 for a free port
	@$(BIN)/paperround demo $(if $(LOCALE),--locale $(LOCALE)) $(if $(PORT),--port $(PORT))

setup: $(DEMO) ## ask for the bot's token, and start the bot
	@$(BIN)/paperround setup

run: $(DEMO) ## the bot itself (needs DISCORD_TOKEN, which setup writes)
	@$(BIN)/paperround run

check: $(DEV) ## format, lint, types, layers, dead code
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/vulture

format: $(DEV) ## format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

test: $(DEV) ## all tests
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS)

test-promises: $(DEV) ## what must hold whatever is changed inside: posts, both languages, both databases, real digests (three minutes)
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal -m promise $(ARGS)

# Twice the two cores that CI has: half of the workers first wait for processes most of the time (tests/conftest.py).
WORKERS ?= 4

coverage: $(DEV) ## all tests with coverage, which takes a third longer
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal --cov --cov-report=term $(ARGS)

test-faults: $(DEV) ## what takes long: kill -9 at 50 moments and more. CI runs it each night, you before a release
	@$(BIN)/pytest -n $(WORKERS) -m 'faults or all_faults' --all-faults $(ARGS)

test-year: $(DEV) ## YEARS=2 random years of daily posts on both databases, starting with those of SEED
	@RANDOM_YEARS=$(or $(YEARS),2) $(BIN)/pytest -n $(WORKERS) tests/daily/test_random_years.py $(ARGS)

test-image: $(DEV) ## build the image and run it; needs Docker or Podman
	@$(BIN)/pytest -m image tests/test_image.py $(ARGS)

test-install: $(DEV) ## install the checkout into an empty environment and use it; needs a package index
	@$(BIN)/pytest -m install tests/test_install.py $(ARGS)

release: $(DEV) ## source, wheel and image, each tried in an empty environment, with notes and checksums in dist/
	@rm -rf dist && $(BIN)/python -m hatchling build -d dist
	@$(BIN)/pytest -m 'install or image' tests/test_install.py tests/test_image.py $(ARGS)
	@awk '/^## /{shown=0} /^## \['"$$($(BIN)/python -m hatchling version)"'\]/{shown=1; next} shown' CHANGELOG.md > dist/notes.md
	@cd dist && sha256sum paperround-* > SHA256SUMS && ls -l

installation: $(DEV) ## store a filled installation of this version in tests/upgrades, which all later versions open; once for each release
	@$(BIN)/python -m tests.support.installation tests/upgrades/$$($(BIN)/python -m hatchling version)

docs: $(DEV) ## write the tables of the reference pages from the code
	@$(BIN)/python docs/reference.py

pictures: $(DEV) ## retake the pictures of the documents from the demo; needs Chromium
	@$(BIN)/python -m bench.pictures $(ARGS)

bench: $(DEV) ## speed and size, as ratios to a floor of the same run
	@$(BIN)/python -m bench.speed

clean: ## remove what make made
	@rm -rf $(VENV) .mypy_cache .ruff_cache .coverage .hypothesis
