"""Pictures as the encoder wants them.

Conventions: a picture is (height, width, 3) uint8 RGB; a :data:`~lib_music.render.renderer.Frame` is planar
yuv420p, (height * 3 // 2, width) uint8, BT.601 matrix, limited range, as OpenCV converts. Width and height
are multiples of 8.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Rgb = npt.NDArray[np.uint8]
Planes = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]


def rgb_to_frame(rgb: Rgb) -> npt.NDArray[np.uint8]:
    """Convert RGB to a yuv420p frame."""
    import cv2

    frame: Any = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2YUV_I420)
    return np.asarray(frame, np.uint8)


def frame_to_rgb(frame: npt.NDArray[np.uint8]) -> Rgb:
    """Convert a yuv420p frame back to RGB."""
    import cv2

    rgb: Any = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_YUV2RGB_I420)
    return np.asarray(rgb, np.uint8)


def planes(frame: npt.NDArray[np.uint8]) -> Planes:
    """Views of the Y, U and V planes of a contiguous frame."""
    height, width = frame.shape[0] * 2 // 3, frame.shape[1]
    flat = frame.reshape(-1)
    n, q = height * width, height * width // 4
    return (
        flat[:n].reshape(height, width),
        flat[n : n + q].reshape(height // 2, width // 2),
        flat[n + q :].reshape(height // 2, width // 2),
    )
