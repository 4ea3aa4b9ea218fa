"""How fast the animatic is, encode included, against the limit and against moviepy.

Conventions: frames per second of wall time; pairs are run alternately (A B A B ...) and the median of the pairs'
ratios is what counts, because a shared machine's speed drifts. Both sides of a pair feed the same ffmpeg with the same
settings; the cover is ready before the clock starts.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np

from lib_music.demo.cover import paint
from lib_music.prompts.storyboard import make_storyboard
from lib_music.prompts.text import Own
from lib_music.render.animatic import Animatic
from lib_music.render.pixels import Rgb
from lib_music.schedule.animation import Animation
from lib_music.schedule.choreography import Look, animate
from lib_music.schedule.presets import get_preset
from lib_music.video.encode import Encoding, Segment, SegmentWriter
from tests.music import song

SIZE, FPS = 512, Fraction(24)


def example() -> Animation:
    """Forty seconds at 126 BPM: verse, chorus, break, drop."""
    analysis = song(bpm=126, plan=(("A", "verse", 6), ("B", "chorus", 6), ("C", "break", 3), ("D", "drop", 6)))
    board = make_storyboard([Own("a"), Own("b")], analysis.sections, negative=Own(""), style=Own(""), seed=1)
    prompts = board.resolve(analysis.sections)
    return animate(analysis, prompts, preset=get_preset("four-on-the-floor"), fps=FPS, look=Look(SIZE, SIZE))


def product(animation: Animation, cover: Rgb, folder: Path) -> float:
    """Seconds to paint and encode, as the pipeline does it: ten-second segments on a writer thread."""
    frames = Animatic(cover).frames(animation, 0, None)
    began = time.perf_counter()
    with SegmentWriter(Encoding(SIZE, SIZE, FPS), lambda _: None, lambda _: None) as writer:
        left, number = animation.timebase.n_frames, 0
        while left:
            length = min(240, left)
            segment = writer.begin(folder / f"{number:05d}.seg")
            for i in range(length):
                writer.put(segment, next(frames))
                if i == length // 2 and left > length:
                    writer.prepare(folder / f"{number + 1:05d}.seg")
            writer.put(segment, None)
            left, number = left - length, number + 1
    return time.perf_counter() - began


def ready_made(frames: list[np.ndarray], folder: Path) -> float:
    """Seconds to encode the same frames, already made, in one go."""
    began = time.perf_counter()
    segment = Segment(folder / "ready.seg", Encoding(SIZE, SIZE, FPS))
    for frame in frames:
        segment.write(frame)
    segment.finish()
    return time.perf_counter() - began


def moviepy_seconds(n_frames: int, folder: Path) -> float:
    """Seconds moviepy takes for a chorus's zoom (1.1 a second) and turn (9 degrees a second) of the same picture."""
    from moviepy import CompositeVideoClip, ImageClip

    clip = ImageClip(paint(0, SIZE)).with_duration(n_frames / 24)
    clip = clip.resized(lambda t: 1.1**t).rotated(lambda t: 9 * t, expand=False).with_position("center")
    film = CompositeVideoClip([clip], size=(SIZE, SIZE))
    began = time.perf_counter()
    film.write_videofile(
        str(folder / "moviepy.mp4"),
        fps=24,
        codec="libx264",
        preset="veryfast",
        audio=False,
        logger=None,
        ffmpeg_params=["-crf", "20"],
    )
    return time.perf_counter() - began


def paired(a: Callable[[], float], b: Callable[[], float], pairs: int) -> tuple[float, float, float]:
    """Medians of two timings run alternately, and the median of their ratio a / b."""
    times = [(a(), b()) for _ in range(pairs)]
    return (
        statistics.median(x for x, _ in times),
        statistics.median(y for _, y in times),
        statistics.median(x / y for x, y in times),
    )


def rows(pairs: int = 5) -> list[tuple[str, str, str, str]]:
    """Table rows: what, against, figure, must reach."""
    animation = example()
    n = animation.timebase.n_frames
    cover = paint(0, 1024)
    made = [frame.copy() for frame in Animatic(cover).frames(animation, 0, None)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours, limit, ratio = paired(lambda: product(animation, cover, folder), lambda: ready_made(made, folder), pairs)
        few = 168
        peer = statistics.median(moviepy_seconds(few, folder) for _ in range(3))
    rate, peer_rate = n / ours, few / peer
    return [
        (
            "animatic 512x512, encode included",
            f"same frames ready-made, {n / limit:.0f} frames/s",
            f"{rate:.0f} frames/s, {1 / ratio:.0%}",
            ">= 70 %, aim 85 %",
        ),
        ("same", f"moviepy zoom and rotation, {peer_rate:.1f} frames/s", f"{rate / peer_rate:.1f} x", ">= 8 x"),
    ]


if __name__ == "__main__":
    for row in rows():
        print(" | ".join(row))
