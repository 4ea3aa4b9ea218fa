"""Sections, labels and roles: on songs composed in code, whose plan is the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.analysis import Analysis, analyse
from lib_music.analysis.borders import MAX_SECONDS, Material, find_borders
from lib_music.analysis.features import RATE
from lib_music.analysis.roles import Traits, find_roles
from lib_music.analysis.sections import letters, name_by, name_sections
from lib_music.analysis.units import silences, unit_edges
from lib_music.demo.compose import Composition, compose
from tests.analysis.sounds import SR, chord, drums, rock, sound

PLAN = (("intro", 4), ("verse", 8), ("chorus", 8), ("verse", 8), ("chorus", 8), ("break", 8), ("drop", 8))


@pytest.fixture(scope="module", params=[(11, 112.0), (12, 138.0)], ids=["112 BPM", "138 BPM"])
def song(request: pytest.FixtureRequest) -> tuple[Composition, Analysis]:
    seed, bpm = request.param
    composed = compose(seed, bpm=bpm, plan=PLAN, sr=SR)
    return composed, analyse(sound(composed.samples.mean(axis=1)))


def test_borders_lie_where_they_were_composed(song: tuple[Composition, Analysis]) -> None:
    composed, heard = song
    truth = np.array([s.start for s in composed.sections[1:]])
    found = heard.sections.intervals[1:, 0]
    near = np.abs(truth[:, None] - found).min(axis=1) < 0.5
    assert near.mean() >= 0.8
    assert 5 <= len(heard.sections) <= 9


def test_short_sections_of_a_short_song() -> None:
    """Four bars of intro, four of verse, ...: the drums' entry is a border as the chorus is, in any key and pattern."""
    near, wrong = [], 0
    for seed, bpm in ((100, 136.0), (104, 111.0), (114, 126.0), (135, 116.0)):
        composed = compose(seed, bpm=bpm, sr=SR)
        found = analyse(sound(composed.samples.mean(axis=1))).sections.intervals[1:, 0]
        truth = np.array([section.start for section in composed.sections[1:]])
        apart = np.abs(truth[:, None] - found)
        near.append(apart.min(axis=1) < 0.5)
        wrong += int((apart.min(axis=0) >= 0.5).sum())
    assert np.mean(near) >= 0.9 and wrong <= 1


def test_borders_lie_on_downbeats(song: tuple[Composition, Analysis]) -> None:
    _, heard = song
    for border in heard.sections.intervals[1:, 0]:
        assert np.abs(heard.beats.downbeats - border).min() < 1e-6


def test_the_chorus_returns_under_its_label_and_is_not_the_verse(song: tuple[Composition, Analysis]) -> None:
    composed, heard = song

    def label_of(start: float, end: float) -> str:
        return max(heard.sections, key=lambda s: min(s.end, end) - max(s.start, start)).label

    labels = {name: {label_of(s.start, s.end) for s in composed.sections if s.name == name}
              for name in ("verse", "chorus")}
    assert len(labels["chorus"]) == len(labels["verse"]) == 1
    assert labels["chorus"] != labels["verse"]


def test_roles_follow_the_energy(song: tuple[Composition, Analysis]) -> None:
    composed, heard = song

    def role_at(name: str) -> str:
        s = next(s for s in composed.sections if s.name == name)
        return max(heard.sections, key=lambda x: min(x.end, s.end) - max(x.start, s.start)).role

    assert role_at("intro") == "intro"
    assert role_at("verse") in ("verse", "build")
    assert role_at("chorus") in ("chorus", "drop")
    assert role_at("drop") in ("chorus", "drop")
    assert role_at("break") == "break"


def test_key_of_a_composed_song(song: tuple[Composition, Analysis]) -> None:
    composed, heard = song
    names = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
    relative = 3 if composed.mode == "minor" else -3
    kin = (names[(names.index(composed.key) + relative) % 12], "major" if composed.mode == "minor" else "minor")
    assert (heard.key, heard.mode) in {(composed.key, composed.mode), kin}


