"""Fixing the hearing: each edit does what it says, what is foreign changes nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.analysis import Corrections
from lib_music.errors import InputError
from lib_music.studio.hearing import HEARING, corrected
from tests.music import song

SONG = song(bpm=120, start=0.25)


def after(*actions: dict[str, Any]) -> Corrections:
    now = Corrections()
    for action in actions:
        now = corrected(now, SONG, action)
    return now


def test_tempo_doubles_halves_and_comes_back() -> None:
    double, half = {"do": "tempo", "factor": 2}, {"do": "tempo", "factor": 0.5}
    assert after(double).apply(SONG).beats.tempo == 240
    assert after(half).apply(SONG).beats.tempo == 60
    assert after(double, half) == Corrections() == after(half, double)
    for twice in ((double, double), (half, half)):
        with pytest.raises(InputError, match="already"):
            after(*twice)


def test_tempo_without_beats_is_refused() -> None:
    silent = song(presence=0.0)
    nothing = replace(silent.beats, times=[], positions=[], confidence=[], downbeat_confidence=[], tempo=0.0)
    with pytest.raises(InputError, match="no beats"):
        corrected(Corrections(), replace(silent, beats=nothing), {"do": "tempo", "factor": 2})


def test_the_downbeat_goes_round_the_bar() -> None:
    one = {"do": "downbeat", "by": 1}
    assert after(one).apply(SONG).beats.downbeats[0] == pytest.approx(SONG.beats.times[1])
    back = after({"do": "downbeat", "by": -1}).apply(SONG)
    assert back.beats.downbeats[0] == pytest.approx(SONG.beats.times[3])
    assert after(one, one, one, one) == Corrections()


def test_nudges_add_up_and_take_moved_borders_along() -> None:
    now = after({"do": "nudge", "ms": 30}, {"do": "nudge", "ms": -10.5})
    assert now.nudge == pytest.approx(0.0195)
    assert now.apply(SONG).beats.times == pytest.approx(SONG.beats.times + 0.0195)
    moved = after({"do": "border", "from": 8.25, "to": 9.0}, {"do": "nudge", "ms": 100})
    assert moved.apply(SONG).sections.intervals[1, 0] == pytest.approx(9.1)
    with pytest.raises(InputError, match="within 1000 ms"):
        after({"do": "nudge", "ms": 700}, {"do": "nudge", "ms": 700})


def test_a_border_is_dragged_and_dragged_again() -> None:
    once = after({"do": "border", "from": 8.25, "to": 9.0})
    assert once.apply(SONG).sections.intervals[1, 0] == 9.0
    again = corrected(once, SONG, {"do": "border", "from": 9.0, "to": 10.5})
    assert again.apply(SONG).sections.intervals[1, 0] == 10.5 and len(again.borders) == 1
    assert np.array_equal(again.apply(SONG).sections.intervals[2:], SONG.sections.intervals[2:])


def test_a_border_stops_at_its_neighbours() -> None:
    right = after({"do": "border", "from": 8.25, "to": 30.0}).apply(SONG).sections.intervals
    left = after({"do": "border", "from": 16.25, "to": 0.0}).apply(SONG).sections.intervals
    assert right[1, 0] == pytest.approx(15.75) and right[2, 0] == 16.25
    assert left[2, 0] == pytest.approx(8.75) and left[1, 0] == 8.25
    with pytest.raises(InputError, match="no border"):
        after({"do": "border", "from": 12.0, "to": 13.0})


def test_names_stay_with_their_section_when_borders_and_beats_move() -> None:
    now = after(
        {"do": "label", "section": 1, "name": " Bridge "},
        {"do": "role", "section": 1, "role": "break"},
        {"do": "border", "from": 8.25, "to": 15.5},
        {"do": "tempo", "factor": 0.5},
        {"do": "downbeat", "by": 1},
        {"do": "nudge", "ms": -300},
    )
    sections = now.apply(SONG).sections
    assert sections.labels == ("A", "Bridge", "A", "C")
    assert sections.roles == ("verse", "break", "verse", "drop")


def tapped(first: float, step: float, n: int) -> dict[str, Any]:
    """Taps of one hand: some 30 ms off either way, one missing, one struck twice."""
    off = 0.03 * np.sin(7.0 * np.arange(n))
    times = [round(float(first + step * k + off[k]), 3) for k in range(n) if k != n // 2]
    return {"do": "taps", "times": [*times, round(times[2] + 0.08, 3)]}


def test_taps_choose_among_the_beats_that_were_heard() -> None:
    same = after(tapped(6.25, 0.5, 12)).apply(SONG)
    assert np.array_equal(same.beats.times, SONG.beats.times) and same.beats.tempo == 120
    half = after(tapped(6.25, 1.0, 8)).apply(SONG)
    region = (half.beats.times > 6) & (half.beats.times < 13.5)
    assert half.beats.times[region] == pytest.approx(6.25 + np.arange(8.0))
    outside = (SONG.beats.times < 6) | (SONG.beats.times > 13.5)
    assert np.array_equal(half.beats.times[~region], SONG.beats.times[outside])


def test_taps_are_renewed_in_their_place_and_cleared() -> None:
    first, elsewhere, again = tapped(2.25, 0.5, 8), tapped(20.25, 0.5, 8), tapped(2.25, 1.0, 6)
    now = after(first, elsewhere, again)
    assert len(now.taps) == len(set(now.taps)) and sum(t < 10 for t in now.taps) == 6
    assert corrected(now, SONG, {"do": "clear_taps"}) == Corrections()
    double = corrected(now, SONG, {"do": "tempo", "factor": 2})
    times = double.apply(SONG).beats.times
    assert np.diff(times[(times > 2.2) & (times < 7.3)]) == pytest.approx(0.5)
    assert np.diff(times[times > 8]) == pytest.approx(0.25)
    back = corrected(double, SONG, {"do": "tempo", "factor": 0.5}).apply(SONG)
    assert np.array_equal(back.beats.times, now.apply(SONG).beats.times)


@pytest.mark.parametrize("times", [[], [1.0], [1, 2, 3], [1.0, 1.01, 1.02, 1.03], [1, 9, 18, 27], list(range(6000))])
def test_too_few_taps_say_nothing(times: list[float]) -> None:
    with pytest.raises(InputError):
        after({"do": "taps", "times": times})


def test_taps_mean_the_beats_that_are_shown() -> None:
    now = after({"do": "nudge", "ms": 100}, {"do": "taps", "times": [round(4.35 + 0.5 * k, 3) for k in range(8)]})
    assert now.apply(SONG).beats.times == pytest.approx(SONG.beats.times + 0.1)


def test_an_edit_on_another_hearing_begins_with_the_replayed_ones() -> None:
    now = after({"do": "tempo", "factor": 2}, {"do": "label", "section": 1, "name": "Bridge"})
    plan = (("A", "verse", 8), ("B", "chorus", 8), ("A", "verse", 8), ("C", "drop", 8))
    better = song(bpm=240, plan=plan, start=0.25)
    moved = corrected(now, better, {"do": "nudge", "ms": 10})
    assert (moved.tempo_factor, moved.nudge) == (1.0, 0.01)
    assert moved.apply(better).sections.labels == ("A", "Bridge", "A", "C")


def test_one_section_or_all_of_its_label_is_renamed() -> None:
    assert after({"do": "label", "section": 2, "name": "X"}).apply(SONG).sections.labels == ("A", "B", "X", "C")
    every = after({"do": "label", "section": 2, "name": "X", "all": True})
    assert every.apply(SONG).sections.labels == ("X", "B", "X", "C")
    assert corrected(every, SONG, {"do": "label", "section": 0, "name": "A", "all": True}) == Corrections()
    assert corrected(every, SONG, {"do": "reset_hearing"}) == Corrections()


HOSTILE: list[Any] = [
    None, True, "2", [], {}, float("nan"), float("inf"), -float("inf"), 10**400, -(10**400), 1e308, -1, 99, 3.7, "",
    "x" * 100_000, "\0", "\ud800", "a\nb", "</script>",
]  # fmt: skip


@pytest.mark.parametrize("what", sorted(set(HEARING) - {"reset_hearing", "clear_taps"}))
@pytest.mark.parametrize("value", HOSTILE, ids=lambda v: repr(v)[:12])
def test_what_is_no_value_is_refused(what: str, value: Any) -> None:
    names = {"tempo": "factor", "downbeat": "by", "nudge": "ms", "border": "to", "label": "section", "role": "section",
             "taps": "times"}
    rest = {"border": {"from": 8.25}, "label": {"name": "X"}, "role": {"role": "drop"}}.get(what, {})
    action = {"do": what, **rest, names[what]: value}
    fine = {"downbeat": (-1, 99), "nudge": (-1, 99, 3.7), "border": (3.7,)}.get(what, ())
    if not isinstance(value, bool) and value in fine:
        assert corrected(Corrections(), SONG, action) != Corrections()
    else:
        with pytest.raises(InputError):
            corrected(Corrections(), SONG, action)


@pytest.mark.parametrize("name", ["", "   ", "x" * 41, "a\nb", "\0", "\u202e", "\ud800", 7, None, ["A"]])
def test_labels_are_printable_and_short(name: Any) -> None:
    with pytest.raises(InputError):
        after({"do": "label", "section": 0, "name": name})


numbers = st.one_of(st.floats(), st.integers(), st.sampled_from([0.5, 2, 8.25, 16.25, 24.25, 0, 1, 2, 3]))
actions = st.fixed_dictionaries(
    {"do": st.sampled_from(HEARING)},
    optional={
        "factor": st.one_of(numbers, st.sampled_from([0.5, 2])),
        "by": st.one_of(numbers, st.integers(-5, 5)),
        "ms": st.one_of(numbers, st.integers(-900, 900)),
        "from": st.one_of(numbers, st.floats(0, 33)),
        "to": st.one_of(numbers, st.floats(0, 33)),
        "section": st.one_of(numbers, st.integers(0, 3)),
        "times": st.lists(st.one_of(numbers, st.floats(0, 33)), max_size=12),
        "name": st.one_of(st.text(), st.sampled_from("ABXYZ")),
        "role": st.one_of(st.text(), st.sampled_from(["drop", "break", "intro"])),
        "all": st.one_of(st.booleans(), st.none()),
    },
)


@settings(max_examples=300, deadline=None)
@given(st.lists(actions, max_size=8))
def test_any_actions_give_corrections_that_fit_and_can_be_written(several: list[dict[str, Any]]) -> None:
    now = Corrections()
    for action in several:
        before = now.apply(SONG).sections
        try:
            now = corrected(now, SONG, action)
        except InputError:
            continue
        shown = now.apply(SONG)
        assert len(shown.sections) == len(SONG.sections) and shown.duration == SONG.duration
        if action["do"] not in ("label", "role", "reset_hearing"):
            assert (shown.sections.labels, shown.sections.roles) == (before.labels, before.roles)
        assert Corrections.from_json(json.dumps(json.loads(now.to_json()))) == now
