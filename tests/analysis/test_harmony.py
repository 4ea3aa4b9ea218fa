"""The key: of scales, cadences and loops."""

from __future__ import annotations

import numpy as np
import pytest

from lib_music.analysis.features import extract
from lib_music.analysis.harmony import KEYS, find_key
from tests.analysis.sounds import chord, sound

A4 = 440.0


def heard(steps: list[tuple[int, bool]], tonic: int, seconds: float) -> tuple[str, str, float]:
    """The key of triads (semitones above the tonic, minor?), each over its root in the bass."""
    parts = []
    for step, minor in steps:
        root = A4 * 2 ** ((tonic + step - 9) / 12)
        parts.append(chord(root, seconds, minor=minor) + chord(root / 4, seconds, minor=minor, gain=0.03))
    features = extract(sound(np.concatenate(parts)))
    return find_key(features.chroma, features.bass, np.array([0.0]))


@pytest.mark.parametrize("tonic", range(12))
@pytest.mark.parametrize("minor", [False, True], ids=["major", "minor"])
def test_cadences_in_every_key(tonic: int, minor: bool) -> None:
    """i-iv-V-i or I-IV-V-I, twice."""
    key, mode, sure = heard([(0, minor), (5, minor), (7, False), (0, minor)] * 2, tonic, 0.8)
    assert (key, mode) == (KEYS[tonic], "minor" if minor else "major")
    assert sure > 0.1


@pytest.mark.parametrize("tonic", [0, 5, 7, 10])
def test_the_same_four_chords_have_the_key_that_they_begin_in(tonic: int) -> None:
    """i-VI-III-VII and I-V-vi-IV: all the notes are those of the relative key too."""
    minor = heard([(0, True), (8, False), (3, False), (10, False)] * 2 + [(0, True)], tonic, 1.8)
    major = heard([(0, False), (7, False), (9, True), (5, False)] * 2 + [(0, False)], tonic, 1.8)
    assert minor[:2] == (KEYS[tonic], "minor")
    assert major[:2] == (KEYS[tonic], "major")


def test_no_tone_no_key() -> None:
    start = np.array([0.0])
    assert find_key(np.zeros((10, 12), np.float32), np.zeros((10, 12), np.float32), start) == ("", "", 0.0)
    assert find_key(np.ones((10, 12), np.float32), np.ones((10, 12), np.float32), start) == ("", "", 0.0)
    assert find_key(np.zeros((0, 12), np.float32), np.zeros((0, 12), np.float32), start) == ("", "", 0.0)


def test_a_moment_of_tone_is_enough_to_name_something() -> None:
    one = np.zeros((1, 12), np.float32)
    one[0, [9, 0, 4]] = 1
    assert find_key(one, one, np.array([0.0]))[:2] == ("A", "minor")
    noise = np.random.default_rng(0).random((500, 12)).astype(np.float32)
    assert find_key(noise, noise, np.array([0.0, 10.0]))[2] < 0.2


def test_a_moment_of_tone_is_no_sure_key() -> None:
    """A plug pulled out has a pitch for a tenth of a second; the same chord held is a key to be sure of."""
    held = chord(A4, 8.0) + chord(A4 / 4, 8.0, gain=0.03)
    plug = np.concatenate([np.full(5 * 22050, 0.5), np.zeros(5 * 22050)])
    long, short, pulled = (extract(sound(samples)) for samples in (held, held[:2205], plug))
    sure = [find_key(found.chroma, found.bass, np.array([0.0]))[2] for found in (long, short, pulled)]
    assert sure[0] > 0.5 > 10 * sure[1] and sure[2] < 0.1
