"""A contact sheet of a project's video: ``python docs/contact_sheet.py PROJECT OUT.jpg``.

One row per section: its first frame, a declared hit inside it with the frames around it, and its last frame.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from lib_music.ffmpeg import ffmpeg_exe

TILE = 176


def frames(video: Path) -> np.ndarray:
    """All frames, small [shape=(n, TILE, TILE, 3)]."""
    argv = [
        ffmpeg_exe(),
        "-v",
        "error",
        "-i",
        str(video),
        "-map",
        "0:v:0",
        "-vf",
        f"scale={TILE}:{TILE}",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-",
    ]
    raw = subprocess.run(argv, capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, TILE, TILE, 3)


def main(project: Path, out: Path) -> None:
    """Write the sheet."""
    animation = json.loads((project / "animation.json").read_text())
    pictures = frames(next(project.glob("*.mp4")))
    rows = []
    for section in animation["sections"]:
        start, end = section["start"], section["end"]
        inside = [hit for hit in animation["hits"] if start + 20 < hit < end - 20] or [(start + end) // 2]
        hit = inside[len(inside) // 2]
        rows.append(np.hstack([pictures[i] for i in (start + 2, hit - 2, hit - 1, hit, hit + 1, hit + 3, end - 3)]))
    Image.fromarray(np.vstack(rows)).save(out, quality=88)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
