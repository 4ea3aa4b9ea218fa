"""Chorales, hymns, quartets and quintets: voices in counterpoint, no drums, expressive time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training import theory
from training.form import gaps_between
from training.score import Bar, Random, Score, Section, Timeline, Track
from training.timing import timing

#: Ensembles: General MIDI programs from the highest voice down, and our patch.
ENSEMBLES: dict[str, tuple[tuple[int, ...], str, float]] = {
    "string quartet": ((40, 40, 41, 42), "fiddle", 3.0),
    "string orchestra": ((48, 48, 48, 48), "violins", 1.0),
    "string quintet": ((40, 40, 41, 41, 42), "violins", 0.6),
    "organ": ((19, 19, 19, 19), "church", 1.6),
    "choir": ((52, 52, 52, 52), "choir", 1.4),
    "vocal": ((53, 53, 53, 53), "voice", 0.7),
    "piano": ((0, 0, 0, 0), "piano", 2.0),
    "brass quintet": ((56, 56, 60, 57, 58), "brass", 0.8),
    "wind quintet": ((73, 68, 71, 60, 70), "flute", 0.9),
    "recorders": ((74, 74, 74, 74), "flute", 0.4),
    "reed organ": ((20, 20, 20, 20), "reed", 0.4),
    "saxophones": ((64, 65, 66, 67), "reed", 0.4),
    "piano and voice": ((53, 0, 0, 0), "piano", 1.0),
    "flute and piano": ((73, 0, 0, 0), "piano", 0.8),
    "piano trio": ((40, 0, 0, 42), "piano", 0.8),
    "clarinet quintet": ((71, 40, 40, 41, 42), "fiddle", 0.5),
    "guitars": ((24, 24, 24, 24), "nylon", 0.5),
    "harpsichord": ((6, 6, 6, 6), "harpsi", 0.5),
    "cello and piano": ((42, 0, 0, 0), "piano", 0.5),
    "organ and choir": ((52, 52, 19, 19), "church", 0.8),
}
RANGES = ((72, 60, 84), (66, 55, 79), (60, 48, 72), (48, 36, 62), (43, 33, 57))
#: Which chord follows which, by degree of the scale, with weights.
FOLLOWS = {
    0: ((3, 3), (4, 3), (5, 2), (1, 1.5), (2, 0.5)),
    1: ((4, 5), (6, 1), (0, 0.5)),
    2: ((5, 3), (3, 2)),
    3: ((4, 4), (0, 2), (1, 2)),
    4: ((0, 5), (5, 2), (3, 0.5)),
    5: ((1, 2), (3, 3), (4, 2)),
    6: ((0, 5), (5, 1)),
}


@dataclass
class Voices:
    """A phrase's frame: its beats, chords and the pitches of each voice at each chord."""

    start: int
    beats: int
    metre: int
    sub: int
    chords: list[tuple[float, float, theory.Chord]]
    pitches: list[list[int]]

    def at(self, beat: float) -> theory.Chord:
        for start, stop, chord in self.chords:
            if start - 1e-6 <= beat < stop - 1e-6:
                return chord
        return self.chords[-1][2]


