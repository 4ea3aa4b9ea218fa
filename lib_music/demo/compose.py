"""A short song composed, played and mixed in code, with its truth: beats, bars and sections.

Conventions: times are seconds from the first sample; samples are float32 stereo [shape=(n, 2)] in [-1, 1].
The same arguments give the same samples. Beats run on a fixed grid through breaks and silences; the last
beat is the chord after the last bar.

Examples
--------
>>> song = compose(seed=7, bpm=100, plan=[("verse", 4), ("chorus", 4)])
>>> song.sections[1].name, len(song.downbeats)
('chorus', 9)
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lib_music.analysis.types import Times, frozen
from lib_music.credentials import clean_environment
from lib_music.demo.score import DEFAULT_PLAN, LEAD_IN, Score, write_score
from lib_music.demo.synth import VOICES, Stereo
from lib_music.errors import AudioError, FfmpegError, RangeError
from lib_music.ffmpeg import explain, ffmpeg_exe, file_url, pydub_segment
from lib_music.files import written_aside

PEAK = 10 ** (-1 / 20)
ARTIST = "Music Visualizer"

_STEMS = {"kick": "drums", "snare": "drums", "clap": "drums", "hat": "drums", "crash": "effects",
          "boom": "effects", "riser": "effects", "bass": "bass", "pad": "pad", "stab": "pad", "lead": "lead",
          "pluck": "lead"}
# How much of each stem goes to the room, and how far the kick pushes it down.
_ROOM = {"drums": 0.05, "effects": 0.25, "bass": 0.0, "pad": 0.22, "lead": 0.3}
_DUCK = {"drums": 0.0, "effects": 0.3, "bass": 0.75, "pad": 0.6, "lead": 0.25}
# Headroom of the stems: five of them may add up before the master's soft clip.
_HEADROOM = 0.25
# Into the soft clip: only the kicks of the loud sections reach its bend.
_DRIVE = 0.8

_CODECS: dict[str, list[str]] = {
    ".wav": ["-c:a", "pcm_s16le"],
    ".flac": ["-c:a", "flac", "-sample_fmt", "s16"],
    ".ogg": ["-c:a", "libvorbis", "-q:a", "6"],
    ".mp3": ["-c:a", "libmp3lame", "-b:a", "192k"],
    ".m4a": ["-c:a", "aac", "-b:a", "192k"],
    ".opus": ["-c:a", "libopus", "-b:a", "128k"],
}

_FIRST = ("Neon", "Paper", "Glass", "Velvet", "Northern", "Electric", "Silver", "Midnight", "Amber")
_SECOND = ("Harbour", "Skyline", "Gardens", "Signals", "Mountains", "Tide", "Avenue", "Lanterns", "Summer")


@dataclass(frozen=True)
class DemoSection:
    """One section as composed: ``start`` and ``end`` in s, and its name ("chorus")."""

    start: float
    end: float
    name: str


@dataclass(frozen=True, eq=False)
class Composition:
    """A song and the truth about it.

    Attributes
    ----------
    samples : [shape=(n, 2)] float32 in [-1, 1]
    sr : int
        Hz.
    bpm : float
    beats_per_bar : int
    beats, downbeats : [shape=(m,)] float64 s
        Each downbeat is one of the beats.
    sections : tuple of DemoSection
        Contiguous, from 0 to the end of the samples.
    key, mode : str
        ``"C"`` ... ``"B"``; ``"minor"`` or ``"major"``.
    title, artist : str
    """

    samples: Stereo
    sr: int
    bpm: float
    beats_per_bar: int
    beats: Times
    downbeats: Times
    sections: tuple[DemoSection, ...]
    key: str
    mode: str
    title: str
    artist: str = ARTIST

    def __post_init__(self) -> None:
        for name, dtype in (("samples", np.float32), ("beats", np.float64), ("downbeats", np.float64)):
            object.__setattr__(self, name, frozen(getattr(self, name), dtype))
        if self.samples.ndim != 2 or self.samples.shape[1] != 2 or np.abs(self.samples).max(initial=0) > 1:
            raise ValueError(f"Composition.samples must be (n, 2) in [-1, 1], got {self.samples.shape}")
        if not np.isin(self.downbeats, self.beats).all():
            raise ValueError("Composition.downbeats must be beats")

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.samples) / self.sr


def compose(seed: int = 0, *, bpm: float = 126.0, plan: Sequence[tuple[str, int]] = DEFAULT_PLAN,
            sr: int = 44100, beats_per_bar: int = 4) -> Composition:
    """Compose a song.

    Parameters
    ----------
    seed : int
        Key, chords, patterns, melody and title; the arrangement follows the plan.
    bpm : float
        Beats a minute, 40 to 240.
    plan : sequence of (section name, bars)
        Names are those of :data:`lib_music.demo.score.STYLES`; each section lasts 4 s or more.
    sr : int
        Hz, 16000 to 96000.
    beats_per_bar : int
        2 to 7.

    Raises
    ------
    RangeError
        When an argument lies outside its range or the plan cannot be played.
    """
    if not 16000 <= sr <= 96000:
        raise RangeError(f"sample rate {sr!r} Hz is outside 16000 to 96000", "give 44100")
    score = write_score(seed, plan, bpm, beats_per_bar)
    samples = _master(_stems(score, sr), sr)
    bars = sum(n for _, n in score.plan)
    beats = np.array([score.at(0, k) for k in range(bars * beats_per_bar + 1)])
    rng = np.random.default_rng([seed, 1])
    title = f"{_FIRST[rng.integers(len(_FIRST))]} {_SECOND[rng.integers(len(_SECOND))]}"
    return Composition(samples, sr, bpm, beats_per_bar, beats, beats[::beats_per_bar],
                       _sections(score, len(samples) / sr), score.key, score.mode, title)


def _sections(score: Score, duration: float) -> tuple[DemoSection, ...]:
    """The plan in seconds: borders on downbeats; lead-in and tail belong to the first and the last."""
    firsts = np.cumsum([0] + [bars for _, bars in score.plan])
    borders = [0.0, *(score.at(int(bar)) for bar in firsts[1:-1]), duration]
    names = (name for name, _ in score.plan)
    return tuple(DemoSection(a, b, name) for a, b, name in zip(borders[:-1], borders[1:], names, strict=True))


def _stems(score: Score, sr: int) -> dict[str, npt.NDArray[np.float32]]:
    """Play every note into its group's track [shape=(n, 2)]; then echoes, ducking, silences and the room."""
    n = round(score.duration * sr)
    stems = {name: np.zeros((n, 2), np.float32) for name in _ROOM}
    # A voice is a pure function, and a song repeats itself: each sound is computed once.
    voices = {name: lru_cache(maxsize=None)(voice) for name, voice in VOICES.items()}
    for note in score.notes:
        sound = voices[note.voice](sr, note.pitch, round(note.length, 4), note.colour)
        start = round(note.time * sr)
        angle = (note.pan + 1) * np.pi / 4
        gains = (note.gain * np.sqrt(2) * np.array([np.cos(angle), np.sin(angle)])).astype(np.float32)
        track = stems[_STEMS[note.voice]][start : start + len(sound)]
        track += sound[: len(track)] * gains
    kicks = [note.time for note in score.notes if note.voice == "kick"]
    duck, cut = _duck(kicks, n, sr, 60.0 / score.bpm), _cut(score.silences, n, sr)
    stems["lead"] = _echo(stems["lead"], round(45.0 / score.bpm * sr))
    for name, track in stems.items():
        track *= ((1 - _DUCK[name] * duck) * cut)[:, None]
    room = _room(sum(_ROOM[name] * track for name, track in stems.items()), sr)
    return {**stems, "room": room}


