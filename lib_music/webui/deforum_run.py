"""One call of ``run_deforum`` in a thread of its own, with the host left as it was found.

Conventions: the thread is started inside the host's turn and must be over before the turn ends. What a run came to
is judged by what the call returned and by the host's flags; Deforum's own tracker only tells the phase, the folder
and the time string. Deforum takes the host's Skip for Pause, so nobody is offered it; where it was pressed all the
same, stopping lets go of the pause.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import logging
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lib_music.errors import DeforumError
from lib_music.files import write_bytes
from lib_music.render.deforum_job import JobStatus, is_timestring
from lib_music.webui.deforum_args import inputs, settings_file
from lib_music.webui.deforum_find import HELPERS, Deforum

#: Options that Deforum writes while it runs, and an attribute that it hangs on them.
_OPTIONS = (
    "CLIP_stop_at_last_layers", "img2img_fix_steps", "initial_noise_multiplier", "eta_ddim", "eta_ancestral",
)
_OPTION_ATTRIBUTE = "control_net_detectedmap_dir"
#: With this option Deforum would keep our settings as the person's own for its tab.
_KEEPS_SETTINGS = "deforum_enable_persistent_settings"
#: What it writes to the host's state besides the flags.
_STATE = ("job", "job_no", "job_count")
#: How much of what it prints is kept, in pieces of a line or less.
_PRINTED = 4000

log = logging.getLogger(__name__)


class Run:
    """A run of Deforum.

    Parameters
    ----------
    deforum : Deforum
    settings : mapping
        A complete settings file; cut here to what the installed Deforum knows.
    file : Path
        Where to put the settings while it reads them; deleted afterwards.
    """

    def __init__(self, deforum: Deforum, settings: Mapping[str, Any], file: Path) -> None:
        self._deforum, self.settings, self._file = deforum, settings, file
        self._batch = f"music-visualizer-{uuid.uuid4().hex[:12]}"
        self.id = f"{self._batch}-0"
        self._tracker: Any = None
        self._seen = JobStatus("ACCEPTED", "QUEUED")
        self._end = ""  # SUCCEEDED, FAILED or CANCELLED
        #: Whether the host's own Interrupt was on when we pressed it; None: we did not.
        self.pressed_before: bool | None = None
        self.said = ""
        self._printed: deque[str] = deque(maxlen=_PRINTED)
        self._thread = threading.Thread(target=self._work, name=self.id, daemon=True)

    def start(self) -> None:
        """Begin; raises DeforumError where the settings cannot be handed over."""
        data = json.dumps(settings_file(self.settings, self._deforum.args), ensure_ascii=True, allow_nan=False)
        # Deforum opens the file in whatever encoding the machine has.
        write_bytes(self._file, data.encode("ascii"))
        self._tracker = self._announce()
        self._thread.start()

    @property
    def printed(self) -> str:
        """The end of what the run has written to the console."""
        return "".join(list(self._printed))

    @property
    def is_over(self) -> bool:
        """Whether the call has returned."""
        return bool(self._end) and not self._thread.is_alive()

    def status(self) -> JobStatus:
        """How it goes."""
        if self.is_over:
            return dataclasses.replace(self._seen, status=self._end, phase="DONE", message=self.said)
        return self._look()

    def wait(self, seconds: float) -> bool:
        """Wait for the end; False when it has not come."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def stop(self, patience: float) -> bool:
        """Interrupt and wait for the end; False when it has not come within ``patience`` seconds."""
        state = _shared().state
        if self.pressed_before is None:
            self.pressed_before = bool(state.interrupted)
        until = time.monotonic() + patience
        while not self.is_over and time.monotonic() < until:
            state.interrupt()
            if not self.wait(min(1.0, patience)):
                state.skipped = True
        if self.is_over:  # it may have ended between the look and the press
            state.interrupted, state.skipped = self.pressed_before, False
        return self.is_over

    def _announce(self) -> Any:
        """Make the tracker follow this run; it ignores runs that it has not accepted."""
        try:
            tracker = self._deforum.run.JobStatusTracker()  # forks have two of them: the one this module uses
            tracker.accept_job(batch_id=self._batch, job_id=self.id, deforum_settings=[], options_overrides=None)
        except Exception as error:  # a foreign module
            raise DeforumError(f"this Deforum does not tell how a run goes: {error}", "update Deforum") from error
        return tracker

    def _look(self) -> JobStatus:
        found = self._tracker.get(self.id)
        if found is not None:
            names = ("phase", "outdir", "timestring", "updates")
            seen = JobStatus.from_json({name: getattr(found, name, None) for name in names})
            self._seen = dataclasses.replace(seen, status="ACCEPTED")
        return self._seen

    def _forget(self) -> None:
        """Take the run out of the tracker again, where it would stand for ever."""
        self._look()
        self._tracker.statuses.pop(self.id, None)
        self._tracker.batches.pop(self._batch, None)

    def _work(self) -> None:
        shared = _shared()
        end = "FAILED"
        try:
            with _as_found(shared, self), _listening(self._printed):
                end = self._call(shared)
        except BaseException as error:  # nothing may end this thread without a word, not even a SystemExit
            self.said = f"{type(error).__name__}: {error}"
            log.exception("the run of Deforum failed")
        finally:
            self._file.unlink(missing_ok=True)
            with contextlib.suppress(Exception):
                self._forget()
            self._end = end

    def _call(self, shared: Any) -> str:
        if shared.sd_model is None:  # the host loads it on this very look
            self.said = "No checkpoint found"
            return "FAILED"
        quiet_controlnet()
        raised = ""
        returned: Any = None
        try:
            returned = self._deforum.run.run_deforum(*inputs(self._batch, str(self._file), self._deforum.args))
        except Exception as error:
            raised = f"{type(error).__name__}: {error}"
            log.exception("Deforum raised")
        # The host's button asks for the end of the picture first; Deforum then stumbles over its absence.
        if shared.state.interrupted or getattr(shared.state, "stopping_generation", False):
            return "CANCELLED"
        ok = not raised and isinstance(returned, tuple | list) and len(returned) > 1 and returned[1] is not None
        if not ok:
            self.said = raised or (str(returned[-1]) if isinstance(returned, tuple | list) and returned else "")
            return "FAILED"
        if not self._look().timestring and is_timestring(str(returned[1])):
            self._seen = dataclasses.replace(self._seen, timestring=str(returned[1]))
        return "SUCCEEDED"


