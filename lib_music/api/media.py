"""Routes that hand out files: videos, pictures, settings, what jobs have made; each in part where that is asked for."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Literal

from fastapi import Path as InPath
from fastapi import Request
from starlette.responses import Response, StreamingResponse

from lib_music.api.desk import Desk, paged
from lib_music.api.frames import frame_file, list_frames
from lib_music.api.models import FinishedPage, FramePage
from lib_music.api.paging import LIMIT, OFFSET
from lib_music.api.problems import Problem
from lib_music.api.ranges import blocks, open_file, part_of
from lib_music.errors import InputError

#: The files of a project that are handed out, and of which kind they are.
Kind = Literal["cover", "thumbnail", "settings", "storyboard", "corrections", "candidates", "analysis"]
#: What the action ``export`` makes.
Way = Literal["settings", "parseq", "csv", "edl", "fcpxml", "schedules"]
#: Of two presets that are compared.
Which = Literal["first", "second"]
_TEXT = "text/plain; charset=utf-8"
_TYPES = {
    ".png": "image/png", ".jpg": "image/jpeg", ".json": "application/json", ".txt": _TEXT, ".mp4": "video/mp4",
    ".csv": "text/csv; charset=utf-8", ".edl": _TEXT, ".fcpxml": "application/xml",
    ".mov": "video/quicktime",
}  # fmt: skip
_FRAME: Any = InPath(..., ge=0, le=10**8)
#: A section of the song, from 0 as the panels number them; a take, from 1.
_SECTION: Any = InPath(..., ge=0, le=10_000)
_TAKE: Any = InPath(..., ge=1, le=10**6)


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
        self._add(router, f"{one}/stills/{{section}}", self.still, "image/png")
        self._add(router, f"{one}/test", self.test, "video/mp4")
        self._add(router, f"{one}/takes/{{take}}/comparison", self.comparison, "video/mp4")
        self._add(router, f"{one}/compare/{{which}}", self.compared, "video/mp4")
        router.add_api_route(f"{one}/finished", self.results, methods=["GET"], response_model=FinishedPage)
        self._add(router, f"{one}/finished/{{name}}", self.result, "application/octet-stream")
        pictures = f"{one}/finished/{{name}}/frames"
        router.add_api_route(pictures, self.result_frames, methods=["GET"], response_model=FramePage)
        self._add(router, f"{pictures}/{{frame}}", self.result_frame, "image/png")

    def _add(self, router: Any, path: str, endpoint: Any, kind: str) -> None:
        """A file's route, under GET and HEAD."""
        whole = {"content": {kind: {"schema": {"type": "string", "format": "binary"}}}}
        if kind == "application/octet-stream":
            kinds = sorted({name.partition(";")[0] for name in _TYPES.values()} - {"video/mp4", "video/quicktime"})
            kinds += ["video/mp4", "video/quicktime"] if path.endswith("/{name}") else []
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

    def still(self, project: str, request: Request, section: int = _SECTION) -> Response:
        """The still of a section of the song, counted from 0: what it is painted like now, or was at last."""
        from lib_music.studio.stills import still_of

        found = self.desk.project(project)
        try:
            path = still_of(self.desk.studio, found.folder.name, section)
        except InputError as error:
            raise Problem(404, self.desk.told(error.message), 'POST …/actions {"do": "stills"} paints them') from error
        return _sent(path, request)

    def test(self, project: str, request: Request) -> Response:
        """The video of the last test of some bars; GET …/panels/test says which."""
        from lib_music.studio.trial import tested

        if (found := tested(self.desk.project(project))) is None:
            raise Problem(404, "nothing was tested yet", 'POST …/actions {"do": "test_bars"} paints some bars')
        return _sent(found[0], request)

    def comparison(self, project: str, request: Request, take: int = _TAKE) -> Response:
        """The video as it is now beside a take."""
        from lib_music.takes import find_take
        from lib_music.takes.compare import comparison

        found = self.desk.project(project)
        try:
            path = comparison(found, find_take(found, take))
        except InputError as error:
            raise Problem(404, error.message, "GET …/panels/takes lists them") from error
        if path is None:
            raise Problem(404, "they were not compared yet", 'POST …/actions {"do": "compare_take"} makes it')
        return _sent(path, request)

    def compared(self, project: str, which: Which, request: Request) -> Response:
        """One of the two videos that show two presets over the same bars."""
        from lib_music.studio.compare import videos_of

        if (found := videos_of(self.desk.project(project))) is None:
            raise Problem(404, "no presets were compared yet", 'POST …/actions {"do": "preset_compare"} makes it')
        return _sent(found[1][("first", "second").index(which)], request)

    def results(self, project: str, offset: int = OFFSET, limit: int = LIMIT) -> dict[str, Any]:
        """What Finishing has made of the video, the latest first."""
        page = paged(self._results(project), offset, limit)
        return {**page, "items": [_shown(path) for path in page["items"]]}

    def result(self, project: str, name: str, request: Request) -> Response:
        """One of them; of a folder of pictures, GET …/finished/{name}/frames lists the files."""
        path = self._result(project, name)
        if path.is_dir():
            raise Problem(404, "this is a folder of pictures", "GET …/finished/{name}/frames lists them")
        return _sent(path, request)

    def result_frames(self, project: str, name: str, offset: int = OFFSET, limit: int = LIMIT) -> dict[str, Any]:
        """The pictures of a result that is a folder."""
        page = paged(_pictures(self._result(project, name)), offset, limit)
        return {**page, "items": [{"frame": int(path.stem), "bytes": _bytes(path)} for path in page["items"]]}

    def result_frame(self, project: str, name: str, request: Request, frame: int = _FRAME) -> Response:
        """One picture of them."""
        there = {int(path.stem): path for path in _pictures(self._result(project, name))}
        if frame not in there:
            raise Problem(404, f"there is no picture {frame}", "GET …/finished/{name}/frames lists them")
        return _sent(there[frame], request)

    def _results(self, project: str) -> list[Path]:
        from lib_music.studio.finishing import results_of

        return results_of(self.desk.project(project))

    def _result(self, project: str, name: str) -> Path:
        """The result of that name, which is only compared; raises Problem (404)."""
        found = next((path for path in self._results(project) if path.name == name), None)
        if found is None:
            raise Problem(404, "there is no such result", "GET …/finished lists them")
        return found


def _shown(path: Path) -> dict[str, Any]:
    """A result in the list."""
    files = _pictures(path) if path.is_dir() else [path]
    return {"name": path.name, "bytes": sum(map(_bytes, files)), "frames": len(files) if path.is_dir() else 0}


def _pictures(folder: Path) -> list[Path]:
    """The numbered pictures of a folder, in order; none of what is a file."""
    found = [path for path in folder.glob("*.png") if path.stem.isascii() and path.stem.isdigit()]
    return sorted(found, key=lambda path: int(path.stem))


def _bytes(path: Path) -> int:
    """The size of a file; 0 of one that goes just now."""
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _sent(path: Path, request: Request) -> Response:
    """A file, or the part of it that the request asks for."""
    kind = _TYPES.get(path.suffix, "application/octet-stream")
    file = open_file(path)
    try:
        # Range is defined for GET alone (RFC 9110 §14.2).
        asked = {name: value for name, value in request.headers.items() if request.method == "GET" or name != "range"}
        part = part_of(file, asked, path.name)
    except BaseException:
        file.close()
        raise
    headers = {**part.headers, "Content-Type": kind}
    if request.method == "HEAD" or part.status == 304:
        file.close()
        return Response(status_code=part.status, headers=headers)
    return StreamingResponse(blocks(file, part), part.status, headers)
