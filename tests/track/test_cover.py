"""Pictures of every odd kind, made here with Pillow or by hand, through the real converter."""

from __future__ import annotations

import base64
import io
import os
import struct
import subprocess
import sys
import warnings
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageFile

from lib_music.errors import CoverError, ProjectError
from lib_music.ffmpeg import ffmpeg_exe
from lib_music.track import Cover, Track, prepare_cover
from lib_music.track.art import generate_cover
from lib_music.track.cover import BACKGROUND, MAX_BYTES, MAX_SIDE, MIN_SIDE, check_cover

TRACK = Track("A Title", ("An Artist",), 10.0)
#: Where the four colours of the test card lie, as fractions of its width and height.
CORNERS = {"red": (0.25, 0.25), "green": (0.75, 0.25), "blue": (0.25, 0.75), "white": (0.75, 0.75)}
COLOURS = {"red": (220, 30, 40), "green": (40, 190, 60), "blue": (30, 60, 210), "white": (245, 245, 245)}


def card(width: int = 96, height: int = 64) -> Image.Image:
    """A test card of four coloured quarters."""
    pixels = np.zeros((height, width, 3), np.uint8)
    for name, (x, y) in CORNERS.items():
        rows = slice(0, height // 2) if y < 0.5 else slice(height // 2, height)
        columns = slice(0, width // 2) if x < 0.5 else slice(width // 2, width)
        pixels[rows, columns] = COLOURS[name]
    return Image.fromarray(pixels)


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def prepared(data: bytes, tmp_path: Path, name: str = "cover.bin") -> Image.Image:
    """The picture as it leaves, after every promise about its form is checked."""
    (tmp_path / name).write_bytes(data)
    out = tmp_path / "out" / "cover.png"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cover = prepare_cover(tmp_path / name, tmp_path / "no song", TRACK, out)
    assert cover == Cover(out, "own file")
    assert [path.name for path in out.parent.iterdir()] == ["cover.png"]
    with Image.open(out) as image:
        image.load()
        assert (image.format, image.mode) == ("PNG", "RGB")
        assert min(image.size) >= MIN_SIDE
        assert max(image.size) <= MAX_SIDE
        assert not set(image.info) & {"icc_profile", "exif", "transparency", "comment"}
        return image


def assert_card(image: Image.Image, tolerance: int = 12) -> None:
    for name, (x, y) in CORNERS.items():
        pixel = image.getpixel((int(x * image.width), int(y * image.height)))
        assert np.abs(np.subtract(pixel, COLOURS[name])).max() <= tolerance, (name, pixel)


PLAIN = {
    "jpeg": encode(card(), "JPEG", quality=95),
    "progressive": encode(card(), "JPEG", quality=95, progressive=True),
    "png": encode(card(), "PNG"),
    "interlaced palette": encode(card().convert("P", palette=Image.Palette.ADAPTIVE), "PNG"),
    "webp": encode(card(), "WEBP", lossless=True),
    "gif": encode(card(), "GIF"),
    "bmp": encode(card(), "BMP"),
    "tiff": encode(card(), "TIFF"),
    "tiff lzw": encode(card(), "TIFF", compression="tiff_lzw"),
    "opaque rgba": encode(card().convert("RGBA"), "PNG"),
    "animated gif": encode(card(), "GIF", save_all=True, append_images=[Image.new("RGB", (96, 64))] * 3),
    "animated webp": encode(card(), "WEBP", lossless=True, save_all=True, append_images=[Image.new("RGB", (96, 64))]),
    "animated png": encode(card(), "PNG", save_all=True, append_images=[Image.new("RGB", (96, 64))]),
}


@pytest.mark.parametrize("kind", PLAIN)
def test_every_kind_of_picture(tmp_path: Path, kind: str) -> None:
    image = prepared(PLAIN[kind], tmp_path)
    assert image.size == (96, 64)
    assert_card(image)


def test_the_suffix_does_not_matter(tmp_path: Path) -> None:
    assert_card(prepared(PLAIN["webp"], tmp_path, "cover.jpg"))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    back = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]  # Image.Transpose that undoes it
    turned = card() if back is None else card().transpose(Image.Transpose(back))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = prepared(encode(turned, "JPEG", quality=95, exif=exif.tobytes()), tmp_path)
    assert image.size == (96, 64)
    assert_card(image)


def test_broken_exif_does_not_cost_the_picture(tmp_path: Path) -> None:
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0\xff\xff\xff\xff" * 9
    assert_card(prepared(encode(card(), "JPEG", quality=95, exif=exif), tmp_path))


def test_cmyk(tmp_path: Path) -> None:
    assert_card(prepared(encode(card().convert("CMYK"), "TIFF"), tmp_path), 20)
    # Pillow, like Adobe's programs, stores CMYK in JPEG upside down and says so
    data = encode(card().convert("CMYK"), "JPEG", quality=95)
    assert b"Adobe" in data
    assert_card(prepared(data, tmp_path), 20)


def test_what_is_transparent_shows_a_neutral_ground(tmp_path: Path) -> None:
    clear = card().convert("RGBA")
    clear.paste((0, 0, 0, 0), (0, 0, 48, 32))
    palette = Image.new("P", (96, 64), 0)
    palette.putpalette([0, 0, 0, 220, 30, 40])
    palette.paste(1, (48, 0, 96, 64))
    for data in (encode(clear, "PNG"), encode(clear, "WEBP", lossless=True), encode(clear, "TIFF"),
                 encode(palette, "PNG", transparency=0), encode(palette, "GIF", transparency=0),
                 encode(clear.convert("LA"), "PNG")):
        assert prepared(data, tmp_path).getpixel((20, 10)) == BACKGROUND
    half = Image.new("RGBA", (32, 32), (255, 255, 255, 128))
    assert prepared(encode(half, "PNG"), tmp_path).getpixel((5, 5)) == pytest.approx((192,) * 3, abs=2)


@pytest.mark.parametrize(("dtype", "top", "kind"), [
    (np.uint8, 255, "PNG"), (np.uint16, 65535, "PNG"), (np.uint16, 65535, "TIFF"), (np.int32, 65535, "TIFF"),
    (np.float32, 1.0, "TIFF"), (np.float32, 255.0, "TIFF"),
])
def test_greys_of_any_depth(tmp_path: Path, dtype: type, top: float, kind: str) -> None:
    ramp = np.linspace(0, top, 64)[None, :].repeat(32, 0).astype(dtype)
    image = np.asarray(prepared(encode(Image.fromarray(ramp), kind), tmp_path))
    np.testing.assert_allclose(image[16, :, 0], np.linspace(0, 255, 64), atol=2)
    assert (image[..., 0] == image[..., 2]).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -5.0, 0.0])
