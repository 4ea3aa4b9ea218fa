"""The demo's cover, drawn in code: a banded sun between mountains, doubled in a lake.

Conventions: pictures are float32 RGB [shape=(size, size, 3)] in [0, 1]; places are fractions of the side, x
to the right and y downwards; lengths given in pixels are for a side of 1024 and scale with it. The same seed
and size give the same picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lib_music.errors import CoverError, RangeError
from lib_music.files import written_aside

Picture = npt.NDArray[np.float32]
Plane = npt.NDArray[np.float32]

HORIZON = 0.645
SUN_X, SUN_Y, SUN_R = 0.5, 0.4, 0.225

# Sky from top to horizon, then the sun's top and foot, then the nearest land.
_PALETTES = (
    ("#0b0a2e", "#3a1266", "#b01f7a", "#ff7a4a", "#fff0a8", "#ff3d81", "#0c0620"),
    ("#03122b", "#0c3a63", "#1f8a92", "#f6c177", "#fff6d5", "#ff8552", "#04121c"),
    ("#14072b", "#4a1942", "#a4303f", "#f29e4c", "#ffe8a3", "#ff5a36", "#12060f"),
    ("#04122a", "#17306e", "#6a4bb0", "#f49ac2", "#fff3e0", "#ff6f91", "#070a22"),
    ("#061a1f", "#0f4c4a", "#4f9d69", "#f4e285", "#fffbe0", "#f4743b", "#03120f"),
)


@dataclass(frozen=True, eq=False)
class _Canvas:
    """What every brush needs: the side, the coordinates, the colours and the seeded hand."""

    size: int
    rng: np.random.Generator
    colours: npt.NDArray[np.float32]

    @property
    def x(self) -> Plane:
        """[shape=(1, size)], centres of the pixels."""
        return ((np.arange(self.size) + 0.5) / self.size).astype(np.float32)[None, :]

    @property
    def y(self) -> Plane:
        """[shape=(size, 1)]."""
        return np.ascontiguousarray(self.x.T)

    @property
    def pixel(self) -> float:
        """One pixel of a 1024 print, as a fraction of the side."""
        return 1 / 1024

    def soft(self, distance: Plane, width: float = 0.0) -> Plane:
        """1 inside (distance < 0), 0 outside, with an edge at least one real pixel wide."""
        width = max(width, 1.0 / self.size)
        return np.asarray(np.clip(0.5 - distance / width, 0, 1), np.float32)

    def clouds(self, first: int, octaves: int, stretch: float = 1.0, gain: float = 0.5) -> Plane:
        """Fractal noise in [0, 1] [shape=(size, size)], ``first`` cells a side, flattened by ``stretch``."""
        import cv2

        total = np.zeros((self.size, self.size), np.float32)
        for octave in range(octaves):
            cells = first * 2**octave
            grid = self.rng.standard_normal((max(2, int(cells * stretch)), max(2, cells))).astype(np.float32)
            total += gain**octave * cv2.resize(grid, (self.size, self.size), interpolation=cv2.INTER_CUBIC)
        low, high = np.percentile(total, (1, 99))
        return np.asarray(np.clip((total - low) / (high - low), 0, 1), np.float32)


def _rgb(code: str) -> list[float]:
    return [int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]


def _over(below: Picture, above: npt.NDArray[np.float32], alpha: Plane) -> Picture:
    """Lay ``above`` (a picture or one colour) over ``below``."""
    return np.asarray(below + (above - below) * alpha[..., None], np.float32)


def _blend(stops: npt.NDArray[np.float32], position: Plane) -> Picture:
    """Colours along a gradient of equal stops at ``position`` in [0, 1]."""
    at = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(position, at, stops[:, c]) for c in range(3)], axis=-1).astype(np.float32)


def _sky(canvas: _Canvas) -> Picture:
    """Gradient, glow around the sun, two banks of cloud and the stars above them."""
    x, y, colours = canvas.x, canvas.y, canvas.colours
    sky = _blend(colours[:4], np.broadcast_to(np.clip(y / HORIZON, 0, 1) ** 1.1, (canvas.size, canvas.size)))
    far = np.hypot(x - SUN_X, y - SUN_Y)
    sky = _over(sky, colours[3], 0.55 * np.exp(-((far / 0.30) ** 2)))
    nebula = canvas.clouds(3, 6, 1.6)
    sky = _over(sky, colours[2], 0.5 * np.clip(nebula * 1.7 - 0.8, 0, 1) * np.clip(1.1 - y / HORIZON, 0, 1))
    sky = _stars(canvas, sky)
    streaks = canvas.clouds(3, 6, 7.0, 0.55)
    veil = np.clip(streaks * 2.6 - 1.35, 0, 1) * np.exp(-(((y - 0.47) / 0.16) ** 2))
    return _over(sky, 0.5 * colours[3] + 0.5 * colours[4], 0.55 * veil)


def _stars(canvas: _Canvas, sky: Picture) -> Picture:
    """Some 900 stars, brighter ones fewer, a few with rays; none near the sun."""
    import cv2

    size, rng = canvas.size, canvas.rng
    light = np.zeros((size, size), np.float32)
    for _ in range(900):
        px, py = rng.uniform(0, 1), rng.uniform(0, 0.55) ** 1.15
        strength = 0.25 + 0.75 * rng.uniform() ** 5
        centre = (int(px * size * 16), int(py * size * 16))
        radius = (0.5 + 1.1 * strength) * size / 1024
        cv2.circle(light, centre, max(8, int(radius * 16)), strength, -1, cv2.LINE_AA, 4)
        if strength > 0.93:
            reach = int(12 * strength * size / 1024)
            at = (int(px * size), int(py * size))
            for dx, dy in ((reach, 0), (0, reach)):
                cv2.line(light, (at[0] - dx, at[1] - dy), (at[0] + dx, at[1] + dy), 0.5, 1, cv2.LINE_AA)
    light += 1.2 * cv2.GaussianBlur(light, (0, 0), 3 * size / 1024)
    hidden = np.clip(np.hypot(canvas.x - SUN_X, canvas.y - SUN_Y) / SUN_R - 1.1, 0, 1) * np.clip(
        1.6 - 2.6 * canvas.y, 0, 1)
    return np.asarray(np.clip(sky + (light * hidden)[..., None] * np.array([1, 0.96, 0.9]), 0, 1), np.float32)


def _sun(canvas: _Canvas, sky: Picture) -> Picture:
    """The disc: a gradient, cut by bands that widen towards its foot, mottled so that a turn of it shows."""
    x, y, colours = canvas.x, canvas.y, canvas.colours
    far = np.hypot(x - SUN_X, y - SUN_Y)
    down = np.clip((y - SUN_Y + SUN_R) / (2 * SUN_R), 0, 1)
    disc = _blend(np.stack([colours[4], colours[3], colours[5]]), np.broadcast_to(down, far.shape))
    mottle = canvas.clouds(10, 6, 1.0, 0.75)
    disc = np.clip(disc * (0.8 + 0.34 * mottle[..., None]), 0, 1)
    alpha = canvas.soft(far - SUN_R)
    bands = np.zeros((canvas.size, 1), np.float32)
    for k in range(7):
        middle, half = SUN_Y - 0.02 + 0.0345 * k, 0.0012 + 0.00145 * k
        bands = np.maximum(bands, canvas.soft(np.abs(y - middle) - half))
    disc = _over(disc, 0.55 * colours[2] + 0.45 * colours[1], 0.85 * np.broadcast_to(bands, far.shape))
    halo = np.exp(-np.clip(far - SUN_R, 0, None) / 0.05) * (far > SUN_R)
    sky = _over(sky, colours[4], 0.45 * halo.astype(np.float32))
    ring = np.exp(-((far - SUN_R * 1.22) ** 2) / (2 * (0.9 * canvas.pixel) ** 2))
    return _over(_over(sky, disc, alpha), colours[4], 0.35 * ring.astype(np.float32))


def _skyline(canvas: _Canvas, layer: float) -> Plane:
    """Height of a ridge above the horizon by column [shape=(size,)]: peaks left and right, a gap for the sun."""
    x = canvas.x[0]
    height = np.zeros_like(x)
    for octave in range(9):
        knots = canvas.rng.uniform(-1, 1, 4 * 2**octave + 3)
        at = np.linspace(-0.1, 1.1, knots.size)
        height += 0.56**octave * np.interp(x, at, knots).astype(np.float32)
    frame = np.abs(x - SUN_X) * 2
    tall = (0.055 + 0.19 * (1 - layer)) * np.clip(frame, 0, 1) ** (0.8 + 0.6 * layer) + 0.028
    return np.asarray(np.clip(tall * (1 + 0.5 * height), 0.006, None), np.float32)


def _ridges(canvas: _Canvas, picture: Picture) -> Picture:
    """Five ranges, the far ones hazy, each carved by light from the sun's side and rimmed by it."""
    x, y, colours = canvas.x, canvas.y, canvas.colours
    side = np.sign(SUN_X - x)
    for layer in np.linspace(0, 1, 5):
        crest = HORIZON - _skyline(canvas, float(layer))[None, :]
        depth = np.broadcast_to(y - crest, (canvas.size, canvas.size))
        haze = 0.62 * (1 - layer) + 0.03
        base = colours[6] * (1 - haze) + (0.55 * colours[2] + 0.45 * colours[3]) * haze
        relief = canvas.clouds(9, 7, 0.8, 0.62)
        folds = np.clip(side * np.gradient(relief, axis=1) * canvas.size / 26, -1, 1)
        lit = np.clip(0.5 * folds, 0, 1) * np.exp(-depth / 0.09) * (1.15 - 0.6 * layer)
        rock = np.asarray(base * (0.86 + 0.28 * relief[..., None]), np.float32)
        rock = _over(rock, 0.4 * colours[3] + 0.6 * colours[5], np.clip(lit, 0, 1).astype(np.float32))
        rim = np.exp(-np.clip(depth, 0, None) / (3.5 * canvas.pixel)) * (0.75 - 0.5 * layer)
        rock = _over(rock, colours[3], rim.astype(np.float32))
        mist = np.exp(-np.clip(HORIZON - y, 0, None) / 0.018) * 0.55 * (1 - layer)
        rock = _over(rock, colours[3], np.broadcast_to(mist, depth.shape).astype(np.float32))
        picture = _over(picture, rock, canvas.soft(-depth))
    return picture


