"""Who plays what and when in the demo song: a seeded composer that writes notes, not sound.

Conventions: times are seconds from the start of the file; the grid has four steps a beat; pitches are MIDI
numbers; a *degree* counts scale steps from the tonic (7 = an octave up). The same seed, plan and tempo give
the same score. A section that returns gets the same notes, except for the fill that leads into what follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lib_music.errors import RangeError

STEPS = 4
#: Silence before the first beat, and what rings after the last bar, s.
LEAD_IN, TAIL = 0.1, 0.48
MIN_SECTION = 4.0
DEFAULT_PLAN = (("intro", 4), ("verse", 4), ("chorus", 4), ("drop", 4), ("chorus", 4))

TONICS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_SCALES = {"minor": (0, 2, 3, 5, 7, 8, 10), "major": (0, 2, 4, 5, 7, 9, 11)}
# Chord roots by bar, as degrees. Minor 0 5 2 6 is what a major ear calls vi IV I V.
_CHORUS = {"minor": ((0, 5, 2, 6), (0, 5, 3, 6), (0, 2, 5, 6)),
           "major": ((0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 5, 4))}
_VERSE = {"minor": ((0, 0, 5, 3), (0, 3, 0, 4), (0, 6, 5, 6)),
          "major": ((0, 0, 3, 3), (0, 2, 3, 0), (0, 1, 3, 4))}
_DROP = {"minor": ((5, 5, 6, 6), (3, 3, 5, 6)), "major": ((5, 5, 3, 3), (3, 3, 5, 4))}


@dataclass(frozen=True)
class Note:
    """One sound: ``time`` s, which ``voice``, ``pitch`` (a take, for drums), ``length`` s, ``gain``, ``pan``
    in [-1, 1], ``colour`` the filter's corner in Hz."""

    time: float
    voice: str
    pitch: int = 0
    length: float = 0.1
    gain: float = 1.0
    pan: float = 0.0
    colour: float = 2000.0


@dataclass(frozen=True)
class Style:
    """How one kind of section is played.

    ``kick``, ``snare``, ``hat`` and ``bass`` hold one pattern a beat of the bar, four steps each, taken round
    and round (the last one alone from a fifth beat on): ``x`` a hit, ``.`` none; for the hat also ``o`` soft
    and ``X`` open. Numbers are gains and, for ``_colour``, Hz.
    """

    kick: tuple[str, ...] = ("....",)
    snare: tuple[str, ...] = ("....",)
    hat: tuple[str, ...] = ("....",)
    drums: float = 1.0
    clap: bool = False
    bass: tuple[str, ...] = ("....",)
    bass_gain: float = 0.4
    bass_colour: float = 500.0
    pad: float = 0.0
    pad_colour: float = 1500.0
    lead: float = 0.0
    pluck: float = 0.0
    stab: float = 0.0
    crash: bool = False


_BACKBEAT = ("....", "x...")
STYLES: dict[str, tuple[Style, ...]] = {
    "intro": (Style(hat=("..o.", "..x."), drums=0.7, pad=0.5, pad_colour=600, pluck=0.3),
              Style(hat=("x.o.",), drums=0.6, pad=0.5, pad_colour=550, pluck=0.3)),
    "verse": (Style(kick=("x...", "....", "..x.", "...."), snare=_BACKBEAT * 2, hat=("x...", "x.o."), drums=0.6,
                    bass=("x...", "x...", "x.x.", "x..."), bass_gain=0.3, bass_colour=280, pad=0.35,
                    pad_colour=700, pluck=0.55),
              Style(kick=("x...", "....", "x...", "...x"), snare=_BACKBEAT * 2, hat=("x...", "x.o."), drums=0.6,
                    bass=("x..x", "..x.", "x...", "..x."), bass_gain=0.3, bass_colour=260, pad=0.4,
                    pad_colour=650, pluck=0.5)),
    "build": (Style(kick=("x...",), hat=("..x.",), bass=("x...",), bass_colour=420, pad=0.6, pad_colour=1500,
                    pluck=0.6),),
    "chorus": (Style(kick=("x...",), snare=_BACKBEAT * 2, hat=("x.Xo", "x.Xo"), clap=True,
                     bass=("..x.", "..x.", "..x.", "..xx"), bass_colour=700, pad=0.9, pad_colour=6500,
                     lead=0.9, pluck=0.35, crash=True),
               Style(kick=("x...", "..x.", "x...", "x..."), snare=_BACKBEAT * 2, hat=("X.oo", "X.oo"), clap=True,
                     bass=("x.x.", "x.x.", "x.x.", "x.xx"), bass_colour=650, pad=0.85, pad_colour=6000,
                     lead=0.95, pluck=0.3, crash=True)),
    "drop": (Style(kick=("x...",), snare=("....", "....", "x...", "...."), hat=("..X.",), clap=True,
                   bass=("...x", "x.x.", ".x.x", "x.xx"), bass_gain=0.6, bass_colour=3600, stab=1.5, crash=True),
             Style(kick=("x...",), snare=("....", "....", "x...", "...."), hat=("..X.", "..Xo"), clap=True,
                   bass=(".xxx", ".xxx", ".xx.", "xxxx"), bass_gain=0.55, bass_colour=3400, stab=1.5,
                   crash=True)),
    "break": (Style(pad=1.0, pad_colour=900, lead=0.4, hat=("....", "..o.")), Style(pad=1.0, pad_colour=1100,
              pluck=0.7)),
    "outro": (Style(kick=("x...",), hat=("..x.",), pad=0.7, pad_colour=700, bass=("x...", "...."),
                    bass_colour=300, pluck=0.4),),
}
# Where the drop's chords are struck: 3 + 3 + 2 against the four of the kick.
_STABS = (("x..x", "..x.", "x..x", "..x."), ("..x.", ".x..", "..x.", "x.x."),
          ("x.x.", ".x.x", "..x.", "..x."))
