"""The look of pictures whose look is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lib_music.prompts.palette import COLOUR_NAMES, Palette, describe_palette, lightness_of, name_of, rgb_to_lab

Rgb = np.ndarray


def flat(r: int, g: int, b: int, side: int = 64) -> Rgb:
    return np.full((side, side, 3), (r, g, b), np.uint8)


def noise(side: int = 256, cell: int = 1) -> Rgb:
    values = np.random.default_rng(1).integers(0, 256, (side // cell, side // cell, 1), np.uint8)
    return np.repeat(values.repeat(cell, 0).repeat(cell, 1), 3, axis=2)


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((0, 0, 0), "black"), ((255, 255, 255), "white"), ((200, 20, 25), "red"), ((255, 140, 30), "tangerine"),
        ((10, 120, 120), "teal"), ((20, 30, 90), "navy"), ((250, 220, 20), "yellow"), ((125, 125, 125), "gray"),
    ],
)  # fmt: skip
def test_plain_colours_have_their_names(rgb: tuple[int, int, int], name: str) -> None:
    (colour,) = describe_palette(flat(*rgb)).colours
    assert colour.name == name and colour.rgb == rgb and colour.share == 1


def test_every_name_is_its_own_nearest() -> None:
    for name, code in COLOUR_NAMES.items():
        rgb = [[int(code[i : i + 2], 16) for i in (0, 2, 4)]]
        assert name_of(rgb_to_lab(rgb)[0]) == name
    assert len(COLOUR_NAMES) >= 60
    assert lightness_of("black") < 0.05 < 0.95 < lightness_of("white")


def test_lab_of_known_colours() -> None:
    lab = rgb_to_lab([[255, 255, 255], [255, 0, 0], [0, 0, 255]])
    assert lab == pytest.approx(np.array([[100, 0, 0], [53.24, 80.09, 67.2], [32.3, 79.19, -107.86]]), abs=0.05)


def test_shares_are_areas() -> None:
    image = flat(245, 245, 245, 100)
    image[:, :30] = (205, 20, 30)
    colours = describe_palette(image).colours
    assert [colour.name for colour in colours] == ["white", "red"]
    assert colours[1].share == pytest.approx(0.3, abs=0.02)


def test_tone_contrast_saturation_warmth() -> None:
    dark, light = describe_palette(flat(15, 15, 20)), describe_palette(flat(240, 235, 230))
    assert (dark.tone, light.tone) == ("dark", "light")
    assert dark.contrast == light.contrast == 0
    halves = flat(0, 0, 0)
    halves[:32] = 255
    assert describe_palette(halves).contrast > 0.95
    assert describe_palette(halves).is_monochrome
    assert describe_palette(flat(255, 130, 20)).warmth > 0.7 > -0.5 > describe_palette(flat(30, 90, 220)).warmth
    assert describe_palette(flat(255, 130, 20)).saturation > 0.6 > 0.05 > light.saturation


def test_texture() -> None:
    ramp = np.linspace(0, 255, 256, dtype=np.uint8)[:, None, None] * np.ones((1, 256, 3), np.uint8)
    disc = flat(245, 245, 245, 256)
    y, x = np.mgrid[:256, :256]
    disc[(y - 128) ** 2 + (x - 128) ** 2 < 70**2] = (200, 20, 30)
    assert describe_palette(ramp).texture == "smooth"
    assert describe_palette(disc).texture == "smooth"
    assert describe_palette(noise()).texture == "fine"
    assert describe_palette(noise(cell=32)).texture == "coarse"


def test_symmetry() -> None:
    half = noise(cell=8)[:, :128]
    assert describe_palette(np.concatenate([half, half[:, ::-1]], axis=1)).symmetry > 0.99
    assert describe_palette(noise(cell=8)).symmetry < 0.3


@settings(max_examples=40, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))))
def test_any_picture_twice(image: Rgb) -> None:
    palette = describe_palette(image)
    assert palette == describe_palette(image)
    assert 1 <= len(palette.colours) <= 6
    assert sum(colour.share for colour in palette.colours) <= 1 + 1e-9


@pytest.mark.parametrize("image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_no_picture(image: Rgb) -> None:
    with pytest.raises(ValueError, match="picture"):
        describe_palette(image)


def test_palette_refuses_what_it_cannot_be() -> None:
    good = describe_palette(flat(1, 2, 3))
    with pytest.raises(ValueError, match="warmth"):
        Palette(good.colours, 0.5, 0.5, 0.5, 2.0, "fine", 0.5)
    with pytest.raises(ValueError, match="colours"):
        Palette((), 0.5, 0.5, 0.5, 0.0, "fine", 0.5)
