"""Features and truth of composed pieces: made once in parallel, kept in a folder, varied anew each time they are seen.

``python -m training.dataset FOLDER --count 1000`` renders what is still missing there; seeds from 1 000 000 on are
the test split. Variation happens on the features (stretching time, shifting pitch, equalising, masking, noise),
which costs thousandths of what rendering costs.

Conventions: times in seconds; a *frame* is one of ``features.RATE``, a tonal frame is eight. Levels are varied in
dB and rounded to the steps of ``Features.fine`` again, so the network never sees a value that a song could not give.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lib_music.analysis import network
from lib_music.analysis.features import FINE_STEP_DB, N_FINE, RATE, SAMPLE_RATE, Features, extract
from lib_music.audio import Audio

FIRST_TEST_SEED = 1_000_000
#: Frames of one example: 23.8 s, whole spans and whole tonal frames.
FRAMES = 2048
_TONAL = 8


@dataclass(frozen=True, eq=False)
class Truth:
    """What is known of a piece; see :class:`training.pieces.Piece`."""

    beats: np.ndarray
    positions: np.ndarray
    spans: np.ndarray
    style: str = ""
    drums: bool = True
    sections: tuple[tuple[float, float, str], ...] = ()


@dataclass(frozen=True, eq=False)
class Item:
    """A piece as the network meets it."""

    fine: np.ndarray
    chroma: np.ndarray
    bass: np.ndarray
    truth: Truth
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Example:
    """One stretch of a piece, varied: what goes in and what should come out.

    Attributes
    ----------
    image, pitches : what :meth:`network.Net.hear` takes
    beats : [shape=(FRAMES, 2)] bool
        Frames nearest to a beat, to a downbeat.
    inside : [shape=(FRAMES,)] bool
        False beyond the end of the piece.
    pulse : [shape=(spans,)]
        1 where there is a beat, 0 where there is none.
    tempo : [shape=(spans, 48)]
        Weight of each class of tempo; rows of zeros where there is none.
    """

    image: np.ndarray
    pitches: np.ndarray
    beats: np.ndarray
    inside: np.ndarray
    pulse: np.ndarray
    tempo: np.ndarray


@dataclass(frozen=True)
class Played(Audio):
    """Samples from memory as an ``Audio``."""

    samples: np.ndarray = field(default_factory=lambda: np.zeros(1, np.float32))

    def blocks(self, sr: int, seconds: float = 10.0, *, channels: int = 1) -> Iterator[np.ndarray]:
        from scipy.signal import resample_poly

        samples = self.samples if sr == self.sample_rate else resample_poly(
            self.samples, sr // np.gcd(sr, self.sample_rate), self.sample_rate // np.gcd(sr, self.sample_rate))
        step = int(sr * seconds)
        for start in range(0, samples.size, step):
            part = np.clip(samples[start : start + step], -1, 1).astype(np.float32)
            yield part if channels == 1 else np.stack([part, part], axis=1)


def played(samples: np.ndarray, rate: int = SAMPLE_RATE) -> Played:
    """``samples`` as a song."""
    seconds = samples.size / rate
    return Played(Path("composed"), "00", 0.0, seconds, seconds, rate, samples=samples)


def render(seed: int, seconds: float, folder: Path) -> Path:
    """Compose, render and hear one piece, unless ``folder`` holds it already."""
    path = folder / f"{seed}.npz"
    if path.exists():
        return path
    from training import pieces

    piece = pieces.piece(seed, seconds=seconds, split="test" if seed >= FIRST_TEST_SEED else "train")
    heard = extract(played(piece.samples, piece.rate))
    meta = {"style": piece.style, "drums": bool(piece.meta.get("drums", True)), "sections": piece.sections}
    aside = folder / f".{seed}.{os.getpid()}.npz"
    np.savez(
        aside, fine=heard.fine, chroma=heard.chroma.astype(np.float16), bass=heard.bass.astype(np.float16),
        beats=piece.beats, positions=piece.positions,
        spans=np.asarray(piece.beat_spans, np.float64).reshape(-1, 2), meta=json.dumps(meta),
    )
    aside.replace(path)
    return path


def load(path: Path) -> Item:
    """Read what :func:`render` wrote."""
    with np.load(path, allow_pickle=False) as file:
        meta = json.loads(str(file["meta"]))
        sections = tuple((float(a), float(b), str(label)) for a, b, label in meta.get("sections", ()))
        truth = Truth(file["beats"], file["positions"], file["spans"], meta["style"], meta["drums"], sections)
        return Item(file["fine"], file["chroma"].astype(np.float32), file["bass"].astype(np.float32), truth,
                    int(path.stem))


def features(item: Item) -> Features:
    """What :func:`network.listen` needs of a piece; the rest is empty."""
    m = item.fine.shape[0]
    values = {"fine": item.fine, "chroma": item.chroma, "bass": item.bass}
    heard = object.__new__(Features)
    for name, value in (values | {"level": np.ones(m, np.float32)}).items():
        object.__setattr__(heard, name, value)
    return heard


# What is varied

def _levels(rows: np.ndarray, at: np.ndarray) -> np.ndarray:
    """``rows`` at fractional indices, straight between; nothing beyond the ends."""
    low = np.floor(at).astype(np.int64)
    part = (at - low).astype(np.float32)[:, None]
    n = rows.shape[0]
    out = rows[np.clip(low, 0, n - 1)] * (1 - part) + rows[np.clip(low + 1, 0, n - 1)] * part
    out[(at < 0) | (at > n - 1)] = 0
    return np.asarray(out, np.float32)


def _equalise(rng: np.random.Generator, level: np.ndarray) -> None:
    """A smooth random curve over frequency, up to about 10 dB."""
    heights = rng.normal(0, rng.uniform(1, 6), 6) + np.linspace(-1, 1, 6) * rng.normal(0, 4)
    curve = np.interp(np.arange(N_FINE), np.linspace(0, N_FINE - 1, 6), heights)
    level += (curve / FINE_STEP_DB).astype(np.float32)


def _band_limit(rng: np.random.Generator, level: np.ndarray) -> None:
    """A telephone, a small loudspeaker, a band that is missing."""
    kind = rng.integers(3)
    if kind == 0:
        level[:, int(rng.integers(36, N_FINE)) :] -= 120
    elif kind == 1:
        level[:, : int(rng.integers(2, 14))] -= rng.uniform(20, 120)
    else:
        start, width = int(rng.integers(0, N_FINE)), int(rng.integers(4, 20))
        level[:, start : start + width] -= rng.uniform(20, 120)


def _add_noise(rng: np.random.Generator, level: np.ndarray) -> None:
    """Steady noise 8 to 45 dB under the loud moments, of any colour."""
    loud = np.quantile(level.max(axis=1), 0.9)
    tilt = np.interp(np.arange(N_FINE), [0, N_FINE - 1], rng.uniform(-12, 4, 2))
    mean = loud + (tilt - rng.uniform(8, 45)) / FINE_STEP_DB
    # The power of noise in a band of few bins swings; a few dB.
    noise = mean + rng.normal(0, 4, level.shape)
    np.copyto(level, np.logaddexp(level * 0.1151, noise * 0.1151) / 0.1151)


def _mix(rng: np.random.Generator, level: np.ndarray, other: np.ndarray) -> None:
    """Something without a beat under the music, 3 to 25 dB softer."""
    under = _levels(other, np.arange(level.shape[0]) + rng.uniform(0, max(1, other.shape[0] - level.shape[0])))
    gap = np.quantile(level.max(axis=1), 0.9) - np.quantile(under.max(axis=1), 0.9)
    under += gap - rng.uniform(3, 25) / FINE_STEP_DB
    np.copyto(level, np.logaddexp(level * 0.1151, under * 0.1151) / 0.1151)


def _squash(rng: np.random.Generator, level: np.ndarray) -> None:
    """Compression or expansion: the swing of the loudest band over a quarter of a second."""
    peak = level.max(axis=1)
    width = int(rng.integers(3, 40))
    smooth = np.convolve(peak, np.ones(width) / width, mode="same")
    level += ((np.quantile(smooth, 0.9) - smooth) * rng.uniform(-0.2, 0.6))[:, None].astype(np.float32)


def _roll(rng: np.random.Generator, level: np.ndarray) -> np.ndarray:
    """Bands moved up or down."""
    by = int(rng.integers(-3, 4))
    return level[:, np.clip(np.arange(N_FINE) - by, 0, N_FINE - 1)]


def example(rng: np.random.Generator, item: Item, quiet: list[Item], vary: bool = True) -> Example:
    """A stretch of ``item``, varied.

    Parameters
    ----------
    quiet : list of Item
        Pieces without a beat, to be laid under others now and then.
    """
    rate = float(np.exp(rng.uniform(-0.13, 0.13))) if vary and rng.random() < 0.7 else 1.0
    m = item.fine.shape[0]
    slack = m - FRAMES * rate
    start = float(rng.uniform(0, slack)) if slack > 0 else float(rng.uniform(slack, 0)) * (rng.random() < 0.3)
    if not vary:
        start = max(0.0, slack / 2)
    start = _TONAL * np.round(start / _TONAL)
    at = start + rate * np.arange(FRAMES)
    level = _levels(item.fine, at)
    tonal_at = (start + rate * _TONAL * np.arange(FRAMES // _TONAL)) / _TONAL
    chroma, bass = _levels(item.chroma, tonal_at), _levels(item.bass, tonal_at)
    if vary:
        level, chroma, bass = _varied(rng, level, chroma, bass, quiet)
    inside = (at >= 0) & (at <= m - 1)
    level[~inside] = 0
    fine = np.clip(level + 0.5, 0, 255).astype(np.uint8)
    pitches = network.tonal(chroma, bass, network.tonal_scale(chroma, bass))
    return Example(network.picture(fine, network.loudness(fine)), pitches,
                   *_targets(item.truth, start, rate, inside))


def _varied(
    rng: np.random.Generator, level: np.ndarray, chroma: np.ndarray, bass: np.ndarray, quiet: list[Item]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Other sound, same music."""
    level = _roll(rng, level)
    if rng.random() < 0.3:
        _squash(rng, level)
    if rng.random() < 0.8:
        _equalise(rng, level)
    if rng.random() < 0.2:
        _band_limit(rng, level)
    if quiet and rng.random() < 0.08:
        _mix(rng, level, quiet[int(rng.integers(len(quiet)))].fine)
    if rng.random() < 0.2:
        _add_noise(rng, level)
    if rng.random() < 0.3:
        level -= rng.uniform(0, 90)
    by = int(rng.integers(12))
    chroma, bass = np.roll(chroma, by, axis=1), np.roll(bass, by, axis=1)
    fate = rng.random()
    if fate < 0.12:
        chroma = np.zeros_like(chroma)
    if fate < 0.06 or fate > 0.92:
        bass = np.zeros_like(bass)
    elif fate > 0.8:
        chroma = np.maximum(chroma + rng.normal(0, 0.3 * chroma.std(), chroma.shape), 0).astype(np.float32)
    return level, chroma, bass


