"""A picture for a song that has none, drawn from its title and artist alone.

Conventions: the same words draw the same picture; pixels are (side, side, 3) float32 linear mixes in OKLab
(Ottosson 2020, https://bottosson.github.io/posts/oklab/) until the very end, uint8 RGB then; positions run
over [-1, 1] with y downwards. Every picture has detail down to a few pixels everywhere, so that the
slightest zoom or turn shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]
Rgb = npt.NDArray[np.uint8]

SIDE = 1280


def generate_cover(title: str, artists: tuple[str, ...], side: int = SIDE) -> Rgb:
    """Draw a square picture seeded by the words. Returns uint8 RGB [shape=(side, side, 3)]."""
    seed = hashlib.sha256("\0".join((title, *artists)).encode("utf-8", "replace")).digest()
    rng = np.random.default_rng(int.from_bytes(seed, "big"))
    canvas = _Canvas.blank(side, rng)
    _MOTIFS[seed[0] % len(_MOTIFS)](canvas)
    canvas.finish()
    return _to_rgb(canvas.lab)


@dataclass
class _Canvas:
    """What is being painted. ``lab`` [shape=(side, side, 3)]; ``palette`` five OKLab colours, dark to light."""

    lab: Field
    x: Field
    y: Field
    palette: Field
    accent: Field
    rng: np.random.Generator

    @classmethod
    def blank(cls, side: int, rng: np.random.Generator) -> _Canvas:
        y, x = np.meshgrid(*[np.linspace(-1, 1, side, dtype=np.float32)] * 2, indexing="ij")
        palette, accent = _palette(rng)
        return cls(np.zeros((side, side, 3), np.float32), x, y, palette, accent, rng)

    @property
    def pixel(self) -> float:
        """The width of one pixel, in coordinates."""
        return 2.0 / len(self.x)

    def noise(self, cells: float, octaves: int = 5, roughness: float = 0.5) -> Field:
        """Fractal value noise, about ``cells`` blobs across, in [0, 1]."""
        import cv2

        side, total = self.x.shape[0], np.zeros_like(self.x)
        for octave in range(octaves):
            n = min(side, int(cells * 2**octave) + 3)
            grid = self.rng.standard_normal((n, n)).astype(np.float32)
            total += roughness**octave * cv2.resize(grid, (side, side), interpolation=cv2.INTER_CUBIC)
        low, high = np.percentile(total[::7, ::7], (1, 99))
        return np.asarray(np.clip((total - low) / (high - low), 0, 1), np.float32)

    def swirl(self, image: Field, amount: float, cells: float) -> Field:
        """Displace an image by noise, as ink is by water (domain warping)."""
        import cv2

        side = self.x.shape[0]
        shift = [(self.noise(cells, 3) - 0.5) * amount for _ in "xy"]
        to_pixels = (side - 1) / 2
        maps = [(axis + move + 1) * to_pixels for axis, move in zip((self.x, self.y), shift, strict=True)]
        warped = cv2.remap(image, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        return np.asarray(warped, np.float32)

    def shade(self, t: Field, first: int = 0, last: int = 4) -> Field:
        """Colours for ``t`` in [0, 1] along the palette from entry ``first`` to ``last``."""
        where = np.linspace(first, last, 1024)
        table = np.stack([np.interp(where, np.arange(5), self.palette[:, c]) for c in range(3)], 1)
        return np.asarray(table[(np.clip(t, 0, 1) * 1023).astype(np.int32)], np.float32)

    def paint(self, colour: Field, cover: Field, opacity: float = 1.0) -> None:
        """Lay a colour, or a field of colours, over the canvas where ``cover`` [0, 1] says."""
        self.lab += (cover * opacity)[..., None] * (colour - self.lab)

    def inside(self, distance: npt.NDArray[Any]) -> Field:
        """How far pixels lie inside a shape given by its signed distance, edges smoothed over one pixel."""
        return np.asarray(np.clip(0.5 - distance / self.pixel, 0, 1), np.float32)

    def finish(self) -> None:
        """Paper grain, fine brush strokes and a darker rim."""
        grain = self.rng.standard_normal(self.x.shape).astype(np.float32)
        strokes = self.noise(60, 3, 0.8) - 0.5
        self.lab[..., 0] += 0.014 * grain + 0.04 * strokes
        self.lab[..., 0] *= 1 - 0.18 * np.clip(self.x**2 + self.y**2 - 0.5, 0, 1)


def _palette(rng: np.random.Generator) -> tuple[Field, Field]:
    """Five colours from dark to light whose hue drifts, and an accent from across the wheel."""
    hue = rng.uniform(0, 360)
    drift = rng.choice([-1, 1]) * rng.uniform(45, 130)
    lightness = np.array([0.18, 0.36, 0.56, 0.75, 0.94])
    chroma = np.array([0.055, 0.105, 0.145, 0.125, 0.05]) * rng.uniform(0.85, 1.15)
    hues = np.deg2rad(hue + drift * np.linspace(0, 1, 5))
    palette = np.stack([lightness, chroma * np.cos(hues), chroma * np.sin(hues)], 1)
    across = np.deg2rad(hue + drift / 2 + 180 + rng.uniform(-25, 25))
    accent = np.array([0.70, 0.17 * np.cos(across), 0.17 * np.sin(across)])
    return palette.astype(np.float32), accent.astype(np.float32)


def _sky(c: _Canvas, tilt: float = 0.6) -> None:
    """A clouded gradient behind everything."""
    clouds = c.swirl(c.noise(2.5), 0.9, 2)
    c.lab[:] = c.shade(tilt * (c.y + 1) / 2 + (1 - tilt) * clouds, 0, 3)


def _disc(c: _Canvas, x: float, y: float, radius: float) -> Field:
    return np.asarray(np.hypot(c.x - x, c.y - y) - radius, np.float32)


def _horizon(c: _Canvas) -> None:
    """A low sun in bands above ranges of hills."""
    _sky(c, 0.75)
    sun_x, sun_y, radius = c.rng.uniform(-0.35, 0.35), c.rng.uniform(-0.35, -0.1), c.rng.uniform(0.38, 0.52)
    sun = _disc(c, sun_x, sun_y, radius)
    c.paint(c.accent, np.exp(-4 * np.clip(sun, 0, None)), 0.35)
    depth = (c.y - sun_y + radius) / (2 * radius)
    body = c.accent + (c.palette[4] - c.accent) * np.clip(1 - depth, 0, 1)[..., None]
    bands = np.where(depth > 0.45, np.sin(depth * 60) + 1.9 - 2.2 * depth, 1)
    c.paint(body, c.inside(sun) * np.clip(bands * 4, 0, 1))
    n = 7
    for i in range(n):
        t = i / (n - 1)
        crest = c.noise(2.2 + 2 * t, 6, 0.48)[0] - 0.5
        line = np.float32(-0.05 + 0.95 * t) + (0.55 - 0.2 * t) * crest
        below = c.y - line[None, :]
        contours = 0.5 + 0.5 * np.sin(below * (90 - 40 * t) + 7 * c.noise(4, 4))
        tone = 0.72 * (1 - t) + 0.22 * contours * np.exp(-2.5 * np.clip(below, 0, None))
        c.paint(c.shade(tone, 0, 4), c.inside(-below))


def _rings(c: _Canvas) -> None:
    """Overlapping sets of rings, as of stones thrown into water."""
    _sky(c, 0.3)
    for i in range(5):
        x, y = c.rng.uniform(-0.8, 0.8, 2)
        radius, width = c.rng.uniform(0.35, 0.95), c.rng.uniform(0.022, 0.06)
        bend_x, bend_y = ((c.noise(3, 3) - 0.5) * 0.14 for _ in "xy")
        distance = np.hypot(c.x - x + bend_x, c.y - y + bend_y)
        wave = 0.5 + 0.5 * np.cos(2 * np.pi * distance / width)
        rim = c.inside(distance - radius)
        line = np.clip((wave - 0.55) * 4, 0, 1) * rim
        colour = c.accent if i == 1 else c.palette[c.rng.integers(2, 5)]
        c.paint(c.palette[0], rim, 0.25)
        c.paint(colour, line, 0.85)
        c.paint(colour, c.inside(distance - radius * 0.18))


def _tiles(c: _Canvas) -> None:
    """A grid of quarter circles, discs and half tiles, each in two colours."""
    n = int(c.rng.integers(4, 7))
    column, row = (np.clip(((axis + 1) / 2 * n).astype(np.int32), 0, n - 1) for axis in (c.x, c.y))
    u, v = ((axis + 1) / 2 * n - cell for axis, cell in ((c.x, column), (c.y, row)))
    turn, kind = c.rng.integers(0, 4, (n, n)), c.rng.integers(0, 5, (n, n))
    back, front = c.rng.integers(0, 3, (n, n)), c.rng.integers(2, 5, (n, n))
    lit = c.rng.random((n, n)) < 0.16
    at = (row, column)
    a, b = np.where(turn[at] & 1, 1 - u, u), np.where(turn[at] & 2, 1 - v, v)
    shapes = [np.hypot(a, b) - 1, np.hypot(a - 0.5, b - 0.5) - 0.42, a + b - 1,
              np.abs(np.hypot(a, b) - 0.7) - 0.18, np.hypot(a, b - 0.5) - 0.5]
    distance = np.choose(kind[at], shapes).astype(np.float32) * (2 / n)
    clouds = c.swirl(c.noise(6), 0.5, 4)
    c.lab[:] = c.palette[back[at]]
    c.lab[..., 0] += 0.14 * (clouds - 0.5)
    colours = np.where(lit[at][..., None], c.accent, c.palette[np.maximum(front, back + 1)[at]])
    stripes = 0.5 + 0.5 * np.sin(distance * 90)
    colours[..., 0] += 0.07 * (stripes - 0.5) + 0.12 * (a - 0.5)
    c.paint(colours.astype(np.float32), c.inside(distance))


def _marble(c: _Canvas) -> None:
    """Ink in water with its contour lines, and a few drops that bend it."""
    ink = c.swirl(c.swirl(c.noise(2, 6), 1.5, 1.5), 0.5, 4)
    drops: list[tuple[Field, float]] = []
    for _ in range(int(c.rng.integers(3, 6))):
        x, y = c.rng.uniform(-0.75, 0.75, 2)
        drops.append((_disc(c, x, y, radius := c.rng.uniform(0.12, 0.42)), radius))
    for distance, radius in drops:
        lens = np.clip(-distance / radius, 0, 1)
        ink = np.where(distance < 0, 1 - ink + 0.35 * lens, ink).astype(np.float32)
    c.lab[:] = c.shade(ink)
    lines = np.abs((ink * 14 + 0.5) % 1 - 0.5)
    c.paint(c.palette[4], np.clip((lines - 0.42) * 14, 0, 1), 0.45)
    c.paint(c.accent, np.clip((ink - 0.80) * 9, 0, 1), 0.8)
    for distance, _ in drops:
        c.paint(c.palette[4], c.inside(np.abs(distance) - 2 * c.pixel), 0.9)


_MOTIFS: tuple[Callable[[_Canvas], None], ...] = (_horizon, _rings, _tiles, _marble)


def _to_rgb(lab: Field) -> Rgb:
    """OKLab to 8-bit sRGB."""
    to_lms = np.array([[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728],
                       [1, -0.0894841775, -1.2914855480]], np.float32)
    to_linear = np.array([[4.0767416621, -3.3077115913, 0.2309699292], [-1.2684380046, 2.6097574011, -0.3413193965],
                          [-0.0041960863, -0.7034186147, 1.7076147010]], np.float32)
    linear = np.clip((lab @ to_lms.T) ** 3 @ to_linear.T, 0, 1)
    table = np.linspace(0, 1, 4096)
    srgb = np.where(table <= 0.0031308, 12.92 * table, 1.055 * table ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(srgb * 255)[np.rint(linear * 4095).astype(np.int32)], np.uint8)
