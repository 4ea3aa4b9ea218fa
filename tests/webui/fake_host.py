"""The modules of a WebUI that our code calls, in small, without torch and without gradio.

Each public function has the parameters of the real one, which ``test_contract.py`` compares with a real host's source;
where the real one fails or forgets, so does this one:

- the queue's lock is first come, first served and not reentrant;
- ``state.begin`` forgets an interrupt, ``request_restart`` sets one;
- ``interrogate`` never raises and ends in ``<error>``, ``generate_caption`` and DeepBooru raise offline;
- an option of another type is refused, choosing a checkpoint takes the queue's lock;
- painting writes ``params.txt``, counts jobs, gives no picture after an interrupt, replaces unknown samplers silently;
- an error in a tab's callback makes the tab vanish;
- a progress that cannot be restored has four values.
"""

from __future__ import annotations

import collections
import contextlib
import importlib.machinery
import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

SAMPLERS = ("DPM++ 2M", "Euler a", "Euler", "DDIM", "Hidden")


class FIFOLock:
    """First come, first served; whoever asks twice waits for himself."""

    def __init__(self) -> None:
        self._line: collections.deque[object] = collections.deque()
        self._changed = threading.Condition()

    def acquire(self, blocking: bool = True) -> bool:
        ticket = object()
        with self._changed:
            if self._line and not blocking:
                return False
            self._line.append(ticket)
            self._changed.wait_for(lambda: self._line[0] is ticket)
            return True

    def release(self) -> None:
        with self._changed:
            if not self._line:
                raise RuntimeError("release unlocked lock")
            self._line.popleft()
            self._changed.notify_all()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, t: Any, v: Any, tb: Any) -> None:
        self.release()

    @property
    def waiting(self) -> int:
        """How many hold it or stand in line; the real one does not say."""
        return len(self._line)


class State:
    """The host's one job."""

    skipped = False
    interrupted = False
    stopping_generation = False
    job = ""
    job_no = 0
    job_count = 0
    processing_has_refined_job_count = False
    job_timestamp = "0"
    sampling_step = 0
    sampling_steps = 0
    current_latent: Any = None
    current_image: Any = None
    current_image_sampling_step = 0
    id_live_preview = 0
    textinfo: Any = None
    time_start: Any = None
    server_command: Any = None

    def begin(self, job: str = "(unknown)") -> None:
        self.skipped = self.interrupted = self.stopping_generation = self.processing_has_refined_job_count = False
        self.job_no = self.sampling_step = self.current_image_sampling_step = self.id_live_preview = 0
        self.current_latent = self.current_image = self.textinfo = None
        self.job_count, self.job, self.time_start, self.job_timestamp = -1, job, time.time(), "20260101000000"

    def end(self) -> None:
        # Fails, as the real one does, when nothing was begun.
        time.time() - self.time_start
        self.job, self.job_count = "", 0

    def interrupt(self) -> None:
        self.interrupted = True

    def stop_generating(self) -> None:
        self.stopping_generation = True

    def skip(self) -> None:
        self.skipped = True

    def request_restart(self) -> None:
        self.interrupt()
        self.server_command = "restart"


class OptionInfo:
    """One option and how it is shown."""

    def __init__(
        self, default: Any = None, label: str = "", component: Any = None, component_args: Any = None,
        onchange: Any = None, section: Any = None, refresh: Any = None, comment_before: str = "",
        comment_after: str = "", infotext: Any = None, restrict_api: bool = False, category_id: Any = None,
    ) -> None:  # fmt: skip
        self.default, self.label, self.component, self.component_args = default, label, component, component_args
        self.onchange, self.section, self.restrict_api, self.comment_after = onchange, section, restrict_api, ""

    def info(self, info: str) -> OptionInfo:
        self.comment_after += info
        return self

    def needs_reload_ui(self) -> OptionInfo:
        return self.info("requires Reload UI")