def _duck(kicks: Sequence[float], n: int, sr: int, beat: float) -> npt.NDArray[np.float32]:
    """How far the kick pushes, 0 to 1 [shape=(n,)]: down in 4 ms, back within a good half of a beat."""
    t = np.arange(round(0.9 * beat * sr)) / sr
    shape = np.clip(t / 0.004, 0, 1) * np.clip(1 - t / (0.65 * beat), 0, 1) ** 1.5
    curve = np.zeros(n, np.float32)
    for start in (round(kick * sr) for kick in kicks):
        part = curve[start : start + len(shape)]
        np.maximum(part, shape[: len(part)], out=part)
    return curve


def _cut(silences: Sequence[tuple[float, float]], n: int, sr: int) -> npt.NDArray[np.float32]:
    """Gain [shape=(n,)] that is 0 during the silences, closing over 12 ms and opening within 1 ms."""
    gain = np.ones(n, np.float32)
    close, opening = round(0.012 * sr), round(0.001 * sr)
    for start, end in silences:
        a, b = round(start * sr), round(end * sr)
        gain[a:b] = 0
        gain[a : a + close] = np.linspace(1, 0, close)
        gain[b - opening : b] = np.linspace(0, 1, opening)
    return gain


def _echo(track: npt.NDArray[np.float32], delay: int) -> npt.NDArray[np.float32]:
    """Add three echoes, each fainter and on the other side."""
    out = track.copy()
    for k, gain in enumerate((0.34, 0.2, 0.1), start=1):
        sides = (0, 1) if k % 2 else (1, 0)
        if k * delay < len(track):
            mono = track[: -k * delay].mean(axis=1)
            out[k * delay :, sides[0]] += gain * mono
            out[k * delay :, sides[1]] += 0.25 * gain * mono
    return np.asarray(out)


