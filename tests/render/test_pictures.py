"""Section pictures: ordinary covers untouched, plain ones textured, grades that are never mud."""

import itertools

import cv2
import numpy as np
import pytest

from lib_music.demo.cover import paint
from lib_music.render.animatic import Animatic
from lib_music.render.pictures import SectionPictures, delta_e
from lib_music.render.pixels import Rgb, frame_to_rgb
from lib_music.render.texture import DEPTH, MIN_VISIBLE, visibility, weave
from lib_music.track.art import generate_cover
from tests.render.test_animatic import animation

SIZE = 192


def flat(r: int, g: int, b: int) -> Rgb:
    return np.full((120, 120, 3), (r, g, b), np.uint8)


def dim_title() -> Rgb:
    picture = np.full((512, 512, 3), 8, np.uint8)
    cv2.putText(picture, "DARK STAR", (90, 270), cv2.FONT_HERSHEY_SIMPLEX, 2, (34, 30, 30), 4)
    return picture


PLAIN = {
    "grey": flat(128, 128, 128),
    "black": flat(0, 0, 0),
    "white": flat(255, 255, 255),
    "red": flat(190, 30, 40),
    "dim title": dim_title(),
}


def lightness(picture: Rgb) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    return np.asarray(cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[..., 0], np.float32)


@pytest.mark.parametrize("cover", [paint(0, SIZE), paint(7, SIZE), generate_cover("Night Drive", ("Neon",), SIZE)])
def test_an_ordinary_cover_stays_exactly_itself(cover: Rgb) -> None:
    pictures = SectionPictures(cover, "AB", SIZE, SIZE)
    assert not pictures.textured
    assert np.array_equal(pictures.picture("A"), cover)


def test_a_soft_photograph_stays_itself() -> None:
    grid = np.random.default_rng(2).integers(0, 256, (7, 7, 3), dtype=np.uint8)
    soft = np.asarray(cv2.resize(grid, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC), np.uint8)
    assert visibility(soft) > MIN_VISIBLE
    assert np.array_equal(SectionPictures(soft, "AB", SIZE, SIZE).picture("A"), soft)


@pytest.mark.parametrize("name", sorted(PLAIN))
def test_on_a_plain_cover_motion_is_seen_in_every_section(name: str) -> None:
    pictures = SectionPictures(PLAIN[name], "ABCDEF", SIZE, SIZE)
    assert pictures.textured
    assert visibility(pictures.picture("A")) > 2 * MIN_VISIBLE
    for label in "BCDEF":
        assert visibility(pictures.picture(label)) > 3 * MIN_VISIBLE


@pytest.mark.parametrize("name", sorted(PLAIN))
def test_a_nod_on_a_plain_cover_changes_the_frame(name: str) -> None:
    """A zoom of 4 % in one frame, seen as the sync measure sees it: small, in grey levels."""
    still, nodded = (
        cv2.resize(cv2.cvtColor(frame_to_rgb(frame), cv2.COLOR_RGB2GRAY), (64, 64), interpolation=cv2.INTER_AREA)
        for frame in map(np.copy, Animatic(PLAIN[name]).frames(animation(2, zoom=1.04, size=SIZE), 0, None))
    )
    assert np.abs(still.astype(int) - nodded).mean() > 1.5


@pytest.mark.parametrize("name", ["grey", "red", "dim title"])
def test_the_texture_keeps_the_covers_tones(name: str) -> None:
    cover = np.asarray(cv2.resize(PLAIN[name], (SIZE, SIZE), interpolation=cv2.INTER_AREA), np.uint8)
    woven = weave(cover)
    assert np.array_equal(woven, weave(cover)), "the same every time"
    assert np.abs(lightness(woven) - lightness(cover)).max() < 2 * DEPTH + 3
    before, after = (picture.reshape(-1, 3).mean(axis=0) for picture in (cover, woven))
    assert np.abs((before - before.mean()) - (after - after.mean())).max() < 12, "tinted as it was"


def test_a_dim_title_stays_readable() -> None:
    """The letters stand out of their surroundings about as much as before."""
    cover = dim_title()
    letters = cover[..., 0] > 25
    near = cv2.dilate(letters.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool) & ~letters
    was, now = (lightness(p)[letters].mean() - lightness(p)[near].mean() for p in (cover, weave(cover)))
    assert now > 0.5 * was


def test_letters_are_never_mirrored() -> None:
    cover = paint(1, SIZE)
    cv2.putText(cover, "LEFT", (4, 60), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255), 3)
    pictures = SectionPictures(cover, "ABCDEFGH", SIZE, SIZE)
    own = lightness(cover)
    for label in "BCDEFGH":
        made = lightness(pictures.picture(label))
        same, mirrored = (np.corrcoef(made.ravel(), x.ravel())[0, 1] for x in (own, own[:, ::-1]))
        assert same > mirrored


HARBOUR = generate_cover("Harbour", ("Anna",), SIZE)


@pytest.mark.parametrize("cover", [paint(0, SIZE), paint(3, SIZE), HARBOUR, PLAIN["grey"]])
def test_the_first_grades_are_saturated_and_apart(cover: Rgb) -> None:
    """The third and fourth, where choruses and drops are, are the most brilliant; none is olive, brown or grey."""
    pictures = SectionPictures(cover, "ABCDEF", SIZE, SIZE)
    made = {label: pictures.picture(label) for label in "ABCDEF"}
    for label in "BCDEF":
        lab = cv2.cvtColor(made[label].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        chroma = np.hypot(lab[..., 1], lab[..., 2])
        assert chroma.mean() > (29 if label in "CD" else 22), label
        mud = (lab[..., 0] > 20) & (lab[..., 0] < 60) & (lab[..., 2] > 15) & (np.abs(lab[..., 1]) < 15)
        assert mud.mean() < 0.05, label
    assert min(delta_e(a, b) for a, b in itertools.combinations(made.values(), 2)) >= 15
