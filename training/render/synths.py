"""Our own instruments: wavetable, additive, frequency-modulated and plucked tones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from training.score import Random, Sound

#: Fewest samples that a note fades out in.
FADE = 64


@dataclass(frozen=True)
class Patch:
    """A sound: the wave, its unison, its loudness envelope (seconds, sustain 0-1) and its brightness envelope.

    `bright` is the share of the spectrum that opens at the attack and closes within `close` seconds; `cut` the
    harmonic number at which the dull part ends.
    """

    wave: str = "saw"
    voices: int = 1
    detune: float = 0.0
    attack: float = 0.005
    decay: float = 0.3
    sustain: float = 0.7
    release: float = 0.08
    bright: float = 0.6
    close: float = 0.2
    cut: float = 6.0
    octave: int = 0
    vibrato: float = 0.0
    ratio: float = 2.0
    index: float = 2.0


PATCHES: dict[str, Patch] = {
    "sawlead": Patch("saw", 2, 0.08, 0.005, 0.2, 0.8, 0.1, 0.8, 0.4, 12),
    "squarelead": Patch("square", 1, 0.0, 0.003, 0.2, 0.8, 0.05, 0.7, 0.3, 12, vibrato=0.15),
    "supersaw": Patch("saw", 5, 0.18, 0.01, 0.4, 0.85, 0.2, 0.9, 0.8, 16),
    "supersawpad": Patch("saw", 5, 0.2, 0.25, 1.0, 0.9, 0.5, 0.4, 2.0, 8),
    "warmpad": Patch("saw", 3, 0.1, 0.4, 1.0, 0.9, 0.6, 0.1, 2.0, 4),
    "stringpad": Patch("saw", 4, 0.09, 0.12, 1.0, 0.9, 0.25, 0.3, 1.0, 9, vibrato=0.1),
    "glasspad": Patch("fm", 2, 0.06, 0.2, 1.5, 0.8, 0.6, ratio=3.0, index=0.8),
    "pluck": Patch("saw", 2, 0.06, 0.002, 0.15, 0.05, 0.1, 1.0, 0.12, 5),
    "bellpluck": Patch("fm", 1, 0.0, 0.001, 0.4, 0.0, 0.3, ratio=3.5, index=1.8),
    "ep": Patch("fm", 2, 0.03, 0.003, 0.9, 0.2, 0.15, ratio=1.0, index=0.9),
    "organ": Patch("organ", 1, 0.0, 0.01, 0.1, 1.0, 0.05, vibrato=0.06),
    "church": Patch("church", 2, 0.02, 0.05, 0.1, 1.0, 0.25),
    "piano": Patch("piano", 1, 0.0, 0.002, 1.2, 0.0, 0.18),
    "nylon": Patch("string", 1, 0.0, 0.001, 1.0, 0.0, 0.1, cut=0.5),
    "steel": Patch("string", 1, 0.0, 0.001, 1.4, 0.0, 0.1, cut=0.8),
    "cleanguitar": Patch("string", 1, 0.0, 0.001, 1.6, 0.1, 0.08, cut=0.65),
    "harpsi": Patch("string", 2, 0.02, 0.001, 0.8, 0.0, 0.05, cut=0.98),
    "chip25": Patch("pulse", 1, 0.0, 0.001, 0.15, 0.6, 0.01, 1.0, 5.0, 60),
    "chip50": Patch("square", 1, 0.0, 0.001, 0.2, 0.5, 0.01, 1.0, 5.0, 60),
    "chiptri": Patch("triangle", 1, 0.0, 0.001, 0.3, 0.9, 0.01, 1.0, 5.0, 30),
    "brass": Patch("saw", 3, 0.05, 0.04, 0.3, 0.85, 0.08, 0.7, 0.25, 5),
    "flute": Patch("triangle", 1, 0.0, 0.06, 0.2, 0.9, 0.08, 0.2, 0.3, 4, vibrato=0.2),
    "reed": Patch("square", 1, 0.0, 0.03, 0.2, 0.9, 0.06, 0.4, 0.3, 9, vibrato=0.15),
    "fiddle": Patch("saw", 1, 0.0, 0.05, 0.3, 0.95, 0.08, 0.4, 0.3, 14, vibrato=0.25),
    "violins": Patch("saw", 4, 0.1, 0.08, 0.5, 0.95, 0.2, 0.3, 0.6, 10, vibrato=0.2),
    "choir": Patch("choir", 4, 0.12, 0.12, 0.5, 0.95, 0.25, vibrato=0.2),
    "fingerbass": Patch("saw", 1, 0.0, 0.004, 0.5, 0.35, 0.06, 0.6, 0.1, 4),
    "pickbass": Patch("string", 1, 0.0, 0.001, 1.0, 0.2, 0.05, cut=0.6),
    "sawbass": Patch("saw", 2, 0.05, 0.002, 0.2, 0.6, 0.04, 0.8, 0.12, 4),
    "acidbass": Patch("saw", 1, 0.0, 0.002, 0.15, 0.4, 0.03, 1.0, 0.1, 3),
    "subbass": Patch("sine", 1, 0.0, 0.005, 0.3, 0.9, 0.05),
    "reese": Patch("saw", 3, 0.25, 0.01, 0.5, 0.9, 0.05, 0.2, 1.0, 4),
    "squarebass": Patch("square", 1, 0.0, 0.002, 0.2, 0.6, 0.03, 0.6, 0.15, 5),
    "uprightbass": Patch("string", 1, 0.0, 0.002, 0.7, 0.05, 0.06, cut=0.3),
}

WAVES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "saw": lambda k: 1.0 / k,
    "square": lambda k: np.where(k % 2 == 1, 1.0 / k, 0.0),
    "pulse": lambda k: np.abs(np.sin(np.pi * k * 0.25)) / k,
    "triangle": lambda k: np.where(k % 2 == 1, 1.0 / k**2, 0.0),
    "sine": lambda k: np.where(k == 1, 1.0, np.where(k == 2, 0.08, 0.0)),
    "organ": lambda k: np.select(
        [k == 1, k == 2, k == 3, k == 4, k == 6, k == 8], [0.8, 1.0, 0.5, 0.6, 0.25, 0.3], 0.0
    ),
    "church": lambda k: np.select([k == 1, k == 2, k == 4, k == 8, k == 3], [1.0, 0.7, 0.5, 0.25, 0.2], 0.03 / k),
    "choir": lambda k: (
        np.exp(-(((k * 260 - 700) / 350.0) ** 2)) + 0.5 * np.exp(-(((k * 260 - 1150) / 300) ** 2)) + 0.2 / k
    ),
}


def varied(patch: Patch, rng: Random) -> Patch:
    """Another machine's version of the patch."""

    def near(value: float, spread: float = 0.35) -> float:
        return float(value * np.exp(rng.normal(0, spread)))

    return replace(
        patch,
        detune=near(patch.detune),
        attack=near(patch.attack),
        decay=near(patch.decay),
        release=near(patch.release),
        close=near(patch.close),
        cut=near(patch.cut, 0.25) if patch.cut > 1 else min(0.99, near(patch.cut, 0.1)),
        index=near(patch.index),
    )


