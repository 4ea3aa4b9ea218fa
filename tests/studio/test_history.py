"""Undo and redo over all edits of the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.errors import InputError
from lib_music.studio import history
from lib_music.studio.edited_files import EDITED
from lib_music.studio.history import History, State
from lib_music.studio.motion import Motion
from lib_music.studio.song import act
from lib_music.studio.studio import Studio
from lib_music.studio.video import set_motion
from lib_music.studio.view import view
from lib_music.studio.workspace import find_project
from tests.studio.places import heard, studio_in


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return studio_in(tmp_path)


def without_steps(shown: dict[str, Any]) -> dict[str, Any]:
    """All that the page draws but the offer of undo and redo, and how much disk is free and taken."""
    takes = {key: value for key, value in shown["takes"].items() if key != "sizes"}
    return json.loads(json.dumps({**{key: value for key, value in shown.items() if key != "history"}, "takes": takes}))


EDITS: list[dict[str, Any]] = [
    {"do": "row", "section": 0, "prompt": "a lighthouse"},
    {"do": "row", "section": 2, "negative": "fog"},
    {"do": "tempo", "factor": 2},
    {"do": "downbeat", "by": 1},
    {"do": "nudge", "ms": 20},
    {"do": "label", "section": 1, "name": "bridge", "all": False},
    {"do": "role", "section": 1, "role": "break"},
    {"do": "link", "section": 2, "linked": False},
    {"do": "style", "text": "oil on wood"},
    {"do": "negative", "text": "blurry"},
    {"do": "cover", "use": "none"},
    {"do": "take_candidate", "index": 0},
    {"do": "candidates", "texts": ["a raft", "a whale", "a tower"]},
    {"do": "title", "text": "Another Title"},
    {"do": "artist", "text": "One; Two"},
    {"do": "captioner", "id": "palette"},
    {"do": "reset_hearing"},
]


def test_every_edit_goes_back_and_comes_again(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "TOGETHER", 0.0)
    name = heard(studio)
    shown = [without_steps(view(studio, name))]
    for edit in EDITS:
        after = without_steps(act(studio, name, edit))
        if after != shown[-1]:
            shown.append(after)
    after = without_steps(set_motion(studio, name, Motion(intensity=0.5)))
    shown.append(after)
    assert len(shown) > 12
    for before in reversed(shown[:-1]):
        assert without_steps(act(studio, name, {"do": "undo"})) == before
    assert view(studio, name)["history"]["undo"] is None
    for later in shown[1:]:
        assert without_steps(act(studio, name, {"do": "redo"})) == later
    assert view(studio, name)["history"] == {"undo": "motion", "redo": None}


def test_steps_outlive_the_process_and_a_new_edit_forgets_what_was_undone(studio: Studio) -> None:
    name = heard(studio)
    act(studio, name, {"do": "style", "text": "one"})
    act(studio, name, {"do": "negative", "text": "two"})
    act(studio, name, {"do": "undo"})
    again = studio_in(studio.host.workspace().parent)
    assert view(again, name)["history"] == {"undo": "style", "redo": "negative prompt"}
    shown = act(again, name, {"do": "cover", "use": "palette"})
    assert shown["history"] == {"undo": "use of the cover", "redo": None}
    assert (shown["style"], shown["negative"]) == ("one", view(again, name)["negative"])


def test_nothing_to_undo_is_said_and_changes_nothing(studio: Studio) -> None:
    name = heard(studio)
    before = view(studio, name)
    for do in ("undo", "redo"):
        with pytest.raises(InputError, match=f"nothing to {do}"):
            act(studio, name, {"do": do})
    assert without_steps(view(studio, name)) == without_steps(before)


def test_a_refused_edit_is_no_step(studio: Studio) -> None:
    name = heard(studio)
    with pytest.raises(InputError):
        act(studio, name, {"do": "row", "section": 99, "prompt": "x"})
    assert view(studio, name)["history"]["undo"] is None


def test_a_field_that_is_no_text_is_no_trouble(studio: Studio) -> None:
    name = heard(studio)
    shown = act(studio, name, {"do": "style", "text": "one", "role": "\ud800"})
    assert (shown["style"], shown["history"]["undo"]) == ("one", "style")


def test_what_was_made_elsewhere_is_a_step_of_its_own(studio: Studio) -> None:
    name = heard(studio)
    act(studio, name, {"do": "style", "text": "one"})
    path = find_project(studio.host, name).path("prompts.json")
    found = json.loads(path.read_text("utf-8"))
    found["texts"][0] = "made by Produce prompts"
    path.write_text(json.dumps(found), "utf-8")
    act(studio, name, {"do": "negative", "text": "two"})
    assert act(studio, name, {"do": "undo"})["candidates"][0]["text"] == "made by Produce prompts"
    shown = act(studio, name, {"do": "undo"})
    assert (shown["candidates"][0]["text"], shown["style"]) == ("a ship", "one")


def test_what_stays_on_the_way_back_can_still_be_redone(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "TOGETHER", 0.0)
    name = heard(studio)
    project = find_project(studio.host, name)
    kept = {file: project.path(file).read_bytes() for file in history.PRODUCED if project.path(file).is_file()}
    for file in kept:
        project.path(file).unlink()
    set_motion(studio, name, Motion(intensity=0.5))
    for file, content in kept.items():
        project.path(file).write_bytes(content)
    act(studio, name, {"do": "style", "text": "one"})
    after = without_steps(act(studio, name, {"do": "style", "text": "two"}))
    steps = 0
    while view(studio, name)["history"]["undo"] is not None:
        act(studio, name, {"do": "undo"})
        steps += 1
    assert steps >= 3
    for _ in range(steps):
        shown = act(studio, name, {"do": "redo"})
    assert without_steps(shown) == after and shown["history"]["redo"] is None


def test_quick_edits_of_one_field_are_one_step(studio: Studio) -> None:
    name = heard(studio)
    for text in ("a", "a b", "a boat"):
        act(studio, name, {"do": "row", "section": 0, "prompt": text})
    act(studio, name, {"do": "row", "section": 1, "prompt": "else"})
    shown = act(studio, name, {"do": "undo"})
    assert shown["rows"][0]["prompt"] == "a boat"
    assert act(studio, name, {"do": "undo"})["rows"][0]["prompt"] == "a ship"


def test_a_damaged_history_begins_anew_and_loses_no_edit(studio: Studio) -> None:
    name = heard(studio)
    act(studio, name, {"do": "style", "text": "one"})
    index = find_project(studio.host, name).path("history") / "index.json"
    for damage in ("", "[]", '{"format": "music-visualizer history", "states": [{}], "now": 5}', "{" * 5000):
        index.write_text(damage, "utf-8")
        assert view(studio, name)["history"] == {"undo": None, "redo": None}
        assert act(studio, name, {"do": "style", "text": f"two {len(damage)}"})["history"]["undo"] == "style"


def test_a_state_whose_files_are_gone_is_refused(studio: Studio) -> None:
    name = heard(studio)
    act(studio, name, {"do": "style", "text": "one"})
    for kept in find_project(studio.host, name).path("history").iterdir():
        if kept.name != "index.json":
            kept.write_bytes(b"other")
    with pytest.raises(InputError, match="no longer kept"):
        act(studio, name, {"do": "undo"})
    assert view(studio, name)["style"] == "one"


def test_the_history_stays_small(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "TOGETHER", 0.0)
    monkeypatch.setattr(history, "MOST", 5)
    name = heard(studio)
    for n in range(12):
        act(studio, name, {"do": "style", "text": f"style {n}"})
    folder = find_project(studio.host, name).path("history")
    assert len(list(folder.iterdir())) <= 1 + 5 * len(EDITED)
    for n in (10, 9, 8, 7):
        assert act(studio, name, {"do": "undo"})["style"] == f"style {n}"
    with pytest.raises(InputError):
        act(studio, name, {"do": "undo"})


KEYS = st.sampled_from([str(n) * 64 for n in range(4)])


@given(st.lists(st.one_of(KEYS, st.sampled_from([-1, 1])), max_size=40))
@settings(max_examples=200, deadline=None)
def test_walking_back_and_forth_ends_where_a_plain_list_would(walk: list[Any]) -> None:
    history_, plain, at = History((State({"motion.json": "f" * 64}),), 0), ["f" * 64], 0
    for turn in walk:
        if isinstance(turn, int):
            at = min(max(at + turn, 0), len(plain) - 1)
            history_ = History(history_.states, at)
        else:
            if plain[at] != turn:
                plain, at = [*plain[: at + 1], turn], at + 1
            history_ = history_.after(State({"motion.json": turn}))
        assert [state.files["motion.json"] for state in history_.states] == plain
        assert history_.now == at
