.DEFAULT_GOAL := help
.PHONY: help serve test check format parity examples bench lock clean

SYSTEM_PYTHON = $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
PYTHON ?= $(SYSTEM_PYTHON)
VENV ?= .venv
BIN := $(VENV)/bin
SOURCES := $(wildcard lossapi service tests benchmarks examples)
SPREAD := -n auto --dist worksteal # tests that lie together, as they share what is costly, stay together
INSTALL = $(BIN)/pip install --quiet --disable-pip-version-check --no-deps

help: ## list these targets
	@sed -nE 's/^([a-z]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

serve: $(VENV)/serve.stamp ## start the server on http://127.0.0.1:8000 (ARGS="--port 9000")
	$(BIN)/lossapi serve $(ARGS)

test: $(VENV)/dev.stamp ## run the tests (ARGS="-k huber")
	$(BIN)/pytest $(SPREAD) $(ARGS)

check: $(VENV)/dev.stamp ## lint, format, strict types, import contracts
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy $(SOURCES)
	$(BIN)/lint-imports

format: $(VENV)/dev.stamp ## rewrite the sources the way check wants them
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

parity: $(VENV)/parity.stamp ## hold the numbers against torch, scikit-learn, keras, optax, torchmetrics (1 GB)
	$(BIN)/pytest $(SPREAD) tests/parity $(ARGS)

examples: $(VENV)/dev.stamp ## run every example against a server of its own
	$(BIN)/python -m examples.run

bench: $(VENV)/parity.stamp ## measure against a plain service and torch
	$(BIN)/python -m benchmarks $(ARGS)

lock: ## pin every dependency anew (needs uv)
	requirements/lock $(ARGS)

clean: ## remove what was built
	rm -rf $(VENV) build dist *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

$(BIN)/pip:
	@test -n "$(PYTHON)" || { echo "lossapi needs Python 3.11 or newer with venv (Debian: apt-get install python3-venv)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/serve.stamp $(VENV)/dev.stamp: $(VENV)/%.stamp: requirements/%.txt requirements/build.txt pyproject.toml | $(BIN)/pip
	$(INSTALL) --require-hashes -r requirements/build.txt -r $<
	@command -v cc >/dev/null || command -v gcc >/dev/null || command -v clang >/dev/null || \
		$(INSTALL) --require-hashes -r requirements/compiler.txt # a C compiler for fused loops, where there is none
	$(INSTALL) --no-build-isolation --editable .
	@touch $(VENV)/serve.stamp $@ # whatever the lock, it holds what the server needs

$(VENV)/parity.stamp: requirements/parity.txt $(VENV)/dev.stamp
	$(BIN)/pip install --quiet --disable-pip-version-check torch==2.13.0
	$(INSTALL) --require-hashes -r $<
	@touch $@
