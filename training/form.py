"""The form of a piece: metre, bars, sections, pick-up, silences and which kind of tempo curve it has."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from training.score import Bar, Random, Section
from training.styles import Style

#: Letters and energies of sections in order. I: introduction, K: break, O: end; the others are named by material.
FORMS: dict[str, tuple[str, ...]] = {
    "song": ("IAABABCBO", "IABABCBB", "AABAABA", "IABCABCDC", "ABABCB", "IAABBAO", "BABACB", "ABACAB"),
    "dance": ("IUDKUDO", "IADKAD", "IUDDKUDD", "ADKDO", "IAUDAKUD", "IADBKDB"),
    "short": ("AABB", "AABA", "ABAC", "ABACA", "AABBCC", "ABCA", "AAB"),
    "blues": ("AAAA", "IAAAAO", "AAKAA", "AABAA"),
}
ENERGY = {"I": 0.3, "A": 0.6, "B": 0.9, "C": 0.7, "D": 0.95, "U": 0.55, "K": 0.25, "O": 0.4}


@dataclass
class Layout:
    """Everything about the time of a piece but the seconds of its beats."""

    tempo: float
    sub: int
    bars: list[Bar]
    sections: list[Section]
    beats: int
    timing: str
    phrase: int
    pickup: int = 0
    count_in: bool = False
    count_key: int = 37
    gaps: dict[int, float] = field(default_factory=dict)
    lead_in: float = 0.0
    final: bool = False

    def metre(self, section: Section) -> int:
        """Beats in most bars of the section."""
        bars = self.bars[section.first : section.last]
        return max((b.beats for b in bars), default=4)


def weighted(rng: Random, pairs) -> str:
    names = [p[0] for p in pairs]
    weights = np.array([p[1] for p in pairs], dtype=float)
    return names[int(rng.choice(len(names), p=weights / weights.sum()))]


def _metre(rng: Random, style: Style) -> tuple[int, int]:
    weights = np.array([m[2] for m in style.metres])
    beats, sub, _ = style.metres[int(rng.choice(len(weights), p=weights / weights.sum()))]
    return beats, sub


def section_length(rng: Random, style: Style, beats: int) -> int:
    if style.form == "blues":
        return 12
    pool, weights = ((4, 8, 16), (0.2, 0.6, 0.2)) if style.form != "short" else ((4, 8, 16), (0.3, 0.6, 0.1))
    if rng.random() < 0.07:
        return int(rng.choice([3, 5, 6, 7, 9, 10, 12]))
    return int(rng.choice(pool, p=weights)) * (2 if beats == 2 and rng.random() < 0.5 else 1)


def layout(rng: Random, style: Style, seconds: float) -> Layout:
    """Draws the form of a piece in `style` that lasts about `seconds`."""
    tempo = float(np.exp(rng.uniform(*np.log(style.tempo))))
    if rng.random() < 0.5:
        tempo = float(round(tempo))
    beats, sub = _metre(rng, style)
    kind = weighted(rng, style.timing)
    lead_in = float(rng.choice([0.0, rng.uniform(0, 0.6), rng.uniform(0.3, 2.5)], p=[0.35, 0.4, 0.25]))
    wanted = max(8, int((seconds - lead_in) * tempo / 60.0))
    bars: list[Bar] = []
    at = 0
    pickup, count_in = 0, False
    if rng.random() < 0.25 and beats > 1:
        count_in = rng.random() < 0.35 and style.form in ("song", "blues") and beats == 4
        pickup = beats if count_in else int(rng.integers(1, beats))
        bars.append(Bar(0, beats, beats - pickup + 1))
        at = pickup
    sections = _sections(rng, style, beats, bars, at, wanted)
    last = bars[-1].stop
    phrase = beats * int(rng.choice([2, 4])) if beats < 5 else beats * 2
    return Layout(
        tempo,
        sub,
        bars,
        sections,
        last,
        kind,
        phrase,
        pickup,
        count_in,
        int(rng.choice([37, 42, 75, 31])),
        _gaps(rng, bars, sections),
        lead_in,
        rng.random() < 0.5,
    )


def _sections(rng: Random, style: Style, beats: int, bars: list[Bar], at: int, wanted: int) -> list[Section]:
    forms = FORMS[style.form]
    letters = forms[int(rng.integers(len(forms)))]
    begin = int(rng.integers(0, max(1, len(letters) - 2))) if rng.random() < 0.3 else 0
    letters = letters[begin:] + letters
    lengths: dict[str, int] = {}
    sections: list[Section] = []
    change = rng.random() < ({"song": 0.06, "short": 0.14}.get(style.form, 0.01))
    extra = rng.random() < 0.08
    for letter in letters:
        if at >= wanted:
            break
        short = letter in "IUO"
        lengths.setdefault(letter, int(rng.choice([2, 4, 4, 8])) if short else section_length(rng, style, beats))
        metre = beats
        if change and letter in "BC" and beats in (3, 4):
            metre = 7 - beats
        first = len(bars)
        for k in range(lengths[letter]):
            size = 2 if extra and k == lengths[letter] - 1 and metre == 4 and rng.random() < 0.5 else metre
            bars.append(Bar(at, size))
            at += size
            if at >= wanted + metre:
                break
        energy = float(np.clip(ENERGY[letter] + rng.normal(0, 0.08), 0.1, 1.0))
        sections.append(Section(first, len(bars), letter, energy))
    return sections


def _gaps(rng: Random, bars: list[Bar], sections: list[Section]) -> dict[int, float]:
    """Silences after which the beat starts anew, mostly between sections; rare."""
    draw = rng.random()
    if draw > 0.07:
        return {}
    starts = [bars[s.first].start for s in sections[1:]]
    if draw < 0.02:
        starts = [b.start for b in bars[2::2]]
    chosen = [s for s in starts if rng.random() < 0.6][:4]
    return {int(s): float(rng.uniform(0.7, 5.0)) for s in chosen}


def gaps_between(rng: Random, starts: list[int], chance: float) -> dict[int, float]:
    """With a chance, breaths of silence before some of the beats `starts`."""
    if rng.random() > chance:
        return {}
    return {int(s): float(rng.uniform(0.4, 2.5)) for s in starts if rng.random() < 0.5}
