"""Where Deforum's frames come from: a folder that both machines see, or the WebUI's file route.

Conventions: frame ``i`` of run ``ts`` is ``{ts}_{i:09}.png``; a fork's second way to paint, which it chooses where
``keyframe_distribution`` is on, calls its first frame 1, and ``counted_from`` says so. A file may be caught half
written, so a frame counts only when its PNG is complete, from the signature to the end chunk.
"""

from __future__ import annotations

import itertools
import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

import numpy as np

from lib_music.errors import DeforumError
from lib_music.render.pixels import Rgb

if TYPE_CHECKING:
    from lib_music.render.deforum_client import WebuiClient

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: What Deforum passes over when it counts.
_UNCOUNTED = re.compile(r"\.txt|\.mp4|(^|_)depth(_|$)")
_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


class WrongSizeError(DeforumError):
    """The pictures do not fit the video."""


class FrameSource(Protocol):
    """The frames of one run."""

    def exists(self, frame: int) -> bool:
        """Whether the file is there, complete or not."""
        ...

    def read(self, frame: int) -> bytes | None:
        """The file's bytes; None while it is missing or not complete."""
        ...

    def count(self) -> int:
        """How many frames there are from 0 on without a gap."""
        ...

    def drop_from(self, frame: int) -> bool:
        """Delete this frame and all after it; False where that is not possible."""
        ...

    def miscounts(self, count: int) -> bool:
        """Whether Deforum, which counts files to resume, would find another number than ``count``."""
        ...


def frame_name(timestring: str, frame: int) -> str:
    """The file name that Deforum gives a frame."""
    return f"{timestring}_{frame:09}.png"


def is_complete(data: bytes) -> bool:
    """Whether ``data`` is a PNG from beginning to end."""
    return data.startswith(_SIGNATURE) and data.endswith(_END)


def decode(data: bytes, width: int, height: int) -> Rgb | None:
    """The picture of a complete PNG; None where it is damaged.

    Raises WrongSizeError when it is of another size; that is looked up before anything is unpacked.
    """
    import cv2

    found = struct.unpack(">II", data[16:24]) if len(data) >= 24 else (0, 0)
    if found != (width, height):
        raise WrongSizeError(
            f"Deforum painted {found[0]}x{found[1]} instead of {width}x{height}",
            "give --size in multiples of 64 and switch off upscaling there",
        )
    bgr: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return None if bgr is None else np.ascontiguousarray(bgr[:, :, ::-1])


class FolderFrames:
    """Frames in a folder of this machine."""

    def __init__(self, folder: Path, timestring: str, counted_from: int = 0) -> None:
        self.folder, self.timestring, self._counted_from = folder, timestring, counted_from

    def exists(self, frame: int) -> bool:
        """Whether the file is there."""
        return self._path(frame).is_file()

    def read(self, frame: int) -> bytes | None:
        """The complete file, or None."""
        try:
            data = self._path(frame).read_bytes()
        except OSError:
            return None
        return data if is_complete(data) else None

    def count(self) -> int:
        """How many frames there are from 0 on without a gap."""
        try:
            there = {path.name for path in self.folder.iterdir()}
        except OSError:
            return 0
        return next(frame for frame in itertools.count() if self._path(frame).name not in there)

    def drop_from(self, frame: int) -> bool:
        """Delete the frame and all after it, so that Deforum resumes there."""
        try:
            for path in self.folder.glob(f"{self.timestring}_*.png"):
                number = path.stem.removeprefix(f"{self.timestring}_")
                if number.isdigit() and int(number) >= frame + self._counted_from:
                    path.unlink(missing_ok=True)
        except OSError:
            return False
        return True

    def miscounts(self, count: int) -> bool:
        """Anything with the run's name that is no text, video or depth map is a frame to Deforum."""
        names = (path.name for path in self.folder.iterdir())
        counted = [name for name in names if self.timestring in name.split("_") and not _UNCOUNTED.search(name)]
        return len(counted) != count

    def _path(self, frame: int) -> Path:
        return self.folder / frame_name(self.timestring, frame + self._counted_from)


def remote_path(outdir: str, timestring: str, frame: int) -> str:
    """A frame's path on the WebUI's machine, which may be another system than this one."""
    separator = "\\" if "\\" in outdir and "/" not in outdir else "/"
    return outdir.rstrip("/\\") + separator + frame_name(timestring, frame)


class RouteFrames:
    """Frames through ``/file=``, which gradio serves for folders below the WebUI's own."""

    def __init__(self, client: WebuiClient, outdir: str, timestring: str, counted_from: int = 0) -> None:
        self._client, self._outdir, self._timestring = client, outdir, timestring
        self._counted_from = counted_from
        self._look = "HEAD"

    def exists(self, frame: int) -> bool:
        """Whether the WebUI has the file."""
        return self._get(self._look, frame) is not None

    def read(self, frame: int) -> bytes | None:
        """The complete file, or None."""
        data = self._get("GET", frame)
        return data if data is not None and is_complete(data) else None

    def count(self) -> int:
        """How many frames there are, by doubling and bisection: a gap is not seen."""
        if not self.exists(0):
            return 0
        good, bad = 0, 1
        while self.exists(bad):
            good, bad = bad, bad * 2
        while bad - good > 1:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if self.exists(middle) else (good, middle)
        return bad

    def drop_from(self, frame: int) -> bool:
        """The route only reads."""
        return False

    def miscounts(self, count: int) -> bool:
        """The route does not list; it is taken that nobody has put anything there."""
        return False

    def _get(self, method: str, frame: int) -> bytes | None:
        place = remote_path(self._outdir, self._timestring, frame + self._counted_from)
        path = f"/file={quote(place)}"
        answer = self._client.request(method, path)
        if answer.status == 401 and self._client.sign_in():
            answer = self._client.request(method, path)
        if answer.ok:
            return answer.body
        if answer.status == 404:
            return None
        if method == "HEAD" and answer.status in (405, 501):
            self._look = "GET"
            return self._get("GET", frame)
        if answer.status == 401:
            raise DeforumError(
                "the WebUI wants a password for its files",
                "set MUSIC_VISUALIZER_WEBUI_AUTH=user:password to the one of --gradio-auth",
            )
        raise DeforumError(
            f"the WebUI does not hand out its frames (answer {answer.status} for its output folder)",
            "start it with --gradio-allowed-path for that folder, or share the folder with this machine",
        )
