"""The instruments of the demo song: every sound is computed, none is sampled.

Conventions: a voice returns float32 stereo [shape=(n, 2)] that starts at its first sample and ends in
silence, peak about 1; ``sr`` is Hz, ``pitch`` a MIDI note number (for drums: which of several takes),
``length`` seconds the note is held, ``colour`` the low-pass corner in Hz (ignored by drums). Noise is
drawn from a generator seeded by the voice and the take, so a voice is a pure function of its arguments.

Saws are read from band-limited wavetables (harmonics stop below Nyquist, so nothing aliases; the filter is
drawn into the spectrum of the table).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Stereo = npt.NDArray[np.float32]
Curve = npt.NDArray[np.float64]
Voice = Callable[[int, int, float, float], Stereo]

_TABLE = 4096


def hertz(pitch: float) -> float:
    """Frequency of a MIDI note in equal temperament, A4 = 69 = 440 Hz."""
    return float(440.0 * 2.0 ** ((pitch - 69) / 12))


@lru_cache(maxsize=512)
def _saw_table(sr: int, frequency: float, corner: float) -> npt.NDArray[np.float32]:
    """One period of a saw through a two-pole low-pass at ``corner`` Hz, without a partial above 0.45 sr."""
    harmonics = np.arange(1, max(2, min(_TABLE // 2, int(0.45 * sr / frequency) + 1)))
    spectrum = np.zeros(_TABLE // 2 + 1, np.complex128)
    spectrum[harmonics] = -1j / harmonics / (1 + (harmonics * frequency / corner) ** 2)
    period = np.fft.irfft(spectrum)
    return np.asarray(period / np.abs(period).max(), np.float32)


def _saw(sr: int, pitch: float, corner: float, n: int, phase: float) -> npt.NDArray[np.float32]:
    """``n`` samples of a filtered saw [shape=(n,)]."""
    frequency = hertz(pitch)
    position = (phase + frequency / sr * np.arange(n)) * _TABLE
    table = _saw_table(sr, round(frequency, 1), corner)
    return np.asarray(table[position.astype(np.int64) & (_TABLE - 1)])


def _clock(sr: int, seconds: float) -> Curve:
    """Times of the samples of ``seconds`` [shape=(n,)], at least two."""
    return np.arange(max(2, round(sr * seconds))) / sr


def _gate(t: Curve, attack: float, length: float, release: float) -> Curve:
    """Rise over ``attack``, hold to ``length``, fall over ``release``: [shape=(n,)] in [0, 1], in seconds."""
    return np.asarray(np.clip(t / attack, 0, 1) * np.clip((length + release - t) / release, 0, 1))


def _noise(take: int, n: int, name: str) -> npt.NDArray[np.float32]:
    """White stereo noise in [-1, 1] [shape=(n, 2)], the same for the same take and name."""
    seed = [take, *name.encode()]
    return np.random.default_rng(seed).uniform(-1, 1, (n, 2)).astype(np.float32)


def _band(noise: npt.NDArray[np.float32], sr: int, corner: Any, kind: str) -> npt.NDArray[np.float64]:
    """Second-order Butterworth over time; corners are kept below Nyquist."""
    from scipy.signal import butter, sosfilt

    corner = np.minimum(corner, 0.45 * sr)
    return np.asarray(sosfilt(butter(2, corner, kind, fs=sr, output="sos"), noise, axis=0))


def _finish(sound: npt.NDArray[Any], sr: int) -> Stereo:
    """Peak to 1 and the last 4 ms faded, as float32 stereo."""
    if sound.ndim == 1:
        sound = np.repeat(sound[:, None], 2, axis=1)
    fade = min(len(sound), round(0.004 * sr))
    sound[-fade:] *= np.linspace(1, 0, fade)[:, None]
    return np.asarray(sound / np.abs(sound).max(), np.float32)


def kick(sr: int, pitch: int, length: float, colour: float) -> Stereo:
    """A sine falling from about 230 to 47 Hz within 60 ms, with a click of 2 ms, gently driven."""
    t = _clock(sr, 0.32)
    phase = 47 * t + 185 * 0.022 * (1 - np.exp(-t / 0.022))
    body = np.sin(2 * np.pi * phase) * np.exp(-t / 0.13)
    click = _noise(pitch, len(t), "kick")[:, 0] * np.exp(-t / 0.0015)
    return _finish(np.tanh(1.8 * (body + 0.45 * click)), sr)


def snare(sr: int, pitch: int, length: float, colour: float) -> Stereo:
    """Two drum-head tones under a rattle of filtered noise, 0.28 s."""
    t = _clock(sr, 0.28)
    head = np.sin(2 * np.pi * (188 * t + 1.2 * (1 - np.exp(-t / 0.01)))) + 0.5 * np.sin(2 * np.pi * 331 * t)
    rattle = _band(_noise(pitch, len(t), "snare"), sr, [900.0, 9500.0], "bandpass")
    sound = 0.8 * (head * np.exp(-t / 0.06))[:, None] + 1.5 * rattle * np.exp(-t / 0.075)[:, None]
    return _finish(np.tanh(1.6 * sound), sr)


def clap(sr: int, pitch: int, length: float, colour: float) -> Stereo:
    """Three hands within 22 ms and the room after them."""
    t = _clock(sr, 0.3)
    hands = sum(np.exp(-np.clip(t - late, 0, None) / 0.006) * (t >= late) for late in (0.0, 0.011, 0.022))
    room = 0.55 * np.exp(-np.clip(t - 0.022, 0, None) / 0.08) * (t >= 0.022)
    noise = _band(_noise(pitch, len(t), "clap"), sr, [800.0, 5200.0], "bandpass")
    return _finish(noise * (hands + room)[:, None], sr)


def hat(sr: int, pitch: int, length: float, colour: float) -> Stereo:
    """High-passed noise and a metallic cluster; ``length`` is the decay, so an open hat is a long one."""
    t = _clock(sr, min(0.6, 6 * length))
    partials = np.array([5123.0, 6341.0, 7789.0, 8933.0])
    metal = np.sign(np.sin(2 * np.pi * np.outer(t, partials))).sum(axis=1)
    raw = (_noise(pitch, len(t), "hat") + 0.12 * metal[:, None]).astype(np.float32)
    return _finish(_band(raw, sr, 7000.0, "highpass") * np.exp(-t / length)[:, None], sr)


def crash(sr: int, pitch: int, length: float, colour: float) -> Stereo:
    """A wide cymbal of about 2 s, bright at first."""
    t = _clock(sr, 2.0)
    noise = _noise(pitch, len(t), "crash")
    bright, body = _band(noise, sr, 6000.0, "highpass"), _band(noise, sr, [2200.0, 7000.0], "bandpass")
    sound = bright * np.exp(-t / 0.3)[:, None] + 0.7 * body * np.exp(-t / 0.55)[:, None]
    return _finish(sound * np.clip((2.0 - t) / 0.4, 0, 1)[:, None], sr)


def boom(sr: int, pitch: int, length: float, colour: float) -> Stereo:
    """A sub that falls from 90 to 34 Hz over a second: the weight on a drop's first beat."""
    t = _clock(sr, 1.1)
    phase = 34 * t + 56 * 0.16 * (1 - np.exp(-t / 0.16))
    return _finish(np.tanh(1.4 * np.sin(2 * np.pi * phase) * np.exp(-t / 0.42)), sr)


