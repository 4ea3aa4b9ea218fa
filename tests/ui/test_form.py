"""Boxes read as foreign input, without gradio."""

import json
from types import SimpleNamespace

import pytest

from lib_music.errors import InputError
from lib_music.studio.motion import Motion
from lib_music.ui import form
from lib_music.ui.shown import REFUSED, Update, chosen, error_lines, lines, link

CHOICES = {"preset": ("auto", "ambient"), "sampler": ("Euler a", "DDIM"), "renderer": ("animatic", "deforum")}
BOXES = {
    "preset": "ambient", "intensity": 1.5, "fps": "25", "cadence": 3, "width": 512.0, "height": 768, "mode": "3D",
    "start": "1:30", "length": "0:20.5", "seed": " 7 ", "sampler": "DDIM", "steps": 30, "renderer": "deforum",
    "captions": True,
}  # fmt: skip


def test_motion_goes_through_the_boxes_and_back() -> None:
    motion = Motion.from_dict(form.motion(tuple(BOXES[name] for name in form.MOTION)))
    assert (motion.start, motion.duration, motion.seed, motion.cadence, motion.height) == (90.0, 20.5, 7, 3, 768)
    filled = form.motion_boxes(motion.to_dict(), CHOICES)
    values = {name: box.value if isinstance(box, Update) else box for name, box in filled.items()}
    assert Motion.from_dict(form.motion(tuple(values[name] for name in form.MOTION))) == motion
    assert values["aspect"] == "own"


def test_empty_boxes_leave_it_open() -> None:
    boxes = {**BOXES, "start": "", "length": None, "seed": "", "cadence": 0}
    found = form.motion(tuple(boxes[name] for name in form.MOTION))
    assert (found["start"], found["duration"], found["seed"], found["cadence"]) == (0.0, None, None, None)
    back = form.motion_boxes(Motion.from_dict(found).to_dict(), CHOICES)
    assert (back["start"], back["length"], back["seed"], back["cadence"]) == ("", "", "", 0)


@pytest.mark.parametrize(("box", "text"), [("Length", "-5"), ("Length", "soon"), ("Start", "1:-2"), ("Seed", "red")])
def test_a_box_that_cannot_be_used_is_named_as_it_is_on_the_page(box: str, text: str) -> None:
    boxes = {**BOXES, box.lower(): text}
    with pytest.raises(InputError, match=f"^{box}") as caught:
        Motion.from_dict(form.motion(tuple(boxes[name] for name in form.MOTION)))
    assert caught.value.fix


def test_what_a_project_holds_is_offered_even_when_it_is_not_in_the_list() -> None:
    motion = Motion(fps="30000/1001", sampler="My own sampler")
    filled = form.motion_boxes(motion.to_dict(), CHOICES)
    assert filled["fps"].choices == (*form.FPS, "30000/1001")
    assert filled["sampler"].value == "My own sampler" and "My own sampler" in filled["sampler"].choices


@pytest.mark.parametrize("seconds", [0.1, 59.9996, 60, 61.25, 3599.5, 7200])
def test_times_are_written_as_they_are_read(seconds: float) -> None:
    from lib_music.given import read_time

    assert read_time(form.clock(seconds)) == pytest.approx(seconds, abs=0.0006)


@pytest.mark.parametrize("value", [5, [], {}, True, 1.5, b"x", "x" * 5000])
def test_a_line_is_a_text_of_some_length(value: object) -> None:
    with pytest.raises(InputError, match="Title"):
        form.line(value, "Title")


@pytest.mark.parametrize("value", [None, "1", True, float("nan"), float("inf"), 10**400, [1]])
def test_a_number_is_a_finite_one(value: object) -> None:
    with pytest.raises(InputError, match="Steps"):
        form.number(value, "Steps")


def test_files() -> None:
    assert form.sent_file(None, "Song") is None
    assert str(form.sent_file("/tmp/x.wav", "Song")) == "/tmp/x.wav"
    assert str(form.sent_file(SimpleNamespace(name="/tmp/y.wav"), "Song")) == "/tmp/y.wav"
    for foreign in (REFUSED, 5, ["/etc/passwd"], SimpleNamespace(name=7)):
        with pytest.raises(InputError, match="was not sent"):
            form.sent_file(foreign, "Song")


def test_found_text_never_becomes_markup() -> None:
    evil = '<img src=x onerror="alert(1)">'
    for html in (lines(evil), error_lines(InputError(evil, evil)), link('x" onclick="y', evil)):
        assert "<img" not in html and 'onclick="y' not in html
    assert lines("") == ""


def test_updates_change_what_they_name_only() -> None:
    assert Update(visible=False).changes() == {"visible": False}
    assert chosen("a", ("a", "b")).changes() == {"choices": ["a", "b"], "value": "a"}


def test_messages_are_objects() -> None:
    assert form.message('{"a": 1}') == {"a": 1} and form.message("") == {} and form.message(None) == {}
    for text in ("[]", "{", "[" * 50_000, json.dumps("x"), "x" * 2_000_000, 5):
        with pytest.raises(InputError):
            form.message(text)
