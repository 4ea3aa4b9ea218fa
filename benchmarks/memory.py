"""Peak memory of our process, the ffmpeg child apart, for short and long songs.

Conventions: each figure is the peak resident set of a fresh process that does the whole job through the command line
(Linux's ``VmHWM``, which starts anew with the program; ``ru_maxrss`` would carry over this process's own); MB are 1e6
bytes. The songs are the demo's music repeated, written as FLAC or MP3.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from lib_music.demo.compose import compose, write
from lib_music.ffmpeg import ffmpeg_exe

_CHILD = """
import sys
from lib_music.cli import main
code = main(sys.argv[1:])
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print("PEAK", int(peak.split()[1]) * 1024 / 1e6, file=sys.stderr)
sys.exit(code)
"""


def repeat(short: Path, seconds: float, out: Path) -> Path:
    """``short`` looped to a length."""
    subprocess.run(
        [
            ffmpeg_exe(),
            "-v",
            "error",
            "-y",
            "-stream_loop",
            "-1",
            "-i",
            str(short),
            "-t",
            str(seconds),
            "-b:a",
            "96k",
            str(out),
        ],
        check=True,
    )
    return out


def peak_mb(*argv: str) -> float:
    """Peak resident MB of one command."""
    with tempfile.TemporaryDirectory() as cache:
        # An analysis found in the cache would not be measured.
        own = {**os.environ, "MUSIC_VISUALIZER_CACHE": cache}
        done = subprocess.run(
            [sys.executable, "-c", _CHILD, *argv], capture_output=True, text=True, check=False, env=own
        )
    lines = [line for line in done.stderr.splitlines() if line.startswith("PEAK ")]
    if done.returncode != 0 or not lines:
        raise RuntimeError(f"{' '.join(argv)} failed: {done.stderr[-400:]}")
    return float(lines[-1].split()[1])


def rows() -> list[tuple[str, str, str, str]]:
    """Table rows: what, against, figure, must reach."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        short = write(compose(0), folder / "short.mp3")
        three = peak_mb("render", str(repeat(short, 180, folder / "three.mp3")), "--out", str(folder / "a"))
        sixty = peak_mb("render", str(repeat(short, 3600, folder / "sixty.mp3")), "--out", str(folder / "b"))
        hours = peak_mb("analyze", str(repeat(short, 3 * 3600 - 5, folder / "hours.mp3")), "--json")
    return [
        (
            "render, 60 min: peak memory",
            f"render, 3 min: {three:.0f} MB",
            f"{sixty:.0f} MB, {sixty / three - 1:+.0%}",
            "<= +15 % and < 500 MB",
        ),
        ("analyze, 3 h: peak memory", "itself", f"{hours:.0f} MB", "< 700 MB"),
    ]


if __name__ == "__main__":
    for row in rows():
        print(" | ".join(row))
