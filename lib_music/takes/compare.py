"""The video as it is beside a take, the same moments in both, as one small video with its sound.

Conventions: on the left what is there now, on the right the take; the file lies in the take's folder and is made anew
when what is there now is another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from lib_music.audio import Audio
from lib_music.errors import InputError
from lib_music.ffmpeg import ffmpeg_exe, file_url
from lib_music.files import written_aside
from lib_music.project import Project
from lib_music.takes.take import Take
from lib_music.video.encode import timescale
from lib_music.video.mux import SOUND_RATE, count_frames, joined, run, sound_blocks, sound_filter

#: The height of either picture in pixels.
HEIGHT = 288


def comparison(project: Project, take: Take) -> Path | None:
    """The comparison with the video as it is now, where it was made; None where it was not."""
    path = _path(project, take)
    return path if path is not None and path.is_file() else None


def compare(project: Project, take: Take, audio: Audio, check: Callable[[], None]) -> Path:
    """Make the comparison.

    Parameters
    ----------
    project : Project
        Open.
    take : Take
    audio : Audio
        What sounds in the whole video.
    check : callable
        What it raises stops the work.

    Raises
    ------
    InputError
        The video is not finished, or the take is not whole or of another shape.
    FfmpegError
        A file cannot be read.
    """
    path = _path(project, take)
    progress, video = project.progress(), project.video()
    if path is None or video is None:
        raise InputError("the video is not finished; there is nothing to compare with", "finish it first")
    if not take.is_whole or sum(progress.lengths) != take.total or progress.fps != take.fps:
        raise InputError(f"take {take.number} has other moments than the video", "")
    if path.is_file():
        return path
    for left in path.parent.glob("compare-*.mp4"):
        left.unlink(missing_ok=True)
    fps, n = Fraction(take.fps), take.last - take.first
    segments = [take.folder(project) / f"{start:05d}.seg" for start in take.starts]
    begin = float(take.first / fps)
    sound = replace(audio, start=audio.start + begin, duration=min(float(n / fps), max(0.02, audio.duration - begin)))
    scale = f"scale=-2:{HEIGHT},setsar=1"
    both = (
        f"[0:v:0]trim=start_frame={take.first}:end_frame={take.last},setpts=PTS-STARTPTS,{scale}[now];"
        f"[1:v:0]setpts=PTS-STARTPTS,{scale}[then];[now][then]hstack=inputs=2[v]"
    )
    with written_aside(path) as aside:
        # fmt: off
        argv = [
            ffmpeg_exe(), "-v", "error", "-nostdin", "-y", "-i", file_url(video),
            *joined(segments, take.lengths, fps),
            "-f", "f32le", "-ar", str(SOUND_RATE), "-ac", "2", "-i", "pipe:0",
            "-filter_complex", both, "-map", "[v]", "-map", "2:a:0", "-frames:v", str(n),
            "-c:v", "libx264", "-preset", "superfast", "-crf", "24", "-pix_fmt", "yuv420p",
            "-af", sound_filter(sound, float(n / fps)), "-c:a", "aac", "-b:a", "128k",
            "-video_track_timescale", str(timescale(fps)), "-movflags", "+faststart", "-f", "mp4", file_url(aside),
        ]
        # fmt: on
        run(argv, sound_blocks(sound, check))
        if count_frames(aside) != n:
            raise InputError(f"take {take.number} has other moments than the video", "")
    return path


def _path(project: Project, take: Take) -> Path | None:
    progress = project.progress()
    if not progress.is_finished or not progress.video_digest:
        return None
    return take.folder(project) / f"compare-{progress.video_digest[:12]}.mp4"
