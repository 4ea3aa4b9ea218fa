"""The judge of borders is taught what is so: truths lie where the letters change, and what is learned is what is run.

What needs torch runs where that is installed (``make test-ear``).
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lib_music.analysis import borders as product
from lib_music.analysis.features import RATE, TONAL_RATE, Features
from lib_music.demo.score import STYLES
from training import borders, dataset
from training.borders import Known, Lesson

with_torch = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed: pip install torch")
BAR = 2.0


def piece(plan: str, bars: int = 6, seed: int = 0) -> Known:
    """Each letter is ``bars`` bars of its own sound, the same every time; bars are two seconds long."""
    rng = np.random.default_rng(seed)
    starts = BAR * bars * np.arange(len(plan) + 1)
    seconds = float(starts[-1])
    frames, tones = round(seconds * RATE), round(seconds * TONAL_RATE)
    fine = rng.integers(150, 158, (frames, 80))
    chroma, bass = (0.05 * rng.random((tones, 12)) for _ in range(2))
    for letter in sorted(set(plan)):
        shape = rng.integers(0, 50, 80)
        pitches = rng.random((2, 12))
        for start, end in (pair for pair, kind in zip(pairwise(starts), plan, strict=True) if kind == letter):
            fine[round(start * RATE) : round(end * RATE)] += shape
            rows = slice(round(start * TONAL_RATE), round(end * TONAL_RATE))
            chroma[rows] += pitches[0]
            bass[rows] += pitches[1]
    features = Features(np.full((frames, 40), -40.0, np.float16), fine.astype(np.uint8),
                        np.full(frames, 0.1, np.float32), chroma.astype(np.float32), bass.astype(np.float32))
    sections = tuple((float(a), float(b), letter) for (a, b), letter in zip(pairwise(starts), plan, strict=True))
    return Known(features, BAR * np.arange(len(plan) * bars), sections, seconds)


def marked(lesson: Lesson) -> tuple[list[float], list[float]]:
    """Seconds of the borders and of the repeats."""
    return (BAR * np.flatnonzero(lesson.border)).tolist(), (BAR * np.flatnonzero(lesson.repeat)).tolist()


def test_a_new_letter_is_a_border_and_the_same_again_a_repeat() -> None:
    one = piece("ABBCA")
    (lesson,) = borders.lessons_of(one, one.downbeats)
    assert marked(lesson) == ([12.0, 36.0, 48.0], [24.0])
    assert one.truth.tolist() == [12.0, 36.0, 48.0]
    assert lesson.traits.shape == (31, product.judge()["centre"].size) and np.isfinite(lesson.traits).all()
    assert not lesson.counts[[0, -1]].any() and lesson.counts[2:-3].all()
    assert not (lesson.border | lesson.repeat)[~lesson.counts].any(), "what does not count is not asked for"


def test_the_bar_line_nearest_to_a_border_is_the_border() -> None:
    """Bars heard a little off, and bars that are not there at all."""
    one = piece("ABBCA")
    (off,) = borders.lessons_of(one, one.downbeats + 0.3)
    # The first edge is the song's own beginning: all others are one further.
    assert np.flatnonzero(off.border).tolist() == [6, 18, 24]
    (holed,) = borders.lessons_of(one, one.downbeats[one.downbeats != 36])
    assert marked(holed) == ([12.0, 48.0], [24.0]), "a border a bar away from any line that was heard is nobody's"


def test_a_long_piece_is_learned_a_span_at_a_time() -> None:
    one = piece("ABCABCABC", bars=7)
    found = list(borders.lessons_of(one, one.downbeats))
    assert len(found) > 2 and max(len(lesson.traits) for lesson in found) <= product.SPAN / BAR + 1
    assert sum(int(lesson.border.sum()) for lesson in found) >= 8, "each border in some span, most in several"


def test_silence_and_the_end_are_not_asked_about() -> None:
    one = piece("AB")
    quiet = one.features.level.copy()
    quiet[round(16 * RATE) :] = 0
    object.__setattr__(one.features, "level", quiet)
    (lesson,) = borders.lessons_of(one, one.downbeats)
    assert not lesson.counts[7:].any() and lesson.counts[2:6].all()
    assert not list(borders.lessons_of(piece("A", bars=1), np.zeros(0)))


def test_pieces_are_read_as_they_were_composed(tmp_path: Path) -> None:
    """A real one; those without a beat or a section teach nothing."""
    made = dataset.render(1_000_010, 14.0, tmp_path)
    item = dataset.load(made)
    for name, beats, sections in (("11", item.truth.beats[:5], item.truth.sections), ("12", item.truth.beats, ())):
        with np.load(made) as file:
            values = {key: file[key] for key in file.files}
        meta = json.loads(str(values["meta"])) | {"sections": sections}
        np.savez(tmp_path / f"{name}.npz", **values | {"beats": beats, "meta": json.dumps(meta)})
    (one,) = borders.known(tmp_path)
    assert one.downbeats.tolist() == item.truth.beats[item.truth.positions == 1].tolist()
    assert one.sections == item.truth.sections and one.duration == pytest.approx(14.0, abs=0.1)
    loudest = 20 * np.log10(one.features.level.max())
    assert -60 < loudest < 0


def test_clips_are_some_seconds_of_a_piece_and_carry_its_borders() -> None:
    one = piece("ABCAB")
    rng = np.random.default_rng(3)
    whole, part = borders.lessons_of(one, one.downbeats, rng)
    assert whole.traits.shape[0] == 31 and part.border.any()
    for _ in range(200):
        ((first, last),) = borders.clip(np.arange(0, 61, 2.0), rng)
        assert 0 <= first < last <= 30 and 14 <= 2 * (last - first) <= 46.1
    assert borders.clip(np.arange(0, 15, 2.0), rng) == [], "what is as short as a clip is learned whole"


def test_demos_are_songs_of_many_plans() -> None:
    for seed in range(200):
        rng = np.random.default_rng(seed)
        plan = borders._plan(rng, bar=float(rng.uniform(1.0, 3.5)))
        assert len(plan) > 1 and {name for name, _ in plan} <= set(STYLES)
        assert all(a != b for (a, _), (b, _) in pairwise(plan)), "a section of the same name is no border"
    (one,) = borders.demos(5003, 1)
    assert one.sections[0][0] == 0 and one.sections[-1][1] == pytest.approx(one.duration, abs=0.1)
    assert all(np.abs(one.downbeats - start).min() < 1e-6 for start, _, _ in one.sections[1:])
    assert sum(int(lesson.border.sum()) for lesson in borders.lessons_of(one, one.downbeats)) >= len(one.sections) - 1


def test_what_was_right_is_what_is_stated() -> None:
    rng = np.random.default_rng(0)
    evidence = rng.normal(size=(4000, 3)) * (2, 2, 0.3)
    right = (rng.random(4000) < 1 / (1 + np.exp(-evidence[:, 0]))).astype(float)
    judge = product.Judge({name: np.asarray(v) for name, v in borders.stated(evidence, right).items()})
    sure = judge.confidence(evidence)
    for low in np.arange(0.1, 0.9, 0.2):
        inside = (sure >= low) & (sure < low + 0.2)
        assert abs(sure[inside].mean() - right[inside].mean()) < 0.06
    assert borders.near(np.array([1.0, 5.4, 9.0]), np.array([1.4, 5.0])).tolist() == [True, True, False]
    assert not borders.near(np.array([1.0]), np.zeros(0)).any()


def test_what_is_written_is_what_the_product_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    committed = dict(product.judge())
    monkeypatch.setattr(product, "MODEL", tmp_path / "borders.npz")
    try:
        borders.write(committed)
        again = product.judge()
        assert {name: value.tolist() for name, value in again.items()} == {
            name: value.tolist() for name, value in committed.items()}
        assert (tmp_path / "borders.npz").stat().st_size < 100_000
        borders.write({name: value for name, value in committed.items() if not name.startswith("sure")})
        assert product.border_confidence(np.ones((2, 3))).tolist() == [0.0, 0.0], "not measured yet is not sure"
    finally:
        product.judge.cache_clear()


@with_torch
def test_a_judge_of_the_committed_shape_is_learned_and_hears_its_lessons() -> None:
    """Few steps on few pieces: enough to tell a border of such music from any other line."""
    import torch

    torch.set_num_threads(1)
    taught = []
    for seed, plan in enumerate(("ABCAB", "ABBCA", "ABACA", "ABCBD", "AABCB", "ABCDA", "ABABC", "ACBBA") * 2):
        one = piece(plan, seed=seed)
        taught += list(borders.lessons_of(one, one.downbeats))
    model = borders.learn(taught, epochs=30)
    committed = product.judge()
    assert {name: np.shape(value) for name, value in model.items()} == {
        name: value.shape for name, value in committed.items() if not name.startswith("sure")}
    judge = product.Judge({name: np.asarray(value, np.float64) for name, value in model.items()})
    unseen = piece("ABBCA", seed=99)
    (lesson,) = borders.lessons_of(unseen, unseen.downbeats)
    odds = judge.odds(lesson.traits)[:, 0]
    others = lesson.counts & ~lesson.border & ~lesson.repeat
    assert odds[lesson.border].min() > odds[others].max() + 1


@with_torch
def test_the_product_computes_what_was_trained() -> None:
    import torch

    torch.manual_seed(1)
    width = product.judge()["centre"].size
    net = borders._net(width).eval()
    judge = product.Judge({name: np.asarray(value, np.float64) for name, value in borders._weights(net).items()})
    judge |= {"centre": np.zeros(width), "spread": np.ones(width)}
    x = np.random.default_rng(0).normal(size=(23, width))
    with torch.no_grad():
        wanted = net(torch.from_numpy(x[None].astype(np.float32)), torch.ones(1, 23)).numpy()[0]
    assert np.abs(product.Judge(judge).odds(x) - wanted).max() < 1e-4
