"""Sounds without a beat: drones, speech, noise, crowds, random notes, silence."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from training.render import effects
from training.render.synths import PATCHES, Instrument
from training.score import Random, Sound

WORDS = """
the and of a to in is it was for that with on his be at by had not are but from or have an they which one were
all her she there would their we him been has when who will more no if out so said what up its about into than
them can only other time new some could these two may first then any my now such like over man me even most
made after also did many before must through years where much your way well down should because each just
those people how too little state good very make world still own see men work long here get both between life
being under never day same another know while last might us great old year off come since against go came
right used take three music river window mountain station yesterday perhaps
"""
VOICES = ("en", "en-us", "de", "fr", "es", "it", "nl", "pl", "en+f2", "en+f4", "en+m3", "en-us+f3", "de+f1", "fr+m5")


@cache
def speaker() -> str:
    """The speech program, or nothing."""
    return shutil.which("espeak-ng") or ""


def spoken(rng: Random, seconds: float, rate: int) -> np.ndarray:
    """A voice that reads nonsense, with pauses, by espeak-ng."""
    from scipy.io import wavfile
    from scipy.signal import resample_poly

    sentences, pool = [], WORDS.split()
    for _ in range(int(seconds / 1.5) + 2):
        words = [pool[int(i)] for i in rng.integers(0, len(pool), int(rng.integers(3, 16)))]
        sentences.append(" ".join(words) + str(rng.choice([".", ",", "?", "...", "!"])))
    with tempfile.TemporaryDirectory(prefix="training-") as folder:
        path = Path(folder) / "speech.wav"
        subprocess.run(
            [
                speaker(),
                "-v",
                str(rng.choice(VOICES)),
                "-s",
                str(int(rng.integers(110, 210))),
                "-p",
                str(int(rng.integers(20, 80))),
                "-g",
                str(int(rng.integers(0, 12))),
                "-w",
                str(path),
                " ".join(sentences),
            ],
            capture_output=True,
            timeout=120,
            check=True,
        )
        made, samples = wavfile.read(path)
    wave = samples.astype(np.float32) / 32768.0
    if made != rate:
        common = int(np.gcd(made, rate))
        wave = resample_poly(wave, rate // common, made // common).astype(np.float32)
    out = np.zeros(round(seconds * rate), dtype=np.float32)
    out[: len(wave)] = wave[: len(out)]
    return out


def babble(rng: Random, seconds: float, rate: int) -> np.ndarray:
    """A voice by formula: syllables of irregular lengths in breaths, pitch that falls through each."""
    from training.render.guitar import voiced

    notes: list[Sound] = []
    at, base = float(rng.uniform(0, 1)), float(rng.uniform(42, 62))
    while at < seconds:
        stop = at + float(rng.gamma(6, 0.4))
        while at < stop:
            length = float(np.clip(rng.lognormal(-1.85, 0.45), 0.05, 0.5))
            fall = 3.0 * (stop - at) / max(0.5, stop - at + 1) + rng.normal(0, 1.5)
            notes.append(Sound(at, length, round(base + fall), float(rng.uniform(0.3, 1.0))))
            at += length + float(rng.exponential(0.03))
        at += float(rng.gamma(2, 0.25))
    return voiced([n for n in notes if n.start < seconds - 0.1], seconds, rate, rng)


def speech(rng: Random, seconds: float, rate: int) -> np.ndarray:
    wave = spoken(rng, seconds, rate) if speaker() and rng.random() < 0.75 else babble(rng, seconds, rate)
    if rng.random() < 0.4:
        wave = effects.room(wave, rate, rng, float(rng.uniform(0.2, 1.5)), float(rng.uniform(0.1, 0.5)))
    if rng.random() < 0.3:
        wave = wave + float(rng.uniform(0.002, 0.05)) * noise(rng, seconds, rate)
    return wave


def noise(rng: Random, seconds: float, rate: int) -> np.ndarray:
    """White, pink, brown or banded noise whose loudness wanders (wind, sea, traffic, hiss)."""
    count = round(seconds * rate)
    spectrum = np.fft.rfft(rng.normal(0, 1, count))
    spectrum /= np.maximum(1.0, np.arange(len(spectrum))) ** float(rng.choice([0.0, 0.5, 1.0]))
    wave = np.fft.irfft(spectrum, count)
    wave /= np.abs(wave).max() + 1e-9
    if rng.random() < 0.6:
        knots = rng.uniform(0.15, 1.0, max(2, int(seconds / rng.uniform(0.7, 5.0))))
        wave *= np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(knots)), knots)
    if rng.random() < 0.4:
        wave = effects.band(wave.astype(np.float32), rate, float(rng.uniform(20, 800)), float(rng.uniform(1200, 9000)))
    return wave.astype(np.float32)


def crowd(rng: Random, seconds: float, rate: int) -> np.ndarray:
    """Many voices, applause and murmur."""
    total = np.zeros(round(seconds * rate), dtype=np.float32)
    voices = [babble(rng, seconds, rate) for _ in range(3)]
    for n in range(int(rng.integers(6, 24))):
        voice = voices[n % 3]
        total += float(rng.uniform(0.2, 1.0)) * np.roll(voice, int(rng.integers(len(voice))))[: len(total)]
    if rng.random() < 0.6:  # applause: thousands of claps
        claps = np.zeros_like(total)
        spots = rng.integers(0, len(total), int(seconds * rng.uniform(30, 400)))
        claps[spots] = rng.uniform(0.1, 1.0, len(spots))
        burst = rng.normal(0, 1, 200) * np.exp(-np.arange(200) / 50)
        total += np.convolve(claps, burst, mode="same").astype(np.float32) * float(rng.uniform(0.2, 1.0))
    return effects.room(total, rate, rng, 1.2, 0.5)


def drone(rng: Random, seconds: float, rate: int) -> np.ndarray:
    """Ambient music: pads that swell and fade at no pulse, now and then a bell or a gust."""
    from scipy.signal import resample_poly

    root = int(rng.integers(33, 50))
    scale = (0, 2, 3, 5, 7, 9, 10, 12, 14, 15, 19, 24)
    out = np.zeros(round(seconds * rate), dtype=np.float32)
    for _ in range(int(rng.integers(2, 5))):
        name = str(rng.choice(["warmpad", "supersawpad", "stringpad", "glasspad", "choir", "church"]))
        notes: list[Sound] = []
        at = float(rng.uniform(-4, 3))
        while at < seconds:
            length = float(rng.uniform(4, 12))
            for pitch in rng.choice(scale, int(rng.integers(1, 4)), replace=False):
                notes.append(
                    Sound(
                        max(0.0, at + float(rng.uniform(0, 2))),
                        length,
                        root + 12 + int(pitch),
                        float(rng.uniform(0.2, 0.8)),
                    )
                )
            at += length * float(rng.uniform(0.4, 1.3))
        layer = Instrument(PATCHES[name], rate // 2, rng)  # drones have little treble, and long notes take long
        layer.patch = replace(layer.patch, attack=float(rng.uniform(0.8, 4)), release=0.9)
        slow = layer.play([n for n in notes if n.start < seconds - 1], seconds)
        wave = np.zeros_like(out)
        doubled = resample_poly(slow, 2, 1)[: len(out)]
        wave[: len(doubled)] = doubled
        sway = 1 + float(rng.uniform(0, 0.5)) * np.sin(
            2 * np.pi * float(rng.uniform(0.03, 0.2)) * np.arange(len(wave)) / rate + rng.uniform(0, 6)
        )
        out += wave * sway.astype(np.float32)
    if rng.random() < 0.4:
        out += scattered(rng, seconds, rate, rate_per_second=float(rng.uniform(0.05, 0.35))) * 0.5
    if rng.random() < 0.5:
        out += float(rng.uniform(0.02, 0.15)) * noise(rng, seconds, rate)
    return effects.room(out, rate, rng, 3.0, 0.7, 0.05)


def scattered(rng: Random, seconds: float, rate: int, rate_per_second: float = 0.0) -> np.ndarray:
    """Notes at random times: nothing recurs."""
    density = rate_per_second or float(rng.uniform(0.3, 4.0))
    name = str(rng.choice(["bellpluck", "piano", "ep", "nylon", "flute", "glasspad"]))
    times = np.sort(rng.uniform(0, max(0.1, seconds - 1), max(1, rng.poisson(density * seconds))))
    scale = np.array([0, 2, 4, 7, 9, 12, 14, 16])
    notes = [
        Sound(float(t), float(rng.uniform(0.2, 2.5)), 55 + int(rng.choice(scale)), float(rng.uniform(0.2, 0.9)))
        for t in times
    ]
    return effects.room(Instrument(PATCHES[name], rate, rng).play(notes, seconds), rate, rng, 2.0, 0.5)


def field(rng: Random, seconds: float, rate: int) -> np.ndarray:
    """Out of doors: rain, birds, thunder, a stream."""
    count = round(seconds * rate)
    out = float(rng.uniform(0.02, 0.3)) * noise(rng, seconds, rate)
    if rng.random() < 0.5:  # rain
        drops = np.zeros(count, dtype=np.float32)
        spots = rng.integers(0, count, int(seconds * rng.uniform(20, 600)))
        drops[spots] = rng.exponential(0.3, len(spots))
        out += effects.band(drops, rate, float(rng.uniform(300, 2000)), float(rng.uniform(3000, 9000))) * 2
    for _ in range(rng.poisson(seconds * float(rng.uniform(0.0, 1.2)))):  # birds
        at, size = int(rng.integers(count)), int(rng.uniform(0.04, 0.4) * rate)
        t = np.arange(size) / rate
        base, sweep = float(rng.uniform(1500, 6000)), float(rng.normal(0, 4000))
        trill = float(rng.uniform(0, 600)) * np.sin(2 * np.pi * float(rng.uniform(8, 40)) * t)
        song = np.sin(2 * np.pi * np.cumsum(np.clip(base + sweep * t + trill, 300, 9000)) / rate) * np.hanning(size)
        room = min(size, count - at)
        out[at : at + room] += float(rng.uniform(0.05, 0.5)) * song[:room]
    for _ in range(rng.poisson(seconds / 40)):  # thunder, or a lorry
        at, size = int(rng.integers(count)), int(rng.uniform(2, 7) * rate)
        rumble = effects.band(rng.normal(0, 1, size).astype(np.float32), rate, 20, 150) * np.hanning(size)
        room = min(size, count - at)
        out[at : at + room] += float(rng.uniform(0.5, 3.0)) * rumble[:room]
    return out.astype(np.float32)


def silence(rng: Random, seconds: float, rate: int) -> np.ndarray:
    """Nothing, or the hiss of a quiet room."""
    wave = np.zeros(round(seconds * rate), dtype=np.float32)
    if rng.random() < 0.6:
        wave += float(10 ** rng.uniform(-5, -3)) * rng.normal(0, 1, len(wave)).astype(np.float32)
    return wave


KINDS = {
    "ambient": drone,
    "speech": speech,
    "noise": noise,
    "crowd": crowd,
    "field": field,
    "scattered": scattered,
    "silence": silence,
}
WEIGHTS = {
    "ambient": 0.38,
    "speech": 0.32,
    "noise": 0.06,
    "crowd": 0.07,
    "field": 0.06,
    "scattered": 0.07,
    "silence": 0.04,
}


def negative(rng: Random, kind: str, seconds: float, rate: int) -> np.ndarray:
    """A sound of a kind, at most 0.9 loud."""
    wave = KINDS[kind](rng, seconds, rate)
    top = float(np.abs(wave).max())
    return (wave * (0.9 / top) if kind != "silence" and top > 0 else wave).astype(np.float32)
