"""The song's picture: the person's own, else the one inside the song, else a fetched one, else one that is drawn.

Conventions: a prepared cover is an 8-bit RGB PNG, upright, opaque, sRGB, :data:`MIN_SIDE` to
:data:`MAX_SIDE` pixels a side, written aside and renamed. Pictures are opened by Pillow's readers of
:data:`FORMATS` alone, from bytes already in memory, and measured before they are unpacked. A bad picture of
the person's is an error (but a JPEG of theirs that is cut short is used as far as it goes); a bad one inside the song
is a warning. A strip keeps its middle, for renderers crop anyway.
"""

from __future__ import annotations

import contextlib
import io
import stat
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lib_music.errors import CoverError
from lib_music.files import write_bytes
from lib_music.track.art import generate_cover
from lib_music.track.tags import load_tags
from lib_music.track.track import Source, Track

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MAX_BYTES = 50_000_000
MAX_PIXELS = 64_000_000
MIN_SIDE, MAX_SIDE = 16, 2048
#: What shows through: neither a black nor a white drawing vanishes on it.
BACKGROUND = (128, 128, 128)
#: How every JPEG begins and ends.
_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
#: Of a picture cut short this much must be there.
_LEAST_PAINTED = 0.1
#: Pictures tried inside one song.
_MAX_EMBEDDED = 8
#: What Pillow's readers raise on damaged files.
_DAMAGE = (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RuntimeError,
           MemoryError, struct.error, zlib.error)


@dataclass(frozen=True)
class Cover:
    """A prepared picture. ``path`` of the PNG; ``source``; ``warnings`` about pictures passed over or cut short."""

    path: Path
    source: Source
    warnings: tuple[str, ...] = ()


def prepare_cover(
    own: Path | None, audio_path: Path | None, track: Track, out: Path, fetched: tuple[Path, Source] | None = None
) -> Cover:
    """Choose, check and convert the song's picture, and write it to ``out``.

    Parameters
    ----------
    own : Path or None
        The person's picture: JPEG, PNG, WebP, GIF, BMP or TIFF; of an animated one the first frame.
    audio_path : Path or None
        The song, for the picture inside it.
    track : Track
        Its title and artists seed the picture that is drawn when there is none.
    out : Path
        The PNG to write; its folder is made.
    fetched : Path and Source, optional
        A picture that was prepared already, and may be used, for where there is none inside the song.

    Raises
    ------
    CoverError
        The person's picture cannot be used.
    ProjectError
        ``out`` cannot be written.
    """
    if own is not None:
        picture, told = _own(Path(own))
        _write(picture, out)
        return Cover(out, "own file", told)
    passed_over: list[str] = []
    for data in _embedded(audio_path, passed_over) if audio_path is not None else ():
        try:
            picture = _decode(data, "the picture inside the song")
        except CoverError as error:
            passed_over.append(f"{error.message}; it is passed over")
            continue
        _write(picture, out)
        return Cover(out, "embedded", tuple(passed_over))
    from PIL import Image

    if fetched is not None:
        with contextlib.suppress(CoverError):  # somebody has been at it
            _write(_decode(_read(fetched[0]), fetched[0].name), out)
            return Cover(out, fetched[1], tuple(passed_over))
    _write(Image.fromarray(generate_cover(track.title, track.artists)), out)
    return Cover(out, "generated", tuple(passed_over))


def convert_cover(data: bytes, name: str, out: Path) -> None:
    """Write a picture that was fetched to ``out``, checked and prepared; ``name`` is what errors call it.

    Raises CoverError when it cannot be used, ProjectError when ``out`` cannot be written.
    """
    if len(data) > MAX_BYTES:
        raise CoverError(f"{name} is over {MAX_BYTES / 1e6:.0f} MB", "give a smaller picture")
    _write(_decode(data, name), out)


def check_cover(path: Path) -> None:
    """Read the person's picture without keeping it; raises CoverError when it cannot be used."""
    _own(path)


def _own(path: Path) -> tuple[Image, tuple[str, ...]]:
    """The person's picture and what is to be told about it; raises CoverError."""
    data = _read(path)
    try:
        return _decode(data, path.name), ()
    except CoverError:
        if data.startswith(_JPEG_START):
            # With an end to it, the decoder gives what it has instead of waiting for more.
            with contextlib.suppress(CoverError):
                picture = _decode(data + _JPEG_END, path.name, cut=True)
                return picture, (f"{path.name} is cut short; what there is of it is used",)
        raise


def _read(path: Path) -> bytes:
    """The bytes of the person's picture, when it is a file of a sensible size."""
    fix = "give a JPEG, PNG, WebP, GIF, BMP or TIFF file"
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise CoverError(f"the cover {path} is a folder", fix)
        if not stat.S_ISREG(status.st_mode):
            raise CoverError(f"the cover {path} is a device, a pipe or a socket", fix)
        if status.st_size == 0:
            raise CoverError(f"the cover {path.name} is empty (0 bytes)", "save it again")
        if status.st_size > MAX_BYTES:
            size = f"{status.st_size / 1e6:.0f} MB"
            raise CoverError(f"the cover {path.name} is {size}, over {MAX_BYTES / 1e6:.0f} MB", "save it smaller")
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CoverError(f"no such cover: {path}", "check the path") from error
    except PermissionError as error:
        raise CoverError(f"no permission to read the cover {path}", "check who may read the file") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CoverError(f"cannot open the cover {path}: {reason}", "check the path") from error


