"""Generated music: the same for the same seed, and its truth is where its sound is."""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise

import numpy as np
import pytest

from training import augment, chamber, drums, negatives, patterns, pieces, theory
from training.arrange import arrange
from training.pieces import RATE, piece, styles
from training.render import kits, midi, soundfont
from training.score import Note, Score, Sound, Timeline, Track, sounds, swung
from training.styles import STYLES
from training.timing import timing


def score_of(style: str, seed: int, seconds: float = 40.0) -> Score:
    rng = np.random.default_rng(seed)
    return arrange(rng, STYLES[style], seconds) if style in STYLES else chamber.chamber(rng, style, seconds)


def attacks(samples: np.ndarray, times: np.ndarray, rate: int = RATE) -> np.ndarray:
    """When the sound near each time first reaches a tenth of its height there, seconds."""
    out = []
    for time in times:
        first = max(0, round((time - 0.05) * rate))
        part = np.abs(samples[first : first + round(0.12 * rate)])
        out.append((first + int(np.argmax(part > 0.1 * part.max()))) / rate)
    return np.array(out)


def flux(samples: np.ndarray, hop: int = 110, size: int = 512) -> tuple[np.ndarray, np.ndarray]:
    """Rising energy over all frequencies, and the times between the frames that it rises between."""
    count = (len(samples) - size) // hop
    frames = samples[np.arange(count)[:, None] * hop + np.arange(size)] * np.hanning(size)
    level = np.log1p(100 * np.abs(np.fft.rfft(frames, axis=1)))
    rise = np.maximum(0, np.diff(level, axis=0)).sum(axis=1)
    return rise / max(1e-9, float(rise.mean())), (np.arange(count - 1) * hop + (size + hop) / 2) / RATE


@pytest.mark.parametrize("style", ["house", "quartet", "speech", "metal"])
def test_a_seed_makes_the_same_piece_each_time(style: str) -> None:
    first, second = (piece(11, seconds=8, style=style) for _ in range(2))
    assert np.array_equal(first.samples, second.samples)
    assert np.array_equal(first.beats, second.beats) and first.sections == second.sections
    other = piece(12, seconds=8, style=style)
    assert other.samples.shape != first.samples.shape or not np.allclose(other.samples, first.samples)


def test_the_splits_share_no_piece() -> None:
    train, test = piece(5, seconds=6, style="pop"), piece(5, seconds=6, style="pop", split="test")
    assert train.meta["split"] == "train" and test.meta["split"] == "test"
    assert train.tempo != test.tempo or len(train.samples) != len(test.samples)
    with pytest.raises(ValueError, match="valid"):
        piece(5, split="valid")
    with pytest.raises(ValueError, match="hosue"):
        piece(5, style="hosue")


@pytest.mark.parametrize("style", [*STYLES, *chamber.KINDS])
def test_truth_of_every_style_is_sound(style: str) -> None:
    for seed in range(3):
        score = score_of(style, seed)
        beats, positions = score.beats()
        assert (np.diff(beats) > 0.15).all(), "beats come one after the other, below 400 a minute"
        assert len(beats) == len(score.timeline.durations) and len(beats) >= 8
        sizes = {bar.beats for bar in score.bars}
        for (here, there), (a, b) in zip(pairwise(positions), pairwise(beats), strict=True):
            assert there == here + 1 or (there == 1 and here in sizes), f"position {there} follows {here} at {a}-{b}"
        assert score.sections[-1].last == len(score.bars)
        assert all(a.last == b.first for a, b in pairwise(score.sections)), "one section ends where the next begins"
        assert all(positions[score.bars[s.first].start] == 1 for s in score.sections), "sections begin on downbeats"
        notes = [n for track in score.tracks for n in track.notes]
        assert len(notes) > 30
        assert all(-0.5 <= n.start < len(beats) + 1 and n.length > 0 and 0 < n.velocity <= 1 for n in notes)
        assert all(0 <= n.pitch <= 127 for n in notes)
        if score.meta["drums"]:
            strokes = {n.pitch for t in score.tracks if t.role == "drums" for n in t.notes}
            assert strokes <= {37, 42, 75, 31, 55, 57} | set(drums.KEYS.values())


