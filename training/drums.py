"""Drum patterns by family, their variation, fills and crashes.

A pattern is one or two bars of steps per voice: `x` a stroke, `X` an accent, `o` soft, `?` perhaps, `.` nothing.
Straight patterns have four steps a beat, triplet patterns (`family` in `TRIPLET`) three.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from training.score import Random, Track

#: General MIDI keys of the voices.
KEYS = {
    "k": 36,
    "s": 38,
    "r": 37,
    "c": 39,
    "h": 42,
    "p": 44,
    "o": 46,
    "C": 49,
    "R": 51,
    "B": 53,
    "1": 50,
    "2": 48,
    "3": 45,
    "4": 41,
    "t": 54,
    "w": 56,
    "S": 70,
    "g": 62,
    "G": 64,
    "b": 60,
    "v": 61,
    "l": 75,
    "m": 82,
    "Z": 57,
    "N": 52,
    "a": 69,
}
LEVEL = {"x": 0.78, "X": 1.0, "o": 0.33, "?": 0.6}

#: Families of patterns for four beats (unless named otherwise); each text is voices with their steps.
PATTERNS: dict[str, tuple[str, ...]] = {
    "backbeat": (
        "k x.......x....... s ....x.......x... h x.x.x.x.x.x.x.x.",
        "k x.....x.x....... s ....X.......X... h x.x.x.x.x.x.x.x.",
        "k x..x..x...x..x.. s ....x.......x..? h x.x.x.x.x.x.x.x.",
        "k x.....xx..x...?. s ....X..o.o..X... h x.x.x.x.x.x.x.o.",
        "k x.x.....x.x....? s ....x.......x... h x...x...x...x...",
        "k x.......x.x..... s ....X.......X... R x.x.x.x.x.x.x.x.",
        "k x..?..x.x..?..x. s ....x.......x... o x...x...x...x...",
        "k x.......x....... s ....x..o....x... h xxxxxxxxxxxxxxxx",
        "k x.....x...x..... s ....X.......X..o t ....x.......x... h x.x.x.x.x.x.x.x.",
        "k x...x...x...x... s ....x.......x... h x.x.x.x.x.x.x.x.",
        "k x..x....xx.....x s ....X.......X... R x...x...x...x... p ..x...x...x...x.",
    ),
    "hard": (
        "k x..x..x.x..x..x. s ....X.......X... h ................",
        "k ..x...x...x...xx s ....x.......x... h x.x.x.x.x.x.x.x.",
        "k x.......x.x..... s ........X....... h x.x.x.x.x.x.x.x.",
        "k x..x..x..x..x.x. s ....x...o..ox.o. R x..x..x..x..x.x.",
        "k ..x..x....x..x.. s ....x.o...o.x..o h ..x...x...x...x.",
        "k x.....x.......x. s ...x....x..x.... h x.x.x.x.x.x.x.x.",
        "k x.x..x.x..x..x.. s ....X..o.o..X.o. h ..o...o...o...o.",
        "k .x.x..x..x.x..x. s ....x.......x... w x..x..x.x..x..x.",
        "k x.........x..... s ......x.......x. h x..x..x..x..x..x",
        "k x...........x... s ....x..x....x... 3 ..x...x...x...x.",
    ),
    "ballad": (
        "k x.......x....... s ....x.......x... h x.x.x.x.x.x.x.x.",
        "k x......xx....... r ....x.......x... h x.x.x.x.x.x.x.x.",
        "k x.........x..... s ........x....... h x...x...x...x...",
        "k x......x..x..... s ....x.......x... h xoxoxoxoxoxoxoxo",
        "k x............... r ....x.......x... S xoxoxoxoxoxoxoxo",
        "k x.....x.x....... r ....x.......x..o R x.x.x.x.x.x.x.x.",
    ),
    "halftime": (
        "k x.....x....x.... s ........X....... h x.x.x.x.x.x.x.x.",
        "k x..x......x..x.. s ........X....... h xxxxxxx.xxxxxxx.",
        "k x......x..x...x. s ........X......o h x.x.x.xxx.x.x.xx",
        "k x.x...........x. s ........X....... R x...x...x...x...",
        "k xx.x......xx.x.. s ........X....... Z x...x...x...x...",
    ),
    "trap": (
        "k x......x..x..... c ........X....... h x.x.xxx.x.x.x.xx",
        "k x.....x......x.. s ........x....... h xxx.xx.xxxx.xxxx",
        "k x..x......x..... c ........x......? h x.x.x.xxx.xxx.x.",
    ),
    "hiphop": (
        "k x......x..x..... s ....X.......X... h x.x.x.x.x.x.x.x.",
        "k x..x...x..x..... s ....X..o....X..o h x.x.x.x.x.x.x.x.",
        "k xx.....x.xx....x s ....X.......X... h x.xxx.x.x.xxx.x.",
        "k x.x....x..x....? s ....x.......x... h x...x...x...x...",
    ),
    "funk": (
        "k x..x..x..?x..x.. s ....X..o.o..X..o h x.x.x.x.x.x.x.x.",
        "k x.x...x...x..x.. s ....X..o.oo.X.o. h xxxxxxxxxxxxxxxx",
        "k x.....x..x....x. s ....X..oo..oX... h x.x.x.xox.x.x.xo",
        "k x..o..xx..x..... s .o..X..o.o..X..o R x.x.x.x.x.x.x.x.",
    ),
    "disco": (
        "k x...x...x...x... s ....x.......x... o ..x...x...x...x.",
        "k x...x...x...x... c ....x.......x... h x.o.x.o.x.o.x.o. o ..x...x...x...x.",
    ),
    "house": (
        "k x...x...x...x... o ..x...x...x...x. c ....x.......x...",
        "k x...x...x...x... o ..x...x...x...x. c ....x.......x..x S xoxoxoxoxoxoxoxo",
        "k x...x...x...x..x h ..x...x...x...x. r ...x..x....x..x.",
        "k x...x...x...x... h xoxoxoxoxoxoxoxo c ....x.......x... t ..x...x...x...x.",
        "k x...x...x...x... o ..x...x...x...x.",
        "k x.....x.x...x... o ..x...x...x...x. c ....x.......x... g ...x..x....x..x.",
    ),
    "techno": (
        "k X...X...X...X... h ..x...x...x...x.",
        "k X...X...X...X... o ..x...x...x...x. r ..x..x..x..x..x.",
        "k X...X...X...X... R x.x.x.x.x.x.x.x. c ............x...",
        "k X...X...X...X.x. h xxxxxxxxxxxxxxxx 3 ...x..x......x..",
    ),
    "trance": (
        "k x...x...x...x... o ..X...X...X...X.",
        "k x...x...x...x... o ..X...X...X...X. c ....x.......x...",
        "k x...x...x...x... o ..X...X...X...X. h xxxxxxxxxxxxxxxx c ....x.......x...",
        "k o...o...o...o... o ..X...X...X...X. S .xxx.xxx.xxx.xxx",
    ),
    "psy": (
        "k X...X...X...X...",
        "k X...X...X...X... h ..x...x...x...x.",
        "k X...X...X...X... S .xxx.xxx.xxx.xxx",
        "k X...X...X...X... o ..x...x...x...x. r ......x..x......",
        "k X...X...X...X... h ..x...x...x...x. c ....x.......x...",
        "k X...X...X...X... h .oxo.oxo.oxo.oxo 4 ..........x..x..",
    ),
    "downtempo": (
        "k x.....x...x..... r ....x.......x... h ..x...x...x...x.",
        "k x.........x..... c ....x.......x... S x.xxx.xxx.xxx.xx",
        "k x...x...x...x... h ..x...x...x...x. r ...x..x....x....",
        "k x..x......x..... s ....x..o....x..o h x.x.x.x.x.x.x.xx",
        "k x.......x....... g ...x..x...xx..x. S x.x.x.x.x.x.x.x.",
    ),
    "doubled": (
        "k xxxxxxxxxxxxxxxx s ........X....... Z x.x.x.x.x.x.x.x.",
        "k x.x.x.x.x.x.x.x. s ....X.......X... Z x...x...x...x...",
        "k x.x.x.x.x.x.x.x. s ........X....... N x...x...x...x...",
        "k xxxxxxxxxxxxxxxx s ....X.......X... R x.x.x.x.x.x.x.x.",
        "k x.xxx.xxx.xxx.xx s ..X...X...X...X. Z x...x...x...x...",
        "k xx.xx.xx.xx.xx.x s ........X....... Z x...x...x...x...",
        "k x...x.x.x...x.x. s ..X...X...X...X. R x.x.x.x.x.x.x.x.",
    ),
    "washed": (
        "k x...x.x.x...x.x. s ....X.......X... Z x.x.x.x.x.x.x.x.",
        "k x.xxx.xxx.xxx.xx s ....X.......X... Z x...x...x...x... R x.x.x.x.x.x.x.x.",
        "k xxxxxxxxxxxxxxxx s ..X...X...X...X. Z x.x.x.x.x.x.x.x.",
        "k x..x..x.x..x..x. s ....X.......X..o N x...x...x...x...",
        "k xx..xx..xx..xx.. s ........X....... Z x...x...x...x...",
    ),
    "dnb": (
        "k x.........x..... s ....X.......X... h x.x.x.x.x.x.x.x.",
        "k x.........x..... s ....X..o.o..X... R x.x.x.x.x.x.x.x.",
        "k x..x......x..... s ....X..o.o..X.o. h xxxxxxxxxxxxxxxx",
        "k x.x.......xx.... s ....X..o.o..X..o h x.x.x.x.x.x.x.x.",
        "k x.....x...x..... s ....X.......X..? h ..x...x...x...x.",
        "k x.........x.....x.....x...x..... s ....X..o.o..X.......X..o.o....X. R x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.",
    ),
    "jungle": (
        "k x.........x.....x.....x......... s ....X.......X.......X.......X... h x.x.x.x.x.x.x.x.",
        "k x.........x.....x.....x...x..... s ....X..o.o..X..o....X..o.o..X... h xxxxxxxxxxxxxxxx",
        "k X.........X..... s ....x.......x...",
        "k X.....x...X..... s ....x..x.x..x..x R x...x...x...x...",
        "k x.........x.....x.........x.x... s ....X.......X.......X.......X..X h x...x...x...x...",
        "k x..x..x...x..... s ....X..o.oo.X..o S x.x.x.x.x.x.x.x.",
    ),
    "canter": (
        "l x.xxx.xxx.xxx.xx k x.......x.......",
        "s x.xxx.xxx.xxx.xx k x...x...x...x...",
        "t x.xxx.xxx.xxx.xx 4 x.......x.......",
        "r xxx.xxx.xxx.xxx. s ....X.......X... k x.......x.......",
    ),
    "train8": (
        "k x...x...x...x... s o.o.X.o.o.o.X.o.",
        "k x.......x....... s ..o.x.o...o.x.o. p ....x.......x...",
        "k x.......x....... s ....x.......x... h x.x.x.x.x.x.x.x.",
        "k x.......x....... s ....X.....x.X.x. t ....x.......x...",
        "k x.x.....x.x..... s ....x.......x... R x...x...x...x...",
    ),
    "dub": (
        "k ........X....... r ........x....... h ..x...x...x...xx",
        "k x.......x..x.... s ....x..o....x... h ..xx..xx..xx..xx",
        "k x...x...x...x... r ........x..x.... h ..x...x...x...x. t .......x.......x",
        "k x.....x.....x... c ....x.......x... S ..x...x...x...x.",
        "k x..x..........x. s ........x....... h x.x.x.x.x.x.x.x. 4 ..............x.",
    ),
    "breaks": (
        "k x.x.......xx.... s ....X..o.o..X..o h x.x.x.x.x.x.x.x.",
        "k x.x.......x......x.x......x..... s ....X..o.o....X.....X..o.o....X. h x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.",
        "k x..x..x...x..x.. s ....X..o....X..o o ......x.......x. h x.x.x...x.x.x...",
    ),
    "punk": (
        "k x...x...x...x... s ..X...X...X...X. h x.x.x.x.x.x.x.x.",
        "k x.....x.x.....x. s ....X.......X... R x.x.x.x.x.x.x.x.",
        "k x...x.x.x...x.x. s ..x...x...x...x. Z x...x...x...x...",
    ),
    "d-beat": (
        "k x..xx.x.x..xx.x. s ..X...X...X...X. Z x...x...x...x...",
        "k x.x.x.x.x.x.x.x. s ..X...X...X...X. R x...x...x...x...",
    ),
    "metal": (
        "k xxxxxxxxxxxxxxxx s ....X.......X... Z x...x...x...x...",
        "k x.xxx.xxx.xxx.xx s ....X.......X... h x...x...x...x...",
        "k xx.xx.xx.xx.xx.x s ....X.......X... N x...x...x...x...",
        "k x..xx...x..xx... s ....X.......X... R x.x.x.x.x.x.x.x.",
        "k x.xx..x.x.xx..x. s ....X.......X... Z x...x...x...x...",
        "k xxxx....xxxx..xx s ........X....... N x...x...x...x...",
        "k xxxxxxxxxxxxxxxx s ........X....... Z x...x...x...x...",
        "k x.x.xx..x.x.x.xx s ....X.......X... o x...x...x...x...",
    ),
    "blast": (
        "k x.x.x.x.x.x.x.x. s .x.x.x.x.x.x.x.x h x.x.x.x.x.x.x.x.",
        "k xxxxxxxxxxxxxxxx s x.x.x.x.x.x.x.x. R x.x.x.x.x.x.x.x.",
        "k x.x.x.x.x.x.x.x. s x.x.x.x.x.x.x.x. Z x.x.x.x.x.x.x.x.",
    ),
    "reggae": (
        "k ........x....... r ........x....... h x.x.x.x.x.x.x.x.",
        "k ........X....... s ........x....... h ..x...x...x...x.",
        "k x...x...x...x... r ........x....... h x.x.x.x.x.x.x.x.",
        "k x.......x....... s ....x.......x... h ..x...x...x...x.",
    ),
    "ska": (
        "k x.......x....... s ....x.......x... h ..x...x...x...x.",
        "k x...x...x...x... s ....x.......x... h ..x...x...x...x.",
    ),
    "bossa": (
        "k x..xx..xx..xx..x r x..x..x...x..x.. h x.x.x.x.x.x.x.x.",
        "k x..xx..xx..xx..x r x..x..x...x..x...x.x..x..x..x... S xoxoxoxoxoxoxoxo",
    ),
    "samba": (
        "k o..xX..xo..xX..x t xoxxxoxxxoxxxoxx r x.x..x.x.x.x..x. g ..xx..x...xx..x.",
        "k ....X.......X... S xxxxxxxxxxxxxxxx l x..x..x...x..x.. 4 ....X.......X...",
    ),
    "salsa": (
        "l x.....x.....x.......x...x....... w x...x...x...x.x.x...x...x...x.x. "
        "G ....x.xx....x.xx....x.xx....x.xx k ......x.......x.......x.......x.",
        "l ....x...x.......x.....x.....x... w x...x...x...x... b x.o.x.x.x.o.x.x. G ......xx......xx",
        "S xoxoxoxoxoxoxoxo G ....x.xx....x.xx w x...x...x...x... b x...o...x...o.x.",
    ),
    "cumbia": (
        "k x.......x....... a x.xxx.xxx.xxx.xx w x...x...x...x... s ......x.......x.",
        "k x...x...x...x... s ...x..x....x..x. h x.x.x.x.x.x.x.x.",
    ),
    "afro": (
        "l x..x..x...x.x... g ..x...xx..x...xx S x.xxx.xxx.xxx.xx k x.....x.x.....x.",
        "w x.x.xx.x.x.xx.x. b x..x..x.x..x..x. k x.......x.......",
    ),
    "march": (
        "k x.......x....... s ....x.x.....x.x. C ................",
        "k x...x...x...x... s x.xxx.x.x.xxx.x. C x.......x.......",
        "k x.......x....... s ..x.x.x.x.x.xxxx",
    ),
    "polka": (
        "k x.......x....... s ....x.......x...",
        "k x.......x....... h ....x.......x... s ....o.......o...",
        "k x.......x....... s ....x.......x... R x...x...x...x...",
    ),
    "train": (
        "s oxoxXxoxoxoxXxox k x...x...x...x...",
        "s o.oxX.oxo.oxX.ox k x.......x....... p ....x.......x...",
    ),
    "country": (
        "k x.......x....... r ....x.......x... h x.x.x.x.x.x.x.x.",
        "k x.....x.x....... s ....x.......x... h x...x...x...x...",
    ),
    "tribal": (
        "4 x..x..x.x..x..x. 3 ....x.......x.xx k x.......x.......",
        "4 x.xxx.xxx.xxx.xx 2 ....X.......X... k x...x...x...x...",
        "4 X..o..X.X..o..X. 2 ......x.......xx t ....x.......x...",
    ),
    "chip": (
        "k x.......x....... s ....x.......x... h x.x.x.x.x.x.x.x.",
        "k x..x..x.x..x..x. s ....x.......x.xx h ..x...x...x...x.",
        "k x...x...x...x... h ..xx..xx..xx..xx s ....x.......x...",
    ),
    "hatsonly": (
        "h x.x.x.x.x.x.x.x.",
        "h ..x...x...x...x.",
        "S xoxoxoxoxoxoxoxo",
        "r x.....x...x.....",
        "p ....x.......x...",
        "t ....x.......x...",
        "c ....x.......x...",
    ),
    "kickonly": ("k x...x...x...x...", "k x.......x.......", "k x.......x.x....."),
    # Three steps a beat.
    "shuffle": (
        "k x.....x..... s ...x.....x.. h x.xx.xx.xx.x",
        "k x....xx..... s ...X.....X.. R x.xx.xx.xx.x",
        "k x..x..x..x.. s ...x.....x.. h x.xx.xx.xx.x",
        "k x....xx....x s ...X.o...X.o h x..x..x..x..",
        "k x..x..x..x.. s ..o..o..o..o R x.xx.xx.xx.x p ...x.....x..",
    ),
    "jazz": (
        "R x..x.xx..x.x p ...x.....x..",
        "R x..x.xx..x.x p ...x.....x.. k o..o..o..o.. s .....?..?...",
        "R x..x.xx..x.x p ...x.....x.. s ..?..o...?.. k .....?......",
        "h x..x.xx..x.x s ..o...?...o.",
        "R x..x..x..x.x p ...x.....x.. r .........x..",
    ),
    "twelve": (
        "k x.....x..... s ...x.....x.. h xxxxxxxxxxxx",
        "k x....xx....x s ...X.....X.. R xxxxxxxxxxxx",
        "k x.....x.x... s ...x.....x.o h x.xx.xx.xx.x",
        "k x........... r ...x.....x.. S xooxooxooxoo",
    ),
    "gospel": (
        "k x..x..x..x.. s ..xx....xx.x t ...x.....x.. h x.xx.xx.xx.x",
        "k x....x...... s ...X.....X.. t x.xx.xx.xx.x",
    ),
    "jig": ("k x.....x..... s ...x.....x..", "b x.xx.xx.xx.x", "k x..x..x..x.. t ..x..x..x..x", "4 x..x.xx..x.x"),
    "triplethard": (
        "k x.xx.xx.xx.x s ...X.....X.. Z x..x..x..x..",
        "k x....x..x... s ...x.....x.o h .x..x..x..x.",
        "k xxxxxxxxxxxx s ...X.....X.. R x..x..x..x..",
    ),
}
TRIPLET = {"shuffle", "jazz", "twelve", "gospel", "jig", "triplethard"}
#: Families whose snare falls on two and four.
BACKBEATS = {"backbeat", "hard", "ballad", "hiphop", "funk", "shuffle", "twelve", "disco", "chip", "country", "washed"}
Pattern = dict[str, str]


def parse(text: str) -> Pattern:
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


def fitted(pattern: Mapping[str, str], beats: int, sub: int) -> Pattern:
    """The pattern cut or continued to bars of another number of beats (waltz: kick on one, the rest between)."""
    want = beats * sub
    out = {}
    for voice, line in pattern.items():
        if len(line) > want and len(line) % want:
            line = line[:want]
        elif len(line) < want:
            line = line + (line * 2)[len(line) - (want - len(line)) :][: want - len(line)]
        out[voice] = line
    return out


def waltz(rng: Random, sub: int) -> Pattern:
    """Drums for three beats."""
    one, two = "x" + "." * (sub - 1), "." * sub
    kinds = [
        {"k": one + two + two, "s": two + one + one},
        {"k": one + two + two, "s": two + two + one, "h": one * 3},
        {"k": one + two + two, "R": one * 3, "p": two + one + one},
        {"k": one + two + two, "r": two + one + one},
        {"k": one + two + two, "s": two + one + two, "h": ("x" * sub) * 3 if sub == 3 else "x.x." * 3},
    ]
    return dict(kinds[int(rng.integers(len(kinds)))])


def odd(rng: Random, beats: int, sub: int) -> Pattern:
    """Drums for five or seven beats: groups of two and three."""
    groups = {5: ([3, 2], [2, 3]), 7: ([2, 2, 3], [3, 2, 2], [4, 3])}.get(beats, ([beats],))
    chosen = groups[int(rng.integers(len(groups)))]
    kick, snare = ["."] * (beats * sub), ["."] * (beats * sub)
    at = 0
    for group in chosen:
        kick[at * sub] = "x"
        if group > 1:
            snare[(at + group - 1 if group < 4 else at + 1) * sub] = "x"
        at += group
    if rng.random() < 0.5:
        kick[int(rng.integers(1, beats * sub))] = "?"
    hat = ("x" + "." * (sub // 2 - 1) + "x" + "." * (sub - sub // 2 - 1)) * beats if sub == 4 else "x.x" * beats
    return {"k": "".join(kick), "s": "".join(snare), str(rng.choice(["h", "R"])): hat}


def choose(rng: Random, family: str, beats: int, sub: int) -> Pattern:
    """A pattern of a family, varied, for a bar of `beats` beats with `sub` steps each."""
    if beats == 3:
        pattern = waltz(rng, sub)
    elif beats in (5, 7):
        pattern = odd(rng, beats, sub)
    else:
        texts = PATTERNS[family]
        pattern = fitted(parse(texts[int(rng.integers(len(texts)))]), beats, sub)
    return varied(rng, pattern)


def spread(strokes: int, steps: int, turn: int) -> str:
    """Strokes as even as they go over the steps, turned (Toussaint 2005)."""
    return "".join("x" if ((i + turn) * strokes) % steps < strokes else "." for i in range(steps))


def groove(rng: Random, beats: int, sub: int) -> Pattern:
    """A drummer's own backbeat: kicks at random with the first beat, snares on two and four, some cymbal."""
    steps = beats * sub
    bars = int(rng.choice([1, 2]))
    busy, late = float(rng.uniform(0.05, 0.4)), float(rng.uniform(0.0, 0.35))
    kick, snare = ["."] * (steps * bars), ["."] * (steps * bars)
    half = rng.random() < 0.15 and beats == 4
    for i in range(steps * bars):
        beat, place = divmod(i % steps, sub)
        chance = 0.93 if i % steps == 0 else busy * (1.0 if place == 0 else 0.9 if place * 2 == sub else 0.5)
        kick[i] = "x" if rng.random() < chance else "."
        back = (beat == 2 and beats == 4) if half else beat % 2 == 1
        if back and place == 0:
            snare[i] = "X"
            kick[i] = "." if rng.random() < 0.85 else kick[i]
        elif rng.random() < 0.3 * late:
            snare[i] = "o"
    out = {"k": "".join(kick), "s": "".join(snare)}
    cymbal = rng.random()
    if cymbal < 0.75:
        voice = str(rng.choice(list("hhhRoSZt")))
        unit = {4: ("x.x.", "x...", "xxxx", "..x.", "x.xx"), 3: ("x.x", "xxx", "x..", "..x")}[sub]
        out[voice] = unit[int(rng.integers(len(unit)))] * beats
    return out


