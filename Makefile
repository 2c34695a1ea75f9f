# What newcomers and CI run. The environment comes from the lock, with hashes: by uv when it is
# there and works, else by venv and pip.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UV := $(shell command -v uv 2>/dev/null)
LOCK := requirements-dev.lock
# one for each processor, as far as memory goes; two where there is but one, since tests wait too
TEST_PROCESSES ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); \
	test $$n -lt 2 && n=2; test $$n -gt 4 && n=4; echo $$n)
# what `make datasette` shows: CONFIG=config.toml for a database of your own
CONFIG ?= demo/config.toml
# A web archive for the tests to ask, which needs old versions of much that we use.
PYWB := .venv-pywb
PYWB_READY := $(PYWB)/.ready
PYWB_LOCK := requirements-pywb.lock

# Debian ships Pythons whose venv cannot make an environment: pip's way needs ensurepip as well.
PROBE := import sys, venv$(if $(UV),,, ensurepip); sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c '$(PROBE)' 2>/dev/null && echo $$python && break; done)

COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-header --no-emit-index-url --quiet $(if $(UPGRADE),--upgrade)

# Nothing that the tests write need reach a disk: where memory takes files of 2 GB and runs programs
# among them, they are a sixth faster.
IN_MEMORY = $(shell [ "$$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 {print int($$4 / 1000000)}')" -ge 2 ] \
	2>/dev/null && f=$$(mktemp /dev/shm/XXXXXX) && printf '\043!/bin/sh\n' >$$f && chmod +x $$f \
	&& $$f && echo TMPDIR=/dev/shm; rm -f "$$f")

# The tests start the program some hundred times: not to compile it each time.
unexport PYTHONDONTWRITEBYTECODE

.NOTPARALLEL:
.PHONY: demo run test check lint types layers audit schema contract lock bench clean queries \
	datasette datasette-metadata

demo: $(READY)
	$(BIN)/python -m ingest demo

run: $(READY)
	$(BIN)/python -m ingest --config config.toml run

test: $(READY) $(PYWB_READY)
	$(IN_MEMORY) $(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist worksteal -m 'not alone'
	$(IN_MEMORY) $(BIN)/python -m pytest -m alone

check: lint types layers audit test

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

layers: $(READY)
	$(BIN)/lint-imports

# Known vulnerabilities of what the program needs. Without a network it says so and passes.
audit: $(READY)
	@$(BIN)/python .ci/audit.py $(BIN)/pip-audit requirements.lock

$(READY): $(LOCK) pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: needs Python 3.11 or newer with venv and pip" \
		"(on Debian and Ubuntu: apt install python3-venv), or uv; PYTHON=... names one" >&2; exit 1; }
	@echo "making $(VENV) with $(PYTHON)$(if $(UV), and uv) (half a minute or so)"
	@if test -n "$(UV)" && $(MAKE) --no-print-directory uv-environment 2>&1; then :; \
		else $(if $(UV),echo "uv failed; now venv and pip";) $(MAKE) --no-print-directory pip-environment; fi
	@touch $@

# --no-build-isolation: hatchling is in the lock, so nothing unlocked is fetched.
.PHONY: uv-environment pip-environment
uv-environment:
	@rm -rf $(VENV)
	@uv venv --quiet --python $(PYTHON) $(VENV)
	@uv pip install --quiet --python $(BIN)/python --require-hashes -r $(LOCK)
	@uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .

pip-environment:
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r $(LOCK)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .

# setuptools comes first, of the lock: one of the packages is built here, and pywb asks it for paths.
$(PYWB_READY): $(PYWB_LOCK)
	@test -n "$(PYTHON)" || { echo "make: needs Python 3.11 or newer; PYTHON=... names one" >&2; exit 1; }
	@echo "making $(PYWB) with $(PYTHON)$(if $(UV), and uv) (half a minute or so)"
	@if test -n "$(UV)" && $(MAKE) --no-print-directory uv-pywb 2>&1; then :; \
		else $(if $(UV),echo "uv failed; now venv and pip";) $(MAKE) --no-print-directory pip-pywb; fi
	@touch $@

BUILD_LOCK := sed -n '/^setuptools==/,/[^\\]$$/p' $(PYWB_LOCK) >$(PYWB)/setuptools.lock

.PHONY: uv-pywb pip-pywb
uv-pywb:
	@rm -rf $(PYWB)
	@uv venv --quiet --python $(PYTHON) $(PYWB)
	@$(BUILD_LOCK)
	@for lock in $(PYWB)/setuptools.lock $(PYWB_LOCK); do uv pip install --quiet \
		--python $(PYWB)/bin/python --no-build-isolation --require-hashes -r $$lock || exit 1; done

pip-pywb:
	@rm -rf $(PYWB)
	@$(PYTHON) -m venv $(PYWB)
	@$(BUILD_LOCK)
	@for lock in $(PYWB)/setuptools.lock $(PYWB_LOCK); do $(PYWB)/bin/python -m pip install -qq \
		--disable-pip-version-check --no-build-isolation --require-hashes -r $$lock || exit 1; done

schema: $(READY)
	$(BIN)/python -m storage.dictionary > docs/schema.md

# The listing of the views and columns that are promised; refused where the version is not raised.
contract: $(READY)
	$(BIN)/python -m storage.contract

# The answers of docs/queries.md, by the demonstration; look at what changed before you keep it.
queries: $(READY)
	$(BIN)/python -m tests.questions

datasette-metadata: $(READY)
	$(BIN)/python -m tests.datasette_metadata

# A consistent copy of the database, with the questions and facets, at http://127.0.0.1:8001.
datasette: $(READY)
	mkdir -p build/datasette
	$(BIN)/python -m ingest --config $(CONFIG) db snapshot build/datasette/storywatch.db --force
	$(BIN)/python -m datasette serve --immutable build/datasette/storywatch.db \
		--metadata deploy/datasette/metadata.yml --setting sql_time_limit_ms 5000 $(DATASETTE)

# Needs uv; UPGRADE=1 moves to the newest releases. What the program needs, then the same and what
# it takes to make and test it, on every supported Python and platform.
lock:
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) pyproject.toml --extra dev -c requirements.lock -o requirements-dev.lock
	printf 'pywb==2.10.0\nsetuptools<81\n' | $(COMPILE) - -o $(PYWB_LOCK)

bench: $(READY)
	$(BIN)/python bench/pipeline.py
	$(BIN)/python bench/extraction.py
	$(BIN)/python bench/relevance.py
	$(BIN)/python bench/verdicts.py
	$(BIN)/python bench/lookup.py
	$(BIN)/python bench/versions.py

clean:
	rm -rf $(VENV) $(PYWB) build dist demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
