# From a bare Debian 12 to the demo or the tests in one command; `make help` lists the targets.

PYTHON := .venv/bin/python
IMAGE := build/debian-12.qcow2
INSTALLED := .venv/.installed

# Hundreds of tests start a program: without its bytecode kept, each compiles all of it anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help install system-packages demo test test-fast test-slow bench check docs constraints clean FORCE

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## Install what is missing: system packages (root or sudo) and .venv

system-packages:
	@setup/system-packages.sh

$(INSTALLED): pyproject.toml constraints.txt | system-packages
	@setup/virtual-environment.sh
	@touch $@

demo: $(IMAGE) ## Take a real Debian image onto two simulated servers, and prove that it boots (BOOT=no: only install)
	@$(PYTHON) -m examples.demo build/debian-12.raw $(if $(filter no,$(BOOT)),--no-boot)

# The recipe itself knows whether the image is up to date.
$(IMAGE): install FORCE
	@$(PYTHON) -m fixtures.debian $@

test: test-fast test-slow ## Run all tests

test-fast: install ## Run the tests that take seconds
	$(PYTHON) -m pytest -q -n 2 --dist worksteal

test-slow: $(IMAGE) ## Run the tests that boot machines or run the whole line
	$(PYTHON) -m pytest -q -n 2 --dist worksteal -m slow

bench: $(IMAGE) ## Measure against other programs, and write the table into the README (some minutes)
	$(PYTHON) -m benchmarks --write

check: install ## Check format, lint, types and import contracts
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports

docs: install ## Write docs/checks.md and docs/commands.md, as the program itself tells them
	.venv/bin/byoi-tools explain --format markdown > docs/checks.md
	setup/commands-page.sh > docs/commands.md

constraints: install ## Write the versions that are now in .venv to constraints.txt
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --upgrade --editable '.[dev,rehearsal]'
	$(PYTHON) -m pip freeze --local --exclude-editable > constraints.txt

clean: ## Remove everything that make has made, except system packages
	rm -rf build dist .venv *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
