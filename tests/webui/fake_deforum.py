"""A Deforum inside a fake WebUI, written from what was measured of the real one; it has no line of its code.

It fails where the real one fails, and as quietly:

- errors are returned as ``(None, None, None, text)`` and their traceback is printed; nothing is raised;
- without ControlNet it stops at ``cn_1_weight``; with ControlNet, components without a default are None and split;
- its settings file is opened in the machine's encoding (here: ASCII), one file a call, unknown keys ignored;
- an unknown sampler is silently replaced; an unknown mode paints nothing and succeeds;
- an interrupt saves the half painted picture like any other, before frame 0 it succeeds with ``[None]``; the host's
  first press of Interrupt (``stopping_generation``) makes it stumble over an index; Skip pauses it until the next;
- with cadence N, ``N * floor((max_frames - 1) / N)`` frames are saved, in blocks, the last diffused one never;
- resuming counts every entry of the folder with the time string in it, blends from the block before the last, and a
  last file that cannot be read means a fresh picture;
- 3D with depth needs a model on disk, and says something else on the second try;
- the tracker follows only runs that were accepted, and an interrupted one stays accepted for ever.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from lib_music.errors import MusicVisualizerError
from lib_music.render.deforum_defaults import ANIMATION, CONTROLNET, GENERATION, GUIDED_IMAGES, PARSEQ, VIDEO
from lib_music.render.deforum_grammar import read_schedule
from tests.webui.fake_host import FakeHost

HALF = (0, 0, 255)  # BGR red: nothing else is painted in it
FRESH = (255, 0, 0)  # blue: a picture that does not follow the one before
DEPTH_MODEL = "dpt_large-midas-2f21e586.pt"
SAMPLERS = ("DPM++ 2M", "Euler a", "Euler")
TOUCHED = {
    "CLIP_stop_at_last_layers": 1, "img2img_fix_steps": False, "initial_noise_multiplier": 1.0, "eta_ddim": 0.0,
    "eta_ancestral": 1.0,
}  # fmt: skip


def grey(frame: int) -> int:
    """What is painted at a frame; it tells frames apart."""
    return 20 + frame * 5 % 216


class FakeDeforum:
    """Installs the modules of stock Deforum for one test; a test sets what shall go wrong.

    Attributes
    ----------
    seconds : float
        How long a picture takes.
    on_frame : callable
        Called with each frame before it is diffused; may press buttons or raise.
    on_picture : callable
        The same in the middle of its picture.
    diffused : list of int
        The frames that were diffused, over all runs.
    sent : list of dict
        The settings files as they were read.
    """

    def __init__(
        self, host: FakeHost, monkeypatch: pytest.MonkeyPatch, *, controlnet: bool = False, fork: bool = False,
        folder: str = "sd-webui-deforum",
    ) -> None:  # fmt: skip
        self.host, self._patch, self.controlnet, self.fork = host, monkeypatch, controlnet, fork
        self.seconds = 0.001
        self.on_frame: Callable[[int], None] = lambda frame: None
        self.on_picture: Callable[[int], None] = lambda frame: None
        self.diffused: list[int] = []
        self.sent: list[dict[str, Any]] = []
        self.samplers: list[str] = []
        self.half = self.short = False
        self._runs, self._depth_tried = 0, False
        shared = host.shared
        shared.sd_model = SimpleNamespace(sd_checkpoint_info="toy") if shared.sd_model is None else shared.sd_model
        shared.total_tqdm = object()
        shared.opts.data.update(outdir_samples="", outdir_img2img_samples=str(host.data / "outputs"))
        host.sd_models.checkpoints_list.setdefault("toy", SimpleNamespace(name="toy"))
        sys.modules["modules.sd_samplers"].all_samplers_map = dict.fromkeys(SAMPLERS)  # type: ignore[attr-defined]
        host.module("sd_schedulers", schedulers=[SimpleNamespace(label="Karras", name="karras", aliases=None)])
        self.models = host.data / "models" / "Deforum"
        self.models.mkdir(parents=True)
        self.helpers = host.data / "extensions" / folder / "scripts" / "deforum_helpers"
        self.helpers.mkdir(parents=True)
        extension = SimpleNamespace(name=folder, path=str(self.helpers.parent.parent), enabled=True)
        host.module("extensions", extensions=[extension], active=lambda: [extension])
        self.tracker = _tracker()
        self._module("deforum_api", JobStatusTracker=self.tracker)
        self._module("deforum_helpers").__path__ = [str(self.helpers)]
        self.args = self._args()
        self.adapter = self._module("deforum_helpers.parseq_adapter", ControlNetKeys=ControlNetKeys)
        self.run = self._module(
            "deforum_helpers.run_deforum", JobStatusTracker=self.tracker, run_deforum=self.run_deforum
        )

    def unload(self) -> None:
        """As if its script had failed while it was loaded."""
        for name in [name for name in sys.modules if name.startswith("deforum_")]:
            self._patch.delitem(sys.modules, name)

    def _module(self, name: str, **holds: Any) -> Any:
        made = ModuleType(name)
        vars(made).update(holds)
        self._patch.setitem(sys.modules, name, made)
        return made

    def _args(self) -> Any:
        def entries(values: dict[str, Any], **more: Any) -> Callable[[], dict[str, Any]]:
            return lambda: {key: {"value": value, **more} for key, value in values.items()}

        unknown = {"pix2pix_img_cfg_scale_schedule"} if self.fork else set()
        animation = {key: value for key, value in ANIMATION.items() if key not in unknown}
        generation = {**GENERATION, "sampler": "Euler a", "batch_name": "Deforum_{timestring}"}
        made = {
            "RootArgs": lambda: {"device": "cuda"},
            "DeforumAnimArgs": entries(animation | {"animation_mode": "2D", "max_frames": 120}),
            "DeforumArgs": entries(generation),
            "DeforumOutputArgs": entries({**VIDEO, "skip_video_creation": False}),
            "ParseqArgs": entries({**PARSEQ, "parseq_manifest": None}),
            "LoopArgs": entries(GUIDED_IMAGES),
        }
        if self.fork:
            made["ShakeArgs"] = lambda: {
                "shake_name": {"value": "INVESTIGATION", "choices": ["None", "INVESTIGATION"]},
                "shake_intensity": {"value": 1.0},
                "keyframe_distribution": {"value": "Keyframes Only", "choices": ["Off", "Keyframes Only"]},
            }
        module = self._module("deforum_helpers.args", **made)
        module.controlnet_component_names = lambda: list(CONTROLNET) if self.controlnet else []

        def get_component_names() -> list[str]:
            parts = [make() for name, make in made.items() if name != "RootArgs"]
            return [
                "override_settings_with_file", "custom_settings_file", "animation_prompts",
                "animation_prompts_positive", "animation_prompts_negative", *(key for part in parts for key in part),
                *module.controlnet_component_names(),
            ]  # fmt: skip

        module.get_component_names = get_component_names
        return module

    def run_deforum(self, *args: Any) -> tuple[Any, ...]:
        """The function that the tab's button calls."""
        names = self.args.get_component_names()
        given = {name: args[i + 2] for i, name in enumerate(names)}
        job_id = f"{args[0]}-0"
        self.tracker().update(job_id, phase="PREPARING")
        try:
            settings = self._settings(given)
        except Exception as error:
            text = f"Error: '{error}'. Please, check your prompts with a JSON validator."
            return self._failed(job_id, "TERMINAL", text)
        if settings is None:
            text = f"Couldn't load data from '{given['custom_settings_file'][0].name}'."
            return self._failed(job_id, "TERMINAL", text)
        options, shared = self.host.shared.opts.data, self.host.shared
        before = {key: options.get(key, value) for key, value in TOUCHED.items()}
        total, shared.total_tqdm = shared.total_tqdm, object()
        self._runs += 1
        stamp = f"2026{self._runs:010}"
        outdir = Path(shared.opts.data["outdir_img2img_samples"]) / settings["batch_name"]
        outdir.mkdir(parents=True, exist_ok=True)
        try:
            self.tracker().update(job_id, phase="GENERATING", outdir=str(outdir), timestring=stamp)
            if settings["animation_mode"] in ("2D", "3D"):
                stamp = self._render(settings, outdir, stamp)
            else:
                print("Other modes are not available yet!")
        except Exception as error:
            return self._failed(
                job_id, "RETRYABLE", f"Error: '{error}'. Before reporting, please check your schedules/ init values. "
                "Full error message is in your terminal/ cli."
            )  # fmt: skip
        finally:
            shared.total_tqdm = total
            options.update(before)
        self.tracker().update(job_id, phase="POST_PROCESSING")
        if options.get("deforum_enable_persistent_settings", False):
            Path(options["deforum_persistent_settings_path"]).write_text(json.dumps(settings, default=str))
        if not shared.state.interrupted:
            self.tracker().update(job_id, phase="DONE", status="SUCCEEDED")
        return [object() if self.diffused else None], stamp, "{}", "info"

    def _failed(self, job_id: str, kind: str, text: str) -> tuple[Any, ...]:
        if sys.exc_info()[0] is not None:
            print("\n*START OF TRACEBACK*")
            traceback.print_exc()
            print("*END OF TRACEBACK*\n\nUser friendly error message:")
        print(text)
        self.tracker().update(job_id, status="FAILED", error_type=kind, message="Generation error.")
        return None, None, None, text

    def _settings(self, given: dict[str, Any]) -> dict[str, Any] | None:
        if given["override_settings_with_file"] is not True or len(given["custom_settings_file"]) != 1:
            raise ValueError("only ever one settings file")
        json.loads(given["animation_prompts"])
        try:
            found = json.loads(Path(given["custom_settings_file"][0].name).read_text(encoding="ascii"))
        except ValueError:
            return None
        self.sent.append(found)
        settings = {key: found.get(key, value) for key, value in given.items()}
        settings["prompts"] = found.get("prompts", json.loads(given["animation_prompts"]))
        # The whole namespace goes to the console, words such as Midas and cn_1_weight among it.
        print("namespace(" + ", ".join(f"{key}={value!r}" for key, value in settings.items()) + ")")
        settings["parseq_manifest"].strip()
        return settings

    def _render(self, settings: dict[str, Any], outdir: Path, stamp: str) -> str:
        prefixed = {key: value for key, value in settings.items() if key.startswith("cn_")}
        self.adapter.ControlNetKeys(SimpleNamespace(), SimpleNamespace(**prefixed))
        for key in ("zoom", "angle", "strength_schedule", "seed_schedule", "noise_schedule"):
            try:
                read_schedule(settings[key], settings["max_frames"], parameter=key, seed=settings["seed"])
            except MusicVisualizerError:
                raise KeyError("foo") from None  # it does not say where
        if settings["use_init"] and not Path(settings["init_image"]).is_file():
            raise FileNotFoundError(f"Init image path or mask image path is not valid: {settings['init_image']}")
        if settings["animation_mode"] == "3D" and settings["use_depth_warping"]:
            self._load_depth_model()
        self.samplers.append(settings["sampler"] if settings["sampler"] in SAMPLERS else "DPM++ 2M")
        (outdir / f"{stamp}_settings.txt").write_text(json.dumps(settings, default=str))
        start, broken, cadence = 0, False, int(settings["diffusion_cadence"])
        if settings["resume_from_timestring"]:
            stamp = settings["resume_timestring"]
            entries = [p.name for p in outdir.iterdir() if ".txt" not in p.name and ".mp4" not in p.name]
            count = sum(stamp in name.split("_") and "depth" not in name for name in entries)
            start = count - count % cadence
            broken = cv2.imread(str(outdir / f"{stamp}_{start - 1:09}.png")) is None
        self._paint(settings, outdir, stamp, start, broken)
        return stamp

    def _paint(self, settings: dict[str, Any], outdir: Path, stamp: str, start: int, broken: bool) -> None:
        state, options = self.host.shared.state, self.host.shared.opts
        cadence, n = int(settings["diffusion_cadence"]), settings["max_frames"]
        state.job_count, half = n, False
        if self.fork and settings["keyframe_distribution"] != "Off":
            self._paint_by_keyframes(settings, outdir, stamp)
            return
        for frame in range(start, n, cadence):
            state.job, state.job_no = f"frame {frame + 1}/{n}", frame + 1
            if state.skipped:
                state.skipped = False
                while not state.skipped:
                    time.sleep(0.01)
            if cadence > 1:
                for tween in range(max(start, frame - cadence), frame):
                    self._save(outdir, stamp, tween, settings, half, broken)
            if state.interrupted:
                break
            self.on_frame(frame)
            if state.stopping_generation:
                [][0]  # the host gives no picture then
            if state.interrupted:  # pressed before the picture was begun
                break
            options.data["initial_noise_multiplier"] = 1.05
            options.control_net_detectedmap_dir = str(outdir)
            time.sleep(self.seconds)
            self.on_picture(frame)
            self.diffused.append(frame)
            half = bool(state.interrupted) or (self.half and frame > 4)
            if self.half and half:
                state.interrupt()
            if cadence == 1 and not (self.short and frame > 3):
                self._save(outdir, stamp, frame, settings, half, broken)
            broken = False

    def _paint_by_keyframes(self, settings: dict[str, Any], outdir: Path, stamp: str) -> None:
        """The fork's other core: frames from 1 to ``max_frames``, moved up to each keyframe before it is diffused."""
        state, n = self.host.shared.state, settings["max_frames"]
        keys = sorted({1, n, *(int(frame) for frame in settings["prompts"] if 0 < int(frame) < n)})
        half = False
        for before, key in zip([0, *keys], keys, strict=False):
            for tween in range(before + 1, min(key + 1, n)) if before else ():
                self._save(outdir, stamp, tween, settings, half, False)
            if state.interrupted:
                break
            self.on_frame(key)
            time.sleep(self.seconds)
            self.diffused.append(key)
            half = bool(state.interrupted)
            self._save(outdir, stamp, key, settings, half, False)

    def _load_depth_model(self) -> None:
        if (self.models / DEPTH_MODEL).is_file():
            return
        if self._depth_tried:
            raise AttributeError("'DepthModel' object has no attribute 'should_delete'")
        self._depth_tried = True
        code = compile("raise OSError('<urlopen error [Errno -3] Temporary failure>')", "depth_midas.py", "exec")
        exec(code)

    def _save(self, outdir: Path, stamp: str, frame: int, settings: dict[str, Any], half: bool, broken: bool) -> None:
        # The seed counts up with the animation's frames, also where a run is only the rest of one.
        at = frame - (self.fork and settings["keyframe_distribution"] != "Off")
        shown = int(read_schedule(settings["seed_schedule"], settings["max_frames"])[at]) - settings["seed"]
        colour = HALF if half else FRESH if broken else (grey(shown),) * 3
        picture = np.full((settings["H"], settings["W"], 3), colour, np.uint8)
        cv2.imwrite(str(outdir / f"{stamp}_{frame:09}.png"), picture)


