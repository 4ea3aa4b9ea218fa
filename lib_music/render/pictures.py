"""One picture per section label, all made from the cover, and each without end.

Conventions
-----------
:class:`SectionPictures` grades the cover so that any two labels differ by a mean CIELAB distance (CIE 1976 ΔE) of at
least ``MIN_DELTA_E``; the first label keeps the cover as it is. Choice is greedy (farthest point, Gonzalez 1985) over a
fixed list of grades, so it depends on the cover and the number of labels alone.

An :class:`Atlas` continues a picture beyond its edges by reflection, and lets a ``RATIO`` times smaller copy fade in
at its middle while it is zoomed into (a Droste picture): shown at ``RATIO`` with the small copy in full the frame looks
as it does at 1 without, so a zoom never runs out of picture. It is stored as yuv420p planes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from lib_music.render.pixels import Planes, Rgb, planes, rgb_to_frame
from lib_music.render.texture import MIN_VISIBLE, ZOOMS, middle, visibility, weave

Floats = npt.NDArray[np.float32]

#: Two section pictures differ by at least this mean ΔE, with room for what warping and encoding take away.
MIN_DELTA_E = 22.0
#: A picture repeats inside itself at one RATIO-th of its size.
RATIO = 3.0
#: The atlas reaches this far beyond the frame, so that a turned frame finds picture in its corners.
REACH = 1.5
#: Softness of the small copy's edge while it opens, as a share of its half diagonal.
_IRIS_EDGE = 0.45
#: Largest side of an atlas in pixels; larger frames get less than RATIO times their resolution.
MAX_ATLAS = 3072


@dataclass(frozen=True)
class _Grade:
    """Hue turn (degrees), or part of a three-colour ramp (shadow, middle, light) and its share.

    No grade mirrors: text stays readable.
    """

    hue: float = 0.0
    ramp: tuple[str, str, str] | None = None
    mix: float = 0.0
    part: tuple[float, float] = (0.0, 1.0)


#: Three-colour ramps: they also work on a grey or flat cover. Their middle is saturated, whatever the cover. Most songs
#: open with the cover itself and a verse, and their chorus and drop come third and fourth: the calm ramp is the first,
#: the most brilliant ones follow.
_RAMPS = (
    ("#0b1a5c", "#1f86e0", "#d6f6ff"),  # midnight, azure, ice
    ("#4a0a4f", "#f0386b", "#ffd166"),  # plum, raspberry, gold
    ("#14104a", "#ff4fa3", "#8ff5ff"),  # ink, pink, cyan
    ("#2a1070", "#9b4dff", "#ffd0f0"),  # indigo, violet, rose
    ("#6a0f1e", "#ff6a2b", "#fff0a8"),  # oxblood, orange, butter
    ("#04404a", "#0fc7b0", "#fff3c4"),  # deep teal, turquoise, cream
    ("#084a34", "#2fcf74", "#f4ffc0"),  # forest, emerald, lime
    ("#1b2a7b", "#ff8a6c", "#ffe9d6"),  # ultramarine, coral, blush
    ("#4b2a7e", "#f7b32b", "#fdf6d8"),  # violet, amber, ivory
)
_HUES = (60.0, 300.0, 120.0, 240.0, 180.0, 90.0, 270.0, 150.0, 210.0)
#: A ramp is spread over the cover's own lightness (2nd to 98th percentile), but over no less than this.
_LEAST_SPAN = 45.0


def _grades() -> tuple[_Grade, ...]:
    """Candidate looks in order of taste: ramps, their crossings, deep and pale ones, turned hues, negatives."""
    ramps = [_Grade(ramp=ramp, mix=0.9) for ramp in _RAMPS]
    crossed = [_Grade(ramp=(a[0], b[1], a[2]), mix=0.9) for a in _RAMPS for b in _RAMPS if a is not b]
    parts = [_Grade(ramp=ramp, mix=0.9, part=part) for part in ((0.0, 0.6), (0.4, 1.0)) for ramp in _RAMPS]
    turned = [_Grade(hue=hue) for hue in _HUES]
    negatives = [_Grade(ramp=(light, mid, shadow), mix=0.9) for shadow, mid, light in _RAMPS]
    return (_Grade(), *ramps, *crossed, *parts, *turned, *negatives)


def _colour(code: str) -> Floats:
    """CIELAB of ``#rrggbb``."""
    rgb = np.frombuffer(bytes.fromhex(code[1:]), np.uint8).reshape(1, 1, 3)
    return np.asarray(_to_lab(rgb)[0, 0], np.float32)


def _to_lab(rgb: Rgb) -> Floats:
    import cv2

    lab: Any = cv2.cvtColor(rgb.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)
    return np.asarray(lab, np.float32)


