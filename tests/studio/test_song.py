"""Produce prompts and edits: as the page asks for them, with whatever it may send."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib_music.demo.compose import compose, write
from lib_music.demo.cover import draw_cover
from lib_music.errors import InputError, ProjectBusyError, ProjectError
from lib_music.studio.estimate import set_up
from lib_music.studio.hearing import HEARING
from lib_music.studio.job import JobReporter
from lib_music.studio.known import known
from lib_music.studio.motion import read_motion
from lib_music.studio.rows import PROMPTS
from lib_music.studio.song import act, produce
from lib_music.studio.song_input import SongInput
from lib_music.studio.studio import Studio
from lib_music.studio.view import view
from lib_music.studio.workspace import find_project, new_project
from tests.music import song
from tests.studio.places import files_of, finished, heard, plain, settled, sound, studio_in

CRAFT = "<lora:name:0.7> (word:1.2) [a:b:9] a AND b BREAK embedding:x --neg fish `0.5+t/100`"
PLAN = (("verse", 4), ("chorus", 4), ("verse", 4), ("drop", 4))


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "sent"))
    monkeypatch.setenv("MUSIC_VISUALIZER_CACHE", str(tmp_path_factory.getbasetemp() / "shared-cache"))


@pytest.fixture(scope="session")
def tune(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write(compose(4, bpm=128, plan=PLAN), tmp_path_factory.mktemp("tune") / "tune.wav").read_bytes()


@pytest.fixture
def sent(tmp_path: Path, tune: bytes) -> Path:
    path = tmp_path / "sent" / "0f" / "The Band - A <b>Song<_b>.wav"
    path.parent.mkdir(parents=True)
    path.write_bytes(tune)
    return path


def produced(studio: Studio, given: SongInput) -> str:
    job = finished(studio, produce(studio, given))
    assert job.state == "done", (job.error, job.fix)
    return job.project


def test_an_upload_becomes_a_project_that_outlives_it(tmp_path: Path, sent: Path) -> None:
    studio = studio_in(tmp_path)
    cover = draw_cover(4, tmp_path / "sent" / "c.png", 64)
    name = produced(studio, SongInput(upload=sent, cover=cover, artist="Simon; Garfunkel", title="<img onerror=1>"))
    sent.unlink()
    cover.unlink()
    shown = plain(view(studio, name))
    assert shown["song"]["title"] == "<img onerror=1>" and shown["song"]["artists"] == ["Simon", "Garfunkel"]
    assert shown["song"]["sources"] == {"title": "typed", "artists": "typed", "cover": "own file"}
    assert shown["song"]["tempo"] == pytest.approx(128, abs=0.5) and not shown["song"]["warnings"]
    assert "song.wav" in shown["song"]["audio_url"] and "cover.png" in shown["song"]["cover_url"]
    assert len(shown["candidates"]) == 5 and len(shown["rows"]) == len(shown["sections"]) > 2
    again = produced(studio, SongInput(project=name))
    assert again == name and view(studio, name)["song"]["title"] == "<img onerror=1>"


def test_the_files_own_name_is_read_though_the_copy_has_another(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    upload = sound(tmp_path / "sent" / "The Band - My <b>Song.wav", 3)
    card = view(studio, produced(studio, SongInput(upload=upload)))["song"]
    assert (card["title"], card["artists"]) == ("My <b>Song", ["The Band"])
    assert card["sources"]["title"] == "file name"


def test_title_artists_and_cover_go_back_before_and_after_they_counted(tmp_path: Path, sent: Path) -> None:
    studio = studio_in(tmp_path)
    covers = [draw_cover(seed, tmp_path / "sent" / f"c{seed}.png", 64) for seed in (4, 5)]
    pictures = [cover.read_bytes() for cover in covers]
    name = produced(studio, SongInput(upload=sent, cover=covers[0], title="One"))
    assert view(studio, name)["history"]["undo"] is None, "what a song begins with is no step"
    act(studio, name, {"do": "title", "text": "Two"})
    shown = act(studio, name, {"do": "artist", "text": "Simon; Garfunkel"})
    assert shown["song"]["title"] == "One"
    assert "the title and the artists will count" in shown["song"]["warnings"][-1]
    both = {"title": "Two", "artist": "Simon; Garfunkel"}
    produced(studio, SongInput(project=name, cover=covers[1], as_shown=True, **both))
    shown = view(studio, name)
    assert (shown["song"]["title"], shown["song"]["artists"]) == ("Two", ["Simon", "Garfunkel"])
    assert not shown["song"]["warnings"]

    # After a reload, as from another process.
    again = studio_in(tmp_path)
    shown = act(again, name, {"do": "undo"})
    while shown["said"]["title"] != "One":
        assert (shown["said"]["title"], shown["song"]["title"]) == ("Two", "Two")
        shown = act(again, name, {"do": "undo"})
    assert shown["said"]["artist"] == ""
    assert "the title and the artists and the cover will count" in shown["song"]["warnings"][-1]
    produced(again, SongInput(project=name, title="One", as_shown=True))
    shown = view(again, name)
    assert (shown["song"]["title"], shown["song"]["artists"]) == ("One", ["Music Visualizer"]), "the tags"
    request = known(find_project(again.host, name)).request
    assert request is not None and request.cover is not None and request.cover.read_bytes() == pictures[0]


def test_the_boxes_of_one_song_name_no_other(tmp_path: Path, sent: Path) -> None:
    studio = studio_in(tmp_path)
    name = produced(studio, SongInput(upload=sent, title="One", artist="Mine", as_shown=True))
    act(studio, name, {"do": "title", "text": "Typed before the file was chosen"})
    other = sound(tmp_path / "sent" / "They - Theirs.wav", 3)
    typed = "Typed before the file was chosen"
    given = SongInput(upload=other, project=name, title=typed, artist="Mine", as_shown=True)
    job = finished(studio, produce(studio, given))
    card = view(studio, job.project)["song"]
    assert (card["title"], card["artists"]) == ("Typed before the file was chosen", ["They"])
    assert any("the artists in the boxes were the other song's" in line for line in job.said)
    left = view(studio, name)
    assert left["said"]["title"] == "One" and not left["song"]["warnings"]
    assert act(studio, name, {"do": "undo"})["said"]["title"] == "Typed before the file was chosen"


@pytest.mark.parametrize(
    "action",
    [{"do": "title"}, {"do": "title", "text": 5}, {"do": "title", "text": "\ud800"},
     {"do": "artist", "text": "x" * 501}, {"do": "captioner", "id": "evil"}, {"do": "captioner", "id": ["palette"]}],
)  # fmt: skip
def test_what_cannot_be_said_of_a_song_is_refused(tmp_path: Path, action: dict[str, Any]) -> None:
    studio = studio_in(tmp_path)
    name = heard(studio)
    before = view(studio, name)["said"]
    with pytest.raises(InputError):
        act(studio, name, action)
    assert view(studio, name)["said"] == before == {"title": "", "artist": "", "captioner": "palette", "cover": ""}


@pytest.mark.parametrize("damage", ["", "[]", "{" * 5000, '{"version": 1, "title": 5}', '{"version": 1, "tune": ""}'])
def test_damaged_words_of_a_song_count_as_none(tmp_path: Path, damage: str) -> None:
    studio = studio_in(tmp_path)
    name = heard(studio)
    act(studio, name, {"do": "title", "text": "Two"})
    find_project(studio.host, name).path("said.json").write_text(damage, "utf-8")
    assert view(studio, name)["said"]["title"] == ""
    assert act(studio, name, {"do": "title", "text": "Three"})["said"]["title"] == "Three"


def test_produce_again_keeps_edits_and_shows_the_difference(tmp_path: Path, sent: Path) -> None:
    studio = studio_in(tmp_path)
    name = produced(studio, SongInput(upload=sent))
    before = view(studio, name)
    act(studio, name, {"do": "row", "section": 0, "prompt": CRAFT})
    act(studio, name, {"do": "candidates", "texts": [c["text"] for c in before["candidates"][:4]] + ["mine"]})
    act(studio, name, {"do": "tempo", "factor": 2})
    # Another title words other prompts.
    assert produced(studio, SongInput(upload=sent, title="Burning Ship", project=name)) == name
    after = view(studio, name)
    assert after["rows"][0]["prompt"] == CRAFT
    assert after["rows"][0]["suggested"] == after["candidates"][0]["text"] != before["candidates"][0]["text"]
    assert after["rows"][1]["prompt"] == after["candidates"][1]["text"] != before["rows"][1]["prompt"]
    assert after["candidates"][4]["text"] == "mine" and after["candidates"][4]["suggested"]
    assert after["hearing"]["tempo_factor"] == 2 and after["song"]["tempo"] == pytest.approx(256, abs=1)


def test_another_song_gets_a_project_of_its_own_and_corrections_stay_with_theirs(tmp_path: Path, sent: Path) -> None:
    studio = studio_in(tmp_path)
    name = produced(studio, SongInput(upload=sent))
    act(studio, name, {"do": "tempo", "factor": 0.5})
    act(studio, name, {"do": "label", "section": 1, "name": "Bridge"})
    other = produced(studio, SongInput(upload=sound(tmp_path / "sent" / "other.wav", 3), project=name))
    assert other != name and not view(studio, other)["hearing"]["edited"]
    once_more = produced(studio, SongInput(upload=sent))
    shown = view(studio, once_more)
    assert once_more != name and shown["hearing"] == view(studio, name)["hearing"]
    assert shown["sections"][1]["label"] == "Bridge" == shown["rows"][1]["label"]


def test_a_typed_path_is_played_from_a_copy_and_not_copied(tmp_path: Path) -> None:
    song_file = sound(tmp_path / "music" / "song.wav", 3)
    studio = studio_in(tmp_path, tmp_path / "music")
    name = produced(studio, SongInput(path="song.wav"))
    assert "song.wav" not in files_of(studio, name)
    assert "listen.m4a" in view(studio, name)["song"]["audio_url"]
    song_file.unlink()
    assert "gone" in view(studio, name)["song"]["warnings"][0]
    with pytest.raises(InputError, match="gone"):
        produce(studio, SongInput(project=name))


def test_what_cannot_be_used_is_told_at_once_and_leaves_nothing(tmp_path: Path, sent: Path) -> None:
    studio = studio_in(tmp_path)
    text = tmp_path / "sent" / "notes.wav"
    text.write_text("no sound " * 1000)
    empty = tmp_path / "sent" / "empty.mp3"
    empty.touch()
    secret = sound(tmp_path / "secret.wav")
    for asked, words in (
        (SongInput(), "no song"),
        (SongInput(link="https://open.spotify.com/track/1"), "22"),
        (SongInput(path="/etc/passwd"), "no file at that path"),
        (SongInput(path=str(secret)), "no file at that path"),
        (SongInput(upload=secret), "upload it again"),
        (SongInput(upload=text), "not a sound file"),
        (SongInput(upload=empty), "empty"),
        (SongInput(upload=sent, cover=text), "notes.wav"),
        (SongInput(upload=sent, cover=secret), "upload it again"),
        (SongInput(upload=sent, captioner="evil"), "captioner"),
        (SongInput(upload=sent, title="x" * 10_000_000), "characters"),
    ):
        with pytest.raises(InputError, match=words):
            produce(studio, asked)
    assert not [path for path in studio.host.workspace().iterdir() if not path.name.startswith(".")]
    assert not studio.jobs.all()


def test_a_song_that_fails_later_is_told_and_gone_with_the_next(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    upload = sound(tmp_path / "sent" / "bad.wav", 3)
    # A header that promises sound, and none behind it.
    upload.write_bytes(upload.read_bytes()[:44])
    job = finished(studio, produce(studio, SongInput(upload=upload)))
    assert job.state == "failed" and job.error and str(tmp_path) not in job.error
    assert plain(view(studio, job.project))["rows"] == []
    fine = sound(tmp_path / "sent" / "fine.wav", 3)
    name = produced(studio, SongInput(upload=fine, project=job.project))
    assert not (studio.host.workspace() / job.project).exists() and view(studio, name)["rows"]


def test_pressed_twice_makes_one_project(tmp_path: Path, sent: Path) -> None:
    studio = studio_in(tmp_path)
    jobs = [produce(studio, SongInput(upload=sent)) for _ in range(2)]
    assert jobs[0].project == jobs[1].project and jobs[0].id != jobs[1].id
    assert [finished(studio, job).state for job in jobs] == ["done", "done"]


def test_interrupted_and_produced_again(tmp_path: Path, sent: Path) -> None:
    studio = studio_in(tmp_path)
    job = produce(studio, SongInput(upload=sent))
    studio.jobs.interrupt(job.id)
    assert finished(studio, job).state == "interrupted"
    assert plain(view(studio, job.project))["song"]["audio_url"]
    assert produced(studio, SongInput(project=job.project)) == job.project
    assert view(studio, job.project)["rows"]


def test_what_is_wrong_with_a_song_stays_on_its_card(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    silent = sound(tmp_path / "sent" / "silent.wav", 3)
    silent.write_bytes(silent.read_bytes()[:44] + bytes(48_000))
    name = produced(studio, SongInput(upload=silent))
    assert any("silent" in line for line in view(studio, name)["song"]["warnings"])
    shown = act(studio, name, {"do": "row", "section": 0, "prompt": "mine"})
    assert shown["rows"][0]["prompt"] == "mine" and shown["beats"] == []


def test_a_project_with_anything_else_in_it_is_never_removed(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    begun = new_project(studio.host, "x", "0" * 64, "x.wav")
    begun.path("thesis.txt").write_text("precious")
    fine = sound(tmp_path / "sent" / "fine.wav", 3)
    produced(studio, SongInput(upload=fine, project=begun.folder.name, artist="a\ud800;\0b"))
    assert begun.path("thesis.txt").read_text() == "precious"


def test_a_project_that_was_deleted_meanwhile_is_no_obstacle(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    upload = sound(tmp_path / "sent" / "a.wav", 3)
    assert produced(studio, SongInput(upload=upload, project="gone-20200101000000")).startswith("a-")


def test_edits_are_written_while_the_project_is_painted(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    name = heard(studio)
    painting, end = threading.Event(), threading.Event()

    def paint(reporter: JobReporter) -> dict[str, str]:
        with find_project(studio.host, name) as project:
            project.begin_render(set_up(studio, name, read_motion(studio.host, project)).mark, [100], {})
            reporter.stage("render", 100)
            painting.set()
            assert end.wait(60)
        return {}

    job = studio.jobs.submit("visualize", name, paint)
    assert painting.wait(60)
    try:
        assert not any("being painted" in line for line in view(studio, name)["warnings"])
        shown = act(studio, name, {"do": "row", "section": 0, "prompt": "mine"})
        assert shown["rows"][0]["prompt"] == "mine" and "being painted" in shown["warnings"][-1]
        with pytest.raises(ProjectBusyError):
            produce(studio, SongInput(project=name))
    finally:
        end.set()
    assert finished(studio, job).state == "done"
    assert not view(studio, name)["warnings"]


def test_edits_made_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    name = heard(studio)
    edits = [{"do": "row", "section": i, "prompt": f"mine {i}"} for i in (0, 1, 3)]
    edits += [{"do": "style", "text": "s"}, {"do": "nudge", "ms": 20}, {"do": "cover", "use": "none"}]
    threads = [threading.Thread(target=act, args=(studio, name, edit)) for edit in edits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shown = view(studio, name)
    assert [row["prompt"] for row in shown["rows"]] == ["mine 0", "mine 1", "mine 0", "mine 3"]
    assert (shown["style"], shown["cover_use"], shown["hearing"]["nudge_ms"]) == ("s", "none", 20.0)


def test_everything_below_follows_the_hearing(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    name = heard(studio, song(bpm=120))
    shown = act(studio, name, {"do": "border", "from": 8.0, "to": 9.5})
    assert shown["rows"][0]["to"] == 9.5 == shown["rows"][1]["from"] == shown["sections"][1]["start"]
    shown = act(studio, name, {"do": "label", "section": 1, "name": "<img src=x onerror=alert(1)>", "all": True})
    assert shown["rows"][1]["label"] == "<img src=x onerror=alert(1)>" == shown["sections"][1]["label"]
    assert shown["rows"][1]["prompt"] == "a whale"
    doubled = act(studio, name, {"do": "tempo", "factor": 2})
    assert len(doubled["beats"]) == 2 * len(shown["beats"]) - 1 and doubled["song"]["tempo"] == 240
    back = act(studio, name, {"do": "reset_hearing"})
    assert not back["hearing"]["edited"] and [row["label"] for row in back["rows"]] == list("ABAC")
    assert back["rows"][1]["prompt"] == "a whale"


def test_a_project_of_the_command_line_can_be_edited(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    name = heard(studio)
    (studio.host.workspace() / name / "prompts.json").unlink()
    assert [c["text"] for c in view(studio, name)["candidates"]] == ["a ship", "a whale", "a tower"]
    shown = act(studio, name, {"do": "candidates", "texts": ["x", "y", "z"]})
    assert [row["prompt"] for row in shown["rows"]] == ["x", "y", "x", "z"]


HOSTILE: list[Any] = [
    None, 1, "tempo", [], [{"do": "tempo"}], {}, {"do": None}, {"do": []}, {"do": {"a": 1}}, {"do": "x" * 10**6},
    {"do": "__class__"}, {"do": "interrupt"}, {"do": "tempo"}, {"do": "tempo", "factor": float("nan")},
    {"do": "border", "from": 10**400, "to": 0}, {"do": "row", "section": 2**70, "prompt": "x"},
    {"do": "row", "section": 0, "prompt": "x" * 10**7}, {"do": "row", "section": 0, "prompt": "`9**9**9`"},
    {"do": "candidates", "texts": ["x"] * 10**5}, {"do": "candidates", "texts": ["x" * 10**7] * 5},
    {"do": "label", "section": 0, "name": "x" * 10**7}, {"do": "row", "section": 0},
]  # fmt: skip


@pytest.mark.parametrize("action", HOSTILE, ids=lambda action: repr(action)[:30])
def test_hostile_actions_end_in_a_message_and_change_nothing(tmp_path: Path, action: Any) -> None:
    studio = studio_in(tmp_path)
    name = heard(studio)
    before = files_of(studio, name)
    with pytest.raises(InputError) as error:
        act(studio, name, action)
    assert len(str(error.value)) < 900 and str(tmp_path) not in str(error.value)
    assert files_of(studio, name) == before
    for other in ("..", f"../ws/{name}", "", None, name + "/"):
        with pytest.raises(InputError, match="no such project"):
            act(studio, other, {"do": "tempo", "factor": 2})  # type: ignore[arg-type]


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=4,
)
names = ("factor", "by", "ms", "from", "to", "section", "name", "role", "all", "index", "prompt", "negative", "linked",
         "text", "texts", "use")  # fmt: skip


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from((*HEARING, *PROMPTS)), st.dictionaries(st.sampled_from(names), json_values, max_size=5))
def test_any_action_gives_a_view_or_an_error_that_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, what: str, values: dict[str, Any]
) -> None:
    studio = studio_in(tmp_path_factory.getbasetemp() / "fuzzed")
    here = [path.name for path in studio.host.workspace().iterdir() if not path.name.startswith(".")]
    name = here[0] if here else heard(studio)
    before = files_of(studio, name)
    try:
        shown = act(studio, name, {"do": what, **values})
    except InputError:
        assert files_of(studio, name) == before
    else:
        assert settled(shown) == settled(view(studio, name)) and len(shown["rows"]) == 4


def test_damaged_files_are_told_and_not_overwritten(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    name = heard(studio)
    folder = studio.host.workspace() / name
    (folder / "corrections.json").write_text("{]")
    assert "corrections.json" in view(studio, name)["warnings"][0]
    with pytest.raises(InputError, match="corrections"):
        act(studio, name, {"do": "tempo", "factor": 2})
    assert (folder / "corrections.json").read_text() == "{]"
    (folder / "storyboard.json").write_text('{"format": "music-visualizer storyboard", "version": 9}')
    shown = view(studio, name)
    assert shown["rows"] == [] and any("version" in line for line in shown["warnings"])
    with pytest.raises(InputError, match="version"):
        act(studio, name, {"do": "style", "text": "x"})
    (folder / "analysis.json").write_text("[]")
    assert view(studio, name)["sections"] == []
    with pytest.raises((InputError, ProjectError)):
        act(studio, name, {"do": "style", "text": "x"})


def test_a_view_tells_no_path_but_its_urls(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    name = heard(studio)
    (studio.host.workspace() / name / "track.json").write_text("{]")
    shown = view(studio, name)
    urls = [shown["song"].pop("cover_url"), shown["song"].pop("audio_url")]
    assert urls[1].startswith("file=") and str(tmp_path) not in json.dumps(shown)


def test_the_seed_of_a_row_is_kept_by_every_edit(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    name = heard(studio)
    path = studio.host.workspace() / name / "storyboard.json"
    document = json.loads(path.read_text())
    document["rows"][1]["seed"] = 77
    path.write_text(json.dumps(document))
    for edit in ({"do": "row", "section": 1, "prompt": "x"}, {"do": "candidates", "texts": ["u", "v"]},
                 {"do": "label", "section": 1, "name": "Z", "all": True}, {"do": "take", "section": 1}):  # fmt: skip
        act(studio, name, edit)
    rows = {row["label"]: row for row in json.loads(path.read_text())["rows"]}
    assert rows["Z"]["seed"] == 77


def test_songs_of_other_lengths_are_not_mixed(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    one, two = heard(studio), heard(studio, song(bpm=90))
    act(studio, one, {"do": "tempo", "factor": 2})
    assert view(studio, two)["hearing"]["tempo_factor"] == 1 and view(studio, two)["song"]["tempo"] == 90
