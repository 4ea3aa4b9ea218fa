"""The embedded renderer: motion, pull, endless pictures, states."""

import itertools
from fractions import Fraction

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.demo.cover import paint as paint_cover
from lib_music.errors import RenderError
from lib_music.render.animatic import Animatic, Motion, _rebase
from lib_music.render.pictures import SectionPictures, choose_grades, delta_e
from lib_music.render.pixels import Rgb, frame_to_rgb, planes, rgb_to_frame
from lib_music.schedule.animation import Animation, SectionCue
from lib_music.schedule.schedules import Schedule, constant
from lib_music.schedule.timebase import Timebase

SIZE = 256


@pytest.fixture(scope="module")
def cover() -> Rgb:
    return np.asarray(cv2.resize(paint_cover(3, 512), (SIZE, SIZE), interpolation=cv2.INTER_AREA), np.uint8)


def animation(
    n: int,
    *,
    strength: float = 0.65,
    labels: str = "A",
    cadence: int = 1,
    fps: int = 24,
    size: int = SIZE,
    **curves: float | Schedule,
) -> Animation:
    schedules = {"strength_schedule": constant("strength_schedule", strength)}
    for name, value in curves.items():
        schedules[name] = value if isinstance(value, Schedule) else constant(name, value)
    edges = np.linspace(0, n, len(labels) + 1).astype(int)
    cues = tuple(
        SectionCue(int(a), int(b), label, "verse", f"prompt {label}")
        for label, a, b in zip(labels, edges, edges[1:], strict=False)
    )
    return Animation(
        Timebase(Fraction(fps), n), "2D", "replicate", size, size, cadence, schedules, {0: "x"}, {0: ""}, cues
    )


def painted(cover: Rgb, what: Animation) -> list[Rgb]:
    return [frame_to_rgb(frame) for frame in Animatic(cover).frames(what, 0, None)]


def distance(a: Rgb, b: Rgb) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def dot(x: int, y: int) -> Rgb:
    picture = np.zeros((SIZE, SIZE, 3), np.uint8)
    cv2.circle(picture, (x, y), 6, (255, 255, 255), -1)
    return picture


def place(picture: Rgb) -> tuple[float, float]:
    # A black cover carries a texture in dark tones: only the dot is this bright.
    weight = picture[..., 1].astype(float) - 120
    weight[weight < 0] = 0
    y, x = np.mgrid[:SIZE, :SIZE]
    return float((x * weight).sum() / weight.sum()), float((y * weight).sum() / weight.sum())


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(
    ("curves", "to"),
    [
        ({"zoom": 1.1}, (172, 128)),  # +40 px from the centre becomes +44
        ({"angle": 90.0}, (128, 88)),  # counter-clockwise
        ({"translation_x": 10.0}, (178, 128)),  # right
        ({"translation_y": 10.0}, (168, 138)),  # down
        ({"zoom": 1.1, "translation_x": 10.0}, (183, 128)),  # travel is scaled by zoom
    ],
)
def test_motion_is_deforums(curves: dict[str, float], to: tuple[float, float], strength: float) -> None:
    """The measured behaviour of Deforum's 2D warp; the sharp picture is carried along, so strength changes nothing."""
    first, second = painted(dot(168, 128), animation(2, strength=strength, **curves))
    assert place(first) == pytest.approx((168, 128), abs=0.6)
    assert place(second) == pytest.approx(to, abs=1.2)


def test_motion_in_three_dimensions_is_approximated_in_the_plane() -> None:
    what = animation(2, translation_z=10.0, translation_x=10.0, rotation_3d_z=5.0)
    deep = Animation(what.timebase, "3D", "replicate", SIZE, SIZE, 1, what.schedules, {0: "x"}, {0: ""}, what.cues)
    motion = Motion.of(deep)
    assert motion.zoom[1] == pytest.approx(1.083, abs=0.01)
    assert motion.x[1] == pytest.approx(-9, abs=0.5)
    assert motion.angle[1] == 5.0


def test_a_still_song_shows_its_picture(cover: Rgb) -> None:
    frames = painted(cover, animation(5, strength=0.3))
    assert max(distance(frame, cover) for frame in frames) < 2.5
    assert distance(frames[4], frames[0]) < 0.5