class Instrument:
    """Plays a patch; notes of the same pitch and length are made once."""

    def __init__(self, patch: Patch, rate: int, rng: Random) -> None:
        self.patch, self.rate = varied(patch, rng), rate
        self.rng = rng
        self._notes: dict[tuple[int, int], np.ndarray] = {}
        self._tables: dict[tuple[int, bool], np.ndarray] = {}

    def _table(self, pitch: int, dull: bool) -> np.ndarray:
        key = (pitch, dull)
        if key not in self._tables:
            frequency = 440.0 * 2 ** ((pitch - 69) / 12)
            count = max(1, min(80, int(0.46 * self.rate / frequency)))
            k = np.arange(1, count + 1)
            level = WAVES[self.patch.wave](k)
            if dull:
                level = level / (1.0 + (k / self.patch.cut) ** 4)
            spectrum = np.zeros(1025, dtype=complex)
            spectrum[1 : count + 1] = level * -1j
            table = np.fft.irfft(spectrum, 2048)
            self._tables[key] = (table / max(1e-9, np.sqrt(np.mean(table**2))) * 0.3).astype(np.float32)
        return self._tables[key]

    def _tone(self, pitch: int, count: int) -> np.ndarray:
        patch, rate = self.patch, self.rate
        frequency = 440.0 * 2 ** ((pitch - 69) / 12)
        t = np.arange(count, dtype=np.float32) / rate
        if patch.wave == "string":
            return string(frequency, count, rate, patch.cut, self.rng, patch.decay)
        if patch.wave == "piano":
            return piano(frequency, t, rate, patch.decay)
        out = np.zeros(count, dtype=np.float32)
        wobble = (
            patch.vibrato * 0.006 * np.sin(2 * np.pi * 5.4 * t) * np.minimum(1, t / 0.25) / 5.4
            if patch.vibrato
            else 0.0
        )
        for voice in range(patch.voices):
            spread = (voice - 0.5 * (patch.voices - 1)) / max(1, patch.voices - 1) if patch.voices > 1 else 0.0
            f = frequency * 2 ** (spread * patch.detune / 6)
            phase = f * t + self.rng.random() * (patch.voices > 1) + f * wobble
            if patch.wave == "fm":
                depth = patch.index * np.exp(-t / patch.decay)
                out += 0.4 * np.sin(2 * np.pi * phase + depth * np.sin(2 * np.pi * patch.ratio * phase))
                continue
            index = (phase * 2048).astype(np.int64) & 2047
            dull = self._table(pitch, True)[index]
            if patch.bright > 0.02:
                sharp = self._table(pitch, False)[index]
                dull = dull + (patch.bright * np.exp(-t / patch.close)) * (sharp - dull)
            out += dull
        return out / np.sqrt(patch.voices)

    def note(self, pitch: int, length: float) -> np.ndarray:
        """The samples of a note, its release included."""
        pitch += 12 * self.patch.octave
        key = (pitch, round(length * 50))
        if key not in self._notes:
            patch, rate = self.patch, self.rate
            held = max(FADE, round(length * rate))
            tail = max(FADE, round(min(patch.release, 1.0) * 3 * rate))
            wave = self._tone(pitch, held + tail)
            t = np.arange(held + tail, dtype=np.float32) / rate
            level = patch.sustain + (1 - patch.sustain) * np.exp(-t / max(0.02, patch.decay))
            level *= np.minimum(1.0, t / max(0.001, patch.attack))
            level[held:] *= np.exp(-np.arange(tail) / rate / max(0.005, patch.release)) * np.linspace(1, 0, tail)
            self._notes[key] = (wave * level).astype(np.float32)
        return self._notes[key]

    def play(self, sounds: Sequence[Sound], seconds: float) -> np.ndarray:
        out = np.zeros(round(seconds * self.rate), dtype=np.float32)
        for sound in sounds:
            wave = self.note(sound.pitch, min(sound.length, 12.0))
            at = round(sound.start * self.rate)
            size = min(len(wave), len(out) - at)
            if size > 0:
                out[at : at + size] += sound.velocity**1.5 * wave[:size]
        return out


