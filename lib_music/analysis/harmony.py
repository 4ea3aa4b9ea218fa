"""The key of the song.

Conventions: pitch classes count from C; key names use sharps; the profiles are Temperley's revision of
Krumhansl & Kessler's probe-tone ratings (Temperley, *What's Key for Key?*, Music Perception 17, 1999), whose minor is
the harmonic one; popular music's minor is as often the natural one, so ours stands between the two.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lib_music.analysis.features import TONAL_RATE
from lib_music.analysis.types import Floats, Times

KEYS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_MAJOR = (5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0)
_MINOR = (5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 2.75, 3.0)
# A key and its relative share their notes: what sounds first in sections, and at the end, tells which is home.
_HOME_SECONDS, _LAST_SECONDS = 1.5, 2.0
_HOME_TRIAD, _HOME_BASS = 1.0, 0.5
# The strength beside the loudest moment, and at all (the transform of a constant leaves a half of it), from which a
# moment counts; how long tones must sound to be a key, s.
_FAINT, _NOTHING, _ENOUGH_SECONDS = 0.1, 0.1, 4.0
Values = npt.NDArray[np.float64]


def find_key(chroma: Floats, bass: Floats, starts: Times) -> tuple[str, str, float]:
    """Key, mode and confidence of a song.

    Parameters
    ----------
    chroma, bass : [shape=(c, 12)]
        Strength of the pitch classes over time, above and in the bass, at TONAL_RATE Hz, >= 0.
    starts : [shape=(k,)] s
        Where sections begin, 0 among them.

    Returns
    -------
    key : str
        One of KEYS, or "" when there is no tone.
    mode : "major", "minor" or ""
    confidence : float in [0, 1]
        From the lead over other keys; that over the relative and the parallel one counts for half. Less where tones
        sound for some moments only.
    """
    if not _clear(chroma).any():
        return "", "", 0.0
    mean = _voices(chroma)
    if mean.std() < 1e-6:
        return "", "", 0.0
    profiles = np.array([np.roll(p, k) for p in (_MAJOR, _MINOR) for k in range(12)])
    profiles = profiles - profiles.mean(axis=1, keepdims=True)
    profiles /= np.linalg.norm(profiles, axis=1, keepdims=True)
    pitch = mean - mean.mean()
    match = profiles @ (pitch / np.linalg.norm(pitch))
    worth = match + _home(chroma, bass, starts)
    best = int(worth.argmax())
    minor, tonic = divmod(best, 12)
    kin = {(1 - minor) * 12 + tonic, (1 - minor) * 12 + (tonic + (3 if minor else -3)) % 12}
    lead = worth[best] - max(float(w) for i, w in enumerate(worth) if i != best and i not in kin)
    family = worth[best] - max(float(worth[i]) for i in kin)
    sure = np.clip(4 * lead, 0, 1) * np.clip(0.5 + 4 * family, 0, 1) * np.clip(match[best], 0, 1)
    sounds = _clear(chroma).sum() / TONAL_RATE
    return KEYS[tonic], "minor" if minor else "major", float(sure * min(1.0, sounds / _ENOUGH_SECONDS))


def _clear(rows: Floats) -> npt.NDArray[np.bool_]:
    """Moments that are not nothing and not faint beside the loudest [shape=(c,)]."""
    total = rows.sum(axis=1)
    return np.asarray(total > max(_NOTHING, _FAINT * float(total.max(initial=0.0))))


def _voices(rows: Floats) -> Values:
    """Mean share of the pitch classes [shape=(12,)]; every moment that is not faint speaks with the same voice."""
    heard = rows[_clear(rows)]
    if not len(heard):
        return np.full(12, 1 / 12)
    return np.asarray((heard / heard.sum(axis=1, keepdims=True)).mean(axis=0), np.float64)


def _home(chroma: Floats, bass: Floats, starts: Times) -> Values:
    """How much each of the 24 triads, and its root in the bass, sounds where sections begin and at the end."""
    last = len(chroma) / TONAL_RATE - _LAST_SECONDS
    firsts = [int(t * TONAL_RATE) + 1 for t in (*starts, max(0.0, last))]
    width = int(_HOME_SECONDS * TONAL_RATE)
    above = np.mean([_voices(chroma[i : i + width]) for i in firsts], axis=0)
    below = np.mean([_voices(bass[i : i + width]) for i in firsts], axis=0)
    third = np.concatenate([np.roll(above, -4), np.roll(above, -3)])
    triad = np.tile(above + np.roll(above, -7), 2) + third
    return np.asarray(_HOME_TRIAD * triad + _HOME_BASS * np.tile(below, 2))