def local_tempo(beats: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Tempo in BPM at times ``at``, over four intervals around; 0 where no beat is near."""
    if beats.size < 3:
        return np.zeros(at.size)
    i = np.searchsorted(beats, at)
    low, high = np.clip(i - 2, 0, beats.size - 1), np.clip(i + 2, 0, beats.size - 1)
    intervals = np.diff(beats)
    found = np.zeros(at.size)
    for k, (a, b) in enumerate(zip(low, high, strict=True)):
        if b > a:
            found[k] = 60 / np.median(intervals[a:b])
    near = np.abs(beats[np.clip(np.stack([i - 1, i]), 0, beats.size - 1)] - at).min(axis=0)
    return np.where(near < 1.5, found, 0.0)


def _targets(truth: Truth, start: float, rate: float, inside: np.ndarray) -> tuple[np.ndarray, ...]:
    """Truth on the frames of an example that starts at frame ``start`` and plays ``rate`` times as fast."""
    frames = (truth.beats * RATE - start) / rate
    beats = np.zeros((FRAMES, 2), bool)
    at = np.round(frames).astype(np.int64)
    here = (at >= 0) & (at < FRAMES)
    beats[at[here], 0] = True
    beats[at[here & (truth.positions == 1)], 1] = True
    n = FRAMES // network.SPAN
    centres = (np.arange(n) + 0.5) * network.SPAN
    times = (start + rate * centres) / RATE
    pulse = np.zeros(n, np.float32)
    for a, b in truth.spans:
        pulse[(times >= a) & (times <= b)] = 1
    tempo = local_tempo(truth.beats, times) * rate
    away = np.log2(np.maximum(tempo, 1)[:, None] / network.TEMPI[None]) / np.log2(network.TEMPI[1] / network.TEMPI[0])
    near = np.exp(-0.5 * (away / 0.8) ** 2) * (pulse * (tempo > 0))[:, None]
    total = near.sum(axis=1, keepdims=True)
    return beats, inside, pulse, np.where(total > 0.3, near / np.maximum(total, 1e-6), 0).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description="compose, render and hear pieces; what is there already stays")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=int, default=0, help=f"first seed; from {FIRST_TEST_SEED} on: test split")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    jobs = [(seed, args.seconds, args.folder) for seed in range(args.first, args.first + args.count)]
    with multiprocessing.Pool(args.workers) as pool:
        for done, _ in enumerate(pool.imap_unordered(_render, jobs), 1):
            if done % 50 == 0:
                print(f"{done} of {len(jobs)}", flush=True)


def _render(job: tuple[int, float, Path]) -> str:
    try:
        return str(render(*job))
    except Exception as error:  # one piece that cannot be made must not end the night's work
        print(f"seed {job[0]}: {error!r}", flush=True)
        return ""


if __name__ == "__main__":
    main()
