"""Analyses as files: what is read is what was written, and a damaged file is known for one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib_music.analysis import Analysis, analysis_to_dict, load_analysis, save_analysis
from lib_music.analysis.store import cache_path, find_cached
from lib_music.analysis.types import CURVES
from lib_music.errors import ProjectError
from tests.music import song

HASH = "ab12" * 16


@pytest.fixture
def heard() -> Analysis:
    return replace(song(), content_hash=HASH, version=7, key="F#", mode="minor", key_confidence=0.25, start=1.5,
                   loudness_lufs=-9.5, loudness_range=6.25)


def test_round_trip(tmp_path: Path, heard: Analysis) -> None:
    path = tmp_path / "deep" / "analysis.json"
    save_analysis(path, heard)
    again = load_analysis(path)
    assert analysis_to_dict(again) == analysis_to_dict(heard)
    for name, curve in heard.envelopes.items():
        assert np.array_equal(again.envelopes[name].values, curve.values)
        assert again.envelopes[name].rate == curve.rate
    assert np.array_equal(again.beats.times, heard.beats.times)
    assert np.array_equal(again.beats.downbeat_confidence, heard.beats.downbeat_confidence)
    assert np.array_equal(again.beat_presence.values, heard.beat_presence.values)
    assert (again.start, again.version, again.content_hash) == (1.5, 7, HASH)
    assert (again.loudness_lufs, again.loudness_range) == (-9.5, 6.25)
    assert sorted(p.name for p in path.parent.iterdir()) == ["analysis.json", "analysis.npz"]


def test_an_analysis_of_version_1_still_loads(tmp_path: Path, heard: Analysis) -> None:
    path = tmp_path / "a.json"
    save_analysis(path, replace(heard, beats=replace(heard.beats, bar_confidence=0.5, downbeat_confidence=())))
    old = json.loads(path.read_text())
    del old["beats"]["downbeat_confidence"]
    path.write_text(json.dumps(old))
    assert np.all(load_analysis(path).beats.downbeat_confidence == 0.5)


def test_an_analysis_without_drums_and_loudness_still_loads(tmp_path: Path, heard: Analysis) -> None:
    """One of version 1: what its drums lie in stands in for them."""
    path = tmp_path / "analysis.json"
    save_analysis(path, heard)
    with np.load(path.with_suffix(".npz")) as packed:
        curves = {name: packed[name] for name in packed.files if name not in ("kick", "snare", "hat")}
    np.savez(path.with_suffix(".npz"), **curves)
    old = json.loads(path.read_text())
    old["rates"] = {name: rate for name, rate in old["rates"].items() if name in curves}
    old["curves_sha256"] = hashlib.sha256(path.with_suffix(".npz").read_bytes()).hexdigest()
    for name in ("loudness_lufs", "loudness_range"):
        del old[name]
    path.write_text(json.dumps(old))
    again = load_analysis(path)
    assert set(again.envelopes) == set(CURVES)
    assert np.array_equal(again.envelopes["kick"].values, heard.envelopes["low"].values)
    assert again.loudness_lufs == -70 and again.loudness_range == 0


def test_torn_pair_is_told(tmp_path: Path, heard: Analysis) -> None:
    path = tmp_path / "a.json"
    save_analysis(path, heard)
    other = tmp_path / "b.json"
    save_analysis(other, replace(heard, beat_presence=heard.envelopes["low"]))
    other.with_suffix(".npz").replace(path.with_suffix(".npz"))
    with pytest.raises(ProjectError, match="not its own"):
        load_analysis(path)


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="cannot read"):
        load_analysis(tmp_path / "none.json")
    foreign = tmp_path / "x.json"
    foreign.write_text('{"format": "something else"}')
    with pytest.raises(ProjectError, match="damaged"):
        load_analysis(foreign)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_bytes_are_an_error_or_the_same(tmp_path: Path, heard: Analysis, data: st.DataObject) -> None:
    path = tmp_path / "a.json"
    save_analysis(path, heard)
    for file in (path, path.with_suffix(".npz")):
        content = bytearray(file.read_bytes())
        at = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[at] = data.draw(st.integers(0, 255))
        else:
            del content[at:]
        file.write_bytes(bytes(content))
    try:
        load_analysis(path)
    except ProjectError:
        assert find_cached(path, HASH, 7) is None


def test_cache_knows_version_range_and_content(tmp_path: Path, heard: Analysis) -> None:
    path = cache_path(tmp_path, HASH, 1.5, heard.duration, 7)
    assert path != cache_path(tmp_path, HASH, 1.5, heard.duration, 8)
    assert path != cache_path(tmp_path, HASH, 0.0, heard.duration, 7)
    assert cache_path(tmp_path, "../../etc", 0.0, 1.0, 1).parent == tmp_path
    assert find_cached(path, HASH, 7) is None
    save_analysis(path, heard)
    assert find_cached(path, HASH, 7) is not None
    assert find_cached(path, HASH, 8) is None and find_cached(path, "cd" * 32, 7) is None
