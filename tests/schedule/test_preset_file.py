"""Presets as files: the same back, and nothing from a stranger's that cannot be used."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.errors import InputError, SettingsError
from lib_music.prompts.storyboard import make_storyboard
from lib_music.prompts.text import Own as Text
from lib_music.render.deforum_settings import build_settings
from lib_music.schedule.animation import Animation
from lib_music.schedule.choreography import Look, animate
from lib_music.schedule.overrides import Formula, Overrides, Pin
from lib_music.schedule.parameters import PARAMETERS
from lib_music.schedule.preset_file import (
    MAX_BYTES,
    Own,
    leads_to,
    parse_preset,
    preset_document,
    read_own,
    read_preset,
    renamed,
    write_own,
    write_preset,
)
from lib_music.schedule.presets import PRESETS, Preset
from lib_music.schedule.routes import Route
from tests.music import song

SONG = song()

MINE = (Formula("zoom", "1+0.1*beat_phase", frozenset({"drop"})), Formula("strength_schedule", "0.6", on=False))


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_comes_back_as_it_was(name: str, tmp_path: Path) -> None:
    preset = renamed(PRESETS[name], "Meins – größer")
    write_preset(tmp_path / "mine.json", preset, MINE)
    found, formulas = read_preset(tmp_path / "mine.json")
    assert found == preset and formulas == MINE and found.name == "Meins – größer"
    own = Own(preset, Overrides((Pin(1.5, "zoom", 2.0, 0.5, False),), MINE))
    write_own(tmp_path / "routes.json", own)
    assert read_own(tmp_path / "routes.json") == own and read_own(tmp_path / "none.json") == Own()


def test_the_least_that_is_a_preset() -> None:
    rows = [{"source": "steady", "parameter": "zoom", "rest": 1.1}]
    text = json.dumps({"format": "music-visualizer preset", "version": 1, "routes": rows})
    preset, formulas = parse_preset("\ufeff" + text)
    assert preset.routes == (Route("steady", "zoom", 1.1, 1.1),) and (preset.cadence, dict(preset.hits)) == (2, {})
    assert formulas == ()


def changed(**more: Any) -> dict[str, Any]:
    return {**preset_document(PRESETS["hip-hop"], MINE), **more}


def row(**more: Any) -> dict[str, Any]:
    made = {"source": "hits", "parameter": "zoom", "shape": "nod", "rest": 1.0, "hit": 1.1, "release": 0.3}
    return changed(routes=[{"source": "steady", "parameter": "angle", "rest": 1.0}, {**made, **more}])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (changed(version=2), "version 2"), (changed(format="other"), "no preset of Music Visualizer"),
        ([], "no object"), (5, "no object"),
        (changed(more=1), "'more' is not known"), (changed(name=""), "its name"),
        (changed(name="a\x00b"), "its name"),
        (changed(name="x" * 61), "its name"), (changed(name=5), "its name"), (changed(cadence=0), "cadence 0"),
        (changed(cadence=2.5), "not whole"), (changed(cadence="2"), "no number"), (changed(hits=[]), "hits"),
        (changed(hits={"solo": "beats"}), "'solo' is no role"), (changed(hits={"drop": "always"}), "drop 'always'"),
        (changed(hits={"drop": None}), "drop 'None'"), (changed(routes={}), "routes is no list"),
        (changed(routes=[5]), "row 1 of routes"),
        (changed(routes=[{}] * 301), "301 rows"), (row(source="noise"), "row 2 of routes: source 'noise'"),
        (row(source=["hits"]), "source"), (row(shape="wave"), "shape 'wave'"),
        (row(parameter="strength_schedule"), "parameter"),
        (row(parameter="__class__"), "parameter"), (row(shape="level", parameter="seed_schedule"), "parameter"),
        (row(hit=0), "hit 0"), (row(hit="1"), "hit '1'"), (row(hit=True), "hit 'True'"),
        (row(hit=10**400), "so large"),
        (row(release=-1), "release -1"), (row(attack=129), "attack 129"), (row(unit="bars"), "unit 'bars'"),
        (row(sections="drop"), "sections"), (row(sections=["solo"]), "sections"),
        (row(sections=[["drop"]]), "sections"),
        (row(flip="often"), "flip"), (row(reach=0), "reach 0"), (row(on=1), "on is '1'"),
        (row(extra=1), "'extra' is not known"),
        (row(source="steady"), "a nod answers to events"), (row(source="loudness"), "a nod answers to events"),
        (changed(formulas=[{"parameter": "zoom", "formula": "2t"}]), "row 1 of formulas.*character 1"),
        (changed(formulas=[{"parameter": "zoom", "formula": "__import__('os')"}]), "row 1 of formulas"),
        (changed(formulas=[{"parameter": "zoom"}]), "row 1 of formulas"),
        (changed(formulas=[{"formula": "1"}]), "row 1 of formulas"),
        (changed(formulas=5), "formulas is no list"), (changed(formulas=[{}] * 501), "501 rows"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named_with_its_row(data: Any, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        parse_preset(json.dumps(data), "theirs.json")
    assert "theirs.json" in caught.value.message and len(str(caught.value)) < 900


@pytest.mark.parametrize(
    "text",
    ["", "x", "null", "[" * 200_000, '{"a":' * 100_000, '{"routes": [{"rest": NaN}]}', '{"cadence": Infinity}',
     "9" * 5000, '{"x": ' + "9" * 5000 + "}", "x" * (MAX_BYTES + 1), '{"routes": "' + "x" * MAX_BYTES + '"}', "\ud800"],
)  # fmt: skip
def test_bombs_and_nonsense_are_refused_at_once(text: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        parse_preset(text)
    path = tmp_path / "bomb.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(SettingsError):
        read_preset(path)
    with pytest.raises(SettingsError):
        read_own(path)


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(SettingsError, match="cannot be read"):
            read_preset(path)
    (tmp_path / "big.json").write_bytes(b" " * 10_000_000)
    with pytest.raises(SettingsError, match="larger than"):
        read_preset(tmp_path / "big.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers(-(2**70), 2**70) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
FIELDS = st.sampled_from(
    ["source", "parameter", "shape", "rest", "hit", "attack", "release", "unit", "sections", "flip", "reach", "on"]
)


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(st.sampled_from(["name", "title", "cadence", "hits", "routes", "formulas", "version"]), JSON),
       st.dictionaries(FIELDS, JSON))  # fmt: skip
def test_whatever_is_in_it_it_is_read_or_refused(top: dict[str, Any], fields: dict[str, Any]) -> None:
    for data in (changed(**top), row(**fields)):
        try:
            preset, formulas = parse_preset(json.dumps(data))
        except InputError as error:
            assert len(str(error)) < 900
        else:
            assert parse_preset(json.dumps(preset_document(preset, formulas)))[0] == preset


def alone(preset: Preset, mode: Any) -> Animation:
    """A song moved by a preset that may have next to nothing in it."""
    board = make_storyboard([Text("a")], SONG.sections, negative=Text(""), style=Text(""), seed=7)
    prompts = board.resolve(SONG.sections)
    return animate(SONG, prompts, preset=preset, fps=Fraction(24), look=Look(mode=mode))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_row_that_is_taken_makes_a_video(data: st.DataObject) -> None:
    """Each alone, without what it usually stands on: no rest, no hits, whatever order."""
    shape = data.draw(st.sampled_from(["rate", "nod", "level"]))
    parameter = data.draw(st.sampled_from(leads_to(shape)))
    source = data.draw(st.sampled_from(["steady", "hits", "drops", "leads", "stills", "loudness", "kick"]))
    low, high = (0.3, 0.9) if parameter != "zoom" else (0.9, 1.4)
    if shape == "level":
        known = PARAMETERS.get(parameter)
        low, high = (known.low, min(known.high, 300.0)) if known else (0.0, 2.0)
    made = {
        "source": source, "parameter": parameter, "shape": shape,
        "rest": data.draw(st.floats(low, high)), "hit": data.draw(st.floats(low, high)),
        "attack": data.draw(st.floats(0, 8)), "release": data.draw(st.floats(0, 8)),
        "unit": data.draw(st.sampled_from(["seconds", "beats"])),
        "flip": data.draw(st.sampled_from(["", "phrase", "event"])),
        "sections": data.draw(st.lists(st.sampled_from(["verse", "drop", "chorus"]), max_size=3, unique=True)),
    }  # fmt: skip
    try:
        preset = parse_preset(json.dumps(changed(routes=[made], formulas=[])))[0]
    except SettingsError:
        assert shape == "nod" and source in ("steady", "loudness", "kick")
        return
    for mode in ("2D", "3D"):
        assert build_settings(alone(preset, mode), batch_name="x")["max_frames"] > 700


def test_renaming_refuses_what_is_no_name() -> None:
    for name in ("", " ", "a\nb", "x" * 61):
        with pytest.raises(SettingsError):
            renamed(PRESETS["ambient"], name)
    assert renamed(PRESETS["ambient"], " Mine ").name == "Mine"
