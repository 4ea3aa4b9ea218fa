"""The measure itself is measured: on videos whose jumps are known because they were drawn here."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import cv2
import mir_eval
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_music.errors import FfmpegError, RangeError
from lib_music.ffmpeg import ffmpeg_exe
from lib_music.schedule.timebase import Timebase
from lib_music.video.sync import SyncReport, compare, match_frames, sync_report, visual_change, visual_peaks

SECONDS = 8


def picture(size: int, seed: int = 0) -> np.ndarray:
    """Blobs of four sizes: something to see at every zoom."""
    rng = np.random.default_rng(seed)
    total = np.zeros((size, size, 3), np.float32)
    for cells, weight in ((4, 1.0), (16, 1.0), (64, 1.0), (size, 0.2)):
        grid = rng.uniform(0, weight, (cells, cells, 3)).astype(np.float32)
        total += cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.clip(255 * (total - total.min()) / np.ptp(total), 0, 255).astype(np.uint8)


def zoomed(image: np.ndarray, zoom: float) -> np.ndarray:
    size = image.shape[0]
    matrix = cv2.getRotationMatrix2D((size / 2, size / 2), 0, zoom)
    return cv2.warpAffine(image, matrix, (size, size), borderMode=cv2.BORDER_REFLECT)


def nods(fps: int, hits: Iterable[float], *, nod: float = 0.03, rate: float = 1.03) -> np.ndarray:
    """A slow zoom with a nod at each hit that is gone after three frames."""
    n = SECONDS * fps
    extra = np.zeros(n)
    for hit in hits:
        first = int(np.floor(hit * fps + 0.5))
        for k in range(3):
            if first + k < n:
                extra[first + k] = nod * (1 - k / 3)
    return rate ** (np.arange(n) / fps) * (1 + extra)


def encode(path: Path, frames: Iterable[np.ndarray], fps: int, size: int, crf: int) -> Path:
    argv = [ffmpeg_exe(), "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{size}x{size}",
            "-r", str(fps), "-i", "-", "-c:v", "libx264", "-preset", "veryfast", "-crf", str(crf),
            "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(argv, input=b"".join(frame.tobytes() for frame in frames), check=True)
    return path


def film(path: Path, zooms: np.ndarray, fps: int, size: int = 256, crf: int = 23) -> Path:
    image = picture(size)
    return encode(path, (zoomed(image, zoom) for zoom in zooms), fps, size, crf)


def beats(bpm: float) -> np.ndarray:
    return np.arange(60 / bpm, SECONDS - 0.2, 60 / bpm)


@pytest.mark.parametrize(("fps", "size", "crf", "bpm"), [
    (24, 256, 20, 120), (30, 512, 23, 174), (60, 256, 26, 126), (24, 384, 28, 140)])
def test_nods_are_found_on_their_frame_and_a_shift_by_half_a_beat_fails(
        tmp_path: Path, fps: int, size: int, crf: int, bpm: float) -> None:
    path = film(tmp_path / "nods.mp4", nods(fps, beats(bpm)), fps, size, crf)
    report = sync_report(path, beats(bpm))
    assert report.f_measure >= 0.95
    assert abs(report.mean_lag_ms) <= 0.25 * 1000 / fps
    assert dict(report.lags).get(0, 0) >= 0.9 * report.n_matched
    assert sync_report(path, beats(bpm) + 30 / bpm).f_measure < 0.4


def test_a_picture_that_is_two_frames_late_is_seen_to_be_late(tmp_path: Path) -> None:
    late = film(tmp_path / "late.mp4", nods(30, beats(120) + 2 / 30), 30)
    assert sync_report(late, beats(120)).f_measure < 0.1
    report = sync_report(late, beats(120), tolerance_frames=2)
    assert report.f_measure >= 0.95 and report.mean_lag_ms == pytest.approx(1000 * 2 / 30, abs=8)


def test_a_blind_strobe_fails(tmp_path: Path) -> None:
    strobe = film(tmp_path / "strobe.mp4", nods(24, np.arange(1 / 7, SECONDS, 1 / 7)), 24)
    report = sync_report(strobe, beats(120))
    assert report.n_peaks >= 5 * SECONDS, "the strobe itself must be seen"
    assert report.f_measure < 0.6


def test_a_strobe_of_cuts_fails(tmp_path: Path) -> None:
    images = [picture(256, seed) for seed in range(4)]
    frames = (images[int(i * 7 / 30) % 4] for i in range(SECONDS * 30))
    report = sync_report(encode(tmp_path / "cuts.mp4", frames, 30, 256, 23), beats(120))
    assert report.n_peaks >= 6 * SECONDS and report.f_measure < 0.6


@pytest.mark.parametrize("rate", [1.0, 1.05, 1.3])
def test_smooth_motion_has_no_peaks(tmp_path: Path, rate: float) -> None:
    zooms = nods(24, [], rate=rate) if rate < 1.2 else rate ** np.sin(np.arange(24 * SECONDS) / 24)
    change, fps = visual_change(film(tmp_path / "smooth.mp4", zooms, 24))
    # One keyframe falls into the film; at most it and the first frame's settling may show.
    assert visual_peaks(change, fps).size <= 2


def test_cuts_and_change_are_measured_in_grey_levels_with_the_rate_exact(tmp_path: Path) -> None:
    grey = [np.full((64, 64, 3), level, np.uint8) for level in (40, 40, 200, 200)]
    path = tmp_path / "grey.mp4"
    encode(path, grey, 24, 64, 10)
    change, fps = visual_change(path)
    assert fps == Fraction(24) and change.shape == (4,)
    # 160 of 255 levels in luma (219 of 255 in limited range), nothing in the chroma planes.
    assert change[2] == pytest.approx(160 * 219 / 255 / 3, abs=1.0)
    assert change[[0, 1, 3]] == pytest.approx(0, abs=0.5)


def test_peaks_of_a_curve_with_alternating_frames_are_the_jumps_alone() -> None:
    curve = 1.0 + 0.5 * (np.arange(240) % 2) + np.random.default_rng(0).uniform(0, 0.1, 240)
    curve[[36, 61, 120, 199]] += 6
    assert visual_peaks(curve, 24).tolist() == [36, 61, 120, 199]


def test_what_a_cut_leaves_behind_is_part_of_the_cut_but_the_next_beat_is_not() -> None:
    curve = np.full(240, 0.5)
    curve[[100, 103, 112]] += [20.0, 3.0, 3.0]
    assert visual_peaks(curve, 24).tolist() == [100, 112]


def test_a_quiet_verse_is_heard_beside_a_loud_drop() -> None:
    curve = np.random.default_rng(1).uniform(0.2, 0.4, 480)
    curve[24:240:24] += 1.5
    curve[240::12] += 15
    assert visual_peaks(curve, 24).tolist() == [*range(24, 240, 24), *range(240, 480, 12)]


@given(st.lists(st.floats(0, 50), max_size=300), st.sampled_from([12, 24, Fraction(30000, 1001), 60]))
def test_peaks_are_increasing_and_at_most_eight_a_second(values: list[float], fps: Fraction) -> None:
    peaks = visual_peaks(values, fps)
    assert (np.diff(peaks) >= fps / 8).all() and (peaks < max(1, len(values))).all()
    assert peaks.size == 0 or peaks[0] > 0


FRAMES = st.sets(st.integers(1, 200), max_size=40)


@given(FRAMES, FRAMES, st.integers(0, 3))
def test_matching_pairs_as_many_as_mir_eval(hits: set[int], peaks: set[int], tolerance: int) -> None:
    a, b = np.array(sorted(hits), float), np.array(sorted(peaks), float)
    pairs = match_frames(a, b, tolerance)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert all(abs(a[i] - b[j]) <= tolerance for i, j in pairs)
    assert len(pairs) == (len(mir_eval.util.match_events(a, b, tolerance + 1e-6)) if hits and peaks else 0)


def test_stretches_count_alone() -> None:
    timebase = Timebase(Fraction(24), 240)
    report = compare([24, 48, 120, 130, 200], [1.0, 2.0, 5.0, 7.0], timebase, within=[(4.0, 8.0)])
    # Inside: the hit at 5 s is met, that at 7 s is not; frame 130 is false, frame 200 (8.33 s) lies outside.
    assert (report.n_hits, report.n_peaks, report.n_matched) == (2, 2, 1)
    assert report.precision == report.recall == report.f_measure == 0.5


def test_hits_that_cannot_be_seen_do_not_count() -> None:
    report = compare([24], [0.0, 1.0, 99.0], Timebase(Fraction(24), 48))
    assert (report.n_hits, report.f_measure) == (1, 1.0)


def test_nothing_is_a_normal_input() -> None:
    report = compare([], [], Timebase(Fraction(24), 48))
    assert (report.f_measure, report.mean_lag_ms, report.lags) == (0.0, 0.0, ())
    assert visual_peaks([], 24).size == 0


def test_what_is_not_a_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("not a video")
    for name in ("text.mp4", "missing.mp4"):
        with pytest.raises(FfmpegError):
            visual_change(tmp_path / name)
    with pytest.raises(RangeError):
        visual_change(tmp_path / "text.mp4", width=4)
    with pytest.raises(RangeError):
        visual_peaks([0.0, 1.0], 0)
    with pytest.raises(ValueError):
        SyncReport(1, 1, 2, 1.0, 1.0, 1.0, 0.0, ((0, 2),), Fraction(24))
