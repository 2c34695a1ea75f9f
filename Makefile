# The environment comes from the lock, with hashes: by uv when it is there, else by venv and pip.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)

.PHONY: demo run test check lint types layers lock bench clean

demo: $(VENV)/.installed
	$(BIN)/storywatch demo

run: $(VENV)/.installed
	$(BIN)/storywatch --config config.toml run

test: $(VENV)/.installed
	$(BIN)/python -m pytest

check: lint types layers test

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed
	$(BIN)/mypy

layers: $(VENV)/.installed
	$(BIN)/lint-imports

$(VENV)/.installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed"; exit 1; }
ifdef UV
	$(UV) venv --quiet --clear --python $(PYTHON) $(VENV)
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
else
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
endif
	@touch $@

# Needs uv. One lock for running and developing, on every supported Python and platform.
lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-annotate --no-header --no-emit-index-url --quiet -o requirements.lock

bench: $(VENV)/.installed
	$(BIN)/python bench/pipeline.py
	$(BIN)/python bench/extraction.py
	$(BIN)/python bench/relevance.py

clean:
	rm -rf $(VENV) build dist demo data .pytest_cache .mypy_cache .ruff_cache .hypothesis
