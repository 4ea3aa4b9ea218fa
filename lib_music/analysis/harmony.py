"""The key of the song.

Conventions: pitch classes count from C; key names use sharps; the profiles are Temperley's revision of
Krumhansl & Kessler's probe-tone ratings (Temperley, *What's Key for Key?*, Music Perception 17, 1999).
"""

from __future__ import annotations

import numpy as np

from lib_music.analysis.types import Floats

KEYS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_MAJOR = (5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0)
_MINOR = (5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0)


def find_key(chroma: Floats) -> tuple[str, str, float]:
    """Key, mode and confidence of a song.

    Parameters
    ----------
    chroma : [shape=(c, 12)]
        Strength of the pitch classes over time, >= 0.

    Returns
    -------
    key : str
        One of KEYS, or "" when there is no tone.
    mode : "major", "minor" or ""
    confidence : float in [0, 1]
        From the lead over the best key that is not its relative or parallel.
    """
    total = chroma.sum(axis=1)
    tonal = chroma[total > 0.1 * total.max(initial=0.0)] if chroma.size else chroma
    if not len(tonal) or total.max() <= 1e-6:
        return "", "", 0.0
    # Every moment speaks with the same voice, so that one loud chord does not name the key.
    mean = (tonal / tonal.sum(axis=1, keepdims=True)).mean(axis=0).astype(np.float64)
    if mean.std() < 1e-6:
        return "", "", 0.0
    profiles = np.array([np.roll(p, k) for p in (_MAJOR, _MINOR) for k in range(12)])
    profiles = profiles - profiles.mean(axis=1, keepdims=True)
    profiles /= np.linalg.norm(profiles, axis=1, keepdims=True)
    pitch = mean - mean.mean()
    match = profiles @ (pitch / np.linalg.norm(pitch))
    best = int(match.argmax())
    minor, tonic = divmod(best, 12)
    kin = {best, (1 - minor) * 12 + tonic, (1 - minor) * 12 + (tonic + (3 if minor else -3)) % 12}
    rival = max(float(m) for i, m in enumerate(match) if i not in kin)
    confidence = float(np.clip((match[best] - rival) * 4, 0, 1) * np.clip(match[best], 0, 1))
    return KEYS[tonic], "minor" if minor else "major", confidence