def string(frequency: float, count: int, rate: int, bright: float, rng: Random, decay: float = 1.0) -> np.ndarray:
    """A plucked string (Karplus and Strong 1983); `bright` 0-1 is the pluck's."""
    from scipy.signal import lfilter

    period = rate / frequency - 0.5
    whole = max(2, int(period))
    part = period - whole
    burst = rng.uniform(-1, 1, whole)
    burst = lfilter([bright], [1, -(1 - bright)], burst)
    burst -= burst.mean()
    excitation = np.zeros(count)
    excitation[: min(whole, count)] = burst[:count]
    loss = 0.001 ** (1.0 / (max(0.2, 3.0 * decay) * frequency))
    loop = np.zeros(whole + 3)
    loop[0] = 1.0
    loop[whole] -= loss * 0.5 * (1 - part)
    loop[whole + 1] -= loss * 0.5
    loop[whole + 2] -= loss * 0.5 * part
    out = lfilter([1.0], loop, excitation)
    return (0.35 * out / max(1e-6, np.abs(out[: rate // 5]).max())).astype(np.float32)


def piano(frequency: float, t: np.ndarray, rate: int, decay: float) -> np.ndarray:
    """Struck strings: partials that die the sooner the higher they are, a little stretched, and a hammer's knock."""
    count = max(1, min(14, int(0.45 * rate / frequency)))
    out = np.zeros(len(t), dtype=np.float32)
    life = decay * (220.0 / frequency) ** 0.4 * 1.6
    for k in range(1, count + 1):
        f = frequency * k * np.sqrt(1 + 0.0004 * k * k)
        if f > 0.47 * rate:
            break
        out += (np.sin(2 * np.pi * f * t) * np.exp(-t * (1 + 0.35 * k) / life) / k**1.15).astype(np.float32)
    knock = np.exp(-t / 0.006) * np.sin(2 * np.pi * 180 * t) * 0.4
    return (0.35 * (out + knock)).astype(np.float32)
