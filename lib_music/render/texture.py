"""Whether motion can be seen on a picture, and a woven-in texture for pictures on which it cannot.

Conventions
-----------
A zoom into a flat picture looks like no motion at all. :func:`visibility` measures what is seen: the mean change in
grey levels when the picture grows by a nod's 4 %, in the whole frame and in its middle as a zoom shows it.

:func:`weave` lays contour lines, soft shapes and grain over a picture, in the picture's own tones: only lightness
changes, by twice ``DEPTH`` at most, and little where the picture has details of its own.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from lib_music.render.pixels import Rgb

Floats = npt.NDArray[np.float32]

#: Shares of the frame that are looked at: whole, and zoomed into.
ZOOMS = (1.0, 0.7, 0.5, 0.36)
#: Below this visibility (grey levels) a picture gets a texture: soft photographs have 2, drawn covers 6 to 30.
MIN_VISIBLE = 1.2
#: The texture goes this far up and down, in L* of 100.
DEPTH = 13.0
#: A detail that stands out of its surroundings by this much L* keeps the texture away from itself.
_DETAIL = 4.0
_SIDE, _NOD = 64, 1.04


def middle(rgb: Rgb, share: float) -> Rgb:
    """The part of a picture around its centre that a zoom by ``1 / share`` shows."""
    height, width = (max(1, round(side * share)) for side in rgb.shape[:2])
    top, left = (rgb.shape[0] - height) // 2, (rgb.shape[1] - width) // 2
    return rgb[top : top + height, left : left + width]


def visibility(fitted: Rgb) -> float:
    """Mean change in grey levels by a nod, where it is least among ``ZOOMS``; 0 for a flat picture."""
    return min(_nod_change(middle(fitted, share)) for share in ZOOMS)


def _nod_change(rgb: Rgb) -> float:
    import cv2

    small = cv2.resize(rgb, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float32)
    matrix = cv2.getRotationMatrix2D(((_SIDE - 1) / 2, (_SIDE - 1) / 2), 0.0, _NOD)
    nodded = cv2.warpAffine(grey, matrix, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return float(np.abs(np.asarray(nodded, np.float32) - grey).mean())


def weave(rgb: Rgb) -> Rgb:
    """The picture with a texture in its own tones, the same every time for the same picture."""
    import cv2

    lab: Any = cv2.cvtColor(rgb.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)
    light = np.asarray(lab[..., 0], np.float32)
    blurred = np.asarray(cv2.GaussianBlur(light, (0, 0), max(rgb.shape[:2]) / 48), np.float32)
    detail = np.clip(np.abs(light - blurred) / _DETAIL, 0.0, 1.0)
    detail = np.asarray(cv2.GaussianBlur(detail, (0, 0), max(rgb.shape[:2]) / 200), np.float32)
    seed = zlib.crc32(cv2.resize(rgb, (16, 16), interpolation=cv2.INTER_AREA).tobytes())
    depth = DEPTH * (1.0 - 0.85 * np.minimum(1.0, 1.5 * detail))
    # Near black and near white the texture needs room to both sides: all tones move closer together, none is lost.
    roomy = DEPTH + light * (1.0 - 2.0 * DEPTH / 100.0)
    lab[..., 0] = roomy + depth * _relief(rgb.shape[0], rgb.shape[1], seed)
    out: Any = cv2.cvtColor(np.asarray(lab, np.float32), cv2.COLOR_LAB2RGB)
    return np.clip(np.asarray(out) * 255.0 + 0.5, 0, 255).astype(np.uint8)


def _relief(height: int, width: int, seed: int) -> Floats:
    """Coarse hills with their contour lines, and grain, in [-1, 1] [shape=(height, width)]."""
    rng = np.random.default_rng(seed)
    hills = np.zeros((height, width), np.float32)
    for cells, share in ((3, 0.6), (7, 0.3), (15, 0.1)):
        hills += np.float32(share) * _noise(rng, height, width, cells)
    wide, narrow = (np.cos(np.float32(2 * np.pi * lines) * hills) for lines in (9, 36))
    grain = 2 * _noise(rng, height, width, 90) - 1
    relief = 0.9 * (hills - 0.5) + 0.45 * wide + 0.15 * narrow + 0.2 * grain
    return np.asarray(np.clip(relief, -1.0, 1.0), np.float32)


def _noise(rng: np.random.Generator, height: int, width: int, cells: int) -> Floats:
    """Smooth noise in [0, 1] with about ``cells`` features along the shorter side."""
    import cv2

    size = min(height, width)
    grid = rng.random((2 + round(cells * height / size), 2 + round(cells * width / size)), np.float32)
    smooth: Any = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(smooth, 0.0, 1.0), np.float32)
