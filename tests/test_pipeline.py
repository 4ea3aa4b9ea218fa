"""The whole way, as a person goes it: through the command line, in processes that can be killed."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lib_music.audio import open_audio
from lib_music.demo.compose import compose, write
from lib_music.demo.cover import draw_cover
from lib_music.errors import ProjectBusyError, ProjectError, RangeError
from lib_music.ffmpeg import ffmpeg_exe
from lib_music.pipeline import Reporter, default_folder, make_plan, understand
from lib_music.project import Project, find_projects, fingerprint
from lib_music.prompts.captions import Caption, PaletteCaptioner
from lib_music.prompts.text import Found
from lib_music.request import Request
from lib_music.video.encode import Encoding, SegmentWriter
from lib_music.video.sync import sync_report, visual_change

PLAN = (("verse", 4), ("chorus", 4), ("drop", 4))


@pytest.fixture(scope="session")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a short song and a cover."""
    folder = tmp_path_factory.mktemp("music")
    write(compose(4, bpm=128, plan=PLAN), folder / "song.mp3")
    draw_cover(4, folder / "cover.png", 512)
    return folder


def start(*argv: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "lib_music", *map(str, argv)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def run(*argv: object, code: int = 0) -> str:
    child = start(*argv)
    out, err = child.communicate(timeout=120)
    assert child.returncode == code, (argv, out, err)
    return out + err


def render(music: Path, out: Path, *more: object) -> str:
    return run("render", music / "song.mp3", "--cover", music / "cover.png", "--size", "128x128", "--out", out, *more)


def frames_of(video: Path) -> str:
    """A digest of all decoded frames."""
    raw = subprocess.run(
        [ffmpeg_exe(), "-v", "error", "-i", str(video), "-map", "0:v:0", "-f", "framemd5", "-"],
        capture_output=True,
        check=True,
    ).stdout
    return hashlib.sha256(raw).hexdigest()


@pytest.fixture(scope="session")
def whole(music: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of one uninterrupted render."""
    os.environ["MUSIC_VISUALIZER_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    out = tmp_path_factory.mktemp("whole") / "project"
    render(music, out)
    return out


def the_video(project: Path) -> Path:
    (video,) = project.rglob("*.mp4")
    return video


def test_a_song_becomes_one_video_with_all_its_files(whole: Path) -> None:
    names = {path.name for path in whole.iterdir()}
    assert {
        "project.json",
        "track.json",
        "cover.png",
        "analysis.json",
        "storyboard.json",
        "animation.json",
        "deforum_settings.txt",
        "thumbnail.jpg",
        "log.txt",
    } <= names
    assert not [name for name in names if name.endswith((".part", ".seg", ".state"))]
    change, fps = visual_change(the_video(whole))
    audio = open_audio(the_video(whole))
    assert abs(change.size / float(fps) - audio.total) <= 1024 / 44100 + 1e-3
    assert str(whole) not in (whole / "project.json").read_text(), "paths are relative: pods move"


def test_the_video_moves_on_its_declared_hits_and_on_no_others(whole: Path) -> None:
    """The measure is taken from the mp4 alone; shifted hits and a blind strobe must fail it."""
    hits = np.array(json.loads((whole / "animation.json").read_text())["hit_times"])
    beat = 60 / 128
    video = the_video(whole)
    assert sync_report(video, hits).f_measure >= 0.9
    assert sync_report(video, hits + beat / 2).f_measure < 0.4
    strobe = np.arange(0, hits[-1], 1 / 7)
    assert sync_report(video, strobe).f_measure < 0.6


def test_sections_differ_visibly(whole: Path) -> None:
    import cv2

    from lib_music.render.pictures import delta_e

    animation = json.loads((whole / "animation.json").read_text())
    reader = cv2.VideoCapture(str(the_video(whole)))
    pictures = {}
    for section in animation["sections"]:
        reader.set(cv2.CAP_PROP_POS_FRAMES, (section["start"] + section["end"]) // 2)
        ok, picture = reader.read()
        assert ok
        pictures.setdefault(section["label"], picture[..., ::-1])
    assert len(pictures) > 1
    for a in pictures:
        for b in pictures:
            assert a == b or delta_e(pictures[a], pictures[b]) >= 15


def test_a_finished_render_is_not_done_again(music: Path, whole: Path) -> None:
    before = the_video(whole).stat().st_mtime_ns
    assert "nothing to do" in render(music, whole)
    assert the_video(whole).stat().st_mtime_ns == before


def test_ten_kills_at_random_moments_change_no_frame(music: Path, whole: Path, tmp_path: Path) -> None:
    chance, out = random.Random(7), tmp_path / "killed"
    argv = ("render", music / "song.mp3", "--cover", music / "cover.png", "--size", "128x128", "--out", out)
    again = 0
    for _ in range(10):
        child = start(*argv)
        time.sleep(chance.uniform(0.05, 2.6))
        child.send_signal(signal.SIGKILL)
        child.communicate()
        progress = out / "progress.json"
        now = json.loads(progress.read_text())["rendered_again"] if progress.is_file() else 0
        assert now - again <= 1, "at most one segment is rendered again"
        again = now
    said = render(music, out)
    assert "segments rendered again" in said or "nothing to do" in said
    assert frames_of(the_video(out)) == frames_of(the_video(whole))
    assert not list(out.rglob("*.part*"))


def killed_when_named(*argv: object) -> None:
    """A run that is killed when the video has its name and nobody has written that down."""
    code = (
        "import os, sys; from lib_music.cli import main; from lib_music.project import Project; "
        "Project.video_finished = lambda *given: os._exit(9); sys.exit(main(sys.argv[1:]))"
    )
    child = subprocess.run([sys.executable, "-c", code, *map(str, argv)], capture_output=True, check=False, timeout=120)
    assert child.returncode == 9, child.stderr


def test_a_kill_in_the_moment_the_video_gets_its_name(music: Path, whole: Path, tmp_path: Path) -> None:
    """It is ours all the same: no second video beside it, and new titles cost no painting."""
    out = tmp_path / "named"
    argv = ("render", music / "song.mp3", "--cover", music / "cover.png", "--size", "128x128", "--out", out)
    killed_when_named(*argv)
    first = the_video(out)
    render(music, out)
    assert the_video(out) == first and frames_of(first) == frames_of(the_video(whole))
    for same_or_other_name in (("--title", "Velvet Summer!"), ("--artist", "Somebody")):
        killed_when_named(*argv, *same_or_other_name)
        assert "only the titles change" in run(*argv, *same_or_other_name)
        assert frames_of(the_video(out)) == frames_of(the_video(whole))

    (out / "the-person-velvet-summer.mp4").write_bytes(b"not ours")
    run(*argv, "--artist", "The Person")
    assert (out / "the-person-velvet-summer.mp4").read_bytes() == b"not ours"


def test_ctrl_c_says_how_to_go_on_and_resume_does(music: Path, whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "stopped"
    child = start("render", music / "song.mp3", "--cover", music / "cover.png", "--size", "128x128", "--out", out)
    while not (out / "segments" / "00000.seg").is_file() and child.poll() is None:
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    if child.returncode != 0:
        assert child.returncode == 130
        assert "go on with: music-visualizer render" in err and "Traceback" not in err
    assert "painted now" in run("resume", out)
    assert frames_of(the_video(out)) == frames_of(the_video(whole))


def test_two_runs_at_once_the_second_says_so(whole: Path, music: Path) -> None:
    with Project(whole):
        assert "another run is working" in run(
            "render", music / "song.mp3", "--size", "128x128", "--out", whole, code=3
        )
        with pytest.raises(ProjectBusyError), Project(whole):
            pass


def test_another_song_is_not_mixed_in(whole: Path, tmp_path: Path) -> None:
    other = write(compose(9, bpm=120, plan=(("verse", 4),)), tmp_path / "other.wav")
    before = sorted(path.name for path in whole.iterdir())
    said = run("render", other, "--out", whole, code=3)
    assert "another song" in said
    assert sorted(path.name for path in whole.iterdir()) == before


def test_a_folder_with_other_things_is_left_alone(music: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    assert "not empty" in run("render", music / "song.mp3", "--out", tmp_path, code=3)
    assert (tmp_path / "thesis.txt").read_text() == "precious"


def test_an_edited_storyboard_is_kept_and_used(music: Path, tmp_path: Path) -> None:
    out = tmp_path / "edited"
    run("storyboard", music / "song.mp3", "--out", out)
    path = out / "storyboard.json"
    board = json.loads(path.read_text())
    board["rows"][0]["prompt"] = "<lora:mine:0.7> (a whale:1.2) --neg fish"
    path.write_text(json.dumps(board))
    edited = path.read_bytes()
    run("animate", music / "song.mp3", "--out", out)
    assert path.read_bytes() == edited
    prompts = json.loads((out / "animation.json").read_text())["prompts"]
    assert "<lora:mine:0.7> (a whale:1.2) --neg fish" in prompts["0"]
    settings = json.loads((out / "deforum_settings.txt").read_text())
    assert settings["prompts"]["0"].startswith("<lora:mine:0.7> (a whale:1.2)")


def test_intensity_sampler_and_steps_are_taken(music: Path, tmp_path: Path) -> None:
    out = tmp_path / "calm"
    run("animate", music / "song.mp3", "--intensity", "0", "--sampler", "DPM++ 2M", "--steps", "9", "--out", out)
    settings = json.loads((out / "deforum_settings.txt").read_text())
    assert (settings["sampler"], settings["steps"], settings["steps_schedule"]) == ("DPM++ 2M", 9, "0:(9)")
    zoom = settings["zoom"].split(",")
    assert {key.split(":")[1] for key in zoom} == {"(1.000000)"}
    assert "--intensity" in run("animate", music / "song.mp3", "--help")
    assert "outside 0 to 2" in run("animate", music / "song.mp3", "--intensity", "3", "--out", tmp_path / "x", code=2)
    assert not (tmp_path / "x").exists()


def test_other_choices_render_anew_and_leave_one_video(music: Path, tmp_path: Path) -> None:
    out = tmp_path / "again"
    render(music, out, "--duration", "4")
    first = frames_of(the_video(out))
    render(music, out, "--duration", "4", "--preset", "hip-hop", "--fps", "25")
    assert frames_of(the_video(out)) != first


def test_a_range_of_the_song(music: Path, tmp_path: Path) -> None:
    out = tmp_path / "range"
    render(music, out, "--start", "0:05", "--duration", "6")
    change, fps = visual_change(the_video(out))
    assert change.size == 6 * fps


def test_a_range_in_the_folder_of_the_whole_song_is_a_part_of_it(music: Path, whole: Path, tmp_path: Path) -> None:
    """The words, sections and analysis are the song's, not those of a song that begins there."""
    out = shutil.copytree(whole, tmp_path / "copy")
    board = json.loads((out / "storyboard.json").read_text())
    for row in board["rows"]:
        row["prompt"] = f"a painting of {row['label']}"
    (out / "storyboard.json").write_text(json.dumps(board))
    words, heard = (out / "storyboard.json").read_bytes(), json.loads((out / "analysis.json").read_text())["sections"]
    begin, label = heard["intervals"][1][0] + 0.5, heard["labels"][1]
    said = run("animate", music / "song.mp3", "--start", begin, "--duration", 2, "--out", out)
    moves = json.loads((out / "animation.json").read_text())
    assert label != heard["labels"][0] and list(moves["prompts"].values()) == [f"a painting of {label}"]
    assert moves["sound"]["start"] == pytest.approx(begin, abs=0.5) and "a part of it" in said
    assert json.loads((out / "analysis.json").read_text())["sections"] == heard
    assert (out / "storyboard.json").read_bytes() == words


@pytest.mark.parametrize("fps", ["25", "29.97"])
def test_other_rates(music: Path, tmp_path: Path, fps: str) -> None:
    out = tmp_path / "rate"
    render(music, out, "--duration", "5", "--fps", fps)
    _, found = visual_change(the_video(out))
    assert float(found) == pytest.approx(float(fps), abs=0.01)


def test_the_log_of_a_project_holds_what_is_done_in_it_and_not_in_another(tmp_path: Path) -> None:
    both, log, encoding = threading.Barrier(2), logging.getLogger("lib_music"), Encoding(64, 64, Fraction(12))
    grey = np.full(64 * 64 * 3 // 2, 128, np.uint8)

    def work(name: str) -> None:
        with Project(tmp_path / name) as project:
            both.wait(20)
            project.begin()
            log.info("%s begins", name)
            with SegmentWriter(encoding, lambda _: None, lambda _: log.info("%s is encoded", name)) as writer:
                segment = writer.begin(project.path("a.seg"))
                writer.put(segment, grey)
                writer.put(segment, None)
            both.wait(20)
        log.info("%s is over", name)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for name in ("one", "two"):
        said = [line.split("INFO ")[1] for line in (tmp_path / name / "log.txt").read_text().splitlines()]
        assert [line for line in said if "over" not in line] == [f"{name} begins", f"{name} is encoded"]
    with Project(tmp_path / "one"):
        with Project(tmp_path / "two"):
            log.info("inside")
        log.info("outside")
    assert "inside" not in (tmp_path / "one" / "log.txt").read_text()
    assert "outside" in (tmp_path / "one" / "log.txt").read_text()


def test_list_shows_projects(whole: Path) -> None:
    said = run("list", whole.parent)
    assert "100 %" in said and str(whole) in said
    assert [project.folder for project in find_projects(whole.parent)] == [whole]


def test_the_person_can_stop(music: Path, tmp_path: Path) -> None:
    class Impatient(Reporter):
        def should_stop(self) -> bool:
            return True

    from lib_music.errors import Interrupted

    with pytest.raises(Interrupted):
        make_plan(Request(music / "song.mp3"), tmp_path / "p", Impatient())


@pytest.mark.parametrize(
    "bad",
    [
        {"width": 100},
        {"width": 32},
        {"height": 8192},
        {"start": -1.0},
        {"start": float("nan")},
        {"duration": 0.0},
        {"duration": float("inf")},
        {"seed": -1},
        {"seed": 2**31},
        {"cadence": 0},
        {"fps": "0"},
        {"fps": "x"},
        {"intensity": -0.1},
        {"intensity": 2.1},
        {"intensity": float("nan")},
        {"steps": 0},
        {"steps": 151},
        {"sampler": "x" * 101},
        {"sampler": "Euler\na"},
    ],
)
def test_ranges_are_checked_with_the_value(bad: dict[str, object]) -> None:
    with pytest.raises(RangeError) as error:
        Request(Path("song.mp3"), **bad)  # type: ignore[arg-type]
    assert error.value.fix and error.value.exit_code == 2


def test_a_request_survives_its_project_being_moved(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    project = Project(tmp_path / "a" / "p")
    request = Request(tmp_path / "song.mp3", cover=tmp_path / "cover.png", fps="25", seed=3)
    data = json.loads(json.dumps(request.to_dict(project)))
    back = Request.from_dict(data, project)
    assert back.song.resolve() == request.song and back.seed == 3 and back.prompts is None
    with pytest.raises(ProjectError):
        Request.from_dict({"nonsense": 1}, project)


def test_default_folder_is_a_plain_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert default_folder(Request(Path("../../etc/p; rm -rf ~.mp3"))) == tmp_path / "p-rm-rf"


def test_fingerprints_differ_with_anything() -> None:
    assert fingerprint({"a": 1}) == fingerprint({"a": 1}) != fingerprint({"a": 2})


def test_what_is_not_said_is_the_base_settings(tmp_path: Path) -> None:
    base = {"W": 643, "H": 360, "fps": 30, "animation_mode": "3D", "diffusion_cadence": 5}
    ours = Request(Path("song.mp3")).over({}, frozenset())
    assert (ours.fps, ours.width, ours.height, ours.mode, ours.cadence) == ("24", 512, 512, "2D", None)
    theirs = Request(Path("song.mp3")).over(base, frozenset({"zoom"}))
    assert (theirs.fps, theirs.width, theirs.height, theirs.mode, theirs.cadence) == ("30", 640, 360, "3D", 5)
    said = Request(Path("song.mp3"), width=256, fps="25", mode="2D").over(base, frozenset())
    assert (said.fps, said.width, said.height, said.mode, said.cadence) == ("25", 256, 360, "2D", None)


def stopped(music: Path, out: Path) -> None:
    """A render that was killed after its first segment."""
    child = start("render", music / "song.mp3", "--cover", music / "cover.png", "--size", "128x128", "--out", out)
    while len(list(out.glob("segments/*.seg"))) < 2 and child.poll() is None:
        time.sleep(0.005)
    child.kill()
    child.communicate()


@pytest.mark.parametrize("harm", ["segment empty", "segment cut", "state gone", "state damaged", "progress damaged"])
def test_what_a_power_cut_leaves_is_painted_again(music: Path, whole: Path, tmp_path: Path, harm: str) -> None:
    out = tmp_path / "harmed"
    stopped(music, out)
    segment = out / "segments" / "00000.seg"
    states = list((out / "states").glob("*.state"))
    if harm == "segment empty":
        segment.write_bytes(b"")
    elif harm == "segment cut":
        segment.write_bytes(segment.read_bytes()[:-500])
    elif harm == "progress damaged":
        (out / "progress.json").write_text("{]")
    else:
        for state in states:
            state.unlink() if harm == "state gone" else state.write_bytes(b"x")
    render(music, out)
    assert frames_of(the_video(out)) == frames_of(the_video(whole))
    assert not (out / "segments").exists()


def test_files_that_are_not_ours_are_never_touched(music: Path, tmp_path: Path) -> None:
    out = tmp_path / "p"
    run("storyboard", music / "song.mp3", "--out", out)
    (out / "holiday.mp4").write_bytes(b"precious")
    (out / "deep").mkdir()
    (out / "deep" / ".notes.123.part.txt").write_text("precious")
    render(music, out, "--duration", "3")
    assert (out / "holiday.mp4").read_bytes() == b"precious"
    assert (out / "deep" / ".notes.123.part.txt").read_text() == "precious"
    other = tmp_path / "other"
    other.mkdir()
    (other / ".thesis.1.part.doc").write_text("precious")
    run("render", music / "song.mp3", "--out", other, code=3)
    assert [path.name for path in other.iterdir()] == [".thesis.1.part.doc"]


def test_a_song_inside_its_own_project_survives(music: Path, tmp_path: Path) -> None:
    out = tmp_path / "p"
    clip = tmp_path / "clip.mp4"
    subprocess.run([ffmpeg_exe(), "-v", "error", "-i", music / "song.mp3", "-t", "6", "-c:a", "aac", clip], check=True)
    run("storyboard", clip, "--out", out)
    inside = out / "music-visualizer.mp4"
    clip.rename(inside)
    before = inside.read_bytes()
    for _ in range(2):
        run("render", inside, "--title", "Music Visualizer", "--size", "64x64", "--out", out)
    assert inside.read_bytes() == before
    assert len(list(out.glob("*.mp4"))) == 2


def test_edits_after_importing_prompts_are_kept(music: Path, tmp_path: Path) -> None:
    out, prompts = tmp_path / "p", tmp_path / "prompts.txt"
    prompts.write_text("a lighthouse\n\na whale\n")
    argv = ("animate", music / "song.mp3", "--prompts", prompts, "--out", out)
    run(*argv)
    board = out / "storyboard.json"
    board.write_text(board.read_text().replace("a lighthouse", "an edited lighthouse"))
    run(*argv)
    assert "an edited lighthouse" in board.read_text()
    prompts.write_text("a heron\n")
    run(*argv)
    assert "a heron" in board.read_text()
    assert "an edited lighthouse" in (out / "storyboard-1.json").read_text(), "what was edited is kept beside it"


def test_a_failed_run_leaves_a_project_as_it_was(music: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "a"
    (tmp_path / "bad.json").write_text('{"format": 3')
    run("render", music / "song.mp3", "--prompts", tmp_path / "bad.json", "--out", out, code=2)
    assert not (tmp_path / "deep").exists()
    render(music, out, "--duration", "3")
    run("render", music / "song.mp3", "--prompts", tmp_path / "bad.json", "--out", out, code=2)
    assert "nothing to do" in run("resume", out)


def test_a_new_title_paints_nothing_again(music: Path, tmp_path: Path) -> None:
    out = tmp_path / "p"
    render(music, out, "--duration", "3")
    before = frames_of(the_video(out))
    assert "(0 painted now" in render(music, out, "--duration", "3", "--title", "Another")
    assert the_video(out).name.endswith("another.mp4") and frames_of(the_video(out)) == before


def test_resume_knows_its_renderer_and_does_without_the_cover_file(music: Path, tmp_path: Path) -> None:
    out, cover = tmp_path / "p", tmp_path / "cover.png"
    cover.write_bytes((music / "cover.png").read_bytes())
    run("animate", music / "song.mp3", "--cover", cover, "--size", "64x64", "--duration", "3", "--out", out)
    request = json.loads((out / "project.json").read_text())["request"]
    assert request["renderer"] == "animatic"
    cover.unlink()
    assert "project's copy" in run("resume", out)
    data = json.loads((out / "project.json").read_text())
    data["request"] |= {"renderer": "deforum", "webui": "ftp://10.0.0.1"}
    (out / "project.json").write_text(json.dumps(data))
    assert "10.0.0.1" in run("resume", out, code=2), "it would go to the WebUI, not to the animatic"


@pytest.mark.parametrize(
    "text", ["[]", "null", '"x"', "{}", '{"version": 1}', '{"version": 1, "request": {"song": null}}']
)
def test_a_damaged_project_file_is_one_line(whole: Path, text: str, tmp_path: Path) -> None:
    (tmp_path / "project.json").write_text(text)
    said = run("resume", tmp_path, code=3)
    assert "Traceback" not in said and said.count("\n") == 1
    assert run("list", tmp_path)


def test_what_was_begun_anew_and_stopped_is_not_taken_for_the_video_before_it(music: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "again", tmp_path / "other"
    render(music, out, "--preset", "ambient")
    first = frames_of(the_video(out))
    argv = ("render", music / "song.mp3", "--cover", music / "cover.png", "--size", "128x128", "--preset", "hip-hop")
    child = start(*argv, "--out", out)
    while not (out / "segments" / "00000.seg").is_file() and child.poll() is None:
        time.sleep(0.005)
    child.kill()
    child.communicate()
    assert frames_of(the_video(out)) == first, "the earlier video stays until the new one is whole"
    assert "painted now" in run(*argv, "--out", out)
    render(music, other, "--preset", "hip-hop")
    assert frames_of(the_video(out)) == frames_of(the_video(other)) != first


def test_candidates_are_kept_until_they_are_asked_for_anew(music: Path, tmp_path: Path) -> None:
    class Counting(PaletteCaptioner):
        looked = 0

        def caption(self, image: Any, tags: Any) -> Caption:
            Counting.looked += 1
            return Caption(subjects=(Found(f"a whale number {Counting.looked}"),))

    request, folder = Request(music / "song.mp3", duration=5.0).over({}, frozenset()), tmp_path / "p"
    first = make_plan(request, folder, Reporter(), Counting()).candidates
    assert make_plan(request, folder, Reporter(), Counting()).candidates == first and Counting.looked == 1
    audio = open_audio(request.song, duration=5.0)
    with Project(folder) as project:
        again = understand(request, project, Reporter(), audio=audio, captioner=Counting(), anew=True)
    assert Counting.looked == 2 and "whale number 2" in again.suggestions.texts[0].text
    assert first[0] in (folder / "storyboard.json").read_text(), "what stands in the storyboard is the person's"


def test_a_state_that_is_being_kept_is_not_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoder's thread closes a segment in the moment in which the painter's keeps what the next begins with."""
    from lib_music import project as of_projects

    place = Project(tmp_path)
    place.begin_render("mark", (4, 4), {"painter": "animatic"})
    place.segment(0).write_bytes(b"frames")
    closing = threading.Thread(target=place.segment_finished, args=(0,))

    def written(path: Path, data: bytes) -> None:
        path.write_bytes(data)
        closing.start()
        closing.join(0.3)

    monkeypatch.setattr(of_projects, "write_bytes", written)
    place.save_state(4, b"state")
    closing.join(10)
    assert place.progress().whole[0] and place.state_file(4).read_bytes() == b"state"
    assert place.begin_render("mark", (4, 4), {"painter": "animatic"}) == [range(1, 2)]
