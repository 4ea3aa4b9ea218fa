"""A WebUI to test against: all of its modules that we touch, and failing where the real one fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lib_music.webui import stale
from tests.webui.fake_host import FakeHost


@pytest.fixture(autouse=True)
def _own_numba(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a host's start says to the whole process is not for the next test."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "numba"))


@pytest.fixture(autouse=True)
def _not_stale(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Files that are edited while the tests run are not what they are about."""
    monkeypatch.setattr(stale, "_PACKAGE", tmp_path / "no package")
    monkeypatch.setattr(stale, "_loaded", {})


@pytest.fixture()
def a1111(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeHost:
    """AUTOMATIC1111's WebUI, with a data folder of its own."""
    return FakeHost(monkeypatch, tmp_path / "webui")


@pytest.fixture()
def forge(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeHost:
    """Forge, with a data folder of its own."""
    return FakeHost(monkeypatch, tmp_path / "forge", forge=True)


@pytest.fixture(params=["a1111", "forge"])
def webui(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHost]:
    """Either of the two."""
    yield FakeHost(monkeypatch, tmp_path / "webui", forge=request.param == "forge")