class Options:
    """The person's settings; ``data`` is what ``config.json`` holds."""

    def __init__(self, data_labels: dict[str, OptionInfo], restricted_opts: set[str]) -> None:
        self.__dict__.update(data_labels=data_labels, data={}, restricted_opts=restricted_opts, saved=[], frozen=False)

    def __getattr__(self, item: str) -> Any:
        data, labels = self.__dict__["data"], self.__dict__["data_labels"]
        if item in data:
            return data[item]
        if item in labels:
            return labels[item].default
        raise AttributeError(item)

    def __setattr__(self, key: str, value: Any) -> None:
        if key in self.data or key in self.data_labels:
            assert not self.frozen, "changing settings is disabled"
            self.data[key] = value
        else:
            self.__dict__[key] = value

    def add_option(self, key: str, info: OptionInfo) -> None:
        self.data_labels[key] = info
        self.data.setdefault(key, info.default)

    def same_type(self, x: Any, y: Any) -> bool:
        return x is None or y is None or type(x) is type(y)

    def set(self, key: str, value: Any, is_api: bool = False, run_callbacks: bool = True) -> bool:
        option = self.data_labels[key]
        if self.data.get(key) == value or (is_api and option.restrict_api):
            return False
        assert self.same_type(value, option.default), f"Bad value for setting {key}"
        setattr(self, key, value)
        if run_callbacks and option.onchange is not None:
            option.onchange()
        return True

    def save(self, filename: str) -> None:
        assert not self.frozen, "saving settings is disabled"
        self.saved.append((filename, dict(self.data)))


class Weights:
    """A model that is somewhere; ``host.gpu`` counts those on the GPU."""

    def __init__(self, host: FakeHost, name: str) -> None:
        self.host, self.name = host, name
        self.device = "cpu"

    def to(self, device: str = "cpu") -> Weights:
        self.device = device
        self.host.gpu.discard(self)
        if device != "cpu":
            self.host.gpu.add(self)
        return self

    def parameters(self) -> Any:
        yield SimpleNamespace(device=self.device)


class InterrogateModels:
    """BLIP for the sentence, CLIP for what artist it looks like."""

    blip_model: Any = None
    clip_model: Any = None
    clip_preprocess: Any = None
    dtype: Any = None

    def __init__(self, content_dir: Any) -> None:
        self._host: FakeHost = content_dir
        if self._host.is_forge:
            self.blip_patcher: Any = None
            self.clip_patcher: Any = None

    def load_blip_model(self) -> Weights:
        if self._host.offline:
            raise OSError("<urlopen error [Errno -3] Temporary failure in name resolution>")
        return Weights(self._host, "blip")

    def load_clip_model(self) -> Any:
        if self._host.offline:
            raise OSError("<urlopen error [Errno -3] Temporary failure in name resolution>")
        self._host.downloads.append("clip")
        return Weights(self._host, "clip"), "preprocess"

    def load(self) -> None:
        if self.blip_model is None:
            self.blip_model = self.load_blip_model()
            if self._host.is_forge:
                self.blip_patcher = SimpleNamespace(model=self.blip_model)
        if self.clip_model is None:
            self.clip_model, self.clip_preprocess = self.load_clip_model()
            if self._host.is_forge:
                self.clip_patcher = SimpleNamespace(model=self.clip_model)
        self.blip_model.to("cuda")
        self.dtype = "float16"

    def unload(self) -> None:
        if not self._host.is_forge and not self._host.shared.opts.interrogate_keep_models_in_memory:
            self.blip_model.to("cpu")

    def generate_caption(self, pil_image: Any) -> str:
        assert self.blip_model.device != "cpu" and pil_image.mode == "RGB"
        return self._host.caption

    def interrogate(self, pil_image: Any) -> str:
        state = self._host.shared.state
        state.begin(job="interrogate")
        try:
            self.load()
            said = self.generate_caption(pil_image)
        except Exception:
            said = "<error>"
        state.end()
        return said


class DeepDanbooru:
    """Tags of drawn pictures."""

    def __init__(self) -> None:
        self.model: Any = None
        self._host: Any = None

    def tag(self, pil_image: Any) -> str:
        if self.model is None:
            files = [] if self._host.offline else ["model-resnet_custom_v3.pt"]
            files[0]
            self.model = Weights(self._host, "deepbooru")
        self.model.to("cuda")
        if self._host.breaks:
            raise RuntimeError("CUDA out of memory")
        if not self._host.is_forge and not self._host.shared.opts.interrogate_keep_models_in_memory:
            self.model.to("cpu")
        return self._host.tags