def triad(key: int, scale: tuple[int, ...], degree: int, seventh: bool = False, raised: bool = False) -> theory.Chord:
    """The chord on a degree; `raised` makes the fifth degree of a minor key a major chord."""
    tones = [scale[(degree + i) % 7] + 12 * ((degree + i) // 7) for i in ((0, 2, 4, 6) if seventh else (0, 2, 4))]
    if raised and degree == 4:
        tones[1] += 1 if tones[1] - tones[0] == 3 else 0
    return theory.Chord((key + tones[0]) % 12, tuple(t - tones[0] for t in tones), tuple((key + s) % 12 for s in scale))


def progression(
    rng: Random, key: int, mode: str, edges: list[float], closing: bool, span: int
) -> list[tuple[float, float, theory.Chord]]:
    """A chord for each stretch between edges, ending in a cadence."""
    scale = theory.SCALES[mode]
    count = len(edges) - 1
    degrees = [0]
    while len(degrees) < count:
        options = FOLLOWS[degrees[-1]]
        weights = np.array([w for _, w in options])
        degrees.append(options[int(rng.choice(len(options), p=weights / weights.sum()))][0])
    last = max(k for k in range(count) if edges[k] <= edges[-1] - span + 1e-6)  # the chord of the last bar's first beat
    if last >= 1:
        degrees[last - 1 : last + 1] = [4, 0] if closing else [int(rng.choice([0, 1, 3])), 4]
        degrees[last + 1 :] = [int(rng.choice([4, 0, 5])) for _ in range(count - last - 1)]
    return [
        (a, b, triad(key, scale, d, d in (1, 4) and rng.random() < 0.4, mode == "minor"))
        for a, b, d in zip(edges, edges[1:], degrees, strict=False)
    ]


def rhythm_of_chords(rng: Random, metre: int, bars: int, pace: str, upbeat: int = 0) -> list[float]:
    """Where chords change: each beat, each half bar, each bar, or mixed."""
    edges: list[float] = []
    for bar in range(bars):
        base = bar * metre
        if bar == bars - 1 and bar and pace != "bar":  # the cadence arrives on the last bar and stays
            lead = upbeat or int(rng.random() < 0.3)
            steps = [0.0, float(metre - lead)] if 0 < lead < metre else [0.0]
        elif pace == "beat":
            steps = [float(b) for b in range(metre) if b == 0 or rng.random() < 0.85]
        elif pace == "half":
            steps = [0.0, 2.0] if metre == 4 else [0.0, 2.0] if metre == 3 and rng.random() < 0.5 else [0.0]
        elif pace == "mixed":
            steps = [0.0, *[float(b) for b in range(1, metre) if rng.random() < 0.4]]
        else:
            steps = [0.0]
        edges += [base + s for s in steps]
    return [*edges, float(bars * metre)]


def frame(
    rng: Random,
    start: int,
    metre: int,
    sub: int,
    bars: int,
    key: int,
    mode: str,
    closing: bool,
    pace: str,
    size: int,
    upbeat: int,
) -> Voices:
    chords = progression(
        rng, key, mode, [start + e for e in rhythm_of_chords(rng, metre, bars, pace, upbeat)], closing, metre
    )
    pitches: list[list[int]] = []
    before: list[int] | None = None
    for _, _, chord in chords:
        upper = theory.voicing(chord, 66 + float(rng.normal(0, 2)), size - 1, before)
        before = upper
        tones = chord.tones()
        low = theory.nearest(
            (pitches[-1][-1] if pitches else 45) * 0.5 + 23, (tones[0],) if rng.random() < 0.75 else tones[:2]
        )
        pitches.append([*reversed(upper), low])
    return Voices(start, bars * metre, metre, sub, chords, pitches)


def chorale(rng: Random, tracks: list[Track], v: Voices, level: float) -> None:
    """All voices move with the chords, with passing notes, suspensions and ties."""
    part = 0.5 if v.sub != 3 else 2 / 3
    motion = float(rng.uniform(0.05, 0.55))
    tie = float(rng.uniform(0.0, 0.7))
    for i, track in enumerate(tracks):
        voice = [p[i] for p in v.pitches]
        k = 0
        while k < len(voice):
            start, stop, chord = v.chords[k]
            while k + 1 < len(voice) and voice[k + 1] == voice[k] and rng.random() < tie:
                k += 1
                stop = v.chords[k][1]
            following = voice[k + 1] if k + 1 < len(voice) else voice[k]
            gap = following - voice[k]
            late = 0.0
            if k and voice[k] - voice[k - 1] in (-1, -2) and rng.random() < 0.4 * motion and track.notes:
                late = part  # a suspension: the note before is held over
                held = track.notes[-1]
                if abs(held.start + held.length - start) < 0.3:
                    track.notes[-1] = held._replace(length=start + late - held.start)
                else:
                    late = 0.0
            length = stop - start - late
            if abs(gap) in (3, 4, 5) and length >= 1 and rng.random() < motion:
                between = theory.nearest(voice[k] + gap / 2, chord.scale)
                cut = stop - (part if v.sub != 3 else 1 / 3)
                track.add(start + late, cut - start - late, voice[k], level)
                track.add(cut, stop - cut, between, 0.9 * level)
            elif length >= 1 and rng.random() < 0.3 * motion:
                cut = stop - part if v.sub != 3 else stop - 1 / 3
                track.add(start + late, cut - start - late, voice[k], level)
                track.add(cut, stop - cut, theory.nearest(voice[k] + rng.choice([-2, 2]), chord.scale), 0.9 * level)
            else:
                track.add(start + late, length, voice[k], level * rng.uniform(0.9, 1.05))
            k += 1


def _tune(
    rng: Random, track: Track, v: Voices, voice: int, level: float, density: float, syncopation: float, theme=None
):
    sub = 3 if v.sub == 3 else int(rng.choice([2, 2, 4]))
    if theme is None and rng.random() < 0.65:
        theme = theory.celled(rng, max(1, v.beats // v.metre), v.metre, v.sub)
    theme = theme or theory.phrase(rng, max(1, v.beats // v.metre), v.metre, sub, density, syncopation)
    _, low, high = RANGES[min(voice, 4)]
    moved = [(v.start + s, d, m) for s, d, m in theme if s < v.beats - 0.05]
    for s, d, p in theory.sung(rng, moved, v.at, low, high, 0.08 if voice == 0 else 0.0):
        track.add(s, min(d, v.start + v.beats - s), p, level * rng.uniform(0.85, 1.05))
    return theme


def _pulse(rng: Random, track: Track, v: Voices, i: int, level: float, kind: str) -> None:
    """Repeated or broken notes under a tune."""
    rate = 3 if v.sub == 3 else 2
    if kind == "sixteenths":
        rate *= 2
    for n in range(v.beats * rate):
        at = v.start + n / rate
        k = next((j for j, c in enumerate(v.chords) if c[0] - 1e-6 <= at < c[1] - 1e-6), len(v.chords) - 1)
        pitch = v.pitches[k][i]
        if kind == "offbeat" and n % rate == 0:
            continue
        if kind == "broken":
            pool = sorted(v.pitches[k][1:])
            pitch = pool[(0, 2, 1, 2)[n % 4] % len(pool)]
        track.add(at, 0.9 / rate, pitch, level * (0.8 if n % rate else 0.95))


def _long(track: Track, v: Voices, i: int, level: float) -> None:
    for k, (start, stop, _) in enumerate(v.chords):
        track.add(start, (stop - start) * 0.98, v.pitches[k][i], level)


def accompanied(
    rng: Random, tracks: list[Track], v: Voices, level: float, theme=None
) -> list[tuple[float, float, float]]:
    """A tune in one voice, patterns in the others, the bass on the chords."""
    top = 0 if rng.random() < 0.8 else int(rng.integers(len(tracks) - 1))
    made = _tune(rng, tracks[top], v, top, level, float(rng.uniform(0.35, 0.9)), float(rng.uniform(0.0, 0.7)), theme)
    kind = str(rng.choice(["eighths", "offbeat", "broken", "long", "sixteenths"], p=[0.3, 0.2, 0.25, 0.17, 0.08]))
    for i, track in enumerate(tracks):
        if i == top:
            continue
        if i == len(tracks) - 1:
            style = rng.random()
            if style < 0.5:
                _long(track, v, i, level)
            elif style < 0.8:
                for b in range(v.beats):
                    if b % v.metre == 0 or rng.random() < 0.6:
                        k = next((j for j, c in enumerate(v.chords) if c[0] <= v.start + b < c[1]), len(v.chords) - 1)
                        track.add(v.start + b, 0.7, v.pitches[k][i], level * (1.0 if b % v.metre == 0 else 0.75))
            else:
                _pulse(rng, track, v, i, 0.9 * level, "eighths")
        elif kind == "long" or rng.random() < 0.15:
            _long(track, v, i, 0.7 * level)
        else:
            _pulse(rng, track, v, i, 0.7 * level, kind)
    return made


def imitation(rng: Random, tracks: list[Track], v: Voices, level: float) -> None:
    """A subject that enters in one voice after the other."""
    sub = 3 if v.sub == 3 else int(rng.choice([2, 2, 4]))
    bars = max(1, v.beats // v.metre)
    classical = rng.random() < 0.6
    subject = (
        theory.celled(rng, bars, v.metre, v.sub)
        if classical
        else theory.phrase(rng, bars, v.metre, sub, 0.6, float(rng.uniform(0.0, 0.5)))
    )
    order = [int(i) for i in rng.permutation(len(tracks))]
    wait = float(rng.choice([v.metre, v.metre / 2 if v.metre % 2 == 0 else v.metre, 2 * v.metre]))
    for n, i in enumerate(order):
        shifted = [(s + n * wait, d, m) for s, d, m in subject]
        if shifted[0][0] < v.beats - 1:
            _tune(rng, tracks[i], v, i, level * (1.0 if n == 0 else 0.8), 0.5, 0.3, shifted)


def unison(rng: Random, tracks: list[Track], v: Voices, level: float) -> None:
    """All voices in one rhythm, with rests."""
    sub = 3 if v.sub == 3 else 2
    theme = theory.phrase(rng, max(1, v.beats // v.metre), v.metre, sub, 0.5, float(rng.uniform(0.0, 0.6)))
    for i, track in enumerate(tracks):
        _tune(rng, track, v, i, level, 0.5, 0.3, theme)


def dialogue(rng: Random, tracks: list[Track], v: Voices, level: float) -> None:
    """Short figures pass between outer voices over held or plucked chords."""
    sub = 3 if v.sub == 3 else 4
    theme = theory.phrase(rng, max(1, v.beats // v.metre), v.metre, sub, 0.7, 0.3)
    turn = v.metre * int(rng.choice([1, 2]))
    for i, track in ((0, tracks[0]), (len(tracks) - 1, tracks[-1])):
        mine = [t for t in theme if (int(t[0] // turn) % 2 == 0) == (i == 0)]
        if mine:
            _tune(rng, track, v, i, level, 0.5, 0.3, mine)
    for i, track in enumerate(tracks[1:-1], start=1):
        if rng.random() < 0.6:
            _long(track, v, i, 0.65 * level)
        else:
            _pulse(rng, track, v, i, 0.6 * level, "offbeat")


def runs(rng: Random, tracks: list[Track], v: Voices, level: float) -> None:
    """Scales and broken chords in fast notes in one voice, short chords in the others."""
    busy = int(rng.integers(len(tracks)))
    _, low, high = RANGES[min(busy, 4)]
    rate = int(rng.choice([3, 6])) if v.sub == 3 else int(rng.choice([2, 4, 4]))
    pitch, way = float(rng.uniform(low, high)), 1
    for n in range(v.beats * rate):
        at = v.start + n / rate
        if rng.random() < 0.12:
            way = -way
        way = -1 if pitch > high else 1 if pitch < low else way
        chord = v.at(at)
        pitch = theory.nearest(
            pitch + way * rng.choice([1.6, 1.6, 3.5]), chord.tones() if n % rate == 0 else chord.scale
        )
        tracks[busy].add(at, 0.9 / rate, pitch, level * (0.95 if n % rate == 0 else 0.75))
    places = [0.0] if rng.random() < 0.4 else [0.0, 1.0] if rng.random() < 0.5 else [float(b) for b in range(v.metre)]
    short = float(rng.choice([0.3, 0.9]))
    for bar in range(0, v.beats, v.metre):
        for place in places:
            at = v.start + bar + place
            k = next((j for j, c in enumerate(v.chords) if c[0] - 1e-6 <= at < c[1] - 1e-6), len(v.chords) - 1)
            for i, track in enumerate(tracks):
                if i != busy and place < v.metre:
                    track.add(at, short, v.pitches[k][i], 0.8 * level)


TEXTURES: dict[str, Callable[..., object]] = {
    "chorale": chorale,
    "accompanied": accompanied,
    "imitation": imitation,
    "unison": unison,
    "dialogue": dialogue,
    "runs": runs,
}
KINDS: dict[str, tuple[tuple[str, ...], tuple[float, float]]] = {
    "chorale": (
        (
            "organ",
            "choir",
            "vocal",
            "piano",
            "brass quintet",
            "reed organ",
            "string orchestra",
            "organ and choir",
            "recorders",
        ),
        (50, 100),
    ),
    "hymn": (("piano", "organ", "piano and voice", "choir", "organ and choir", "brass quintet", "vocal"), (55, 120)),
    "quartet": (
        ("string quartet", "string quartet", "string quartet", "string quintet", "string orchestra", "saxophones"),
        (46, 176),
    ),
    "quintet": (("wind quintet", "brass quintet", "clarinet quintet", "recorders", "guitars"), (56, 150)),
    "duo": (("flute and piano", "piano and voice", "piano trio", "cello and piano", "piano", "harpsichord"), (50, 150)),
}
WEIGHTS = {"chorale": 1.6, "hymn": 1.6, "quartet": 2.6, "quintet": 1.2, "duo": 1.4}


def _texture(rng: Random, kind: str) -> str:
    if kind in ("chorale", "hymn"):
        return "chorale" if rng.random() < (0.92 if kind == "chorale" else 0.7) else "accompanied"
    return str(rng.choice(list(TEXTURES), p=[0.15, 0.42, 0.12, 0.06, 0.14, 0.11]))


def _players(rng: Random, programs: tuple[int, ...], patch: str) -> list[Track]:
    """One track a part; several players keep together less than one at a keyboard, harp or guitar does."""
    alone = len(set(programs)) == 1 and programs[0] in (0, 6, 19, 20, 24)
    jitter = float(rng.uniform(*((0.001, 0.01) if alone else (0.002, 0.02))))
    return [
        Track(
            "comp" if i else "lead",
            p,
            "voice" if p == 53 and patch == "piano" else patch,
            gain=float(10 ** (rng.normal(0, 1.5) / 20)),
            jitter=jitter,
        )
        for i, p in enumerate(programs)
    ]


def chamber(rng: Random, kind: str, seconds: float) -> Score:
    """A piece of chamber or church music of about `seconds`."""
    ensembles, tempi = KINDS[kind]
    weights = np.array([ENSEMBLES[e][2] for e in ensembles])
    name = ensembles[int(rng.choice(len(ensembles), p=weights / weights.sum()))]
    programs, patch, _ = ENSEMBLES[name]
    metre, sub = [(4, 2), (3, 2), (2, 3), (2, 2), (4, 3)][int(rng.choice(5, p=[0.42, 0.22, 0.24, 0.1, 0.02]))]
    tempo = float(np.exp(rng.uniform(*np.log(tempi))))
    key, mode = int(rng.integers(12)), "major" if rng.random() < 0.62 else "minor"
    tracks = _players(rng, programs, patch)
    bars: list[Bar] = []
    at = pickup = int(rng.integers(1, metre)) if rng.random() < 0.4 and metre > 1 else 0
    if pickup:
        bars.append(Bar(0, metre, metre - pickup + 1))
    phrase = int(rng.choice([2, 4, 4, 4, 8]))
    wanted = int(seconds * tempo / 60)
    sections = _phrases(rng, tracks, bars, kind, at, wanted, (metre, sub, phrase, key, mode, len(programs)))
    if pickup:
        _upbeat(rng, tracks, pickup)
    count = bars[-1].stop
    curve = str(rng.choice(["gentle", "rubato", "free", "drift", "steady"], p=[0.4, 0.35, 0.08, 0.1, 0.07]))
    durations = timing(rng, curve, count, tempo, phrase * metre, [bars[s.first].start for s in sections])
    line = Timeline(
        durations,
        start=float(rng.choice([0.0, 0.3, 1.2])),
        gaps=gaps_between(rng, [bars[s.first].start for s in sections[1:]], 0.05),
    )
    return Score(
        tracks,
        line,
        bars,
        sections,
        sub,
        float(rng.uniform(0.1, 0.8)),
        [],
        {"tempo": tempo, "timing": curve, "drums": False, "metre": metre, "ensemble": name},
    )


def _phrases(
    rng: Random, tracks: list[Track], bars: list[Bar], kind: str, at: int, wanted: int, frame_of: tuple
) -> list[Section]:
    """Phrases by a plan of letters; a letter that comes back brings its music back."""
    usual, sub, phrase, key, mode, size = frame_of
    plan = str(rng.choice(["AABB", "ABAC", "AABA", "ABCA", "ABAB", "AABC"])) * 12
    pace = str(
        rng.choice(
            ["beat", "half", "mixed", "bar"],
            p=[0.3, 0.3, 0.25, 0.15] if kind not in ("chorale", "hymn") else [0.65, 0.15, 0.2, 0.0],
        )
    )
    accent = float(rng.uniform(1.0, 1.3))
    pickup = at
    change = usual in (3, 4) and rng.random() < 0.12  # contrasting phrases in another metre
    kept: dict[str, tuple[int, list[list]]] = {}
    sections: list[Section] = []
    for n, letter in enumerate(plan):
        if at >= wanted:
            break
        first = len(bars)
        metre = 7 - usual if change and letter in "BC" else usual
        bars += [Bar(at + b * metre, metre) for b in range(phrase)]
        level = float(np.clip(rng.normal(0.62, 0.14), 0.3, 0.95))
        if letter in kept:
            origin, parts = kept[letter]
            for track, notes in zip(tracks, parts, strict=True):
                track.notes += [note._replace(start=note.start - origin + at) for note in notes]
        else:
            marks = [len(t.notes) for t in tracks]
            tonic = key if letter != "C" else (key + int(rng.choice([5, 7, 9]))) % 12
            v = frame(rng, at, metre, sub, phrase, tonic, mode, letter != "B" or n > 2, pace, size, pickup)
            TEXTURES[_texture(rng, kind)](rng, tracks, v, level)
            for track, mark in zip(tracks, marks, strict=True):  # the bar's first beat weighs more
                track.notes[mark:] = [
                    n._replace(
                        velocity=min(1.0, n.velocity * (accent if (n.start - at) % metre < 0.01 else 1 / accent))
                    )
                    for n in track.notes[mark:]
                ]
            kept[letter] = (at, [t.notes[m:] for t, m in zip(tracks, marks, strict=True)])
        at += phrase * metre
        sections.append(Section(first, len(bars), letter, level))
    return sections


def _upbeat(rng: Random, tracks: list[Track], pickup: int) -> None:
    first = [min(t.notes).pitch if t.notes else 60 for t in tracks]
    alone = rng.random() < 0.5
    for i, track in enumerate(tracks):
        if alone and i:
            break
        for b in range(pickup):
            track.add(b, 0.95, first[i] - (5 if i == len(tracks) - 1 else 0) - (2 if b % 2 == 0 and i == 0 else 0), 0.6)
