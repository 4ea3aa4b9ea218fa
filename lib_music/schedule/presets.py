"""Presets as data: how each kind of music moves.

Conventions: strengths are written for 7.5 diffusions a second (see :mod:`lib_music.schedule.cadence`); rates are
apparent speeds per second; a nod's release is in beats. A section's role decides which beats are declared and how
fast it moves: the median flow of a drop is at least twice the verse's, of a break at most half. At most two axes move
in a section.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lib_music.analysis.types import ROLES, Role
from lib_music.errors import RangeError
from lib_music.schedule.routes import Route
from lib_music.schedule.score import HitRule


@dataclass(frozen=True)
class Preset:
    """A way of moving. ``hits`` says which beats each role declares; ``routes`` what answers to what."""

    name: str
    title: str
    hits: Mapping[Role, HitRule]
    routes: tuple[Route, ...]
    cadence: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "hits", MappingProxyType(dict(self.hits)))


def _only(*roles: Role) -> frozenset[Role]:
    return frozenset(roles)


#: A turn swings this many degrees to either side of upright: faces and letters stay readable.
MAX_TILT = 25.0


def _swing(role: Role, turn: float) -> Route:
    """A turn of ``turn`` degrees per second that comes back phrase by phrase."""
    return Route("steady", "angle", turn, turn, sections=_only(role), flip="phrase", reach=MAX_TILT)


def _drift(speeds: Mapping[Role, tuple[float, float]]) -> tuple[Route, ...]:
    """Steady zoom (factor per second) and turn (degrees per second) of each role."""
    routes: list[Route] = []
    for role, (zoom, turn) in speeds.items():
        routes += [Route("steady", "zoom", zoom, zoom, sections=_only(role)), _swing(role, turn)]
    return tuple(routes)


def _breath(speeds: Mapping[Role, tuple[float, float]]) -> tuple[Route, ...]:
    """Zoom that follows loudness up to a factor per second, and a slow turn in degrees per second.

    At rest a fifth of its speed remains: what roles have in proportion to each other they keep at any loudness.
    """
    routes: list[Route] = []
    for role, (zoom, turn) in speeds.items():
        routes += [Route("loudness", "zoom", zoom**0.2, zoom, sections=_only(role)), _swing(role, turn)]
    return tuple(routes)


def _nods(zoom: Mapping[Role, float], release: float = 0.25) -> tuple[Route, ...]:
    return tuple(
        Route("hits", "zoom", 1.0, by, release=release, unit="beats", shape="nod", sections=_only(role))
        for role, by in zoom.items()
    )


def _levels(rest: Mapping[Role, float], kick: float, downbeat: float) -> tuple[Route, ...]:
    """Strength: rest by role, dips at declared hits, deeper at downbeats, deepest at borders and drops."""
    every = frozenset(ROLES)
    steady = tuple(
        Route("steady", "strength_schedule", s, s, shape="level", sections=_only(role)) for role, s in rest.items()
    )
    dips = (
        Route("hits", "strength_schedule", 0.0, kick, release=0.5, unit="beats", shape="level", sections=every),
        Route("accents", "strength_schedule", 0.0, downbeat, release=0.5, unit="beats", shape="level"),
        Route("stills", "strength_schedule", 0.0, 0.85, shape="level"),
        Route("borders", "strength_schedule", 0.0, 0.30, release=0.3, shape="level"),
        Route("drops", "strength_schedule", 0.0, 0.15, release=0.2, shape="level"),
    )
    return steady + dips


def _drop() -> tuple[Route, ...]:
    """Zoom and cfg rise for four bars, stillness on the last beat, then two fast bars."""
    # A break stays calm for longer: there zoom rises in its last bar.
    calm = _only("break")
    return (
        Route("leads", "zoom", 1.0, 1.06, attack=15.0, unit="beats", sections=frozenset(ROLES) - calm),
        Route("leads", "zoom", 1.0, 1.06, attack=3.0, unit="beats", sections=calm),
        Route("leads", "cfg_scale_schedule", 0.0, 7.0, attack=15.0, release=0.5, unit="beats", shape="level"),
        Route("stills", "motion", 1.0, 0.1, release=0.02, shape="level"),
        Route("stills", "contrast_schedule", 1.0, 0.98, release=0.05, shape="level"),
        Route("surges", "zoom", 1.0, 1.28, release=0.5),
    )


def _base(cfg: float = 6.0, noise: float = 0.04, noise_hit: float = 0.08) -> tuple[Route, ...]:
    return (
        Route("steady", "cfg_scale_schedule", cfg, cfg, shape="level"),
        Route("steady", "noise_schedule", noise, noise, shape="level"),
        Route("hits", "noise_schedule", noise, noise_hit, release=0.5, unit="beats", shape="level"),
        Route("steady", "contrast_schedule", 1.0, 1.0, shape="level"),
    )


FOUR_ON_THE_FLOOR = Preset(
    name="four-on-the-floor",
    title="House, techno, trance, pop with a straight kick",
    hits={
        "intro": "downbeats",
        "verse": "downbeats",
        "build": "half bars",
        "chorus": "beats",
        "drop": "beats",
        "break": "downbeats",
        "outro": "downbeats",
    },
    routes=(
        *_drift(
            {
                "intro": (1.02, 1.5),
                "verse": (1.04, 3.0),
                "build": (1.07, 5.0),
                "chorus": (1.10, 9.0),
                "drop": (1.15, 12.0),
                "break": (1.008, 0.8),
                "outro": (1.02, 1.5),
            }
        ),
        *_nods(
            {"intro": 1.035, "verse": 1.04, "build": 1.04, "chorus": 1.05, "drop": 1.06, "break": 1.03, "outro": 1.035}
        ),
        Route("hits", "angle", 0.0, 1.2, release=0.25, shape="nod", sections=_only("drop"), flip="event"),
        *_levels(
            {"intro": 0.75, "verse": 0.70, "build": 0.68, "chorus": 0.63, "drop": 0.62, "break": 0.80, "outro": 0.76},
            kick=0.54,
            downbeat=0.46,
        ),
        *_base(),
        *_drop(),
    ),
)

HIP_HOP = Preset(
    name="hip-hop",
    title="Hip-hop, R&B, funk, anything that leans on 2 and 4",
    hits={
        "intro": "downbeats",
        "verse": "backbeats",
        "build": "backbeats",
        "chorus": "beats",
        "drop": "beats",
        "break": "downbeats",
        "outro": "downbeats",
    },
    routes=(
        *_drift(
            {
                "intro": (1.015, 1.0),
                "verse": (1.03, 2.5),
                "build": (1.05, 3.0),
                "chorus": (1.08, 8.0),
                "drop": (1.12, 10.0),
                "break": (1.006, 0.8),
                "outro": (1.015, 1.0),
            }
        ),
        *_nods(
            {"intro": 1.04, "verse": 1.05, "build": 1.05, "chorus": 1.055, "drop": 1.065, "break": 1.03, "outro": 1.04},
            release=0.3,
        ),
        Route("hits", "angle", 0.0, 1.0, release=0.2, shape="nod", sections=_only("chorus", "drop"), flip="event"),
        *_levels(
            {"intro": 0.76, "verse": 0.72, "build": 0.70, "chorus": 0.64, "drop": 0.63, "break": 0.80, "outro": 0.78},
            kick=0.56,
            downbeat=0.48,
        ),
        *_base(),
        *_drop(),
    ),
)

AMBIENT = Preset(
    name="ambient",
    title="Ambient, piano, strings, songs without drums: motion breathes with loudness",
    hits={"chorus": "downbeats", "drop": "downbeats", "build": "every other bar"},
    routes=(
        *_breath(
            {
                "intro": (1.03, 0.8),
                "verse": (1.05, 1.5),
                "build": (1.07, 2.0),
                "chorus": (1.09, 3.0),
                "drop": (1.14, 4.0),
                "break": (1.012, 0.5),
                "outro": (1.03, 0.8),
            }
        ),
        *_nods(dict.fromkeys(ROLES, 1.03), release=0.6),
        *_levels(
            {"intro": 0.78, "verse": 0.76, "build": 0.74, "chorus": 0.72, "drop": 0.70, "break": 0.82, "outro": 0.80},
            kick=0.62,
            downbeat=0.58,
        ),
        *_base(cfg=5.5, noise=0.035, noise_hit=0.05),
        *_drop(),
    ),
)

PRESETS: Mapping[str, Preset] = MappingProxyType({p.name: p for p in (FOUR_ON_THE_FLOOR, HIP_HOP, AMBIENT)})


def get_preset(name: str) -> Preset:
    """A preset by name; raises RangeError with the names there are."""
    try:
        return PRESETS[name.strip().lower()]
    except KeyError:
        raise RangeError(f"no preset named {name!r}", f"choose one of: {', '.join(PRESETS)}, or auto") from None
