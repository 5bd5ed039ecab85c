# Two commands: `make serve` and `make test`. Everything they need is installed into .venv on first use.
#
#   make serve            build what is missing and run the service on 127.0.0.1:8000 until Ctrl-C
#   make stop             end a service left behind
#   make test             lint, types, import contracts and tests
#   make check-data       prove that data/ keeps its promises
#   make lock             resolve the versions in pyproject.toml into the lock files (needs uv)
#
#   PYTHON=/path/to/python3.11   CONFIG=configs/fused.yaml   EXTRA=gpu (faiss-gpu instead of faiss-cpu)

PYTHON ?= $(shell command -v python3.11 || command -v python3)
CONFIG ?= configs/serve.yaml
EXTRA ?= cpu
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
FAISS_VERSION := 1.15.1
TORCH_VERSION := 2.13.0

.PHONY: serve preflight stop test lint types contracts unit check-data format lock clean help

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -12

serve: preflight .venv/.serve-$(EXTRA)
	@$(BIN)/python -m graph serve --config $(CONFIG)

preflight:
	@$(PYTHON) graph/preflight.py serve $(CONFIG)

stop: .venv/.serve-$(EXTRA)
	@$(BIN)/python -m graph stop

test: lint types contracts unit

lint: .venv/.dev-$(EXTRA)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.dev-$(EXTRA)
	$(BIN)/mypy

contracts: .venv/.dev-$(EXTRA)
	$(BIN)/lint-imports

unit: .venv/.dev-$(EXTRA)
	$(BIN)/pytest

check-data: .venv/.serve-$(EXTRA)
	@$(BIN)/python -m graph check-data

format: .venv/.dev-$(EXTRA)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# torch is installed with its own dependencies: on a machine with a GPU they are CUDA's. All else comes from the lock.
.venv/.serve-$(EXTRA): requirements.lock
	@$(PYTHON) graph/preflight.py install
	@test -d .venv || $(PYTHON) -m venv .venv
	@echo "installing into .venv (first time: a few minutes) ..."
	@$(PIP) install -c requirements.lock torch==$(TORCH_VERSION)
	@$(PIP) uninstall --yes faiss-cpu faiss-gpu
	@$(PIP) install --no-deps faiss-$(EXTRA)==$(FAISS_VERSION)
	@$(PIP) install --no-deps -r requirements.lock
	@rm -f .venv/.serve-* .venv/.dev-*
	@touch $@

.venv/.dev-$(EXTRA): requirements-dev.lock .venv/.serve-$(EXTRA)
	@$(PIP) install --no-deps -r requirements-dev.lock
	@touch $@

lock:
	uv pip compile pyproject.toml --extra cpu --no-emit-package torch --no-emit-package faiss-cpu \
		--no-annotate --no-header --python-version 3.11 -o requirements.lock
	uv pip compile pyproject.toml --extra cpu --extra dev -c requirements.lock --no-emit-package torch \
		--no-emit-package faiss-cpu --no-annotate --no-header --python-version 3.11 -o requirements-dev.lock

clean:
	rm -rf artifacts .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
