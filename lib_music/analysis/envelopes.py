"""The curves that drive the picture, and the onset strength that beats are found in.

Conventions: curves have one value per feature frame (``features.RATE`` Hz); ``Envelope`` values lie in
[0, 1] with the loudest 1 % of the song at 1, so that one spike cannot flatten the rest; onset strength is
level-independent (a quiet take and a loud one give the same curve) and has no unit.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from lib_music.analysis.features import FLOOR_DB, N_MELS, RATE, Features, mel_centres
from lib_music.analysis.types import Envelope, Floats

# Onset bands, Hz: kick and bass, low mids, voice and snare body, snare and consonants, cymbals.
BAND_EDGES = (0.0, 160.0, 500.0, 1600.0, 4000.0, 20000.0)
N_BANDS = len(BAND_EDGES) - 1
_LEVEL_EDGES = {"low": (0.0, 200.0), "mid": (200.0, 4000.0), "high": (4000.0, 20000.0)}
_CHUNK = 1 << 15


def _band_of_mel() -> list[slice]:
    """The mel bands of each onset band, never empty."""
    cuts = np.searchsorted(mel_centres(), BAND_EDGES)
    return [slice(int(a), int(b)) for a, b in pairwise(cuts)]


def loudest(features: Features) -> Floats:
    """The level that counts as loud in each mel band around each half second, dB [shape=(k, N_MELS)].

    The running maximum over +-6 s, no lower than 40 dB under the song's own, so that a quiet passage keeps its
    attacks and silence does not turn its noise into drums.
    """
    from scipy.ndimage import maximum_filter1d, uniform_filter1d

    hop = round(RATE / 2)
    m = features.mel.shape[0]
    starts = np.arange(0, m, hop)
    peaks = np.maximum.reduceat(features.mel, starts, axis=0).astype(np.float32)
    song = peaks.max(axis=0)
    local = maximum_filter1d(peaks, 25, axis=0, mode="nearest")
    local = uniform_filter1d(local, 13, axis=0, mode="nearest")
    # Neighbouring bands share a floor: an empty band must not be amplified to the size of a full one.
    everywhere = max(float(song.max()) - 50.0, -80.0)
    return np.asarray(np.maximum(local, np.maximum(song - 40.0, everywhere)), np.float32)


def onset_bands(features: Features) -> Floats:
    """Onset strength in each band [shape=(m, N_BANDS)], >= 0, about 1 at a clear local attack.

    Log-compressed spectral flux with a maximum over neighbouring bands in the reference frame, so that vibrato is
    no onset (Böck & Widmer, SuperFlux, DAFx 2013), on bands whitened by their local peak (Stowell & Plumbley,
    ICMC 2007), each then divided by its own local strength.
    """
    from scipy.ndimage import maximum_filter1d

    m = features.mel.shape[0]
    peaks = loudest(features)
    at = np.minimum(np.arange(m) / round(RATE / 2), peaks.shape[0] - 1)
    index = at.astype(np.int64)
    bands = _band_of_mel()
    flux = np.zeros((m, N_BANDS), np.float32)
    lag = 2
    for start in range(0, m, _CHUNK):
        stop = min(m, start + _CHUNK)
        first = max(0, start - lag)
        # Before the song there is silence: a sound that starts with it is an onset.
        missing = lag - (start - first)
        level = np.pad(features.mel[first:stop].astype(np.float32), ((missing, 0), (0, 0)), constant_values=FLOOR_DB)
        level -= peaks[np.pad(index[first:stop], (missing, 0))]
        # log(1 + 30 a) of the amplitude relative to the local peak: linear below -30 dB, logarithmic above.
        level = np.log1p(30.0 * 10.0 ** (level / 20.0)).astype(np.float32)
        before = maximum_filter1d(level, 3, axis=1, mode="nearest")
        rise = np.maximum(level[lag:] - before[:-lag], 0)
        for b, band in enumerate(bands):
            flux[start:stop, b] = rise[:, band].mean(axis=1)
    return flux


def local_scale(flux: Floats, seconds: float = 5.0) -> Floats:
    """Divide each band by its local peak strength (90th percentile of half-second peaks' mean), [shape=(m, b)]."""
    from scipy.ndimage import uniform_filter1d

    hop = round(RATE / 2)
    starts = np.arange(0, flux.shape[0], hop)
    peaks = np.maximum.reduceat(flux, starts, axis=0)
    width = 2 * round(seconds) + 1
    local = uniform_filter1d(peaks, width, axis=0, mode="nearest")
    local = np.maximum(local, 0.15 * np.maximum(peaks.mean(axis=0), 0.02))
    at = np.arange(flux.shape[0]) / hop - 0.5
    grid = np.arange(local.shape[0])
    scale = np.stack([np.interp(at, grid, local[:, b]) for b in range(flux.shape[1])], axis=1)
    return np.asarray(flux / scale, np.float32)


def _unit(values: Floats, top: float = 99.0) -> Floats:
    """Scale so that the ``top`` percentile becomes 1 and clip to [0, 1]; silence stays 0."""
    peak = float(np.percentile(values, top)) if values.size else 0.0
    if peak <= 1e-9:
        peak = float(values.max(initial=0.0))
    if peak <= 1e-9:
        return np.zeros_like(values)
    return np.asarray(np.clip(values / peak, 0, 1), np.float32)


def envelopes(features: Features, bands: Floats) -> dict[str, Envelope]:
    """The five curves of a song: onset, low, mid, high, loudness.

    Parameters
    ----------
    features : Features
    bands : [shape=(m, N_BANDS)]
        From :func:`onset_bands`.

    Notes
    -----
    Levels are amplitudes to the power 0.6, about as loudness grows (Stevens' sone scale).
    """
    centres = mel_centres()
    curves: dict[str, Floats] = {"onset": _unit(bands.mean(axis=1))}
    for name, (low, high) in _LEVEL_EDGES.items():
        inside = np.flatnonzero((centres >= low) & (centres < high))
        total = np.zeros(features.mel.shape[0], np.float32)
        for column in inside:
            total += 10 ** (features.mel[:, column].astype(np.float32) / 10)
        # 1e-7 of power is -70 dB: below it is silence, not a quiet note.
        curves[name] = _unit(np.maximum(total - 1e-8, 0) ** 0.3)
    curves["loudness"] = _unit(np.maximum(features.level - 1e-4, 0) ** 0.6)
    return {name: Envelope(values, RATE) for name, values in curves.items()}


assert N_MELS >= 4 * N_BANDS
