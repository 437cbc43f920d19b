# Development commands. Every target makes the virtual environment the first time.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do $$p -c 'import sys; sys.exit(not (3,11) <= sys.version_info[:2] <= (3,13))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo run test coverage test-faults test-image test-install check format bench bench-large shape clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Paperround needs Python 3.11, 3.12 or 3.13, and none was found. Install one, or set PYTHON=/path/to/python." >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version) and installing into it: about a minute, once …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[demo,dev]' \
	  && echo "done in $$SECONDS s"
	@touch $@

install: $(STAMP)

demo: $(STAMP) ## the bot on a local page with sample digests; no token, no network
	@$(BIN)/paperround demo

run: $(STAMP) ## the bot itself (needs DISCORD_TOKEN)
	@$(BIN)/paperround run

check: $(STAMP) ## format, lint, types, layers, dead code
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/vulture

format: $(STAMP) ## format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

test: $(STAMP) ## all tests, and what a Python can change on every other one found
	@echo "Full run: $$($(BIN)/python --version)"
	@$(BIN)/pytest -n $(WORKERS) $(ARGS)
	@bash tests/other_pythons.sh $(BIN)/python

# One more than the two cores that CI has: a third of the time tests wait for processes that they started.
WORKERS ?= 3

coverage: $(STAMP) ## all tests with coverage, which takes a third longer
	@$(BIN)/pytest -n $(WORKERS) --cov --cov-report=term $(ARGS)

test-faults: $(STAMP) ## the long fault runs: kill -9 at 50 moments and more
	@$(BIN)/pytest -n $(WORKERS) -m faults --all-faults tests/faults $(ARGS)

test-image: $(STAMP) ## build the Docker image with buildah and run it; needs root
	@$(BIN)/pytest -m image tests/test_image.py $(ARGS)

test-install: $(STAMP) ## install the checkout into an empty environment and use it; needs a package index
	@$(BIN)/pytest -m install tests/test_install.py $(ARGS)

bench: $(STAMP) ## speed and size, as ratios to a floor of the same run
	@$(BIN)/python -m bench

bench-large: $(STAMP) ## the same at a million papers
	@$(BIN)/python -m bench --large

shape: $(STAMP) ## the structure of the code in figures
	@$(BIN)/python -m bench.shape

clean: ## remove what make made
	@rm -rf $(VENV) .venv-3.* .mypy_cache .ruff_cache .coverage .hypothesis
