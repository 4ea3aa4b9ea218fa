"""The command that hears a song: analyze."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from lib_music.cli.options import Command, ear_option
from lib_music.cli.terminal import Terminal
from lib_music.given import read_time

if TYPE_CHECKING:
    from lib_music.analysis import Analysis
    from lib_music.audio import Audio
    from lib_music.pipeline import Reporter


def add_commands(command: Command) -> None:
    """Teach the parser this command."""
    sub = command("analyze", "Hear a song: beats, bars, sections, key.", analyze)
    sub.add_argument("song", metavar="SONG")
    sub.add_argument("--json", action="store_true", help="print one JSON object")
    sub.add_argument("--clicks", type=Path, metavar="OUT.wav", help="write the song with clicks on its beats")
    sub.add_argument("--picture", type=Path, metavar="OUT.png", help="draw what was heard")
    ear_option(sub)
    sub.add_argument("--start", type=read_time, default=0.0, metavar="S")
    sub.add_argument("--duration", type=read_time, metavar="S")


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
    """``analyze``."""
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