def test_a_loop_without_change_is_one_section_and_its_chorus() -> None:
    heard = analyse(sound(drums(rock(np.arange(0.2, 60, 0.5)), 60.0)))
    assert len(heard.sections) == 1
    assert heard.sections.intervals[0] == pytest.approx([0.0, 60.0], abs=0.01)
    assert {"chorus", "drop"} & set(heard.sections.roles)


def test_units_fill_gaps() -> None:
    edges, firm = unit_edges(np.array([2.0, 4.0, 6.0, 20.0]), 23.0)
    assert edges[0] == 0 and edges[-1] == 23.0
    assert np.diff(edges).max() < 3.1
    assert np.isin([2.0, 4.0, 6.0, 20.0], edges).all()
    assert firm[np.isin(edges, [0.0, 2.0, 4.0, 6.0, 20.0, 23.0])].all()
    # seven bars without a downbeat: there a border may lie anywhere
    assert firm[(edges > 6) & (edges < 20)].all()
    edges, firm = unit_edges(np.array([2.0, 4.0, 8.0, 10.0, 12.0]), 14.0)
    assert edges.tolist() == [0, 2, 4, 6, 8, 10, 12, 14] and firm.tolist() == [True] * 3 + [False] + [True] * 4
    assert unit_edges(np.empty(0), 0.3)[0].tolist() == [0.0, 0.3]


def test_silence_is_a_place_for_borders() -> None:
    level = np.full(round(60 * RATE), 0.2, np.float32)
    for start, end in ((20, 26), (40, 42), (50, 50.5)):
        level[round(start * RATE) : round(end * RATE)] = 1e-5
    found = silences(level)
    assert np.array(found) == pytest.approx(np.array([[20, 26], [40, 42]]), abs=0.05)
    downbeats = np.concatenate([np.arange(0.5, 20, 2), np.arange(26, 40, 2), np.arange(42, 60, 2)])
    edges, firm = unit_edges(downbeats, 60.0, found)
    for time in (20, 26, 42):
        at = int(np.abs(edges - time).argmin())
        assert abs(edges[at] - time) < 0.1 and firm[at]


def test_music_that_stops_and_goes_on_has_borders_there() -> None:
    beats = np.arange(0.2, 60, 0.5)
    samples = drums(rock(beats), 60.0)
    samples[round(20.2 * SR) : round(26.2 * SR)] = 0
    found = analyse(sound(samples)).sections.intervals[1:, 0]
    for stop in (20.2, 26.2):
        assert np.abs(found - stop).min() < 0.5


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 90), st.floats(0.2, 4.0))
def test_borders_are_legal_for_any_material(seed: int, n: int, unit: float) -> None:
    rng = np.random.default_rng(seed)
    edges = unit * np.arange(n + 1.0)
    firm = rng.random(n + 1) < 0.8
    borders = find_borders(Material(edges, rng.normal(size=(n, 3)).cumsum(axis=0), rng.normal(-2, 2, n + 1), firm))
    assert borders[0] == 0 and borders[-1] == n and (np.diff(borders) > 0).all()
    if borders.size > 2:
        spans = np.diff(edges[borders])
        assert spans.min() >= 4 - 1e-9 and spans.max() <= max(MAX_SECONDS, 2 * unit)
        # off the bar lines lies a border only where no section may last so long
        assert firm[borders[1:-1]].all() or edges[-1] > MAX_SECONDS


def test_letters() -> None:
    assert [letters(i) for i in (0, 1, 25, 26, 27, 701, 702)] == ["A", "B", "Z", "AA", "AB", "ZZ", "AAA"]
    places = np.array([0.0, 5.0, 0.1, 9.0, 5.1, 0.05])
    assert name_by((places[:, None] - places) ** 2) == ("A", "B", "A", "C", "B", "A")
    assert name_by(np.zeros((1, 1))) == ("A",)