def _lake(canvas: _Canvas, picture: Picture) -> Picture:
    """The land and sky again below the horizon, broken by ripples that grow towards the eye."""
    import cv2

    size, colours = canvas.size, canvas.colours
    x, y = canvas.x, canvas.y
    near = np.clip((y - HORIZON) / (1 - HORIZON), 0, 1)
    ripple = canvas.clouds(5, 6, 12.0, 0.6) - 0.5
    swell = np.sin(2 * np.pi * 7.5 * np.log1p(9 * near) + 5 * ripple + 2 * np.sin(5 * x))
    map_x = (x + near * 0.05 * ripple + 0.0035 * swell * (0.3 + near)) * size - 0.5
    map_y = (2 * HORIZON - y - 0.35 * near * (y - HORIZON) + 0.02 * near * ripple) * size - 0.5
    mirror = cv2.remap(picture, map_x.astype(np.float32), map_y.astype(np.float32), cv2.INTER_LINEAR,
                       borderMode=cv2.BORDER_REFLECT)
    # Water keeps the hue of what it mirrors and loses light: multiplied, then tinted.
    water = np.asarray(mirror * (0.92 - 0.42 * near[..., None]) + 0.13 * near[..., None] * colours[2], np.float32)
    fine = canvas.clouds(40, 4, 6.0, 0.7)
    path = np.exp(-(((x - SUN_X) / (0.09 + 0.13 * near)) ** 2))
    glitter = np.clip((fine + 0.25 * swell) * 3.2 - 2.05, 0, 1) * path * (0.95 - 0.35 * near)
    crests = np.clip(fine * 3.0 - 2.0, 0, 1) * (0.10 + 0.25 * near)
    water = _over(_over(water, colours[2], crests.astype(np.float32)), colours[4], glitter.astype(np.float32))
    shore = np.exp(-((y - HORIZON) ** 2) / (2 * (1.3 * canvas.pixel) ** 2)) * (0.12 + 0.5 * path)
    water = _over(water, colours[4], np.asarray(shore, np.float32))
    return _over(picture, water, np.broadcast_to(canvas.soft(HORIZON - y), (size, size)))