def test_tempi_are_those_of_the_style() -> None:
    for name, style in STYLES.items():
        score = score_of(name, 4)
        tempo = float(score.meta["tempo"])  # type: ignore[arg-type]
        assert style.tempo[0] - 1 <= tempo <= style.tempo[1] + 1
        assert np.isclose(60 / np.median(score.timeline.durations), tempo, rtol=0.35)


def test_labels_come_back_with_their_music() -> None:
    shared = []
    for seed in range(12):
        score = score_of("pop", seed, 90.0)
        for label in "AB":
            same = [s for s in score.sections if s.label == label and s.last - s.first >= 4]
            for one, two in pairwise(same):
                spans = [(score.bars[s.first].start, score.bars[s.first + 3].stop) for s in (one, two)]
                played = [
                    {
                        round(4 * (n.start - a))
                        for t in score.tracks
                        if t.role in ("bass", "comp")
                        for n in t.notes
                        if a <= n.start < b
                    }
                    for a, b in spans
                ]
                if played[0] and played[1]:
                    shared.append(len(played[0] & played[1]) / len(played[0] | played[1]))
    assert len(shared) >= 5
    assert np.median(shared) > 0.9 and min(shared) > 0.6, "the same rhythm, but for the way in and out"


@pytest.mark.parametrize("player", ["own", *midi.soundfonts()])
def test_drums_sound_on_the_beat(player: str) -> None:
    times = np.arange(1.0, 9.0, 0.4373)
    strokes = [Sound(float(t), 0.1, 36 if i % 2 else 38, 0.9) for i, t in enumerate(times)]
    if player == "own":
        for kind in kits.KINDS:
            samples = kits.Kit(kind, RATE, np.random.default_rng(1)).play(strokes, 10)
            assert np.abs(attacks(samples, times) - times).max() < 0.010, kind
        return
    samples = midi.play([midi.Part(0, strokes, drums=True)], 10, soundfont=player, rate=RATE, reverb=0)
    late = attacks(samples, times) - times
    assert np.abs(late).max() < 0.010 and abs(np.median(late)) < 0.005


@pytest.mark.parametrize("style", ["house", "rock", "jazz-swing", "waltz", "quartet", "dnb", "chiptune", "hymn"])
def test_more_begins_on_beats_than_beside_them(style: str) -> None:
    swells = style in ("quartet", "hymn", "waltz")  # strings and voices are loud later than they begin
    on, beside, best = [], [], []
    for seed in range(21, 26 if swells else 23):
        made = piece(seed, seconds=20, style=style, augmented=False)
        rise, at = flux(made.samples)
        beats = made.beats[(made.beats > 0.5) & (made.beats < 19)]
        lags = np.arange(-0.06, 0.061, 0.01)
        near = np.array([np.interp(beats + lag, at, rise) for lag in lags])
        on.append(near[4:10].max(axis=0).mean())
        best.append(lags[int(near.mean(axis=1).argmax())])
        away = 0.2 * np.diff(beats)
        beside.append(max(np.interp(beats[:-1] + s * away, at, rise).mean() for s in (1, 4)))
    assert np.mean(on) > (1.1 if swells else 1.25) * np.mean(beside)
    assert abs(float(np.mean(best))) < (0.045 if swells else 0.021)


@pytest.mark.parametrize("kind", negatives.KINDS)
def test_sounds_without_a_beat_have_none(kind: str) -> None:
    made = piece(3, seconds=6, style=kind)
    assert not len(made.beats) and not made.beat_spans and not made.sections and made.tempo == 0
    assert made.samples.dtype == np.float32 and np.isfinite(made.samples).all() and np.abs(made.samples).max() <= 1
    assert abs(len(made.samples) / made.rate - 6) < 0.7


def test_beats_lie_where_the_spans_are() -> None:
    for seed in range(60):  # forms only: nothing is rendered
        score = score_of("rock", 500 + seed)
        if score.timeline.gaps:
            break
    gap, seconds = next(iter(score.timeline.gaps.items()))
    beats, _ = score.beats()
    assert np.isclose(beats[gap] - beats[gap - 1], score.timeline.durations[gap - 1] + seconds)
    rng = np.random.default_rng(0)
    silent = (beats[gap] - seconds + 0.05, beats[gap] - 0.05)
    for track in score.tracks:
        for sound in sounds(track, score.timeline, rng):
            assert not silent[0] < sound.start < silent[1]
            if sound.start < silent[0]:
                assert sound.start + sound.length < silent[0] + 0.1