# (step, steps held) of the lead's notes within a beat.
_CELLS = (((0, 4),), ((0, 2), (2, 2)), ((0, 3), (3, 1)), ((0, 1), (1, 1), (2, 2)), ((2, 2),), ((0, 2),), ())


@dataclass(frozen=True)
class Score:
    """A finished composition on paper.

    Attributes
    ----------
    bpm, beats_per_bar
    plan : tuple of (section name, bars)
    key, mode : str
        ``"C"`` ... ``"B"``; ``"minor"`` or ``"major"``.
    notes : tuple of Note
        In no order.
    silences : tuple of (start, end) s
        Where everything but the room is cut.
    """

    bpm: float
    beats_per_bar: int
    plan: tuple[tuple[str, int], ...]
    key: str
    mode: str
    notes: tuple[Note, ...]
    silences: tuple[tuple[float, float], ...]

    @cached_property
    def duration(self) -> float:
        """Seconds, with the lead-in and the tail."""
        return self.at(sum(bars for _, bars in self.plan)) + TAIL

    def at(self, bar: int, beat: int = 0) -> float:
        """Seconds at which a beat of a bar falls; bars and beats count from 0."""
        return LEAD_IN + (bar * self.beats_per_bar + beat) * 60.0 / self.bpm


@dataclass(frozen=True)
class _Hand:
    """What the composer holds while writing: the grid, the scale, and the choices made once for the song."""

    bpm: float
    beats: int
    tonic: int
    mode: str
    chords: dict[str, tuple[int, ...]]
    styles: dict[str, Style]
    stabs: tuple[str, ...]
    motif: tuple[tuple[tuple[int, int, int], ...], ...]
    arpeggio: tuple[int, ...]

    def time(self, bar: int, step: float = 0) -> float:
        return LEAD_IN + (bar * self.beats + step / STEPS) * 60.0 / self.bpm

    def seconds(self, steps: float) -> float:
        return steps / STEPS * 60.0 / self.bpm

    def pitch(self, degree: int, lowest: int) -> int:
        """MIDI note of a degree, the tonic being the first one at or above ``lowest``."""
        octave, step = divmod(degree, 7)
        return lowest + (self.tonic - lowest) % 12 + 12 * octave + _SCALES[self.mode][step]

    def hits(self, patterns: Sequence[str]) -> list[tuple[int, str]]:
        """(step in the bar, mark) of every mark in a bar's patterns."""
        bar = "".join(patterns[i % len(patterns) if i < 4 else -1] for i in range(self.beats))
        return [(step, mark) for step, mark in enumerate(bar) if mark != "."]


def _compose_motif(rng: np.random.Generator, beats: int) -> tuple[tuple[tuple[int, int, int], ...], ...]:
    """Four bars A B A B' of (step, steps held, contour in degrees): a call, an answer, and a varied close."""

    def bar(walk: int) -> list[tuple[int, int, int]]:
        notes = []
        for beat in range(beats):
            cell = _CELLS[int(rng.integers(0, 4 if beat == 0 else len(_CELLS)))]
            for step, held in cell:
                walk = int(np.clip(walk + rng.choice((-2, -1, -1, 1, 1, 2)), -3, 5))
                notes.append((beat * STEPS + step, held, walk))
        return notes

    call, answer = bar(int(rng.integers(0, 4))), bar(int(rng.integers(1, 5)))
    kept = [note for note in answer if note[0] < (beats - 2) * STEPS or beats < 3]
    close = [*kept, ((beats - 2) * STEPS, 2 * STEPS, 0)] if beats >= 3 else answer
    return tuple(tuple(b) for b in (call, answer, call, close))