def _room(send: Any, sr: int) -> npt.NDArray[np.float32]:
    """A hall of 1.1 s: the send through decaying stereo noise that starts 15 ms late."""
    from scipy.signal import butter, oaconvolve, sosfilt

    t = np.arange(round(1.1 * sr)) / sr
    noise = np.random.default_rng(1).standard_normal((len(t), 2))
    noise *= (np.exp(-t / 0.26) * (t > 0.015) * np.clip((1.1 - t) / 0.2, 0, 1))[:, None]
    impulse = sosfilt(butter(1, [250.0, 6000.0], "bandpass", fs=sr, output="sos"), noise, axis=0)
    impulse = (impulse / np.sqrt((impulse**2).sum(axis=0))).astype(np.float32)
    wet = oaconvolve(send, impulse, axes=0)[: len(send)]
    return np.asarray(wet, np.float32)


def _segment(track: npt.NDArray[np.float32], sr: int) -> Any:
    """A pydub segment of a track, 32 bits wide, with headroom."""
    data = np.round(np.clip(track * _HEADROOM, -1, 1) * (2**31 - 256)).astype("<i4")
    return pydub_segment()(data=data.tobytes(), sample_width=4, frame_rate=sr, channels=2)


def _master(stems: dict[str, npt.NDArray[np.float32]], sr: int) -> Stereo:
    """Mix the stems, fade the ends, clip softly and bring the peak to -1 dBFS."""
    first, *others = (_segment(track, sr) for track in stems.values())
    for other in others:
        first = first.overlay(other)
    mix = first.fade_in(round(500 * LEAD_IN)).fade_out(400)
    samples = np.frombuffer(mix.raw_data, "<i4").reshape(-1, 2).astype(np.float32) / (2**31 * _HEADROOM)
    samples = np.tanh(_DRIVE * samples)
    return np.asarray(samples * (PEAK / np.abs(samples).max()), np.float32)


def write(composition: Composition, path: Path | str) -> Path:
    """Write the song as wav, flac, ogg, mp3, m4a or opus (by suffix), tagged; written aside, then renamed.

    Raises
    ------
    AudioError
        For another suffix.
    ProjectError
        When the disk refuses.
    FfmpegError
        When ffmpeg fails.
    """
    path = Path(path)
    codec = _CODECS.get(path.suffix.lower())
    if codec is None:
        raise AudioError(f"cannot write {path.name!r}", f"choose one of {', '.join(_CODECS)}")
    sound = composition.samples.astype("<f4").tobytes()
    with written_aside(path) as aside:
        # bitexact: no version or random serial in the file, so the same song is the same bytes.
        argv = [ffmpeg_exe(), "-v", "error", "-nostdin", "-y", "-f", "f32le", "-ar", str(composition.sr),
                "-ac", "2", "-i", "pipe:0", *codec, "-fflags", "+bitexact", "-flags:a", "+bitexact",
                "-metadata", f"title={composition.title}", "-metadata", f"artist={composition.artist}",
                file_url(aside)]
        done = subprocess.run(argv, input=sound, capture_output=True, check=False, env=clean_environment())
        if done.returncode:
            why = explain(done.stderr.decode("utf-8", "replace").splitlines())
            raise FfmpegError(f"ffmpeg could not write {path.name}: {why}")
    return path
