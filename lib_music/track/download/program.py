"""The yt-dlp on this machine: where it is, how it is run, and what its failures mean.

Conventions: it is the person's own executable, never imported and never installed; argv lists only, never a shell; what
was found (titles, names) stands after ``--`` behind a prefix of ours. The child reads no configuration, sees no
secret in its environment, works in a folder given to it and never outlives the call that started it, nor do its own
children. Its output is foreign: capped in size and time.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lib_music.errors import DownloadError

#: The name of the variable that says which yt-dlp to run.
CONFIGURED = "MUSIC_VISUALIZER_YTDLP"
#: What every failure ends in.
UPLOAD = "or upload the file"
#: Given to every run.
ALWAYS = ("--ignore-config", "--no-update", "--no-cache-dir", "--socket-timeout", "15", "--retries", "3",
          "--extractor-retries", "2")  # fmt: skip
#: Bytes of output that are kept; an answer beyond it is not one.
MAX_OUTPUT = 8 << 20
#: The first version that can solve the puzzles YouTube sets now.
OLDEST = (2025, 11, 12)
_LOG_LINES, _LINE = 400, 4000
_POLL = 0.05
_HELP = "https://github.com/yt-dlp/yt-dlp/wiki/EJS"

_SECRET = re.compile(
    r"SECRET|TOKEN|PASSW|PASSPHRASE|CREDENTIAL|COOKIE|AUTH|API_?KEY|ACCESS_?KEY|_KEY$|_PAT$|WEBHOOK|_DSN$|DATABASE_URL"
    r"|^SPOTIPY|^SPOTIFY|^AWS_|^COMMANDLINE_ARGS$|^PYTHON(?:PATH|HOME|STARTUP)$", re.IGNORECASE)
_VERSION = re.compile(r"(20\d\d)\.(\d{1,2})\.(\d{1,2})\b")


def find_program(configured: Path | str | None = None) -> Path | None:
    """The yt-dlp to run: ``configured``, else ``$MUSIC_VISUALIZER_YTDLP``, else the one on PATH; None without any.

    Only the person at the machine may say which: never take ``configured`` from a page or a project file.

    Raises
    ------
    DownloadError
        When the configured one is not there or cannot be run.
    """
    named = str(configured) if configured else os.environ.get(CONFIGURED, "")
    found = shutil.which(str(Path(named).expanduser())) if named else shutil.which("yt-dlp")
    if named and not found:
        raise DownloadError(f"no yt-dlp that can be run at {named}", f"correct ${CONFIGURED}, {UPLOAD}")
    if found and found.lower().endswith((".bat", ".cmd")):
        # cmd.exe would read what stands in a title as commands of its own
        raise DownloadError(f"{found} is a batch file; titles cannot be given to it safely",
                            f"point ${CONFIGURED} to yt-dlp.exe itself, {UPLOAD}")
    return Path(found).absolute() if found else None


def need_program(program: Path | None) -> Path:
    """``program``, or DownloadError when there is none."""
    if program is None:
        raise DownloadError("no yt-dlp found on this machine",
                            f"install yt-dlp and deno, put them on PATH or set ${CONFIGURED}; {UPLOAD}")
    return program


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables a child may see: none whose name or value speaks of a secret, none of the host's Python."""
    hidden = {value for name, value in environment.items()
              if re.match("SPOTI[PF]Y.*SECRET$|MUSIC_VISUALIZER_WEBUI_AUTH$", name) and len(value) >= 8}
    kept = {name: value for name, value in environment.items()
            if not _SECRET.search(name) and not any(secret in value for secret in hidden)}
    return {**kept, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"}


@dataclass(frozen=True)
class Output:
    """What a run of yt-dlp left: the status it ended with, stdout in bytes, stderr (and a followed stdout) in lines."""

    status: int
    stdout: bytes
    log: tuple[str, ...]


class _Reader(threading.Thread):
    """Keeps a pipe from filling up; holds its first bytes, or its last lines."""

    def __init__(self, pipe: IO[bytes], lines: bool) -> None:
        super().__init__(daemon=True)
        self.pipe, self.by_line = pipe, lines
        self.held, self.lines, self.over = bytearray(), deque[str](maxlen=_LOG_LINES), False
        self.start()

    def run(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while piece := self.pipe.readline(_LINE) if self.by_line else os.read(self.pipe.fileno(), 1 << 16):
                if self.by_line:
                    self.lines.append(piece.decode("utf-8", "replace").rstrip())
                elif len(self.held) + len(piece) <= MAX_OUTPUT:
                    self.held += piece
                else:
                    self.over = True


def run(
    program: Path, arguments: Sequence[str], *, folder: Path, seconds: float, each: Callable[[str], None],
    follow: bool = False,
) -> Output:
    """Run yt-dlp to its end.

    Parameters
    ----------
    program : Path
    arguments : sequence of str
        All after :data:`ALWAYS`.
    folder : Path
        Where it works; an empty one of our own.
    seconds : float
        The longest it may take.
    each : callable
        Called many times a second, with the last line written when ``follow``, else with ""; may raise to stop it.

    Raises
    ------
    DownloadError
        Cannot be started, takes too long, writes too much.
    """
    own_group = sys.platform != "win32"
    try:
        child = subprocess.Popen(
            [str(program), *ALWAYS, *arguments], cwd=folder, env=child_environment(os.environ), shell=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=own_group)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DownloadError(f"cannot start yt-dlp at {program}: {reason}", f"install it again, {UPLOAD}") from error
    assert child.stdout is not None and child.stderr is not None
    readers = (_Reader(child.stdout, follow), _Reader(child.stderr, True))
    deadline = time.monotonic() + seconds
    try:
        while child.poll() is None:
            each(readers[0].lines[-1] if readers[0].lines else "")
            if time.monotonic() > deadline:
                raise DownloadError(f"yt-dlp took longer than {seconds:.0f} s and was stopped",
                                    f"check the network and try again, {UPLOAD}")
            if readers[0].over:
                raise _garbage("it wrote without end")
            time.sleep(_POLL)
        for reader in readers:
            reader.join(2.0)
    finally:
        if child.poll() is None or any(reader.is_alive() for reader in readers):
            _kill(child)
        for reader in readers:
            reader.join(2.0)
            if not reader.is_alive():
                reader.pipe.close()
    if readers[0].over:
        raise _garbage("it wrote without end")
    return Output(child.returncode, bytes(readers[0].held), (*readers[0].lines, *readers[1].lines))


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End a child and all that it started."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(child.pid)], check=False, capture_output=True)
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    child.kill()
    child.wait()


def version(program: Path, folder: Path) -> tuple[int, ...]:
    """The date that is yt-dlp's version; empty when it does not say."""
    try:
        output = run(program, ["--version"], folder=folder, seconds=10, each=lambda _: None)
    except DownloadError:
        return ()
    found = _VERSION.search(output.stdout[:200].decode("ascii", "replace"))
    return tuple(int(part) for part in found.groups()) if found else ()


def _garbage(what: str) -> DownloadError:
    return DownloadError(f"yt-dlp gave no usable answer: {what}", f"update it (yt-dlp -U), {UPLOAD}")


def garbage(what: str) -> DownloadError:
    """The error for an answer that makes no sense."""
    return _garbage(what)


_AGAIN, _OTHER = "try again later", "choose another recording"
_UPDATE = "update yt-dlp (yt-dlp -U)"
_RUNTIME = f"install deno 2.3 or newer beside yt-dlp ({_HELP}) and update it"
# What yt-dlp writes, what it means, and the way on; the more telling first.
_MEANINGS: tuple[tuple[str, str, str], ...] = tuple((pattern, meaning, fix) for pattern, meaning, fix in (
    (r"no such option|ambiguous option|invalid .* value|unrecognized option", "this yt-dlp is too old", _UPDATE),
    (r"unsupported version of Python|requires? Python", "this yt-dlp does not fit its Python",
     "take the standalone yt-dlp"),
    (r"No space left on device|Errno 28\b|Disk quota exceeded|not enough (disk )?space", "the disk is full",
     "free some space"),
    (r"Read-only file system|Permission denied.*audio|unable to open for writing",
     "the project's folder cannot be written", "check its permissions"),
    (r"not a bot", "YouTube takes this computer for a bot and refuses it, as it does with most rented servers",
     "try from another network"),
    (r"HTTP Error 429|Too Many Requests|rate.?limited", "YouTube has had too many requests from here (429)", _AGAIN),
    (r"confirm your age|age.?restricted|inappropriate for some users", "that video is restricted by age", _OTHER),
    (r"members?.only|available to this channel's members|Join this channel", "that video is for members only", _OTHER),
    (r"private video|video is private", "that video is private", _OTHER),
    (r"in your country|geo.?restrict|from your location|in your region", "that video is blocked in this country",
     _OTHER),
    (r"DRM.protected", "that recording is protected by DRM", _OTHER),
    (r"Premieres in|live event will begin|is_live|does not pass filter", "that is a live broadcast or a premiere",
     _OTHER),
    (r"larger than max-filesize", "that recording is too large", _OTHER),
    (r"ffprobe and ffmpeg not found|ffmpeg not found|ffmpeg is not installed|without ffmpeg",
     "yt-dlp found no ffmpeg", "install ffmpeg, or set $MUSIC_VISUALIZER_FFMPEG"),
    (r"JavaScript runtime|challenge solving failed|Requested format is not available|Only images are available|\bEJS\b",
     "yt-dlp cannot solve YouTube's puzzles: it has no JavaScript runtime, or is too old", _RUNTIME),
    (r"HTTP Error 403|\b403: Forbidden", "YouTube refused this computer (403)",
     f"{_UPDATE} or try from another network"),
    (r"name resolution|Failed to resolve|Name or service not known|getaddrinfo|nodename nor servname|"
     r"Network is unreachable|No route to host|Connection refused|Connection reset|Connection aborted|"
     r"Unable to connect|proxy|Temporary failure|Max retries exceeded|RemoteDisconnected",
     "no network: YouTube cannot be reached", "check the connection"),
    (r"timed? ?out", "YouTube did not answer in time", "check the network and try again"),
    (r"CERTIFICATE_VERIFY_FAILED|SSL", "no safe connection to YouTube", "check the clock and the certificates"),
    (r"HTTP Error 5\d\d", "YouTube has trouble of its own", _AGAIN),
    (r"unavailable|not available|has been removed|terminated|does not exist|no longer available|HTTP Error 4(?:04|10)",
     "that video is gone", _OTHER),
    (r"Unable to extract|player response|needs to be reloaded|nsig|Unsupported URL|please report this issue",
     "yt-dlp no longer understands YouTube", _UPDATE),
    (r"Postprocessing|Conversion failed|audio conversion", "what was fetched could not be unpacked", _OTHER),
))  # fmt: skip


def failure(output: Output, age: Callable[[], tuple[int, ...]] = tuple) -> DownloadError:
    """What a failed run means, and the way on; errors speak before warnings.

    Parameters
    ----------
    output : Output
    age : callable
        Asked for the program's version only where that may be the cause.
    """
    log = [re.sub(r'query ".*?" page', "query, page", line) for line in output.log]
    errors = [line for line in log if re.search(r"\berror\b", line, re.IGNORECASE)]
    if (known := _known(errors, age)) is not None:
        return known
    if output.status < 0 or output.status in (137, 143):
        number = -output.status if output.status < 0 else output.status - 128
        return DownloadError(f"yt-dlp was killed (signal {number})", f"is there enough memory? try again, {UPLOAD}")
    if (known := _known(log, age)) is not None:
        return known
    last = (errors or [line for line in log if line] or [f"it ended with {output.status} and said nothing"])[-1]
    message = f"yt-dlp failed: {re.sub(r'^ERROR:? *', '', last)[:200]}"
    return DownloadError(_with_age(message, age), f"{_UPDATE} and try again, {UPLOAD}")


def _known(lines: Sequence[str], age: Callable[[], tuple[int, ...]]) -> DownloadError | None:
    """What the most telling of these lines means, if any does."""
    for pattern, meaning, fix in _MEANINGS:
        if any(re.search(pattern, line, re.IGNORECASE) for line in lines):
            return DownloadError(_with_age(meaning, age) if "update" in fix.lower() else meaning, f"{fix}, {UPLOAD}")
    return None


def _with_age(message: str, age: Callable[[], tuple[int, ...]]) -> str:
    """The message, and that the program is too old where it is."""
    date = age()
    if not date or date >= OLDEST:
        return message
    return f"{message}; yours is of {'.'.join(f'{part:02d}' for part in date)}, which is too old"
