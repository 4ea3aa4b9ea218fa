"""Fixing the hearing: one edit from the page becomes a newer Corrections.

Conventions: what the page sends is foreign, so every value is checked (:mod:`lib_music.studio.foreign`); times are
seconds of the analysed range as the page shows them, corrected ones. Labels and roles are kept at the middle of their
section, anew after each edit, so that none slides into the neighbour when a border moves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lib_music.analysis.basis import Basis
from lib_music.analysis.corrections import Corrections
from lib_music.analysis.edits import MAX_LABEL, MAX_NUDGE, MAX_SHIFT, MIN_SECTION, MIN_TAP
from lib_music.analysis.taps import MIN_TAPS, retapped, runs_of
from lib_music.analysis.types import ROLES, Analysis
from lib_music.errors import InputError
from lib_music.studio.foreign import flag, number, section_of, text, whole

#: Of all edits, those that are about the hearing.
HEARING = ("tempo", "downbeat", "nudge", "taps", "clear_taps", "border", "label", "role", "reset_hearing")
#: How far from a border a drag may begin, s.
GRASP = 0.25
#: The most taps that one edit brings, and that are kept.
MAX_TAPS = 5_000


def corrected(now: Corrections, heard: Analysis, action: Mapping[str, Any]) -> Corrections:
    """The corrections after one more edit.

    Parameters
    ----------
    now : Corrections
        As they stand; made on another hearing, they are replayed on this one first.
    heard : Analysis
        As it was heard, without corrections.
    action : mapping
        One of :data:`HEARING`, as the page sends it.

    Raises
    ------
    InputError
        The edit makes no sense here; nothing is changed.
    """
    what = action.get("do")
    if what == "reset_hearing":
        return Corrections()
    now = replace(now.on(heard)[0], made_on=Basis.of(heard))
    shown = now.apply(heard)
    if what == "label":
        return _with_names(now, heard, labels=_labels(shown, action))
    if what == "role":
        return _with_names(now, heard, roles=_roles(shown, action))
    changed = _EDITS[str(what)](now, heard, shown, action)
    return _with_names(changed, heard, shown.sections.labels, shown.sections.roles)


def _tempo(now: Corrections, heard: Analysis, shown: Analysis, action: Mapping[str, Any]) -> Corrections:
    factor = number(action, "factor", 0.5, 2.0)
    if factor not in (0.5, 2.0):
        raise InputError(f"the tempo cannot be multiplied by {factor:g}", "double or halve it")
    if not shown.beats.times.size:
        raise InputError("no beats were heard, so there is no tempo to change", "")
    if (total := now.tempo_factor * factor) not in (0.5, 1.0, 2.0):
        word = "doubled" if factor == 2 else "halved"
        raise InputError(f"the tempo is {word} already", "it can be doubled or halved once")
    # Tapped stretches have the tempo of the taps: they go along.
    return replace(now, tempo_factor=total, taps=retapped(now.taps, factor))


def _downbeat(now: Corrections, heard: Analysis, shown: Analysis, action: Mapping[str, Any]) -> Corrections:
    by = whole(action, "by", -MAX_SHIFT, MAX_SHIFT)
    bar = shown.beats.beats_per_bar or 4
    return replace(now, downbeat_shift=int(math.fmod(now.downbeat_shift + by, bar)))


def _nudge(now: Corrections, heard: Analysis, shown: Analysis, action: Mapping[str, Any]) -> Corrections:
    by = round(number(action, "ms", -2000 * MAX_NUDGE, 2000 * MAX_NUDGE) / 1000, 4)
    total = round(now.nudge + by, 4)
    if abs(total) > MAX_NUDGE:
        limit = f"{1000 * MAX_NUDGE:.0f} ms"
        raise InputError(f"the beats would move by {1000 * total:.0f} ms", f"keep it within {limit} either way")
    borders = tuple((found, min(max(0.0, to + by), heard.duration)) for found, to in now.borders)
    return replace(now, nudge=total, borders=borders)


def _taps(now: Corrections, heard: Analysis, shown: Analysis, action: Mapping[str, Any]) -> Corrections:
    """New taps in place of older ones where they are; they mean where beats shall be in the end."""
    times = action.get("times")
    if not isinstance(times, list) or len(times) > MAX_TAPS:
        raise InputError(f"taps must be a list of up to {MAX_TAPS:,} times", "reload the page and try again")
    given = sorted(number({"tap": t}, "tap", 0.0, heard.duration + GRASP) for t in times)
    taps = _apart(min(max(0.0, t - now.nudge), heard.duration) for t in given)
    if not runs_of(taps):
        fix = f"tap {MIN_TAPS} beats or more in a row, with the music"
        raise InputError(f"{len(taps)} taps do not say how fast the beat is", fix)
    others = (t for t in now.taps if not taps[0] - GRASP <= t <= taps[-1] + GRASP)
    merged = _apart(sorted((*others, *taps)))
    if len(merged) > MAX_TAPS:
        raise InputError(f"more than {MAX_TAPS:,} taps cannot be kept", "clear the taps and begin again")
    return replace(now, taps=merged)


def _apart(taps: Iterable[float]) -> tuple[float, ...]:
    """Taps that are not the same stroke twice; ``taps`` do not decrease."""
    kept: list[float] = []
    for tap in taps:
        if not kept or round(tap, 4) - kept[-1] >= MIN_TAP:
            kept.append(round(tap, 4))
    return tuple(kept)


def _clear_taps(now: Corrections, heard: Analysis, shown: Analysis, action: Mapping[str, Any]) -> Corrections:
    return replace(now, taps=())


def _border(now: Corrections, heard: Analysis, shown: Analysis, action: Mapping[str, Any]) -> Corrections:
    duration = heard.duration
    source, target = number(action, "from", 0.0, duration + GRASP), number(action, "to", -GRASP, duration + GRASP)
    edges = shown.sections.intervals[1:, 0]
    place = int(np.abs(edges - source).argmin()) if edges.size else 0
    if not edges.size or abs(float(edges[place]) - source) > GRASP:
        raise InputError(f"there is no border at {source:.2f} s", "take hold of one between two sections")
    low = float(shown.sections.intervals[place, 0]) + MIN_SECTION
    high = float(shown.sections.intervals[place + 1, 1]) - MIN_SECTION
    if low > high:
        raise InputError("the two sections are too short to move their border", "")
    found = float(heard.sections.intervals[place + 1, 0])
    others = tuple(pair for pair in now.borders if _nearest(heard, pair[0]) != place)
    return replace(now, borders=(*others, (found, round(min(max(target, low), high), 4))))


_EDITS: dict[str, Callable[[Corrections, Analysis, Analysis, Mapping[str, Any]], Corrections]] = {
    "tempo": _tempo,
    "downbeat": _downbeat,
    "nudge": _nudge,
    "taps": _taps,
    "clear_taps": _clear_taps,
    "border": _border,
}


def _nearest(heard: Analysis, moment: float) -> int:
    """Which inner border an entry of ``Corrections.borders`` is about."""
    return int(np.abs(heard.sections.intervals[1:, 0] - moment).argmin())


def _labels(shown: Analysis, action: Mapping[str, Any]) -> tuple[str, ...]:
    place, name = section_of(action, len(shown.sections)), text(action, "name", 10 * MAX_LABEL).strip()
    if not 0 < len(name) <= MAX_LABEL or not name.isprintable():
        raise InputError(f"{name[:60]!r} cannot be a label", f"give 1 to {MAX_LABEL} printable characters")
    before, everywhere = shown.sections.labels, flag(action, "all", default=False)
    return tuple(
        name if i == place or (everywhere and label == before[place]) else label for i, label in enumerate(before)
    )


def _roles(shown: Analysis, action: Mapping[str, Any]) -> tuple[Any, ...]:
    place, role = section_of(action, len(shown.sections)), text(action, "role", 100)
    if role not in ROLES:
        raise InputError(f"{role[:40]!r} is no role", f"choose one of {', '.join(ROLES)}")
    return tuple(role if i == place else kept for i, kept in enumerate(shown.sections.roles))


def _with_names(
    now: Corrections, heard: Analysis, labels: tuple[str, ...] | None = None, roles: tuple[Any, ...] | None = None
) -> Corrections:
    """``now`` with these labels and roles, each that is not as heard at the middle of its section."""
    shown = now.apply(heard).sections
    labels, roles = labels or shown.labels, roles or shown.roles
    middles = [round(float(start + end) / 2, 4) for start, end in shown.intervals]
    return replace(
        now,
        labels=tuple((m, a) for m, a, b in zip(middles, labels, heard.sections.labels, strict=True) if a != b),
        roles=tuple((m, a) for m, a, b in zip(middles, roles, heard.sections.roles, strict=True) if a != b),
    )
