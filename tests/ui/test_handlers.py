"""The page's handlers as plain functions, without gradio and without a browser."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from lib_music.errors import InputError
from lib_music.studio import song as song_module
from lib_music.studio.host import Choice, Model
from lib_music.studio.motion import Motion, read_motion
from lib_music.studio.plain import PlainHost
from lib_music.studio.studio import Studio, studio_of
from lib_music.studio.workspace import find_project
from lib_music.ui import form, told
from lib_music.ui.handlers import Page
from lib_music.ui.shown import Shown, Update
from tests.studio.places import SUGGESTED, finished, heard, sound, studio_in
from tests.studio.test_stills import Gpu

BOXES: dict[str, Any] = {
    **{name: box.value if isinstance(box, Update) else box for name, box in form.motion_boxes(
        Motion(width=64, height=64).to_dict(),
        {"preset": ("auto",), "sampler": ("Euler a",), "renderer": ("animatic",)},
    ).items()},
}  # fmt: skip
WORDS = ("", "", "", "", "", "", "", "start")


def boxes(**changed: Any) -> tuple[Any, ...]:
    return tuple({**BOXES, **changed}[name] for name in form.MOTION)


def act(page: Page, project: str, **action: Any) -> Shown:
    return page.act(json.dumps({"project": project, "action": action}))


def poll(page: Page, project: str, revision: str = "", mark: str = "", words: tuple[Any, ...] = ()) -> Shown:
    return page.poll(json.dumps({"project": project, "revision": revision}), mark, *words)


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    return studio_in(tmp_path)


@pytest.fixture
def page(studio: Studio) -> Page:
    return Page(studio)


def test_a_page_that_was_open_is_found_again(page: Page, studio: Studio) -> None:
    name = heard(studio)
    shown = page.attach(json.dumps({"project": name}))
    assert shown["project"] == name and json.loads(shown["view"])["sections"]
    assert [shown[f"candidate_{n}"] for n in range(1, 6)] == [*SUGGESTED, "", ""]
    assert {box for box in form.MOTION if box in shown} == set(form.MOTION)


def test_a_project_that_is_gone_is_told_and_forgotten(page: Page) -> None:
    shown = page.attach('{"project": "gone-20260101000000"}')
    assert "no such project" in shown["said_song"]
    assert json.loads(shown["view"]) == {"project": ""} and shown["project"] == ""


def test_somebody_new_finds_the_running_job(page: Page, studio: Studio) -> None:
    name = heard(studio)

    def work(reporter: Any) -> dict[str, str]:
        while not reporter.should_stop():
            time.sleep(0.01)
        reporter.check()
        return {}

    job = studio.jobs.submit("visualize", name, work)
    try:
        shown = page.attach("{}")
        assert shown["project"] == name
        assert json.loads(shown["status"])["jobs"][0]["id"] == job.id
        # The button stops it, and so does the card of the job.
        assert page.interrupt(name)["said_visualize"] == ""
        assert finished(studio, job).state == "interrupted"
    finally:
        studio.jobs.interrupt(job.id)


def test_a_shape_that_was_kept_brings_its_size(page: Page) -> None:
    shown = page.attach("{}", "9:16")
    assert (shown["width"], shown["height"]) == (576, 1024)
    assert "width" not in page.attach("{}", "own") and "width" not in page.attach("{}", ["9:16"])


def test_a_poll_gives_the_view_only_when_it_changed(page: Page, studio: Studio) -> None:
    name = heard(studio)
    shown = poll(page, name)
    revision, mark = json.loads(shown["view"])["revision"], shown["mark"]
    assert poll(page, name, revision, mark).keys() == {"status"}
    act(page, name, do="tempo", factor=2)
    again = poll(page, name, revision, mark)
    assert json.loads(again["view"])["revision"] != revision
    assert "candidate_1" not in again, "boxes in which somebody may be typing stay as they are"


def test_what_was_typed_before_the_song_is_kept(page: Page, studio: Studio) -> None:
    name = heard(studio)
    typed = ("", "my (own:1.2) words", "", "", "", "oil", "", "none")
    shown = poll(page, name, words=typed)
    assert shown["candidate_1"] == SUGGESTED[0] and shown["candidate_2"] == "my (own:1.2) words"
    assert shown["style"] == "oil" and shown["cover_use"] == "none"
    view = json.loads(shown["view"])
    assert view["candidates"][1] == {"text": "my (own:1.2) words", "suggested": SUGGESTED[1]}


def test_nothing_typed_changes_nothing(page: Page, studio: Studio) -> None:
    name = heard(studio)
    board = find_project(studio.host, name).path("storyboard.json")
    before = board.read_bytes()
    shown = poll(page, name, words=WORDS)
    assert shown["candidate_1"] == SUGGESTED[0] and board.read_bytes() == before


def test_words_are_kept_to_the_letter_and_written_once(page: Page, studio: Studio) -> None:
    name = heard(studio)
    craft = "x <lora:a:0.7> (b:1.2) [c:d:3] AND BREAK --neg e"
    shown = page.words(name, craft, *SUGGESTED[1:], "", "", "s", "n", "palette", "", "", "palette")
    view = json.loads(shown["view"])
    assert view["candidates"][0]["text"] == craft and view["rows"][0]["prompt"] == craft
    assert (view["style"], view["negative"], view["cover_use"]) == ("s", "n", "palette")
    assert "view" not in page.words(name, craft, *SUGGESTED[1:], "", "", "s", "n", "palette", "", "", "palette")


def test_every_correction_button_corrects(page: Page, studio: Studio) -> None:
    name = heard(studio)
    tempo = json.loads(poll(page, name)["view"])["song"]["tempo"]
    shown = page.hearing({"do": "tempo", "factor": 2})(name)
    assert json.loads(shown["view"])["song"]["tempo"] == pytest.approx(2 * tempo)
    assert "said_hearing" in page.hearing({"do": "downbeat", "by": 1})(name)
    nudged = json.loads(page.nudge(name, 25)["view"])
    assert nudged["hearing"]["nudge_ms"] == 25
    back = json.loads(page.act(json.dumps({"project": name, "action": {"do": "reset_hearing"}}))["view"])
    assert back["song"]["tempo"] == pytest.approx(tempo) and not back["hearing"]["edited"]


def test_a_refused_edit_is_told_where_the_person_looks(page: Page, studio: Studio) -> None:
    name = heard(studio)
    for action, part in (
        ({"do": "border", "from": 1e300, "to": 2}, "hearing"),
        ({"do": "row", "section": 99, "prompt": "x"}, "prompts"),
        ({"do": "open", "typed": "nonsense"}, "resume"),
        ({"do": "preview", "start": 5, "end": 1}, "preview"),
        ({"do": "__class__"}, "hearing"),
    ):
        shown = act(page, name, **action)
        assert "music-visualizer-error" in shown[f"said_{part}"], action
        assert "unexpected" not in shown[f"said_{part}"] and "view" not in shown


def test_a_fault_of_ours_is_one_line(page: Page, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    name = heard(studio)

    def broken(*_: object) -> None:
        raise KeyError("<b>bold</b>")

    monkeypatch.setattr(song_module, "act", broken)
    said = act(page, name, do="tempo", factor=2)["said_hearing"]
    assert "unexpected KeyError" in said and "<b>" not in said and "Traceback" not in said
    assert "unexpected KeyError" in page.nudge(name, 1)["said_hearing"]


def test_a_new_project_begins_with_the_motion_in_the_boxes(page: Page, studio: Studio, tmp_path: Path) -> None:
    first = sound(tmp_path / "gradio" / "a" / "one.wav")
    second = sound(tmp_path / "gradio" / "b" / "two.wav", seconds=2.5)
    given = ("", "", "", None, "", "", "palette")

    def produced(project: str, upload: Path, values: tuple[Any, ...]) -> str:
        shown = page.produce(project, "", str(upload), *given[2:], False, False, False, None, *values)
        assert shown["said_song"] == ""
        finished(studio, studio.jobs.all()[0])
        return str(shown["project"])

    one = produced("", first, boxes(fps="30", length="0:01", seed="7"))
    kept = read_motion(studio.host, find_project(studio.host, one))
    assert (kept.fps, kept.width, kept.duration, kept.seed) == ("30", 64, 1.0, 7)
    two = produced(one, second, boxes(fps="60", length="0:01", seed="7"))
    kept = read_motion(studio.host, find_project(studio.host, two))
    assert two != one and (kept.fps, kept.duration, kept.seed) == ("60", None, None)
    three = produced("", first, boxes(width=63, length="x"))
    assert read_motion(studio.host, find_project(studio.host, three)).width == 512


def test_a_renderer_that_cannot_be_used_is_told_with_the_way_on(page: Page, studio: Studio) -> None:
    name = heard(studio)
    said = page.visualize(name, *boxes(renderer="deforum"))["said_visualize"]
    assert "cannot be used now" in said and "--webui" in said
    assert studio.jobs.all() == ()


def test_one_picture_is_painted_to_learn_what_is_not_known(tmp_path: Path) -> None:
    pressed = threading.Event()

    class Painter(PlainHost):
        def renderers(self) -> tuple[Choice, ...]:
            return (Choice("deforum", "Deforum"),)

        def warm_up(self, width: int, height: int, sampler: str, steps: int) -> float | None:
            assert (width, height, steps) == (64, 64, 20)
            assert pressed.wait(60)
            return 0.5

    studio = studio_of(Painter(tmp_path / "ws"))
    page, name = Page(studio), heard(studio)
    for _ in range(3):
        cost = json.loads(page.estimate(name, *boxes(renderer="deforum"))["view"])["cost"]
        assert cost["seconds"] is None and cost["diffusions"] > 0
    pressed.set()
    jobs = studio.jobs.all()
    assert [job.kind for job in jobs] == ["warm-up"], "pressed again it waits for the same"
    assert finished(studio, jobs[0]).state == "done"
    assert json.loads(page.estimate(name, *boxes(renderer="deforum"))["view"])["cost"]["seconds"] > 0
    assert len(studio.jobs.all()) == 1


def test_undo_and_redo_fill_the_boxes_again(page: Page, studio: Studio) -> None:
    name = heard(studio)
    ask = lambda do: page.act(json.dumps({"project": name, "action": do}))  # noqa: E731
    before = ask({"do": "style", "text": "oil on wood"})
    assert "style" not in before, "what the person types is not typed over"
    assert ask({"do": "undo"})["style"] == "" and ask({"do": "redo"})["style"] == "oil on wood"
    assert "nothing to redo" in ask({"do": "redo"})["said_hearing"]


def test_a_typed_title_comes_back_by_undo_also_after_a_reload(page: Page, studio: Studio) -> None:
    name = heard(studio)
    words = (*SUGGESTED, "", "", "", "", "start")
    typed = page.words(name, *words, " Typed ", "One; Two", "palette")
    assert json.loads(typed["view"])["said"]["title"] == "Typed" and "title" not in typed
    assert "view" not in page.words(name, *words, "Typed", "One; Two", "palette"), "written once"
    reloaded = Page(studio_of(studio.host))
    shown = reloaded.attach(json.dumps({"project": name}))
    assert (shown["title"], shown["artist"], shown["captioner"]) == ("Typed", "One; Two", "palette")
    assert (act(reloaded, name, do="undo")["title"], act(reloaded, name, do="undo")["title"]) == ("Typed", "")
    assert act(reloaded, name, do="redo")["title"] == "Typed"
    assert page.act(json.dumps({"project": name, "action": {"do": "delete_project", "confirm": name}}))["title"] == ""


def test_a_still_is_handed_to_the_hosts_paste_with_its_infotext(tmp_path: Path) -> None:
    studio = studio_of(Gpu(tmp_path / "visuals"))
    page, name = Page(studio), heard(studio)
    page.motion(name, *boxes(renderer="deforum"))
    ask = lambda do: page.act(json.dumps({"project": name, "action": do}))  # noqa: E731
    assert "no still yet" in ask({"do": "send_still", "section": 1})["said_preview"]
    ask({"do": "still", "section": 1})
    finished(studio, studio.jobs.all()[0])
    sent = ask({"do": "send_still", "section": 1, "press": "first"})
    picture = sent["still_image"].changes()
    assert picture["value"].size[0] >= 64 and picture["label"] == "first" and "Seed: " in sent["still_text"]
    assert "there is no section" in ask({"do": "send_still", "section": "x"})["said_preview"]
    plain = Page(studio_of(PlainHost(tmp_path / "plain")))
    assert "no other tab" in plain.act('{"project": "x", "action": {"do": "send_still", "section": 1}}')["said_preview"]


def test_another_checkpoint_is_offered_and_loaded_on_the_persons_word(tmp_path: Path) -> None:
    class Painter(PlainHost):
        loaded = Model("now", "1")

        def model(self) -> Model:
            return self.loaded

        def switch_model(self, model: Model) -> None:
            if model.checkpoint == "gone":
                raise InputError("the WebUI does not have gone", "choose another")
            self.loaded = model

    from lib_music.studio.record import Painted, write_painted

    host = Painter(tmp_path / "ws")
    studio = studio_of(host)
    page, name = Page(studio), heard(studio)
    project = find_project(host, name)
    for checkpoint in ("then", "gone"):
        write_painted(project, Painted("deforum", Motion(), Model(checkpoint, f"hash of {checkpoint}")))
        shown = page.resume(name.rsplit("-", 1)[1])
        assert shown["switch_model"] == Update(visible=True) and checkpoint in shown["said_resume"]
        assert host.loaded != Model(checkpoint, f"hash of {checkpoint}"), "never silently"
        switched = page.switch(name)
        if checkpoint == "then":
            assert host.loaded.checkpoint == "then" and switched["switch_model"] == Update(visible=False)
        else:
            assert "does not have gone" in switched["said_resume"]


def test_what_was_told_of_another_song_goes_when_one_is_opened(page: Page, studio: Studio) -> None:
    name = heard(studio)
    assert "there is no song yet" in page.preview("", "", *boxes())["said_preview"]
    opened = page.resume(name)
    assert opened["project"] == name
    assert all(opened[f"said_{part}"] == "" for part in ("hearing", "preview", "visualize"))


def test_interrupt_says_when_there_is_nothing_to_interrupt(page: Page, studio: Studio) -> None:
    assert "Nothing is running" in page.interrupt(heard(studio))["said_visualize"]


def test_an_answer_goes_out_in_time() -> None:
    asked = threading.Event()
    assert told.within(60.0, lambda: "done", otherwise="later") == "done"
    assert told.within(0.05, lambda: asked.wait(60) and "done", otherwise="later") == "later"
    asked.set()
    with pytest.raises(InputError):
        told.within(60.0, lambda: (_ for _ in ()).throw(InputError("x")), otherwise=None)
