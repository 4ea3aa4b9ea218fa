"""Takes of what Deforum paints, with a WebUI's habits: runs of a stretch, and where its own pictures go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from lib_music.demo.cover import draw_cover
from lib_music.errors import DeforumError, Interrupted
from lib_music.pipeline import Reporter, join_again, render
from lib_music.project import Project
from lib_music.render.deforum_http import DeforumHttpRenderer
from lib_music.render.deforum_job import JobRecord
from lib_music.render.deforum_tail import tail_settings
from lib_music.takes import restore, takes_of
from lib_music.takes.again import Wish, begin_again
from lib_music.takes.pictures import picture_of, runs_of
from lib_music.takes.sizes import delete_frames, delete_project, sizes_of
from lib_music.takes.take import Told
from tests.render.deforum_host import ELSEWHERE, Habits, Host, grey
from tests.render.test_deforum_http import animation, assert_complete, greys, renderer
from tests.studio.places import heard, studio_in
from tests.test_takes import SMALL, Song, StopAt, digests

SECTION = 96


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MUSIC_VISUALIZER_WEBUI_AUTH", raising=False)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "before.png"
    path.write_bytes(cv2.imencode(".png", np.full((64, 64, 3), 99, np.uint8))[1].tobytes())
    return path


# -- a run of a stretch ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cadence", [1, 2, 3])
@pytest.mark.parametrize("remote", [False, True])
def test_a_stretch_is_a_run_of_its_own_from_a_picture_of_ours(
    tmp_path: Path, picture: Path, cadence: int, remote: bool
) -> None:
    n, first, last = 60, 12, 31
    with Host(tmp_path, Habits(remote=remote)) as host:
        painter = renderer(host)
        state = painter.state_after(animation(cadence, n), first, picture)
        seen = greys(painter.frames(animation(cadence, n), first, state, last))
        assert len(seen) == last - first
        assert np.abs(np.array(seen) - [grey(i) for i in range(first, last)]).max() <= 2
        (run,) = host.submitted()
        assert run["use_init"] is True and run["resume_from_timestring"] is False
        # An address of this machine is given as a path; the seeds are those of the frames in the whole.
        assert Path(run["init_image"]) in (picture, tmp_path / "uploaded.png")
        assert run["max_frames"] == -(-(last - first) // cadence) * cadence + 1
        assert len(host.painted) <= -(-(last - first) // cadence) + 1, "nothing is painted for the bin"


@pytest.mark.parametrize("cadence", [1, 2])
def test_a_stretch_from_the_beginning(tmp_path: Path, cadence: int) -> None:
    with Host(tmp_path) as host:
        assert_complete(greys(renderer(host).frames(animation(cadence, 40), 0, None, 14)), n=14)
        assert host.submitted()[0]["max_frames"] == 15 and len(host.painted) <= 15


def test_a_stopped_stretch_goes_on_and_an_older_run_is_not_taken_for_it(tmp_path: Path, picture: Path) -> None:
    n, first, last, job = 40, 10, 30, tmp_path / "job.json"
    with Host(tmp_path, Habits(seconds_per_frame=0.02)) as host:
        assert_complete(greys(renderer(host, job_file=job).frames(animation(n=n), 0, None)), n=n)
        painted = len(host.painted)
        one = renderer(host, job_file=job)
        state = one.state_after(animation(n=n), first, picture)
        with closing(one.frames(animation(n=n), first, state, last)) as frames:
            seen = greys(iter([next(frames) for _ in range(8)]))
        host.wait_until("POST_PROCESSING")
        assert 8 <= len(host.painted) - painted < 18
        two = renderer(host, job_file=job)
        seen += greys(two.frames(animation(n=n), first + 8, one.state(), last))
        assert np.abs(np.array(seen) - [grey(i) for i in range(first, last)]).max() <= 2
        assert host.submitted()[-1]["resume_from_timestring"] is True
        record = JobRecord.load(job)
        assert record is not None and (record.first, record.last) == (first, last)
        # The rest of the video, as another stretch of the same settings.
        three = renderer(host, job_file=job)
        state = three.state_after(animation(n=n), last, picture)
        assert_complete(greys(three.frames(animation(n=n), last, state)), start=last, n=n)


@pytest.mark.parametrize(
    "base", [{"prompts": {"0": "a cat `t*2`"}}, {"use_looper": True}, {"parseq_manifest": "{}"}], ids=str
)
def test_what_counts_from_the_beginning_is_not_cut(tmp_path: Path, picture: Path, base: dict[str, object]) -> None:
    from lib_music.render.deforum_defaults import DEFAULTS

    what = animation(base_settings={**DEFAULTS, **base}, driven=frozenset({"zoom"}))
    with Host(tmp_path) as host, pytest.raises(DeforumError, match="only be painted as a whole"):
        renderer(host).state_after(what, 4, picture)


def test_a_stretch_has_the_numbers_and_words_of_its_frames(tmp_path: Path) -> None:
    from lib_music.render.deforum_defaults import DEFAULTS

    whole = {
        **DEFAULTS, "max_frames": 41, "diffusion_cadence": 2, "animation_mode": "2D", "zoom": "0:(1+t/100)",
        "prompts": {"0": "a", "10": "b", "20": "c", "30": "d"}, "strength_schedule": "0:(t/40)",
        "extract_from_frame": 3, "extract_nth_frame": 2,
    }  # fmt: skip
    part = tail_settings(whole, 10, "/p.png", 25)
    assert part["max_frames"] == 17 and part["init_image"] == "/p.png" and part["strength"] == pytest.approx(0.25)
    assert part["prompts"] == {"0": "b", "10": "c"}
    assert part["zoom"].startswith("0:(1.100000)") and part["extract_from_frame"] == 23
    assert tail_settings(whole, 0, "", 10)["use_init"] == whole["use_init"]
    assert tail_settings(whole, 30, "/p.png")["max_frames"] == 11


# -- in a project ----------------------------------------------------------------------------------------------------


@dataclass
class Painted(Song):
    """A project whose video Deforum paints."""

    url: str = ""

    def painter(self, project: Project) -> DeforumHttpRenderer:
        return DeforumHttpRenderer(
            self.url, job_file=project.path("deforum_job.json"), poll=0.01, patience=2.0, stall=5.0, settle=0.2
        )

    def paint(self, reporter: Reporter | None = None) -> Path:
        plan = self.plan()
        with self.project as project:
            return render(plan, project, self.painter(project), reporter or Reporter()).video

    def again(self, section: int, reporter: Reporter | None = None, **wish: object) -> Path:
        plan = self.plan()
        with self.project as project:
            begin_again(plan, project, "deforum", Wish(section, **wish))  # type: ignore[arg-type]
            return render(plan, project, self.painter(project), reporter or Reporter()).video

    def restore(self, number: int) -> Path:
        plan = self.plan()
        with self.project as project:
            restore(project, number, Told(painter="deforum"))
            video = join_again(plan, project, Reporter())
            assert video is not None
            return video

    def shown(self) -> list[Path | None]:
        return [picture_of(self.project, frame) for frame in range(4 * SECTION)]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    (tmp_path / "webui").mkdir()
    with Host(tmp_path / "webui", Habits(seconds_per_frame=0.0)) as found:
        yield found


@pytest.fixture
def song(tmp_path: Path, host: Host) -> Painted:
    studio = studio_in(tmp_path)
    folder = studio.host.workspace() / heard(studio)
    draw_cover(3, folder / "cover.png", 128)
    return Painted(folder, replace(SMALL, seed=1), host.url)


def pngs(host: Host) -> set[bytes]:
    """Every picture there is, by what is in it and which frame it is of its run."""
    return {path.read_bytes() for path in host.root.rglob("*.png")}


def test_only_one_section_its_pictures_go_into_the_take(song: Painted, host: Host) -> None:
    before = digests(song.paint())
    old = [path.read_bytes() for path in song.shown() if path is not None]
    assert len(old) == 4 * SECTION and len(list(host.root.rglob("*.png"))) == 4 * SECTION
    frames = sizes_of(song.project).frames
    assert frames == sum(map(len, old))
    song.reword("a whale", "an elephant")
    after = digests(song.again(1))
    assert after[:SECTION] == before[:SECTION] and after[2 * SECTION :] == before[2 * SECTION :]
    run = host.submitted()[1]
    assert run["max_frames"] == SECTION + 1 and run["use_init"] is True
    assert Path(run["init_image"]).read_bytes() == old[SECTION - 1], "it begins with Deforum's own picture before it"
    assert all("elephant" in prompt for prompt in run["prompts"].values())
    kept = song.folder / "takes" / "001" / "frames"
    names = sorted(path.name for path in kept.iterdir())
    assert names == [f"{i:09}.png" for i in range(SECTION, 2 * SECTION)]
    assert [path.read_bytes() for path in sorted(kept.iterdir())] == old[SECTION : 2 * SECTION]
    now = song.shown()
    assert None not in now and [p.read_bytes() for p in now[:SECTION] if p] == old[:SECTION]
    assert [p.read_bytes() for p in now[2 * SECTION :] if p] == old[2 * SECTION :]
    new = [p.read_bytes() for p in now[SECTION : 2 * SECTION] if p]
    assert digests(song.restore(1)) == before
    assert [p.read_bytes() for p in song.shown() if p] == old, "its pictures are the video's again"
    assert [p.read_bytes() for p in sorted((song.folder / "takes" / "002" / "frames").iterdir())] == new
    assert digests(song.restore(2)) == after
    assert [p.read_bytes() for p in song.shown()[SECTION : 2 * SECTION] if p] == new
    assert sizes_of(song.project).frames == sum(len(p.read_bytes()) for p in song.shown() if p)


def test_from_a_section_on_and_then_one_before_it(song: Painted, host: Host) -> None:
    before = digests(song.paint())
    song.reword("a tower", "a castle")
    song.again(3, only=False)
    assert host.submitted()[1]["max_frames"] == SECTION + 1
    song.reword("a whale", "an elephant")
    after = digests(song.again(1))
    assert after[:SECTION] == before[:SECTION] and len(runs_of(song.project)) == 3
    assert None not in song.shown() and len(host.submitted()) == 3
    assert [(t.first, t.last) for t in takes_of(song.project)] == [(SECTION, 2 * SECTION), (3 * SECTION, 4 * SECTION)]
    assert sum(len(list(t.folder(song.project).glob("frames/*.png"))) for t in takes_of(song.project)) == 2 * SECTION


def test_the_same_settings_are_painted_again_not_read_again(song: Painted, host: Host) -> None:
    song.paint()
    painted = len(host.painted)
    song.again(2)
    assert len(host.painted) - painted >= SECTION // 2, "an earlier run's pictures are not taken for the new ones"
    song.again(0, only=False)
    assert len(host.submitted()) == 3 and host.submitted()[2]["max_frames"] == 4 * SECTION + 1
    assert host.submitted()[2]["resume_from_timestring"] is False


def test_a_stopped_section_goes_on_and_the_rest_of_an_unfinished_one_follows(song: Painted, host: Host) -> None:
    host.habits.seconds_per_frame = 0.01
    with pytest.raises(Interrupted):
        song.paint(StopAt(2 * SECTION + 30, song.project))
    kept = [digests(path) for path in sorted((song.folder / "segments").glob("*.seg"))]
    song.reword("a whale", "an elephant")
    with pytest.raises(Interrupted):
        song.again(1, StopAt(SECTION + 40, song.project))
    after = digests(song.paint())
    assert after[:SECTION] == kept[0] and len(after) == 4 * SECTION
    assert {run["max_frames"] for run in host.submitted()} == {4 * SECTION + 1, 3 * SECTION + 1}
    assert takes_of(song.project)[0].is_whole


def test_a_remote_webui_keeps_its_pictures_and_the_take_its_segments(song: Painted, host: Host) -> None:
    host.habits.remote = True
    before = digests(song.paint())
    song.reword("a whale", "an elephant")
    song.again(1)
    assert not (song.folder / "takes" / "001" / "frames").exists()
    assert len(list(host.root.rglob("2026*.png"))) == 5 * SECTION, "nothing was touched there"
    assert digests(song.restore(1)) == before


def test_a_folder_that_the_webui_names_is_not_emptied(song: Painted, host: Host, tmp_path: Path) -> None:
    song.paint()
    outdir = Path(str(host.jobs["batch(1)-0"]["outdir"]))
    stamp = str(host.jobs["batch(1)-0"]["timestring"])
    strangers = [
        outdir / "mine.png", outdir / f"{stamp}_1.png", outdir / f"{stamp}_000000001.png.bak",
        outdir / f"{stamp}_000000001.jpg", outdir / f"x{stamp}_000000001.png", outdir / f"{stamp}_00000000x.png",
    ]  # fmt: skip
    for path in strangers:
        path.write_text("mine")
    secret = tmp_path / "secret.txt"
    secret.write_text("mine")
    (outdir / f"{stamp}_000000900.png").symlink_to(secret)
    with song.project as project:
        assert delete_frames(project) > 0
    assert sorted(outdir.glob(f"{stamp}_*.png")) == sorted(
        [outdir / f"{stamp}_000000900.png", outdir / f"{stamp}_00000000x.png", outdir / f"{stamp}_1.png"]
    )
    assert all(path.read_text() == "mine" for path in strangers) and secret.read_text() == "mine"
    assert len(digests(next(song.folder.glob("*.mp4")))) == 4 * SECTION
    song.again(1)
    record = JobRecord("x", "y", "z", "//other/share", "20260101000000")
    record.save(song.folder / "deforum_job.json")
    project = song.project.__enter__()
    delete_project(project, song.folder.name)
    assert not song.folder.exists() and secret.read_text() == "mine"


def test_another_painter_takes_no_pictures_of_an_earlier_one(song: Painted) -> None:
    song.paint()
    Song.paint(Song(song.folder, replace(song.motion, preset="ambient")))
    assert song.shown() == [None] * 4 * SECTION
    (take,) = takes_of(song.project)
    assert take.told.painter == "deforum" and len(list(take.folder(song.project).glob("frames/*.png"))) == 4 * SECTION
    assert ELSEWHERE not in json.dumps(str(take))
