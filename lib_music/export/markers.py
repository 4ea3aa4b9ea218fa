"""Beats, bars and sections as markers that a video editor imports: CSV, EDL (CMX 3600) and FCPXML.

Conventions: times are seconds of the video, whose first frame is 0; a marker stands on the frame that
:meth:`lib_music.schedule.timebase.Timebase.frames` gives its time, so that it agrees with what was painted. Time codes
are non-drop: they count frames at the whole rate above (30 for 30000/1001), as editors do. Names come from found text
and are data: quoted, escaped, one line.

References: CMX 3600 edit decision lists with Resolve's ``|C: |M: |D:`` marker comments; Apple's FCPXML 1.9.
"""

from __future__ import annotations

import csv
import io
import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

from lib_music.analysis.types import Analysis
from lib_music.schedule.timebase import Timebase

Kind = Literal["section", "downbeat", "beat"]
KINDS: tuple[Kind, ...] = get_args(Kind)
#: The colour of each kind in Resolve, and the hour at which an editor's time line begins by custom.
COLOURS = {"section": "ResolveColorRed", "downbeat": "ResolveColorBlue", "beat": "ResolveColorCyan"}
FIRST_HOUR = 1
#: Events of an edit list, whose numbers have three digits.
MOST_EVENTS = 999
_NAME = 80


@dataclass(frozen=True)
class Marker:
    """One moment of the video.

    Attributes
    ----------
    time : float
        Seconds, as heard.
    frame : int
        The frame it stands on.
    kind : "section", "downbeat" or "beat"
    name : str
        One line; what cannot be printed is taken away.
    bar, beat : int
        Counted from 1, 0 where unknown.
    """

    time: float
    frame: int
    kind: Kind
    name: str
    bar: int = 0
    beat: int = 0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.time) and self.time >= 0 and self.frame >= 0) or self.kind not in KINDS:
            raise ValueError(f"Marker: {self.kind!r} at {self.time!r} s, frame {self.frame!r}")
        plain = "".join(letter for letter in " ".join(self.name.split()) if letter.isprintable())
        object.__setattr__(self, "name", plain[:_NAME])


def markers_of(analysis: Analysis, timebase: Timebase, start: float = 0.0) -> tuple[Marker, ...]:
    """The markers of a video, by time; at one moment a section comes before its downbeat.

    Parameters
    ----------
    analysis : Analysis
        With the person's corrections applied.
    timebase : Timebase
        Of the video.
    start : float
        Where the video begins in the analysed range, s; what lies before it or after the video is left out.
    """
    beats, bar = analysis.beats, 0
    found: list[tuple[float, Kind, str, int, int]] = []
    made = []
    for time, position in zip(beats.times.tolist(), beats.positions.tolist(), strict=True):
        bar += position == 1
        name = f"bar {bar}" if position == 1 else f"beat {position}" if position else "beat"
        found.append((time, "downbeat" if position == 1 else "beat", name, bar, int(position)))
    for section in analysis.sections:
        found.append((section.start, "section", f"{section.label} ({section.role})", 0, 0))
    for time, kind, name, bar, beat in found:
        # A section that began before the video does is named at its first frame.
        if kind == "section" and time < start and _holds(analysis, time, start):
            time = start
        if 0 <= time - start < timebase.duration:
            frame = timebase.frame(time - start)
            made.append(Marker(time - start, frame, kind, name, bar, beat))
    return tuple(sorted(made, key=lambda marker: (marker.frame, KINDS.index(marker.kind))))


def _holds(analysis: Analysis, begin: float, moment: float) -> bool:
    return any(s.start == begin and s.start < moment < s.end for s in analysis.sections)


def timecode(frame: int, fps: Fraction, hour: int = 0) -> str:
    """``hh:mm:ss:ff``, non-drop, the day wrapped at 24 hours.

    Parameters
    ----------
    frame : int
    fps : Fraction
    hour : int
        Added, for time lines that begin there.
    """
    whole = math.ceil(fps)
    seconds, rest = divmod(frame, whole)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{(hours + hour) % 24:02d}:{minutes:02d}:{seconds:02d}:{rest:02d}"


