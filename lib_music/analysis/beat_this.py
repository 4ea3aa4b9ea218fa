"""The optional ear: the program beat_this (Foscarin, Schlüter and Widmer 2024), where the person has installed it.

Conventions: torch and the program are imported only when they are asked to hear. Its weights are its own: it fetches
them once into torch's cache, or takes the file that ``MUSIC_VISUALIZER_BEAT_THIS`` names. It hears 50 frames a second;
a beat is placed between two of them by a parabola. The song is heard in windows, so that hours of it need no more
memory than minutes, on the GPU where there is one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from lib_music.analysis.types import Beats, Floats, Ints, Times
from lib_music.audio import Audio
from lib_music.errors import EarError

#: Names a checkpoint to take in place of the one that the program fetches.
WEIGHTS = "MUSIC_VISUALIZER_BEAT_THIS"
NAME = "final0"
RATE, FPS = 22_050, 50
HOP = RATE // FPS
#: Frames of a window, and of what it hears before and after without a say.
WINDOW, CONTEXT = 300 * FPS, 15 * FPS
#: A song whose peak is lower is made louder: the program was trained on records.
QUIET, LOUD = 0.25, 0.9
_FIX = "or hear with our own ear"


def installed() -> bool:
    """Whether the program is there; nothing is imported."""
    with contextlib.suppress(ImportError, ValueError):
        return find_spec("beat_this") is not None and find_spec("torch") is not None
    return False


def hear_beats(audio: Audio, progress: Callable[[float], None] | None = None) -> Beats:
    """Beats and downbeats as beat_this hears them.

    Raises
    ------
    EarError
        The program, one of its parts or its weights are not to be had; our own ear still is.
    """
    program = _program()
    device = "cuda" if program.torch.cuda.is_available() else "cpu"
    try:
        beat, downbeat = _activations(audio, _tracker(program, device), progress)
    except RuntimeError:
        if device == "cpu":
            raise
        # The GPU is full, or too old for this torch: a WebUI's pictures have the first right to it.
        beat, downbeat = _activations(audio, _tracker(program, "cpu"), progress)
    found, bars = program.postprocessor()(program.torch.from_numpy(beat), program.torch.from_numpy(downbeat))
    return _beats(np.asarray(found, np.float64), np.asarray(bars, np.float64), beat, downbeat, audio.duration)


class _Program:
    """The parts of beat_this that are called, and torch."""

    def __init__(self) -> None:
        import torch
        from beat_this.inference import Audio2Frames
        from beat_this.model.postprocessor import Postprocessor

        self.torch: Any = torch
        self.frames: Any = Audio2Frames
        self.postprocessor: Any = Postprocessor


def _program() -> _Program:
    if not installed():
        raise EarError("beat_this is not installed", f"pip install beat_this, in this program's Python, {_FIX}")
    try:
        return _Program()
    except (ImportError, OSError, RuntimeError) as error:
        # Most often torchaudio is built for another torch, as where pip took the newest beside a host's own torch.
        fix = f"pip install beat_this once more, and the torchaudio that belongs to this torch, {_FIX}"
        raise EarError(f"beat_this cannot be used: {error}", fix) from error


def _tracker(program: _Program, device: str) -> Any:
    """The program with its weights loaded."""
    chosen = os.environ.get(WEIGHTS, "").strip()
    if chosen and not Path(chosen).is_file():
        raise EarError(f"{WEIGHTS} names no file: {chosen}", f"give a checkpoint of beat_this, {_FIX}")
    try:
        return program.frames(chosen or NAME, device)
    except MemoryError:
        raise
    except Exception as error:  # what a foreign file or a foreign server makes of it: pickle, key, size, network
        if chosen:
            raise EarError(f"{chosen} is no checkpoint of beat_this: {error}", f"give another one, {_FIX}") from error
        fix = f"try again with a network, or name a file of them by {WEIGHTS}, {_FIX}"
        raise EarError("the weights of beat_this could not be fetched", fix) from error


def _activations(audio: Audio, tracker: Any, progress: Callable[[float], None] | None) -> tuple[Floats, Floats]:
    """The program's two outputs before its threshold [each shape=(n,)], 50 frames a second."""
    parts: list[tuple[Floats, Floats]] = []
    total = max(1, round(audio.duration * FPS))
    done, peak = 0, _peak(audio)
    gain = LOUD / peak if 0 < peak < QUIET else 1.0
    for samples, first, last in _windows(audio):
        outputs = tracker(samples * gain, RATE)
        parts.append(tuple(output.float().cpu().numpy()[first:last] for output in outputs))
        done += last - first
        if progress is not None:
            progress(min(1.0, done / total))
    beat, downbeat = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    return beat, downbeat