@pytest.mark.parametrize("strength", [0.2, 0.5, 0.8])
def test_a_diffused_frame_is_pulled_by_one_minus_strength(cover: Rgb, strength: float) -> None:
    what = animation(8, strength=strength, labels="AB")
    frames = painted(cover, what)
    pictures = SectionPictures(cover, "AB", SIZE, SIZE)
    before, after = (frame_to_rgb(rgb_to_frame(pictures.picture(label))) for label in "AB")
    expected = strength * before.astype(float) + (1 - strength) * after
    assert np.abs(frames[4] - expected).mean() < 2.5
    twice = strength * expected + (1 - strength) * after
    assert np.abs(frames[5] - twice).mean() < 2.5


def test_what_is_diffused_fades_in_over_the_cadence(cover: Rgb) -> None:
    """A block of three takes up half of the new picture in three equal steps, the next one half of what is left."""
    frames = painted(cover, animation(12, strength=0.5, labels="AB", cadence=3))
    pictures = SectionPictures(cover, "AB", SIZE, SIZE)
    before, after = (frame_to_rgb(rgb_to_frame(pictures.picture(label))).astype(float) for label in "AB")
    for frame, share in zip(range(5, 12), (0, 1 / 6, 2 / 6, 3 / 6, 7 / 12, 8 / 12, 9 / 12), strict=True):
        assert np.abs(frames[frame] - ((1 - share) * before + share * after)).mean() < 2.5, frame


@settings(deadline=None, max_examples=5)
@given(st.integers(1, 59))
def test_a_resumed_render_is_bit_for_bit_the_same(at: int) -> None:
    cover = paint_cover(5, 128)
    zoom = Schedule("zoom", tuple((i, 1.0 + 0.03 * (i % 7 == 0)) for i in range(60)))
    what = animation(60, labels="ABA", cadence=2, size=128, zoom=zoom, angle=0.7)
    whole = [frame.copy() for frame in Animatic(cover).frames(what, 0, None)]
    first = Animatic(cover)
    frames = first.frames(what, 0, None)
    for _ in range(at):
        next(frames)
    rest = list(map(np.copy, Animatic(cover).frames(what, at, first.state())))
    assert len(rest) == 60 - at
    assert all(np.array_equal(a, b) for a, b in zip(whole[at:], rest, strict=True))


@pytest.mark.parametrize("state", [b"", b"PK\x03\x04 no archive", b"x" * 1000])
def test_a_damaged_state_is_told(cover: Rgb, state: bytes) -> None:
    with pytest.raises(RenderError, match="state"):
        next(Animatic(cover).frames(animation(9), 3, state))


def sharpness(picture: Rgb) -> float:
    return float(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


def matches(a: Rgb, b: Rgb) -> int:
    """How many features of two pictures belong together (ORB, ratio test)."""
    orb = cv2.ORB_create(800)
    _, one = orb.detectAndCompute(cv2.cvtColor(a, cv2.COLOR_RGB2GRAY), None)
    _, two = orb.detectAndCompute(cv2.cvtColor(b, cv2.COLOR_RGB2GRAY), None)
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(one, two, k=2)
    return sum(1 for pair in pairs if len(pair) == 2 and pair[0].distance < 0.75 * pair[1].distance)


def test_five_minutes_stay_sharp_and_recognisable(cover: Rgb) -> None:
    n = 300 * 12
    what = animation(n, strength=0.72, cadence=2, fps=12, zoom=1.08 ** (1 / 12), angle=6 / 12)
    kept = {i: frame_to_rgb(frame) for i, frame in enumerate(Animatic(cover).frames(what, 0, None)) if i % 40 == 20}
    first = np.mean([sharpness(picture) for i, picture in kept.items() if i < n / 10])
    last = np.mean([sharpness(picture) for i, picture in kept.items() if i >= 9 * n / 10])
    assert last >= 0.5 * first
    other = np.asarray(cv2.resize(paint_cover(11, 512), (SIZE, SIZE), interpolation=cv2.INTER_AREA), np.uint8)
    late = [picture for i, picture in kept.items() if i >= 9 * n / 10]
    assert np.median([matches(picture, cover) for picture in late]) > 1.5 * np.median([matches(p, other) for p in late])


def test_a_long_zoom_stays_in_the_middle() -> None:
    """Deforum turns about the frame's middle, half a pixel from the middle pixel; a hundred octaves must not add up."""
    canvas_place = np.eye(3)
    step = Motion.of(animation(2, zoom=1.1, angle=3.0)).step(1, SIZE, SIZE)
    for _ in range(1200):
        canvas_place = _rebase(step @ canvas_place, (SIZE, SIZE))
    middle = np.array([(SIZE - 1) / 2, (SIZE - 1) / 2, 1.0])
    assert np.abs(np.linalg.inv(canvas_place) @ middle - middle).max() < 3


def test_a_journey_off_the_picture_always_shows_picture(cover: Rgb) -> None:
    frames = painted(cover, animation(200, strength=0.6, translation_x=9.0, translation_y=-5.0))
    assert min(picture.std() for picture in frames) > 0.4 * cover.std()


FLAT = st.builds(lambda r, g, b: np.full((32, 32, 3), (r, g, b), np.uint8), *[st.integers(0, 255)] * 3)
NOISE = st.integers(0, 99).map(lambda seed: np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8))
GREY = NOISE.map(lambda picture: np.repeat(picture[..., :1], 3, axis=2))
DRAWN = st.integers(0, 40).map(lambda seed: paint_cover(seed, 64))


