"""The sound as compact features: one pass over ``audio.blocks()``, memory bounded by the features alone.

Conventions: frames are centred, frame ``i`` lies at ``i / rate`` s; mel levels are dB re full scale in
float16 (a step of 0.06 dB at worst); chroma starts at C; nothing here depends on the length of the song
except the features themselves, 170 bytes a frame (160 MB for three hours). The learned listener
(:mod:`lib_music.analysis.network`) was trained on ``fine``, ``chroma`` and ``bass`` exactly as they are
computed here: after a change to their values it must be trained again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lib_music.analysis.filtering import StreamFilter, fits, low_pass
from lib_music.analysis.loudness import GATE, LoudnessMeter
from lib_music.analysis.types import Floats
from lib_music.audio import Audio

SAMPLE_RATE = 22050
HOP = 256
WINDOW = 1024
N_MELS = 40
# Bands of the learned listener: as narrow as a window of 46 ms can tell low tones apart.
N_FINE = 80
# A level in ``fine`` is FINE_FLOOR_DB + FINE_STEP_DB * value.
FINE_FLOOR_DB, FINE_STEP_DB = -125.0, 0.5
LOWEST, HIGHEST = 30.0, 10000.0
TONAL_HOP, TONAL_WINDOW = 2048, 4096
TONAL_BINS = 400  # up to 2150 Hz
RATE = SAMPLE_RATE / HOP
TONAL_RATE = SAMPLE_RATE / TONAL_HOP
FLOOR_DB = -100.0
# Frames worked on at once: few enough for their spectra to stay in the processor's cache.
_BATCH = 128
# RMS amplitude below which nothing is heard, -66 dBFS.
SILENCE = 5e-4


@dataclass(frozen=True, eq=False)
class Features:
    """What later steps hear.

    Attributes
    ----------
    mel : [shape=(m, N_MELS)] float16
        Level of each mel band in dB re full scale, >= FLOOR_DB, at ``RATE`` Hz.
    fine : [shape=(m, N_FINE)] uint8
        Level of each fine band in steps of FINE_STEP_DB over FINE_FLOOR_DB re full scale, at ``RATE`` Hz.
    level : [shape=(m,)] float32
        RMS amplitude of the frame in [0, 1].
    chroma, bass : [shape=(c, 12)] float32
        Strength of each pitch class from C, above and below 260 Hz, at ``TONAL_RATE`` Hz, >= 0.
    loudness, loudness_range : float
        LUFS and LU of the whole (BS.1770, EBU Tech 3342), of the file's own channels.
    """

    mel: npt.NDArray[np.float16]
    fine: npt.NDArray[np.uint8]
    level: Floats
    chroma: Floats
    bass: Floats
    loudness: float = GATE
    loudness_range: float = 0.0

    def __post_init__(self) -> None:
        if self.mel.ndim != 2 or self.mel.shape != (self.level.size, N_MELS):
            raise ValueError(f"Features: mel {self.mel.shape} and level {self.level.shape} must be (m, {N_MELS}), (m,)")
        if self.fine.shape != (self.level.size, N_FINE):
            raise ValueError(f"Features: fine {self.fine.shape} must be ({self.level.size}, {N_FINE})")
        if self.chroma.shape != self.bass.shape or self.chroma.shape[1:] != (12,):
            raise ValueError(f"Features: chroma {self.chroma.shape} and bass {self.bass.shape} must be (c, 12)")


def mel_centres(n: int) -> npt.NDArray[np.float64]:
    """Centre of each of ``n`` mel bands in Hz [shape=(n,)]: N_MELS as in ``mel``, N_FINE as in ``fine``."""
    return _mel_edges(n)[1:-1]


def _mel_edges(n: int) -> npt.NDArray[np.float64]:
    """Edges of ``n`` triangular bands, evenly spaced on O'Shaughnessy's mel scale, Hz [shape=(n + 2,)]."""
    low, high = (2595 * np.log10(1 + f / 700) for f in (LOWEST, HIGHEST))
    return np.asarray(700 * (10 ** (np.linspace(low, high, n + 2) / 2595) - 1))


@lru_cache(maxsize=2)
def _mel_bank(n: int) -> Floats:
    """Triangular filters of unit sum over power bins [shape=(WINDOW // 2 + 1, n)]."""
    edges, bins = _mel_edges(n), np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE)
    # A band narrower than a bin still needs the bin it lies in: widen it to one bin on either side.
    step = bins[1]
    lower = np.minimum(edges[:-2], edges[1:-1] - step)
    upper = np.maximum(edges[2:], edges[1:-1] + step)
    rise = (bins[:, None] - lower) / (edges[1:-1] - lower)
    fall = (upper - bins[:, None]) / (upper - edges[1:-1])
    bank = np.maximum(0, np.minimum(rise, fall))
    return np.asarray(bank / bank.sum(axis=0), np.float32)


@lru_cache(maxsize=1)
def _both_banks() -> Floats:
    """The banks of ``mel`` and ``fine`` side by side [shape=(WINDOW // 2 + 1, N_MELS + N_FINE)]."""
    return np.hstack([_mel_bank(N_MELS), _mel_bank(N_FINE)])


@lru_cache(maxsize=2)
def _chroma_bank(low: float, high: float) -> Floats:
    """Gaussian weights (a third of a semitone) of FFT bins on pitch classes [shape=(TONAL_BINS, 12)].

    Bins outside ``low``..``high`` Hz weigh nothing; the upper range fades with frequency, because partials of a
    note are not its pitch class.
    """
    bins = np.fft.rfftfreq(TONAL_WINDOW, 1 / SAMPLE_RATE)[:TONAL_BINS]
    semitones = 12 * np.log2(np.maximum(bins, 1.0) / 440.0) + 9
    away = (semitones[:, None] - np.arange(12) + 6) % 12 - 6
    bank = np.exp(-0.5 * (away / 0.33) ** 2)
    inside = (bins >= low) & (bins <= high)
    fade = np.exp(-0.5 * (np.log2(np.maximum(bins, 1.0) / 440.0) / 1.5) ** 2)
    return np.asarray(bank * (inside * fade)[:, None], np.float32)


class _Framer:
    """Cuts a stream into centred frames, zeros beyond both ends."""

    def __init__(self, window: int, hop: int) -> None:
        self._window, self._hop = window, hop
        self._held = np.zeros(window // 2, np.float32)

    def feed(self, block: Floats) -> Iterator[Floats]:
        """Batches of the frames that ``block`` [shape=(n,)] completes [shape=(k, window)]."""
        held = np.concatenate([self._held, block])
        n = max(0, (held.size - self._window) // self._hop + 1)
        for first in range(0, n, _BATCH):
            part = held[first * self._hop : (min(n, first + _BATCH) - 1) * self._hop + self._window]
            yield np.lib.stride_tricks.sliding_window_view(part, self._window)[:: self._hop]
        self._held = held[n * self._hop :]

    def finish(self) -> Iterator[Floats]:
        """The frames whose middle still lies in the sound."""
        rest = max(0, -(-(self._held.size - self._window // 2) // self._hop))
        if rest:
            held = np.concatenate([self._held, np.zeros(rest * self._hop + self._window, np.float32)])
            yield np.lib.stride_tricks.sliding_window_view(held, self._window)[: rest * self._hop : self._hop]


def _hann(window: int) -> Floats:
    """Periodic Hann window."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window), np.float32)


def _ahead(blocks: Iterator[Floats]) -> Iterator[Floats]:
    """The same blocks, each fetched in a thread while the one before is worked on: decoding is another process."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        coming = pool.submit(next, blocks, None)
        while (block := coming.result()) is not None:
            coming = pool.submit(next, blocks, None)
            yield block


class _Spectra:
    """Collects both resolutions while the sound streams by."""

    def __init__(self) -> None:
        self.mel: list[npt.NDArray[np.float16]] = []
        self.fine: list[npt.NDArray[np.uint8]] = []
        self.level: list[Floats] = []
        self.chroma: list[Floats] = []
        self.bass: list[Floats] = []
        self._short, self._long = _Framer(WINDOW, HOP), _Framer(TONAL_WINDOW, TONAL_HOP)

    def feed(self, block: Floats) -> None:
        """Take samples at SAMPLE_RATE [shape=(n,)]."""
        for frames in self._short.feed(block):
            self.short(frames)
        for frames in self._long.feed(block):
            self.tonal(frames)

    def finish(self) -> None:
        """Nothing more comes."""
        for frames in self._short.finish():
            self.short(frames)
        for frames in self._long.finish():
            self.tonal(frames)

    def short(self, frames: Floats) -> None:
        """Mel levels, fine levels and RMS of (n, WINDOW) frames."""
        from scipy import fft

        hann = _hann(WINDOW)
        spectrum = fft.rfft(frames * hann, axis=1)
        power = np.square(spectrum.real) + np.square(spectrum.imag)
        power *= 4 / np.float32(hann.sum()) ** 2
        bands = power @ _both_banks()
        level = np.log(np.maximum(bands, np.float32(1e-13))) * np.float32(10 / np.log(10))
        self.mel.append(np.maximum(level[:, :N_MELS], FLOOR_DB).astype(np.float16))
        steps = level[:, N_MELS:] * np.float32(1 / FINE_STEP_DB) + np.float32(0.5 - FINE_FLOOR_DB / FINE_STEP_DB)
        self.fine.append(np.clip(steps, 0, 255).astype(np.uint8))
        # Parseval: the windowed power is 3/8 of the frame's.
        rms = np.sqrt(power.sum(axis=1) * (hann.sum() ** 2 / (4 * WINDOW**2 * 0.375)) * 2)
        self.level.append(np.minimum(rms, 1.0).astype(np.float32))

    def tonal(self, frames: Floats) -> None:
        """Pitch classes of (n, TONAL_WINDOW) frames."""
        from scipy import fft

        spectrum = fft.rfft(frames * _hann(TONAL_WINDOW), axis=1)[:, : TONAL_BINS + 9]
        amplitude = np.sqrt(np.abs(spectrum))
        # What stands out over its surroundings is a partial; broad noise (drums) is not.
        smooth = np.cumsum(np.pad(amplitude, ((0, 0), (9, 0)), mode="edge"), axis=1)
        partials = np.maximum(amplitude[:, :TONAL_BINS] - (smooth[:, 17:] - smooth[:, :-17])[:, :TONAL_BINS] / 17, 0)
        self.chroma.append(partials @ _chroma_bank(130.0, 2100.0))
        self.bass.append(partials @ _chroma_bank(40.0, 260.0))


def extract(audio: Audio, progress: Callable[[float], None] | None = None) -> Features:
    """Stream ``audio`` once and return its features.

    The sound is decoded once, at its own rate and with its own channels, as its loudness is measured; the rest hears
    the mean of the channels at SAMPLE_RATE, or half their difference where they are opposed.

    Parameters
    ----------
    audio : Audio
    progress : callable, optional
        Told the fraction done, 0 to 1, once per block.
    """
    rate = audio.sample_rate if fits(audio.sample_rate, SAMPLE_RATE) else 2 * SAMPLE_RATE
    meter = LoudnessMeter(rate, audio.channels)
    thin = StreamFilter(low_pass(SAMPLE_RATE, rate), rate, SAMPLE_RATE) if rate != SAMPLE_RATE else None
    spectra = _Spectra()
    heard, right = 0, np.float32(-0.5 if audio.opposed else 0.5)
    for block in _ahead(audio.blocks(rate, channels=2 if audio.channels == 2 else 1)):
        sides = np.ascontiguousarray(block.reshape(len(block), -1).T)
        meter.feed(sides)
        mono = sides[:1] if len(sides) == 1 else sides[:1] * np.float32(0.5) + sides[1:] * right
        spectra.feed((mono if thin is None else thin.feed(mono))[0])
        heard += len(block)
        if progress is not None:
            progress(min(1.0, heard / rate / audio.duration))
    if thin is not None:
        spectra.feed(thin.finish()[0])
    spectra.finish()
    loudness, spread = meter.finish()
    return Features(
        np.concatenate(spectra.mel or [np.full((1, N_MELS), FLOOR_DB, np.float16)]),
        np.concatenate(spectra.fine or [np.zeros((1, N_FINE), np.uint8)]),
        np.concatenate(spectra.level or [np.zeros(1, np.float32)]),
        np.concatenate(spectra.chroma or [np.zeros((1, 12), np.float32)]),
        np.concatenate(spectra.bass or [np.zeros((1, 12), np.float32)]),
        loudness,
        spread,
    )
