"""Deforum in the WebUI's process: all the frames, every failure told, and the host left as it was found."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lib_music.errors import DeforumError, Interrupted
from lib_music.render import deforum_renderer
from lib_music.render.deforum_follow import Pace
from lib_music.render.deforum_settings import build_settings, resolve_drive
from lib_music.render.pixels import frame_to_rgb
from lib_music.schedule import Animation, Schedule, SectionCue, Timebase
from lib_music.webui import deforum_host
from tests.webui.fake_deforum import DEPTH_MODEL, FakeDeforum, grey
from tests.webui.fake_host import FakeHost

N = 20


def animation(cadence: int = 1, n: int = N, **changes: Any) -> Animation:
    values: dict[str, Any] = {
        "timebase": Timebase(Fraction(24), n), "mode": "2D", "border": "wrap", "width": 64, "height": 64,
        "cadence": cadence, "schedules": {"zoom": Schedule("zoom", ((0, 1.0), (12, 1.04)))},
        "prompts": {0: "a café at night"}, "negatives": {0: "ugly"}, "cues": (SectionCue(0, n, "A", "verse"),),
    }
    return Animation(**{**values, **changes})


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deforum_host, "PACE", Pace(0.005, 20.0, 0.05))
    monkeypatch.setattr(deforum_host, "PATIENCE", 5.0)
    monkeypatch.setattr(deforum_host, "_latest", None)


@pytest.fixture()
def deforum(a1111: FakeHost, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDeforum]:
    yield FakeDeforum(a1111, monkeypatch)
    assert not _threads()


def _threads() -> list[str]:
    """Deforum's runs that still go on; other threads of ours (lanes, requests) belong to other tests."""
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if re.fullmatch(r"music-visualizer-[0-9a-f]{12}(-\d+)?", name)]


def as_found(host: FakeHost) -> tuple[Any, ...]:
    """All of the host that a run may not leave changed."""
    shared, state = host.shared, host.shared.state
    fields = {name: getattr(state, name) for name in ("skipped", "interrupted", "job", "job_no", "job_count")}
    tracker = sys.modules["deforum_api"].JobStatusTracker()
    return (
        fields, dict(shared.opts.data), {k: v for k, v in vars(shared.opts).items() if "control" in k},
        shared.total_tqdm, sys.stdout, sys.stderr, dict(tracker.statuses), dict(tracker.batches),
    )  # fmt: skip


