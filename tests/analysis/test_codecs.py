"""The same song in every format is heard at the same times: real encodes, their delays known or not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from lib_music.analysis import Analysis, analyse
from lib_music.analysis.features import RATE
from lib_music.audio import Audio, open_audio
from lib_music.demo.compose import compose, write
from lib_music.ffmpeg import ffmpeg_exe

FORMATS = {
    "tagged.mp3": ("-b:a", "192k"),
    "bare.mp3": ("-b:a", "128k", "-write_xing", "0", "-id3v2_version", "0"),
    "song.m4a": ("-c:a", "aac", "-b:a", "128k"),
    "song.aac": ("-c:a", "aac", "-b:a", "128k"),
    "song.ogg": ("-c:a", "libvorbis"),
    "song.opus": ("-c:a", "libopus"),
    "song.flac": (),
    "song.webm": ("-c:a", "libopus"),
    "48k.mp3": ("-ar", "48000", "-b:a", "192k"),
}


@pytest.fixture(scope="module")
def wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    plan = (("intro", 4), ("verse", 4), ("chorus", 4), ("drop", 4))
    return write(compose(5, bpm=117.0, plan=plan), tmp_path_factory.mktemp("codecs") / "song.wav")


@pytest.fixture(scope="module")
def truth(wav: Path) -> Analysis:
    return analyse(open_audio(wav))


@pytest.fixture(scope="module", params=list(FORMATS))
def encoded(request: pytest.FixtureRequest, wav: Path) -> Audio:
    path = wav.with_name(request.param)
    subprocess.run([ffmpeg_exe(), "-nostdin", "-v", "error", "-i", str(wav), *FORMATS[request.param], str(path)],
                   check=True)
    return open_audio(path)


def whole(audio: Audio) -> np.ndarray:
    return np.concatenate(list(audio.blocks(22050)))


def test_the_sound_begins_where_it_began(encoded: Audio, wav: Path) -> None:
    """By cross-correlation with the original: within a millisecond."""
    one = whole(open_audio(wav))[44100 : 44100 + 8 * 22050]
    other = whole(encoded)[44100 - 4000 : 44100 + 8 * 22050 + 4000]
    size = 1 << 18
    both = np.fft.irfft(np.fft.rfft(other, size) * np.conj(np.fft.rfft(one, size)), size)[:8001]
    assert abs(int(both.argmax()) - 4000) <= 22


def test_beats_are_the_same(encoded: Audio, truth: Analysis) -> None:
    heard = analyse(encoded)
    assert truth.beats.times.size > 40
    apart = np.abs(truth.beats.times[:, None] - heard.beats.times).min(axis=1)
    assert np.median(apart) <= 0.005
    assert (apart <= 1 / RATE).mean() >= 0.95
    assert heard.loudness_lufs == pytest.approx(truth.loudness_lufs, abs=0.5)
    assert (heard.key, heard.mode) == (truth.key, truth.mode)


def test_a_range_of_a_bare_mp3_is_the_same_stretch(wav: Path) -> None:
    """A delay that is not stated is taken away before the range is counted."""
    path = wav.with_name("range.mp3")
    subprocess.run([ffmpeg_exe(), "-nostdin", "-v", "error", "-i", str(wav), *FORMATS["bare.mp3"], str(path)],
                   check=True)
    all_of_it = whole(open_audio(path))
    part = whole(open_audio(path, start=2.0, duration=3.0))
    assert part.size == 3 * 22050
    np.testing.assert_allclose(part, all_of_it[2 * 22050 : 5 * 22050], atol=1e-3)
    tiny = wav.with_name("tiny.mp3")
    subprocess.run([ffmpeg_exe(), "-nostdin", "-v", "error", "-t", "0.03", "-i", str(wav), *FORMATS["bare.mp3"],
                    str(tiny)], check=True)
    assert open_audio(tiny).total > 0.02
