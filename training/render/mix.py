"""Renders a score: every track by the soundfont or by our synths, then the mix and the master."""

from __future__ import annotations

import numpy as np

from training.render import effects, guitar, kits, midi
from training.render.synths import PATCHES, Instrument
from training.score import Random, Score, Sound, Track, sounds
from training.styles import Style

LEVEL = {
    "drums": 0.0,
    "bass": -4.0,
    "comp": -7.0,
    "pad": -11.0,
    "lead": -5.0,
    "guitar": -5.0,
    "voice": -4.0,
    "perc": -4.0,
}


def _gain(decibels: float) -> float:
    return float(10 ** (decibels / 20))


def own_sound(track: Track, notes: list[Sound], seconds: float, rate: int, rng: Random) -> np.ndarray:
    """A track by our own synths."""
    if track.role in ("drums", "perc"):
        wave = kits.Kit(track.patch, rate, rng).play(notes, seconds)
        if track.patch in ("acoustic", "rock", "metal", "jazz"):
            wave = effects.room(wave, rate, rng, rng.uniform(0.25, 1.1), rng.uniform(0.1, 0.7))
            if rng.random() < 0.6:
                wave = effects.compressed(wave, rate, 0.3, rng.uniform(2, 6), 0.008, 0.15)
        return wave
    if track.patch == "guitar" and track.role == "lead":
        return guitar.lead_guitar(notes, seconds, rate, rng)
    if track.patch in ("guitar", "mutedguitar"):
        return guitar.distorted(
            notes,
            seconds,
            rate,
            rng,
            muted=track.patch == "mutedguitar",
            gain=float(rng.uniform(6, 30)),
            takes=2 if track.role == "guitar" else 1,
        )
    if track.patch in ("voice", "scream"):
        return guitar.voiced(
            notes, seconds, rate, rng, scream=float(rng.uniform(0.5, 1.0)) if track.patch == "scream" else 0.0
        )
    wave = Instrument(PATCHES[track.patch], rate, rng).play(notes, seconds)
    if track.patch == "cleanguitar" and rng.random() < 0.5:
        wave = guitar.overdriven(wave, rate, rng, rng.uniform(1, 6))
    if track.patch in ("acidbass", "reese", "sawbass") and rng.random() < 0.5:
        wave = guitar.overdriven(wave, rate, rng, rng.uniform(1, 4)) + 0.5 * effects.band(wave, rate, 0, 150)
    return wave


def fluid_sound(
    tracks: list[tuple[Track, list[Sound]]], seconds: float, rate: int, rng: Random, soundfont: str
) -> np.ndarray:
    parts = []
    for track, notes in tracks:
        level = LEVEL[track.role] * 0.6 + 20 * np.log10(max(1e-3, track.gain))
        volume = int(np.clip(100 * 10 ** (level / 40), 20, 127))
        parts.append(
            midi.Part(
                track.program,
                notes,
                volume=volume,
                pan=int(rng.integers(30, 98)),
                drums=track.role in ("drums", "perc"),
            )
        )
    return midi.play(parts, seconds, soundfont=soundfont, rate=rate, reverb=float(rng.choice([0.0, 0.3, 0.6, 0.9])))


def render(score: Score, style: Style, rng: Random, rate: int, seconds: float) -> tuple[np.ndarray, dict[str, object]]:
    """The sound of `seconds` of the score and how it was made."""
    fonts = midi.soundfonts()
    own = not fonts or rng.random() < style.own
    mixed = 0.12 if own else 0.06
    soundfont = "" if not fonts else str(rng.choice(fonts, p=[0.6, 0.4] if len(fonts) == 2 else None))
    ready = [(t, sounds(t, score.timeline, rng)) for t in score.tracks]
    ready = [(t, [s for s in notes if s.start < seconds - 0.05]) for t, notes in ready]
    ready = [(t, notes) for t, notes in ready if notes]
    ours, theirs = [], []
    for track, notes in ready:
        by_us = own != (rng.random() < mixed)
        (ours if by_us or not fonts else theirs).append((track, notes))
    stems: list[tuple[str, np.ndarray]] = []
    if theirs:
        drums_apart = bool(ours) and rng.random() < 0.6
        groups = (
            [[p for p in theirs if p[0].role == "drums"], [p for p in theirs if p[0].role != "drums"]]
            if drums_apart
            else [theirs]
        )
        for group in groups:
            if group:
                role = "drums" if drums_apart and group[0][0].role == "drums" else "comp"
                wave = fluid_sound(group, seconds, rate, rng, soundfont)
                loud = effects.rms(wave) or 1.0
                stems.append(
                    (role, wave * (0.1 * _gain(LEVEL[role] + rng.normal(0, 2) + (5 if role == "comp" else 0)) / loud))
                )
    for track, notes in ours:
        wave = own_sound(track, notes, seconds, rate, rng)
        loud = effects.rms(wave)
        if loud > 1e-7:
            stems.append((track.role, wave * (0.1 * track.gain * _gain(LEVEL[track.role]) / loud)))
    wave = mixed_down(stems, ready, style, score, rng, rate)
    made = {"soundfont": soundfont if theirs else "", "own": len(ours), "soundfont_tracks": len(theirs)}
    return master(wave, rate, rng, style), made