def _to_rgb(lab: Floats) -> Rgb:
    import cv2

    rgb: Any = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
    return np.clip(np.asarray(rgb) * 255.0 + 0.5, 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class _Tones:
    """Where a cover's lightness lies: what becomes a ramp's ends, L*."""

    low: float
    high: float

    @classmethod
    def of(cls, rgb: Rgb) -> _Tones:
        low, high = np.percentile(_to_lab(rgb)[..., 0], (2, 98))
        missing = max(0.0, _LEAST_SPAN - float(high - low)) / 2
        return cls(float(low) - missing, float(high) + missing)


def _apply(grade: _Grade, rgb: Rgb, tones: _Tones) -> Rgb:
    if grade == _Grade():
        return rgb
    lab = _to_lab(rgb)
    if grade.hue:
        turn = np.deg2rad(grade.hue)
        a, b = lab[..., 1].copy(), lab[..., 2].copy()
        lab[..., 1] = np.cos(turn) * a - np.sin(turn) * b
        lab[..., 2] = np.sin(turn) * a + np.cos(turn) * b
    if grade.ramp is not None:
        stops = np.array([_colour(code) for code in grade.ramp])
        at = np.clip((lab[..., 0] - tones.low) / (tones.high - tones.low), 0.0, 1.0)
        at = grade.part[0] + (grade.part[1] - grade.part[0]) * at
        ramp = np.stack([np.interp(at, (0.0, 0.5, 1.0), stops[:, i]) for i in range(3)], axis=-1)
        lab = ((1 - grade.mix) * lab + grade.mix * ramp).astype(np.float32)
    return _to_rgb(lab)


def delta_e(a: Rgb, b: Rgb) -> float:
    """Mean CIE 1976 ΔE between two pictures of one size."""
    return float(np.linalg.norm(_to_lab(a) - _to_lab(b), axis=2).mean())


def choose_grades(cover: Rgb, n: int, size: tuple[int, int]) -> tuple[_Grade, ...]:
    """``n`` grades for frames of ``size`` (width, height), the first none, each far from all others.

    Judged on what is seen: the frame, and its middle as a zoom shows it; the least of these distances counts.
    """
    import cv2

    fitted = _fit(cover, *size)
    tones = _Tones.of(fitted)
    side = 32
    # One above the other, so that a grade is tried on all views at once.
    views = np.vstack(
        [cv2.resize(middle(fitted, share), (side, side), interpolation=cv2.INTER_AREA) for share in ZOOMS]
    ).astype(np.uint8)
    grades = _grades()

    @cache
    def look(which: int) -> Floats:
        return _to_lab(_apply(grades[which], views, tones)).reshape(len(ZOOMS), side, side, 3)

    def apart(a: int, b: int) -> float:
        return float(np.sqrt(np.square(look(a) - look(b)).sum(axis=3)).mean(axis=(1, 2)).min())

    chosen = [0]
    while len(chosen) < n:
        # The first grade that is far enough, in the list's order of taste; else the farthest there is.
        distances: list[float] = []
        for which in range(len(grades)):
            distances.append(min(apart(which, other) for other in chosen))
            if distances[-1] >= 1.1 * MIN_DELTA_E:
                break
        chosen.append(int(np.argmax(distances)))
    return tuple(grades[which] for which in chosen)


class SectionPictures:
    """The pictures of one song, made when first asked for; at most two atlases are kept.

    Parameters
    ----------
    cover : (h, w, 3) uint8 RGB
    labels : distinct section labels in order of appearance
    width, height : frame size

    Attributes
    ----------
    textured : bool
        The cover was too plain for motion to be seen, and all pictures carry a texture.
    """

    def __init__(self, cover: Rgb, labels: Sequence[str], width: int, height: int) -> None:
        self._size = (width, height)
        fitted = _fit(cover, width, height)
        self.textured = visibility(fitted) < MIN_VISIBLE
        if self.textured:
            density = _density(width, height)
            cover = weave(_fit(cover, round(width * density), round(height * density)))
            fitted = _fit(cover, width, height)
        self._cover, self._tones = cover, _Tones.of(fitted)
        self._grades = dict(zip(labels, choose_grades(cover, len(labels), self._size), strict=True))
        self._atlases: dict[str, Atlas] = {}

    def picture(self, label: str) -> Rgb:
        """The label's picture, (height, width, 3) RGB."""
        width, height = self._size
        return _fit(_apply(self._grades[label], self._cover, self._tones), width, height)

    def atlas(self, label: str) -> Atlas:
        """The label's endless picture."""
        if label not in self._atlases:
            while len(self._atlases) >= 2:
                del self._atlases[next(iter(self._atlases))]
            self._atlases[label] = build_atlas(_apply(self._grades[label], self._cover, self._tones), *self._size)
        return self._atlases[label]


def _fit(rgb: Rgb, width: int, height: int) -> Rgb:
    """Scale and crop to fill ``width`` x ``height`` around the centre."""
    import cv2

    h, w = rgb.shape[:2]
    scale = max(width / w, height / h)
    matrix = np.array([[scale, 0, (width - w * scale) / 2], [0, scale, (height - h * scale) / 2]], np.float64)
    # Half-pixel centres: without it a scaled picture sits half a pixel off.
    matrix[:, 2] += (scale - 1) / 2
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    if scale < 1:
        resized: Any = cv2.resize(rgb, (max(width, round(w * scale)), max(height, round(h * scale))), interpolation=how)
        top, left = (resized.shape[0] - height) // 2, (resized.shape[1] - width) // 2
        return np.ascontiguousarray(resized[top : top + height, left : left + width])
    warped: Any = cv2.warpAffine(rgb, matrix, (width, height), flags=how, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(warped, np.uint8)


@dataclass(frozen=True, eq=False)
class _Inset:
    """The middle of one plane, where the small copy lies: ``plain`` without it, ``difference`` (int16) that it makes.

    ``distance`` from the middle is 255 at the corners.
    """

    area: tuple[slice, slice]
    plain: npt.NDArray[np.uint8]
    difference: npt.NDArray[np.int16]
    distance: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, plane: npt.NDArray[np.uint8]) -> _Inset:
        """The inset that shows the whole plane again, reflections and all, so that it fits in without a seam."""
        import cv2

        height, width = (round(side / RATIO) for side in plane.shape)
        top, left = (plane.shape[0] - height) // 2, (plane.shape[1] - width) // 2
        area = (slice(top, top + height), slice(left, left + width))
        copy = np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA), np.int16)
        plain = plane[area].copy()
        y, x = (np.linspace(-1.0, 1.0, side, dtype=np.float32) for side in plain.shape)
        distance = np.hypot(x[None, :], y[:, None]) * np.float32(255 / np.sqrt(2.0))
        return cls(area, plain, copy - plain, distance.astype(np.uint8))


