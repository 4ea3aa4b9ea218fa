# Two commands do all the set-up on a machine with python3 (with venv) and make: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check -q
# The page's tests in a browser have their own environment: what the `ui` extra installs, and playwright.
BROWSER_VENV ?= .venv-browser

.PHONY: demo test test-browser lint types check bench clean

demo: $(VENV)/.core
	$(VENV)/bin/music-visualizer demo --out demo

test: $(VENV)/.dev
	$(PY) -m pytest

# Needs Chromium (Debian: apt-get install chromium); here a skipped test is a failed one.
test-browser: $(BROWSER_VENV)/.browser
	MUSIC_VISUALIZER_BROWSER_TESTS=required $(BROWSER_VENV)/bin/python -m pytest tests/browser

lint: $(VENV)/.dev
	$(PY) -m ruff check .

types: $(VENV)/.dev
	$(PY) -m mypy

check: test lint types

bench: $(VENV)/.bench
	$(PY) -m benchmarks

clean:
	rm -rf $(VENV) $(BROWSER_VENV) demo build *.egg-info

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

$(BROWSER_VENV)/.browser: pyproject.toml requirements.txt
	$(PYTHON) -m venv $(BROWSER_VENV)
	$(BROWSER_VENV)/bin/python -m pip --disable-pip-version-check -q install -e '.[ui,browser,dev]'
	touch $@
