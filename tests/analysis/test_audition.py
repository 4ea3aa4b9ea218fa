"""Clicks lie on the very sample of their beat; the picture shows what was heard, of songs of any length."""

from __future__ import annotations

import struct
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lib_music.analysis import clicks
from lib_music.analysis.clicks import BEAT, CLICK, DOWNBEAT, SONG, write_clicks
from lib_music.analysis.picture import MOST_ROWS, ROW, TITLE, draw_picture, outline, write_picture
from lib_music.analysis.types import Analysis, Beats
from lib_music.audio import open_audio
from lib_music.cli import main
from lib_music.errors import InputError
from tests.music import song


def sound(path: Path, samples: np.ndarray, rate: int) -> Path:
    """Write samples [shape=(n,) or (n, 2)] as 16-bit WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1] if samples.ndim == 2 else 1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.rint(32767 * samples).astype("<i2").tobytes())
    return path


def read(path: Path) -> tuple[np.ndarray, int]:
    with wave.open(str(path), "rb") as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float) / 32767
        return samples.reshape(-1, file.getnchannels()), file.getframerate()


def at(*times: float) -> Beats:
    return Beats(np.array(times), np.arange(len(times)) % 4 + 1, np.ones(len(times)), 120.0)


@pytest.mark.parametrize(("rate", "channels"), [(44100, 2), (48000, 1), (8000, 1), (96000, 2)])
def test_each_click_begins_at_its_beats_sample(tmp_path: Path, rate: int, channels: int) -> None:
    silence = np.zeros((25 * rate, 2)) if channels == 2 else np.zeros(25 * rate)
    audio = open_audio(sound(tmp_path / "song.wav", silence, rate))
    # One at the very start, two closer than a click is long, one over the border of two blocks, one at the end.
    times = (0.0, 0.5, 0.513, 7.123456, 9.99, 10.0, 24.999)
    write_clicks(tmp_path / "out.wav", audio, at(*times))
    found, found_rate = read(tmp_path / "out.wav")
    assert (found_rate, found.shape) == (rate, (25 * rate, channels))
    for beat in times:
        i = round(beat * rate)
        assert (found[i] == pytest.approx(CLICK, abs=1e-4)) and (i == 0 or np.abs(found[i - 1]).max() < 0.8 * CLICK)
    quiet = np.abs(found[round(1.0 * rate) : round(7.1 * rate)])
    assert quiet.max() == 0


def test_downbeats_are_higher(tmp_path: Path) -> None:
    rate = 44100
    audio = open_audio(sound(tmp_path / "song.wav", np.zeros(3 * rate), rate))
    write_clicks(tmp_path / "out.wav", audio, at(0.5, 1.0))
    found, _ = read(tmp_path / "out.wav")
    for beat, pitch in ((0.5, DOWNBEAT), (1.0, BEAT)):
        part = found[round(beat * rate) : round((beat + 0.03) * rate), 0]
        spectrum = np.abs(np.fft.rfft(part, 1 << 15))
        assert np.argmax(spectrum) * rate / (1 << 15) == pytest.approx(pitch, rel=0.03)


def test_a_loud_song_does_not_clip_and_keeps_its_sides(tmp_path: Path) -> None:
    rate = 44100
    tone = np.sin(2 * np.pi * 220 * np.arange(2 * rate) / rate)
    audio = open_audio(sound(tmp_path / "song.wav", np.stack([tone, np.zeros_like(tone)], axis=1), rate))
    told: list[float] = []
    write_clicks(tmp_path / "out.wav", audio, at(*np.arange(0.1, 1.9, 0.1).tolist()), told.append)
    found, _ = read(tmp_path / "out.wav")
    assert np.abs(found).max() <= SONG + CLICK + 1e-3 < 1
    assert found[: rate // 20, 0] == pytest.approx(SONG * tone[: rate // 20], abs=2e-4)
    assert np.abs(found[: rate // 20, 1]).max() == 0 and told[-1] == 1.0


def test_a_very_long_song_gets_a_header_that_holds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audio = open_audio(sound(tmp_path / "song.wav", np.zeros(8000), 8000))
    monkeypatch.setattr(clicks, "_PLAIN", 1000)
    write_clicks(tmp_path / "out.wav", audio, at(0.5))
    written = (tmp_path / "out.wav").read_bytes()
    assert written[:4] == b"RF64" and written[12:16] == b"ds64"
    riff, data, samples = struct.unpack("<QQQ", written[20:44])
    assert (riff, data, samples) == (len(written) - 8, 16000, 8000)
    again = open_audio(tmp_path / "out.wav")
    assert again.duration == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["out.mp3", "out", "song.wav", "folder.wav"])
def test_what_must_not_be_written_is_not(tmp_path: Path, name: str) -> None:
    song_file = sound(tmp_path / "song.wav", np.zeros(8000), 8000)
    (tmp_path / "folder.wav").mkdir()
    before = song_file.read_bytes()
    with pytest.raises(InputError):
        write_clicks(tmp_path / name, open_audio(song_file), at(0.5))
    assert song_file.read_bytes() == before and {p.name for p in tmp_path.iterdir()} == {"song.wav", "folder.wav"}


def test_the_command_writes_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    from lib_music.demo.compose import compose, write

    tune = write(compose(1), tmp_path / "tune.wav")
    more = ["--clicks", str(tmp_path / "c.wav"), "--picture", str(tmp_path / "p.png")]
    assert main(["analyze", str(tune), "--json", *more]) == 0
    out, _ = capsys.readouterr()
    assert out.count("\n") == 1
    assert open_audio(tmp_path / "c.wav").duration == pytest.approx(open_audio(tune).duration)
    with Image.open(tmp_path / "p.png") as picture:
        # Paper, wave, novelty and the bands of the sections: areas of colour, whatever the letters are drawn with.
        areas = [n for n, _ in picture.getcolors(1 << 20) or [] if n > 0.01 * picture.width * picture.height]
        assert picture.width == 1600 and len(areas) >= 6 and max(areas) < 0.7 * picture.width * picture.height
    assert main(["analyze", str(tune), "--clicks", str(tune)]) == 2


def shown(analysis: Analysis, title: str = "A song") -> np.ndarray:
    rng = np.random.default_rng(0)
    high = rng.random(max(1, int(200 * analysis.duration)), dtype=np.float32)
    return np.asarray(draw_picture(analysis, np.stack([-high, high], axis=1), title))


@pytest.mark.parametrize("bars", [1, 8, 60, 600, 5400])
def test_songs_of_any_length_fit_a_page(bars: int) -> None:
    picture = shown(song(bpm=120, plan=(("A", "verse", bars), ("B", "drop", bars))))
    rows = (len(picture) - TITLE) / ROW
    assert rows == int(rows) and 1 <= rows <= MOST_ROWS


def test_the_picture_tells_what_was_heard() -> None:
    heard = song(bpm=120, plan=(("A", "verse", 4), ("B", "chorus", 4)))
    sure = shown(heard)
    assert (sure[0] == 255).all()
    unsure = replace(heard, beats=replace(heard.beats, confidence=0.2 * heard.beats.confidence))
    elsewhere = replace(heard, beats=replace(heard.beats, times=heard.beats.times + 0.1))
    for other in (unsure, elsewhere, song(bpm=120, plan=(("A", "verse", 3), ("B", "chorus", 5)))):
        assert (shown(other) != sure).any()
    assert (shown(heard, "\x00‮ <b> 漢字 " * 40) != sure).any()


@pytest.mark.parametrize("title", ["A song", "A song " * 60])
def test_the_row_that_says_how_sure_it_is_is_explained_in_its_own_colours(title: str) -> None:
    head = shown(song(bpm=120, plan=(("A", "verse", 4), ("B", "chorus", 4))), title)[36:TITLE, 800:]
    line, area = (np.argwhere((head == colour).all(axis=2)) for colour in ((22, 130, 72), (208, 232, 214)))
    assert len(line) >= 15 and len(area) >= 150, "a piece of the line and one of the area"
    assert line[:, 1].max() < area[:, 1].min()
    letters = (head < 200).all(axis=2)
    assert letters[:, line[:, 1].max() : area[:, 1].min()].any() and letters[:, area[:, 1].max() :].any()
    assert not letters[:, -40:].any(), "it ends before the margin"


def test_silence_and_a_beatless_song_are_drawn(tmp_path: Path) -> None:
    heard = song(bpm=120, presence=0.0)
    none = replace(heard, beats=Beats([], [], []))
    audio = open_audio(sound(tmp_path / "song.wav", np.zeros(round(8000 * heard.duration)), 8000))
    write_picture(tmp_path / "p.png", audio, none, "silence")
    assert (tmp_path / "p.png").stat().st_size > 1000
    assert outline(audio).shape == (round(200 * heard.duration), 2)
