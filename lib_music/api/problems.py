"""What a caller is told when something goes wrong: a problem object with a status, our words and the way on.

Conventions: RFC 9457, ``application/problem+json``; ``detail`` and ``fix`` are plain lines as everywhere else, and hold
neither a secret nor a place on the server's disk. An error that nobody thought of says its kind and nothing more; the
rest goes to the log.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from lib_music.api.words import by_http
from lib_music.errors import (
    DeforumError,
    DownloadError,
    InputError,
    Interrupted,
    MusicVisualizerError,
    ProjectBusyError,
    RenderError,
    SpotifyError,
)

MEDIA_TYPE = "application/problem+json"
log = logging.getLogger("lib_music")

#: Which status an error of ours has; the first that fits.
_STATUS: tuple[tuple[type[MusicVisualizerError], int], ...] = (
    (InputError, 422),
    (ProjectBusyError, 409),
    (Interrupted, 409),
    (SpotifyError, 502),
    (DownloadError, 502),
    (DeforumError, 503),
    (RenderError, 500),
)
#: Seconds after which a caller may try again what was busy.
_BUSY_AGAIN = 2
#: An absolute path of this or another system: only its last name is told.
_PATHS = re.compile(r"(?<![\w/.:])(?:[A-Za-z]:[\\/]|/)(?:[^\s'\"/\\:]+[\\/])+([^\s'\"/\\:]*)")


class Problem(Exception):
    """One answer that is not what was asked for.

    Parameters
    ----------
    status : int
        400 to 599.
    detail : str
        What is wrong, with the offending value.
    fix : str
        The likely way on; may be empty.
    headers : mapping of str to str, optional
    more : mapping, optional
        Further members of the object: JSON, such as the offset of an upload.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        fix: str = "",
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.fix = status, detail, fix
        self.headers, self.more = dict(headers or {}), dict(more or {})

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        title = HTTPStatus(self.status).phrase
        return {**self.more, "title": title, "status": self.status, "detail": self.detail, "fix": self.fix}


def again_after(seconds: float) -> dict[str, str]:
    """The header that says when to try again."""
    return {"Retry-After": str(max(1, round(seconds + 0.5)))}


def problem_of(error: Exception, folders: Iterable[Path] = ()) -> Problem:
    """Any error as a problem.

    Parameters
    ----------
    error : Exception
    folders : iterable of Path
        Places on this machine that nobody need read of.
    """
    if isinstance(error, Problem):
        return error
    if isinstance(error, MusicVisualizerError):
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
        headers = again_after(_BUSY_AGAIN) if status == 409 else {}
        places = tuple(folders)
        detail, fix = (by_http(without_places(text, places)) for text in (error.message, error.fix))
        return Problem(status, detail, fix, headers)
    log.error("the API failed", exc_info=error)
    return Problem(500, f"unexpected {type(error).__name__}", "the server's console has the details")


def without_places(text: str, folders: Iterable[Path] = ()) -> str:
    """``text`` without the places that files have on this machine; their names stay."""
    for folder in sorted({str(folder) for folder in folders}, key=len, reverse=True):
        if len(folder) > 1:
            text = text.replace(f"{folder}/", "").replace(f"{folder}\\", "").replace(folder, Path(folder).name)
    return _PATHS.sub(r"\1", text)