def test_floats_that_are_no_greys(tmp_path: Path, value: float) -> None:
    odd = np.full((32, 32), value, np.float32)
    odd[16:] = 0.5
    prepared(encode(Image.fromarray(odd), "TIFF"), tmp_path)
    prepared(encode(Image.fromarray(odd[:16].repeat(2, 0)), "TIFF"), tmp_path)


def test_black_and_white(tmp_path: Path) -> None:
    image = prepared(encode(card().convert("1"), "PNG"), tmp_path)
    assert set(np.asarray(image).ravel()) == {0, 255}


def test_colour_profiles_are_followed_and_broken_ones_ignored(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert_card(prepared(encode(card(), "PNG", icc_profile=profile), tmp_path), 2)
    assert_card(prepared(encode(card(), "PNG", icc_profile=b"not a profile" * 20), tmp_path), 0)
    assert_card(prepared(encode(card(), "PNG", icc_profile=profile[:300]), tmp_path), 0)


def test_large_pictures_are_scaled_down(tmp_path: Path) -> None:
    for kind, side in (("JPEG", 4800), ("PNG", 2400)):
        image = prepared(encode(card(side, side * 2 // 3), kind), tmp_path)
        assert image.size == (2048, 1365)
        assert_card(image)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize(("size", "kept"), [
    ((20, 5000), (16, 2048)), ((5000, 20), (2048, 16)), ((21, 30_000), (16, 2048)), ((16, 16), (16, 16)),
    ((16, 2048), (16, 2048)), ((100, 5000), (41, 2048)),
])
def test_a_strip_keeps_its_middle(tmp_path: Path, kind: str, size: tuple[int, int], kept: tuple[int, int]) -> None:
    strip = Image.new("RGB", size, (200, 30, 30))
    long = max(size)
    middle = (0, long // 3, size[0], long - long // 3) if size[1] == long else (long // 3, 0, long - long // 3, size[1])
    strip.paste((30, 60, 210), middle)
    image = prepared(encode(strip, kind), tmp_path)
    assert image.size == kept
    assert np.abs(np.subtract(image.getpixel((kept[0] // 2, kept[1] // 2)), (30, 60, 210))).max() <= 12


def photo(side: int = 256) -> Image.Image:
    """A picture with something in every row."""
    noise = np.random.default_rng(5).integers(0, 60, (side, side, 3))
    ramp = np.linspace(0, 190, side)[:, None, None]
    return Image.fromarray((noise + ramp).astype(np.uint8))


@pytest.mark.parametrize("keep", [0.4, 0.7, 0.99])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_a_jpeg_cut_short_is_used_as_far_as_it_goes(tmp_path: Path, keep: float, options: dict[str, Any]) -> None:
    whole = encode(photo(), "JPEG", quality=90, **options)
    (tmp_path / "own.jpg").write_bytes(whole[: int(keep * len(whole))])
    check_cover(tmp_path / "own.jpg")
    cover = prepare_cover(tmp_path / "own.jpg", tmp_path / "no song", TRACK, tmp_path / "out.png")
    assert cover.source == "own file" and cover.warnings == ("own.jpg is cut short; what there is of it is used",)
    with Image.open(cover.path) as image:
        found = np.asarray(image, float)
    assert found.shape[1:] == (256, 3)
    if options.get("progressive"):
        assert len(found) == 256
    else:
        assert keep - 0.15 <= len(found) / 256 <= keep + 0.1
    upper = np.asarray(photo(), float)[: int(len(found) * 0.8)]
    assert np.abs(found[: len(upper)] - upper).mean() < 20, "it is the picture, not the ground"


def test_of_a_cut_photograph_that_lies_on_its_side_the_right_part_is_kept(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = encode(photo(), "JPEG", quality=90, exif=exif.tobytes())
    (tmp_path / "own.jpg").write_bytes(whole[: len(whole) // 2])
    cover = prepare_cover(tmp_path / "own.jpg", tmp_path / "no song", TRACK, tmp_path / "out.png")
    with Image.open(cover.path) as image:
        assert image.height == 256 and 90 <= image.width <= 150


def test_nothing_of_a_cut_picture_changes_how_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "own.jpg").write_bytes(encode(photo(), "JPEG")[:-4000])
    check_cover(tmp_path / "own.jpg")
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
    (tmp_path / "cut.png").write_bytes(PLAIN["png"][:-30])
    with pytest.raises(CoverError, match="damaged"):
        check_cover(tmp_path / "cut.png")


# --- what cannot be used ------------------------------------------------------------------------------


def refused(path: Path, out: Path) -> str:
    """The message with which a picture is refused; exit code 2, one line, nothing written."""
    before = sorted(out.parent.rglob("*"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(CoverError) as caught:
            prepare_cover(path, out.parent / "no song", TRACK, out)
    assert caught.value.exit_code == 2
    assert caught.value.fix
    assert "\n" not in str(caught.value)
    assert sorted(out.parent.rglob("*")) == before
    return str(caught.value)


def png_claiming(width: int, height: int) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10_000)))
            + chunk(b"IEND", b""))


BAD = {
    "text": (b"This is no picture.", "is not a picture"),
    "svg": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
    "bare svg": (b"\n <svg/>", "SVG"),
    "pdf": (b"%PDF-1.7\n" + bytes(100), "is not a picture"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\nshowpage\n", "is not a picture"),
    "webpage": (b"<!doctype html><html></html>", "is not a picture"),
    "one byte": (b"x", "is not a picture"),
    "jpeg cut": (encode(photo(), "JPEG")[:1000], "is damaged"),
    "jpeg without a picture": (PLAIN["jpeg"][:200], "damaged"),
    "jpeg header": (PLAIN["jpeg"][: PLAIN["jpeg"].index(b"\xff\xda") + 14], "is damaged"),
    "png cut": (PLAIN["png"][:-30], "is damaged"),
    "webp cut": (PLAIN["webp"][: len(PLAIN["webp"]) // 2], "damaged"),
    "gif cut": (PLAIN["gif"][: len(PLAIN["gif"]) // 2], "is damaged"),
    "png scratched": (PLAIN["png"][:60] + b"\xff" * 20 + PLAIN["png"][80:], "is damaged"),
    "bomb": (png_claiming(12_000, 12_000), "12000×12000, over 64 million pixels"),
    "great bomb": (png_claiming(60_000, 60_000), "over 64 million pixels"),
    "endless": (png_claiming(2**31 - 1, 2**31 - 1), "over 64 million pixels"),
    "no size": (png_claiming(0, 0), "damaged"),
    "pixel": (encode(Image.new("RGB", (1, 1)), "PNG"), "1×1, too small"),
    "stamp": (encode(Image.new("RGB", (15, 400)), "PNG"), "15×400, too small"),
    "thread": (encode(Image.new("RGB", (30_000, 15)), "PNG"), "30000×15, too small"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_pictures_are_refused_each_in_its_own_words(tmp_path: Path, kind: str) -> None:
    data, words = BAD[kind]
    (tmp_path / "cover.jpg").write_bytes(data)
    assert words in refused(tmp_path / "cover.jpg", tmp_path / "out.png")


def test_what_is_no_file(tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    (tmp_path / "empty.png").touch()
    (tmp_path / "file").write_bytes(b"x")
    assert "no such cover" in refused(tmp_path / "nothing.png", out)
    assert "no such cover" in refused(tmp_path / "file" / "inside.png", out)
    assert "is a folder" in refused(tmp_path, out)
    said = refused(tmp_path / "empty.png", out)
    assert "empty.png is empty" in said and str(tmp_path) not in said
    assert "cannot open" in refused(Path("nul\0.png"), out)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        assert "device, a pipe" in refused(tmp_path / "pipe.png", out)
        assert "device, a pipe" in refused(Path("/dev/zero"), out)


def test_too_many_bytes(tmp_path: Path) -> None:
    with (tmp_path / "vast.png").open("wb") as file:
        file.truncate(MAX_BYTES + 1_000_000)
    assert "is 51 MB, over 50 MB" in refused(tmp_path / "vast.png", tmp_path / "out.png")


def test_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(PLAIN["png"])
    path.chmod(0)
    if os.access(path, os.R_OK):  # an administrator may read everything: let the system call refuse
        def denied(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", denied)
        monkeypatch.setattr(Path, "read_bytes", denied)
    assert "no permission" in refused(path, tmp_path / "out.png")


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "own.png").write_bytes(PLAIN["png"])
    with pytest.raises(ProjectError, match="cannot write"):
        prepare_cover(tmp_path / "own.png", tmp_path / "no song", TRACK, tmp_path / "own.png" / "cover.png")


@settings(max_examples=150, deadline=20_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(list(PLAIN)), at=st.floats(0, 1), noise=st.binary(min_size=1, max_size=40),
       keep=st.one_of(st.just(1.0), st.floats(0.05, 1)))
def test_damage_gives_a_picture_or_one_clear_error(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], kind: str, at: float, noise: bytes, keep: float
) -> None:
    data = PLAIN[kind]
    start = int(at * len(data))
    path, out = tmp_path / "cover", tmp_path / "out.png"
    path.write_bytes((data[:start] + noise + data[start + len(noise) :])[: max(1, int(keep * len(data)))])
    out.unlink(missing_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            prepare_cover(path, tmp_path / "no song", TRACK, out)
        except CoverError as error:
            assert "\n" not in str(error)
            assert not out.exists()
        else:
            with Image.open(out) as image:
                assert image.mode == "RGB"
    assert sorted(p.name for p in tmp_path.iterdir()) in (["cover"], ["cover", "out.png"])
    assert capfd.readouterr().err == "" or kind == "tiff lzw"  # libtiff itself writes about damaged strips


# --- the picture inside the song ----------------------------------------------------------------------


def run_ffmpeg(*args: str | Path) -> None:
    subprocess.run([ffmpeg_exe(), "-v", "error", "-y", *map(str, args)], check=True, stdin=subprocess.DEVNULL)


def size(n: int) -> bytes:
    return bytes(n >> shift & 0x7F for shift in (21, 14, 7, 0))


def mp3_with(*pictures: tuple[bytes, int, bytes]) -> bytes:
    """An mp3's first bytes, with pictures given as MIME type, kind (3 = front cover) and data."""
    frames = b""
    for mime, kind, data in pictures:
        content = b"\0" + mime + b"\0" + bytes([kind]) + b"\0" + data
        frames += b"APIC" + size(len(content)) + b"\0\0" + content
    return b"ID3\x04\0\0" + size(len(frames)) + frames + b"\xff\xfb\x90\0" + bytes(413)


@pytest.mark.parametrize("kind", ["mp3", "m4a", "flac"])
def test_the_picture_inside_is_found(tmp_path: Path, kind: str) -> None:
    card(128, 96).save(tmp_path / "in.jpg", quality=95)
    song = tmp_path / f"song.{kind}"
    run_ffmpeg("-f", "lavfi", "-i", "sine=440:d=0.5", "-i", tmp_path / "in.jpg", "-map", "0", "-map", "1", "-c:v",
               "copy", "-disposition:v", "attached_pic", song)
    cover = prepare_cover(None, song, TRACK, tmp_path / "out.png")
    assert cover == Cover(tmp_path / "out.png", "embedded")
    with Image.open(cover.path) as image:
        assert image.size == (128, 96)
        assert_card(image)


@pytest.mark.parametrize("kind", ["ogg", "opus"])
def test_the_picture_inside_an_ogg_is_found(tmp_path: Path, kind: str) -> None:
    data, mime = PLAIN["jpeg"], b"image/jpeg"
    block = struct.pack(">II", 3, len(mime)) + mime + struct.pack(">IIIIII", 0, 96, 64, 24, 0, len(data)) + data
    text = base64.b64encode(block).decode().replace("=", "\\=")
    (tmp_path / "tags.txt").write_text(f";FFMETADATA1\nMETADATA_BLOCK_PICTURE={text}\n")
    song = tmp_path / f"song.{kind}"
    run_ffmpeg("-f", "lavfi", "-i", "sine=440:d=0.5", "-i", tmp_path / "tags.txt", "-map_metadata", "1", song)
    cover = prepare_cover(None, song, TRACK, tmp_path / "out.png")
    assert cover.source == "embedded"
    assert_card(Image.open(cover.path))


def test_the_persons_own_comes_first(tmp_path: Path) -> None:
    (tmp_path / "song.mp3").write_bytes(mp3_with((b"image/png", 3, encode(Image.new("RGB", (40, 40)), "PNG"))))
    (tmp_path / "own.png").write_bytes(PLAIN["png"])
    cover = prepare_cover(tmp_path / "own.png", tmp_path / "song.mp3", TRACK, tmp_path / "out.png")
    assert cover.source == "own file"
    assert_card(Image.open(cover.path))


def test_the_front_cover_comes_before_others(tmp_path: Path) -> None:
    other = encode(Image.new("RGB", (40, 40)), "PNG")
    pictures = ((b"image/png", 4, other), (b"image/png", 8, other), (b"image/png", 3, PLAIN["png"]))
    (tmp_path / "song.mp3").write_bytes(mp3_with(*pictures))
    cover = prepare_cover(None, tmp_path / "song.mp3", TRACK, tmp_path / "out.png")
    assert_card(Image.open(cover.path))


@pytest.mark.parametrize(("picture", "words"), [
    ((b"-->", 3, b"http://127.0.0.1:9/cover.jpg"), "only a link"),
    ((b"image/svg+xml", 3, b"<svg/>"), "SVG"),
    ((b"image/png", 3, png_claiming(60_000, 60_000)), "64 million"),
    ((b"image/jpeg", 3, PLAIN["jpeg"][:200]), "damaged"),
    ((b"image/png", 3, encode(Image.new("RGB", (2, 2)), "PNG")), "too small"),
])
def test_a_bad_one_inside_is_passed_over_with_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: tuple[bytes, int, bytes], words: str
) -> None:
    monkeypatch.setattr("lib_music.track.cover.generate_cover", partial(generate_cover, side=64))
    song = tmp_path / "song.mp3"
    song.write_bytes(mp3_with(picture))
    cover = prepare_cover(None, song, TRACK, tmp_path / "out.png")
    assert cover.source == "generated"
    assert len(cover.warnings) == 1 and words in cover.warnings[0] and "passed over" in cover.warnings[0]
    song.write_bytes(mp3_with(picture, (b"image/png", 0, PLAIN["png"])))
    assert prepare_cover(None, song, TRACK, tmp_path / "out.png").source == "embedded"


def test_no_picture_anywhere_is_drawn(tmp_path: Path) -> None:
    (tmp_path / "song.mp3").write_bytes(mp3_with())
    cover = prepare_cover(None, tmp_path / "song.mp3", TRACK, tmp_path / "out.png")
    assert (cover.source, cover.warnings) == ("generated", ())
    with Image.open(cover.path) as image:
        assert (image.mode, image.size) == ("RGB", (1280, 1280))


def test_pillow_is_loaded_late() -> None:
    code = "import sys, lib_music.track.cover; print('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


@pytest.mark.parametrize("own", [True, False])
def test_a_cover_that_is_there_already_is_left_alone(own: bool, tmp_path: Path) -> None:
    (tmp_path / "mine.png").write_bytes(encode(card(), "PNG"))
    given, out = tmp_path / "mine.png" if own else None, tmp_path / "cover.png"
    prepare_cover(given, None, TRACK, out)
    before, held = out.read_bytes(), out.stat()
    prepare_cover(given, None, TRACK, out)
    assert (out.stat().st_mtime_ns, out.stat().st_ino) == (held.st_mtime_ns, held.st_ino)
    out.write_bytes(before[:-1])
    prepare_cover(given, None, TRACK, out)
    assert out.read_bytes() == before, "one that was damaged is written again"
