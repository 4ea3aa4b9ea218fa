"""The song with a click on every beat, to hear whether they are right.

Conventions: 16-bit WAV at the song's own rate, its channels kept; a click begins at the very sample of its beat, is
higher on a downbeat, and song and click share the range so that nothing clips. It is written block by block and
renamed when whole, so that hours work; beyond 4 GB it is an RF64, which players read alike.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from lib_music.analysis.types import Beats, Floats
from lib_music.audio import Audio
from lib_music.errors import InputError
from lib_music.files import written_aside

#: What the song and a click may take of the range; a click's pitch on a beat and on a downbeat, Hz; its length, s.
SONG, CLICK = 0.7, 0.29
BEAT, DOWNBEAT, LENGTH = 1100.0, 1760.0, 0.03
#: Bytes that a plain WAV can hold.
_PLAIN = 0xFFFF_FFFF - 64


def write_clicks(
    path: Path, audio: Audio, beats: Beats, progress: Callable[[float], None] | None = None
) -> None:
    """Write the song with clicks.

    Parameters
    ----------
    path : Path
        Ends in ``.wav``; what is there is replaced.
    audio : Audio
    beats : Beats
    progress : callable, optional
        Told the fraction done.

    Raises
    ------
    InputError
        The name is another kind of file, or that of the song itself.
    ProjectError
        The disk refuses.
    """
    check_target(path, audio, ".wav")
    channels, rate = audio.channels, audio.sample_rate
    total = round(audio.duration * rate)
    at = np.rint(beats.times * rate).astype(np.int64)
    sounds = {True: _click(DOWNBEAT, rate), False: _click(BEAT, rate)}
    done = 0
    with written_aside(path) as aside, aside.open("wb") as file:
        _header(file, rate, channels, total)
        for block in audio.blocks(rate, channels=2 if channels == 2 else 1):
            mixed = SONG * block
            first, last = np.searchsorted(at, (done - sounds[True].size, done + len(block)))
            for i in range(int(first), int(last)):
                # The next click cuts this one off, so that two never add up.
                end = int(at[i + 1]) if i + 1 < at.size else total
                _lay(mixed, sounds[bool(beats.positions[i] == 1)], int(at[i]) - done, end - done)
            np.clip(mixed, -1, 1, out=mixed)
            file.write(np.rint(32767 * mixed).astype("<i2").tobytes())
            done += len(block)
            if progress is not None:
                progress(min(1.0, done / total))


def check_target(path: Path, audio: Audio, suffix: str) -> None:
    """Refuse to write over the song, into a folder, or under a name of another kind."""
    if path.suffix.lower() != suffix:
        raise InputError(f"{path.name} does not end in {suffix}", f"give a name that does, for example song{suffix}")
    if path.is_dir():
        raise InputError(f"{path} is a folder", f"give a file in it, for example {path / ('song' + suffix)}")
    if path.exists() and path.samefile(audio.path):
        raise InputError(f"{path} is the song itself", "give another name")


def _click(pitch: float, rate: int) -> Floats:
    """A short ring that is loudest at its first sample."""
    t = np.arange(max(2, round(LENGTH * rate))) / rate
    return (CLICK * np.cos(2 * np.pi * pitch * t) * np.exp(-t / 0.006)).astype(np.float32)


def _lay(mixed: Floats, click: Floats, place: int, end: int) -> None:
    """Add a click that begins at sample ``place``, which may lie before the block, and is over by ``end``."""
    stop = min(len(mixed), place + click.size, end)
    if stop > max(place, 0):
        part = click[max(0, -place) : stop - place]
        mixed[max(place, 0) : stop] += part if mixed.ndim == 1 else part[:, None]


def _header(file: BinaryIO, rate: int, channels: int, samples: int) -> None:
    """RIFF, or RF64 (EBU 3306) where the sizes do not fit into it."""
    size, width = 2 * channels * samples, 2 * channels
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, rate * width, width, 16)
    if size <= _PLAIN:
        file.write(struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE") + form + struct.pack("<4sI", b"data", size))
        return
    sizes = struct.pack("<4sIQQQI", b"ds64", 28, 72 + size, size, samples, 0)
    whole = 0xFFFF_FFFF
    file.write(struct.pack("<4sI4s", b"RF64", whole, b"WAVE") + sizes + form + struct.pack("<4sI", b"data", whole))