def mixed_down(
    stems: list[tuple[str, np.ndarray]],
    ready: list[tuple[Track, list[Sound]]],
    style: Style,
    score: Score,
    rng: Random,
    rate: int,
) -> np.ndarray:
    if not stems:
        return np.zeros(1, dtype=np.float32)
    total = np.zeros_like(stems[0][1])
    kicks = np.array([s.start for t, notes in ready if t.role == "drums" for s in notes if s.pitch in (35, 36)])
    pump = rng.random() < style.sidechain and len(kicks)
    depth, release = float(rng.uniform(0.4, 0.95)), float(rng.uniform(0.08, 0.3))
    beat = float(np.median(score.timeline.durations))
    reverb = score.room
    for role, wave in stems:
        wave = coloured(wave, role, rate, rng)
        if role in ("lead", "comp") and style.form == "dance" and rng.random() < 0.35:
            wave = effects.echoes(wave, rate, beat * float(rng.choice([0.5, 0.75, 1.0])), float(rng.uniform(0.2, 0.5)))
        if pump and role != "drums":
            wave = effects.ducked(wave, rate, kicks, depth, release)
        total = total + wave
    if score.sweeps:
        total = swept(total, score, rng, rate)
    if reverb > 0.15:
        total = effects.room(
            total, rate, rng, float(rng.uniform(0.4, 2.6)), 0.5 * reverb * float(rng.uniform(0.3, 1.0))
        )
    return total


def coloured(wave: np.ndarray, role: str, rate: int, rng: Random) -> np.ndarray:
    """What a mixing desk does to a track: equalisers, a tremolo, a flanger, an echo."""
    for _ in range(int(rng.choice([0, 0, 1, 2]))):
        centre = float(np.exp(rng.uniform(np.log(80), np.log(8000))))
        wave = effects.peak(wave, rate, centre, float(rng.uniform(-8, 7)), float(rng.uniform(0.5, 1.5)))
    draw = rng.random()
    if draw < 0.04 and role in ("comp", "pad", "lead"):
        sway = np.sin(2 * np.pi * float(rng.uniform(2.5, 8.0)) * np.arange(len(wave)) / rate)
        wave = wave * (1 - float(rng.uniform(0.2, 0.8)) * (0.5 + 0.5 * sway)).astype(np.float32)
    elif draw < 0.1 and role != "bass":
        wave = effects.flanged(wave, rate, float(rng.uniform(0.1, 1.2)), float(rng.uniform(0.001, 0.008)))
    elif draw < 0.15 and role in ("lead", "comp", "guitar"):
        wave = effects.echoes(wave, rate, float(rng.uniform(0.08, 0.6)), float(rng.uniform(0.15, 0.45)), 3)
    elif draw < 0.2 and role == "drums":
        wave = effects.room(wave, rate, rng, float(rng.uniform(0.3, 1.6)), float(rng.uniform(0.2, 0.8)))
    return wave


def swept(samples: np.ndarray, score: Score, rng: Random, rate: int) -> np.ndarray:
    """Risers of noise and an opening low-pass before the sections that want them."""
    out = samples.copy()
    dull = effects.band(samples, rate, 0, float(rng.uniform(200, 900)), 2)
    opening, noise = rng.random() < 0.6, float(rng.uniform(0.0, 0.25))
    for start, stop in score.sweeps:
        a, b = (
            min(len(out), max(0, round(float(t) * rate))) for t in score.timeline.at(np.array([start, stop - 1e-6]))
        )
        if b - a < rate // 2:
            continue
        grow = np.linspace(0, 1, b - a, dtype=np.float32) ** 2
        if opening:
            out[a:b] = dull[a:b] + (0.1 + 0.9 * grow) * (samples[a:b] - dull[a:b])
        hiss = rng.normal(0, 1, b - a).astype(np.float32)
        low = effects.band(hiss, rate, 300, 1500)
        out[a:b] += noise * 0.3 * grow * (low * (1 - grow) + effects.band(hiss, rate, 2500, 0) * grow)
    return out


def master(samples: np.ndarray, rate: int, rng: Random, style: Style) -> np.ndarray:
    """The bus compressor and the limiter, and a normal level."""
    wave = samples
    if rng.random() < 0.5:
        wave = effects.compressed(wave, rate, 0.35, float(rng.uniform(1.5, 4.0)), 0.01, float(rng.uniform(0.08, 0.3)))
    if rng.random() < 0.7:
        wave = effects.limited(wave, 0.5 * float(rng.uniform(*style.loud)))
    top = float(np.abs(wave).max()) or 1.0
    return (0.9 * wave / top).astype(np.float32)
