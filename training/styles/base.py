"""What a style is: the choices that its pieces draw from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """A style of music.

    Parameters
    ----------
    tempo:
        Lowest and highest tempo of the notated beat, in beats a minute.
    metres:
        (beats in a bar, parts of a beat, weight): parts are 2 or 4 in duple and 3 in triple subdivision.
    swing:
        Range of where the second eighth (or sixteenth, `swing_unit` 0.5) falls.
    drums, breakdown:
        Families of drum patterns of full and of quiet sections; "" is none.
    drumless:
        Share of pieces with no drums at all.
    comp, bass:
        Names of accompaniments and bass lines; "" in `bass` is none.
    layers:
        Fewest and most accompanying tracks.
    guitars:
        Patterns of distorted guitars; none where empty.
    density, syncopation:
        Ranges of the melodies' notes (0-1) and their off-beats (0-1).
    own:
        Share of pieces played by our own synths (else the soundfont, or both mixed).
    buried:
        Share of pieces whose drums are far behind a wall of the others.
    feels:
        Share of sections whose drums change their feel half-way (double or half time, another cymbal).
    form:
        "song", "dance", "short" (phrases of 4 to 8 bars) or "blues".
    """

    name: str
    weight: float
    tempo: tuple[float, float]
    drums: tuple[str, ...] = ("backbeat",)
    breakdown: tuple[str, ...] = ("", "hatsonly", "kickonly")
    drumless: float = 0.0
    metres: tuple[tuple[int, int, float], ...] = ((4, 4, 1.0),)
    swing: tuple[float, float] = (0.5, 0.5)
    swing_unit: float = 1.0
    comp: tuple[str, ...] = ("eighths", "whole")
    bass: tuple[str, ...] = ("eighths",)
    layers: tuple[int, int] = (1, 3)
    guitars: tuple[str, ...] = ()
    harmony: tuple[str, ...] = ("pop",)
    density: tuple[float, float] = (0.3, 0.7)
    syncopation: tuple[float, float] = (0.1, 0.7)
    leads: tuple[str, ...] = ("lead",)
    comps: tuple[str, ...] = ("piano", "clean")
    pads: tuple[str, ...] = ("strings", "pad")
    basses: tuple[str, ...] = ("bass",)
    kits: tuple[str, ...] = ("acoustic", "rock")
    timing: tuple[tuple[str, float], ...] = (("steady", 0.5), ("drift", 0.35), ("events", 0.1), ("ramp", 0.05))
    own: float = 0.35
    form: str = "song"
    jitter: tuple[float, float] = (0.0, 0.012)
    sidechain: float = 0.0
    loud: tuple[float, float] = (0.6, 3.0)
    ornament: float = 0.0
    buried: float = 0.2
    feels: float = 0.2
