# Two commands do all the set-up on a machine with python3 (with venv) and make: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check -q

.PHONY: demo test lint types check bench clean

demo: $(VENV)/.core
	$(VENV)/bin/music-visualizer demo --out demo

test: $(VENV)/.dev
	$(PY) -m pytest

lint: $(VENV)/.dev
	$(PY) -m ruff check .

types: $(VENV)/.dev
	$(PY) -m mypy

check: test lint types

bench: $(VENV)/.bench
	$(PY) -m benchmarks

clean:
	rm -rf $(VENV) demo build *.egg-info

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: pyproject.toml requirements.txt | $(VENV)/bin/python
	$(PIP) install -e .
	touch $@

$(VENV)/.dev: pyproject.toml requirements.txt | $(VENV)/bin/python
	$(PIP) install -e '.[dev]'
	touch $@ $(VENV)/.core

$(VENV)/.bench: pyproject.toml requirements.txt | $(VENV)/bin/python
	$(PIP) install -e '.[dev,bench]'
	touch $@ $(VENV)/.core $(VENV)/.dev
