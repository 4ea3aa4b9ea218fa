"""Looking for a recording, and taking it into the project.

Conventions: the only addresses ever asked are YouTube's search and ``https://www.youtube.com/watch?v=ID`` with an id
that was checked; files are named by us; what arrives is written aside, measured by decoding it, and only then gets
its name. Every failure is a DownloadError that says what to do, the last resort being to upload the file.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import re
import shutil
import stat
import tempfile
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lib_music.audio import LIMIT, Audio, open_audio
from lib_music.errors import AudioError, DownloadError, FfmpegError
from lib_music.ffmpeg import ffmpeg_exe
from lib_music.files import slug, sync_folder
from lib_music.track.download.match import ASK_SECONDS, TAKE_SECONDS, Candidate, Wanted, best, is_video_id, judge, rank
from lib_music.track.download.program import UPLOAD, failure, garbage, need_program, run, version
from lib_music.track.tags import clean_text

#: The longest a search and a download may take, seconds.
SEARCH_SECONDS, FETCH_SECONDS = 60.0, 900.0
#: The largest file that is taken, bytes.
MAX_BYTES = 200 << 20
_ENTRIES, _QUERY = 50, 150
# Sound that our ffmpeg opens; m4a first, because it needs no new packing.
_FORMATS = "bestaudio[ext=m4a]/bestaudio[ext=webm]/bestaudio/best"
_SUFFIXES = {"m4a", "opus", "ogg", "oga", "mp3", "aac", "flac", "wav", "webm", "mka", "mkv", "mp4", "mov"}
_PROGRESS = "mv-progress"
_TEMPLATE = (f"download:{_PROGRESS} %(progress.downloaded_bytes)s %(progress.total_bytes)s "
             "%(progress.total_bytes_estimate)s")
_ASIDE = re.compile(r"\.download\.(\d+)-\d+\.part")
# Signs that belong to names (A$AP, P!nk, AC/DC); the others only mislead a search.
_SIGNS = "$!'’./&+-#"


class Watcher(Protocol):
    """Hears how far the work is and may stop it; the pipeline's Reporter is one."""

    def stage(self, name: str, total: float = 1.0) -> None:
        """A new stage begins."""

    def done(self, amount: float) -> None:
        """So much of the stage is done."""

    def check(self) -> None:
        """Raise Interrupted when the person wants to stop."""


@dataclass(frozen=True)
class Taken:
    """What was taken, as the project remembers it.

    Attributes
    ----------
    path : Path
        Where it lies now.
    url, title, channel : str
        Where it came from and what it is called there; found text.
    duration : float
        Seconds, measured by decoding.
    difference : float or None
        ``duration`` minus the song's; None when the song's is unknown.
    score : float in [0, 100]
        How well title and artist agreed.
    by_isrc, asked : bool
        Whether it was found by the recording's own number; whether the person chose it.
    """

    path: Path
    url: str
    title: str
    channel: str
    duration: float
    difference: float | None
    score: float
    by_isrc: bool
    asked: bool

    def to_dict(self) -> dict[str, Any]:
        """For the project's file: the file by its name alone, so that projects can move."""
        return {
            "file": self.path.name, "url": self.url, "title": self.title, "channel": self.channel,
            "duration": round(self.duration, 3),
            "difference": None if self.difference is None else round(self.difference, 3),
            "score": self.score, "by_isrc": self.by_isrc, "asked": self.asked,
        }  # fmt: skip


def search(
    wanted: Wanted, program: Path | None, watcher: Watcher, *, seconds: float = SEARCH_SECONDS
) -> tuple[Candidate, ...]:
    """Look for a song: by its ISRC when known, then by title and artists.

    Parameters
    ----------
    wanted : Wanted
    program : Path or None
        From :func:`find_program`.
    watcher : Watcher
        May stop it.
    seconds : float
        The longest each of the two searches may take.

    Returns
    -------
    tuple of Candidate
        The best first, never empty; see :func:`best` and :func:`choices`.

    Raises
    ------
    DownloadError
        No program, blocked, no network, no answer, nothing found ...
    Interrupted
        When the watcher says so.
    """
    program = need_program(program)
    found: list[Candidate] = []
    for query, by_isrc in ((wanted.isrc, True), (search_words(wanted), False)):
        if not query or best(rank(found)) is not None:
            continue
        watcher.check()
        for entry in _entries(program, query, watcher, seconds):
            if (candidate := _candidate(wanted, entry, by_isrc)) is not None:
                found.append(candidate)
    if not found:
        raise DownloadError(f"nothing found for {search_words(wanted)!r}", f"correct title and artist, {UPLOAD}")
    return rank(found)


