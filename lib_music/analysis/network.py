"""The learned listener: features in, how likely each moment is a beat or a downbeat out.

A convolutional network of our own (``training/`` makes it, ``docs/listener.md`` describes it): two small
convolutions over time and frequency, a stack of dilated convolutions over time after van den Oord et al. (2016)
and Davies & Böck (EUSIPCO 2019), and linear heads. It knows both past and future. This module only applies the
weights, in numpy: no torch, no compilation.

Conventions: a *step* is two frames, ``STEP_RATE`` Hz; a *span* is ``SPAN`` frames. Arrays are time first,
float32. The level of the song does not matter: levels are read relative to the loud moments within ten seconds.
The song is worked on in blocks with as much context as the network can see, so an hour needs no more memory
than five minutes and a block gives what the whole would.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lib_music.analysis.features import FINE_FLOOR_DB, FINE_STEP_DB, RATE, Features
from lib_music.analysis.types import Floats
from lib_music.errors import InstallationError

WEIGHTS = Path(__file__).with_name("weights") / "listener.npz"
#: Layout of the weights file.
FORMAT = 1
SPAN = 32
STEP_RATE = RATE / 2
PULSE_RATE = RATE / SPAN
#: Centres of the classes of local tempo, BPM.
TEMPI = np.geomspace(40.0, 240.0, 48)
N_TONAL = 30
# Steps worked on at once, besides their context: 190 s; a multiple of a span and of a tonal frame.
_BLOCK = 8192
# Steps convolved over frequency at once: few enough for their patches to stay in the processor's cache.
_PATCHES = 256
# Steps that a tonal value sees to either side.
_TONAL_REACH = 48
# dB: what is this much softer than the loud moments around is nothing; nor is what lies under the noise of 16 bits.
_RANGE, _NOISE = 65.0, -118.0
# What is loud is told in stretches of half a second, within ten seconds either side; at least this much under the
# loudest of the song, and at least this, dB.
_STRETCH, _AROUND, _QUIETER, _QUIETEST = 43, 20, 30.0, -85.0


@dataclass(frozen=True, eq=False)
class Activations:
    """What the network hears, each value a probability.

    Attributes
    ----------
    beat, downbeat : [shape=(m,)] float32
        How likely frame ``i``, at ``i / RATE`` s, is a beat, a first beat of a bar.
    pulse : [shape=(p,)] float32
        How likely there is a beat at all in frames ``SPAN * i`` to ``SPAN * (i + 1)``: ``PULSE_RATE`` Hz.
    tempo : [shape=(p, 48)] float32
        How likely the local tempo is each of ``TEMPI``; rows sum to 1.
    """

    beat: Floats
    downbeat: Floats
    pulse: Floats
    tempo: Floats

    def __post_init__(self) -> None:
        if self.beat.ndim != 1 or self.beat.shape != self.downbeat.shape:
            raise ValueError(f"Activations: beat {self.beat.shape} and downbeat {self.downbeat.shape} must be (m,)")
        spans = -(-self.beat.size // SPAN)
        if self.pulse.shape != (spans,) or self.tempo.shape != (spans, TEMPI.size):
            raise ValueError(f"Activations: pulse {self.pulse.shape} and tempo {self.tempo.shape} must be of "
                             f"{spans} spans")
        for name in ("beat", "downbeat", "pulse", "tempo"):
            values = getattr(self, name)
            if values.size and not (values.min() >= 0 and values.max() <= 1):
                raise ValueError(f"Activations.{name} must lie in [0, 1]")


def listen(features: Features, weights: Path = WEIGHTS) -> Activations:
    """Hear beats, downbeats and tempo in ``features``.

    Raises
    ------
    InstallationError
        When the weights are missing or damaged.
    """
    net = load(weights)
    m = features.fine.shape[0]
    steps, per_span = -(-m // 2), SPAN // 2
    loud, strong = loudness(features.fine), tonal_scale(features.chroma, features.bass)
    # A multiple of a span and of a tonal frame.
    context = -(-net.reach // per_span) * per_span
    beats, spans = [], []
    for start in range(0, steps, _BLOCK):
        stop = min(steps, start + _BLOCK)
        first, last = max(0, start - context), min(steps, stop + context)
        a, b = first // 4, -(-last // 4)
        hidden = net.hear(
            picture(features.fine[2 * first : 2 * last], loud[2 * first : 2 * last]),
            tonal(features.chroma[a:b], features.bass[a:b], strong),
        )[start - first : stop - first]
        beats.append(_logistic(hidden @ net["beat.w"] + net["beat.b"]))
        spans.append(means(hidden, per_span) @ net["span.w"] + net["span.b"])
    # A step holds beat and downbeat of each of its two frames.
    both = np.concatenate(beats).reshape(-1, 2)[:m]
    whole = np.concatenate(spans)
    odds = np.exp(whole[:, 1:] - whole[:, 1:].max(axis=1, keepdims=True))
    return Activations(both[:, 0].copy(), both[:, 1].copy(), _logistic(whole[:, 0]),
                       odds / odds.sum(axis=1, keepdims=True))


def means(rows: Floats, n: int) -> Floats:
    """Mean of each ``n`` consecutive rows; of what there is of the last."""
    summed = np.add.reduceat(rows, np.arange(0, rows.shape[0], n), axis=0)
    counts = np.full((summed.shape[0], 1), n, np.float32)
    counts[-1] = rows.shape[0] - n * (summed.shape[0] - 1)
    return np.asarray(summed / counts, np.float32)


def _logistic(values: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -30, 30))), np.float32)


def loudness(fine: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """What counts as loud around each frame, in the steps of ``fine`` [shape=(m,)]."""
    m = fine.shape[0]
    peak = np.maximum.reduceat(fine.max(axis=1), np.arange(0, m, _STRETCH)).astype(np.float32)
    near = np.lib.stride_tricks.sliding_window_view(np.pad(peak, _AROUND, mode="reflect" if peak.size > _AROUND
                                                           else "edge"), 2 * _AROUND + 1)
    local = np.sort(near, axis=1)[:, int(0.8 * 2 * _AROUND)]
    least = max(local.max() - _QUIETER / FINE_STEP_DB, (_QUIETEST - FINE_FLOOR_DB) / FINE_STEP_DB)
    centres = _STRETCH * (np.arange(peak.size) + 0.5)
    return np.asarray(np.interp(np.arange(m), centres, np.maximum(local, least)) + 0.5, np.uint8)


@lru_cache(maxsize=1)
def _scale() -> Floats:
    """Level relative to what is loud, 0 (nothing) to about 1 (loud) [shape=(256 * 256,)], indexed by
    256 * loud + level."""
    decibel = FINE_FLOOR_DB + FINE_STEP_DB * np.arange(256)
    floor = np.maximum(decibel - _RANGE, _NOISE)[:, None]
    table = np.log10(1 + 10 ** ((decibel - floor) / 10)) / np.log10(1 + 10 ** ((decibel[:, None] - floor) / 10))
    return np.asarray(table.ravel(), np.float32)


def picture(fine: npt.NDArray[np.uint8], loud: npt.NDArray[np.uint8]) -> Floats:
    """Relative levels and their rise over two frames [shape=(m, N_FINE, 2)].

    The rise is over the loudest of three neighbouring bands, so that vibrato does not count (Böck & Widmer, DAFx
    2013).
    """
    out = np.empty((*fine.shape, 2), np.float32)
    level = _scale()[loud.astype(np.int32)[:, None] * 256 + fine]
    out[:, :, 0] = level
    out[:2, :, 1] = 0
    before = level[:-2].copy()
    np.maximum(before[:, 1:], level[:-2, :-1], out=before[:, 1:])
    np.maximum(before[:, :-1], level[:-2, 1:], out=before[:, :-1])
    rise = level[2:] - before
    np.maximum(rise, 0, out=rise)
    np.multiply(rise, 4, out=out[2:, :, 1])
    return out


def tonal_scale(chroma: Floats, bass: Floats) -> tuple[float, float]:
    """How strong chroma and bass are where they are strong."""
    high, low = (float(np.quantile(np.linalg.norm(rows, axis=1), 0.9)) for rows in (chroma, bass))
    return high, low


def tonal(chroma: Floats, bass: Floats, strong: tuple[float, float]) -> Floats:
    """Pitch classes of chroma and bass, and how much they change over 0.2, 0.4 and 0.7 s [shape=(c, N_TONAL)]."""
    both = []
    for rows, scale in zip((chroma, bass), strong, strict=True):
        norm = np.linalg.norm(rows, axis=1, keepdims=True)
        both.append(rows / (norm + np.float32(0.1 * scale + 1e-9)))
    changes = []
    for rows in both:
        for n in (2, 4, 8):
            summed = np.cumsum(np.pad(rows, ((n + 1, n - 1), (0, 0)), mode="edge"), axis=0)
            mean = (summed[n:] - summed[:-n]) / n
            changes.append(np.linalg.norm(mean[n:] - mean[:-n], axis=1)[: rows.shape[0]])
    return np.asarray(np.hstack([*both, np.stack(changes, axis=1)]), np.float32)


class Net(dict[str, Floats]):
    """The weights by name, float32, and what is done with them.

    Matrices take rows: ``x @ w + b``. Patches are flattened time first, channel last.
    """

    @property
    def dilations(self) -> list[int]:
        """Steps between the taps of each block of the body."""
        return [int(d) for d in self["dilations"]]

    @property
    def reach(self) -> int:
        """Steps that the network can see to either side."""
        return sum(self.dilations) + _TONAL_REACH

    def hear(self, image: Floats, pitches: Floats) -> Floats:
        """What heads read, from :func:`picture` [shape=(m, N_FINE, 2)] and :func:`tonal`
        [shape=(c, N_TONAL)] [shape=(ceil(m / 2), channels)]."""
        steps = -(-image.shape[0] // 2)
        x = self._convolve(image, steps) @ self["stem.w"]
        x += self._between(pitches, steps) @ self["tonal.out.w"]
        x += self["stem.b"]
        np.maximum(x, 0, out=x)
        for i, d in enumerate(self.dilations):
            hidden = _taps(x, d) @ self[f"body{i}.w"]
            hidden += self[f"body{i}.b"]
            np.maximum(hidden, 0, out=hidden)
            x += hidden @ self[f"body{i}.out.w"]
            x += self[f"body{i}.out.b"]
        last = x @ self["last.w"] + self["last.b"]
        return np.asarray(np.maximum(last, 0), np.float32)

    def _convolve(self, image: Floats, steps: int) -> Floats:
        """Two convolutions over time and frequency; the first halves the rate [shape=(steps, width)]."""
        rows = []
        # Zeros beyond the ends: of a step and a frame in time, of two bands in frequency.
        padded = np.pad(image, ((3, 2 * steps - image.shape[0] + 3), (2, 2), (0, 0)))
        for start in range(0, steps, _PATCHES):
            stop = min(steps, start + _PATCHES)
            # Steps start - 1 to stop of the first convolution: patches of four frames and five bands.
            part = padded[2 * start : 2 * stop + 6]
            patches = np.lib.stride_tricks.sliding_window_view(part, (4, 5), axis=(0, 1))[::2, ::3]
            first = patches.transpose(0, 1, 3, 4, 2).reshape(-1, 40) @ self["first.w"]
            first += self["first.b"]
            np.maximum(first, 0, out=first)
            first = first.reshape(stop - start + 2, -1, self["first.b"].size)
            if start == 0:
                first[0] = 0
            if stop == steps:
                first[-1] = 0
            first = np.pad(first, ((0, 0), (1, 1), (0, 0)))
            patches = np.lib.stride_tricks.sliding_window_view(first, (3, 3), axis=(0, 1))[:, ::2]
            second = patches.transpose(0, 1, 3, 4, 2).reshape(-1, 9 * first.shape[2]) @ self["second.w"]
            second += self["second.b"]
            np.maximum(second, 0, out=second)
            rows.append(second.reshape(stop - start, -1))
        return np.concatenate(rows)

    def _between(self, pitches: Floats, steps: int) -> Floats:
        """Tonal values at every step, straight between one and the next [shape=(steps, width)]."""
        hidden = _taps(pitches, 1) @ self["tonal.w"]
        hidden += self["tonal.b"]
        np.maximum(hidden, 0, out=hidden)
        missing = max(0, -(-steps // 4) + 1 - hidden.shape[0])
        hidden = np.pad(hidden, ((0, missing), (0, 0)), mode="edge")
        part = np.arange(4, dtype=np.float32)[None, :, None] / 4
        between = hidden[:-1, None] * (1 - part) + hidden[1:, None] * part
        return np.asarray(between.reshape(-1, hidden.shape[1])[:steps], np.float32)


def _taps(x: Floats, d: int) -> Floats:
    """Each row with those ``d`` before and after, zeros beyond the ends [shape=(n, 3 * channels)]."""
    n = x.shape[0]
    out = np.zeros((n, 3, x.shape[1]), np.float32)
    out[d:, 0] = x[: max(0, n - d)]
    out[:, 1] = x
    out[: max(0, n - d), 2] = x[d:]
    return out.reshape(n, -1)


@lru_cache(maxsize=2)
def load(path: Path) -> Net:
    """Read the weights."""
    fix = "install Music Visualizer again"
    try:
        with np.load(path, allow_pickle=False) as file:
            if int(file["format"]) != FORMAT:
                raise InstallationError(f"{path} has layout {int(file['format'])}, not {FORMAT}", fix)
            net = Net({name: np.asarray(file[name], np.float32) for name in file.files if name != "format"})
        _check(net)
    except FileNotFoundError:
        raise InstallationError(f"the learned listener is missing: {path}", fix) from None
    except (OSError, EOFError, ValueError, KeyError, IndexError, zipfile.BadZipFile, zlib.error) as error:
        raise InstallationError(f"the learned listener {path} is damaged: {error}", fix) from None
    return net


def _check(net: Net) -> None:
    """Refuse weights that do not fit together or are not numbers."""
    width = net["stem.w"].shape[1]
    second = net["second.w"].shape[1]
    shapes = {
        "first.w": (40, net["first.b"].size), "second.w": (9 * net["first.b"].size, second),
        "stem.w": (14 * second, width), "tonal.w": (3 * N_TONAL, net["tonal.b"].size),
        "tonal.out.w": (net["tonal.b"].size, width), "last.w": (width, width), "last.b": (width,),
        "beat.w": (width, 4), "beat.b": (4,), "span.w": (width, 1 + TEMPI.size), "span.b": (1 + TEMPI.size,),
        "stem.b": (width,), "second.b": (second,),
    }
    for i in range(len(net.dilations)):
        shapes |= {f"body{i}.w": (3 * width, width), f"body{i}.b": (width,),
                   f"body{i}.out.w": (width, width), f"body{i}.out.b": (width,)}
    for name, shape in shapes.items():
        if net[name].shape != shape:
            raise ValueError(f"{name} is {net[name].shape}, not {shape}")
    for name, values in net.items():
        if not np.isfinite(values).all():
            raise ValueError(f"{name} holds what is no number")
    if any(d < 1 for d in net.dilations):
        raise ValueError(f"dilations are {net.dilations}")
