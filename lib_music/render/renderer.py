"""What every renderer promises.

A renderer turns an :class:`~lib_music.schedule.animation.Animation` into frames in order, and can say at
any frame what it would need to go on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from lib_music.schedule.animation import Animation

#: One picture as planar yuv420p bytes [shape=(height * 3 // 2, width)] uint8, BT.601 limited range.
Frame = npt.NDArray[np.uint8]

#: Called between frames; returns True when the work shall stop.
ShouldStop = Callable[[], bool]


class Renderer(Protocol):
    """Paints an animation."""

    name: str

    def frames(
        self, animation: Animation, start: int, state: bytes | None, end: int | None = None
    ) -> Iterator[Frame]:
        """Yield frames ``start``, ``start + 1``, ... up to ``end``, without it; None is the end of the animation.

        ``state`` is what :meth:`state` returned after frame ``start - 1``, or :meth:`state_after`; None at frame 0.
        A yielded frame is valid until the next one is asked for.
        """
        ...

    def state_after(self, animation: Animation, start: int, picture: Path) -> bytes:
        """A state to go on with at frame ``start`` where there is only a picture of the frame before it.

        ``start`` > 0 is a diffused frame. Called before :meth:`frames`, with the renderer new or done with its frames.
        """
        ...

    def state(self) -> bytes:
        """What is needed to go on after the frame that was yielded last; small enough to store per segment."""
        ...
