# Everything runs in .venv, made here from the exact versions of the lock files. Needs python3.11 or newer and make, nothing else.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= $(firstword $(shell command -v python3 python3.11 python3.12 python3.13 python3.14))
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
PIP_INSTALL := $(BIN)/python -m pip install --quiet --no-compile
# On all cores what pip would do one file after the other. Every start of a process is a second faster for it.
# Not every file of every package can be compiled (templates, other versions of Python): that is no failure.
COMPILE := $(BIN)/python -m compileall -q -j 0 $(VENV)/lib > /dev/null || true
LOCK := $(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-annotate --no-header \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --build-deps-for=editable

# compat puts the clone itself on Python's path, after the user's own folders: with a finder, as setuptools does by
# default, a script beside the clone would import the clone's folder as an empty package called caviar.
INSTALL_CLONE = $(PIP_INSTALL) --no-deps --no-build-isolation --config-settings editable_mode=compat --editable .

.PHONY: help demo serve test test-two-servers check format openapi tables soak bench lock clean

help:  ## Say what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

demo: $(VENV)/.runtime  ## Set up, run a search of 40 trials on the digits, print the best
	@$(BIN)/caviar demo

serve: $(VENV)/.runtime  ## Start the server with its workers and the dashboard
	@$(BIN)/caviar serve

# Files of tests go to three processes, on two cores too: most tests wait for other processes more than they compute.
test: $(VENV)/.dev  ## Set up and run the tests (soak tests apart)
	$(BIN)/python -m pytest -m "not soak" --numprocesses=3 --dist=loadfile --no-loadscope-reorder

# Each server of a test gets a neighbour on the same Postgres, and each request goes to either of the two.
test-two-servers: $(VENV)/.dev  ## Run the tests of API, store and faults with two servers (half an hour)
	CAVIAR_TEST_TWO_SERVERS=1 $(BIN)/python -m pytest -m "not soak" --numprocesses=auto --maxprocesses=4 \
		--dist=loadfile --no-loadscope-reorder tests/api tests/contract tests/faults

check: $(VENV)/.dev  ## Lint, format, types, import rules, migrations, OpenAPI, JavaScript
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/contract/test_migrations.py tests/unit/service/test_openapi_document.py
	.ci/check-js

format: $(VENV)/.dev  ## Put the code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

openapi: $(VENV)/.dev  ## Write docs/openapi.json and the dashboard's types made of it (needs Node.js and npm)
	$(BIN)/python docs/openapi.py
	.ci/npm-packages
	node .ci/api-types.js

tables: $(VENV)/.dev  ## Write the tables in docs/ that follow from the code
	$(BIN)/python docs/tables.py

soak: $(VENV)/.dev  ## Run the long fault and load tests (about three hours)
	$(BIN)/python -m pytest -m soak

bench: $(VENV)/.dev $(VENV)/.bench  ## Measure against other libraries, in one run on this machine
	$(BIN)/python -m benchmarks

# Extras that include `server` name the project itself, by its place on this machine: the first sed drops that.
lock: $(VENV)/.dev  ## Write the lock files anew from pyproject.toml (Python 3.11 on Linux x86_64)
	$(LOCK) --extra=server --extra=s3 --output-file=requirements.lock pyproject.toml
	$(LOCK) --extra=server --extra=dev --constraint=requirements.lock --output-file=requirements-dev.lock pyproject.toml
	sed -i '/^# WARNING: pip install will require/d; /^# Consider using a hashable/d; /^caviar @/d' requirements.lock requirements-dev.lock
	sed -i '1i # Exact versions with hashes for Python 3.11 and newer on Linux x86_64; written by: make lock' requirements.lock requirements-dev.lock

clean:  ## Remove the environment and caches, keep the data
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .grimp_cache .venv-node

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Caviar needs Python 3.11 or newer, and none was found: install it, or make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Caviar needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V): make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Setting up $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python's venv module is missing: apt-get install python3-venv" >&2; exit 1; }

# The stamps say which lock was installed last; the development lock holds all of the runtime lock.
$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing the packages of requirements.lock ..."
	@$(PIP_INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL_CLONE)
	@$(COMPILE)
	@touch $@

$(VENV)/.dev: requirements-dev.lock requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing the packages of requirements-dev.lock ..."
	@$(PIP_INSTALL) --require-hashes -r requirements-dev.lock
	@$(INSTALL_CLONE)
	@$(COMPILE)
	@touch $(VENV)/.runtime $@

$(VENV)/.bench: benchmarks/requirements.txt | $(VENV)/.dev
	@echo "Installing the libraries to measure against ..."
	@$(PIP_INSTALL) -r benchmarks/requirements.txt
	@$(COMPILE)
	@touch $@

$(VENV)/.examples: examples/requirements.txt | $(VENV)/.dev
	@echo "Installing the frameworks of examples/requirements.txt ..."
	@$(PIP_INSTALL) -r examples/requirements.txt
	@$(COMPILE)
	@touch $@
