"""What the timeline needs of the sound itself: its outline, and a file that a browser can play.

Conventions: the outline is at most 6,000 pairs of least and greatest sample, whole numbers -100 to 100, kept as
``waveform.json``; it covers the range that was analysed.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from lib_music.audio import Audio
from lib_music.errors import FfmpegError, ProjectError, RenderError
from lib_music.ffmpeg import FfmpegOutput, explain, file_url, input_args
from lib_music.files import read_json, write_json, written_aside
from lib_music.pipeline import Reporter
from lib_music.project import Project
from lib_music.studio.host import Host

WAVEFORM, LISTEN = "waveform.json", "listen.m4a"
MAX_POINTS = 6_000
#: Points a second where the song is short enough.
_FINEST = 50.0
_RATE = 8_000
#: What every browser of today plays, from its first sample on; the sound of a video may begin later than its picture.
_PLAYABLE = frozenset({".mp3", ".m4a", ".wav", ".flac"})
#: A bigger file is made smaller for listening: it comes through a pod's proxy.
_HEAVY = 40_000_000


def outline(audio: Audio, reporter: Reporter | None = None) -> dict[str, Any]:
    """The least and greatest sample of each stretch: ``{"rate": Hz, "min": [...], "max": [...]}``."""
    reporter = reporter or Reporter()
    step = max(math.ceil(_RATE / _FINEST), math.ceil(audio.duration * _RATE / MAX_POINTS))
    low, high = [], []
    rest = np.zeros(0, np.float32)
    for block in audio.blocks(_RATE):
        reporter.check()
        samples = np.concatenate([rest, block])
        whole = samples[: len(samples) // step * step].reshape(-1, step)
        rest = samples[whole.size :]
        low.append(whole.min(axis=1, initial=1.0) if whole.size else np.zeros(0))
        high.append(whole.max(axis=1, initial=-1.0) if whole.size else np.zeros(0))
    if rest.size:
        low.append(rest.min(keepdims=True))
        high.append(rest.max(keepdims=True))
    least, greatest = (np.rint(100 * np.concatenate(part)).astype(int)[:MAX_POINTS].tolist() for part in (low, high))
    return {"rate": round(_RATE / step, 6), "min": least, "max": greatest}


def kept_outline(project: Project, content_hash: str) -> dict[str, Any] | None:
    """The outline that was kept of this song; None when there is none that can be used."""
    path = project.path(WAVEFORM)
    try:
        found = read_json(path) if path.is_file() else None
    except ProjectError:
        return None
    if not isinstance(found, dict) or found.get("content_hash") != content_hash:
        return None
    wave = found.get("wave")
    return wave if isinstance(wave, dict) and set(wave) == {"rate", "min", "max"} else None


def keep_outline(project: Project, audio: Audio, reporter: Reporter | None = None) -> dict[str, Any]:
    """Compute the outline and keep it. Raises AudioError when the song cannot be decoded."""
    wave = outline(audio, reporter)
    write_json(project.path(WAVEFORM), {"content_hash": audio.content_hash, "wave": wave})
    return wave


def keep_sound(host: Host, project: Project, audio: Audio, reporter: Reporter) -> None:
    """Outline and, where the browser cannot have or play the song's own file, one that it can."""
    reporter.stage("schedule")
    if kept_outline(project, audio.content_hash) is None:
        keep_outline(project, audio, reporter)
    reporter.check()
    if not is_playable(host, audio.path) and not project.path(LISTEN).is_file():
        try:
            _write_listening(audio.path, project.path(LISTEN), reporter)
        except RenderError as error:
            reporter.say(f"the song cannot be played on this page: {error.message}")


def listening(host: Host, project: Project, song: Path) -> Path | None:
    """The file to play; None where there is none."""
    if is_playable(host, song) and song.is_file():
        return song
    made = project.path(LISTEN)
    return made if made.is_file() else None


def is_playable(host: Host, song: Path) -> bool:
    """Whether the browser can have the song's own file, and play it."""
    try:
        near = song.resolve().is_relative_to(host.workspace().resolve())
        return near and song.suffix.lower() in _PLAYABLE and song.stat().st_size <= _HEAVY
    except OSError:
        return False


def _write_listening(song: Path, out: Path, reporter: Reporter) -> None:
    """AAC of the whole song; times are those of the decoded song. Raises FfmpegError."""
    with written_aside(out) as aside:
        sound = ["-map", "0:a:0", "-map_metadata", "-1", "-ac", "2", "-c:a", "aac", "-b:a", "128k"]
        sound += ["-movflags", "+faststart", "-f", "mp4", file_url(aside)]
        with FfmpegOutput(["-v", "error", "-y", "-progress", "pipe:1", *input_args(song), *sound]) as output:
            while output.read(128):
                reporter.check()
            if output.finish():
                raise FfmpegError(explain(output.log) or "ffmpeg cannot convert it", "")
