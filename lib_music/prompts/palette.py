"""The look of a picture in numbers and names: its colours, light, texture, symmetry.

Conventions: pictures are (height, width, 3) uint8 sRGB; colours are compared in CIELAB (D65) by CIE94
(CIE 116-1995), which forgives differences in strong colours as the eye does; shares and measures lie in
[0, 1] unless stated; the same picture always gives the same palette.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Rgb = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Texture = Literal["smooth", "fine", "coarse"]
Tone = Literal["dark", "mid", "light"]

#: Names a painter would use and a diffusion model knows.
COLOUR_NAMES = {
    "black": "050505", "charcoal": "2b2b2e", "slate gray": "5b6670", "ash gray": "8d9296", "gray": "7a7a7a",
    "silver": "bfc1c2", "pearl": "e6e4df", "white": "fbfbfb", "ivory": "f7f1dc", "cream": "f3e3b8",
    "sand": "d8c396", "beige": "dccdb0", "taupe": "8a7a6b", "khaki": "a89f6b", "olive": "6b6b2a",
    "mustard": "cfa024", "gold": "d9a520", "amber": "ffb000", "honey": "e3a84e", "lemon yellow": "fdf05a",
    "yellow": "fadb14", "straw": "e5d27a", "apricot": "f9b57f", "peach": "fccfb0", "tangerine": "f68a1e",
    "orange": "f2700f", "burnt orange": "c1560f", "copper": "b56a3a", "bronze": "8c6a2f", "ochre": "b9842f",
    "rust": "9c3f1c", "terracotta": "c4694c", "sienna": "8b4a26", "chestnut": "6e3527", "umber": "5a4330",
    "chocolate brown": "452a1c", "sepia": "63492f", "brown": "7a4b28", "coral": "fb7d63", "salmon": "f5998a",
    "vermilion": "e8422a", "scarlet": "d9161c", "red": "c4141a", "crimson": "a8122d", "ruby": "8f0f33",
    "burgundy": "5c0f22", "oxblood": "3d0c11", "rose": "e06a86", "blush pink": "f1c3c6", "pink": "f49ac1",
    "hot pink": "f2329b", "magenta": "d4148f", "fuchsia": "c22fc4", "plum": "6f2a5e", "mauve": "a98aa6",
    "lilac": "c5a8d8", "lavender": "d9d0ee", "violet": "7b3fc0", "purple": "5f2a8c", "deep purple": "331650",
    "indigo": "2f2a86", "midnight blue": "12183d", "navy": "16245a", "royal blue": "2747c4", "cobalt": "1550a8",
    "ultramarine": "2a22b8", "electric blue": "1f7bff", "azure": "3f9be8", "sky blue": "8fc7ee",
    "powder blue": "bed8e6", "steel blue": "4d7ba3", "denim blue": "3a5678", "ice blue": "dcedf5",
    "cerulean": "1783b5", "petrol blue": "0d4552", "teal": "0b7a78", "turquoise": "34cfc0", "cyan": "14d6ec",
    "aquamarine": "86e3cc", "sea green": "2f8f63", "jade": "1fa077", "mint": "b4ecd0", "emerald": "0e8f4c",
    "bottle green": "0a3b2a", "forest green": "22562a", "moss green": "5c7034", "sage": "a3b08d",
    "green": "2f9a34", "grass green": "5fae36", "lime": "a7e02c", "chartreuse": "cfee3a", "acid green": "6dfb2f",
    "pine green": "1c4438", "sea-glass green": "9cc9b8",
}  # fmt: skip

N_CLUSTERS = 6
_MIN_SHARE = 0.02
_SIDE = 256


@dataclass(frozen=True)
class NamedColour:
    """A colour of a picture: name, (r, g, b) 0 to 255, share of the area."""

    name: str
    rgb: tuple[int, int, int]
    share: float


@dataclass(frozen=True)
class Palette:
    """The look of a picture.

    Attributes
    ----------
    colours : tuple of NamedColour
        One to six, largest first, each name once.
    lightness : float
        Mean CIELAB lightness / 100.
    contrast : float
        Distance of the 5th and 95th percentile of lightness / 100.
    saturation : float
        Mean chroma / 100, at most 1.
    warmth : float in [-1, 1]
        Cool blues and greens below 0, reds and yellows above; weighted by chroma.
    texture : "smooth", "fine" or "coarse"
    symmetry : float
        Likeness of the picture and its mirror image (left to right); 1 is a perfect mirror.
    """

    colours: tuple[NamedColour, ...]
    lightness: float
    contrast: float
    saturation: float
    warmth: float
    texture: Texture
    symmetry: float

    def __post_init__(self) -> None:
        names = [colour.name for colour in self.colours]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"Palette.colours must be one or more with different names, got {names}")
        for name in ("lightness", "contrast", "saturation", "symmetry"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"Palette.{name} is {getattr(self, name)!r}; it must lie in [0, 1]")
        if not -1 <= self.warmth <= 1:
            raise ValueError(f"Palette.warmth is {self.warmth!r}; it must lie in [-1, 1]")

    @property
    def tone(self) -> Tone:
        """Dark below 0.36 of full lightness, light from 0.66."""
        return "dark" if self.lightness < 0.36 else "light" if self.lightness >= 0.66 else "mid"

    @property
    def is_monochrome(self) -> bool:
        """Whether no colour of any size is more than a tinted grey."""
        return all(max(colour.rgb) - min(colour.rgb) < 28 for colour in self.colours)


def describe_palette(image_rgb: Rgb) -> Palette:
    """The look of a picture.

    Parameters
    ----------
    image_rgb : [shape=(height, width, 3)] uint8
        sRGB, any size from one pixel.

    Raises
    ------
    ValueError
        When the array is not such a picture.
    """
    image = np.asarray(image_rgb)
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ValueError(f"a picture is (height, width, 3) uint8, got {image.shape} {image.dtype}")
    # Every second pixel of a shrunk picture: grain averages out, thin bright lines keep their colour.
    shrunk = _shrunk(image, _SIDE)
    small = shrunk[::2, ::2]
    lab = rgb_to_lab(small.reshape(-1, 3))
    light, chroma = lab[:, 0] / 100, np.hypot(lab[:, 1], lab[:, 2])
    low, high = np.percentile(light, (5, 95))
    return Palette(
        colours=_named(lab),
        lightness=_unit(light.mean()),
        contrast=_unit(high - low),
        saturation=_unit(chroma.mean() / 100),
        warmth=_warmth(lab, chroma),
        texture=_texture(shrunk),
        symmetry=_symmetry(light.reshape(small.shape[:2])),
    )


def rgb_to_lab(rgb: npt.ArrayLike) -> Floats:
    """CIELAB (D65) of sRGB colours [shape=(n, 3)], 0 to 255."""
    unit = np.asarray(rgb, np.float64) / 255
    linear = np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)
    xyz = linear @ np.array([[0.4124564, 0.2126729, 0.0193339], [0.3575761, 0.7151522, 0.1191920],
                             [0.1804375, 0.0721750, 0.9503041]]) / (0.95047, 1.0, 1.08883)
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


def name_of(lab: Floats) -> str:
    """The name of the nearest colour by CIE94; ``lab`` [shape=(3,)]."""
    names, table = _table()
    chroma, chromas = float(np.hypot(lab[1], lab[2])), np.hypot(table[:, 1], table[:, 2])
    light, apart = table[:, 0] - lab[0], chromas - chroma
    hue = np.maximum((table[:, 1] - lab[1]) ** 2 + (table[:, 2] - lab[2]) ** 2 - apart**2, 0)
    distance = light**2 + (apart / (1 + 0.045 * chroma)) ** 2 + hue / (1 + 0.015 * chroma) ** 2
    return names[int(distance.argmin())]


def lightness_of(name: str) -> float:
    """CIELAB lightness / 100 of a named colour."""
    names, table = _table()
    return float(table[names.index(name), 0]) / 100


@lru_cache(maxsize=1)
def _table() -> tuple[tuple[str, ...], Floats]:
    rgb = [[int(code[i : i + 2], 16) for i in (0, 2, 4)] for code in COLOUR_NAMES.values()]
    return tuple(COLOUR_NAMES), rgb_to_lab(rgb)


def _named(lab: Floats) -> tuple[NamedColour, ...]:
    """Clusters as named colours; those of one name are one."""
    centres, shares = _clusters(lab)
    by_name: dict[str, tuple[float, Floats]] = {}
    for centre, share in sorted(zip(centres, shares, strict=True), key=lambda pair: -pair[1]):
        name = name_of(centre)
        total, first = by_name.get(name, (0.0, centre))
        by_name[name] = (total + float(share), first)
    ranked = sorted(by_name.items(), key=lambda item: (-item[1][0], item[0]))
    kept = [item for item in ranked if item[1][0] >= _MIN_SHARE] or ranked[:1]
    return tuple(NamedColour(name, _rgb_of(centre), share) for name, (share, centre) in kept)


def _clusters(lab: Floats) -> tuple[Floats, Floats]:
    """k-means in CIELAB from the fullest, farthest cells of a coarse histogram; no chance in it.

    Returns centres [shape=(k, 3)] and shares [shape=(k,)], k at most six.
    """
    cells, inverse, counts = np.unique(np.round(lab / 12), axis=0, return_inverse=True, return_counts=True)
    means = np.stack([np.bincount(inverse.reshape(-1), lab[:, i]) / counts for i in range(3)], axis=1)
    chosen = [int(counts.argmax())]
    while len(chosen) < min(N_CLUSTERS, len(cells)):
        apart = np.linalg.norm(means[:, None] - means[chosen][None], axis=2).min(axis=1)
        chosen.append(int((apart * np.sqrt(counts)).argmax()))
    centres = means[chosen]
    for _ in range(12):
        nearest = np.linalg.norm(lab[:, None] - centres[None], axis=2).argmin(axis=1)
        sizes = np.bincount(nearest, minlength=len(centres))
        sums = np.stack([np.bincount(nearest, lab[:, i], minlength=len(centres)) for i in range(3)], axis=1)
        moved = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], centres)
        if np.allclose(moved, centres, atol=0.1):
            break
        centres = moved
    return centres, sizes / len(lab)


def _rgb_of(lab: Floats) -> tuple[int, int, int]:
    """sRGB of one CIELAB colour, clipped."""
    y = (lab[0] + 16) / 116
    f = np.array([y + lab[1] / 500, y, y - lab[2] / 200])
    xyz = np.where(f > 6 / 29, f**3, (116 * f - 16) * 27 / 24389) * (0.95047, 1.0, 1.08883)
    linear = np.array([[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560],
                       [0.0556434, -0.2040259, 1.0572252]]) @ xyz
    linear = linear.clip(0, 1)
    unit = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    r, g, b = (round(float(v) * 255) for v in unit)
    return r, g, b


def _warmth(lab: Floats, chroma: Floats) -> float:
    """Chroma-weighted projection on the warm direction (orange, 60°) of the a*b* plane."""
    if chroma.sum() < 1e-9:
        return 0.0
    towards_orange = lab[:, 1] * np.cos(np.pi / 3) + lab[:, 2] * np.sin(np.pi / 3)
    # Greys have no temperature, however many there are: 6 is just-visible chroma.
    return float(np.clip(towards_orange.sum() / (chroma.sum() + 6 * len(lab)), -1, 1))


def _texture(image: Rgb) -> Texture:
    """Smooth, or busy at the scale of grain (fine), or of shapes (coarse), in most places of the picture."""
    import cv2

    grey: Any = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    grey = grey.astype(np.float32) / 255
    near, far = cv2.GaussianBlur(grey, (0, 0), 1.5), cv2.GaussianBlur(grey, (0, 0), 8)
    # The median over places: one hard edge on an even ground is no texture.
    grain = float(np.median(cv2.blur(np.abs(grey - near), (33, 33))))
    shapes = float(np.median(cv2.blur(np.abs(near - far), (33, 33))))
    if grain < 0.008 and shapes < 0.02:
        return "smooth"
    return "fine" if grain > 0.45 * shapes else "coarse"


def _symmetry(light: Floats) -> float:
    """Correlation with the mirror image; an even field is its own."""
    if light.std() < 1e-3:
        return 1.0
    centred = light - light.mean()
    return _unit((centred * centred[:, ::-1]).mean() / centred.var())


def _shrunk(image: Rgb, side: int) -> Rgb:
    """No side longer than ``side``, by areas, so that grain averages out."""
    import cv2

    height, width = image.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return np.ascontiguousarray(image)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    shrunk: Any = cv2.resize(np.ascontiguousarray(image), size, interpolation=cv2.INTER_AREA)
    return np.asarray(shrunk, np.uint8)


def _unit(value: Any) -> float:
    return float(np.clip(value, 0, 1))
