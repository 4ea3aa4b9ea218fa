"""Seconds to frames."""

import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_music.errors import RangeError
from lib_music.schedule.timebase import Timebase, parse_fps

FPS = st.sampled_from([Fraction(12), Fraction(24), Fraction(25), Fraction(30), Fraction(60), Fraction(30000, 1001)])


@given(FPS, st.floats(0, 3600))
def test_a_moment_is_shown_within_half_a_frame(fps: Fraction, time: float) -> None:
    timebase = Timebase.for_duration(4000, fps)
    assert abs(timebase.frame(time) / float(fps) - time) <= 0.5 / float(fps) + 1e-6


@given(FPS, st.integers(0, 90_000))
def test_a_frames_own_time_is_that_frame(fps: Fraction, frame: int) -> None:
    timebase = Timebase(fps, 100_000)
    assert timebase.frame(float(frame / fps)) == frame
    assert timebase.times()[frame] == pytest.approx(float(frame / fps), abs=1e-9)


@given(FPS, st.floats(0.01, 3600))
def test_length_is_the_nearest_whole_number_of_frames(fps: Fraction, seconds: float) -> None:
    timebase = Timebase.for_duration(seconds, fps)
    assert timebase.n_frames == 1 or abs(timebase.duration - seconds) <= 0.5 / float(fps) + 1e-9


def test_times_outside_are_clipped() -> None:
    assert Timebase(Fraction(24), 10).frames(np.array([-1.0, 99.0])).tolist() == [0, 9]


@pytest.mark.parametrize(
    ("text", "fps"),
    [
        ("24", Fraction(24)),
        ("29.97", Fraction(30000, 1001)),
        ("23.976", Fraction(24000, 1001)),
        ("30000/1001", Fraction(30000, 1001)),
        ("12.5", Fraction(25, 2)),
        (60, Fraction(60)),
        ("30", Fraction(30)),
        ("59.94", Fraction(60000, 1001)),
    ],
)
def test_parse_fps(text: object, fps: Fraction) -> None:
    assert parse_fps(text) == fps  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "0", "-24", "nan", "inf", "1e9", "24/0", "fast", "241"])
def test_bad_fps_is_refused_with_the_value(text: str) -> None:
    with pytest.raises(RangeError) as error:
        parse_fps(text)
    assert text in error.value.message and error.value.exit_code == 2


@pytest.mark.parametrize(
    "text",
    ["1e99999999", "1e-99999999", "9" * 5000, "1/" + "9" * 5000, "." + "9" * 5000, 10**6000, 1e300, 1e-300],
    ids=lambda text: f"{type(text).__name__} {str(text)[:6]}" if not isinstance(text, int) else "int",
)
def test_numbers_that_would_take_forever_are_refused_at_once(text: str | float) -> None:
    begun = time.process_time()
    with pytest.raises(RangeError) as error:
        parse_fps(text)
    assert time.process_time() - begun < 1.0
    assert len(error.value.message) < 100


@given(st.text(alphabet="0123456789eE+-./ x", max_size=60) | st.integers() | st.floats())
def test_any_rate_is_read_or_refused(text: str | float) -> None:
    try:
        assert 1 <= parse_fps(text) <= 240
    except RangeError as error:
        assert error.fix
