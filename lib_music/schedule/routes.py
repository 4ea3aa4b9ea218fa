"""Routes: what is heard, led to a Deforum parameter, with rest, hit, attack and release.

Conventions
-----------
A route has one of three shapes.

``rate``   a speed: ``rest`` and ``hit`` are per second (zoom: a factor per second; angle and rotations:
           degrees per second; translations: picture widths per second, in 3D Deforum's units per second).
           Rates of one parameter add up (zoom: multiply) and are integrated over each frame's interval, so
           that totals do not depend on fps.
``nod``    a displacement that jumps at each event and returns: ``hit`` is how far (zoom: a factor), net zero.
``level``  a value that diffusion samples (strength, cfg, noise, contrast): the steady value is ``rest``, each
           event pulls it to ``hit``. Sampled only at diffused frames: see :mod:`lib_music.schedule.cadence`.

``attack`` and ``release`` count in seconds or in local beats. A hit falls back as the square of what is left of its
release, ``(1 - u) ** 2``: fast at first, at rest when it ends, and of linear speed, which Deforum's linear keys draw
with two keys. Sources are an envelope's name, an event's name of :class:`~lib_music.schedule.score.Score`, or
``steady``. The pseudo-parameter ``motion`` is a level that scales all rates. A rate that flips by ``phrase`` swings
like a pendulum and stays within ``reach`` of where each section began (``reach`` in what the rate adds up to). A route
that is not ``on`` is muted: it is kept and leads nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from lib_music.analysis.types import CURVES, ROLES, Role
from lib_music.schedule.score import Events, Score
from lib_music.schedule.timebase import Timebase

Array = npt.NDArray[np.float64]
Shape = Literal["rate", "nod", "level"]
Event = Literal["hits", "accents", "beats", "downbeats", "borders", "drops", "stills", "surges", "leads"]
EVENTS: tuple[Event, ...] = get_args(Event)
ENVELOPES = CURVES

#: Samples per second on which rates are integrated, whatever the fps.
RATE_GRID = 100


@dataclass(frozen=True)
class Route:
    """One connection from the music to one parameter; see the module for units."""

    source: str
    parameter: str
    rest: float
    hit: float
    attack: float = 0.0
    release: float = 0.0
    unit: Literal["seconds", "beats"] = "seconds"
    shape: Shape = "rate"
    sections: frozenset[Role] = frozenset(ROLES)
    flip: Literal["", "phrase", "event"] = ""
    reach: float = float("inf")
    on: bool = True

    def __post_init__(self) -> None:
        if self.source != "steady" and self.source not in (*EVENTS, *ENVELOPES):
            raise ValueError(f"Route.source {self.source!r} is no event, envelope or 'steady'")
        if self.shape == "nod" and self.source not in EVENTS:
            raise ValueError(f"a nod answers to events, not to {self.source!r}")
        if self.attack < 0 or self.release < 0:
            raise ValueError(f"Route attack {self.attack} and release {self.release} must be >= 0")
        if not self.reach > 0:
            raise ValueError(f"Route.reach must be > 0, got {self.reach}")
        if self.parameter == "zoom" and min(self.rest, self.hit) <= 0:
            raise ValueError(f"zoom is a factor > 0, got {self.rest}, {self.hit}")
        if self.sections - set(ROLES):
            raise ValueError(f"Route.sections {set(self.sections)} has an unknown role")


def _in_domain(parameter: str, value: float) -> float:
    """Zoom is added up as a logarithm, everything else as it is."""
    return float(np.log(value)) if parameter == "zoom" else value


def scaled(route: Route, intensity: float) -> Route:
    """The route with ``intensity`` times its speed or nod; a level stays as it is.

    A zoom's factor is raised to that power. A swing that is faster turns back sooner: its reach stays.
    """
    if route.shape == "level":
        return route
    if route.parameter == "zoom":
        return replace(route, rest=route.rest**intensity, hit=route.hit**intensity)
    return replace(route, rest=route.rest * intensity, hit=route.hit * intensity)


def events_of(score: Score, route: Route) -> Events:
    """The events a route answers to, in its sections only."""
    events: Events = getattr(score, route.source)
    inside = np.array([score.roles[int(s)] in route.sections for s in events.section], bool)
    return events.where(inside)


def _seconds(route: Route, length: float, beat: float) -> float:
    return length * beat if route.unit == "beats" else length


def pulses(score: Score, route: Route, times: Array, step: float) -> Array:
    """Weight in [0, 1] of a route's events at ``times`` (regular, ``step`` s apart): rise, hold, fall.

    An event acts on the sample nearest to it: one that fell between two frames would never be seen whole.
    """
    weight = np.zeros(times.size)
    for exact, exact_until, beat in _rows(events_of(score, route)):
        time, until = (np.floor(t / step + 0.5 + 1e-9) * step for t in (exact, exact_until))
        attack, release = (_seconds(route, x, beat) for x in (route.attack, route.release))
        first = max(0, int(np.ceil((time - attack) / step - 1e-6)))
        last = min(times.size, int(np.ceil((until + release) / step)) + 1)
        at = times[first:last]
        shape = np.ones(at.size)
        rising = at < time - 1e-9
        if attack > 0:
            shape[rising] = 1 - (time - at[rising]) / attack
        falling = at > until + 1e-9
        shape[falling] = _fall(at[falling] - until, release)
        weight[first:last] = np.maximum(weight[first:last], shape)
    return weight


def _fall(since: Array, release: float) -> Array:
    """What is left of a hit ``since`` s after it."""
    return np.maximum(0.0, 1.0 - since / release) ** 2 if release > 0 else np.zeros(since.size)


def _rows(events: Events) -> Iterable[tuple[float, float, float]]:
    return zip(events.times.tolist(), events.until.tolist(), events.beat.tolist(), strict=True)


def _mask(score: Score, route: Route, times: Array) -> npt.NDArray[np.bool_]:
    inside = np.array([role in route.sections for role in score.roles], bool)
    return inside[score.section_at(times)]


def rate_curve(score: Score, route: Route, times: Array) -> Array:
    """A rate route's speed (log per second for zoom) on the integration grid."""
    rest, hit = _in_domain(route.parameter, route.rest), _in_domain(route.parameter, route.hit)
    if route.source == "steady":
        curve = np.full(times.size, rest)
    elif route.source in ENVELOPES:
        curve = rest + (hit - rest) * score.analysis.envelopes[route.source].at(times).astype(np.float64)
    else:
        return rest + (hit - rest) * pulses(score, route, times, 1.0 / RATE_GRID)
    if route.flip == "phrase":
        fastest = max(abs(rest), abs(hit))
        curve = curve * score.phrase_sign(times, 2 * route.reach / fastest if fastest else np.inf)
    return np.where(_mask(score, route, times), curve, 0.0)