def refusal(candidates: tuple[Candidate, ...]) -> DownloadError:
    """What to say when no candidate is close enough to be shown."""
    near = min((c for c in candidates if c.difference is not None), key=lambda c: abs(c.difference or 0), default=None)
    apart = f"; the nearest is {abs(near.difference or 0):.0f} s off" if near is not None else ""
    return DownloadError(f"none of the {len(candidates)} recordings found is this song{apart}",
                         f"correct title and artist, {UPLOAD}")


def search_words(wanted: Wanted) -> str:
    """Title and main artists as words for a search; nothing in them can be an option, an address or a command."""
    text = " ".join((*wanted.artists[:2], wanted.title))
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" or c in _SIGNS else " " for c in text)
    # A sign that begins a word is an operator of the site's search, unless it begins a name: $uicideboy$
    words = [word.lstrip("-+#/&.").strip("/&") for word in kept.split()]
    plain = " ".join(word for word in words if word.strip(_SIGNS))
    return clean_text(plain or text, _QUERY).rstrip("…")


def take(
    candidate: Candidate, folder: Path, program: Path | None, watcher: Watcher, *, name: str = "",
    seconds: float = FETCH_SECONDS,
) -> Taken:
    """Fetch a recording into a project's folder.

    Parameters
    ----------
    candidate : Candidate
        Its verdict must be "take", or "ask" when the person chose it.
    folder : Path
        The project's; made when missing.
    program : Path or None
    watcher : Watcher
        Told the fraction of the stage "download"; may stop it.
    name : str
        What to call the file; found text, reduced to a plain name. The candidate's title when empty.
    seconds : float
        The longest it may take.

    Raises
    ------
    DownloadError
        All that can go wrong, a length that is not what was agreed to included. Nothing is left behind.
    Interrupted
        When the watcher says so. Nothing is left behind.
    """
    if candidate.verdict == "refuse":
        raise DownloadError(f"{candidate.title} is not this song", f"choose another recording, {UPLOAD}")
    program = need_program(program)
    arguments = _arguments(candidate)
    watcher.stage("download", 1.0)
    try:
        with _aside(folder) as aside:
            output = run(program, arguments, folder=aside, seconds=seconds, each=_Follower(aside, watcher), follow=True)
            came = _came(aside)
            if came is None or output.status != 0:
                raise failure(output, lambda: version(program, aside))
            audio = _measured(came, candidate)
            watcher.check()
            final = _named(came, folder, slug(name or candidate.title))
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or error
        fix = f"check space and permissions, {UPLOAD}"
        raise DownloadError(f"cannot write into {folder}: {reason}", fix) from error
    watcher.done(1.0)
    difference = None if candidate.wanted is None else audio.total - candidate.wanted
    return Taken(final, candidate.url, candidate.title, candidate.channel, audio.total, difference, candidate.score,
                 candidate.by_isrc, candidate.verdict == "ask")


def _entries(program: Path, query: str, watcher: Watcher, seconds: float) -> list[dict[str, Any]]:
    """What a search answers, as far as it has the shape of an answer."""
    arguments = ["--dump-single-json", "--flat-playlist", "--no-playlist", "--", f"ytsearch10:{query}"]
    with tempfile.TemporaryDirectory(prefix="music-visualizer-", ignore_cleanup_errors=True) as empty:
        output = run(program, arguments, folder=Path(empty), seconds=seconds, each=lambda _: watcher.check())
        try:
            answer = json.loads(output.stdout.decode("utf-8", "replace")) if output.stdout.strip() else None
        except (ValueError, RecursionError):
            answer = garbage
        entries = answer.get("entries") if isinstance(answer, dict) else None
        usable = [entry for entry in entries[:_ENTRIES] if isinstance(entry, dict)] if isinstance(entries, list) else []
        if output.status != 0 and not usable:
            raise failure(output, lambda: version(program, Path(empty)))
    if not isinstance(entries, list):
        raise garbage("what it found is no list of recordings")
    return usable


