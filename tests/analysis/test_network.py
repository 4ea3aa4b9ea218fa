"""The learned listener hears what is there, at any level and in any length, and refuses damaged weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lib_music.analysis import network
from lib_music.analysis.features import RATE, Features, extract
from lib_music.errors import InstallationError
from tests.analysis.sounds import SR, Floats, drums, sound

TEMPO, FIRST, SECONDS = 120.0, 0.75, 30.0
BEATS = np.arange(FIRST, SECONDS - 0.5, 60 / TEMPO)


def rock() -> Floats:
    """Kick, snare and hats at 120 BPM; the first beat of a bar at 0.75 s."""
    hats = np.arange(FIRST, SECONDS - 0.5, 30 / TEMPO)
    kicks, snares = np.sort(np.concatenate([BEATS[::4], BEATS[2::4]])), BEATS[1::2]
    return drums([(kicks, "kick", 0.8), (snares, "snare", 0.6), (hats, "hat", 0.2)], SECONDS)


@pytest.fixture(scope="module")
def features() -> Features:
    return extract(sound(rock()))


@pytest.fixture(scope="module")
def heard(features: Features) -> network.Activations:
    return network.listen(features)


def peaks(activation: Floats, least: float = 0.4) -> Floats:
    """Times of the highest activation within 70 ms either side, s."""
    highest = np.lib.stride_tricks.sliding_window_view(np.pad(activation, 6), 13).max(axis=1)
    return np.flatnonzero((activation == highest) & (activation >= least)) / RATE


def test_beats_of_a_drum_kit_are_peaks_and_nothing_else_is(heard: network.Activations) -> None:
    inner = BEATS[(BEATS > 2) & (BEATS < SECONDS - 2)]
    found = peaks(heard.beat)
    found = found[(found > 1.9) & (found < SECONDS - 1.9)]
    nearest = np.abs(inner[:, None] - found[None]).min(axis=1)
    assert (nearest < 0.03).mean() >= 0.97, "a beat without a peak"
    assert np.median(nearest) < 0.015
    assert found.size <= 1.06 * inner.size, "peaks between the beats"


def test_tempo_and_pulse_of_a_drum_kit(heard: network.Activations) -> None:
    middle = slice(heard.pulse.size // 5, -heard.pulse.size // 5)
    assert heard.pulse[middle].min() > 0.7
    usual = network.TEMPI[heard.tempo[middle].mean(axis=0).argmax()]
    assert abs(usual / TEMPO - 1) < 0.06
    np.testing.assert_allclose(heard.tempo.sum(axis=1), 1, atol=1e-5)


def test_shapes_and_rates(features: Features, heard: network.Activations) -> None:
    m = features.level.size
    assert heard.beat.shape == heard.downbeat.shape == (m,)
    assert heard.pulse.shape == (-(-m // network.SPAN),)
    assert heard.beat.dtype == heard.downbeat.dtype == heard.pulse.dtype == np.float32


@pytest.mark.parametrize("decibel", [-46, -20, 14])
def test_level_does_not_matter(decibel: float, heard: network.Activations) -> None:
    samples = rock() * 10 ** (decibel / 20)
    other = network.listen(extract(sound(samples)))
    inner = BEATS[(BEATS > 2) & (BEATS < SECONDS - 2)]
    nearest = np.abs(inner[:, None] - peaks(other.beat)[None]).min(axis=1)
    assert (nearest < 0.03).mean() >= 0.97
    if decibel == -20:
        assert np.abs(other.beat - heard.beat).max() < 0.1


@pytest.mark.parametrize("block", [512, 1008])
def test_blocks_give_what_the_whole_gives(
    block: int, features: Features, heard: network.Activations, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = Features(**{name: np.concatenate([value] * 3) if isinstance(value, np.ndarray) else value
                       for name, value in vars(features).items()})
    whole = network.listen(long)
    monkeypatch.setattr(network, "_BLOCK", block)
    parts = network.listen(long)
    for name in ("beat", "downbeat", "pulse", "tempo"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), atol=1e-4, err_msg=name)


def test_hearing_twice_is_hearing_the_same(features: Features, heard: network.Activations) -> None:
    np.testing.assert_array_equal(network.listen(features).beat, heard.beat)


@pytest.mark.parametrize("samples", [np.zeros(20 * SR), np.random.default_rng(1).normal(0, 0.1, 20 * SR)],
                         ids=["silence", "noise"])
def test_no_beats_where_there_are_none(samples: Floats) -> None:
    heard = network.listen(extract(sound(samples)))
    assert peaks(heard.beat).size == 0
    assert heard.pulse.mean() < 0.3


@pytest.mark.parametrize("samples", [1, 300, 3000, 40_000])
def test_any_length_is_heard(samples: int) -> None:
    heard = network.listen(extract(sound(rock()[:samples])))
    assert np.isfinite(heard.beat).all()


def test_weights_are_small_and_of_ours() -> None:
    assert network.WEIGHTS.stat().st_size <= 3_000_000
    with np.load(network.WEIGHTS, allow_pickle=False) as file:
        kinds = {file[name].dtype for name in file.files if name not in ("format", "dilations")}
    assert kinds == {np.dtype(np.float16)}


def test_missing_weights_say_so(tmp_path: Path, features: Features) -> None:
    with pytest.raises(InstallationError, match="missing"):
        network.listen(features, tmp_path / "none.npz")


@pytest.mark.parametrize("damage", ["cut", "noise", "empty", "text", "format", "shape", "nan", "lacking"])
def test_damaged_weights_say_so(damage: str, tmp_path: Path, features: Features) -> None:
    path, whole = tmp_path / "listener.npz", network.WEIGHTS.read_bytes()
    with np.load(network.WEIGHTS, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    if damage == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "noise":
        middle = len(whole) // 2
        path.write_bytes(whole[:middle] + b"\xff" * 4000 + whole[middle + 4000 :])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "text":
        path.write_text("version https://git-lfs.github.com/spec/v1\n")
    else:
        if damage == "format":
            arrays["format"] = np.int64(network.FORMAT + 1)
        elif damage == "shape":
            arrays["stem.w"] = arrays["stem.w"][:-1]
        elif damage == "nan":
            arrays["beat.b"] = np.full(4, np.nan, np.float16)
        else:
            del arrays["last.w"]
        np.savez(path, **arrays)
    with pytest.raises(InstallationError, match=r"damaged|layout"):
        network.listen(features, path)
