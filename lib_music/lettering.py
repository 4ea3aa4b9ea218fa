"""Pillow's own letters, in its old and new versions: nothing has to be installed or found for them."""

from __future__ import annotations

from typing import Any


def font(size: int) -> Any:
    """Pillow's own letters of a size, pixels."""
    from PIL import ImageFont

    try:
        return ImageFont.load_default(size)
    except TypeError:  # Pillow 9 has one size only.
        return ImageFont.load_default()


def legible(text: str, letters: Any) -> str:
    """The text in characters that there are: the letters of Pillow 9 end with Latin-1."""
    return text if scales(letters) else text.encode("latin-1", "replace").decode("latin-1")


def scales(letters: Any) -> bool:
    """Whether the letters have any size: those of Pillow 9 are one small bitmap."""
    return hasattr(letters, "path")
