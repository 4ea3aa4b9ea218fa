"""A run of Deforum on a WebUI: what it says of itself, and what we keep of it.

Conventions: a :class:`JobStatus` is the WebUI's word, a :class:`JobRecord` is ours. A resumed run reports a
``timestring`` of its own but writes its frames under the one it resumes, so the record's has the last word.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lib_music.errors import CoverError
from lib_music.files import write_bytes

RECORD_VERSION = 1
_TIMESTRING = re.compile(r"[0-9A-Za-z-]{1,40}")
_MAX_TEXT = 4096

#: Settings that change nothing of what is painted at a given frame.
_UNPAINTED = frozenset({"batch_name", "resume_from_timestring", "resume_timestring", "init_image"})


def is_timestring(text: str) -> bool:
    """Whether ``text`` can be Deforum's name for a run (the local time in 14 digits) and part of a file name."""
    return _TIMESTRING.fullmatch(text) is not None


@dataclass(frozen=True)
class JobStatus:
    """What ``/deforum_api/jobs/{id}`` says.

    Attributes
    ----------
    status : str
        ACCEPTED, SUCCEEDED, FAILED or CANCELLED. An interrupted run stays ACCEPTED for ever.
    phase : str
        QUEUED, PREPARING, GENERATING, POST_PROCESSING or DONE.
    error_type : str
        NONE, RETRYABLE or TERMINAL.
    message, outdir, timestring : str
        Empty where there is none. ``outdir`` is a path on the WebUI's machine.
    updates : int
        How often the status has changed.
    """

    status: str
    phase: str = ""
    error_type: str = ""
    message: str = ""
    outdir: str = ""
    timestring: str = ""
    updates: int = 0

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> JobStatus:
        """Read an answer; what is missing or odd is empty."""
        timestring = _text(found.get("timestring"))
        updates = found.get("updates")
        return cls(
            status=_name(found.get("status")),
            phase=_name(found.get("phase")),
            error_type=_name(found.get("error_type")),
            message=_text(found.get("message")),
            outdir=_text(found.get("outdir")),
            timestring=timestring if is_timestring(timestring) else "",
            updates=updates if isinstance(updates, int) else 0,
        )

    @property
    def is_over(self) -> bool:
        """Whether the run has ended by its own word."""
        return self.status in ("SUCCEEDED", "FAILED", "CANCELLED")

    @property
    def is_painting(self) -> bool:
        """Whether frames may still appear."""
        return self.phase not in ("POST_PROCESSING", "DONE")


def _name(value: Any) -> str:
    """An enumeration's member, written ``FAILED``, ``Category.FAILED`` or ``{"value": "FAILED"}``."""
    if isinstance(value, dict):
        value = value.get("value", "")
    return _text(value).rsplit(".", 1)[-1].upper()


def _text(value: Any) -> str:
    """A short text; Deforum puts exceptions in lists now and then."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return "; ".join(_text(item) for item in value[:5])[:_MAX_TEXT]
    return str(value)[:_MAX_TEXT]


@dataclass(frozen=True)
class JobRecord:
    """One run as we remember it between starts of this program.

    Attributes
    ----------
    job_id : str
    digest : str
        Of the settings, so that a changed animation is not continued with old frames.
    batch_name : str
        The folder, below the WebUI's output folder.
    outdir : str
        The folder's path on the WebUI's machine; empty until it is known.
    timestring : str
        What the frames' names begin with; empty until it is known.
    cancelled : bool
        We asked for the end: the last picture may be half painted.
    first : int
        The animation's frame that is this run's frame 0.
    picture : str
        The image, on the WebUI's machine, that a run with ``first`` > 0 begins from.
    last : int
        The animation's frame that the run ends before; 0 for the end of the animation.
    source : str
        The same image on this machine, where the run was begun from one of ours.
    counted_from : int
        The number that the run gives its first frame: 0, or 1 where it paints by keyframes.
    """

    job_id: str
    digest: str
    batch_name: str
    outdir: str = ""
    timestring: str = ""
    cancelled: bool = False
    first: int = 0
    picture: str = ""
    last: int = 0
    source: str = ""
    counted_from: int = 0

    def __post_init__(self) -> None:
        if not self.job_id or not self.digest or not self.batch_name:
            raise ValueError("JobRecord: job_id, digest and batch_name must not be empty")
        if self.timestring and not is_timestring(self.timestring):
            raise ValueError(f"JobRecord.timestring is {self.timestring!r}; it must be letters and digits")
        if self.first < 0 or bool(self.first) != bool(self.picture):
            raise ValueError(f"JobRecord.first is {self.first} with picture {self.picture!r}")
        if self.counted_from not in (0, 1):
            raise ValueError(f"JobRecord.counted_from is {self.counted_from}")
        if self.last and not self.first < self.last:
            raise ValueError(f"JobRecord: frames {self.first} to {self.last}")

    def to_bytes(self) -> bytes:
        """As JSON."""
        return json.dumps({"version": RECORD_VERSION, **asdict(self)}, sort_keys=True).encode("ascii")

    @classmethod
    def from_bytes(cls, data: bytes) -> JobRecord | None:
        """Read what :meth:`to_bytes` wrote; None where it is something else."""
        try:
            found = json.loads(data)
            if not isinstance(found, dict) or found.pop("version", None) != RECORD_VERSION:
                return None
            record = cls(**found)
        except (ValueError, TypeError, RecursionError):
            return None
        texts = (record.job_id, record.digest, record.batch_name, record.outdir, record.timestring, record.picture)
        whole = all(isinstance(text, str) for text in (*texts, record.source))
        whole = whole and all(type(n) is int for n in (record.first, record.last, record.counted_from))
        return record if whole else None

    @classmethod
    def load(cls, path: Path) -> JobRecord | None:
        """The record in a file; None where there is none that can be read."""
        try:
            return cls.from_bytes(path.read_bytes())
        except OSError:
            return None

    def save(self, path: Path) -> None:
        """Write the record atomically; raises ProjectError where the disk refuses."""
        write_bytes(path, self.to_bytes())


def settings_digest(settings: Mapping[str, Any], start_image: Path | None) -> str:
    """SHA-256 of what a run paints: the settings, and the start image by content rather than by place.

    Raises CoverError where the start image cannot be read.
    """
    painted = {key: value for key, value in settings.items() if key not in _UNPAINTED}
    digest = hashlib.sha256(json.dumps(painted, sort_keys=True).encode("ascii"))
    if start_image is None:
        digest.update(str(settings.get("init_image")).encode("utf-8", "backslashreplace"))
    else:
        try:
            digest.update(start_image.read_bytes())
        except OSError as error:
            raise CoverError(f"{start_image.name}: {error.strerror}", "check the start image") from error
    return digest.hexdigest()