def roles(rows: list[tuple[str, float, float, float]]) -> tuple[str, ...]:
    labels, lengths, energy, bass = zip(*rows, strict=True)
    level = np.array(energy) / max(energy)
    return find_roles(Traits(labels, np.array(lengths), level, np.zeros(len(rows)), np.array(bass)))


def test_roles_of_a_club_track() -> None:
    track = [("A", 16, 0.3, 0.1), ("B", 16, 0.6, 0.6), ("C", 32, 0.95, 1.0), ("D", 16, 0.35, 0.1),
             ("E", 8, 0.6, 0.2), ("C", 32, 1.0, 1.0), ("A", 16, 0.4, 0.3)]
    assert roles(track) == ("intro", "build", "drop", "break", "build", "drop", "outro")


def test_roles_of_a_song() -> None:
    track = [("A", 8, 0.5, 0.5), ("B", 30, 0.65, 0.8), ("C", 30, 1.0, 1.0), ("B", 30, 0.65, 0.8), ("C", 30, 1.0, 1.0),
             ("D", 15, 0.5, 0.7), ("C", 30, 1.0, 1.0), ("E", 6, 0.3, 0.4)]
    assert roles(track) == ("intro", "verse", "chorus", "verse", "chorus", "break", "chorus", "outro")


def test_silence_is_a_break() -> None:
    track = [("A", 15, 0.9, 1.0), ("B", 5, 0.02, 0.0), ("C", 15, 1.0, 1.0), ("A", 15, 0.8, 1.0)]
    assert roles(track)[1] == "break"


def test_what_dies_away_is_no_section() -> None:
    """Twelve seconds of silence after the song."""
    samples = np.concatenate([drums(rock(np.arange(0.2, 40, 0.5)), 40.0, noise=0), np.zeros(12 * SR, np.float32)])
    assert analyse(sound(samples)).sections.intervals[-1, 0] < 37


@pytest.mark.parametrize("seed", [5, 6])
def test_noise_is_one_material(seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 0.1, 20 * SR)
    assert set(analyse(sound(noise.astype(np.float32))).sections.labels) == {"A"}


def test_constant_energy_still_has_a_chorus() -> None:
    assert roles([("A", 20, 0.97, 1), ("B", 20, 1.0, 1), ("A", 20, 0.96, 1), ("C", 20, 0.95, 1)]).count("chorus") >= 1
    assert roles([("A", 9.0, 1.0, 1.0)]) == ("chorus",)


def test_a_mix_of_twenty_minutes_has_as_many_sections_as_it_has() -> None:
    """Forty stretches of 16 bars, each its own material: no cap, whole phrases, one letter each."""
    rng = np.random.default_rng(4)
    places = rng.normal(size=(40, 6)) / np.sqrt(12)
    rows = np.repeat(places, 16, axis=0) + rng.normal(0, 0.05, (640, 6))
    edges = 1.9 * np.arange(641.0)
    likely = np.full(641, -3.0)
    likely[::16] = 1.0
    material = Material(edges, rows, likely, np.ones(641, np.bool_))
    cuts = find_borders(material)
    assert np.array_equal(cuts, np.arange(0, 641, 16))
    assert len(set(name_sections(material, cuts))) >= 35


def test_a_clip_of_twenty_seconds() -> None:
    """A quiet chord, then drums from a bar line on."""
    beats = np.arange(10.0, 20, 0.5)
    quiet = np.concatenate([chord(hz, 2.0, gain=0.03) for hz in (220.0, 174.6, 130.8, 196.0, 220.0) * 2])
    found = analyse(sound(drums([*rock(beats)], 20.0) + quiet))
    assert 2 <= len(found.sections) <= 4
    assert np.abs(found.sections.intervals[1:, 0] - 10.0).min() < 0.6
