"""What our code and the fake Deforum take for granted, against the source of a real one.

Set ``WEBUI_DIR`` to the folder of a WebUI with a Deforum in ``extensions``. Nothing of it is imported or run.
"""

from __future__ import annotations

import ast
import inspect
import os
from pathlib import Path
from typing import Any

import pytest

from lib_music.render.deforum_defaults import ANIMATION, GENERATION, GUIDED_IMAGES, PARSEQ, VIDEO
from lib_music.webui.deforum_run import _OPTION_ATTRIBUTE, _OPTIONS, _STATE
from tests.webui.fake_deforum import ControlNetKeys, _tracker

#: Its inputs that a settings file never carries, or that only older files do.
NOT_OURS = {"perlin_w", "perlin_h", "init_image_box", "image_path"}
ENTRIES = {
    "DeforumAnimArgs": ANIMATION, "DeforumArgs": GENERATION, "DeforumOutputArgs": VIDEO, "ParseqArgs": PARSEQ,
    "LoopArgs": GUIDED_IMAGES,
}  # fmt: skip


@pytest.fixture(scope="module")
def scripts() -> Path:
    named = os.environ.get("WEBUI_DIR")
    if not named:
        pytest.skip("needs a real WebUI with Deforum: set WEBUI_DIR to its folder")
    found = sorted(Path(named).glob("extensions/*/scripts/deforum_helpers"))
    assert found, f"WEBUI_DIR={named} has no Deforum in extensions"
    return found[0].parent


def text(scripts: Path, name: str) -> str:
    return (scripts / name).read_text(encoding="utf-8")


def functions(source: str) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}


def parameters(function: Any) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


def is_fork(scripts: Path) -> bool:
    return "forge" in text(scripts, "deforum_helpers/run_deforum.py").lower()


def test_run_deforum_takes_its_inputs_in_a_row_and_returns_its_errors(scripts: Path) -> None:
    source = text(scripts, "deforum_helpers/run_deforum.py")
    run = functions(source)["run_deforum"]
    assert run.args.vararg is not None and not run.args.args
    failures = [
        node for node in ast.walk(run)
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple)
        and [getattr(item, "value", "") for item in node.value.elts[:3]] == [None] * 3
    ]  # fmt: skip
    assert len(failures) >= 3
    assert "args[i+2]" in source and 'f"{args[0]}"' in source and 'f"{job_id_prefix}-{i}"' in source
    assert "JobStatusTracker" in source and "shared.state.interrupted" in source


def test_the_settings_are_known_by_the_same_names(scripts: Path) -> None:
    found = functions(text(scripts, "deforum_helpers/args.py"))
    assert ast.unparse(found["get_component_names"]).count("override_settings_with_file") == 1
    for name, ours in ENTRIES.items():
        (returned,) = (node.value for node in found[name].body if isinstance(node, ast.Return))
        assert isinstance(returned, ast.Dict)
        theirs = {key.value for key in returned.keys if isinstance(key, ast.Constant)}
        if not is_fork(scripts):
            assert theirs - NOT_OURS == set(ours), name
        assert len(theirs & set(ours)) > 0.9 * len(ours), name
        for key, entry in zip(returned.keys, returned.values, strict=True):
            is_value = not isinstance(entry, ast.Dict) or getattr(key, "value", "") in NOT_OURS
            assert is_value or "value" in {getattr(k, "value", "") for k in entry.keys}, ast.unparse(entry)


def test_the_settings_file_is_read_in_the_machines_encoding_and_prompts_by_these_names(scripts: Path) -> None:
    load = ast.unparse(functions(text(scripts, "deforum_helpers/settings.py"))["load_args"])
    for key in ("prompts", "animation_prompts_positive", "animation_prompts_negative"):
        assert f"'{key}'" in load
    assert "custom_settings_file[run_id]" in load and "custom_settings_file.name" in load


def test_the_tracker_is_told_of_a_run_with_these_names(scripts: Path) -> None:
    tree = ast.parse(text(scripts, "deforum_api.py"))
    (tracker,) = (n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == "JobStatusTracker")
    methods = [node for node in tracker.body if isinstance(node, ast.FunctionDef)]
    made = {method.name: [a.arg for a in method.args.args[1:]] for method in methods}
    fake = _tracker()()
    assert made["accept_job"] == parameters(fake.accept_job) and made["get"] == parameters(fake.get)
    held = {node.target.id for node in tracker.body if isinstance(node, ast.AnnAssign)}  # type: ignore[union-attr]
    assert {"statuses", "batches"} <= held


def test_controlnets_class_stands_where_we_replace_it(scripts: Path) -> None:
    assert "ControlNetKeys(anim_args, controlnet_args)" in text(scripts, "deforum_helpers/parseq_adapter.py")
    tree = ast.parse(text(scripts, "deforum_helpers/animation_key_frames.py"))
    (keys,) = (n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == "ControlNetKeys")
    (begin,) = (n for n in keys.body if isinstance(n, ast.FunctionDef) and n.name == "__init__")
    assert [a.arg for a in begin.args.args[1:]] == parameters(ControlNetKeys.__init__)
    assert "cn_{i}_" in ast.unparse(keys) or "cn_" in ast.unparse(keys)


def test_what_it_changes_in_the_host_is_what_we_put_back(scripts: Path) -> None:
    render = text(scripts, "deforum_helpers/render.py") + text(scripts, "deforum_helpers/generate.py")
    for option in _OPTIONS:
        assert f'opts.data["{option}"]' in render, option
    assert _OPTION_ATTRIBUTE in render
    state = {name for name in ("job", "job_no", "job_count") if f"state.{name} = " in render}
    assert state == set(_STATE)
    assert "while not state.skipped" in render, "Skip is Pause"


def test_it_counts_files_to_resume(scripts: Path) -> None:
    resume = text(scripts, "deforum_helpers/resume.py")
    assert '".txt" in item or ".mp4" in item' in resume and '"depth" not in filename' in resume
    assert "frame_count - (frame_count % cadence)" in resume
