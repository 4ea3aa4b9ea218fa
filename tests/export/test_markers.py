"""Markers for video editors."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from fractions import Fraction
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_music.analysis.types import Beats
from lib_music.export.markers import COLOURS, Marker, markers_of, timecode, to_csv, to_edl, to_fcpxml
from lib_music.schedule.timebase import Timebase
from tests.music import song

FPS = Fraction(24)
HOSTILE = '=HYPERLINK("http://x") | <b>&amp;]]> \x00\x1b\r\n "quoted", naïve 🎵'


def found(fps: Fraction = FPS, start: float = 0.0, seconds: float = 32.0) -> tuple[Marker, ...]:
    return markers_of(song(), Timebase.for_duration(seconds, fps), start)


def test_every_beat_bar_and_section_stands_on_its_frame() -> None:
    markers = found()
    assert [m.name for m in markers if m.kind == "section"] == ["A (verse)", "B (chorus)", "A (verse)", "C (drop)"]
    assert [m.frame for m in markers if m.kind == "section"] == [0, 192, 384, 576]
    assert [m.frame for m in markers if m.kind != "section"] == list(range(0, 768, 12))
    bars = [m for m in markers if m.kind == "downbeat"]
    assert [m.name for m in bars] == [f"bar {n}" for n in range(1, 17)]
    assert [m.frame for m in bars] == list(range(0, 768, 48))
    assert [m.frame for m in markers] == sorted(m.frame for m in markers)


def test_a_cut_out_range_begins_at_its_own_zero_and_names_the_section_it_begins_in() -> None:
    markers = found(start=9.0, seconds=10.0)
    assert [(m.frame, m.name) for m in markers if m.kind == "section"] == [(0, "B (chorus)"), (168, "A (verse)")]
    assert markers[-1].time < 10.0
    assert [m.frame for m in markers if m.kind != "section"] == list(range(0, 240, 12))


def test_music_without_beats_has_its_sections() -> None:
    analysis = song()
    silent = Beats(np.empty(0), np.empty(0, np.int64), np.empty(0, np.float32))
    markers = markers_of(replace(analysis, beats=silent), Timebase.for_duration(32, FPS))
    assert [m.kind for m in markers] == ["section"] * 4


@pytest.mark.parametrize(("frame", "fps", "code"), [
    (0, "24", "00:00:00:00"), (23, "24", "00:00:00:23"), (24, "24", "00:00:01:00"), (24 * 3600, "24", "01:00:00:00"),
    (1800, "30000/1001", "00:01:00:00"), (12, "25/2", "00:00:00:12"), (13, "25/2", "00:00:01:00"),
])  # fmt: skip
def test_time_codes_count_frames(frame: int, fps: str, code: str) -> None:
    assert timecode(frame, Fraction(fps)) == code


@given(st.integers(0, 10_000_000), st.fractions(1, 240, max_denominator=1001))
def test_time_codes_come_back_as_their_frame(frame: int, fps: Fraction) -> None:
    hours, minutes, seconds, rest = (int(part) for part in timecode(frame, fps).split(":"))
    whole = -(-fps.numerator // fps.denominator)
    assert ((hours * 60 + minutes) * 60 + seconds) * whole + rest == frame % (24 * 3600 * whole)
    assert rest < whole and seconds < 60 and minutes < 60


def test_csv_reads_back_and_holds_no_formula() -> None:
    markers = (Marker(1.5, 36, "section", HOSTILE), Marker(2.0, 48, "beat", "beat 2", 1, 2))
    rows = list(csv.DictReader(io.StringIO(to_csv(markers, FPS), newline="")))
    assert [row["frame"] for row in rows] == ["36", "48"]
    assert rows[0]["name"].startswith("'=HYPERLINK") and "\n" not in rows[0]["name"]
    assert (rows[1]["seconds"], rows[1]["timecode"], rows[1]["bar"], rows[1]["beat"]) == (
        "2.0000", "00:00:02:00", "1", "2")  # fmt: skip


@pytest.mark.parametrize(("beats", "held"), [(900, {"section", "downbeat", "beat"}), (1100, {"section", "downbeat"}),
                                              (5000, {"section"})])  # fmt: skip
def test_edl_numbers_have_three_digits_however_long_the_song(beats: int, held: set[str]) -> None:
    many = [Marker(i / 2, i * 12, "downbeat" if i % 4 == 0 else "beat", "x") for i in range(beats)]
    lines = to_edl([Marker(0, 0, "section", "A (verse)"), *many], FPS, "A song").split("\r\n")
    events = [line for line in lines if line[:1].isdigit()]
    assert [line[:5] for line in events] == [f"{n:03d}  " for n in range(1, len(events) + 1)] and len(events) <= 999
    assert {kind for kind, colour in COLOURS.items() if any(colour in line for line in lines)} == held
    told = [line for line in lines if line.startswith("* ")]
    assert len(told) == (len(held) < 3) and all(f"{beats + 1 - len(events)} of {beats + 1}" in line for line in told)


def test_edl_has_one_event_a_marker_with_its_comment() -> None:
    lines = to_edl(found(), FPS, "A song | née").split("\r\n")
    assert lines[:3] == ["TITLE: A song   nee", "FCM: NON-DROP FRAME", ""]
    events = [line for line in lines if line[:3].isdigit()]
    comments = [line for line in lines if line.startswith(" |C:")]
    assert len(events) == len(comments) == len(found())
    assert events[0].split() == ["001", "001", "V", "C", "01:00:00:00", "01:00:00:01", "01:00:00:00", "01:00:00:01"]
    assert comments[0] == " |C:ResolveColorRed |M:A (verse) |D:1"
    assert to_edl((Marker(0, 0, "section", HOSTILE),), FPS, HOSTILE).isascii()
    assert to_edl((Marker(0, 0, "section", HOSTILE),), FPS, HOSTILE).count("|") == 3


@pytest.mark.parametrize("fps", ["24", "30000/1001", "25/2", "60"])
def test_fcpxml_holds_the_markers_at_exact_times(fps: str) -> None:
    rate = Fraction(fps)
    timebase = Timebase.for_duration(32, rate)
    markers = markers_of(song(), timebase)
    root = ET.fromstring(to_fcpxml(markers, timebase, HOSTILE).split("\n", 2)[2])
    gap = root.find("./library/event/project/sequence/spine/gap")
    assert gap is not None and root.get("version") == "1.9"
    form = root.find("./resources/format")
    assert form is not None and Fraction(str(form.get("frameDuration"))[:-1]) == 1 / rate
    assert Fraction(str(gap.get("duration"))[:-1]) == timebase.n_frames / rate
    assert [Fraction(str(m.get("start"))[:-1]) * rate for m in gap] == [m.frame for m in markers]
    assert [m.tag for m in gap] == ["chapter-marker" if m.kind == "section" else "marker" for m in markers]
    assert [m.get("value") for m in gap] == [m.name for m in markers]


def test_hostile_names_stay_text() -> None:
    timebase = Timebase.for_duration(32, FPS)
    text = to_fcpxml((Marker(0, 0, "section", HOSTILE),), timebase, HOSTILE)
    root = ET.fromstring(text.split("\n", 2)[2])
    marker = root.find(".//chapter-marker")
    assert marker is not None and "<b>" in str(marker.get("value")) and "\x00" not in text
