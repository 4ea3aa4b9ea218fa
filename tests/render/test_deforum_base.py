"""A person's settings file: kept, checked, disarmed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib_music.errors import SettingsError
from lib_music.render.deforum_base import MAX_BYTES, BaseSettings, read_base_settings
from lib_music.render.deforum_defaults import DEFAULTS, PATH_KEYS


def read(tmp_path: Path, content: Any) -> BaseSettings:
    path = tmp_path / "base.txt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return read_base_settings(path)


def test_unknown_keys_and_own_formulas_are_kept(tmp_path: Path) -> None:
    mine = {"zoom": "0: (1.0025+0.002*sin(1.25*3.14*t/30))", "sd_model_name": "x", "wan_seed": -1, "W": 768}
    base = read(tmp_path, mine)
    assert dict(base.values) == mine and base.warnings == ()


def test_a_byte_order_mark_is_no_trouble(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbf{\"W\": 64}").values["W"] == 64


@pytest.mark.parametrize(
    ("key", "given_", "kept"),
    [
        ("diffusion_cadence", "4", 4),
        ("max_frames", 120.0, 120),
        ("cn_1_weight", 1, "0:(1.000000)"),
        ("diffusion_redo", 0, "0"),
        ("word_schedule", '0: ("Simple")', '0: ("Simple")'),
        ("tiling", 0, False),
        ("hybrid_composite", False, "None"),
        ("optical_flow_cadence", True, "DIS Fine"),
        ("add_soundtrack", False, "None"),
        ("fill", "original", "original"),
        ("midas_weight", 1, 1),
        ("init_image", None, None),
        ("soundtrack_path", None, ""),
        ("fps", 23.976, 23.976),
    ],
)
def test_older_spellings_are_understood(tmp_path: Path, key: str, given_: Any, kept: Any) -> None:
    value = read(tmp_path, {key: given_}).values[key]
    assert value == kept and type(value) is type(kept)


@pytest.mark.parametrize("key", sorted(PATH_KEYS))
@pytest.mark.parametrize(
    "address", ["http://10.0.0.1/x", " HTTPS://e.org/a.mp4", "ftp://e.org/a", "\\\\server\\share\\a.png", "//e.org/a"]
)
def test_addresses_are_left_out_and_said_so(tmp_path: Path, key: str, address: str) -> None:
    base = read(tmp_path, {key: address})
    assert base.values[key] == DEFAULTS[key]
    assert len(base.warnings) == 1 and key in base.warnings[0]


def test_addresses_inside_guided_images_and_unknown_keys_too(tmp_path: Path) -> None:
    base = read(tmp_path, {"init_images": '{"0": "https://e.org/1.png"}', "use_looper": True, "other": "http://e"})
    assert (base.values["init_images"], base.values["use_looper"], base.values["other"]) == ("{}", False, "")


@pytest.mark.parametrize(
    ("key", "switch", "on", "off"),
    [("init_image", "use_init", True, False), ("mask_file", "use_mask", True, False),
     ("video_init_path", "animation_mode", "Video Input", "2D"), ("soundtrack_path", "add_soundtrack", "File", "None")],
)
def test_what_needs_the_address_is_switched_off(tmp_path: Path, key: str, switch: str, on: Any, off: Any) -> None:
    assert read(tmp_path, {key: "http://e.org/a", switch: on}).values[switch] == off
    assert read(tmp_path, {key: "/home/me/a", switch: on}).values[switch] == on


def test_plain_paths_and_windows_paths_stay(tmp_path: Path) -> None:
    mine = {"init_image": "C:\\pictures\\a.png", "mask_file": "/home/me/m.png", "soundtrack_path": "a.mp3"}
    assert dict(read(tmp_path, mine).values) == mine


def test_renamed_keys_cannot_undo_ours_later(tmp_path: Path) -> None:
    old = {"skip_video_for_run_all": False, "histogram_matching": True, "animation_prompts": '{"0":"a"}'}
    base = read(tmp_path, old)
    assert dict(base.values) == {"skip_video_creation": False, "prompts": {"0": "a"}}
    assert "histogram_matching" in base.warnings[0]


def test_words_of_older_versions_are_what_deforum_takes_them_for(tmp_path: Path) -> None:
    old = {"color_coherence": "Match Frame 0 HSV", "cn_2_resize_mode": "Envelope (Outer Fit)", "use_zoe_depth": True}
    assert dict(read(tmp_path, old).values) == {
        "color_coherence": "HSV", "cn_2_resize_mode": "Outer Fit (Shrink to Fit)",
        "depth_algorithm": "Zoe+AdaBins (old)",
    }


def test_formulas_of_deforums_own_guides_are_read(tmp_path: Path) -> None:
    mine = {
        "zoom": "0:((2*2/3.14)*arcsin(sin((2*3.14)/20*t)))", "angle": "0:(arctan(1/tan(t*3.14/20)))",
        "translation_x": "0:(((t>10)&(t<20))*5), 60:(t//2)",
        "prompts": {"0": "a `tanh(t/100)` b", "max_f/2": "c"},
    }
    assert dict(read(tmp_path, mine).values) == mine


def test_parseq_is_warned_about(tmp_path: Path) -> None:
    base = read(tmp_path, {"parseq_manifest": '{"rendered_frames": []}'})
    assert "override" in base.warnings[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[1]", "holds a list"),
        ("3", "holds a int"),
        ('{"W": NaN}', "NaN"),
        ('{"W": 1e999}', "inf"),
        ('{"W": 64, "W": 128}', "given twice"),
        ('{"a": ' + "[" * 200 + "]" * 200 + "}", "nested too deeply"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
        ('{"W": ' + "9" * 10_000 + "}", "number"),
        (b"\xff\xfe\x00", "UTF-8"),
        ({"W": "wide"}, "W is 'wide'; it must be a number"),
        ({"W": True}, "W"),
        ({"W": 64.5}, "whole"),
        ({"W": 10**40}, "number"),
        ({"tiling": "yes"}, "true or false"),
        ({"zoom": None}, "zoom"),
        ({"zoom": ["0:(1)"]}, "zoom"),
        ({"zoom": "3:(1)"}, "zoom at frame 0"),
        ({"zoom": "0:(9**9**9)"}, "zoom at frame 0"),
        ({"sampler": ["Euler"]}, "sampler"),
        ({"sampler_schedule": "Euler"}, "sampler_schedule"),
        ({"some_fork_schedule": "0:(__import__('os'))"}, "some_fork_schedule"),
        ({"some_fork_schedule": "0:(9**9**9)"}, "some_fork_schedule"),
        ({"some_fork_schedule": "0:('a'),5:(9**9**9)"}, "some_fork_schedule"),
        ({"prompts": ["a"]}, "prompts"),
        ({"prompts": {}}, "prompts"),
        ({"prompts": {"max_g/2": "a"}}, "prompts"),
        ({"prompts": {"0": "a `9**9**9`"}}, "prompts at frame 0"),
        ({"animation_prompts": "{"}, "animation_prompts is not JSON"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        read(tmp_path, content)
    assert caught.value.fix and caught.value.exit_code == 2


def test_not_a_file(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none", Path("/dev/null")):
        with pytest.raises(SettingsError, match="not a file"):
            read_base_settings(path)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(SettingsError, match="larger"):
        read_base_settings(path)


def test_the_same_thing_said_twice_is_no_contradiction(tmp_path: Path) -> None:
    assert read(tmp_path, '{"W": 64, "W": 64}').values["W"] == 64


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
fuzz = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@fuzz
@given(st.dictionaries(st.sampled_from(sorted(DEFAULTS)) | st.text(max_size=8), anything, max_size=6))
def test_any_object_is_read_or_refused(tmp_path: Path, found: dict[str, Any]) -> None:
    try:
        base = read(tmp_path, json.dumps(found))
    except SettingsError as error:
        assert error.message
        return
    for key, value in base.values.items():
        if key in DEFAULTS and key not in ("fill", "fps") and not isinstance(value, int | float):
            assert DEFAULTS[key] is None or isinstance(value, type(DEFAULTS[key])), key


@fuzz
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    try:
        read(tmp_path, content)
    except SettingsError as error:
        assert error.message
