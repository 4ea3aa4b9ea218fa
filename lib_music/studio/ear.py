"""The ear that hears the beats, other readings of the tempo, and the taps that pull.

Conventions: another ear hears the whole song anew, as a job like Produce prompts; until it is done the page shows what
was heard before, and keeps it where the ear cannot be had.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lib_music.analysis.beat_this import installed
from lib_music.analysis.corrections import Corrections
from lib_music.analysis.types import Analysis
from lib_music.errors import InputError
from lib_music.project import Project
from lib_music.request import OWN_EARS
from lib_music.studio.estimate import Setup
from lib_music.studio.foreign import text
from lib_music.studio.known import Known
from lib_music.studio.panels import Panel
from lib_music.studio.studio import Studio

_NAMES = {"own": "our own ear", "beat_this": "beat_this"}
_NOTES = {"own": "", "beat_this": "a larger network, slow without a GPU; it fetches its weights once"}
#: Weights below this are not worth a button.
_LEAST = 0.05


def _draw(_: Studio, now: Known, __: Setup | None) -> dict[str, Any] | None:
    """What the page's part shows; null before the song was heard."""
    if now.heard is None or now.analysis is None:
        return None
    corrections = now.replayed[0]
    return {
        "heard_by": now.heard.ear,
        "ear": now.request.ear if now.request is not None else "own",
        "choices": [
            {"id": ear, "name": _NAMES[ear], "note": _NOTES[ear], "usable": ear == "own" or installed()}
            for ear in OWN_EARS
        ],
        "readings": readings(now.analysis, corrections),
        "taps": len(corrections.taps),
    }


def readings(shown: Analysis, corrections: Corrections) -> list[dict[str, Any]]:
    """Other readings of the tempo that are one step away: BPM, the factor that leads there, and how likely it is."""
    found = []
    for factor in (0.5, 2.0):
        if corrections.tempo_factor * factor not in (0.5, 1.0, 2.0) or not shown.beats.tempo:
            continue
        wanted = factor * shown.beats.tempo
        weights = [w for bpm, w in shown.beats.alternatives if abs(bpm / wanted - 1) < 0.08]
        if weights and max(weights) >= _LEAST:
            found.append({"bpm": round(wanted, 1), "factor": factor, "weight": round(max(weights), 3)})
    return sorted(found, key=lambda reading: -reading["weight"])


def _choose(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    from lib_music.studio.song import hear_again

    ear = text(action, "ear", 20)
    if ear not in OWN_EARS:
        raise InputError(f"{ear!r} is no ear", f"choose one of {', '.join(OWN_EARS)}")
    if ear != "own" and not installed():
        fix = "install it in this WebUI's Python: pip install beat_this, then restart"
        raise InputError(f"{ear} is not installed here", fix)
    hear_again(studio, project.folder.name, ear)


PANEL = Panel("ear", "hearing", _draw, {"ear": _choose})
