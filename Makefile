# Two commands do all the set-up on a machine with python3 (with venv) and make: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check -q
UI341_PYTHON ?= python3.10
UI440_PYTHON ?= $(PYTHON)
# The page's tests in a browser have their own environment: what the `ui` extra installs, and playwright.
BROWSER_VENV ?= .venv-browser
# The optional ear's tests too: torch and beat_this.
EAR_VENV ?= .venv-ear

# Tests run side by side, on as many cores as there are, but four: each may hold a gigabyte.
SIDE_BY_SIDE ?= -n auto --maxprocesses 4

.PHONY: demo test test-browser test-ear test-ui lint types check bench clean

demo: $(VENV)/.core
	$(VENV)/bin/music-visualizer demo --out demo

test: $(VENV)/.dev
	$(PY) -m pytest $(SIDE_BY_SIDE)

# Needs Chromium (Debian: apt-get install chromium); here a skipped test is a failed one.
test-browser: $(BROWSER_VENV)/.browser
	MUSIC_VISUALIZER_BROWSER_TESTS=required $(BROWSER_VENV)/bin/python -m pytest tests/browser

# What needs torch: the program beat_this as an ear, with weights that the tests make, and the learning of borders.
test-ear: $(EAR_VENV)/.ear
	$(EAR_VENV)/bin/python -m pytest tests/analysis/test_beat_this.py tests/training/test_borders.py

# The page and the HTTP API under gradio, FastAPI and pydantic of AUTOMATIC1111 (which needs Python 3.10) and of Forge.
test-ui: .venv-ui341/.ui .venv-ui440/.ui
	.venv-ui341/bin/python -m pytest $(SIDE_BY_SIDE) tests/ui tests/webui tests/api
	.venv-ui440/bin/python -m pytest $(SIDE_BY_SIDE) tests/ui tests/webui tests/api

lint: $(VENV)/.dev
	$(PY) -m ruff check .

types: $(VENV)/.dev
	$(PY) -m mypy

check: test lint types

bench: $(VENV)/.bench
	$(PY) -m benchmarks

clean:
	rm -rf $(VENV) $(BROWSER_VENV) $(EAR_VENV) .venv-ui341 .venv-ui440 demo build *.egg-info

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

# torchaudio's compiled part is built for torch with CUDA, will not load beside one without, and is not used.
$(EAR_VENV)/.ear: pyproject.toml requirements.txt
	$(PYTHON) -m venv $(EAR_VENV)
	$(EAR_VENV)/bin/python -m pip --disable-pip-version-check -q install -e '.[dev]' torch==2.13.0 beat_this
	rm -f $(EAR_VENV)/lib/python*/site-packages/torchaudio/lib/*.so
	touch $@

.venv-ui341/.ui: tests/ui/gradio-3.41.txt pyproject.toml requirements.txt
	$(UI341_PYTHON) -m venv .venv-ui341
	.venv-ui341/bin/python -m pip --disable-pip-version-check -q install -r $< -e '.[api-test]'
	touch $@

.venv-ui440/.ui: tests/ui/gradio-4.40.txt pyproject.toml requirements.txt
	$(UI440_PYTHON) -m venv .venv-ui440
	.venv-ui440/bin/python -m pip --disable-pip-version-check -q install -r $< -e '.[api-test]'
	touch $@
