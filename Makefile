# `make build` and `make test` do all the set-up on a machine with Python 3.11+ and pip.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORE := $(VENV)/.core
DEV := $(VENV)/.dev

.PHONY: build test lint types corpus clean

build: $(CORE)  ## the three datasets of the bundled corpus, into data/
	$(BIN)/cross-safety build --out data

test: $(DEV) lint types  ## lint, type-check, test
	$(BIN)/python -m pytest -n auto

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV)  ## the link lets mypy see the root folder as the package it is
	mkdir -p build/types
	ln -sfn ../.. build/types/cross_safety
	$(BIN)/mypy

corpus: $(DEV)  ## draw the pictures of the bundled corpus again (needs libfribidi0 for five scripts)
	$(BIN)/python -m cross_safety.builder.starter.draw

$(CORE): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	touch $(CORE)

$(DEV): $(CORE)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,train]'
	touch $(DEV)

clean:
	rm -rf $(VENV) build data
