"""By what borders are recognised: songs made of units whose plan is known, and the judge that weighs it all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lib_music.analysis import borders, traits
from lib_music.analysis.borders import Material, border_confidence, find_borders, judge
from lib_music.analysis.units import AROUND_BANDS, AROUND_STEPS, QUARTERS, SIXTEENTHS, Units, rises
from lib_music.errors import InstallationError

BACK = 8  # the column of what begins to repeat; then what ceases to, and the same of what will come back


def units_of(plan: str, seed: int = 0, noise: float = 0.02, phrase: int = 4) -> Units:
    """Each letter is a phrase of its own units, the same every time but for a little noise."""
    rng = np.random.default_rng(seed)
    kinds: dict[str, list[np.ndarray]] = {}
    parts = []
    for letter in plan:
        shapes = ((QUARTERS, 80), (QUARTERS, 12), (QUARTERS, 12), (SIXTEENTHS, 5))
        drawn = kinds.setdefault(letter, [rng.random((phrase, *shape)) for shape in shapes])
        parts.append([part + noise * rng.random(part.shape) for part in drawn])
    fine, chroma, bass, rise = (np.concatenate(kind).astype(np.float32) for kind in zip(*parts, strict=True))
    n = len(fine)
    around = np.full((n + 1, 2 * AROUND_STEPS, AROUND_BANDS), 100, np.float32)
    return Units(2.0 * np.arange(n + 1), np.ones(n + 1, np.bool_), 150 + 40 * fine, chroma, bass, 6 * rise, around)


def test_novelty_is_the_checkerboard() -> None:
    """Against the matrix of squared distances, by hand."""
    rows = np.random.default_rng(0).normal(size=(30, 4))
    apart = ((rows[:, None] - rows) ** 2).sum(axis=2)
    fresh = traits.novelty(rows, 4)
    for i in (8, 15, 20):
        a, b = slice(i - 4, i), slice(i, i + 4)
        within = (apart[a, a].sum() + apart[b, b].sum()) / (2 * 4 * 3)
        assert fresh[i] == pytest.approx(apart[a, b].mean() - within)


def test_lagged_distances_are_those_of_the_matrix() -> None:
    rows = np.random.default_rng(1).normal(size=(12, 3))
    apart = ((rows[:, None] - rows) ** 2).sum(axis=2)
    found = traits.lagged(rows, 20)
    for i in range(12):
        for lag in range(1, 21):
            value = found[i, lag - 1]
            assert np.isnan(value) if lag > i else value == pytest.approx(apart[i, i - lag])
    after, before = traits.along(found, 3)
    assert after[5, 1] == pytest.approx(np.mean([apart[k, k - 2] for k in (5, 6, 7)]))
    assert before[5, 1] == pytest.approx(np.mean([apart[k, k - 2] for k in (2, 3, 4)]))


def repetition(plan: str) -> np.ndarray:
    fine = traits.details(units_of(plan))
    return traits._repetition(traits._joined(fine, tuple(fine)))


def test_where_a_repetition_begins_and_what_is_repeated() -> None:
    """In EABCDABF the first A and B return: that begins at 20, ends at 28, and looks ahead from 4 to 12."""
    found, inner = repetition("EABCDABF"), np.arange(4, 29)
    begins, ends, soon, over = (found[inner, BACK + k] for k in range(4))
    for marks, place in ((begins, 20), (ends, 28), (soon, 4), (over, 12)):
        assert inner[marks.argmax()] == place
        assert marks.max() > 1.5 * np.delete(marks, [marks.argmax()]).max()


def test_music_that_never_returns_has_no_repetition() -> None:
    once, twice = repetition("ABCDEFGH"), repetition("EABCDABF")
    assert once[4:29, BACK].max() < 0.6 * twice[4:29, BACK].max()


def test_steps_are_signed() -> None:
    quiet = units_of("AAAA", noise=0.0)
    louder = quiet.fine.copy()
    louder[8:] += 24  # twelve decibels
    found = traits._steps(Units(quiet.edges, quiet.firm, louder, quiet.chroma, quiet.bass, quiet.rise, quiet.around))
    assert found[8, 0] == found[:, 0].max() == pytest.approx(2.0, abs=0.4)
    falls = traits._steps(Units(quiet.edges, quiet.firm, louder[::-1], quiet.chroma, quiet.bass, quiet.rise,
                                quiet.around))
    assert falls[8, 0] == falls[:, 0].min() < -1.5


def test_a_crash_and_a_breath_stand_out() -> None:
    units = units_of("AAAA")
    around = units.around.copy()
    around[8, AROUND_STEPS:, 6:] += 40
    around[8, :AROUND_STEPS] -= 30
    found = traits._hits(Units(units.edges, units.firm, units.fine, units.chroma, units.bass, units.rise, around))
    crash, breath = found[:, 0], found[:, 1]
    assert crash.argmax() == 8 and crash[8] > 2 and np.abs(np.delete(crash, 8)).max() == 0
    assert breath.argmin() == 8 and breath[8] < -1


@pytest.mark.parametrize("plan", ["A", "AB", "AABBCCDD" * 12])
def test_traits_are_numbers_for_any_length(plan: str) -> None:
    units = units_of(plan)
    found = traits.traits(units)
    assert found.shape == (len(units.edges), judge()["centre"].size) and np.isfinite(found).all()
    assert np.isfinite(judge().odds(found)).all()


def test_rises_are_over_two_frames() -> None:
    fine = np.zeros((9, 80), np.uint8)
    fine[4:] = 30
    assert rises(fine)[:, 0].tolist() == [0, 0, 0, 0, 30, 30, 0, 0, 0]


def test_the_judge_hears_a_song_of_phrases() -> None:
    """Four kinds of music in phrases of eight units: its borders are likelier than any other edge, and are found."""
    true, margins, measures = np.arange(8, 64, 8), [], []
    others = np.setdiff1d(np.arange(2, 62), true)
    for seed in range(10):
        units = units_of("ABACADAB", seed=seed, phrase=8)
        odds = judge().odds(traits.traits(units))[:, 0]
        margins.append(odds[true].mean() - np.quantile(odds[others], 0.95))
        found = find_borders(Material(units.edges, traits.rows(traits.blocks(units)), odds, units.firm))[1:-1]
        measures.append(2 * np.isin(true, found).sum() / (true.size + found.size))
    assert np.mean(margins) > 1
    assert np.mean(measures) >= 0.75 and min(measures) >= 0.5


def test_the_network_is_the_sum_of_its_layers() -> None:
    """One edge by hand: no traits but the mean everywhere leaves the biases."""
    found = judge()
    odds = found.odds(np.tile(found["centre"], (3, 1)))
    hidden = np.tile(np.maximum(found["first.b"], 0), (3, 1))
    padded = np.pad(hidden, ((1, 1), (0, 0)))
    kernel = found["body0.w"].reshape(3, -1, hidden.shape[1])
    one = hidden[1] + np.maximum(sum(padded[1 + k] @ kernel[k] for k in range(3)) + found["body0.b"], 0)
    assert np.allclose(one, _first_layer(found)[1])
    assert odds.shape == (3, 2)


def _first_layer(found: borders.Judge) -> np.ndarray:
    one = borders.Judge(found)
    one["dilations"] = found["dilations"][:1]
    width = found["first.b"].size
    one["last.w"], one["last.b"] = np.eye(width), np.zeros(width)
    return one.odds(np.tile(found["centre"], (3, 1)))


def test_more_evidence_never_makes_less_sure() -> None:
    found = judge()
    line = np.linspace(-8, 8, 50)[:, None] * np.array([[1.0, 0.0, 0.0]]) * np.sign(found["sure.weights"][0])
    stated = border_confidence(line)
    assert (np.diff(stated) >= 0).all() and 0 <= stated.min() <= stated.max() <= 1


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 no weights"])
def test_a_missing_or_damaged_judge_says_so(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "borders.npz"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(borders, "MODEL", path)
    judge.cache_clear()
    try:
        with pytest.raises(InstallationError, match="judge of borders"):
            judge()
    finally:
        judge.cache_clear()
