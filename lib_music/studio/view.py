"""The JSON that the page draws: one song with its timeline, its prompts and how it moves.

Conventions: made of the project's files alone, without any lock and without gradio; all numbers are finite, all text
is plain (it is drawn as text, never as markup); times are seconds of the analysed range, which begins at
``song.start`` of the file that is played. What is not there yet is null or empty.
"""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any

import numpy as np

from lib_music.analysis.corrections import Corrections
from lib_music.analysis.types import ROLES, Analysis
from lib_music.audio import Audio
from lib_music.errors import MusicVisualizerError
from lib_music.pipeline import SETTINGS
from lib_music.prompts.storyboard import distinct
from lib_music.prompts.suggestions import SUGGESTIONS, Suggestions, read_suggestions
from lib_music.rehear import told
from lib_music.studio.estimate import Setup, cost_of, set_up
from lib_music.studio.job import CHANGING
from lib_music.studio.know import card_view
from lib_music.studio.known import Known, known
from lib_music.studio.motion import curves, read_motion
from lib_music.studio.panels import drawn
from lib_music.studio.rows import Board, row_documents
from lib_music.studio.said import waiting
from lib_music.studio.studio import Studio
from lib_music.studio.waveform import keep_outline, kept_outline, listening
from lib_music.studio.workspace import find_project
from lib_music.track.tags import clean_text

log = logging.getLogger("lib_music")
#: Points a second of the energy curve, and the most of them.
_ENERGY_RATE, _ENERGY_POINTS = 4.0, 3_000


def view(studio: Studio, project: str) -> dict[str, Any]:
    """What the page draws of a project.

    Parameters
    ----------
    studio : Studio
    project : str
        Its name in the workspace; foreign.

    Raises
    ------
    InputError
        There is no such project.
    """
    now = known(find_project(studio.host, project))
    warnings = list(now.warnings)
    board: Board | None = None
    try:
        board = now.board()
    except MusicVisualizerError as error:
        warnings.append(now.told(error))
    setup: Setup | None = None
    motion = read_motion(studio.host, now.project)
    try:
        known_enough = board is not None and now.track is not None and now.request is not None
        setup = set_up(studio, now.project.folder.name, motion) if known_enough else None
    except MusicVisualizerError as error:
        # A formula that some frame cannot compute, a renderer that is gone: all else is drawn nevertheless.
        warnings.append(now.told(error))
    except Exception as error:
        log.exception("%s cannot be set in motion", now.project.folder.name)
        warnings.append(f"it cannot be set in motion: unexpected {type(error).__name__}; the console has more")
    parts, faults = drawn(studio, now, setup)
    return {
        "project": now.project.folder.name,
        "song": song_card(studio, now),
        **_timeline(now),
        "hearing": hearing(now.replayed[0]),
        **prompts(now, board),
        "motion": motion.to_dict(),
        "curves": curves(setup.plan.animation) if setup else None,
        "cost": cost_of(studio, setup).to_dict() if setup else None,
        "video": _video(studio, now, setup),
        "preview": _preview(studio, now),
        **parts,
        "warnings": [
            *warnings, *faults, *told(now.replayed[1]), *(board.suggestions.warnings if board else ()),
            *_being_painted(studio, now, setup),
        ],
    }


def song_card(studio: Studio, now: Known) -> dict[str, Any]:
    """What is known of the song, and what is asked of the person."""
    track, analysis, request, path = now.track, now.analysis, now.request, now.project.path
    sound = listening(studio.host, now.project, request.song) if request and request.song else None
    cover = path("cover.png")
    warnings = list(now.said)
    if request is not None and request.song is not None and not request.song.is_file():
        warnings.append("the song's file is gone: upload it again to paint or hear it")
    warnings += waiting(now)
    return {
        "title": track.title if track else clean_text(now.project.song_name()),
        "artists": list(track.artists) if track else [],
        "album": track.album if track else "",
        "duration": _rounded(analysis.duration if analysis else (track.duration or 0.0) if track else 0.0),
        "start": _rounded(analysis.start if analysis else 0.0),
        "tempo": _rounded(analysis.beats.tempo if analysis else 0.0),
        "key": f"{analysis.key} {analysis.mode}".strip() if analysis else "",
        "date": track.date if track else "",
        "isrc": track.isrc if track else "",
        "sources": dict(track.sources) if track else {},
        "cover_url": studio.url(cover) if cover.is_file() else None,
        "audio_url": studio.url(sound) if sound is not None else None,
        "warnings": warnings,
        **card_view(now.project, request, studio.url),
    }