def to_csv(markers: Sequence[Marker], fps: Fraction) -> str:
    """One row a marker: ``seconds,timecode,frame,kind,name,bar,beat``, RFC 4180.

    A name that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(("seconds", "timecode", "frame", "kind", "name", "bar", "beat"))
    for marker in markers:
        name = f"'{marker.name}" if marker.name[:1] in ("=", "+", "-", "@") else marker.name
        writer.writerow((f"{marker.time:.4f}", timecode(marker.frame, fps), marker.frame, marker.kind, name,
                         marker.bar or "", marker.beat or ""))  # fmt: skip
    return text.getvalue()


def to_edl(markers: Sequence[Marker], fps: Fraction, title: str) -> str:
    """A CMX 3600 list with one event of one frame a marker, as editors import timeline markers from.

    Time codes begin at 01:00:00:00, where time lines do. Such a list is plain ASCII: letters lose their accents,
    and what is none even so becomes ``?``.
    It numbers its events with three digits: where there are more markers, the beats are left out, then the downbeats,
    and a remark says so.
    """
    lines = [f"TITLE: {_ascii(title) or 'Music Visualizer'}", "FCM: NON-DROP FRAME", ""]
    held, left = _that_fit(markers)
    if left:
        lines += [f"* {left} of {len(markers)} markers are left out: a list holds {MOST_EVENTS}, the CSV all", ""]
    for number, marker in enumerate(held, 1):
        begin, end = (timecode(frame, fps, FIRST_HOUR) for frame in (marker.frame, marker.frame + 1))
        lines.append(f"{number:03d}  001      V     C        {begin} {end} {begin} {end}")
        lines += [f" |C:{COLOURS[marker.kind]} |M:{_ascii(marker.name)} |D:1", ""]
    return "\r\n".join(lines)


def _that_fit(markers: Sequence[Marker]) -> tuple[Sequence[Marker], int]:
    """As many kinds of markers as a list of events holds, the longest stretches first; and how many are left out."""
    for kinds in (KINDS, KINDS[:-1], KINDS[:1]):
        held = [marker for marker in markers if marker.kind in kinds]
        if len(held) <= MOST_EVENTS:
            break
    held = held[:MOST_EVENTS]
    return held, len(markers) - len(held)


def _ascii(text: str) -> str:
    """One line of printable ASCII without the bar that separates an EDL's fields; letters lose their accents."""
    apart = unicodedata.normalize("NFKD", " ".join(text.split()))
    plain = "".join(c for c in apart if not unicodedata.combining(c)).encode("ascii", "replace").decode()
    return re.sub(r"[^ -{}~]", " ", plain)[:_NAME].strip()


def to_fcpxml(
    markers: Sequence[Marker], timebase: Timebase, title: str, *, width: int = 1920, height: int = 1080
) -> str:
    """A Final Cut Pro project (FCPXML 1.9): a gap as long as the video that carries the markers.

    Sections are chapter markers, the others plain ones; lay the video under the gap, or copy the markers.
    """
    from xml.etree import ElementTree as ET

    step = 1 / timebase.fps

    def moment(frame: int) -> str:
        time = frame * step
        return f"{time.numerator}/{time.denominator}s" if time.denominator > 1 else f"{time.numerator}s"

    name = _xml_text(title) or "Music Visualizer"
    root = ET.Element("fcpxml", version="1.9")
    resources = ET.SubElement(root, "resources")
    # Without a name, which would have to be one of the editor's own: size and rate say it all.
    ET.SubElement(resources, "format", id="r1", frameDuration=moment(1), width=str(width), height=str(height))
    project = ET.SubElement(ET.SubElement(ET.SubElement(root, "library"), "event", name=name), "project", name=name)
    whole = moment(timebase.n_frames)
    sequence = ET.SubElement(project, "sequence", format="r1", duration=whole, tcStart="0s", tcFormat="NDF")
    gap = ET.SubElement(ET.SubElement(sequence, "spine"), "gap", name=name, offset="0s", start="0s", duration=whole)
    for marker in markers:
        place = {"start": moment(marker.frame), "duration": moment(1), "value": _xml_text(marker.name)}
        if marker.kind == "section":
            ET.SubElement(gap, "chapter-marker", {**place, "posterOffset": "0s"})
        else:
            ET.SubElement(gap, "marker", place)
    ET.indent(root)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n'
    return head + ET.tostring(root, encoding="unicode") + "\n"


def _xml_text(text: str) -> str:
    """``text`` without what XML 1.0 cannot hold at all, escaped or not."""
    return re.sub("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)