def _embedded(path: Path, passed_over: list[str]) -> Iterator[bytes]:
    """The pictures inside a song, front cover first; links and oversized ones are passed over with a word."""
    tags = load_tags(path, images=True)
    if tags is None:
        return
    by_kind: dict[str, list[Any]] = tags.images.as_dict()
    kinds = sorted(by_kind, key=lambda kind: (kind != "front_cover", kind == "back_cover"))
    for image in [image for kind in kinds for image in by_kind[kind]][:_MAX_EMBEDDED]:
        if image.mime_type == "-->" or not image.data:
            passed_over.append("the picture inside the song is only a link; it is passed over")
        elif len(image.data) > MAX_BYTES:
            passed_over.append(f"the picture inside the song is over {MAX_BYTES / 1e6:.0f} MB; it is passed over")
        else:
            yield bytes(image.data)


def _decode(data: bytes, name: str, *, cut: bool = False) -> Image:
    """Unpack a picture into plain RGB within the size limits, or raise CoverError.

    Of one that is ``cut`` short only the rows that hold something are kept.
    """
    from PIL import Image, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own, about odd metadata; what matters is checked here
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                _check_size(image, name)
                image.draft("RGB", (MAX_SIDE, MAX_SIDE))
                image.load()
                return _plain(_painted(image) if cut else image)
        except UnidentifiedImageError as error:
            raise _not_a_picture(data, name) from error
        except Image.DecompressionBombError as error:
            message = f"{name} has over {MAX_PIXELS // 10**6} million pixels"
            raise CoverError(message, "scale it down") from error
        except _DAMAGE as error:
            raise CoverError(f"{name} is damaged: {error}", "save it again") from error


def _not_a_picture(data: bytes, name: str) -> CoverError:
    head = data[:1000].lstrip().lower()
    if head.startswith((b"<svg", b"<?xml", b"<!doctype svg")):
        return CoverError(f"{name} is a drawing (SVG), not a picture", "export it as PNG")
    return CoverError(f"{name} is not a picture, or its header is damaged",
                      "give a JPEG, PNG, WebP, GIF, BMP or TIFF file")


def _painted(image: Image) -> Image:
    """The rows above the flat ground that a decoder leaves where data is missing; raises ValueError for too few."""
    pixels = np.asarray(image)
    drawn = (pixels != pixels[-1:, -1:]).reshape(image.height, image.width, -1).any(axis=2)
    rows = int(np.flatnonzero(drawn.any(axis=1)).max(initial=-1)) + 1
    if rows < MIN_SIDE or drawn.mean() < _LEAST_PAINTED:
        raise ValueError("next to nothing of it is there")
    return image.crop((0, 0, image.width, rows))


def _check_size(image: Image, name: str) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise CoverError(f"{name} is {width}×{height}, over {MAX_PIXELS // 10**6} million pixels", "scale it down")
    if min(width, height) < MIN_SIDE:
        raise CoverError(f"{name} is {width}×{height}, too small to fill a video",
                         f"give at least {MIN_SIDE} pixels a side")


def _shrink(image: Image) -> None:
    """Scale down in place to MAX_SIDE, but for a strip, whose short side stays at MIN_SIDE."""
    from PIL import Image

    side = max(MAX_SIDE, -(-MIN_SIDE * max(image.size) // min(image.size)))
    image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)


def _plain(image: Image) -> Image:
    """Upright, opaque 8-bit sRGB of at most MAX_SIDE, free of metadata."""
    from PIL import Image, ImageOps

    if image.mode in ("RGB", "RGBA", "L", "LA", "CMYK") and "transparency" not in image.info:
        # early, so that one copy of a huge picture is the most that is ever held
        _shrink(image)
    with contextlib.suppress(*_DAMAGE):  # broken EXIF is no reason to lose the picture
        image = ImageOps.exif_transpose(image) or image
    profile = image.info.get("icc_profile")
    image.info = {key: value for key, value in image.info.items() if key == "transparency"}
    if image.mode.startswith(("I", "F")):
        image = _to_8_bits(image)
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "La", "RGBa"):
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (*BACKGROUND, 255)), image)
    elif profile:
        image = _to_srgb(image, profile)
    image = image.convert("RGB")
    _shrink(image)
    left, top = (max(0, side - MAX_SIDE) // 2 for side in image.size)
    image = image.crop((left, top, left + min(image.width, MAX_SIDE), top + min(image.height, MAX_SIDE)))
    image.info = {}
    return image


def _to_8_bits(image: Image) -> Image:
    """16-bit, 32-bit and floating point greys; white is the smallest usual one that holds them all."""
    from PIL import Image

    grey = np.asarray(image)
    top = float(np.nanmax(grey))
    usual = (1.0, 255.0, 65535.0) if image.mode == "F" else (65535.0,)
    white = next((limit for limit in usual if top <= limit), top)
    eight = np.empty(grey.shape, np.uint8)
    for row in range(0, len(grey), 256):  # the floats of a huge picture are never held at once
        part = np.nan_to_num(grey[row : row + 256].astype(np.float32))
        eight[row : row + 256] = np.clip(part * (255 / white), 0, 255)
    return Image.fromarray(eight)


def _to_srgb(image: Image, profile: bytes) -> Image:
    """Colours as the picture's own profile means them; as they are where that profile is broken."""
    from PIL import ImageCms

    try:
        own, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, own, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, *_DAMAGE):
        return image
    return converted or image


def _write(image: Image, out: Path) -> None:
    """Write the PNG atomically, but leave one that holds the very same; raises ProjectError when the disk refuses."""
    made = io.BytesIO()
    image.save(made, format="PNG", compress_level=3)
    with contextlib.suppress(OSError):
        if out.is_file() and out.read_bytes() == made.getvalue():
            return
    write_bytes(out, made.getvalue())
