"""Unpacks a compressed soundfont (sf3: Ogg Vorbis samples) once, so that the player need not at each piece.

An sf3 file is a SoundFont 2.04 file whose sample headers give byte offsets of Vorbis streams instead of sample numbers,
loops counted from the sample's start, and 0x10 set in their type.
"""

from __future__ import annotations

import io
import os
import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

_HEADER = struct.Struct("<20sIIIIIBbHH")
_COMPRESSED = 0x10
#: Silence that must follow each sample.
_PAUSE = 46


def _chunks(data: bytes, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    while start + 8 <= stop:
        name, size = data[start : start + 4], struct.unpack_from("<I", data, start + 4)[0]
        yield name, start + 8, start + 8 + size
        start += 8 + size + (size & 1)


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)


def vorbis(stream: bytes) -> np.ndarray:
    """The samples of an Ogg Vorbis stream as int16."""
    import soundfile

    return np.asarray(soundfile.read(io.BytesIO(stream), dtype="int16")[0])


def _samples(
    data: bytes, pool: tuple[int, int], headers: bytes, decode: Callable[[bytes], np.ndarray]
) -> tuple[bytes, bytes]:
    """The decoded samples and their new headers."""
    made, out, at = [], bytearray(), 0
    for offset in range(0, len(headers), _HEADER.size):
        name, start, end, loop, loop_end, rate, pitch, fine, link, kind = _HEADER.unpack_from(headers, offset)
        if kind & _COMPRESSED and end > start:
            decoded = decode(data[pool[0] + start : pool[0] + end])
            made += [decoded.astype("<i2"), np.zeros(_PAUSE, "<i2")]
            start, end, loop, loop_end, kind = at, at + len(decoded), at + loop, at + loop_end, kind & ~_COMPRESSED
            at += len(decoded) + _PAUSE
        out += _HEADER.pack(name, start, end, loop, loop_end, rate, pitch, fine, link, kind)
    return np.concatenate(made).tobytes(), bytes(out)


def unpacked(data: bytes, decode: Callable[[bytes], np.ndarray] = vorbis) -> bytes:
    """The bytes of an sf2 file with the sounds of the sf3 file `data`, each decoded by `decode`."""
    lists = {data[a : a + 4]: (a + 4, b) for _, a, b in _chunks(data, 12, len(data))}
    info = b"".join(
        _chunk(n, struct.pack("<HH", 2, 4) if n == b"ifil" else data[a:b]) for n, a, b in _chunks(data, *lists[b"INFO"])
    )
    pool = next((a, b) for n, a, b in _chunks(data, *lists[b"sdta"]) if n == b"smpl")
    parts = {n: data[a:b] for n, a, b in _chunks(data, *lists[b"pdta"])}
    samples, parts[b"shdr"] = _samples(data, pool, parts[b"shdr"], decode)
    presets = b"".join(_chunk(n, body) for n, body in parts.items())
    body = (
        b"sfbk"
        + _chunk(b"LIST", b"INFO" + info)
        + _chunk(b"LIST", b"sdta" + _chunk(b"smpl", samples))
        + _chunk(b"LIST", b"pdta" + presets)
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def fast(path: str) -> str:
    """The file to play for the soundfont `path`: unpacked where that is possible, kept among temporary files."""
    if not path.endswith(".sf3"):
        return path
    kept = Path(tempfile.gettempdir()) / f"training-{Path(path).stem}.sf2"
    if not kept.exists():
        try:
            import soundfile  # noqa: F401
        except ImportError:
            return path
        aside = kept.with_suffix(f".{os.getpid()}")
        aside.write_bytes(unpacked(Path(path).read_bytes()))
        aside.replace(kept)
    return str(kept)
