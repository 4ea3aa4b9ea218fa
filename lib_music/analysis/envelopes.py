"""The curves that drive the picture, and the onset strength that beats are found in.

Conventions: curves have one value per feature frame (``features.RATE`` Hz); ``Envelope`` values lie in
[0, 1] with the loudest 1 % of the song at 1, so that one spike cannot flatten the rest; onset strength is
level-independent (a quiet take and a loud one give the same curve) and has no unit.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from lib_music.analysis.features import (
    FINE_FLOOR_DB,
    FINE_STEP_DB,
    FLOOR_DB,
    N_FINE,
    N_MELS,
    RATE,
    Features,
    mel_centres,
)
from lib_music.analysis.types import Envelope, Floats

# Onset bands, Hz: kick and bass, low mids, voice and snare body, snare and consonants, cymbals.
BAND_EDGES = (0.0, 160.0, 500.0, 1600.0, 4000.0, 20000.0)
N_BANDS = len(BAND_EDGES) - 1
_LEVEL_EDGES = {"low": (0.0, 200.0), "mid": (200.0, 4000.0), "high": (4000.0, 20000.0)}
# Where each drum has its attack, Hz, and the presence range, in which a snare's noise is as dense as above it.
_DRUM_BANDS = {"kick": (0.0, 260.0), "snare": (900.0, 4000.0), "presence": (2500.0, 4500.0), "hat": (6500.0, 20000.0)}
# How much of one drum's amplitude at most lies in another's band: a snare's body beside its noise, the noise of a
# hi-hat under 4 kHz, the click of a kick beside its boom, the noise of a snare above its presence.
_BODY, _LEAK, _CLICK, _NOISE = 5.0, 0.25, 1 / 25, 0.9
# Seconds in which a drum's curve falls to 1/e; what a clear attack is at least, in units of onset strength.
_RELEASE, _CLEAR = 0.08, 0.8
_LAG = 2
_CHUNK = 1 << 15


def _band_of_mel() -> list[slice]:
    """The mel bands of each onset band, never empty."""
    cuts = np.searchsorted(mel_centres(N_MELS), BAND_EDGES)
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
    for start in range(0, m, _CHUNK):
        stop = min(m, start + _CHUNK)
        first = max(0, start - _LAG)
        # Before the song there is silence: a sound that starts with it is an onset.
        missing = _LAG - (start - first)
        level = np.pad(features.mel[first:stop].astype(np.float32), ((missing, 0), (0, 0)), constant_values=FLOOR_DB)
        level -= peaks[np.pad(index[first:stop], (missing, 0))]
        # log(1 + 30 a) of the amplitude relative to the local peak: linear below -30 dB, logarithmic above.
        level = np.log1p(30.0 * 10.0 ** (level / 20.0)).astype(np.float32)
        before = maximum_filter1d(level, 3, axis=1, mode="nearest")
        rise = np.maximum(level[_LAG:] - before[:-_LAG], 0)
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


def drums(features: Features) -> dict[str, Floats]:
    """Kick, snare and hi-hat, each [shape=(m,)] in [0, 1]: up at a hit, down within a tenth of a second.

    A hit is a rise of the log-compressed level in the band where that drum has its attack; what share of the rise is
    that drum's is read from the amplitudes beside it. A kick is low with little noise, a snare is noise with less above
    4 kHz than a hi-hat has, a hi-hat is noise with less below it. Music without that drum stays low.
    """
    from scipy.ndimage import maximum_filter1d

    amplitude = {name: _amplitude(features, *edges) for name, edges in _DRUM_BANDS.items()}
    rise = {name: maximum_filter1d(_rise(a), 5) + np.float32(1e-9) for name, a in amplitude.items()}
    share = {
        "kick": 1 - _BODY * rise["snare"] / rise["kick"],
        "snare": np.clip(1 - _LEAK * rise["hat"] / rise["snare"], 0, 1) * (1 - _CLICK * rise["kick"] / rise["snare"]),
        "hat": 1 - _NOISE * rise["presence"] / rise["hat"],
    }
    return {name: _struck(_attacks(amplitude[name]) * np.clip(part, 0, 1)) for name, part in share.items()}


def _amplitude(features: Features, low: float, high: float) -> Floats:
    """RMS over the fine bands between two frequencies [shape=(m,)]."""
    centres = mel_centres(N_FINE)
    inside = np.flatnonzero((centres >= low) & (centres < high))
    power = (10 ** ((FINE_FLOOR_DB + FINE_STEP_DB * np.arange(256)) / 10)).astype(np.float32)
    power[0] = 0.0  # the floor is silence
    total = np.zeros(features.fine.shape[0], np.float32)
    for column in inside:
        total += power[features.fine[:, column]]
    return np.asarray(np.sqrt(total / np.float32(inside.size)), np.float32)


def _rise(values: Floats) -> Floats:
    """What is gained over _LAG frames [shape=(m,)], >= 0; before the song there is silence."""
    out = values.copy()
    out[_LAG:] -= values[:-_LAG]
    return np.asarray(np.maximum(out, 0), np.float32)


def _attacks(amplitude: Floats) -> Floats:
    """Rises of the level, compressed relative to the peak within 6 s or a 30th of the song's [shape=(m,)]."""
    from scipy.ndimage import maximum_filter1d

    hop = round(RATE / 2)
    peaks = np.maximum.reduceat(amplitude, np.arange(0, amplitude.size, hop))
    local = np.maximum(maximum_filter1d(peaks, 25, mode="nearest"), peaks.max() / 30 + np.float32(1e-6))
    return _rise(np.log1p(30 * amplitude / np.repeat(local, hop)[: amplitude.size]).astype(np.float32))


def _struck(hits: Floats) -> Floats:
    """Hits as a curve that falls slowly enough to be seen between two pictures [shape=(m,)]."""
    loud = max(float(np.percentile(hits, 99.5)), _CLEAR)
    fall = np.arange(hits.size) / (_RELEASE * RATE)
    held = np.maximum.accumulate(np.log(np.maximum(hits / loud, 1e-4)) + fall) - fall
    return np.asarray(np.where(held > np.log(1.1e-4), np.clip(np.exp(held), 0, 1), 0), np.float32)


def envelopes(features: Features, bands: Floats) -> dict[str, Envelope]:
    """The curves of a song by name: those of :data:`~lib_music.analysis.types.CURVES`.

    Parameters
    ----------
    features : Features
    bands : [shape=(m, N_BANDS)]
        From :func:`onset_bands`.

    Notes
    -----
    Levels are amplitudes to the power 0.6, about as loudness grows (Stevens' sone scale).
    """
    centres = mel_centres(N_MELS)
    curves: dict[str, Floats] = {"onset": _unit(bands.mean(axis=1))}
    for name, (low, high) in _LEVEL_EDGES.items():
        inside = np.flatnonzero((centres >= low) & (centres < high))
        total = np.zeros(features.mel.shape[0], np.float32)
        for column in inside:
            total += 10 ** (features.mel[:, column].astype(np.float32) / 10)
        # 1e-7 of power is -70 dB: below it is silence, not a quiet note.
        curves[name] = _unit(np.maximum(total - 1e-8, 0) ** 0.3)
    curves |= drums(features)
    curves["loudness"] = _unit(np.maximum(features.level - 1e-4, 0) ** 0.6)
    return {name: Envelope(values, RATE) for name, values in curves.items()}


assert N_MELS >= 4 * N_BANDS