def _candidate(wanted: Wanted, entry: dict[str, Any], by_isrc: bool) -> Candidate | None:
    """One entry of a search, or None when it is no recording."""
    id, title = entry.get("id"), entry.get("title")
    if not is_video_id(id) or not isinstance(title, str) or entry.get("live_status") in ("is_live", "is_upcoming"):
        return None
    channel = next((entry[key] for key in ("channel", "uploader") if isinstance(entry.get(key), str)), "")
    return judge(wanted, str(id), title, channel, _seconds(entry.get("duration")), by_isrc=by_isrc)


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 < value <= 10 * LIMIT and math.isfinite(value) else None


def _arguments(candidate: Candidate) -> list[str]:
    try:
        ffmpeg = shutil.which(ffmpeg_exe())
    except FfmpegError as error:
        raise DownloadError(error.message, f"{error.fix}, {UPLOAD}") from error
    if ffmpeg is None:
        raise DownloadError("no ffmpeg found", f"check $MUSIC_VISUALIZER_FFMPEG, {UPLOAD}")
    return ["--no-playlist", "--match-filters", "!is_live", "--fragment-retries", "3", "--no-mtime",
            "--max-filesize", str(MAX_BYTES), "--ffmpeg-location", str(Path(ffmpeg).absolute()),
            "-f", _FORMATS, "-x", "--audio-format", "best", "--newline", "--progress",
            "--progress-template", _TEMPLATE, "-o", "audio.%(ext)s", "--", candidate.url]  # fmt: skip


@contextlib.contextmanager
def _aside(folder: Path) -> Iterator[Path]:
    """An empty folder for what is not whole yet; gone afterwards, as is what a killed run left."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.iterdir():
        found = _ASIDE.fullmatch(left.name)
        if found and int(found[1]) != os.getpid() and left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
    aside = folder / f".download.{os.getpid()}-{threading.get_ident()}.part"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(mode=0o700)
    try:
        yield aside.absolute()
    finally:
        shutil.rmtree(aside, ignore_errors=True)


class _Follower:
    """Reads yt-dlp's progress, and stops it when the person says so or it fills the disk."""

    def __init__(self, aside: Path, watcher: Watcher) -> None:
        self.aside, self.watcher, self.told = aside, watcher, 0.0

    def __call__(self, line: str) -> None:
        self.watcher.check()
        if _size(self.aside) > 3 * MAX_BYTES:
            raise DownloadError("that recording is too large", f"choose another recording, {UPLOAD}")
        words = line.split()
        if len(words) != 4 or words[0] != _PROGRESS:
            return
        got, total, guessed = (_number(word) for word in words[1:])
        if got and (whole := total or guessed):
            share = min(0.99, got / whole)
            if share > self.told:
                self.told = share
                self.watcher.done(share)


def _number(word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) and value > 0 else 0.0


def _size(folder: Path) -> int:
    total = 0
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            with contextlib.suppress(OSError):
                total += entry.stat(follow_symlinks=False).st_size
    return total


def _came(aside: Path) -> Path | None:
    """The one whole file that arrived."""
    whole = [path for path in aside.glob("audio.*")
             if path.name.count(".") == 1 and stat.S_ISREG(path.lstat().st_mode)]
    return max(whole, key=lambda path: path.stat().st_size, default=None)


def _measured(came: Path, candidate: Candidate) -> Audio:
    """What arrived, decoded once; DownloadError when it is no sound, or not as long as was agreed to."""
    try:
        audio = open_audio(came)
    except AudioError as error:
        fix = f"choose another recording, {UPLOAD}"
        raise DownloadError("what was fetched is no sound that can be played", fix) from error
    total, promised, wanted = audio.total, candidate.duration, candidate.wanted
    if promised is not None and abs(total - promised) > TAKE_SECONDS:
        raise DownloadError(f"{total:.0f} s of sound arrived, where {promised:.0f} s were announced",
                            f"try again, choose another recording, {UPLOAD}")
    allowed = TAKE_SECONDS if candidate.verdict == "take" else ASK_SECONDS
    if wanted is not None and abs(total - wanted) > allowed:
        raise DownloadError(f"what was fetched is {total:.0f} s long, the song {wanted:.0f} s",
                            f"choose another recording, {UPLOAD}")
    return audio


def _named(came: Path, folder: Path, name: str) -> Path:
    """Give a whole file its name in the project, next to what is there already."""
    suffix = came.suffix[1:].lower()
    suffix = suffix if suffix in _SUFFIXES else "audio"
    with came.open("rb") as file:
        os.fsync(file.fileno())
    number = 1
    while (final := folder / (f"{name}.{suffix}" if number == 1 else f"{name}-{number}.{suffix}")).exists():
        number += 1
    came.replace(final)
    sync_folder(folder)
    return final
