"""Plays tracks with fluidsynth, called as a program, and a General MIDI soundfont."""

from __future__ import annotations

import shutil
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from training.render.soundfont import fast
from training.score import Sound

#: Soundfonts by name, both under the MIT licence (Debian: fluid-soundfont-gm, musescore-general-soundfont).
SOUNDFONTS = {
    "fluid": "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "musescore": "/usr/share/sounds/sf3/MuseScore_General_Full.sf3",
}
#: fluidsynth starts a note up to a block of 64 samples late, and its files begin one block early (measured: kicks of
#: both soundfonts reach a tenth of their peak 3-7 ms after the note at 22050 Hz).
LATENCY = 0.003
TICKS = 5000  # a half second, so that a tick is 0.1 ms


@cache
def soundfonts() -> tuple[str, ...]:
    """Names of the soundfonts that can be played here; empty without fluidsynth."""
    if shutil.which("fluidsynth") is None:
        return ()
    return tuple(name for name, path in SOUNDFONTS.items() if Path(path).exists())


def _length(number: int) -> bytes:
    out = [number & 127]
    while number := number >> 7:
        out.append(number & 127 | 128)
    return bytes(reversed(out))


def standard_midi_file(events: Sequence[tuple[float, bytes]], end: float) -> bytes:
    """A format 0 file of (seconds, message) events that ends at `end` seconds."""
    body = bytearray()
    last = 0
    for seconds, message in sorted(events, key=lambda e: (e[0], e[1][0] & 0xF0 == 0x90)):
        tick = max(last, round(seconds * 2 * TICKS))
        body += _length(tick - last) + message
        last = tick
    body += _length(max(0, round(end * 2 * TICKS) - last)) + b"\xff\x2f\x00"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS) + b"MTrk" + struct.pack(">I", len(body)) + bytes(body)


class Part:
    """One channel: a program, its volume (0-127), pan and sounds; `drums` puts it on the drum channel."""

    def __init__(
        self,
        program: int,
        sounds: Sequence[Sound],
        *,
        volume: int = 100,
        pan: int = 64,
        drums: bool = False,
    ) -> None:
        self.program, self.sounds, self.volume, self.pan, self.drums = program, sounds, volume, pan, drums


def events(parts: Sequence[Part]) -> list[tuple[float, bytes]]:
    out: list[tuple[float, bytes]] = []
    free = [c for c in range(16) if c != 9]
    for part in parts:
        if not part.drums and not free:
            continue
        channel = 9 if part.drums else free.pop(0)
        out += [
            (0.0, bytes([0xC0 | channel, part.program])),
            (0.0, bytes([0xB0 | channel, 7, part.volume])),
            (0.0, bytes([0xB0 | channel, 10, part.pan])),
        ]
        for sound in part.sounds:
            pitch = min(127, max(0, sound.pitch))
            velocity = min(127, max(1, round(127 * sound.velocity)))
            out.append((sound.start, bytes([0x90 | channel, pitch, velocity])))
            out.append((sound.start + sound.length, bytes([0x80 | channel, pitch, 0])))
    return out


def play(parts: Sequence[Part], seconds: float, *, soundfont: str, rate: int, reverb: float = 0.3) -> np.ndarray:
    """Mono sound of `seconds`, at `rate`; `reverb` is the room of the soundfont player, 0-1."""
    from scipy.io import wavfile

    with tempfile.TemporaryDirectory(prefix="training-") as folder:
        score, sound = Path(folder) / "score.mid", Path(folder) / "sound.wav"
        score.write_bytes(standard_midi_file(events(parts), seconds + 0.5))
        command = [
            "fluidsynth",
            "-ni",
            "-r",
            str(rate),
            "-g",
            "0.35",
            "-C",
            "0",
            "-R",
            "1" if reverb else "0",
            "-o",
            f"synth.reverb.level={0.9 * reverb:.2f}",
            "-o",
            f"synth.reverb.room-size={0.3 + 0.5 * reverb:.2f}",
            "-o",
            "synth.dynamic-sample-loading=1",
            "-F",
            str(sound),
            fast(SOUNDFONTS[soundfont]),
            str(score),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode or not sound.exists():
            raise RuntimeError(f"fluidsynth failed with {soundfont}: {done.stderr[-300:]}")
        _, samples = wavfile.read(sound)
    mono = samples.astype(np.float32).mean(axis=1) / 32768.0
    skip = round(LATENCY * rate)
    out = np.zeros(round(seconds * rate), dtype=np.float32)
    body = mono[skip : skip + len(out)]
    out[: len(body)] = body
    return out
