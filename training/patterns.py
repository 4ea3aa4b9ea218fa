"""Accompaniment and bass: what a player does with the chord of the moment.

A pattern is a list of events of one bar: (position in beats, length, what, velocity). `what` says which tones:
"c" the voicing, "b" the bass tone, "5" its fifth, "t" the voicing's upper tones, a digit the tone of that number
counted from below (beyond the voicing: an octave up), "p" a power chord, "m" a muted power chord.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.score import Random

Event = tuple[float, float, str, float]
#: Patterns of a kind: chance, a name, the beats of the bar and their parts make a bar; None where none is so named.
Kind = Callable[[Random, str, int, int], "list[Event] | None"]


def _each(positions: list[float], length: float, what: str, velocity: float = 0.7) -> list[Event]:
    return [(p, length, what, velocity) for p in positions]


def _beats(n: int) -> list[float]:
    return [float(i) for i in range(n)]


def _half(sub: int) -> float:
    """Where the second half of a beat begins: swung where beats part in three."""
    return 0.5 if sub != 3 else 2 / 3


def _grid(sub: int) -> int:
    """The finest steps of a beat."""
    return 3 if sub == 3 else 4


def _of(kinds: tuple[Kind, ...], rng: Random, name: str, n: int, sub: int) -> list[Event] | None:
    """The pattern of that name, of whichever kind it is; None where it is of none."""
    return next((bar for kind in kinds if (bar := kind(rng, name, n, sub)) is not None), None)


def comp(rng: Random, name: str, n: int, sub: int) -> list[Event]:
    """One bar of accompaniment for `n` beats; `sub` 3 where beats part in three."""
    bar = _of((_steady, _danced, _broken, _improvised, _machine, _guitar), rng, name, n, sub)
    if bar is None:
        raise ValueError(f"No accompaniment is called {name!r}")
    return bar


def _steady(rng: Random, name: str, n: int, sub: int) -> list[Event] | None:
    """Even strokes all through the bar."""
    beats = _beats(n)
    half = _half(sub)
    if name == "whole":
        return [(0.0, float(n), "c", 0.65)]
    if name == "half":
        step = 2 if n % 2 == 0 else n
        return _each([float(i) for i in range(0, n, step)], step * 0.97, "c", 0.65)
    if name == "quarters":
        return _each(beats, float(rng.choice([0.4, 0.9])), "c", 0.65)
    if name == "eighths":
        return [
            (b + o, 0.4 if sub != 3 else 0.3, "c", 0.75 if o == 0 else 0.55)
            for b in beats
            for o in ((0.0, 0.5) if sub != 3 else (0.0, 1 / 3, 2 / 3))
        ]
    if name == "offbeats":
        return _each([b + half for b in beats], 0.25, "c", 0.75)
    if name == "freddie":
        return [(b, 0.5, "c", 0.5 if int(b) % 2 == 0 else 0.65) for b in beats]
    if name == "tremolo":
        rate = 6 if sub == 3 else 4
        return [(i / rate, 1 / rate, "c", 0.6) for i in range(rate * n)]
    if name == "dotted":  # every three sixteenths, until the bar is over
        return _each([0.75 * i for i in range(int(np.ceil(n / 0.75)))], 0.4, "c", 0.75)
    return None


def _danced(rng: Random, name: str, n: int, sub: int) -> list[Event] | None:
    """The steps of a dance: which stroke falls where is what it is known by."""
    beats = _beats(n)
    half = _half(sub)
    if name == "skank":
        return _each([b for b in beats if int(b) % 2], 0.25, "c", 0.8)
    if name == "doubleskank":
        return _each([b + o for b in beats if int(b) % 2 for o in (0.0, 0.25)], 0.2, "c", 0.7)
    if name == "oompah":
        return [(b, 0.45, ("b" if b % 4 == 0 else "5") if int(b) % 2 == 0 else "t", 0.75) for b in beats]
    if name == "oompah8":
        return [e for b in beats for e in ((b, 0.4, "b" if int(b) % 2 == 0 else "5", 0.8), (b + half, 0.25, "t", 0.65))]
    if name == "waltz":
        return [(b, 0.8 if b == 0 else 0.4, "b" if b == 0 else "t", 0.8 if b == 0 else 0.6) for b in beats]
    if name == "charleston":
        return [(0.0, 0.6, "c", 0.7), (1.0 + half, 0.4, "c", 0.65)]
    if name == "tresillo":
        spots = [x for x in np.cumsum([0, 0.75, 0.75, 0.5, 0.75, 0.75, 0.5])[:6] if x < n]
        return _each([float(x) for x in spots], 0.4, "c", 0.75)
    if name == "montuno":
        spots = [0, 0.5, 1.5, 2.5, 3.5] if rng.random() < 0.5 else [0, 1, 1.5, 2.5, 3.5]
        return [e for x in spots for e in ((x, 0.3, "c", 0.7), (x + 0.5, 0.2, "0", 0.45)) if e[0] < n]
    if name == "bossa":
        line = ("x..x..x...x..x..", "..x..x..x..x..x.", "x..x...x..x..x..")[int(rng.integers(3))]
        return _each([i / 4 for i in range(4 * n) if line[i % 16] == "x"], 0.3, "c", 0.6)
    if name == "canter":  # a horse: long, short, short
        inner = (0.0, 0.5, 0.75) if rng.random() < 0.5 else (0.0, 0.25, 0.5)
        return [(b + o, 0.22, "c", 0.75 if o == 0 else 0.55) for b in beats for o in inner]
    return None


def _broken(rng: Random, name: str, n: int, sub: int) -> list[Event] | None:
    """The chord taken apart, tone by tone."""
    if name == "alberti":
        order = ("0212", "0121", "0201")[int(rng.integers(3))]
        rate = 2 if rng.random() < 0.7 else 4
        if sub == 3:
            return [(i / 3, 0.33, "012"[i % 3], 0.6) for i in range(3 * n)]
        return [(i / rate, 1 / rate, order[i % 4], 0.72 if i % rate == 0 else 0.55) for i in range(rate * n)]
    if name == "arp":
        rate = 3 if sub == 3 else int(rng.choice([2, 2, 4]))
        shape = ("0123", "01232", "3210", "0213", "024135", "010203", "012")[int(rng.integers(7))]
        long = rng.random() < 0.4
        return [
            (i / rate, 1.0 if long else 0.9 / rate, shape[i % len(shape)], 0.65 + 0.1 * (i % rate == 0))
            for i in range(rate * n)
        ]
    if name == "brokenwhole":  # harp-like: the chord rolled, then held
        return [(0.12 * i, n - 0.12 * i, str(i), 0.6) for i in range(4)]
    return None


def _improvised(rng: Random, name: str, n: int, sub: int) -> list[Event] | None:
    """What a player strikes as it comes."""
    beats = _beats(n)
    half = _half(sub)
    if name == "strum":
        pool = ["x.x.x.x.", "x.xx.xx.", "x..xx.xx", "x.x.xxxx", "x..x..x.", "x.xxx.xx", "..x...x.", "x.xx..xx"]
        line = pool[int(rng.integers(len(pool)))]
        if sub == 3:
            return [
                (i / 3, 0.3, "c", 0.75 if i % 3 == 0 else 0.5) for i in range(3 * n) if i % 3 != 1 or rng.random() < 0.4
            ]
        return [(i / 2, 0.45, "c", 0.8 if i % 4 == 0 else 0.6) for i in range(2 * n) if line[i % 8] == "x"]
    if name == "jazzcomp":
        spots = [b + o for b in beats for o in (0.0, half)]
        return _each([s for s in spots if rng.random() < (0.18 if s % 1 == 0 else 0.32)], 0.3, "c", 0.6)
    if name == "sync16":
        grid = _grid(sub)
        return _each([i / grid for i in range(n * grid) if rng.random() < (0.2 if i % grid == 0 else 0.35)], 0.2, "c")
    return None


def _machine(rng: Random, name: str, n: int, sub: int) -> list[Event] | None:
    """What a sequencer is set to."""
    if name == "stabs":
        line = ("x..x..x...x..x..", "...x..x....x..x.", "x.....x...x.....", "..x..x....x..x..", "x..x....x..x....")
        chosen = line[int(rng.integers(len(line)))]
        return _each([i / 4 for i in range(4 * n) if chosen[i % 16] == "x"], 0.22, "c", 0.8)
    if name == "pulse16":
        return [(i / 4, 0.2, "c", 0.75 if i % 4 == 0 else 0.5) for i in range(4 * n)]
    if name == "gate":  # a held chord chopped by a rhythmic gate
        open_steps = rng.random(8) < 0.6
        return [(i / 4, 0.24, "c", 0.7) for i in range(4 * n) if open_steps[i % 8]] or [(0.0, float(n), "c", 0.7)]
    if name == "euclid":  # strokes spread as evenly as they go over sixteen steps (Toussaint 2005)
        strokes, turn = int(rng.choice([3, 5, 6, 7, 9, 10, 11])), int(rng.integers(16))
        steps = [i for i in range(4 * n) if ((i + turn) * strokes) % 16 < strokes]
        return [(i / 4, 0.23, "c" if rng.random() < 0.7 else "0", 0.72) for i in steps]
    return None


def _guitar(rng: Random, name: str, n: int, sub: int) -> list[Event] | None:
    """Rhythm guitar of hard rock and metal: held, chugged, galloped, picked fast, or a riff."""
    beats = _beats(n)
    grid = _grid(sub)
    if name == "power":
        return (
            [(0.0, n * 0.98, "p", 0.85)] if rng.random() < 0.5 else [(0.0, n / 2, "p", 0.85), (n / 2, n / 2, "p", 0.8)]
        )
    if name == "chug8":
        rate = 3 if sub == 3 else 2
        return [(i / rate, 0.9 / rate, "m" if i % (2 * rate) else "p", 0.8) for i in range(rate * n)]
    if name == "chug16":
        return [(i / grid, 0.8 / grid, "m", 0.85 if i % grid == 0 else 0.7) for i in range(grid * n)]
    if name == "gallop":
        if rng.random() < 0.5:
            return [(b + o, 0.22, "m", 0.8) for b in beats for o in (0.0, 0.5, 0.75)]
        return [(b + o, 0.22, "m", 0.8) for b in beats for o in (0.0, 0.25, 0.5)]
    if name == "drive8":
        return [(i / 2, 0.47, "p", 0.8 if i % 2 == 0 else 0.72) for i in range(2 * n)]
    if name == "tremolopick":
        return [(i / 4, 0.24, "0", 0.8) for i in range(4 * n)]
    if name == "pushed":  # chords that come an eighth early
        return (
            [(0.0, 1.4, "p", 0.85), (1.5, n - 2.0, "p", 0.85), (n - 0.5, 0.45, "p", 0.8)]
            if n > 2
            else [(0.0, n, "p", 0.8)]
        )
    if name == "riff":
        out: list[Event] = []
        spots = np.flatnonzero(rng.random(grid * n) < 0.62)
        for i in spots:
            accent = rng.random() < 0.3
            out.append((i / grid, (0.9 if not accent else 1.6) / grid, "p" if accent else "m", 0.9 if accent else 0.75))
        return out or [(0.0, float(n), "p", 0.8)]
    return None


def bass(rng: Random, name: str, n: int, sub: int) -> list[Event]:
    """One bar of bass: "b" root, "5" fifth, "8" octave, "3" third, "-" a step below the next root, "w" walking."""
    bar = _of((_steady_bass, _moving_bass, _chosen_bass), rng, name, n, sub)
    if bar is None:
        raise ValueError(f"No bass line is called {name!r}")
    return bar


def _steady_bass(rng: Random, name: str, n: int, sub: int) -> list[Event] | None:
    """The root, or root and octave, all through the bar."""
    beats = _beats(n)
    half = _half(sub)
    if name == "whole":
        return [(0.0, n * 0.97, "b", 0.8)]
    if name == "dotted":
        return [(0.0, 1.4, "b", 0.8), (1.5, 0.45, "b", 0.7), *([(2.0, n - 2.1, "b", 0.75)] if n > 2 else [])]
    if name == "quarters":
        return _each(beats, 0.85, "b", 0.75)
    if name == "waltz":
        return [(0.0, 0.9, "b", 0.8)]
    if name == "eighths":
        rate = 3 if sub == 3 else 2
        return [(i / rate, 0.9 / rate, "b", 0.8 if i % rate == 0 else 0.7) for i in range(rate * n)]
    if name == "octaves":
        return [e for b in beats for e in ((b, 0.45, "b", 0.8), (b + half, 0.4, "8", 0.7))]
    if name == "offbeat":
        return _each([b + half for b in beats], 0.4, "b", 0.85)
    if name == "psy":
        return [(b + o, 0.2, "b", 0.85) for b in beats for o in (0.25, 0.5, 0.75)]
    if name == "rolling":
        return [(i / 4, 0.2, "b", 0.7 + 0.15 * (i % 4 == 2)) for i in range(4 * n)]
    if name == "gallop":
        return [(b + o, 0.22, "b", 0.8) for b in beats for o in (0.0, 0.5, 0.75)]
    return None


def _moving_bass(rng: Random, name: str, n: int, sub: int) -> list[Event] | None:
    """Lines that go from tone to tone."""
    beats = _beats(n)
    if name == "two":
        return [(b, 0.8, "b" if b % 4 == 0 else "5", 0.8) for b in beats if int(b) % 2 == 0]
    if name == "walk":
        return [(b, 0.9, "b" if b == 0 else "w", 0.75) for b in beats[:-1]] + [(n - 1.0, 0.9, "-", 0.75)]
    if name == "boogie":
        tones = "b358653" if n > 3 else "b35"
        return [
            e
            for b in beats
            for e in ((b, 0.6, tones[int(b) % len(tones)], 0.8), (b + 2 / 3, 0.3, tones[int(b) % len(tones)], 0.6))
        ]
    if name == "tumbao":
        return [(1.5, 0.9, "5", 0.8), (3.0, 0.95, "-", 0.8)] if n > 3 else [(1.5, 0.9, "5", 0.8)]
    if name == "bossa":
        return [
            (b + o, 0.45 if o else 1.3, "b" if b % 4 < 2 else "5", 0.75)
            for b in beats
            if int(b) % 2 == 0
            for o in (0.0, 1.5)
        ]
    if name == "tresillo":
        return [(x, 0.5, "b" if x < 1.4 else "5", 0.8) for x in (0.0, 0.75, 1.5, 2.0, 2.75, 3.5) if x < n]
    return None


def _chosen_bass(rng: Random, name: str, n: int, sub: int) -> list[Event] | None:
    """Lines whose tones or strokes are chosen by chance."""
    grid = _grid(sub)
    if name == "half":
        return [(0.0, 1.9, "b", 0.8), *([(2.0, n - 2.1, "5" if rng.random() < 0.6 else "b", 0.75)] if n > 2 else [])]
    if name == "reggae":
        spots = sorted(
            {0.0 if rng.random() < 0.4 else 0.5, 1.0, 1.5, 2.5, 3.0} - ({3.0} if rng.random() < 0.5 else set())
        )
        return [(x, 0.45, str(rng.choice(list("bb53"))), 0.85) for x in spots if x < n]
    if name == "funk":
        spots = [i / grid for i in range(grid * n) if rng.random() < (0.35 if i % grid == 0 else 0.3)]
        return [(0.0, 0.3, "b", 0.9), *[(s, 0.22, str(rng.choice(list("bb8573"))), 0.75) for s in spots if s > 0]]
    if name == "sub808":
        spots = [s for s in (0.0, 0.75, 1.75, 2.5, 3.25, 3.5) if s < n and (s == 0 or rng.random() < 0.4)]
        edges = [*spots[1:], float(n)]
        return [(a, (b - a) * 0.95, "b", 0.9) for a, b in zip(spots, edges, strict=True)]
    if name == "reese":
        return [(0.0, n * 0.6, "b", 0.85), (n * 0.625, n * 0.35, str(rng.choice(["b", "5", "8"])), 0.8)]
    if name == "riff":
        spots = [i / grid for i in range(grid * n) if rng.random() < 0.45]
        return [(s, 0.9 / grid, str(rng.choice(list("bbb853"))), 0.8) for s in spots] or [(0.0, 1.0, "b", 0.8)]
    return None