@dataclass(frozen=True, eq=False)
class _Level:
    """An atlas at one resolution, ``density`` pixels per frame pixel."""

    shown: Planes
    insets: tuple[_Inset, ...]
    density: float

    def mix(self, amount: float) -> None:
        """Open the small copy like an iris: from its middle outwards, whole at 1."""
        import cv2

        reach = (amount * (1.0 + _IRIS_EDGE) - np.arange(256) / 255) / _IRIS_EDGE
        opened = (np.clip(reach, 0.0, 1.0) * 255).astype(np.uint8)
        for shown, inset in zip(self.shown, self.insets, strict=True):
            part: Any = cv2.multiply(inset.difference, cv2.LUT(inset.distance, opened), scale=1 / 255, dtype=cv2.CV_16S)
            shown[inset.area] = cv2.add(inset.plain, part, dtype=cv2.CV_8U)


class Atlas:
    """An endless picture at two resolutions, finest first, centred on the picture's centre."""

    #: Steps in which the small copy appears.
    STEPS = 32

    def __init__(self, levels: tuple[_Level, ...]) -> None:
        self._levels = levels
        self._mixed = [0] * len(levels)

    def planes_for(self, scale: float) -> tuple[Planes, float]:
        """Planes and density to sample for a picture shown at ``scale`` in [1, RATIO]; never shrunk more than twice."""
        which = 1 if scale <= self._levels[1].density else 0
        progress = np.log(max(scale, 1.0)) / np.log(RATIO)
        amount = float(np.clip((progress - 0.35) / 0.6, 0.0, 1.0))
        step = round(amount * self.STEPS)
        if step != self._mixed[which]:
            self._levels[which].mix(step / self.STEPS)
            self._mixed[which] = step
        return self._levels[which].shown, self._levels[which].density


def _density(width: int, height: int) -> float:
    """Pixels of the finest atlas per frame pixel."""
    return min(RATIO, MAX_ATLAS / (REACH * max(width, height)))


def build_atlas(rgb: Rgb, width: int, height: int) -> Atlas:
    """Make the endless picture of ``rgb`` for a frame of ``width`` x ``height``."""
    import cv2

    density = _density(width, height)
    across, down = (int(np.ceil(REACH * side * density / 16)) * 16 for side in (width, height))
    picture = _fit(rgb, round(width * density), round(height * density))
    top, left = (down - picture.shape[0]) // 2, (across - picture.shape[1]) // 2
    margins = (top, down - picture.shape[0] - top, left, across - picture.shape[1] - left)
    fine = np.asarray(cv2.copyMakeBorder(picture, *margins, cv2.BORDER_REFLECT_101), np.uint8)
    coarse = np.asarray(cv2.resize(fine, (across // 2, down // 2), interpolation=cv2.INTER_AREA), np.uint8)
    return Atlas((_level(fine, density), _level(coarse, density / 2)))


def _level(plain: Rgb, density: float) -> _Level:
    shown = planes(rgb_to_frame(plain))
    return _Level(shown, tuple(_Inset.of(plane) for plane in shown), density)
