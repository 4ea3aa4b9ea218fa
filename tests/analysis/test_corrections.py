"""Corrections: each edit does what it says, none is the identity, and files are checked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.analysis import Corrections, analysis_to_dict, read_corrections, write_corrections
from lib_music.analysis.basis import Basis
from lib_music.errors import ProjectError
from tests.music import song

times = st.floats(0, 40)
corrections = st.builds(
    Corrections,
    tempo_factor=st.sampled_from([0.5, 1.0, 2.0]),
    downbeat_shift=st.integers(-9, 9),
    nudge=st.floats(-1, 1),
    taps=st.lists(st.integers(0, 400), max_size=12, unique=True).map(lambda t: tuple(k / 10 for k in sorted(t))),
    borders=st.lists(st.tuples(times, times), max_size=3).map(tuple),
    labels=st.lists(st.tuples(times, st.sampled_from("XYZ")), max_size=3).map(tuple),
    roles=st.lists(st.tuples(times, st.sampled_from(["drop", "break"])), max_size=3).map(tuple),
)


def test_none_is_the_identity() -> None:
    heard = song()
    assert Corrections().apply(heard) is heard


@settings(max_examples=80, deadline=None)
@given(corrections)
def test_any_corrections_give_a_valid_analysis_and_survive_the_file(edit: Corrections) -> None:
    heard = song(start=0.3)
    done = edit.apply(heard)
    assert done.duration == heard.duration and len(done.sections) == len(heard.sections)
    assert Corrections.from_json(edit.to_json()) == edit
    assert set(done.beats.downbeats) <= set(done.beats.times)


def test_twice_and_half_the_tempo() -> None:
    heard = song(bpm=100)
    double, half = Corrections(tempo_factor=2.0).apply(heard), Corrections(tempo_factor=0.5).apply(heard)
    assert double.beats.tempo == 200 and half.beats.tempo == 50
    assert np.diff(double.beats.times) == pytest.approx(0.3)
    assert np.diff(half.beats.times) == pytest.approx(1.2)
    assert double.beats.positions[:9].tolist() == [1, 2, 3, 4, 1, 2, 3, 4, 1]
    assert half.beats.positions[:5].tolist() == [1, 2, 3, 4, 1]
    assert set(heard.beats.downbeats) <= set(double.beats.downbeats)


def test_downbeats_move_and_borders_follow() -> None:
    heard = song(bpm=120)
    moved = Corrections(downbeat_shift=1).apply(heard)
    assert moved.beats.downbeats[0] == pytest.approx(heard.beats.times[1])
    for border in moved.sections.intervals[1:, 0]:
        assert np.abs(moved.beats.downbeats - border).min() < 1e-9
    assert np.array_equal(Corrections(downbeat_shift=4).apply(heard).beats.positions, heard.beats.positions)


def test_nudge_moves_beats_and_borders_alike() -> None:
    heard = song(bpm=120, start=0.5)
    done = Corrections(nudge=-0.04).apply(heard)
    assert done.beats.times == pytest.approx(heard.beats.times - 0.04)
    assert done.sections.intervals[1:, 0] == pytest.approx(heard.sections.intervals[1:, 0] - 0.04)


def test_sections_are_named_by_a_moment_inside_them() -> None:
    heard = song()
    done = Corrections(borders=((8.1, 9.0),), labels=((12.0, "Z"),), roles=((12.0, "break"),)).apply(heard)
    assert done.sections.intervals[0, 1] == 9.0 == done.sections.intervals[1, 0]
    assert done.sections.labels == ("A", "Z", "A", "C")
    assert done.sections.roles[1] == "break"


def test_a_file_of_before_can_be_read_and_its_taps_pull() -> None:
    old = '{"format": "music-visualizer corrections", "tempo_factor": 1.0, "downbeat_shift": 0, "nudge": 0.0, '
    taps = [4.02, 4.49, 5.03, 5.48, 6.01, 6.52]
    edit = Corrections.from_json(old + f'"taps": {taps}, "borders": [], "labels": [[12.0, "Z"]], "roles": []}}')
    heard = song(bpm=120)
    done = edit.apply(heard)
    assert edit.made_on is None and done.sections.labels[1] == "Z"
    assert np.array_equal(done.beats.times, heard.beats.times)


def test_what_they_were_made_on_is_kept_with_them() -> None:
    heard = song(bpm=97.3, start=0.4567)
    edit = Corrections(nudge=0.1, labels=((3.0, "Höhe"),), made_on=Basis.of(heard))
    again = Corrections.from_json(edit.to_json())
    assert again == edit and again.made_on is not None and again.made_on.same_as(heard)
    assert again.on(heard) == (again, ()) and not again.made_on.same_as(song(bpm=97.4, start=0.4567))
    assert "made_on" not in Corrections(made_on=Basis.of(heard)).to_json()


@pytest.mark.parametrize("wrong", [
    {"tempo_factor": 3.0}, {"nudge": 2.0}, {"nudge": float("nan")}, {"taps": (2.0, 1.0)}, {"taps": (1.0, 1.01)},
    {"labels": ((1.0, ""),)},
    {"labels": ((1.0, "a\nb"),)},
    {"downbeat_shift": 1001}, {"downbeat_shift": 10**400}, {"nudge": 10**400}, {"taps": (10**400,)}, {"taps": (1e9,)},
    {"labels": ((float("nan"), "A"),)}, {"roles": ((1.0, "solo"),)},
    {"borders": ((-1.0, 2.0),)}, {"downbeat_shift": 1.5},
])
def test_impossible_values_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="Corrections"):
        Corrections(**wrong)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.text(max_size=60), st.dictionaries(
    st.sampled_from(["format", "taps", "nudge", "labels", "borders", "tempo_factor", "x"]),
    st.one_of(st.none(), st.integers(), st.text(max_size=4), st.lists(st.lists(st.integers(), max_size=3), max_size=3)),
).map(lambda d: json.dumps({"format": "music-visualizer corrections", **d}))))
def test_found_text_is_read_or_refused(text: str) -> None:
    try:
        Corrections.from_json(text)
    except ProjectError as error:
        assert error.fix


@pytest.mark.parametrize(("entry", "name"), [
    ('"nudge": 1e400', "nudge"), (f'"nudge": {10**400}', "nudge"), ('"nudge": NaN', "nudge"),
    (f'"tempo_factor": {10**400}', "tempo_factor"), ('"tempo_factor": -Infinity', "tempo_factor"),
    (f'"downbeat_shift": {10**400}', "downbeat_shift"), ('"downbeat_shift": -99999999999999999999', "downbeat_shift"),
    ('"downbeat_shift": NaN', "downbeat_shift"), ('"downbeat_shift": 1e400', "downbeat_shift"),
    (f'"taps": [{10**400}]', "taps"), ('"taps": [NaN]', "times"), (f'"borders": [[1, {10**400}]]', "borders"),
    ('"borders": [[1, 1e400]]', "times"), (f'"labels": [[-{10**400}, "A"]]', "labels"), ('"nudge": "1"', "nudge"),
    (f'"nudge": {"9" * 9000}', "used"), ('"made_on": {}', "beats"), ('"made_on": [1]', "used"),
    ('"made_on": {"beats": "1 2", "positions": "1", "sections": [[0, "A", "verse"]], "duration": 9, '
     '"beats_per_bar": 4, "start": 0, "tempo": 0}', "alike"),
    ('"made_on": {"beats": "nan", "positions": "1", "sections": [[0, "A", "verse"]], "duration": 9, '
     '"beats_per_bar": 4, "start": 0, "tempo": 0}', "finite"), ('"labels": ' + "[" * 99_999, "used"),
])
def test_numbers_beyond_all_bounds_are_refused_by_name(entry: str, name: str) -> None:
    with pytest.raises(ProjectError, match=name) as caught:
        Corrections.from_json('{"format": "music-visualizer corrections", ' + entry + "}")
    assert caught.value.fix


NUMBER = st.one_of(st.integers(), st.floats(), st.sampled_from([10**400, -(10**400), 10**18, 86_400, 1e-300, 0, 1, 2]))
SPOT = st.one_of(NUMBER, st.floats(0, 40))


@settings(max_examples=150, deadline=None)
@given(st.fixed_dictionaries({}, optional={
    "tempo_factor": st.one_of(NUMBER, st.sampled_from([0.5, 2])),
    "downbeat_shift": NUMBER,
    "nudge": st.one_of(NUMBER, st.floats(-1, 1)),
    "taps": st.lists(SPOT, max_size=6).map(lambda taps: sorted(taps, key=str)),
    "borders": st.lists(st.tuples(SPOT, SPOT), max_size=3),
    "labels": st.lists(st.tuples(SPOT, st.text(max_size=3)), max_size=3),
    "roles": st.lists(st.tuples(SPOT, st.sampled_from(["drop", "solo"])), max_size=3),
}))
def test_what_is_read_can_be_applied(found: dict[str, object]) -> None:
    heard = song(start=0.3)
    try:
        edit = Corrections.from_json(json.dumps({"format": "music-visualizer corrections", **found}))
    except ProjectError as error:
        assert error.fix
        return
    done = edit.apply(heard)
    assert done.duration == heard.duration and len(done.sections) == len(heard.sections)


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "corrections.json"
    edit = Corrections(nudge=0.1, labels=((3.0, "Höhe"),))
    write_corrections(path, edit)
    assert read_corrections(path) == edit
    assert [p.name for p in tmp_path.iterdir()] == ["corrections.json"]
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ProjectError):
        read_corrections(path)
    assert analysis_to_dict(edit.apply(song()))["sections"][0]["label"] == "Höhe"
