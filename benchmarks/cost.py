"""What hearing costs: time and memory of the whole analysis on one core, beside librosa's beat tracker.

Conventions: four minutes of 44.1 kHz stereo; a cold process is the command from its start to its end, a warm one the
second call in the same process; both are bound to one core; the least of three runs counts, as others run on the
machine too. Memory is the peak resident set of the process (``VmHWM``), MB of 1e6 bytes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.memory import peak_mb, repeat
from benchmarks.peers import PEERS, installed
from benchmarks.rendering import paired
from lib_music.analysis import analyse
from lib_music.audio import open_audio
from lib_music.demo.compose import compose, write

LONG_PLAN = (
    *(("intro", 8), ("verse", 16), ("chorus", 16), ("verse", 16), ("chorus", 16)),
    *(("break", 12), ("build", 4), ("drop", 24), ("chorus", 12), ("outro", 4)),
)
RUNS = 3
#: One core for everybody: what is compared is the method.
ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
_WARM = """
import os, sys, time
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}) if hasattr(os, "sched_setaffinity") else None
%s
run(); best = min((lambda t: (run(), time.perf_counter() - t)[1])(time.perf_counter()) for _ in range(3))
print("SECONDS", best)
"""
_OURS = """
from lib_music.analysis import analyse
from lib_music.audio import open_audio
run = lambda: analyse(open_audio(sys.argv[1]))
"""
_LIBROSA = """
import librosa
def run():
    samples, rate = librosa.load(sys.argv[1], sr=22050)
    librosa.beat.beat_track(y=samples, sr=rate)
"""
_COLD_LIBROSA = "import sys\n" + _LIBROSA + "run()\n"


@dataclass(frozen=True)
class Cost:
    """Seconds and megabytes of ours and of librosa's beats; librosa's are None where it is not installed."""

    warm: float
    cold: float
    short_mb: float
    hours_mb: float | None = None
    hours_seconds: float | None = None
    librosa_warm: float | None = None
    librosa_cold: float | None = None

    def lines(self) -> list[tuple[str, str, float, float | None, float, str]]:
        """(what, known figures, ours, librosa here, at the most, unit)."""
        found = [
            ("4 minutes, one core, warm", "0.43 s (beats only), madmom 28.6 s", self.warm, self.librosa_warm, 2.0, "s"),
            ("4 minutes, one core, cold process", "6.4–8.9 s (beats only)", self.cold, self.librosa_cold, 4.0, "s"),
            ("peak memory, 4 minutes", "435–469 MB, Degara 230 MB", self.short_mb, None, 400.0, "MB"),
        ]
        if self.hours_mb is not None:
            seconds = f" (analysed in {self.hours_seconds:.0f} s)" if self.hours_seconds else ""
            found.append((f"peak memory, 3 hours{seconds}", "–", self.hours_mb, None, 700.0, "MB"))
        return found


def costs(*, hours: bool = True) -> Cost:
    """Measure; ``hours`` adds three hours of music, a few minutes of work."""
    librosa = "librosa" in installed()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        song = write(compose(3, bpm=128.0, plan=LONG_PLAN), folder / "four.wav")
        analyze = [sys.executable, "-m", "lib_music", "analyze", str(song), "--json"]
        cost = Cost(
            _warm(_OURS, song), _cold(analyze), peak_mb("analyze", str(song), "--json"),
            librosa_warm=_warm(_LIBROSA, song) if librosa else None,
            librosa_cold=_cold([sys.executable, "-c", _COLD_LIBROSA, str(song)]) if librosa else None,
        )  # fmt: skip
        if not hours:
            return cost
        long = repeat(write(compose(0), folder / "short.mp3"), 3 * 3600 - 5, folder / "hours.mp3")
        began = time.perf_counter()
        peak = peak_mb("analyze", str(long), "--json")
        return Cost(cost.warm, cost.cold, cost.short_mb, peak, time.perf_counter() - began, cost.librosa_warm,
                    cost.librosa_cold)


def _bound() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _warm(program: str, song: Path) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _WARM % program, str(song)], capture_output=True, text=True, check=True,
        env={**os.environ, **ONE_CORE},
    )  # fmt: skip
    return float(next(line for line in done.stdout.splitlines() if line.startswith("SECONDS ")).split()[1])


def _cold(command: list[str]) -> float:
    def once() -> float:
        with tempfile.TemporaryDirectory() as cache:
            began = time.perf_counter()
            subprocess.run(command, capture_output=True, check=True, preexec_fn=_bound,
                           env={**os.environ, **ONE_CORE, "MUSIC_VISUALIZER_CACHE": cache})  # fmt: skip
            return time.perf_counter() - began

    return min(once() for _ in range(RUNS))


def speed_rows() -> list[tuple[str, str, str, str]]:
    """The row of ``make bench``: the median ratio of alternated pairs in one process."""
    with tempfile.TemporaryDirectory() as folder:
        path = write(compose(3, bpm=128.0, plan=LONG_PLAN), Path(folder) / "four.wav")
        audio, librosas = open_audio(path), PEERS["librosa"]()

        def seconds(theirs: bool) -> float:
            start = time.perf_counter()
            if theirs:
                librosas(str(path))
            else:
                analyse(audio)
            return time.perf_counter() - start

        seconds(True), seconds(False)
        own, other, ratio = paired(lambda: seconds(False), lambda: seconds(True), 5)
    return [
        (
            "analysis of a 4-minute stereo file, warm process",
            "librosa beat_track + chroma + agglomerative",
            f"{ratio:.2f} ({own:.2f} s / {other:.2f} s)",
            "<= 0.5",
        )
    ]