def riser(sr: int, pitch: int, length: float, colour: float) -> Stereo:
    """Noise whose band climbs from 400 Hz to 9 kHz while a tone slides up, swelling over ``length`` s."""
    t = _clock(sr, length)
    u = t / t[-1]
    noise = _noise(0, len(t), "riser")
    corners = np.geomspace(500.0, 8000.0, 4)
    bands = [_band(noise, sr, [c / 1.6, min(c * 1.6, 0.44 * sr)], "bandpass") for c in corners]
    weights = [np.clip(1 - np.abs(u * 3 - k), 0, 1)[:, None] for k in range(4)]
    sweep = sum(w * b for w, b in zip(weights, bands, strict=True))
    start = hertz(pitch)
    slide = np.sin(2 * np.pi * start * np.cumsum(2.0 ** (2 * u)) / sr)
    swell = (u**2.2 * np.clip((length - t) / 0.01, 0, 1))[:, None]
    return _finish((sweep + 0.10 * slide[:, None]) * swell, sr)


def bass(sr: int, pitch: int, length: float, colour: float) -> Stereo:
    """A filtered saw pair over a sine, driven; in the middle of the picture."""
    t = _clock(sr, length + 0.03)
    n = len(t)
    saws = _saw(sr, pitch + 0.06, colour, n, 0.0) + _saw(sr, pitch - 0.06, colour, n, 0.5)
    bright = _saw(sr, pitch, 3 * colour, n, 0.25) * np.exp(-t / 0.05)
    sub = np.sin(2 * np.pi * hertz(pitch) * t)
    sound = np.tanh(1.3 * (0.45 * saws + 0.35 * bright + 0.8 * sub))
    return _finish(sound * _gate(t, 0.004, length, 0.03) * (0.65 + 0.35 * np.exp(-t / 0.15)), sr)