class ControlNetKeys:
    """Looks for the schedules of ControlNet even where there is none."""

    def __init__(self, anim_args: Any, controlnet_args: Any) -> None:
        self.schedules = {}
        for unit in range(1, 6):
            for key in ("weight", "guidance_start", "guidance_end"):
                name = f"cn_{unit}_{key}"
                self.schedules[name] = getattr(controlnet_args, name).split(",")


def _tracker() -> Any:
    class Tracker:
        def __init__(self) -> None:
            self.statuses: dict[str, Any] = {}
            self.batches: dict[str, list[str]] = {}

        def accept_job(self, batch_id: str, job_id: str, deforum_settings: Any, options_overrides: Any) -> None:
            self.batches.setdefault(batch_id, []).append(job_id)
            self.statuses[job_id] = SimpleNamespace(
                id=job_id, status="ACCEPTED", phase="QUEUED", error_type="NONE", updates=0, message=None, outdir=None,
                timestring=None,
            )  # fmt: skip

        def update(self, job_id: str, **values: Any) -> None:
            if job_id in self.statuses:
                found = self.statuses[job_id]
                self.statuses[job_id] = SimpleNamespace(**{**vars(found), **values, "updates": found.updates + 1})

        def get(self, job_id: str) -> Any:
            return self.statuses.get(job_id)

    tracker = Tracker()
    return lambda: tracker
