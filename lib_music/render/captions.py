"""A line of text along the bottom of yuv420p frames.

Conventions: the text is drawn once with Pillow and laid over each frame as a mask; a caption is data, drawn as it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lib_music.lettering import font, legible
from lib_music.render.pixels import Planes

#: Height of the letters as a share of the frame's.
_TEXT_HEIGHT = 0.036


class CaptionStrip:
    """One caption for frames of ``width`` x ``height``: white text on a dimmed strip, at most two lines."""

    def __init__(self, text: str, width: int, height: int) -> None:
        from PIL import Image, ImageDraw

        size = max(11, round(height * _TEXT_HEIGHT))
        letters = font(size)
        lines = _wrap(text, lambda s: float(letters.getlength(legible(s, letters))), 0.94 * width)
        self._rows = min(height, int(len(lines) * size * 1.35 + size) // 2 * 2)
        mask = Image.new("L", (width, self._rows), 0)
        draw: Any = ImageDraw.Draw(mask)
        for i, line in enumerate(lines):
            at = round(0.03 * width), round(size * (0.45 + 1.35 * i))
            draw.text(at, legible(line, letters), fill=255, font=letters)
        self._mask = np.asarray(mask, np.uint16)

    def lay(self, frame: Planes) -> None:
        """Write the caption into the bottom rows of the planes, in place."""
        luma, *chroma = frame
        if not self._rows:
            return
        bottom = luma[-self._rows :]
        # Dim to two fifths, then let the letters through; integer arithmetic on one strip is cheap.
        dimmed = 16 + (bottom.astype(np.uint16) - 16) * 2 // 5
        bottom[:] = (dimmed * (255 - self._mask) + 235 * self._mask) // 255
        for plane in chroma:
            rows = plane[-self._rows // 2 :]
            rows[:] = 128 + (rows.astype(np.int16) - 128) * 2 // 5


def _wrap(text: str, width_of: Any, limit: float) -> list[str]:
    """At most two lines; the second ends in an ellipsis when more is left."""
    lines, current = [], ""
    for word in text.split():
        trial = f"{current} {word}".strip()
        if width_of(trial) <= limit or not current:
            current = trial
            continue
        lines.append(current)
        current = word
    lines.append(current)
    if len(lines) > 2:
        lines = [lines[0], lines[1] + " …"]
    return [line for line in lines if line]