def pad(sr: int, pitch: int, length: float, colour: float) -> Stereo:
    """Three detuned saws a side, slow in and slow out."""
    t = _clock(sr, length + 0.18)
    n = len(t)
    sides = []
    for phases in ((0.0, 0.37, 0.71), (0.19, 0.53, 0.88)):
        detune = (-0.11, 0.015, 0.09) if phases[0] == 0.0 else (-0.085, -0.02, 0.12)
        sides.append(sum(_saw(sr, pitch + d, colour, n, p) for d, p in zip(detune, phases, strict=True)))
    return _finish(np.stack(sides, axis=1) * _gate(t, 0.02, length, 0.18)[:, None], sr)


def stab(sr: int, pitch: int, length: float, colour: float) -> Stereo:
    """The pad's saws struck short: it opens at once and closes within ``length``."""
    t = _clock(sr, length + 0.05)
    n = len(t)
    close = np.exp(-t / (0.5 * length + 0.02))
    sides = [_saw(sr, pitch + d, colour, n, p) * close + _saw(sr, pitch - d, colour / 4, n, p) * (1 - close)
             for d, p in ((0.09, 0.1), (-0.1, 0.6))]
    envelope = _gate(t, 0.003, length, 0.05) * (0.3 + 0.7 * close)
    return _finish(np.stack(sides, axis=1) * envelope[:, None], sr)


def lead(sr: int, pitch: int, length: float, colour: float) -> Stereo:
    """Two saws and a hollow octave, opening with the note and singing (vibrato) when it is long."""
    t = _clock(sr, length + 0.08)
    bend = 0.16 * np.clip((t - 0.18) / 0.2, 0, 1) * np.sin(2 * np.pi * 5.6 * t)
    frequency = hertz(pitch)
    phase = np.cumsum(frequency * 2.0 ** (bend / 12)) / sr * _TABLE
    bright, dark = (_saw_table(sr, round(frequency, 1), c) for c in (colour, colour / 3))
    opening = np.exp(-t / 0.22)

    def string(detune: float, start: float) -> npt.NDArray[Any]:
        index = (phase * 2.0 ** (detune / 12) + start * _TABLE).astype(np.int64) & (_TABLE - 1)
        return np.asarray(bright[index] * opening + dark[index] * (1 - opening))

    hollow = string(-12.0, 0.0) - string(-12.0, 0.5)
    sides = [string(d, p) + 0.22 * hollow for d, p in ((0.07, 0.0), (-0.07, 0.4))]
    envelope = _gate(t, 0.006, length, 0.08) * (0.6 + 0.4 * opening)
    return _finish(np.stack(sides, axis=1) * envelope[:, None], sr)


def pluck(sr: int, pitch: int, length: float, colour: float) -> Stereo:
    """A bright string that darkens at once: arpeggios."""
    t = _clock(sr, 0.42)
    n = len(t)
    snap = np.exp(-t / 0.035)
    mono = _saw(sr, pitch, colour, n, 0.0) * snap + _saw(sr, pitch, colour / 6, n, 0.0) * (1 - snap)
    return _finish(mono * np.clip(t / 0.002, 0, 1) * np.exp(-t / 0.13), sr)


VOICES: dict[str, Voice] = {
    "kick": kick, "snare": snare, "clap": clap, "hat": hat, "crash": crash, "boom": boom, "riser": riser,
    "bass": bass, "pad": pad, "stab": stab, "lead": lead, "pluck": pluck,
}