def harder(rng: Random, pattern: Pattern, beats: int, sub: int) -> Pattern:
    """The pattern made harder to follow: no hats, percussion in threes and fives, a snare that is not there."""
    out = dict(pattern)
    steps = beats * sub
    for voice in [v for v in out if v in "hRoSZ"]:
        if rng.random() < 0.4:
            del out[voice]
    if rng.random() < 0.5:
        voice = str(rng.choice(list("wlgtSbr2")))
        out[voice] = spread(int(rng.choice([3, 5, 6, 7])), steps, int(rng.integers(steps)))
    if rng.random() < 0.2 and "s" in out:
        del out["s"]
    if rng.random() < 0.15 and "k" in out and len(out) > 1:
        del out["k"]
    return out or dict(pattern)


def varied(rng: Random, pattern: Pattern) -> Pattern:
    """A band's own version: another cymbal, a voice less, some strokes more or less."""
    out = dict(pattern)
    if "h" in out and rng.random() < 0.25:
        out[str(rng.choice(["R", "o", "S", "t", "Z", "p"]))] = out.pop("h")
    if len(out) > 2 and rng.random() < 0.12:
        del out[list(out)[int(rng.integers(len(out)))]]
    for voice in list(out):
        if voice in "ks1234gGb" and rng.random() < 0.35:
            line = list(out[voice])
            i = int(rng.integers(len(line)))
            line[i] = "?" if line[i] in ".?" and voice != "s" else ("o" if line[i] == "." else line[i])
            out[voice] = "".join(line)
    return out


