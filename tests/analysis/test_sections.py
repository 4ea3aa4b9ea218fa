"""Sections, labels and roles: on songs composed in code, whose plan is the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.analysis import Analysis, analyse
from lib_music.analysis.roles import Traits, find_roles
from lib_music.analysis.sections import MAX_SECTIONS, MAX_UNITS, Material, find_borders, unit_edges
from lib_music.demo.compose import Composition, compose
from tests.analysis.sounds import SR, drums, rock, sound

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


def test_a_loop_without_change_is_cut_but_keeps_one_chorus() -> None:
    heard = analyse(sound(drums(rock(np.arange(0.2, 60, 0.5)), 60.0)))
    assert 2 <= len(heard.sections) <= MAX_SECTIONS
    assert {"chorus", "drop"} & set(heard.sections.roles)
    assert (np.diff(heard.sections.intervals, axis=1) >= 4).all()


def test_units_fill_gaps_and_never_outgrow_the_matrix() -> None:
    edges = unit_edges(np.array([2.0, 4.0, 6.0, 20.0]), 23.0)
    assert edges[0] == 0 and edges[-1] == 23.0
    assert np.diff(edges).max() < 3.1
    assert unit_edges(np.arange(1.0, 10800, 1.5), 10800.0).size <= MAX_UNITS + 1
    assert unit_edges(np.empty(0), 0.3).tolist() == [0.0, 0.3]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 90), st.floats(0.2, 4.0))
def test_borders_are_legal_for_any_distances(seed: int, n: int, unit: float) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, 3)).cumsum(axis=0)
    distance = ((points[:, None] - points) ** 2).sum(axis=2)
    edges = unit * np.arange(n + 1.0)
    borders, _ = find_borders(Material(edges, distance / max(distance.mean(), 1e-9), np.ones(n),
                                       rng.random(n + 1) < 0.8))
    assert borders[0] == 0 and borders[-1] == n and (np.diff(borders) > 0).all()
    assert borders.size - 1 <= MAX_SECTIONS
    if borders.size > 2:
        assert np.diff(edges[borders]).min() >= 4 - 1e-9


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


def test_constant_energy_still_has_a_chorus() -> None:
    assert roles([("A", 20, 0.97, 1), ("B", 20, 1.0, 1), ("A", 20, 0.96, 1), ("C", 20, 0.95, 1)]).count("chorus") >= 1
    assert roles([("A", 9.0, 1.0, 1.0)]) == ("chorus",)
