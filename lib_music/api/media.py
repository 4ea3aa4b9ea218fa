"""Routes that hand out files: the video, the preview, pictures, settings; each in part where that is asked for."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Literal

from fastapi import Path as InPath
from fastapi import Request
from starlette.responses import Response, StreamingResponse

from lib_music.api.desk import Desk, paged
from lib_music.api.frames import frame_file, list_frames
from lib_music.api.models import FramePage
from lib_music.api.paging import LIMIT, OFFSET
from lib_music.api.problems import Problem
from lib_music.api.ranges import blocks, open_file, part_of

#: The files of a project that are handed out, and of which kind they are.
Kind = Literal["cover", "thumbnail", "settings", "storyboard", "corrections", "candidates", "analysis"]
#: What the action ``export`` makes.
Way = Literal["settings", "parseq", "csv", "edl", "fcpxml", "schedules"]
_TEXT = "text/plain; charset=utf-8"
_TYPES = {
    ".png": "image/png", ".jpg": "image/jpeg", ".json": "application/json", ".txt": _TEXT, ".mp4": "video/mp4",
    ".csv": "text/csv; charset=utf-8", ".edl": _TEXT, ".fcpxml": "application/xml",
}  # fmt: skip
_FRAME: Any = InPath(..., ge=0, le=10**8)


class Media:
    """What can be fetched."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def add_to(self, router: Any) -> None:
        """Add the routes."""
        one = "/projects/{project}"
        self._add(router, f"{one}/video", self.video, "video/mp4")
        self._add(router, f"{one}/preview", self.preview, "video/mp4")
        self._add(router, f"{one}/files/{{kind}}", self.file, "application/octet-stream")
        self._add(router, f"{one}/exports/{{kind}}", self.way_out, "application/octet-stream")
        router.add_api_route(f"{one}/frames", self.frames, methods=["GET"], response_model=FramePage)
        self._add(router, f"{one}/frames/{{frame}}", self.frame, "image/png")

    def _add(self, router: Any, path: str, endpoint: Any, kind: str) -> None:
        """A file's route, under GET and HEAD."""
        whole = {"content": {kind: {"schema": {"type": "string", "format": "binary"}}}}
        if kind == "application/octet-stream":
            kinds = sorted({name.partition(";")[0] for name in _TYPES.values()} - {"video/mp4"})
            whole["content"] = dict.fromkeys(kinds, whole["content"][kind])
        said = {
            200: {"description": "The whole file", **whole},
            206: {"description": "The range that was asked for", **whole},
            304: {"description": "The caller has it already"},
        }
        router.add_api_route(path, endpoint, methods=["GET"], response_class=StreamingResponse, responses=said)
        router.add_api_route(path, endpoint, methods=["HEAD"], include_in_schema=False)

    def video(self, project: str, request: Request) -> Response:
        """The finished video; with Range and If-Range, so that a fetch goes on."""
        found = self.desk.project(project)
        name = Path(found.progress().video).name
        if not name:
            raise Problem(404, "there is no finished video", "POST …/render makes it")
        return _sent(found.path(name), request)

    def preview(self, project: str, request: Request) -> Response:
        """The newest preview."""
        found = self.desk.project(project)
        made = [path for path in found.path("preview").glob("*.mp4") if not path.name.startswith(".")]
        with contextlib.suppress(OSError):
            if made:
                return _sent(max(made, key=lambda path: path.stat().st_mtime_ns), request)
        raise Problem(404, "there is no preview", "POST …/preview makes it")

    def file(self, project: str, kind: Kind, request: Request) -> Response:
        """One of the project's files."""
        from lib_music.pipeline import CORRECTIONS, SETTINGS, STORYBOARD, THUMBNAIL
        from lib_music.prompts.suggestions import SUGGESTIONS
        from lib_music.recall import ANALYSIS

        names = {
            "cover": "cover.png", "thumbnail": THUMBNAIL, "settings": SETTINGS, "storyboard": STORYBOARD,
            "corrections": CORRECTIONS, "candidates": SUGGESTIONS, "analysis": ANALYSIS,
        }  # fmt: skip
        found = self.desk.project(project)
        return _sent(found.path(names[kind]), request)

    def way_out(self, project: str, kind: Way, request: Request) -> Response:
        """One of the files that the action `export` has made: for Deforum, Parseq, a video editor."""
        from lib_music.errors import ProjectError
        from lib_music.files import read_json
        from lib_music.studio.ways_out import FOLDER, MADE

        found = self.desk.project(project)
        with contextlib.suppress(ProjectError, AttributeError, KeyError, TypeError):
            name = Path(str(read_json(found.folder / FOLDER / MADE)["files"][kind])).name
            return _sent(found.folder / FOLDER / name, request)
        raise Problem(404, "it was not made yet", 'POST …/actions {"do": "export"} makes it')

    def frames(self, project: str, offset: int = OFFSET, limit: int = LIMIT) -> dict[str, Any]:
        """The painted pictures that are on the server's disk."""
        page = paged(list_frames(self.desk.project(project)), offset, limit)
        return {**page, "items": [{"frame": frame, "bytes": size} for frame, size in page["items"]]}

    def frame(self, project: str, request: Request, frame: int = _FRAME) -> Response:
        """One painted picture."""
        found = self.desk.project(project)
        if (path := frame_file(found, frame)) is None:
            raise Problem(404, f"there is no picture of frame {frame}", "GET …/frames lists them")
        return _sent(path, request)


def _sent(path: Path, request: Request) -> Response:
    """A file, or the part of it that the request asks for."""
    kind = _TYPES.get(path.suffix, "application/octet-stream")
    file = open_file(path)
    try:
        part = part_of(file, request.headers, path.name)
    except BaseException:
        file.close()
        raise
    headers = {**part.headers, "Content-Type": kind}
    if request.method == "HEAD" or part.status == 304:
        file.close()
        return Response(status_code=part.status, headers=headers)
    return StreamingResponse(blocks(file, part), part.status, headers)