def _hand(rng: np.random.Generator, bpm: float, beats: int) -> _Hand:
    """Make the song's choices: key, chords, patterns, melody."""
    mode = str(rng.choice(("minor", "minor", "major")))

    def one(options: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        return options[int(rng.integers(len(options)))]

    chorus, verse, drop = one(_CHORUS[mode]), one(_VERSE[mode]), one(_DROP[mode])
    chords = {"intro": verse, "verse": verse, "build": chorus, "chorus": chorus, "drop": drop,
              "break": chorus, "outro": verse}
    styles = {name: options[int(rng.integers(len(options)))] for name, options in STYLES.items()}
    stabs = _STABS[int(rng.integers(len(_STABS)))]
    return _Hand(bpm, beats, int(rng.integers(12)), mode, chords, styles, stabs,
                 _compose_motif(rng, beats), tuple(int(d) for d in rng.permutation((0, 2, 4, 7))))


def _drums(hand: _Hand, style: Style, bar: int) -> list[Note]:
    notes = [Note(hand.time(bar, step), "kick", gain=0.7 * style.drums) for step, _ in hand.hits(style.kick)]
    for step, _ in hand.hits(style.snare):
        notes.append(Note(hand.time(bar, step), "snare", gain=0.8 * style.drums))
        if style.clap:
            notes.append(Note(hand.time(bar, step), "clap", gain=0.6))
    for step, mark in hand.hits(style.hat):
        length, gain = {"X": (0.11, 0.4), "x": (0.03, 0.3), "o": (0.022, 0.19)}[mark]
        pan = 0.25 if step % 2 else -0.15
        notes.append(Note(hand.time(bar, step), "hat", step % 3, length, gain * style.drums, pan))
    return notes


def _harmony(hand: _Hand, style: Style, bar: int, root: int, brightness: float) -> list[Note]:
    """Bass, pad, stabs and arpeggio of one bar over the chord on degree ``root``."""
    notes = []
    low = hand.pitch(root, 33)
    low -= 12 if low > 43 else 0
    held = hand.seconds(0.9 if style.stab else 1.7)
    for step, _ in hand.hits(style.bass):
        notes.append(Note(hand.time(bar, step), "bass", low + (12 if step % 8 == 7 else 0), held,
                          style.bass_gain, colour=style.bass_colour))
    # Close position around middle C: each chord tone folded into one octave, so voices move little.
    tones = sorted(57 + (hand.pitch(root + third, 57) - 57) % 12 for third in (0, 2, 4))
    if style.pad:
        held, colour = hand.seconds(hand.beats * STEPS), style.pad_colour * brightness
        for i, tone in enumerate([*tones, tones[0] + 12]):
            pan = (-0.4, 0.1, 0.4, 0.0)[i]
            notes.append(Note(hand.time(bar), "pad", tone, held, 0.27 * style.pad, pan, colour))
    if style.stab:
        for step, _ in hand.hits(hand.stabs):
            for i, tone in enumerate([*tones, tones[0] + 12]):
                notes.append(Note(hand.time(bar, step), "stab", tone, hand.seconds(1.2), 0.36 * style.stab,
                                  (-0.5, 0.0, 0.5, 0.0)[i], 8000.0))
    if style.pluck:
        for step in range(0, hand.beats * STEPS, 2):
            tone = hand.pitch(root + hand.arpeggio[step // 2 % 4], 69)
            notes.append(Note(hand.time(bar, step), "pluck", tone, 0.1, 0.34 * style.pluck,
                              0.5 if step % 4 else -0.5, 4500 * brightness))
    return notes


def _melody(hand: _Hand, style: Style, bar: int, in_section: int, root: int) -> list[Note]:
    """The motif's bar over the chord: notes on the beat are drawn to the nearest chord tone."""
    notes = []
    for step, held, contour in hand.motif[in_section % len(hand.motif)]:
        degree = root % 7 + contour
        if step % STEPS == 0 or held >= STEPS:
            degree = min((degree, degree - 1, degree + 1), key=lambda d: (d - root) % 7 not in (0, 2, 4))
        degree -= 7 if degree > 7 else 0
        notes.append(Note(hand.time(bar, step), "lead", hand.pitch(degree, 69), hand.seconds(held * 0.92),
                          0.42 * style.lead, colour=5200))
    return notes


def _lift(hand: _Hand, bar: int, bars: int, into: str) -> list[Note]:
    """What leads into a chorus or a drop, over the last bars of a section: a riser and a snare roll."""
    rest = STEPS if into == "drop" else 0
    span = 2 if bars >= 8 else 1
    steps = span * hand.beats * STEPS - rest
    start = hand.time(bar - span)
    notes = [Note(start, "riser", 57, hand.seconds(steps), 0.42 if into == "drop" else 0.3)]
    roll = hand.beats * STEPS - rest
    for step in range(0, roll, 1 if into == "drop" else 2):
        gain = 0.12 + 0.34 * (step / roll) ** 1.5
        notes.append(Note(hand.time(bar - 1, step), "snare", 1 + step % 2, gain=gain))
    return notes


def _section(hand: _Hand, first: int, name: str, bars: int, into: str) -> list[Note]:
    """All the notes of one section that starts at bar ``first``."""
    style, notes = hand.styles[name], []
    for i in range(bars):
        bar, root = first + i, hand.chords[name][i % len(hand.chords[name])]
        opens = {"intro": 2.2, "build": 2.2, "outro": -0.6}.get(name, 0.0)
        brightness = 1.0 + opens * i / max(1, bars - 1)
        notes += _drums(hand, style, bar) + _harmony(hand, style, bar, root, round(brightness, 2))
        if style.lead:
            notes += _melody(hand, style, bar, i, root)
    if style.crash:
        notes.append(Note(hand.time(first), "crash", 0, gain=0.5))
    if name == "drop":
        notes.append(Note(hand.time(first), "boom", gain=0.5))
    if into in ("chorus", "drop") and name != "drop":
        notes += _lift(hand, first + bars, bars, into)
    return notes


def _ending(hand: _Hand, bar: int) -> list[Note]:
    """The tonic struck once on the beat after the last bar, left to ring."""
    notes = [Note(hand.time(bar), "kick"), Note(hand.time(bar), "crash", 0, gain=0.45),
             Note(hand.time(bar), "bass", hand.pitch(0, 28), 0.5, 0.4, colour=600)]
    tones = [hand.pitch(degree, 57) for degree in (0, 2, 4, 7)]
    return notes + [Note(hand.time(bar), "pad", tone, 0.5, 0.27, colour=2200) for tone in tones]


def _check(plan: Sequence[tuple[str, int]], bpm: float, beats: int) -> None:
    if not 40 <= bpm <= 240:
        raise RangeError(f"bpm {bpm!r} is outside 40 to 240", "give a tempo people play, such as 126")
    if not 2 <= beats <= 7:
        raise RangeError(f"beats_per_bar {beats!r} is outside 2 to 7", "give 3 or 4")
    if not plan:
        raise RangeError("the plan has no sections", "give pairs such as ('verse', 4)")
    for name, bars in plan:
        if name not in STYLES:
            raise RangeError(f"unknown section {name!r}", f"choose from {', '.join(STYLES)}")
        if bars * beats * 60.0 / bpm < MIN_SECTION:
            raise RangeError(f"{bars} bars of {name} at {bpm:g} BPM are under {MIN_SECTION:g} s",
                             "give it more bars")


def write_score(seed: int, plan: Sequence[tuple[str, int]], bpm: float, beats_per_bar: int) -> Score:
    """Write a song; see :func:`lib_music.demo.compose.compose`.

    Raises
    ------
    RangeError
        For a tempo outside 40 to 240 BPM, bars of fewer than 2 or more than 7 beats, an empty plan, an
        unknown section, or one shorter than 4 s.
    """
    _check(plan, bpm, beats_per_bar)
    hand = _hand(np.random.default_rng(seed), bpm, beats_per_bar)
    notes: list[Note] = []
    silences = []
    bar = 0
    for i, (name, bars) in enumerate(plan):
        into = plan[i + 1][0] if i + 1 < len(plan) else ""
        notes += _section(hand, bar, name, bars, into)
        bar += bars
        if into == "drop" and name != "drop":
            silences.append((hand.time(bar, -STEPS), hand.time(bar)))
    notes = [n for n in notes if not any(start - 1e-6 <= n.time < end - 1e-6 for start, end in silences)]
    notes += _ending(hand, bar)
    return Score(bpm, beats_per_bar, tuple(plan), TONICS[hand.tonic], hand.mode, tuple(notes),
                 tuple(silences))