def _timeline(now: Known) -> dict[str, Any]:
    """Waveform, beats, energy and sections."""
    analysis = now.analysis
    if analysis is None:
        return {
            "waveform": None,
            "beats": [],
            "positions": [],
            "energy": {"rate": _ENERGY_RATE, "values": []},
            "sections": [],
            "roles": list(ROLES),
        }
    sections = analysis.sections
    colours = {label: place for place, label in enumerate(distinct(sections.labels))}
    return {
        "waveform": _waveform(now, analysis),
        "beats": [round(t, 3) for t in analysis.beats.times.tolist()],
        "positions": analysis.beats.positions.tolist(),
        "energy": _energy(analysis),
        "sections": [
            {
                "index": section.id,
                "start": _rounded(section.start),
                "end": _rounded(section.end),
                "label": section.label,
                "role": section.role,
                "energy": _rounded(section.energy),
                "color": colours[section.label],
            }
            for section in sections
        ],
        "roles": list(ROLES),
    }


def _waveform(now: Known, analysis: Analysis) -> dict[str, Any] | None:
    """The kept outline; one that is missing is made, while the song is there."""
    if (wave := kept_outline(now.project, analysis.content_hash)) is not None:
        return wave
    song = now.request.song if now.request else None
    if song is None or not song.is_file():
        return None
    end = analysis.start + analysis.duration
    audio = Audio(song, analysis.content_hash, analysis.start, analysis.duration, end, 44_100)
    try:
        return keep_outline(now.project, audio)
    except MusicVisualizerError:
        return None


def _energy(analysis: Analysis) -> dict[str, Any]:
    rate = min(_ENERGY_RATE, _ENERGY_POINTS / analysis.duration)
    times = np.arange(max(1, math.floor(analysis.duration * rate))) / rate
    values = np.rint(100 * analysis.envelopes["loudness"].at(times)).astype(int)
    return {"rate": rate, "values": values.tolist()}


def hearing(now: Corrections) -> dict[str, Any]:
    """What was said against what was heard."""
    return {
        "tempo_factor": now.tempo_factor,
        "downbeat_shift": now.downbeat_shift,
        "nudge_ms": round(1000 * now.nudge, 1),
        "borders": [[_rounded(a), _rounded(b)] for a, b in now.borders],
        "labels": [[_rounded(t), label] for t, label in now.labels],
        "roles": [[_rounded(t), role] for t, role in now.roles],
        "edited": now != Corrections(),
    }


def prompts(now: Known, board: Board | None) -> dict[str, Any]:
    """What is painted in each section; of a lone link the candidates alone."""
    if board is None:
        # Of a song of which there is only a link the candidates are known already.
        kept = read_suggestions(now.project.path(SUGGESTIONS)) if now.heard is None else None
        empty = {"rows": [], "style": "", "negative": "", "cover_use": "start"}
        return {**(_candidates(kept) if kept else {"candidates": [], "captioner": ""}), **empty}
    return {
        **_candidates(board.suggestions),
        "rows": row_documents(board),
        "style": board.storyboard.style.text,
        "negative": board.storyboard.negative.text,
        "cover_use": board.storyboard.cover,
    }


def _candidates(suggestions: Suggestions) -> dict[str, Any]:
    suggested = [found.text for found in suggestions.suggested]
    return {
        "candidates": [
            {"text": t.text, "suggested": suggested[i] if i < len(suggested) and suggested[i] != t.text else None}
            for i, t in enumerate(suggestions.texts)
        ],
        "captioner": suggestions.captioner,
    }


def _video(studio: Studio, now: Known, setup: Setup | None) -> dict[str, Any] | None:
    """The finished video, and whether another one would be painted now."""
    progress = now.project.progress()
    video = now.project.path(Path(progress.video).name)
    if not progress.video or not video.is_file():
        return None
    settings = now.project.path(SETTINGS)
    return {
        "url": studio.url(video),
        "name": video.name,
        "settings_url": studio.url(settings) if settings.is_file() else None,
        "project": now.project.folder.name,
        "stale": setup is None or not progress.is_finished or progress.fingerprint != setup.mark,
    }


def _preview(studio: Studio, now: Known) -> dict[str, Any] | None:
    """The newest preview."""
    made = [path for path in now.project.path("preview").glob("*.mp4") if not path.name.startswith(".")]
    newest = max(made, key=lambda path: path.stat().st_mtime_ns, default=None)
    return None if newest is None else {"url": studio.url(newest)}


def _being_painted(studio: Studio, now: Known, setup: Setup | None) -> list[str]:
    """A word where an edit came too late for the video that is being painted."""
    for job in studio.jobs.active():
        this = job.kind in CHANGING and job.project == now.project.folder.name and job.stage in ("render", "mux")
        if this and (setup is None or now.project.progress().fingerprint != setup.mark):
            return ["the video being painted keeps what it began with; later edits are for the next one"]
    return []


def _rounded(value: float) -> float:
    """Three decimals; nothing that JSON cannot say."""
    return round(float(value), 3) if math.isfinite(value) else 0.0
