"""What is missing is told with a command that works here."""

from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from lib_music.doctor import checks


@pytest.fixture
def fixes(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Each finding's advice on a machine that has no extra, seen from the checkout."""
    real = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name in ("gradio", "torch", "rich") else real(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    monkeypatch.setattr("sys.executable", str(Path(__file__).resolve().parents[1] / ".venv" / "bin" / "python"))
    monkeypatch.chdir(Path(__file__).resolve().parents[1])
    return {check.name: check.fix for check in checks()}


def test_extras_come_from_this_checkout_not_from_an_index(fixes: dict[str, str]) -> None:
    assert ".venv/bin/python -m pip install -e '.[ui]'" in fixes["gradio"].replace("\\", "/")
    assert ".venv/bin/python -m pip install -e '.[caption]'" in fixes["torch"].replace("\\", "/")
    assert not any("install music-visualizer" in fix or "'music-visualizer" in fix for fix in fixes.values())


def test_what_is_needed_goes_into_the_python_that_runs(fixes: dict[str, str]) -> None:
    assert fixes["rich"].replace("\\", "/") == ".venv/bin/python -m pip install rich"


def test_elsewhere_the_checkout_is_named_in_full(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (fix,) = [check.fix for check in checks() if check.name == "gradio"]
    assert f"{Path(__file__).resolve().parents[1]}[ui]" in fix


def test_spotify_is_an_extra_and_its_credentials_are_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MUSIC_VISUALIZER_CONFIG", str(tmp_path))
    for name in ("SPOTIPY_CLIENT_ID", "SPOTIFY_CLIENT_ID", "SPOTIPY_CLIENT_SECRET", "SPOTIFY_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    found = {check.name: check for check in checks()}
    assert not found["spotipy"].needed and not found["spotify credentials"].needed
    assert (found["spotify credentials"].ok, found["spotify credentials"].found) == (False, "not set")
    monkeypatch.setenv("SPOTIPY_CLIENT_ID", "planted-id")
    monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", "planted-secret")
    every = [*checks()]
    assert {check.name: check for check in every}["spotify credentials"].found == "from the environment"
    assert "planted" not in repr(every)
