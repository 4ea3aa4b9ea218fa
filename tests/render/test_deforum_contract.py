"""Our strings through Deforum's own parser, where the environment variable DEFORUM_DIR names a checkout."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import os
import sys
from collections.abc import Iterator
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lib_music.export.parseq import parseq_document
from lib_music.render.deforum_base import read_base_settings
from lib_music.render.deforum_defaults import DEFAULTS, NUMBER_SCHEDULES, TEXT_SCHEDULES
from lib_music.render.deforum_grammar import read_schedule, read_text_schedule
from lib_music.render.deforum_settings import build_settings
from lib_music.schedule import Animation, Schedule, SectionCue, Timebase

N = 240
#: Deforum never loads these from a file.
NOT_LOADED = {"init_sample", "perlin_w", "perlin_h", "image_path", "outdir", "init_image_box"}


class _Stub(ModuleType):
    """A module of the host: whatever is asked of it exists and can be called."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Stub(name)

    def __call__(self, *_: object, **__: object) -> Any:
        return _Stub("result")

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __add__(self, other: object) -> str:
        return str(other)


HOST = (
    "modules", "modules.paths", "modules.shared", "modules.processing", "modules.scripts", "gradio", "torch",
    "deforum_real.general_utils", "deforum_real.deforum_controlnet", "deforum_real.video_audio_utilities",
)