def test_music_between_other_sounds_keeps_its_truth() -> None:
    rng = np.random.default_rng(6)
    made = pieces._joined(rng, "chiptune", 16.0, 6)
    ((start, stop), *_), last = made.beat_spans, made.beat_spans[-1][1]
    assert made.meta["joined"] and start <= made.beats[0] + 1e-6 and made.beats[-1] < last
    assert start > 1 or stop < len(made.samples) / made.rate - 1
    rise, at = flux(made.samples)
    beats = made.beats[1:-1]
    on = np.mean([rise[np.abs(at - t) < 0.02].max() for t in beats])
    assert on > 1.3 * np.mean(rise[(at > start) & (at < last)])


def test_varispeed_moves_sound_as_it_moves_truth() -> None:
    times = np.arange(0.5, 5, 0.5)
    samples = np.zeros(6 * RATE, dtype=np.float32)
    samples[np.round(times * RATE).astype(int)] = 1
    faster = augment.varispeed(samples, 1.08)
    peaks = [round(t / 1.08 * RATE) for t in times]
    assert all(np.abs(faster[p - 3 : p + 4]).max() > 0.3 for p in peaks)


@pytest.mark.parametrize("step", [step for _, step in augment.STEPS])
def test_augmentation_keeps_time_and_is_finite(step) -> None:  # type: ignore[no-untyped-def]
    times = np.arange(0.5, 5, 0.5)
    rng = np.random.default_rng(2)
    clicks = np.zeros(6 * RATE, dtype=np.float32)
    for t in times:
        clicks[round(t * RATE) : round(t * RATE) + 400] += (
            rng.normal(0, 1, 400) * np.exp(-np.arange(400) / 80)
        ).astype(np.float32)
    out = step(clicks / np.abs(clicks).max(), RATE, np.random.default_rng(1))
    assert len(out) == len(clicks) and np.isfinite(out).all()
    rise, at = flux(np.asarray(out, dtype=np.float32))
    on = np.mean([rise[np.abs(at - t) < 0.015].max() for t in times])
    assert on > 2 * np.median(rise)


def test_timeline_and_swing() -> None:
    line = Timeline([0.5, 0.5, 0.4, 0.4], start=1.0, gaps={2: 2.0})
    assert np.allclose(line.at(np.array([0, 1, 1.5, 2, 3.5, 4.0])), [1, 1.5, 1.75, 4.0, 4.6, 4.8])
    assert np.allclose(swung(np.array([0.0, 0.5, 1.0, 1.25]), 2 / 3, 1.0), [0, 2 / 3, 1, 1 + 1 / 3])
    track = Track("lead", jitter=0.0, notes=[Note(1.5, 2.0, 60, 0.8)])
    (sound,) = sounds(track, line, np.random.default_rng(0))
    assert np.isclose(sound.start, 1.75) and np.isclose(sound.start + sound.length, 2.0, atol=1e-4)


@pytest.mark.parametrize("kind", ["steady", "drift", "ramp", "steps", "leaps", "events", "gentle", "rubato", "free"])
def test_tempo_curves_stay_playable(kind: str) -> None:
    for seed in range(5):
        lengths = timing(np.random.default_rng(seed), kind, 96, 90.0, 8, [0, 32, 64])
        assert lengths.shape == (96,) and np.isfinite(lengths).all()
        assert lengths.min() > 60 / 90 / 2.6 and lengths.max() < 60 / 90 * 7
        assert kind == "steady" or np.ptp(lengths) > 0


def test_chords_are_what_they_say() -> None:
    for texts in theory.PROGRESSIONS.values():
        for text in texts:
            _, bars = theory.parse(text, 0)
            assert len(bars) == text.count("|") + 1 and all(bars)
    _, bars = theory.parse("major: 2m7|77|0M7|10", 3)
    assert [b[0].tones() for b in bars] == [(5, 8, 0, 3), (10, 2, 5, 8), (3, 7, 10, 2), (1, 5, 8)]
    voices = theory.voicing(bars[2][0], 60, 4)
    assert {v % 12 for v in voices} == {3, 7, 10, 2} and voices == sorted(voices)