class FakeHost:
    """Installs the modules for one test, and holds what the test wants to set or see.

    Attributes
    ----------
    data : Path
        The data folder.
    offline, breaks : bool
        Whether models cannot be downloaded; whether the next painting or tagging runs out of memory.
    gpu : set
        What lies in the GPU's memory.
    painted : list
        What was painted.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, data: Path, *, forge: bool = False) -> None:
        self._patch, self.data, self.is_forge = monkeypatch, data, forge
        self.offline = self.breaks = False
        self.gpu: set[Weights] = set()
        self.painted: list[SimpleNamespace] = []
        self.downloads: list[str] = []
        self.caption, self.tags = "a painting of a lighthouse at night", "lighthouse, night sky, (star_(sky):0.91)"
        self.on_paint: Callable[[], None] = lambda: None
        data.mkdir(parents=True)
        monkeypatch.setitem(sys.modules, "modules", self._package("modules"))
        monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(nn=SimpleNamespace(Linear=self._linear)))
        self.module("paths_internal", data_path=str(data), extensions_dir=str(data / "extensions"))
        self.module("paths", models_path=str(data / "models"), data_path=str(data))
        self.module("extensions", extensions=[], active=list)
        self.module("devices", torch_gc=self._torch_gc, device="cuda", cpu="cpu")
        self.fifo_lock = self.module("fifo_lock", FIFOLock=FIFOLock)
        self.call_queue = self.module("call_queue", queue_lock=FIFOLock())
        self.shared = self._shared()
        self.progress = self._progress()
        self.script_callbacks = self._script_callbacks()
        self.sd_models = self._sd_models()
        self.sd_vae = self._sd_vae()
        self._samplers_and_painting()
        self._captioners()
        if forge:
            self._forge()

    def module(self, name: str, **holds: Any) -> Any:
        """Install ``modules.<name>``."""
        full = name if name.startswith(("modules_forge", "backend")) else f"modules.{name}"
        made = self._package(full)
        vars(made).update(holds)
        parent, _, child = full.rpartition(".")
        self._patch.setitem(sys.modules, full, made)
        if parent:
            setattr(sys.modules[parent], child, made)
        return made

    def _package(self, name: str) -> ModuleType:
        made = ModuleType(name)
        # Forge is known by a package that can be found.
        made.__spec__, made.__path__ = importlib.machinery.ModuleSpec(name, None), []  # type: ignore[attr-defined]
        return made

    def _linear(self, *_: int) -> Weights:
        return Weights(self, "small")

    def _torch_gc(self) -> None:
        """Nothing is cached here."""

    def _shared(self) -> Any:
        keep = {"interrogate_keep_models_in_memory": False, "sd_model_checkpoint": "", "sd_vae": "Automatic"}
        options = Options({key: OptionInfo(value) for key, value in keep.items()}, set())
        options.data.update(keep)
        return self.module(
            "shared", state=State(), opts=options, OptionInfo=OptionInfo, hide_dirs={"visible": True}, demo=None,
            cmd_opts=SimpleNamespace(no_prompt_history=False), config_filename=str(self.data / "config.json"),
            interrogator=InterrogateModels(self), sd_model=None,
        )  # fmt: skip

    def _progress(self) -> Any:
        module = self.module(
            "progress", current_task=None, pending_tasks=collections.OrderedDict(), finished_tasks=[],
            recorded_results=[],
        )  # fmt: skip

        def add_task_to_queue(id_job: str) -> None:
            module.pending_tasks[id_job] = time.time()

        def start_task(id_task: str) -> None:
            module.current_task = id_task
            module.pending_tasks.pop(id_task, None)

        def finish_task(id_task: str) -> None:
            if module.current_task == id_task:
                module.current_task = None
            module.finished_tasks.append(id_task)

        def restore_progress(id_task: str) -> Any:
            found = [result for task, result in module.recorded_results if task == id_task]
            return found[0] if found else (None, None, None, f"Couldn't restore progress for {id_task}")

        for function in (add_task_to_queue, start_task, finish_task, restore_progress):
            setattr(module, function.__name__, function)
        return module

    def _script_callbacks(self) -> Any:
        names = ("ui_tabs", "ui_settings", "app_started")
        module = self.module("script_callbacks", callback_map={f"callbacks_{name}": [] for name in names}, reports=[])

        def add_callback(
            callbacks: Any, fun: Any, *, name: Any = None, category: str = "unknown", filename: Any = None
        ) -> None:
            assert filename, "without it the host reads the whole stack, and its time is ours"
            callbacks.append(SimpleNamespace(callback=fun, script=filename))

        def clear_callbacks() -> None:
            for waiting in module.callback_map.values():
                waiting.clear()

        def ui_tabs_callback() -> list[Any]:
            tabs: list[Any] = []
            for entry in module.callback_map["callbacks_ui_tabs"]:
                try:
                    tabs += entry.callback() or []
                except Exception as error:
                    module.reports.append(error)
            return tabs

        for function in (add_callback, clear_callbacks, ui_tabs_callback):
            setattr(module, function.__name__, function)
        return module

    def _sd_models(self) -> Any:
        data = SimpleNamespace(sd_model=None)
        if self.is_forge:
            data.forge_loading_parameters, data.sd_model = {}, SimpleNamespace(cond_stage_model=None)
        module = self.module("sd_models", model_data=data, checkpoints_list={}, checkpoint_aliases={}, on_disk=[])

        def list_models() -> None:
            module.checkpoints_list.clear()
            module.checkpoint_aliases.clear()
            for info in module.on_disk:
                module.checkpoints_list[info.title] = info
                for alias in (info.title, info.name, info.shorthash):
                    if alias:
                        module.checkpoint_aliases[alias] = info

        def reload_model_weights(sd_model: Any = None, info: Any = None, forced_reload: bool = False) -> Any:
            if self.is_forge:
                return None
            info = info or module.checkpoint_aliases[self.shared.opts.sd_model_checkpoint]
            if self.breaks:
                raise RuntimeError("Error(s) in loading state_dict for LatentDiffusion")
            data.sd_model = SimpleNamespace(sd_checkpoint_info=info, sd_model_checkpoint=info.filename)
            self.shared.sd_model = data.sd_model
            return data.sd_model

        module.list_models, module.reload_model_weights = list_models, reload_model_weights

        def chosen() -> None:
            with self.call_queue.queue_lock:
                reload_model_weights()

        self.shared.opts.data_labels["sd_model_checkpoint"].onchange = chosen
        return module

    def add_checkpoint(self, name: str, hash: str | None = None, *, load: bool = True) -> Any:
        """Put a checkpoint on disk, and load it as starting the host does (Forge only chooses it)."""
        title = f"{name} [{hash}]" if hash else name
        info = SimpleNamespace(name=name, shorthash=hash, title=title, filename=f"/models/{name}")
        self.sd_models.on_disk.append(info)
        if load:
            self.sd_models.list_models()
            self.shared.opts.data["sd_model_checkpoint"] = title
            if self.is_forge:
                self.sd_models.model_data.forge_loading_parameters = {"checkpoint_info": info, "additional_modules": []}
            else:
                self.sd_models.reload_model_weights(info=info)
        return info

    def _sd_vae(self) -> Any:
        module = self.module("sd_vae", loaded_vae_file=None, vae_dict={}, on_disk={})

        def refresh_vae_list() -> None:
            module.vae_dict.clear()
            module.vae_dict.update(module.on_disk)

        def reload_vae_weights(sd_model: Any = None, vae_file: Any = None) -> None:
            module.loaded_vae_file = module.vae_dict.get(self.shared.opts.sd_vae)

        module.refresh_vae_list, module.reload_vae_weights = refresh_vae_list, reload_vae_weights
        return module

    def _samplers_and_painting(self) -> None:
        def visible_sampler_names() -> list[str]:
            return [name for name in SAMPLERS if name != "Hidden"]

        class StableDiffusionProcessingTxt2Img:
            def __init__(
                self, sd_model: Any = None, prompt: str = "", seed: int = -1, sampler_name: Any = None,
                steps: int = 50, cfg_scale: float = 7.0, width: int = 512, height: int = 512,
                do_not_save_samples: bool = False, do_not_save_grid: bool = False, negative_prompt: str = "",
            ) -> None:  # fmt: skip
                self.wants = SimpleNamespace(
                    sampler=sampler_name if sampler_name in SAMPLERS else SAMPLERS[0], steps=steps, width=width,
                    height=height, prompt=prompt, negative_prompt=negative_prompt, seed=seed, cfg_scale=cfg_scale,
                    kept=not (do_not_save_samples and do_not_save_grid), closed=False,
                )  # fmt: skip

            def close(self) -> None:
                self.wants.closed = True

        def process_images(p: Any) -> Any:
            state = self.shared.state
            if state.job_count == -1:
                state.job_count = 1
            if self.breaks:
                raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
            (self.data / "params.txt").write_text("a wide landscape")
            self.on_paint()
            if state.interrupted or state.stopping_generation:
                return SimpleNamespace(images=[])
            state.current_latent, state.job_no, state.sampling_steps = "latent", state.job_no + 1, p.wants.steps
            self.painted.append(p.wants)
            from PIL import Image

            def infotext(p: Any, index: int) -> str:
                return f"{p.wants.prompt}\nNegative prompt: {p.wants.negative_prompt}\nSeed: {p.wants.seed}"

            # As both hosts do where no scripts run: the tags of extra networks have been taken out by then.
            bare = re.sub(r"<\w+:[^>]+>", "", infotext(p, 0))
            picture = Image.new("RGB", (p.wants.width, p.wants.height), (p.wants.seed % 256, 90, 30))
            return SimpleNamespace(images=[picture], infotexts=[bare], info=bare, infotext=infotext)

        self.module("sd_samplers", visible_sampler_names=visible_sampler_names)
        self.pasted: list[Any] = []
        self.module(
            "infotext_utils", ParamBinding=SimpleNamespace, register_paste_params_button=self.pasted.append,
        )  # fmt: skip
        self.module(
            "processing", StableDiffusionProcessingTxt2Img=StableDiffusionProcessingTxt2Img,
            process_images=process_images,
        )  # fmt: skip

    def _captioners(self) -> None:
        self.module("interrogate", InterrogateModels=InterrogateModels)
        tagger = DeepDanbooru()
        tagger._host = self
        if self.is_forge:
            tagger.patcher = None  # type: ignore[attr-defined]
        self.module("deepbooru", model=tagger, DeepDanbooru=DeepDanbooru)
        lowvram = self.module("lowvram")
        if not self.is_forge:
            lowvram.send_everything_to_cpu = lambda: None

    def _forge(self) -> None:
        self._patch.setitem(sys.modules, "modules_forge", self._package("modules_forge"))
        self._patch.setitem(sys.modules, "backend", self._package("backend"))
        main = self.module("modules_forge.main_entry", module_list={}, on_disk={})
        parameters = self.sd_models.model_data

        def refresh_models() -> Any:
            main.module_list.clear()
            main.module_list.update(main.on_disk)
            return [], main.module_list.keys()

        def modules_change(module_values: Any, save: bool = True, refresh: bool = True) -> bool:
            names = [Path(value).name for value in module_values]
            self.chosen_modules = [main.module_list[name] for name in names if name in main.module_list]
            return True

        def checkpoint_change(ckpt_name: str, save: bool = True, refresh: bool = True) -> bool:
            self.shared.opts.data["sd_model_checkpoint"] = ckpt_name
            return True

        def refresh_model_loading_parameters() -> None:
            info = self.sd_models.checkpoint_aliases[self.shared.opts.sd_model_checkpoint]
            parameters.forge_loading_parameters = {
                "checkpoint_info": info, "additional_modules": getattr(self, "chosen_modules", []),
            }  # fmt: skip

        for function in (refresh_models, modules_change, checkpoint_change, refresh_model_loading_parameters):
            setattr(main, function.__name__, function)

        def unload_model_clones(model: Any) -> None:
            model.model.to("cpu")

        self.module("backend.memory_management", unload_model_clones=unload_model_clones)

    def in_other_thread(self, task: str, work: Callable[[], None]) -> threading.Thread:
        """A job of the host's own, such as txt2img, in its queue."""

        def job() -> None:
            self.progress.add_task_to_queue(task)
            with self.call_queue.queue_lock:
                self.shared.state.begin(job=task)
                self.progress.start_task(task)
                with contextlib.suppress(Exception):
                    work()
                self.progress.finish_task(task)
                self.shared.state.end()

        thread = threading.Thread(target=job, daemon=True)
        thread.start()
        return thread
