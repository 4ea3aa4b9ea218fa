"""The command that hears a song: analyze."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from lib_music.cli.terminal import Terminal


def analyze(args: argparse.Namespace) -> None:
    from lib_music.analysis import analysis_to_dict
    from lib_music.audio import open_audio
    from lib_music.pipeline import hear

    with Terminal() as reporter:
        audio = open_audio(Path(args.song), start=args.start, duration=args.duration)
        for warning in audio.warnings:
            reporter.say(warning)
        found = analysis_to_dict(hear(audio, reporter))
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