def integrate(score: Score, routes: Iterable[Route], timebase: Timebase, gain: Array) -> Array:
    """What the rates of one parameter add up to within each frame's interval [shape=(n_frames,)].

    Frame 0's value is 0; the others share out the whole song evenly, so that the last frame completes the integral from
    0 to the end, whatever the fps (a frame's share is longer than its time on screen by one part in n_frames - 1).
    ``gain`` scales all rates on the grid.
    """
    grid = rate_grid(timebase)
    rate = sum((rate_curve(score, route, grid) for route in routes), start=np.zeros(grid.size)) * gain
    return shared(rate, score, timebase)


def shared(rate: Array, score: Score, timebase: Timebase) -> Array:
    """What a rate on :func:`rate_grid` adds up to within each frame's interval, as :func:`integrate` has it."""
    travelled = np.concatenate(([0.0], np.cumsum((rate[1:] + rate[:-1]) / 2) / RATE_GRID))
    shares = np.linspace(0.0, score.analysis.duration, timebase.n_frames)
    return np.diff(np.interp(shares, rate_grid(timebase), travelled), prepend=0.0)


def rate_grid(timebase: Timebase) -> Array:
    """The integration grid, s: it does not depend on fps and reaches past the last frame."""
    return np.arange(int(np.ceil(timebase.duration * RATE_GRID)) + 2) / RATE_GRID


def nod_positions(score: Score, route: Route, timebase: Timebase) -> Array:
    """Displacement at each frame [shape=(n_frames,)]: exactly ``hit`` at the event's own frame, 0 at the last.

    What hits shortly before the end returns sooner; on the very last frame nothing can return, and nothing nods.
    """
    position = np.zeros(timebase.n_frames)
    fps = float(timebase.fps)
    size = _in_domain(route.parameter, route.hit) - _in_domain(route.parameter, route.rest)
    events = events_of(score, route)
    for i, (time, _, beat) in enumerate(_rows(events)):
        frame = timebase.frame(time)
        attack, release = (_seconds(route, x, beat) for x in (route.attack, route.release))
        release = min(release, (timebase.n_frames - 1 - frame) / fps)
        if frame == timebase.n_frames - 1:
            continue
        n_rise, n_fall = int(attack * fps), max(1, int(np.ceil(release * fps)))
        rise = np.arange(n_rise) / max(1, n_rise)
        fall = _fall(np.arange(n_fall) / fps, release) if release > 0 else np.ones(1)
        shape = np.concatenate((rise[1:], fall)) if n_rise else fall
        first = frame - max(0, n_rise - 1)
        a, b = max(0, first), min(timebase.n_frames, first + shape.size)
        sign = -1.0 if route.flip == "event" and i % 2 else 1.0
        position[a:b] += sign * size * shape[a - first : b - first]
    return position