def play(
    rng: Random,
    track: Track,
    pattern: Mapping[str, str],
    first_bar: int,
    start: float,
    beats: int,
    sub: int,
    level: float,
) -> None:
    """One bar of the pattern from beat `start`; `first_bar` counts bars, so that two-bar patterns alternate."""
    steps = beats * sub
    for voice, line in pattern.items():
        if not line:
            continue
        offset = (first_bar * steps) % len(line) if len(line) > steps else 0
        for i in range(steps):
            mark = line[(offset + i) % len(line)]
            if mark == "." or (mark == "?" and rng.random() < 0.5):
                continue
            accent = LEVEL[mark]
            if voice in "hRSot" and i % sub:
                accent *= 0.78
            track.add(start + i / sub, 0.2, KEYS[voice], level * accent * (1 + 0.1 * rng.normal()))


def fill(rng: Random, track: Track, start: float, beats: float, sub: int, level: float) -> None:
    """A fill of `beats` beats up to the next bar."""
    kind = rng.random()
    steps = round(beats * sub)
    toms = [38, 50, 48, 45, 41]
    if kind < 0.25:  # a roll
        for i in range(steps):
            track.add(start + i / sub, 0.2, 38, level * (0.4 + 0.6 * i / max(1, steps)))
    elif kind < 0.8:  # down the toms with holes
        for i in range(steps):
            if rng.random() < 0.75:
                drum = toms[min(4, int(5 * i / max(1, steps)))]
                track.add(start + i / sub, 0.2, drum, level * rng.uniform(0.6, 1.0))
    else:  # accents with kick
        for i in np.flatnonzero(rng.random(steps) < 0.4):
            track.add(start + i / sub, 0.2, int(rng.choice([38, 49, 45])), level)
            track.add(start + i / sub, 0.2, 36, level)