@pytest.fixture
def helpers(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Deforum's own helper modules as the package ``deforum_real``, its host replaced by stubs."""
    folder = os.environ.get("DEFORUM_DIR", "")
    if not folder:
        pytest.skip("DEFORUM_DIR does not name a checkout of Deforum")
    path = Path(folder) / "scripts" / "deforum_helpers"
    assert path.is_dir(), f"DEFORUM_DIR={folder} holds no scripts/deforum_helpers"
    for name in HOST:
        monkeypatch.setitem(sys.modules, name, _Stub(name))
    package = ModuleType("deforum_real")
    package.__path__ = [str(path)]
    monkeypatch.setitem(sys.modules, "deforum_real", package)
    return path


def real(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """One of Deforum's modules, forgotten after the test."""
    for needed in ("pandas", "numexpr"):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"{needed}, which Deforum parses with, is not installed")
    if int(version("pandas").split(".")[0]) > 2:
        pytest.skip("Deforum's own parser needs pandas 1 or 2")
    module = importlib.import_module(f"deforum_real.{name}")
    for loaded in [key for key in sys.modules if key.startswith("deforum_real.")]:
        monkeypatch.setitem(sys.modules, loaded, sys.modules[loaded])
    return module


@pytest.fixture
def animation() -> Animation:
    t = np.arange(N)
    curves = {
        "zoom": 1.01 + 0.03 * np.exp(-(t % 12) / 3),
        "angle": np.sin(t / 9),
        "translation_x": 3 * np.cos(t / 20),
        "strength_schedule": 0.65 - 0.3 * (t % 12 == 0),
        "noise_schedule": 0.04 + 1e-5 * t,
        "cfg_scale_schedule": 7 + (t > 100) * 2.5,
    }
    schedules = {
        key: Schedule(key, tuple((int(i), round(float(v), 6)) for i, v in enumerate(values)))
        for key, values in curves.items()
    }
    held = ((0, 11.0), (96, 4_294_967_295.0), (200, 3.0))
    schedules["seed_schedule"] = Schedule("seed_schedule", held, "hold")
    return Animation(
        timebase=Timebase(Fraction(24), N), mode="2D", border="wrap", width=512, height=512, cadence=7,
        schedules=schedules, prompts={0: "a fox", 96: "a wolf"}, negatives={0: "blurry"},
        cues=(SectionCue(0, N, "A", "verse"),),
    )


def test_all_schedules_mean_the_same_to_deforum(
    helpers: Path, animation: Animation, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = real("animation_key_frames", monkeypatch)
    settings = build_settings(animation, batch_name="contract")
    parser = keys.FrameInterpolater(settings["max_frames"], settings["seed"])
    for key in sorted(NUMBER_SCHEDULES):
        theirs = parser.parse_inbetweens(settings[key], key).to_numpy()
        ours = read_schedule(settings[key], settings["max_frames"], parameter=key, strict=True)
        assert np.abs(theirs - ours).max() <= 1e-9, key
        if key in animation.schedules:
            wanted = animation.schedules[key].sample(N)
            assert np.abs(theirs[:N] - wanted).max() <= 1e-6, key
    for key in sorted(TEXT_SCHEDULES):
        theirs = list(parser.parse_inbetweens(settings[key], key, is_single_string=True))
        assert theirs == read_text_schedule(settings[key], settings["max_frames"], parameter=key)
    keys.DeformAnimKeys(SimpleNamespace(**settings), settings["seed"])
    keys.LooperAnimKeys(SimpleNamespace(**settings), SimpleNamespace(**settings), settings["seed"])


@pytest.mark.parametrize(
    "text",
    [
        "0:(1),4:(3)", "4:(3), 0: (1)", "0:(1),2:(5),2:(3)", "0:(1),10:(2)", "-1:(9),0:(1)", "0:1.5",
        "0:(+.5),1:(-0.25)", "0:(1e-3),2:(1)", "0:(5.),2:(1)", "0:( 1 ),2:(3)", "0:(t),3:(10)", "0:(2),2:(t*10)",
        "0:((t>1)*1.5)", "0:(max_f)", '0:(0),"max_f-1":(4)', "0:(s)", "0:(1.0025+0.002*sin(1.25*3.14*t/30))",
        "\n0:(1),\n1:(2)\n",
    ],
)
def test_the_reader_reads_as_deforum_does(text: str, helpers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = real("animation_key_frames", monkeypatch)
    theirs = keys.FrameInterpolater(6, 42).parse_inbetweens(text, "zoom").to_numpy()
    assert read_schedule(text, 6, seed=42) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("text", ["", "1.02", "2:(1),4:(3)", "0:(1),", "0:(1);4:(2)", "0:(nan)", "0:(１)", "1.5:(1)"])
def test_deforum_fails_where_the_reader_refuses(text: str, helpers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = real("animation_key_frames", monkeypatch)
    with pytest.raises(Exception):  # noqa: B017  # it raises whatever it happens to stumble over
        keys.FrameInterpolater(6, 42).parse_inbetweens(text, "zoom")


def test_prompts_come_apart_as_meant(
    helpers: Path, animation: Animation, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = real("prompt", monkeypatch)
    settings = build_settings(animation, batch_name="contract")
    assert all(key.isdigit() for key in settings["prompts"])
    # Deforum puts its two extra fields around every prompt before it splits.
    before, after = settings["animation_prompts_positive"], settings["animation_prompts_negative"]
    wrapped = f"{before} {settings['prompts']['96']}  {after}"
    parts = prompt.split_weighted_subprompts(wrapped)
    assert [part.strip() for part in parts] == ["a wolf", "blurry"]


def test_every_key_that_deforum_loads_is_written(helpers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    args = real("args", monkeypatch)
    monkeypatch.setattr(args, "get_samplers_list", dict)
    names = ("DeforumAnimArgs", "DeforumArgs", "DeforumOutputArgs", "ParseqArgs", "LoopArgs")
    forks = [name for name in ("FreeUArgs", "KohyaHRFixArgs") if name in vars(args)]
    groups = [getattr(args, name)() for name in (*names, *forks)]
    known = {key: spec for group in groups for key, spec in group.items() if key not in NOT_LOADED}
    assert set(known) <= set(DEFAULTS)
    for key, spec in known.items():
        value = spec.get("value") if isinstance(spec, dict) else spec
        if key in DEFAULTS and key != "fill" and value is not None and DEFAULTS[key] is not None:
            assert isinstance(DEFAULTS[key], float if isinstance(value, float) else type(value)) or (
                isinstance(value, int | float) and isinstance(DEFAULTS[key], int | float)
            ), key


def test_its_parseq_adapter_paints_the_very_schedules(
    helpers: Path, animation: Animation, monkeypatch: pytest.MonkeyPatch
) -> None:
    if importlib.util.find_spec("rich") is None or importlib.util.find_spec("requests") is None:
        pytest.skip("rich and requests, which Deforum's adapter imports, are not installed")
    monkeypatch.setitem(sys.modules, "deforum_real.rich", _Stub("deforum_real.rich"))
    adapter = real("parseq_adapter", monkeypatch)
    settings = build_settings(animation, batch_name="contract")
    made = parseq_document(animation, settings, (), name="contract", tempo=120.0)
    args = SimpleNamespace(**settings)
    asked = SimpleNamespace(
        parseq_manifest=json.dumps(made), parseq_use_deltas=True, parseq_non_schedule_overrides=True)
    # ControlNet, guided images and what the forks add stay with Deforum's own tab.
    others = [name for name in inspect.signature(adapter.ParseqAdapter).parameters if name.endswith(("_args", "_keys"))]
    parseq = adapter.ParseqAdapter(asked, args, SimpleNamespace(fps=1), *[None] * (len(others) - 3), mute=True)
    assert (args.max_frames, args.diffusion_cadence) == (settings["max_frames"], animation.cadence)
    for key, schedule in animation.schedules.items():
        name = f"{key}_series" if key != "seed_schedule" else "seed_schedule_series"
        theirs = np.asarray(getattr(parseq.anim_keys, name), np.float64)
        assert np.abs(theirs[:N] - np.round(schedule.sample(N), 6)).max() <= 1e-6, key
    texts = list(parseq.anim_keys.prompts)
    assert (texts[0], texts[95], texts[96]) == ("a fox --neg blurry", "a fox --neg blurry", "a wolf --neg blurry")


def test_its_own_default_file_is_a_base(helpers: Path) -> None:
    base = read_base_settings(helpers.parent / "default_settings.txt")
    stock = _stock(helpers)
    for key in set(stock) & set(DEFAULTS):
        if DEFAULTS[key] is not None and stock[key] is not None and key != "fill":
            assert isinstance(base.values[key], (type(DEFAULTS[key]), int, float)), key
    assert any("soundtrack_path" in warning for warning in base.warnings)


def _stock(helpers: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((helpers.parent / "default_settings.txt").read_text(encoding="utf-8"))
    told = {"positive_prompts", "negative_prompts", "sd_model_name", "sd_model_hash", "deforum_git_commit_id"}
    return {key: value for key, value in found.items() if key not in told}


def _keys(folder: Path) -> dict[str, Any]:
    """Every key of the installed Deforum's settings with the value that it declares, read off its source."""
    import ast

    found: dict[str, Any] = {}
    tree = ast.parse((folder / "args.py").read_text(encoding="utf-8"))
    for function in tree.body:
        if not isinstance(function, ast.FunctionDef) or not function.name.endswith("Args") or "Root" in function.name:
            continue
        for node in (n.value for n in ast.walk(function) if isinstance(n, ast.Return)):
            for key, entry in zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ():
                assert isinstance(key, ast.Constant)
                fields = zip(entry.keys, entry.values, strict=True) if isinstance(entry, ast.Dict) else ()
                value = next((v for k, v in fields if getattr(k, "value", "") == "value"), entry)
                found[str(key.value)] = value.value if isinstance(value, ast.Constant) else DEFAULTS.get(str(key.value))
    units = ast.parse((folder / "deforum_controlnet.py").read_text(encoding="utf-8"))
    (names,) = (f for f in units.body if isinstance(f, ast.FunctionDef) and f.name == "controlnet_component_names")
    words = [n.value for n in ast.walk(names) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    found.update({f"cn_{unit}_{word}": DEFAULTS.get(f"cn_{unit}_{word}") for unit in (1, 5) for word in words
                  if word.isidentifier()})  # fmt: skip
    return {key: value for key, value in found.items() if key not in NOT_LOADED}


@pytest.mark.parametrize("ticked", [(), ("prompts",), ("zoom", "strength", "seed"), None])
def test_every_key_of_the_installed_deforum_is_kept_unless_it_is_ticked(ticked: tuple[str, ...] | None) -> None:
    """Over all that it declares, ControlNet of the first and the last unit included."""
    from lib_music.render.deforum_base import parse_base_settings
    from lib_music.render.deforum_ticks import ALWAYS, FIRST, TICKS
    from tests.render.test_deforum_ticks import as_the_page_asks, other

    folder = os.environ.get("DEFORUM_DIR", "")
    if not folder:
        pytest.skip("DEFORUM_DIR does not name a checkout of Deforum")
    keys = _keys(Path(folder) / "scripts" / "deforum_helpers")
    assert {"W", "zoom", "depth_algorithm", "hybrid_motion", "init_images", "mask_file", "cn_5_weight"} <= set(keys)
    theirs = {key: other(key) if key in DEFAULTS else f"theirs {value}" for key, value in keys.items()}
    theirs |= {"prompts": {"0": "a <lora:x:1>"}, "parseq_manifest": ""}
    base = dict(parse_base_settings(json.dumps(theirs), "theirs").values)
    ticks = set(FIRST if ticked is None else ticked)
    built = build_settings(as_the_page_asks(base, ticks), batch_name="song")
    ours = {key for tick in TICKS if tick.id in ticks for key in tick.keys} | set(ALWAYS)
    assert {key for key in base if key not in ours and built[key] != base[key]} == set()
    print(f"{len(keys)} keys of {folder}, {len(set(keys) - set(DEFAULTS))} unknown to us, {len(ours)} ours")