def quiet_controlnet() -> None:
    """Let Deforum run where ControlNet is not installed.

    Without it Deforum still looks for its schedules (``cn_1_weight``) and fails before the first frame. Its class is
    replaced by one that has no schedules in that case and is the same in every other; doing it again changes nothing.
    """
    adapter: Any = importlib.import_module(f"{HELPERS}.parseq_adapter")
    original = getattr(adapter, "ControlNetKeys", None)
    if original is None or getattr(original, "music_visualizer", False):
        return

    def begin(self: Any, anim_args: Any, controlnet_args: Any, *others: Any, **named: Any) -> None:
        if controlnet_args is None or not vars(controlnet_args):
            self.fi, self.schedules = None, {}
        else:
            original.__init__(self, anim_args, controlnet_args, *others, **named)

    adapter.ControlNetKeys = type("ControlNetKeys", (original,), {"__init__": begin, "music_visualizer": True})


def _shared() -> Any:
    return importlib.import_module("modules.shared")


@contextlib.contextmanager
def _as_found(shared: Any, run: Run) -> Iterator[None]:
    """Put back what Deforum changes in the host, and the flags where it was us who set them."""
    state, options = shared.state, shared.opts
    state.skipped = False  # Deforum would begin with a pause
    fields = {name: getattr(state, name) for name in _STATE if hasattr(state, name)}
    names = (*_OPTIONS, _KEEPS_SETTINGS)
    values = {name: options.data[name] for name in names if name in options.data}
    options.data[_KEEPS_SETTINGS] = False
    hung = _OPTION_ATTRIBUTE in vars(options)
    total = getattr(shared, "total_tqdm", None)
    scheduled = run.settings.get("enable_checkpoint_scheduling")
    model = getattr(shared.sd_model, "sd_checkpoint_info", None) if scheduled else None
    try:
        yield
    finally:
        for name, value in fields.items():
            setattr(state, name, value)
        state.skipped = False
        if run.pressed_before is not None:
            state.interrupted = run.pressed_before
        for name in names:
            if name in values:
                options.data[name] = values[name]
            else:
                options.data.pop(name, None)
        if not hung:
            vars(options).pop(_OPTION_ATTRIBUTE, None)
        shared.total_tqdm = total
        if model is not None:
            _load_again(shared, model)


def _load_again(shared: Any, model: Any) -> None:
    """Back to the checkpoint that was loaded before a schedule changed it."""
    if getattr(shared.sd_model, "sd_checkpoint_info", None) is model:
        return
    try:
        importlib.import_module("modules.sd_models").reload_model_weights(info=model)
    except Exception:  # the run itself went well
        log.exception("the checkpoint that was loaded before could not be loaded again")


class _Ear:
    """A console that also keeps what one thread writes to it."""

    def __init__(self, stream: Any, kept: deque[str]) -> None:
        self._stream, self._kept, self._thread = stream, kept, threading.get_ident()
        self.hears = True

    def write(self, text: str) -> Any:
        if self.hears and threading.get_ident() == self._thread:
            self._kept.append(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def _listening(kept: deque[str]) -> Iterator[None]:
    """Keep what this thread writes to the console; the cause of a failure is often said nowhere else."""
    streams = {name: getattr(sys, name) for name in ("stdout", "stderr")}
    ears = {name: _Ear(stream, kept) for name, stream in streams.items() if stream is not None}
    for name, ear in ears.items():
        setattr(sys, name, ear)
    try:
        yield
    finally:
        for name, ear in ears.items():
            ear.hears = False
            if getattr(sys, name) is ear:  # else somebody has wrapped it since
                setattr(sys, name, ear._stream)
