"""Headers built by hand, byte by byte, whole and cut."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib_music.containers import is_cut_short, wav_promise

FMT = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 2, 44100, 176400, 4, 16)


def wav(data_size: int, there: int) -> bytes:
    body = b"WAVE" + b"junk" + struct.pack("<I", 3) + b"abc\0" + FMT + b"data" + struct.pack("<I", data_size)
    return b"RIFF" + struct.pack("<I", len(body) + data_size & 0xFFFFFFFF) + body + bytes(there)


def aiff(claimed: int, there: int) -> bytes:
    comm = b"COMM" + struct.pack(">I", 18) + bytes(18)
    return b"FORM" + struct.pack(">I", 100) + b"AIFF" + comm + b"SSND" + struct.pack(">I", claimed) + bytes(there)


def box(name: bytes, content: bytes, size: int | None = None) -> bytes:
    return struct.pack(">I", len(content) + 8 if size is None else size) + name + content


def mkv(segment: bytes, content: bytes) -> bytes:
    return b"\x1aE\xdf\xa3\x84abcd" + b"\x18\x53\x80\x67" + segment + content


def page(flags: int) -> bytes:
    return b"OggS\0" + bytes([flags]) + bytes(20) + b"\x01\xff" + bytes(255)


FTYP = box(b"ftyp", b"M4A ")
WIDE = struct.pack(">I", 1) + b"mdat" + struct.pack(">Q", 16 + 50)
CASES = {
    "wav whole": (wav(1000, 1000), False),
    "wav cut": (wav(1000, 999), True),
    "wav streamed": (wav(0xFFFFFFFF, 10), None),
    "wav without sound": (b"RIFF\0\0\0\0WAVE" + FMT, True),
    "aiff whole": (aiff(500, 500), False),
    "aiff cut": (aiff(500, 400), True),
    "mp4 whole": (FTYP + box(b"moov", bytes(40)) + box(b"mdat", bytes(99)), False),
    "mp4 cut": (FTYP + box(b"moov", bytes(40)) + box(b"mdat", bytes(99), 500), True),
    "mp4 wide": (FTYP + WIDE + bytes(50), False),
    "mp4 wide cut": (FTYP + WIDE + bytes(49), True),
    "mp4 to the end": (FTYP + box(b"mdat", bytes(20), 0), False),
    "mp4 padded": (FTYP + box(b"mdat", bytes(20)) + bytes(30), False),
    "webm whole": (mkv(b"\x90", bytes(16)), False),
    "webm cut": (mkv(b"\x40\xff", bytes(16)), True),
    "webm live": (mkv(b"\x01\xff\xff\xff\xff\xff\xff\xff", bytes(16)), None),
    "ogg whole": (page(2) + page(0) + page(4), False),
    "ogg cut": (page(2) + page(0) + page(0), True),
    "ogg cut within a page": (page(2) + page(0) + page(4)[:10], True),
    "mp3": (b"ID3\x04" + bytes(50), None),
    "nothing": (b"", None),
}


@pytest.mark.parametrize("name", CASES)
def test_the_end_against_the_promise(tmp_path: Path, name: str) -> None:
    data, expected = CASES[name]
    (tmp_path / "file").write_bytes(data)
    assert is_cut_short(tmp_path / "file") is expected


def test_a_wav_promises_its_data_over_its_byte_rate(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(wav(176400 * 7, 10))
    assert wav_promise(path) == 7.0
    for other in (wav(0, 10), wav(0xFFFFFFFF, 10), aiff(5, 5), b"RIFF", b"RIFF\0\0\0\0WAVEdata\x05\0\0\0hello"):
        path.write_bytes(other)
        assert wav_promise(path) is None


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(list(CASES)), at=st.integers(0, 60), noise=st.binary(max_size=60), cut=st.integers(0, 200))
def test_any_bytes_get_an_answer(tmp_path: Path, kind: str, at: int, noise: bytes, cut: int) -> None:
    data = CASES[kind][0]
    (tmp_path / "file").write_bytes((data[:at] + noise + data[at + len(noise) :])[: len(data) - cut])
    assert is_cut_short(tmp_path / "file") in (True, False, None)
    promise = wav_promise(tmp_path / "file")
    assert promise is None or promise > 0