@settings(deadline=None, max_examples=30)
@given(st.one_of(FLAT, NOISE, GREY, DRAWN), st.integers(2, 12))
def test_any_two_labels_differ_visibly(picture: Rgb, n: int) -> None:
    labels = "ABCDEFGHIJKL"[:n]
    pictures = SectionPictures(picture, labels, 64, 64)
    made = {label: pictures.picture(label) for label in labels}
    for i, a in enumerate(labels):
        for b in labels[i + 1 :]:
            assert delta_e(made[a], made[b]) >= 15, (a, b)


def uneven_covers() -> dict[str, Rgb]:
    """Covers whose middle is unlike their edges: what is chosen on the whole must also hold where a zoom looks."""
    thirds = np.zeros((300, 1024, 3), np.uint8)
    thirds[:, :341], thirds[:, 341:682], thirds[:, 682:] = (200, 30, 30), (128, 128, 128), (30, 30, 200)
    centre = np.random.default_rng(1).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    centre[128:384, 128:384] = 128
    ramp = np.repeat(np.linspace(0, 255, 1024).astype(np.uint8)[None, :, None], 3, axis=2)
    return {"thirds": thirds, "grey centre": centre, "gradient": np.repeat(ramp, 400, axis=0)}


@pytest.mark.parametrize("name", ["thirds", "grey centre", "gradient"])
@pytest.mark.parametrize("size", [(96, 96), (160, 88)])
def test_labels_differ_in_what_a_zoom_shows(name: str, size: tuple[int, int]) -> None:
    labels = "ABCDEFGHIJKL"
    pictures = SectionPictures(uneven_covers()[name], labels, *size)
    for share in (1.0, 0.7, 0.52):
        seen = []
        for label in labels:
            picture = pictures.picture(label)
            h, w = (round(side * share / 2) for side in picture.shape[:2])
            cy, cx = picture.shape[0] // 2, picture.shape[1] // 2
            seen.append(picture[cy - h : cy + h, cx - w : cx + w])
        least = min(delta_e(a, b) for a, b in itertools.combinations(seen, 2))
        assert least >= 15, (share, least)


def test_the_first_label_keeps_the_cover(cover: Rgb) -> None:
    pictures = SectionPictures(cover, "AB", SIZE, SIZE)
    assert np.array_equal(pictures.picture("A"), cover)
    assert choose_grades(cover, 5, (64, 64)) == choose_grades(cover, 5, (64, 64))


@pytest.mark.parametrize(("width", "height"), [(64, 64), (512, 288), (288, 512), (1920, 1080)])
def test_any_size(width: int, height: int) -> None:
    what = animation(4, zoom=1.5, angle=20.0)
    wide = Animation(what.timebase, "2D", "wrap", width, height, 1, what.schedules, {0: "x"}, {0: ""}, what.cues)
    frames = list(Animatic(paint_cover(1, 300)).frames(wide, 0, None))
    assert frames[0].shape == (height * 3 // 2, width)
    assert frame_to_rgb(frames[3]).shape == (height, width, 3)


def test_captions_are_written_along_the_bottom_only(cover: Rgb) -> None:
    what = animation(2)
    plain, titled = (frame_to_rgb(next(Animatic(cover, captions=c).frames(what, 0, None))) for c in (False, True))
    rows = np.flatnonzero(np.abs(plain.astype(int) - titled).max(axis=(1, 2)) > 12)
    assert rows.min() > 0.8 * SIZE
    assert titled[rows.min() :].max() > 225


def test_planes_are_views() -> None:
    frame = np.zeros((96, 64), np.uint8)
    y, u, v = planes(frame)
    y[:], u[:], v[:] = 1, 2, 3
    assert sorted(np.unique(frame, return_counts=True)[1].tolist()) == [1024, 1024, 4096]
