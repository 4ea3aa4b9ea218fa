"""What a container promises about its length, read from its own headers.

ffmpeg plays a file cut short without a word, and for some formats reports what is left as if it were the
whole; here the promise is compared with the bytes that are there.

Conventions: sizes in bytes, times in seconds; nothing is decoded, a few small reads per file; what cannot be
understood is no evidence (None), never an error.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

#: How far from the end an Ogg page is looked for: the largest page is 65,307 bytes.
_OGG_TAIL = 1 << 17
_UNKNOWN_SIZES = (0, 0xFFFFFFFF)


def wav_promise(path: Path) -> float | None:
    """Seconds of sound that a RIFF/WAVE header promises; None for any other file or a streamed header."""
    with path.open("rb") as file:
        riff = file.read(12)
        if riff[:4] != b"RIFF" or riff[8:] != b"WAVE":
            return None
        byte_rate = 0
        for name, start, size in _chunks(file, "little"):
            if name == b"fmt " and size >= 16:
                file.seek(start)
                byte_rate = int.from_bytes(file.read(16)[8:12], "little")
            if name == b"data":
                return None if size in _UNKNOWN_SIZES or not byte_rate else size / byte_rate
    return None


def is_cut_short(path: Path) -> bool | None:
    """Whether the file ends before its own container says it does; None where it does not say.

    Covers RIFF (wav, avi), AIFF, MP4 and its kin, Matroska and WebM, and Ogg (whose last page must be marked
    as the last of its stream, RFC 3533 §6).
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        magic = file.read(12)
        if magic[:4] == b"RIFF" and magic[8:] == b"WAVE":
            return _iff_is_cut(file, size, b"data", "little")
        if magic[:4] == b"FORM" and magic[8:11] == b"AIF":
            return _iff_is_cut(file, size, b"SSND", "big")
        if magic[4:8] == b"ftyp":
            return _mp4_is_cut(file, size)
        if magic[:4] == b"\x1aE\xdf\xa3":
            return _matroska_is_cut(file, size)
        if magic[:4] == b"OggS":
            return _ogg_is_cut(file, size)
    return None


def _chunks(file: BinaryIO, order: Literal["little", "big"]) -> Iterator[tuple[bytes, int, int]]:
    """Walk the chunks after a 12-byte IFF header: name, where its content starts, its size."""
    at = 12
    for _ in range(1000):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return
        size = int.from_bytes(head[4:], order)
        yield head[:4], at + 8, size
        at += 8 + size + size % 2


def _iff_is_cut(file: BinaryIO, file_size: int, sound: bytes, order: Literal["little", "big"]) -> bool | None:
    for name, start, size in _chunks(file, order):
        if name == sound:
            return None if size in _UNKNOWN_SIZES else start + size > file_size
    return True  # the sound chunk was never reached


def _mp4_is_cut(file: BinaryIO, file_size: int) -> bool:
    """Walk the top-level boxes (ISO/IEC 14496-12 §4.2); size 1 = 64 bits follow, 0 = the rest."""
    at = 0
    while at < file_size:
        file.seek(at)
        head = file.read(16)
        size = int.from_bytes(head[:4], "big")
        if size == 0:
            return False
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        if size < 8:
            return False  # padding or nonsense after the last box
        at += size
    return at > file_size


def _vint(file: BinaryIO) -> int | None:
    """An EBML size (RFC 8794 §4): None when unknown (all ones) or unreadable."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    length = 9 - first[0].bit_length()
    value = int.from_bytes(bytes([first[0] & (0xFF >> length)]) + file.read(length - 1), "big")
    return None if value == (1 << 7 * length) - 1 else value


def _matroska_is_cut(file: BinaryIO, file_size: int) -> bool | None:
    file.seek(4)
    header = _vint(file)
    if header is None:
        return None
    file.seek(header, os.SEEK_CUR)
    if file.read(4) != b"\x18\x53\x80\x67":
        return None
    segment = _vint(file)
    return None if segment is None else file.tell() + segment > file_size


def _ogg_is_cut(file: BinaryIO, file_size: int) -> bool | None:
    """Whether no page near the end carries the end-of-stream flag (RFC 3533 §6, header type bit 4)."""
    file.seek(max(0, file_size - _OGG_TAIL))
    tail = file.read(_OGG_TAIL)
    at, seen = tail.find(b"OggS\0"), False
    while 0 <= at < len(tail) - 27:
        seen = True
        if tail[at + 5] & 4:
            return False
        at = tail.find(b"OggS\0", at + 1)
    return True if seen else None
