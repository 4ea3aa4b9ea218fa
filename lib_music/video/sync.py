"""How well a finished video moves with its music, measured from the picture alone.

The video is decoded small, the change from each frame to the next is taken, its sudden peaks are picked, and
the peaks are matched one to one with the hits that were meant to be seen.

Conventions: ``change[i]`` is what differs between frame i - 1 and frame i, so a hit that first shows on frame
i peaks at i; ``change[0]`` is 0. Frame i starts at ``i / fps`` s; a hit belongs to its nearest frame, halves
going up, as in :class:`lib_music.schedule.timebase.Timebase`. A lag is positive when the picture is late.

A *peak* is a jump within one frame: the rise over both the frame before and the background, which must stand
clear of how the background itself flickers (texture, codec, cadence) and of what a jump just before it
leaves behind. Smooth motion has none, however fast.
Peak picking over a local median follows Böck, Krebs and Schedl, "Evaluating the online capabilities of onset
detection methods", ISMIR 2012; the matching counts as ``mir_eval.onset.f_measure`` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lib_music.errors import FfmpegError, RangeError
from lib_music.ffmpeg import FfmpegOutput, explain, input_args
from lib_music.schedule.timebase import Timebase

Change = npt.NDArray[np.float64]
Frames = npt.NDArray[np.int64]

#: Seconds of the local background, and the most peaks told apart in a second (a flicker fuses beyond that).
BACKGROUND_S, PEAKS_PER_S = 1.5, 8
#: A rise counts above all of: this many deviations of the local flicker, this share of the local background,
#: and a floor in grey levels, under which codecs live and eyes do not.
DEVIATIONS, SHARE, FLOOR = 4.0, 0.5, 0.6
#: After a jump, smaller ones are masked for this long unless they reach this share of it: a new picture that
#: settles is one event to the eye.
MASKED_S, MASKED_SHARE = 0.25, 0.2

_BLOCK_BYTES = 4 << 20


@dataclass(frozen=True)
class SyncReport:
    """How the peaks of a video met the hits.

    Attributes
    ----------
    n_hits, n_peaks, n_matched : int
        Hits that could be seen (inside the video and the chosen stretches), peaks counted, and pairs.
    precision, recall, f_measure : float in [0, 1]
        0 when there is nothing to divide by.
    mean_lag_ms : float
        Mean of peak minus hit over the pairs; positive when the picture is late; 0 without pairs.
    lags : tuple of (frames, count)
        Pairs by whole frames of lag, from early to late.
    fps : Fraction
    """

    n_hits: int
    n_peaks: int
    n_matched: int
    precision: float
    recall: float
    f_measure: float
    mean_lag_ms: float
    lags: tuple[tuple[int, int], ...]
    fps: Fraction

    def __post_init__(self) -> None:
        if not 0 <= self.n_matched <= min(self.n_hits, self.n_peaks):
            raise ValueError(f"SyncReport: {self.n_matched} pairs, {self.n_hits} hits, {self.n_peaks} peaks")
        if sum(count for _, count in self.lags) != self.n_matched:
            raise ValueError("SyncReport.lags must count each pair once")


def visual_change(path: Path | str, *, width: int = 64) -> tuple[Change, Fraction]:
    """Measure how much each frame differs from the one before.

    Parameters
    ----------
    path : Path or str
        Any video ffmpeg decodes. It is read as a stream: memory does not grow with its length.
    width : int
        Pixels the picture is averaged down to before comparing, at least 16. Few, so that motion counts and
        the fine grain that an encoder renews at its keyframes does not.

    Returns
    -------
    change : [shape=(n_frames,)] float64
        Mean absolute difference of all samples (Y, U and V) in grey levels, 0 to 255.
    fps : Fraction

    Raises
    ------
    FfmpegError
        When the file cannot be decoded or holds no picture.
    RangeError
        For a width under 16.
    """
    if width < 16:
        raise RangeError(f"width {width!r} is under 16 pixels", "give 64")
    args = ["-v", "error", *input_args(path), "-map", "0:V:0", "-an",
            "-vf", f"scale={width}:-1:flags=area", "-pix_fmt", "yuv444p", "-f", "yuv4mpegpipe", "-"]
    change: list[float] = []
    with FfmpegOutput(args) as child:
        fps, frame_bytes = _read_header(child)
        last = None
        for block in _frame_blocks(child, frame_bytes):
            joined = block if last is None else np.concatenate([last, block])
            change += [0.0] if last is None else []
            change += [_difference(joined[i], joined[i - 1]) for i in range(1, len(joined))]
            last = block[-1:]
        status = child.finish()
    if status or not change:
        why = explain(child.log) or "it holds no picture"
        raise FfmpegError(f"cannot decode {Path(path).name}: {why}", "give a whole video file")
    return np.array(change), fps


def _difference(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> float:
    """Mean absolute difference of two frames in grey levels."""
    import cv2

    return float(cv2.norm(a, b, cv2.NORM_L1)) / a.size


def _read_header(child: FfmpegOutput) -> tuple[Fraction, int]:
    """(fps, bytes a frame) from a YUV4MPEG2 header; (0, 0) when the stream is empty."""
    line = b""
    while len(line) < 256 and not line.endswith(b"\n") and (byte := child.read(1)):
        line += byte
    fields = {part[:1]: part[1:] for part in line.decode("ascii", "replace").split()[1:]}
    if not {"W", "H", "F"} <= set(fields):
        return Fraction(0), 0
    rate, per = fields["F"].split(":")
    return Fraction(int(rate), max(1, int(per))), 3 * int(fields["W"]) * int(fields["H"])


def _frame_blocks(child: FfmpegOutput, frame_bytes: int) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield the frames of a YUV4MPEG2 body in blocks [shape=(k, frame_bytes)]; half a frame is left out."""
    marker = len(b"FRAME\n")
    n = max(1, _BLOCK_BYTES // (frame_bytes + marker))
    while frame_bytes and (raw := child.read(n * (frame_bytes + marker))):
        whole = len(raw) // (frame_bytes + marker)
        frames = np.frombuffer(raw, np.uint8, whole * (frame_bytes + marker)).reshape(whole, -1)
        if whole:
            yield frames[:, marker:]


def visual_rise(change: npt.ArrayLike, fps: Fraction | float) -> tuple[Change, Change]:
    """The one-frame jumps of a change curve and how high a jump must be to count.

    Returns
    -------
    rise : [shape=(n,)]
        Change above both the frame before and the local median, >= 0.
    needed : [shape=(n,)]
        The threshold at each frame, in the same unit.
    """
    from scipy.ndimage import median_filter

    change = np.asarray(change, np.float64)
    if not change.size:
        return change, change
    window = max(3, round(BACKGROUND_S * float(fps)) | 1)
    background = median_filter(change, window, mode="nearest")
    flicker = 1.4826 * median_filter(np.abs(change - background), window, mode="nearest")
    previous = np.concatenate([change[:1], change[:-1]])
    rise = np.maximum(change - np.maximum(previous, background), 0)
    needed = np.maximum(np.maximum(DEVIATIONS * flicker, SHARE * background), FLOOR)
    reach = max(1, round(MASKED_S * float(fps)))
    padded = np.concatenate([np.zeros(reach), rise[:-1]])
    recent = np.lib.stride_tricks.sliding_window_view(padded, reach).max(axis=1)
    needed = np.maximum(needed, MASKED_SHARE * recent)
    return rise, needed


def visual_peaks(change: npt.ArrayLike, fps: Fraction | float) -> Frames:
    """Pick the frames at which the picture jumps.

    Parameters
    ----------
    change : [shape=(n_frames,)]
        As :func:`visual_change` returns it.
    fps : Fraction or float
        Frames a second, > 0.

    Returns
    -------
    peaks : [shape=(k,)] int64
        Strictly increasing, at most eight a second, the highest first where they crowd; empty for still or
        smooth pictures.
    """
    if not fps > 0:
        raise RangeError(f"fps {fps!r} is not above 0", "give the video's frame rate")
    rise, needed = visual_rise(change, fps)
    candidates = np.flatnonzero(rise > needed)
    apart = -(-fps // PEAKS_PER_S)
    free = np.ones(rise.size, bool)
    peaks = []
    for frame in candidates[np.argsort(-rise[candidates], kind="stable")]:
        if free[frame]:
            peaks.append(int(frame))
            free[max(0, frame - int(apart) + 1) : frame + int(apart)] = False
    return np.array(sorted(peaks), np.int64)


def match_frames(hits: npt.ArrayLike, peaks: npt.ArrayLike, tolerance: int) -> list[tuple[int, int]]:
    """Match sorted hits and peaks one to one, at most ``tolerance`` frames apart: (hit index, peak index).

    Taking the earliest that fits, from left to right, gives the most pairs on a line with one tolerance.
    """
    hits, peaks = np.asarray(hits, np.int64), np.asarray(peaks, np.int64)
    pairs, i, j = [], 0, 0
    while i < hits.size and j < peaks.size:
        lag = peaks[j] - hits[i]
        if abs(lag) <= tolerance:
            pairs.append((i, j))
        i, j = i + (lag >= -tolerance), j + (lag <= tolerance)
    return pairs


def compare(peaks: npt.ArrayLike, hits_s: npt.ArrayLike, timebase: Timebase, tolerance_frames: int = 1, *,
            within: Sequence[tuple[float, float]] | None = None) -> SyncReport:
    """Compare peaks with hits; see :func:`sync_report`."""
    times = np.sort(np.asarray(hits_s, np.float64))
    exact = np.floor(times * float(timebase.fps) + 0.5 + 1e-9)
    # Nothing can be seen to change on the first frame, nor after the last.
    seen = (exact >= 1) & (exact < timebase.n_frames)
    times, hits, peaks = times[seen], exact[seen].astype(np.int64), np.asarray(peaks, np.int64)
    pairs = match_frames(hits, peaks, tolerance_frames)
    stretches = [(0.0, np.inf)] if within is None else within
    hit_in, peak_in = (
        np.array([any(a - 1e-9 <= t < b - 1e-9 for a, b in stretches) for t in moments], bool)
        for moments in (times, peaks / float(timebase.fps)))
    # A pair counts where its hit lies; a peak that met a hit outside the stretches is no false one.
    kept = [(i, j) for i, j in pairs if hit_in[i]]
    false = peak_in.sum() - sum(peak_in[j] for _, j in pairs)
    n_hits, n_peaks, n = int(hit_in.sum()), len(kept) + int(false), len(kept)
    lag_frames = [int(peaks[j] - hits[i]) for i, j in kept]
    lag_s = [peaks[j] / float(timebase.fps) - times[i] for i, j in kept]
    return SyncReport(
        n_hits, n_peaks, n, n / n_peaks if n_peaks else 0.0, n / n_hits if n_hits else 0.0,
        2 * n / (n_hits + n_peaks) if n else 0.0, 1000 * float(np.mean(lag_s)) if n else 0.0,
        tuple((lag, lag_frames.count(lag)) for lag in sorted(set(lag_frames))), timebase.fps)


def sync_report(path: Path | str, hits_s: npt.ArrayLike, tolerance_frames: int = 1, *,
                within: Sequence[tuple[float, float]] | None = None) -> SyncReport:
    """Measure a video against the moments at which it was meant to jump.

    Parameters
    ----------
    path : Path or str
        The video; its sound is not read.
    hits_s : [shape=(n,)] s
        The declared hits, from the start of the video.
    tolerance_frames : int
        How far a peak may be from its hit.
    within : sequence of (start, end) s, optional
        Count only in these stretches, such as the choruses.

    Returns
    -------
    SyncReport

    Raises
    ------
    FfmpegError
        When the video cannot be decoded.
    """
    change, fps = visual_change(path)
    timebase = Timebase(fps, change.size)
    return compare(visual_peaks(change, fps), hits_s, timebase, tolerance_frames, within=within)
