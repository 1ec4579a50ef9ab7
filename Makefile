# Each target does its own set-up: it needs Python 3.11 or later, make and a C++ compiler, nothing else.
# Without a compiler put HANDGRAD_NATIVE=off before the command.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
# Folders stand here too: they change when a file is removed.
SOURCES := pyproject.toml CMakeLists.txt README.md LICENSE $(shell find src native -name __pycache__ -prune -o -print)

unexport PYTHONPATH # the installed package is what runs, never the source tree

.PHONY: help train test test-all sanitize bench lint docs clean
.DELETE_ON_ERROR:

help:
	@echo "make train      train a network; options of 'handgrad train' go into ARGS='--epochs 2'"
	@echo "make test       run the tests against the installed package; pytest options go into ARGS"
	@echo "make test-all   run the slow tests and the C++ tests too"
	@echo "make bench      time nets and layers beside the frameworks that are installed; nothing else may run"
	@echo "make sanitize   run the C++ tests and the layer contract under sanitizers"
	@echo "make lint       check style and types"
	@echo "make docs       build the documentation into docs/_build/html"
	@echo "make clean      remove what was built; the environment in $(VENV) stays"

train: $(VENV)/.package
	$(BIN)/handgrad train $(ARGS)

test: $(VENV)/.dev
	$(BIN)/pytest $(ARGS)

test-all: $(VENV)/.dev
	$(BIN)/pytest -m "" $(ARGS)

sanitize:
	PYTHON=$(PYTHON) .ci/sanitize

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/nets.py $(ARGS)
	$(BIN)/python benchmarks/layers.py

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.docs
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html

clean:
	rm -rf build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests -name __pycache__ -prune -exec rm -r {} +

# An environment of our own; stamps in it tell what it already holds.
$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Handgrad needs Python 3.11 or later; name one with: make PYTHON=python3.11 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# Built afresh as users get it, and installed even where this version is installed already.
$(VENV)/.package: $(VENV)/.python $(SOURCES)
	@rm -rf $(VENV)/wheel
	@$(BIN)/python -m pip --disable-pip-version-check wheel --quiet --no-deps --wheel-dir $(VENV)/wheel . || { \
	    echo "The build failed; where there is no C++ compiler, put HANDGRAD_NATIVE=off before make." >&2; exit 1; }
	$(PIP) --force-reinstall --no-deps $(VENV)/wheel/*.whl
	$(PIP) $(VENV)/wheel/*.whl
	@touch $@

$(VENV)/.dev $(VENV)/.docs: $(VENV)/.%: $(VENV)/.package
	$(PIP) "$$(ls $(VENV)/wheel/*.whl)[$*]"
	@touch $@
