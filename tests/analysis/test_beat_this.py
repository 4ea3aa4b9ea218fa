"""The optional ear: the program's own code hears with weights made here; what is missing is told.

The tests with the program run where it is installed: ``pip install torch beat_this``.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lib_music.analysis import analyse, beat_this
from lib_music.analysis.beat_this import FPS, HOP, RATE, _beats, _windows, installed
from lib_music.audio import open_audio
from lib_music.cli import main
from lib_music.errors import EarError
from tests.analysis.test_audition import sound

program = pytest.mark.skipif(not installed(), reason="beat_this is not installed: pip install torch beat_this")


def logits(frames: int, peaks: dict[int, float]) -> np.ndarray:
    """Very sure of nothing but some peaks; a neighbour's height moves the parabola."""
    curve = np.full(frames, -8.0, np.float32)
    for frame, height in peaks.items():
        curve[frame] = height
    return curve


def test_times_and_bars_of_the_programs_answer() -> None:
    frames = np.arange(12) * 25 + 10
    beat = logits(400, dict.fromkeys(frames.tolist(), 3.0))
    beat[frames[5] + 1] = 2.0
    firsts = frames[2::4]
    down = logits(400, dict.fromkeys(firsts.tolist(), 2.0))
    found = _beats(frames / FPS, firsts / FPS, beat, down, 8.0)
    assert found.positions.tolist() == [3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2]
    assert found.beats_per_bar == 4 and found.tempo == pytest.approx(120, rel=1e-3)
    assert found.times[4] == pytest.approx(frames[4] / FPS) and 0 < found.times[5] - frames[5] / FPS <= 0.5 / FPS
    assert found.confidence[0] == pytest.approx(1 / (1 + np.exp(-3.0)), abs=1e-3)
    assert found.bar_confidence == pytest.approx(1 / (1 + np.exp(-2.0)), abs=1e-3)
    nothing = _beats(np.empty(0), np.empty(0), beat, down, 8.0)
    assert nothing.times.size == 0 and nothing.tempo == 0


@pytest.mark.parametrize("seconds", [0.02, 3.0, 31.0, 65.5])
def test_windows_hold_every_frame_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(beat_this, "WINDOW", 10 * FPS)
    monkeypatch.setattr(beat_this, "CONTEXT", 2 * FPS)
    ramp = np.linspace(0, 0.9, round(seconds * RATE))
    audio = open_audio(sound(tmp_path / "ramp.wav", ramp, RATE))
    seen = [(held[i * HOP] if i * HOP < held.size else 0.0) for held, a, b in _windows(audio) for i in range(a, b)]
    assert len(seen) == round(seconds * RATE) // HOP + 1
    whole = np.append(ramp, np.zeros(RATE))[:: HOP][: len(seen)]
    assert np.array(seen) == pytest.approx(whole, abs=1e-3)
    assert max(held.size for held, _, _ in _windows(audio)) <= 14 * RATE


def test_without_the_program_it_is_told_and_ours_still_hears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tune = sound(tmp_path / "tune.wav", np.tile(np.r_[0.9 * np.ones(40), np.zeros(3960)], 24), 8000)
    monkeypatch.setattr(beat_this, "installed", lambda: False)
    assert main(["analyze", str(tune), "--ear", "beat_this"]) == 2
    assert "pip install beat_this" in capsys.readouterr().err
    assert main(["analyze", str(tune)]) == 0


def test_nothing_heavy_is_imported_for_our_own_ear() -> None:
    code = "import sys, lib_music.analysis, lib_music.studio.ear; print({'torch', 'beat_this'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint as the program saves them: its small model with random numbers, and the same every time."""
    import torch
    from beat_this.model.beat_tracker import BeatThis

    torch.manual_seed(5)
    sizes = {"transformer_dim": 32, "n_layers": 1, "head_dim": 16, "stem_dim": 16}
    model = BeatThis(**sizes)
    path = tmp_path_factory.mktemp("weights") / "small.ckpt"
    state = {f"model.{name}": value for name, value in model.state_dict().items()}
    torch.save({"hyper_parameters": sizes, "state_dict": state}, path)
    return path


@program
def test_the_program_hears_a_song_with_weights_from_a_file(
    tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from beat_this.inference import Audio2Beats

    from lib_music.demo.compose import compose, write

    monkeypatch.setenv("MUSIC_VISUALIZER_BEAT_THIS", str(weights))
    tune = write(compose(2), tmp_path / "tune.wav")
    audio = open_audio(tune, duration=20.0)
    heard = analyse(audio, ear="beat_this", cache=tmp_path / "cache")
    assert heard.ear == "beat_this" and len(heard.sections) >= 1
    # The same as the program itself in one go, but for the place between two frames.
    samples = np.concatenate(list(audio.blocks(RATE)))
    beats, downbeats = Audio2Beats(str(weights))(samples, RATE)
    assert heard.beats.times.size == len(beats)
    assert np.abs(heard.beats.times - np.clip(beats, 0, audio.duration)).max(initial=0) <= 0.5 / FPS + 1e-6
    assert set(np.round(heard.beats.downbeats * FPS)) <= set(np.round(np.array(downbeats) * FPS))
    assert analyse(audio, ear="beat_this", cache=tmp_path / "cache").beats.times.tolist() == heard.beats.times.tolist()
    ours = analyse(audio, cache=tmp_path / "cache")
    assert ours.ear == "own" and len(list((tmp_path / "cache").glob("*.json"))) == 2


@program
def test_windows_give_what_the_whole_gives(tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lib_music.demo.compose import compose, write

    monkeypatch.setenv("MUSIC_VISUALIZER_BEAT_THIS", str(weights))
    audio = open_audio(write(compose(2), tmp_path / "tune.wav"), duration=40.0)
    whole = beat_this.hear_beats(audio)
    monkeypatch.setattr(beat_this, "WINDOW", 15 * FPS)
    monkeypatch.setattr(beat_this, "CONTEXT", 5 * FPS)
    told: list[float] = []
    parts = beat_this.hear_beats(audio, told.append)
    near = np.abs(whole.times[:, None] - parts.times[None, :]).min(axis=1)
    assert np.mean(near < 0.03) > 0.9 and told[-1] == 1.0 and len(told) == 3


@program
def test_weights_that_are_none_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audio = open_audio(sound(tmp_path / "s.wav", np.zeros(RATE), RATE))
    for content in (b"", b"not weights", b"PK\x03\x04 broken"):
        (tmp_path / "w.ckpt").write_bytes(content)
        monkeypatch.setenv("MUSIC_VISUALIZER_BEAT_THIS", str(tmp_path / "w.ckpt"))
        with pytest.raises(EarError, match="no checkpoint"):
            beat_this.hear_beats(audio)
    monkeypatch.setenv("MUSIC_VISUALIZER_BEAT_THIS", str(tmp_path / "missing.ckpt"))
    with pytest.raises(EarError, match="names no file"):
        beat_this.hear_beats(audio)


@program
def test_without_a_network_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no network in this test")

    monkeypatch.delenv("MUSIC_VISUALIZER_BEAT_THIS", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.chdir(tmp_path)
    audio = open_audio(sound(tmp_path / "s.wav", np.zeros(RATE), RATE))
    with pytest.raises(EarError) as caught:
        beat_this.hear_beats(audio)
    assert "could not be fetched" in caught.value.message and "our own ear" in caught.value.fix