def _pine(canvas: _Canvas, mask: npt.NDArray[np.uint8], x: float, foot: float, height: float) -> None:
    """Draw one conifer into ``mask``: a trunk and ragged boughs, drooping."""
    import cv2

    size, rng = mask.shape[0], canvas.rng
    tiers = int(9 + 22 * height)
    for tier in range(tiers):
        u = tier / tiers
        top = foot - height * (1 - u * 0.94)
        reach = height * 0.23 * u**0.85 * rng.uniform(0.75, 1.15) + 0.0015
        droop = height * rng.uniform(0.045, 0.085)
        left, right = reach * rng.uniform(0.8, 1.15), reach * rng.uniform(0.8, 1.15)
        points = np.array([(x, top - 0.03 * height), (x + right, top + droop), (x + right * 0.45, top + droop * 0.7),
                           (x, top + droop * 1.1), (x - left * 0.45, top + droop * 0.7), (x - left, top + droop)])
        cv2.fillPoly(mask, [np.round(points * size * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    trunk = np.array([(x - 0.012 * height, foot + 0.02), (x, foot - height), (x + 0.012 * height, foot + 0.02)])
    cv2.fillPoly(mask, [np.round(trunk * size * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)


def _bird(mask: npt.NDArray[np.uint8], at: npt.NDArray[np.float64], span: float, lift: float) -> None:
    """Draw a gliding bird into ``mask``: two tapering wings of ``span``, raised by ``lift`` spans."""
    import cv2

    u = np.linspace(-1, 1, 41)
    top = -lift * np.sin(np.pi * np.abs(u) ** 0.8) - 0.12 * np.abs(u)
    thick = 0.16 * (1 - np.abs(u)) ** 0.7 + 0.02
    outline = np.concatenate([np.stack([u, top], axis=1), np.stack([u, top + thick], axis=1)[::-1]])
    cv2.fillPoly(mask, [np.round((at + span * outline) * mask.shape[0] * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)


def _foreground(canvas: _Canvas, picture: Picture) -> Picture:
    """A dark shore with pines that frames the picture left and right, and birds across the sun."""
    import cv2

    size, rng, colours = canvas.size, canvas.rng, canvas.colours
    mask = np.zeros((size, size), np.uint8)
    x = canvas.x[0]
    bank = 0.985 - 0.17 * np.clip(np.abs(x - 0.5) * 2, 0, 1) ** 2.6
    bank = bank - 0.012 * np.interp(x, np.linspace(0, 1, 90), rng.uniform(0, 1, 90)).astype(np.float32)
    mask[canvas.y > bank[None, :]] = 255
    for spot in np.sort(rng.uniform(0, 1, 46)):
        place = 0.5 + np.sign(spot - 0.5) * (0.5 - 0.26 * (2 * min(spot, 1 - spot)) ** 0.8)
        foot = float(np.interp(place, x, bank)) + 0.01
        edge = abs(place - 0.5) * 2
        _pine(canvas, mask, float(place), foot, float(rng.uniform(0.05, 0.13) + 0.25 * max(0.0, edge - 0.5) ** 1.3))
    for k in range(7):
        at = np.array([SUN_X - 0.07 + 0.034 * k, SUN_Y - 0.055 - 0.015 * k]) + rng.normal(0, 0.004, 2)
        _bird(mask, at, float(rng.uniform(0.009, 0.017)), float(rng.uniform(0.25, 0.6)))
    alpha = mask.astype(np.float32) / 255
    lit = np.clip(alpha - cv2.GaussianBlur(alpha, (0, 0), 2.2 * size / 1024), 0, 1)
    leaves = canvas.clouds(60, 3)
    ground = np.asarray(colours[6] * (0.55 + 0.7 * leaves[..., None]), np.float32)
    ground = _over(ground, 0.5 * colours[5] + 0.5 * colours[2], np.asarray(0.5 * lit, np.float32))
    return _over(picture, ground, np.asarray(alpha, np.float32))


def _print(canvas: _Canvas, picture: Picture) -> npt.NDArray[np.uint8]:
    """Bloom, a vignette, the grain of paper, and eight bits."""
    import cv2

    bright = np.clip(picture - 0.62, 0, 1)
    picture = picture + 0.55 * cv2.GaussianBlur(bright, (0, 0), canvas.size / 45)
    corner = np.hypot(canvas.x - 0.5, canvas.y - 0.5)
    picture = picture * (1.03 - 0.42 * corner[..., None] ** 2)
    grain = canvas.rng.normal(0, 0.016, (canvas.size, canvas.size, 1)).astype(np.float32)
    return np.asarray(np.round(255 * np.clip(picture + grain, 0, 1)), np.uint8)


def paint(seed: int, size: int = 1024) -> npt.NDArray[np.uint8]:
    """Paint the cover: RGB [shape=(size, size, 3)] uint8.

    Raises
    ------
    RangeError
        For a size outside 64 to 4096.
    """
    if not 64 <= size <= 4096:
        raise RangeError(f"cover size {size!r} is outside 64 to 4096", "give 1024")
    rng = np.random.default_rng(seed)
    colours = np.array([_rgb(code) for code in _PALETTES[seed % len(_PALETTES)]], np.float32)
    canvas = _Canvas(size, rng, colours)
    picture = _ridges(canvas, _sun(canvas, _sky(canvas)))
    return _print(canvas, _foreground(canvas, _lake(canvas, picture)))


def draw_cover(seed: int, path: Path | str, size: int = 1024) -> Path:
    """Paint a cover and save it (png, jpg or webp by suffix), written aside and then renamed.

    Parameters
    ----------
    seed : int
        Colours and terrain.
    path : Path or str
    size : int
        Pixels a side, 64 to 4096.

    Raises
    ------
    CoverError
        For another suffix.
    ProjectError
        When the disk refuses.
    RangeError
        For a size out of range.
    """
    from PIL import Image

    path = Path(path)
    kind = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}.get(path.suffix.lower())
    if kind is None:
        raise CoverError(f"cannot write {path.name!r}", "choose .png, .jpg or .webp")
    with written_aside(path) as aside:
        Image.fromarray(paint(seed, size)).save(aside, kind, quality=93)
    return path
