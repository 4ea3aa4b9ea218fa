"""Keys, sampling and thinning."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.schedule import schedules
from lib_music.schedule.schedules import Schedule, constant, thin

CURVES = st.lists(st.floats(-5, 5), min_size=1, max_size=300).map(np.array)


@settings(deadline=None)
@given(CURVES, st.floats(1e-4, 0.5), st.floats(1e-3, 2.0))
def test_thinned_keys_keep_both_bounds(curve: np.ndarray, tolerance: float, total: float) -> None:
    schedule = Schedule("angle", thin(curve, tolerance, total))
    errors = schedule.sample(curve.size) - curve
    # Rounding to six decimals may add half a millionth a frame, and no more.
    assert np.abs(errors).max() <= tolerance + 1e-6
    assert np.abs(np.cumsum(errors)).max() <= total + 1e-6 * curve.size
    assert schedule.keyframes[0][0] == 0
    assert schedule.keyframes[-1][0] == curve.size - 1


def test_a_ramp_needs_two_keys_and_a_constant_two() -> None:
    assert len(thin(np.linspace(1, 2, 500), 1e-6, 1e-3)) == 2
    assert len(thin(np.full(500, 1.02), 1e-6, 1e-3)) == 2
    assert thin(np.array([3.0]), 0.1, 1.0) == ((0, 3.0),)


def test_a_spike_keeps_its_own_frame() -> None:
    curve = np.ones(100)
    curve[40] = 1.05
    schedule = Schedule("zoom", thin(curve, 1e-4, 1e-2))
    assert schedule.sample(100)[40] == pytest.approx(1.05, abs=1e-4)
    assert len(schedule.keyframes) == 5


def test_a_slow_error_does_not_add_up() -> None:
    """A curve just inside the tolerance of a straight line, always on one side, must not drift by n times that."""
    curve = 1 + 0.9e-3 * np.sin(np.linspace(0, np.pi, 7200))
    schedule = Schedule("zoom", thin(curve, 1e-3, 1e-2))
    assert abs(np.sum(schedule.sample(7200) - curve)) < 1e-2


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(-1e4, 1e4)), max_size=20))
def test_text_is_plain_decimal_and_reads_back(steps: list[tuple[int, float]]) -> None:
    frames = np.cumsum([0] + [gap for gap, _ in steps]).tolist()
    values = [0.0] + [value for _, value in steps]
    text = Schedule("zoom", tuple(zip(frames, values, strict=True))).to_string()
    assert re.fullmatch(r"0:\(-?\d+\.\d{6}\)(,\d+:\(-?\d+\.\d{6}\))*", text)
    read = [(int(f), float(v)) for f, v in re.findall(r"(\d+):\(([^)]+)\)", text)]
    assert [f for f, _ in read] == frames
    assert np.allclose([v for _, v in read], values, atol=6e-7)


def test_a_held_schedule_steps_in_deforums_linear_reading() -> None:
    held = Schedule("seed_schedule", ((0, 1.0), (10, 5.0)), "hold")
    text = held.to_string()
    keys = [(int(f), float(v)) for f, v in re.findall(r"(\d+):\(([^)]+)\)", text)]
    linear = np.interp(np.arange(20), *zip(*keys, strict=True))
    assert np.array_equal(linear, held.sample(20))


def test_negative_zero_is_not_written() -> None:
    assert constant("angle", -0.0).to_string() == "0:(0.000000)"


@pytest.mark.parametrize(
    "keys", [(), ((1, 0.0),), ((0, 0.0), (0, 1.0)), ((0, 0.0), (5, 1.0), (3, 1.0)), ((0, float("nan")),)]
)
def test_wrong_keys_are_refused(keys: tuple[tuple[int, float], ...]) -> None:
    with pytest.raises(ValueError, match="Schedule zoom"):
        Schedule("zoom", keys)


def test_what_was_thinned_lately_is_not_thinned_again_and_never_mistaken() -> None:
    curve = np.sin(np.arange(5000) / 40)
    first = thin(curve, 0.01, 0.1)
    assert thin(curve.copy(), 0.01, 0.1) is first
    assert thin(curve, 0.02, 0.1) != first
    curve[2500] += 0.5
    assert thin(curve, 0.01, 0.1) != first
    for n in range(100):
        thin(np.full(3, float(n)), 0.01, 0.1)
    assert len(schedules._LATELY) <= 48
