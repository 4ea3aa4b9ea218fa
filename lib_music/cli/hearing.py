"""The command that hears a song: analyze."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from lib_music.cli.terminal import Terminal

if TYPE_CHECKING:
    from lib_music.analysis import Analysis
    from lib_music.audio import Audio
    from lib_music.pipeline import Reporter


def _audition(args: argparse.Namespace, audio: Audio, analysis: Analysis, reporter: Reporter) -> None:
    """Write what lets the person hear and see the hearing."""
    if args.clicks is not None:
        from lib_music.analysis.clicks import write_clicks

        reporter.stage("clicks")
        write_clicks(args.clicks, audio, analysis.beats, reporter.done)
        reporter.say(f"clicks    {args.clicks}")
    if args.picture is not None:
        from lib_music.analysis.picture import write_picture

        reporter.stage("picture")
        write_picture(args.picture, audio, analysis, Path(args.song).stem)
        reporter.say(f"picture   {args.picture}")


def analyze(args: argparse.Namespace) -> None:
    from lib_music.analysis import analysis_to_dict
    from lib_music.audio import open_audio
    from lib_music.pipeline import hear

    with Terminal() as reporter:
        audio = open_audio(Path(args.song), start=args.start, duration=args.duration)
        for warning in audio.warnings:
            reporter.say(warning)
        analysis = hear(audio, reporter, args.ear)
        _audition(args, audio, analysis, reporter)
        found = analysis_to_dict(analysis)
    if args.json:
        print(json.dumps(found))
        return
    key = f"{found['key']} {found['mode']}".strip() or "unknown"
    print(f"tempo     {found['tempo']:.1f} BPM, {len(found['beats'])} beats, {len(found['downbeats'])} bars")
    print(f"key       {key}")
    for section in found["sections"]:
        print(
            f"{section['start']:8.2f} – {section['end']:8.2f}  {section['label']}  {section['role']:<7} "
            f"energy {section['energy']:.2f}"
        )
