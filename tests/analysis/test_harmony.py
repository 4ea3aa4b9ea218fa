"""The key: of scales and cadences."""

from __future__ import annotations

import numpy as np
import pytest

from lib_music.analysis import analyse
from lib_music.analysis.harmony import KEYS, find_key
from tests.analysis.sounds import chord, sound

A4 = 440.0


def cadence(tonic: int, minor: bool) -> np.ndarray:
    """i-iv-V-i or I-IV-V-I, twice, ``tonic`` semitones above C."""
    steps = [(0, minor), (5, minor), (7, False), (0, minor)] * 2
    return np.concatenate([chord(A4 * 2 ** ((tonic + step - 9) / 12), 1.5, minor=is_minor) for step, is_minor in steps])


@pytest.mark.parametrize("tonic", [0, 1, 4, 7, 10])
@pytest.mark.parametrize("minor", [False, True], ids=["major", "minor"])
def test_cadences(tonic: int, minor: bool) -> None:
    heard = analyse(sound(cadence(tonic, minor)))
    assert (heard.key, heard.mode) == (KEYS[tonic], "minor" if minor else "major")
    assert heard.key_confidence > 0.1


def test_no_tone_no_key() -> None:
    assert find_key(np.zeros((10, 12), np.float32)) == ("", "", 0.0)
    assert find_key(np.ones((10, 12), np.float32)) == ("", "", 0.0)
    assert find_key(np.zeros((0, 12), np.float32)) == ("", "", 0.0)
