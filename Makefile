# A bare `make` lists what there is.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKERS ?= 8
export NO_MKDOCS_2_WARNING := 1

.PHONY: help catalog serve test lint bench samples clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

catalog: $(READY)  ## install, process manifest.csv and build the site into build/site
	$(BIN)/python -m jobs.process manifest.csv --workers $(WORKERS)
	$(BIN)/mkdocs build --quiet --strict
	@echo "site:    build/site/index.html"

serve: $(READY)  ## browse the catalog at http://127.0.0.1:8000
	$(BIN)/mkdocs serve

test: $(READY)  ## install what the tests need and pass them
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

lint: $(READY)  ## ruff and mypy --strict
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(READY)  ## the short form of every benchmark
	$(BIN)/python -m benchmarks --short

samples: $(READY)  ## train the sample models again and check that they come out the same
	$(BIN)/python samples/make.py --check

clean:  ## remove everything that was made, downloads and the environment included
	rm -rf build $(VENV)