def test_every_pattern_that_a_style_names_exists() -> None:
    rng = np.random.default_rng(0)
    for style in STYLES.values():
        for beats, sub, _ in style.metres:
            grid = 3 if sub == 3 else 4
            for name in (*style.comp, *style.guitars):
                events = patterns.comp(rng, name, beats, grid)
                assert all(0 <= start < beats and length > 0 for start, length, _, _ in events)
            for name in filter(None, style.bass):
                assert all(0 <= event[0] < beats + 2 for event in patterns.bass(rng, name, beats, grid))
        for family in filter(None, (*style.drums, *style.breakdown)):
            lines = [drums.parse(text) for text in drums.PATTERNS[family]]
            steps = 12 if family in drums.TRIPLET else 16
            assert all(len(line) % steps == 0 for pattern in lines for line in pattern.values()), family
    assert set(styles()) >= {"metal", "quartet", "speech"}


def test_standard_midi_file() -> None:
    data = midi.standard_midi_file([(1.0, b"\x90\x3c\x64"), (1.5, b"\x80\x3c\x00"), (0.0, b"\xc0\x05")], 2.0)
    assert data[:4] == b"MThd" and struct.unpack(">IHHH", data[4:14]) == (6, 0, 1, midi.TICKS)
    assert data[14:18] == b"MTrk" and struct.unpack(">I", data[18:22])[0] == len(data) - 22
    body = data[22:]
    assert body.startswith(b"\x00\xc0\x05") and body.endswith(b"\xff\x2f\x00")
    delta = (body[3] & 127) << 7 | body[4]
    assert delta == 10000 and body[5:8] == b"\x90\x3c\x64", "a second is twice the ticks of a half second"


def test_a_compressed_soundfont_is_unpacked() -> None:
    tone = np.round(9000 * np.sin(2 * np.pi * 440 * np.arange(22050) / 44100)).astype("<i2")
    pool = b"other" + zlib.compress(tone.tobytes())  # any packing will do: the decoder is the caller's

    def chunk(name: bytes, body: bytes) -> bytes:
        return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)

    header = struct.pack("<20sIIIIIBbHH", b"tone", 5, len(pool), 100, 20000, 44100, 69, 0, 0, 0x11)
    last = struct.pack("<20sIIIIIBbHH", b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0)
    body = b"sfbk" + b"".join(
        chunk(b"LIST", part)
        for part in (
            b"INFO" + chunk(b"ifil", struct.pack("<HH", 3, 0)),
            b"sdta" + chunk(b"smpl", pool),
            b"pdta" + chunk(b"phdr", b"p" * 38) + chunk(b"shdr", header + last),
        )
    )
    made = soundfont.unpacked(
        b"RIFF" + struct.pack("<I", len(body)) + body, lambda stream: np.frombuffer(zlib.decompress(stream), "<i2")
    )
    at = made.index(b"smpl") + 8
    size = struct.unpack_from("<I", made, at - 4)[0]
    assert np.array_equal(np.frombuffer(made[at : at + size], "<i2")[: len(tone)], tone)
    assert size == 2 * (len(tone) + 46), "silence follows each sample"
    start, end, loop, loop_end = struct.unpack_from("<IIII", made, made.index(b"shdr") + 8 + 20)
    assert (start, end, loop, loop_end) == (0, len(tone), 100, 20000)
    assert struct.unpack_from("<HH", made, made.index(b"ifil") + 8) == (2, 4)
    assert made[made.index(b"shdr") + 8 + 44] == 1, "an ordinary mono sample now"


def test_without_the_programs_our_own_synths_play(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(midi, "soundfonts", lambda: ())
    monkeypatch.setattr(negatives, "speaker", lambda: "")
    for style in ("western", "quartet", "speech"):
        made = piece(8, seconds=8, style=style)
        assert np.abs(made.samples).max() > 1e-3 and made.meta.get("soundfont", "") == ""
        assert style == "speech" or (made.meta["soundfont_tracks"] == 0 and len(made.beats) > 5)
