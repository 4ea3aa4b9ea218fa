"""Corrections carried over to another hearing: what the person wanted stays, what has no place is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.analysis import Analysis, Corrections, replay
from lib_music.analysis.basis import Basis
from lib_music.analysis.types import Role
from tests.analysis.test_corrections import corrections
from tests.music import song

OLD = song(bpm=120, start=0.25)
PLAN: tuple[tuple[str, Role, int], ...] = (("A", "verse", 4), ("B", "chorus", 4), ("A", "verse", 4), ("C", "drop", 4))


def heard(
    factor: float = 1.0, late: float = 0.0, shift: int = 0, plan: tuple[tuple[str, Role, int], ...] = PLAN
) -> Analysis:
    """The same song with another ear: other octave, beats later by some, bars that begin elsewhere, other sections."""
    bars = tuple((label, role, round(n * factor)) for label, role, n in plan)
    new = song(bpm=120 * factor, plan=bars, start=0.25 + late)
    places = (new.beats.positions - 1 - shift) % 4 + 1
    return replace(new, beats=replace(new.beats, positions=places), version=2)


def told(edit: Corrections, new: Analysis) -> list[tuple[str, bool]]:
    return [(conflict.edit, conflict.settled) for conflict in replay(edit, OLD, new)[1]]


def test_on_the_same_hearing_all_stays() -> None:
    edit = Corrections(2.0, 1, 0.05, (), ((8.25, 9.0),), ((4.5, "X"),), ((12.625, "break"),))
    again, conflicts = replay(edit, OLD, replace(OLD, version=2))
    assert (again.labels, again.roles) == (((4.5, "X"),), ((12.775, "break"),))
    assert replace(again, roles=edit.roles) == edit and not conflicts and again.made_on is not None
    assert again.apply(OLD).sections.labels == edit.apply(OLD).sections.labels


def test_a_tempo_that_the_new_ear_hears_itself_is_not_changed_twice() -> None:
    double = Corrections(tempo_factor=2.0)
    now, (conflict,) = replay(double, OLD, heard(2.0))
    assert now.tempo_factor == 1.0 and conflict.settled and "240 BPM" in conflict.text
    assert now.apply(heard(2.0)).beats.tempo == 240
    now, (conflict,) = replay(Corrections(tempo_factor=0.5), OLD, heard(0.5))
    assert now.tempo_factor == 1.0 and conflict.settled


def test_a_tempo_is_reached_from_another_octave() -> None:
    now, conflicts = replay(Corrections(tempo_factor=0.5), OLD, replace(OLD, version=2))
    assert now.tempo_factor == 0.5 and not conflicts
    now, (conflict,) = replay(Corrections(tempo_factor=2.0), OLD, heard(0.5))
    assert now.tempo_factor == 1.0 and not conflict.settled and "60 are heard" in conflict.text


def test_the_first_beat_of_the_bar_stays_where_the_person_put_it() -> None:
    one = Corrections(downbeat_shift=1)
    wanted = one.apply(OLD).beats.downbeats
    for shift, kept, said in ((0, 1, []), (1, 0, [("downbeat", True)]), (3, 2, [])):
        now, conflicts = replay(one, OLD, new := heard(shift=shift))
        assert now.downbeat_shift == kept and [(c.edit, c.settled) for c in conflicts] == said
        assert now.apply(new).beats.downbeats[:5] == pytest.approx(wanted[:5])
    assert told(one, replace(OLD, beats=replace(OLD.beats, times=OLD.beats.times + 0.2))) == [("downbeat", False)]


def test_a_nudge_that_the_new_ear_makes_itself_is_left_out() -> None:
    nudge = Corrections(nudge=-0.04)
    assert replay(nudge, OLD, heard(late=0.002)) == (nudge, ())
    now, (conflict,) = replay(nudge, OLD, heard(late=-0.036))
    assert now.nudge == 0 and conflict.settled


def test_borders_find_theirs_again() -> None:
    moved = Corrections(borders=((8.25, 9.0),))
    near = heard(plan=(("A", "verse", 4), ("B", "chorus", 4), ("A", "verse", 8)))
    now, conflicts = replay(moved, OLD, near)
    assert not conflicts and now.apply(near).sections.intervals[1, 0] == 9.0
    there = replace(near, sections=replace(near.sections, intervals=[[0, 9.0], [9.0, 16.25], [16.25, 32.25]]))
    now, (conflict,) = replay(moved, OLD, there)
    assert now.borders == () and conflict.settled
    gone = heard(plan=(("A", "verse", 12), ("C", "drop", 4)))
    now, (conflict,) = replay(moved, OLD, gone)
    assert now.borders == () and not conflict.settled and "0:08.2" in conflict.text and conflict.at == 9.0


def test_names_stay_with_their_stretch() -> None:
    named = Corrections(labels=((12.0, "Bridge"),), roles=((28.0, "break"),))
    split = heard(plan=(("A", "verse", 4), ("B", "chorus", 2), ("D", "build", 2), ("A", "verse", 4), ("C", "drop", 4)))
    now, conflicts = replay(named, OLD, split)
    assert not conflicts and now.apply(split).sections.labels == ("A", "Bridge", "Bridge", "A", "C")
    assert now.apply(split).sections.roles[-1] == "break"
    merged = heard(plan=(("A", "verse", 12), ("C", "drop", 4)))
    now, (conflict,) = replay(named, OLD, merged)
    assert now.labels == () and (conflict.edit, conflict.settled) == ("label", False) and "Bridge" in conflict.text
    assert now.apply(merged).sections.roles[-1] == "break"


def test_two_names_for_one_section_the_greater_part_wins() -> None:
    named = Corrections(labels=((4.0, "X"), (12.0, "Y")))
    new = heard(plan=(("A", "verse", 7), ("B", "chorus", 9)))
    now, (conflict,) = replay(named, OLD, new)
    assert now.apply(new).sections.labels[0] == "X" and "Y" in conflict.text


def test_taps_go_on_pulling() -> None:
    taps = Corrections(taps=tuple(4.27 + 0.5 * k for k in range(12)))
    off = replace(OLD, beats=replace(OLD.beats, times=OLD.beats.times + 0.25, confidence=OLD.beats.confidence))
    off = replace(off, beats=replace(off.beats, times=off.beats.times[:-1], positions=off.beats.positions[:-1],
                                     confidence=off.beats.confidence[:-1], downbeat_confidence=[]))
    now, _ = replay(taps, OLD, off)
    times = now.apply(off).beats.times
    assert now.taps == taps.taps
    assert times[(times > 4.2) & (times < 9.9)] == pytest.approx(4.25 + 0.5 * np.arange(12), abs=0.03)


def test_another_range_of_the_file() -> None:
    edit = Corrections(labels=((4.0, "X"), (12.0, "Y")), borders=((16.25, 17.0),))
    later = replace(heard(plan=(("B", "chorus", 4), ("A", "verse", 4), ("C", "drop", 4))), start=8.0)
    now, conflicts = replay(edit, OLD, later)
    assert now.apply(later).sections.labels[0] == "Y" and now.borders[0][1] == pytest.approx(9.0)
    assert any("outside" in conflict.text for conflict in conflicts)
    earlier = replace(OLD, start=3.0)
    back, _ = replay(Corrections(labels=((12.0, "Y"),)), earlier, OLD)
    assert back.labels == ((12.25, "Y"),)


def test_without_beats_nothing_breaks() -> None:
    silent = replace(OLD, beats=replace(OLD.beats, times=[], positions=[], confidence=[], downbeat_confidence=[],
                                        tempo=0.0))
    edit = Corrections(2.0, 1, 0.05, (1.0, 1.5, 2.0, 2.5), ((8.25, 9.0),), ((4.0, "X"),), ())
    assert {"tempo"} <= {conflict.edit for conflict in replay(edit, OLD, silent)[1]}
    assert {"tempo"} <= {conflict.edit for conflict in replay(edit, silent, silent)[1]}


def test_applying_replays_by_itself() -> None:
    edit = Corrections(tempo_factor=2.0, made_on=Basis.of(OLD))
    assert edit.apply(OLD).beats.tempo == 240 == edit.apply(heard(2.0)).beats.tempo
    assert Corrections(tempo_factor=2.0).apply(heard(2.0)).beats.tempo == 480
    assert edit.on(heard(2.0))[1][0].settled and edit.on(OLD) == (edit, ())


@settings(max_examples=120, deadline=None)
@given(corrections, st.sampled_from([0.5, 1.0, 2.0]), st.integers(0, 3), st.floats(-0.2, 0.5), st.booleans())
def test_any_corrections_can_be_replayed(
    edit: Corrections, factor: float, shift: int, late: float, merged: bool
) -> None:
    plan = (("A", "verse", 8), ("C", "drop", 8)) if merged else PLAN
    new = heard(factor, late, shift, plan)  # type: ignore[arg-type]
    now, conflicts = replay(edit, OLD, new)
    done = now.apply(new)
    assert done.duration == new.duration and len(done.sections) == len(new.sections)
    assert all(conflict.text and conflict.text[-1] not in ".\n" for conflict in conflicts)
    assert Corrections.from_json(now.to_json()) == now