class Project:
    """The part of a project that the renderer uses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def path(self, name: str) -> Path:
        return self.folder / name


def paint(
    deforum: FakeDeforum, folder: Path, wanted: Animation, seen: list[int], *,
    stop: Callable[[], bool] = lambda: False, limit: int = 10_000, start: int = 0,
) -> None:  # fmt: skip
    """Paint; the grey of each frame goes to ``seen``, -1 for one that was not painted from the frame before."""
    plan: Any = SimpleNamespace(animation=wanted, track=SimpleNamespace(display="Ä Song: 1/2"))
    project: Any = Project(folder)
    before = as_found(deforum.host)
    frames = deforum_host.make_deforum_renderer(plan, project, stop).frames(wanted, start, None)
    try:
        for frame in frames:
            r, g, b = (int(v) for v in frame_to_rgb(frame)[32, 32])
            seen.append(g if max(abs(r - g), abs(b - g)) < 12 else -1)
            if len(seen) >= limit:
                break
    finally:
        frames.close()  # type: ignore[attr-defined]
        pressed = deforum.host.shared.state.interrupted
        deforum.host.shared.state.interrupted = before[0]["interrupted"]
        assert as_found(deforum.host) == before
        deforum.host.shared.state.interrupted = pressed
        assert sorted(path.name for path in folder.iterdir()) in ([], ["deforum_job.json"])


def assert_complete(seen: list[int], n: int = N, start: int = 0) -> None:
    assert len(seen) == n - start
    assert np.abs(np.array(seen) - [grey(i) for i in range(start, n)]).max() <= 2


def on_disk(deforum: FakeDeforum, folder: Path) -> list[int]:
    record = json.loads((folder / "deforum_job.json").read_text())
    files = Path(record["outdir"]).glob(f"{record['timestring']}_*.png")
    return sorted(int(path.stem.split("_")[1]) for path in files)


@pytest.mark.parametrize("cadence", [1, 2, 3, 7])
@pytest.mark.parametrize("controlnet", [False, True])
def test_every_frame_once_and_in_order(
    a1111: FakeHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cadence: int, controlnet: bool
) -> None:
    deforum = FakeDeforum(a1111, monkeypatch, controlnet=controlnet)
    seen: list[int] = []
    paint(deforum, tmp_path / "p", animation(cadence), seen)
    assert_complete(seen)
    sent = deforum.sent[0]
    assert sent["skip_video_creation"] is True and sent["prompts"] == {"0": "a café at night --neg ugly"}
    assert ("cn_5_weight" in sent) is controlnet and "shake_name" not in sent and "keyframe_distribution" not in sent
    assert set(sent) <= {*deforum.args.get_component_names(), "prompts"}


def test_a_fork_is_given_what_only_it_knows(a1111: FakeHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    deforum = FakeDeforum(a1111, monkeypatch, fork=True, controlnet=True)
    seen: list[int] = []
    paint(deforum, tmp_path / "p", animation(), seen)
    assert_complete(seen)
    sent = deforum.sent[0]
    assert (sent["shake_name"], sent["shake_intensity"], sent["keyframe_distribution"]) == ("None", 0.0, "Off")
    assert "pix2pix_img_cfg_scale_schedule" not in sent


#: A person's own settings, with the fork's other way to paint.
BY_KEYFRAMES = {"keyframe_distribution": "Keyframes Only", "W": 64, "H": 64, "fps": 24}
DRIVEN = frozenset({"zoom", "seed_schedule", "seed", "seed_behavior", "prompts"})


@pytest.mark.parametrize("cadence", [1, 3])
def test_a_run_by_keyframes_counts_from_one_and_is_taken_as_a_whole(
    a1111: FakeHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cadence: int
) -> None:
    deforum, folder = FakeDeforum(a1111, monkeypatch, fork=True), tmp_path / "p"
    base = {**BY_KEYFRAMES, "diffusion_cadence": cadence}
    wanted = animation(prompts={0: "a", 7: "b", 12: "c"}, base_settings=base, driven=DRIVEN)

    def press(frame: int) -> None:
        if frame == 12:
            deforum.host.shared.state.interrupt()

    deforum.on_frame = press
    seen: list[int] = []
    with pytest.raises(Interrupted):
        paint(deforum, folder, wanted, seen)
    assert seen == [] and deforum.sent[0]["keyframe_distribution"] == "Keyframes Only"
    assert on_disk(deforum, folder) == list(range(1, on_disk(deforum, folder)[-1] + 1)), "half painted, and moved on"
    deforum.host.shared.state.interrupted, deforum.on_frame = False, lambda frame: None
    paint(deforum, folder, wanted, seen)
    assert_complete(seen)
    assert deforum.sent[1]["resume_from_timestring"] is False, "it goes on from no half painted picture"
    seen = []
    paint(deforum, folder, wanted, seen, start=5)
    assert_complete(seen, start=5)
    assert len(deforum.sent) == 2, "a finished one is not painted again"
    record = json.loads((folder / "deforum_job.json").read_text())
    assert record["counted_from"] == 1


def test_the_cadence_of_the_music_comes_with_a_stable_way_to_paint() -> None:
    base = {"keyframe_distribution": "Additive", "diffusion_cadence": 7}
    for driven, expected in (("cadence", ("Off", 2)), ("zoom", ("Additive", 7))):
        wanted = animation(2, base_settings=base, driven=frozenset(resolve_drive(driven)))
        settings = build_settings(wanted, batch_name="x")
        assert (settings["keyframe_distribution"], settings["diffusion_cadence"]) == expected


def test_a_word_that_is_not_on_offer_becomes_the_default(deforum: FakeDeforum, tmp_path: Path) -> None:
    offered = {"depth_algorithm": {"value": "Depth-Anything-V2-Small", "choices": ["Depth-Anything-V2-Small", "Zoe"]}}
    deforum.args.DepthArgs = lambda: offered
    seen: list[int] = []
    paint(deforum, tmp_path / "p", animation(n=4), seen)
    assert deforum.sent[0]["depth_algorithm"] == "Depth-Anything-V2-Small"


def test_controlnets_class_is_replaced_once_and_is_the_same_where_it_is_installed(deforum: FakeDeforum) -> None:
    from lib_music.webui.deforum_run import quiet_controlnet

    original = deforum.adapter.ControlNetKeys
    with pytest.raises(AttributeError, match="cn_1_weight"):
        original(SimpleNamespace(), SimpleNamespace())
    quiet_controlnet()
    quiet = deforum.adapter.ControlNetKeys
    quiet_controlnet()
    assert deforum.adapter.ControlNetKeys is quiet and issubclass(quiet, original)
    assert quiet(SimpleNamespace(), SimpleNamespace()).schedules == {}
    given = SimpleNamespace(
        **{f"cn_{u}_{k}": "0:(1),2:(3)" for u in range(1, 6) for k in ("weight", "guidance_start", "guidance_end")}
    )
    assert quiet(SimpleNamespace(), given).schedules == original(SimpleNamespace(), given).schedules
    with pytest.raises(AttributeError):
        quiet(SimpleNamespace(), SimpleNamespace(cn_1_weight="0:(1)"))


def test_frames_are_handed_on_while_the_run_goes_on(deforum: FakeDeforum, tmp_path: Path) -> None:
    deforum.on_picture = lambda frame: until_stopped(deforum) if frame >= 9 else None
    seen: list[int] = []
    paint(deforum, tmp_path / "p", animation(), seen, limit=1)
    assert len(seen) == 1 and len(deforum.diffused) < N


def until_stopped(deforum: FakeDeforum) -> None:
    """Paint on at one picture until the run is interrupted."""
    deadline = time.monotonic() + 60
    while not deforum.host.shared.state.interrupted:
        assert time.monotonic() < deadline, "nobody stops it"
        time.sleep(0.002)


@pytest.mark.parametrize("cadence", [1, 3])
@pytest.mark.parametrize("how", ["should_stop", "close", "interrupt", "interrupt the host's first way"])
def test_interrupted_at_any_frame_and_resumed_without_a_half_painted_one(
    deforum: FakeDeforum, tmp_path: Path, cadence: int, how: str
) -> None:
    state, folder = deforum.host.shared.state, tmp_path / "p"
    stop: list[bool] = []

    def press(frame: int) -> None:
        if frame >= 9 and how == "interrupt the host's first way":
            state.stop_generating()

    def press_meanwhile(frame: int) -> None:
        if frame < 9 or how == "interrupt the host's first way":
            return
        if how == "interrupt":
            state.interrupt()
        elif how == "should_stop":
            stop.append(True)
        if how != "close" or frame >= 15:  # by then the frames are there with which it is closed
            until_stopped(deforum)

    deforum.on_frame, deforum.on_picture = press, press_meanwhile
    seen: list[int] = []
    if how == "close":
        paint(deforum, folder, animation(cadence), seen, limit=8)
    else:
        with pytest.raises(Interrupted):
            paint(deforum, folder, animation(cadence), seen, stop=lambda: bool(stop))
    assert len(seen) < N and -1 not in seen
    state.interrupted = state.stopping_generation = False
    deforum.on_frame = deforum.on_picture = lambda frame: None
    before = list(deforum.diffused)
    seen = []
    paint(deforum, folder, animation(cadence), seen)
    assert_complete(seen)
    assert len(deforum.sent) == 2 and deforum.sent[1]["resume_from_timestring"] is True
    assert min(deforum.diffused[len(before):]) > 0, "nothing is painted twice but what was half painted"
    frames = on_disk(deforum, folder)
    assert frames == list(range(len(frames))) and len(frames) >= N


def test_the_hosts_own_interrupt_stays_seen(deforum: FakeDeforum, tmp_path: Path) -> None:
    deforum.on_frame = lambda frame: deforum.host.shared.state.interrupt() if frame == 5 else None
    with pytest.raises(Interrupted, match="after 5 of 20 frames"):
        paint(deforum, tmp_path / "p", animation(), [])
    assert deforum.host.shared.state.interrupted is True


def test_an_interrupt_before_the_first_frame_is_no_success(deforum: FakeDeforum, tmp_path: Path) -> None:
    deforum.on_frame = lambda frame: deforum.host.shared.state.interrupt()
    with pytest.raises(Interrupted, match="after 0 of 20 frames"):
        paint(deforum, tmp_path / "p", animation(), [])


def test_a_paused_run_can_be_stopped(deforum: FakeDeforum, tmp_path: Path) -> None:
    looks: list[int] = []

    def press(frame: int) -> None:
        if frame == 3:
            deforum.host.shared.state.skip()

    def stop() -> bool:
        looks.append(len(deforum.diffused))
        return looks[-8:-4] == looks[-4:] == [4] * 4

    deforum.on_frame = press
    with pytest.raises(Interrupted):
        paint(deforum, tmp_path / "p", animation(), [], stop=stop)


def test_a_run_that_does_not_stop_is_told(
    deforum: FakeDeforum, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deforum_host, "PATIENCE", 0.05)
    monkeypatch.setattr(deforum_renderer, "LAST_STROKE", 0.05)
    busy = threading.Event()

    def hang(frame: int) -> None:
        if frame == 3:
            busy.wait(60)

    deforum.on_frame = hang
    plan: Any = SimpleNamespace(animation=animation(), track=SimpleNamespace(display="s"))
    project: Any = Project(tmp_path / "p")
    stops = (lambda: len(deforum.diffused) > 2, lambda: False)
    made = [deforum_host.make_deforum_renderer(plan, project, stop) for stop in stops]
    frames = [renderer.frames(plan.animation, 0, None) for renderer in made]
    try:
        with pytest.raises(Interrupted, match="still busy"):
            list(frames[0])
        with pytest.raises((DeforumError, Interrupted), match="still busy"):
            next(frames[1])
        assert len(deforum.sent) == 1
    finally:
        busy.set()
        assert deforum_host._latest is not None and deforum_host._latest.wait(60)
    assert deforum.host.shared.state.interrupted is False


@pytest.mark.parametrize("cadence", [1, 3])
@pytest.mark.parametrize("cut", [False, True])
def test_a_killed_host_goes_on_with_the_frames_on_disk(
    deforum: FakeDeforum, tmp_path: Path, cadence: int, cut: bool
) -> None:
    """What a kill leaves: a record in the project, frames, perhaps half a file; no run that anybody knows."""
    folder = tmp_path / "p"
    first: list[int] = []
    paint(deforum, folder, animation(cadence), first)
    record = json.loads((folder / "deforum_job.json").read_text())
    for path in Path(record["outdir"]).glob("*.png"):
        number = int(path.stem.split("_")[1])
        if number > 11:
            path.unlink()
        elif number == 11 and cut:
            path.write_bytes(path.read_bytes()[:60])
    deforum_host._latest = None
    deforum.diffused.clear()
    seen: list[int] = []
    paint(deforum, folder, animation(cadence), seen)
    assert_complete(seen)
    assert min(deforum.diffused) == (11 if cadence == 1 else 9)
    frames = on_disk(deforum, folder)
    assert frames == list(range(len(frames)))


def _cut_after(folder: Path, last: int) -> Path:
    """Take away the frames after ``last``; the folder they were in."""
    record = json.loads((folder / "deforum_job.json").read_text())
    for path in Path(record["outdir"]).glob("*.png"):
        if int(path.stem.split("_")[1]) > last:
            path.unlink()
    deforum_host._latest = None
    return Path(record["outdir"]) / f"{record['timestring']}"


@pytest.mark.parametrize("cadence", [1, 3])
@pytest.mark.parametrize("gap", [2, 7])
def test_a_gap_in_the_frames_is_painted_again(
    deforum: FakeDeforum, tmp_path: Path, cadence: int, gap: int
) -> None:
    folder = tmp_path / "p"
    paint(deforum, folder, animation(cadence), [])
    stem = _cut_after(folder, 14)
    stem.with_name(f"{stem.name}_{gap:09}.png").unlink()
    deforum.diffused.clear()
    seen: list[int] = []
    paint(deforum, folder, animation(cadence), seen)
    assert_complete(seen)
    assert deforum.diffused[0] == (0 if gap == 2 else 6)
    frames = on_disk(deforum, folder)
    assert frames == list(range(len(frames)))


@pytest.mark.parametrize("cadence", [1, 3])
@pytest.mark.parametrize("start", [0, 8])
def test_a_file_that_deforum_would_count_makes_no_gap(
    deforum: FakeDeforum, tmp_path: Path, cadence: int, start: int
) -> None:
    folder = tmp_path / "p"
    paint(deforum, folder, animation(cadence), [])
    stem = _cut_after(folder, 13)
    for harmless in ("_depth_000000001.png", "_preview.mp4", ".srt", "_x.txt"):
        stem.with_name(stem.name + harmless).write_bytes(b"")
    stem.with_name(stem.name + "_mine.json").write_text("{}")
    deforum.diffused.clear()
    seen: list[int] = []
    paint(deforum, folder, animation(cadence), seen, start=start)
    assert_complete(seen, start=start)
    assert deforum.sent[-1]["resume_from_timestring"] is False
    assert len(deforum.diffused) < (N if start else 2 * N)
    stem.with_name(stem.name + "_mine.json").unlink()


def test_a_finished_run_is_taken_as_it_is(deforum: FakeDeforum, tmp_path: Path) -> None:
    for _ in range(2):
        seen: list[int] = []
        paint(deforum, tmp_path / "p", animation(2), seen)
        assert_complete(seen)
    assert len(deforum.sent) == 1


def test_an_unknown_sampler_is_refused_before_anything_is_painted(deforum: FakeDeforum, tmp_path: Path) -> None:
    with pytest.raises(DeforumError, match="no sampler 'Nope'") as caught:
        paint(deforum, tmp_path / "p", animation(sampler="Nope"), [])
    assert "Euler a" in caught.value.fix and not deforum.sent
    paint(deforum, tmp_path / "q", animation(sampler="DPM++ 2M Karras", n=3), [])
    assert deforum.samplers == ["DPM++ 2M"]


def test_no_checkpoint(deforum: FakeDeforum, tmp_path: Path) -> None:
    deforum.host.shared.sd_model = None
    with pytest.raises(DeforumError, match="no checkpoint is loaded"):
        paint(deforum, tmp_path / "p", animation(), [])
    deforum.host.sd_models.checkpoints_list.clear()
    with pytest.raises(DeforumError, match="no checkpoint is installed") as caught:
        paint(deforum, tmp_path / "p", animation(), [])
    assert "models/Stable-diffusion" in caught.value.fix


def _raiser(error: Exception, at: int) -> Callable[[int], None]:
    def raise_it(frame: int) -> None:
        if frame == at:
            raise error

    return raise_it


@pytest.mark.parametrize(
    ("error", "message", "fix"),
    [
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), "the GPU is out of memory at frame 7 of 20",
         "--medvram"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), "the machine is out of",
         "smaller size"),
        (OSError(28, "No space left on device"), "the disk is full at frame 7", "free some space"),
        (RuntimeError("A tensor with NaNs was produced in Unet."), "produces no picture", "--no-half"),
        (AttributeError("'DiffusionFrameData' object has no attribute 'strength'"), "legacy colour match at frame 7",
         "legacy_colormatch to false"),
        (KeyError("what"), "Deforum failed at frame 7 of 20: KeyError: 'what'", "start it again"),
    ],
)
def test_a_failure_is_told_and_gone_on_from(
    deforum: FakeDeforum, tmp_path: Path, error: Exception, message: str, fix: str
) -> None:
    deforum.on_frame = _raiser(error, 7)
    with pytest.raises(DeforumError, match=message) as caught:
        paint(deforum, tmp_path / "p", animation(), [])
    assert fix in caught.value.fix and "\n" not in str(caught.value)
    deforum.on_frame = lambda frame: None
    seen: list[int] = []
    paint(deforum, tmp_path / "p", animation(), seen)
    assert_complete(seen)
    assert deforum.diffused == list(range(N + 1)), "no picture twice"


def test_a_schedule_that_cannot_be_read_is_told_with_its_parameter_and_frame(
    deforum: FakeDeforum, tmp_path: Path
) -> None:
    base = {"angle": "0:(0),5:(sin(t)*foo)", "seed": 3}
    with pytest.raises(DeforumError, match=r"angle at frame 5.*foo"):
        paint(deforum, tmp_path / "p", animation(base_settings=base, driven=frozenset({"prompts"})), [])


def test_an_exception_of_deforums_own_is_told(
    deforum: FakeDeforum, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise TypeError("boom")

    monkeypatch.setattr(deforum.run, "run_deforum", breaks)
    with pytest.raises(DeforumError, match="before the first frame: TypeError: boom"):
        paint(deforum, tmp_path / "p", animation(), [])


def test_success_without_the_frames_is_none(deforum: FakeDeforum, tmp_path: Path) -> None:
    deforum.short = True
    with pytest.raises(DeforumError, match="says it is done with 4 of 20 frames"):
        paint(deforum, tmp_path / "p", animation(), [])


def three(**changes: Any) -> Animation:
    return animation(mode="3D", n=4, schedules={"translation_z": Schedule("translation_z", ((0, 2.0),))}, **changes)


def test_3d_is_flat_without_a_depth_model_and_says_so(deforum: FakeDeforum, tmp_path: Path) -> None:
    (note,) = deforum_host.deforum_notes_for(three())
    assert "flat 3D" in note and DEPTH_MODEL in note
    seen: list[int] = []
    paint(deforum, tmp_path / "p", three(), seen)
    assert_complete(seen, 4)
    assert deforum.sent[0]["use_depth_warping"] is False
    assert deforum_host.deforum_notes_for(animation()) == ()


def test_3d_uses_the_depth_model_that_is_there_and_a_begun_video_keeps_its_kind(
    deforum: FakeDeforum, tmp_path: Path
) -> None:
    deforum.on_frame = _raiser(RuntimeError("x"), 3)
    with pytest.raises(DeforumError):
        paint(deforum, tmp_path / "flat", three(), [])
    (deforum.models / DEPTH_MODEL).write_bytes(b"weights")
    deforum.on_frame = lambda frame: None
    assert deforum_host.deforum_notes_for(three()) == ("3D with depth (Midas-3-Hybrid)",)
    for name, depth in (("flat", False), ("deep", True)):
        paint(deforum, tmp_path / name, three(), [])
        assert deforum.sent[-1]["use_depth_warping"] is depth
    own = three(base_settings={"use_depth_warping": False, "animation_mode": "3D"}, driven=frozenset({"prompts"}))
    assert deforum_host.deforum_notes_for(own) == ("flat 3D, as the settings file says",)


def test_a_word_of_the_persons_that_is_not_offered_is_told(deforum: FakeDeforum, tmp_path: Path) -> None:
    make = deforum.args.DeforumAnimArgs
    deforum.args.DeforumAnimArgs = lambda: {
        **make(), "border": {"value": "replicate", "choices": ["replicate", "wrap"]},
        "optical_flow_cadence": {"value": "None", "choices": ["None", "RAFT"]},
    }  # fmt: skip
    words = {"border": "mirror", "optical_flow_cadence": "RAFT", "prompts": {"0": "a barn"}}
    own = animation(base_settings=words, driven=frozenset({"zoom"}))
    (note,) = deforum_host.deforum_notes_for(own)
    assert "border 'mirror'" in note and "'replicate'" in note
    assert deforum_host.deforum_notes_for(animation(base_settings=words, driven=frozenset({"border"}))) == ()
    paint(deforum, tmp_path / "p", own, [])
    assert deforum.sent[-1]["border"] == "replicate" and deforum.sent[-1]["optical_flow_cadence"] == "RAFT"


@pytest.mark.parametrize("tries", [1, 2])
def test_a_depth_model_that_cannot_be_loaded_is_told_whatever_deforum_says(
    deforum: FakeDeforum, tmp_path: Path, tries: int
) -> None:
    model = deforum.models / DEPTH_MODEL
    for attempt in range(tries):
        model.write_bytes(b"weights")
        plan: Any = SimpleNamespace(animation=three(), track=SimpleNamespace(display="s"))
        project: Any = Project(tmp_path / str(attempt))
        made = deforum_host.make_deforum_renderer(plan, project, lambda: False)
        model.unlink()
        with pytest.raises(DeforumError, match="the depth model for 3D cannot be loaded") as caught:
            list(made.frames(three(), 0, None))
        assert "choose 2D" in caught.value.fix


def test_a_start_image_is_used_where_it_lies(deforum: FakeDeforum, tmp_path: Path) -> None:
    picture = tmp_path / "cover.png"
    picture.write_bytes(b"picture")
    paint(deforum, tmp_path / "p", animation(n=3, start_image=picture), [])
    assert deforum.sent[0]["init_image"] == str(picture.resolve()) and deforum.sent[0]["use_init"] is True


def test_the_settings_of_deforums_own_tab_stay_the_persons(deforum: FakeDeforum, tmp_path: Path) -> None:
    kept = tmp_path / "deforum_persistent_settings.txt"
    kept.write_text("theirs")
    deforum.host.shared.opts.data.update(
        deforum_enable_persistent_settings=True, deforum_persistent_settings_path=str(kept)
    )
    paint(deforum, tmp_path / "p", animation(n=3), [])
    assert kept.read_text() == "theirs" and deforum.host.shared.opts.data["deforum_enable_persistent_settings"] is True


def test_what_others_print_goes_to_the_console_untouched(
    deforum: FakeDeforum, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deforum.on_frame = lambda frame: print(f"frame {frame} was here")
    paint(deforum, tmp_path / "p", animation(n=3), [])
    assert "frame 2 was here" in capsys.readouterr().out