def _peak(audio: Audio) -> float:
    return max((float(np.abs(block).max()) for block in audio.blocks(RATE) if block.size), default=0.0)


def _windows(audio: Audio) -> Iterator[tuple[Floats, int, int]]:
    """Stretches of sound, each with the frames of it that count: together every frame once."""
    held = np.empty(0, np.float32)
    first = 0
    for block in audio.blocks(RATE):
        held = np.concatenate([held, block])
        while held.size >= (first + WINDOW + CONTEXT) * HOP:
            yield held[: (first + WINDOW + CONTEXT) * HOP], first, first + WINDOW
            held = held[(first + WINDOW - CONTEXT) * HOP :]
            first = CONTEXT
    frames = held.size // HOP + 1
    if frames > first:
        # The program needs a few frames, and a transform more than its window.
        short = max(0, 2 * RATE - held.size)
        yield np.pad(held, (0, short)), first, frames


def _beats(found: Times, bars: Times, beat: Floats, downbeat: Floats, duration: float) -> Beats:
    """The program's times as Beats; positions count on from each downbeat, and back before the first."""
    frames = np.rint(found * FPS).astype(np.int64)
    frames = frames[(frames >= 0) & (frames < beat.size)]
    times = np.clip((frames + _between(beat, frames)) / FPS, 0.0, duration)
    keep = np.concatenate([[True], np.diff(times) > 1e-3])[: times.size]
    times, frames = times[keep], frames[keep]
    firsts = np.flatnonzero(np.isin(frames, np.rint(bars * FPS).astype(np.int64)))
    confidence = _share(beat[frames])
    sure = _share(downbeat[frames])
    bar = int(np.bincount(np.diff(firsts)).argmax()) if firsts.size > 1 else 0
    positions = _positions(times.size, firsts, bar)
    tempo = float(60 / np.median(np.diff(times))) if times.size > 1 else 0.0
    return Beats(
        times, positions, confidence, tempo, (), bar, float(sure[firsts].mean()) if firsts.size else 0.0,
        np.where(positions == 1, sure, np.where(positions > 1, 1 - sure, 0.0)).astype(np.float32),
    )  # fmt: skip


def _between(curve: Floats, frames: Ints) -> Times:
    """Where in [-0.5, 0.5] frames the peak at each frame is (a parabola through three)."""
    left, mid, right = (_share(curve[np.clip(frames + k, 0, curve.size - 1)]).astype(np.float64) for k in (-1, 0, 1))
    bend = left - 2 * mid + right
    shift = np.where(bend < -1e-9, 0.5 * (left - right) / np.where(bend < -1e-9, bend, -1.0), 0.0)
    return np.asarray(np.clip(shift, -0.5, 0.5), np.float64)


def _share(logits: Floats) -> Floats:
    """Logits as probabilities."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), np.float32)


def _positions(n: int, firsts: Ints, bar: int) -> Ints:
    if not firsts.size:
        return np.zeros(n, np.int64)
    index = np.arange(n)
    before = np.searchsorted(firsts, index, side="right") - 1
    positions = index - firsts[np.maximum(before, 0)] + 1
    upbeat = before < 0
    positions[upbeat] = (positions[upbeat] - 1) % bar + 1 if bar else 0
    return np.asarray(positions, np.int64)
