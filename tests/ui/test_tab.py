"""The page as gradio sees it: parts, names, what a host may keep, what it costs to build."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

gr = pytest.importorskip("gradio", reason="gradio is not installed here: make test-ui has it")

from lib_music.errors import InputError  # noqa: E402
from lib_music.studio.plain import PlainHost  # noqa: E402
from lib_music.studio.studio import Studio, studio_of  # noqa: E402
from lib_music.ui import form  # noqa: E402
from lib_music.ui.tab import PREFERENCES, PREFIX, build_tab  # noqa: E402

#: In which order a person works.
ORDER = (
    "notices", "upload", "path", "link", "allow_download", "spotify_content", "cover", "credentials", "client_id",
    "client_secret", "set_credentials", "test_credentials", "delete_credentials", "captioner", "produce",
    "progress_produce", "timeline", "tempo_double", "tempo_half", "downbeat_on", "nudge", "candidate_1",
    "candidate_5", "style", "negative", "rows", "preset", "intensity", "fps", "cadence", "aspect", "width", "start",
    "seed", "sampler", "steps", "preview_song", "progress_preview", "renderer", "cost", "estimate", "visualize",
    "interrupt", "progress", "video", "typed", "resume",
)  # fmt: skip
#: What the page's script draws.
DRAWN = (
    "notices", "progress_produce", "card", "timeline", "candidates", "rows", "progress_preview", "preview", "cost",
    "progress", "video", "visuals", "history", "base", "routes", "stills", "finishing", "takes", "ways_out",
)  # fmt: skip


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return studio_of(PlainHost(tmp_path / "visuals"))


@pytest.fixture
def page(studio: Studio) -> gr.Blocks:
    return build_tab(studio, standalone=False)


def components(page: gr.Blocks) -> list:
    return [block for block in page.blocks.values() if block is not page]


def test_every_component_has_an_id_of_its_own_and_they_are_few(page: gr.Blocks) -> None:
    # gradio draws a frame, a Form, around boxes that follow each other; it has no name.
    ids = [block.elem_id for block in components(page) if block.get_block_name() != "form"]
    assert None not in ids
    assert all(id.startswith(PREFIX) for id in ids)
    assert len(set(ids)) == len(ids)
    assert len(page.blocks) <= 120


def test_a_host_with_other_tabs_can_be_sent_a_still_and_the_page_stays_small(tmp_path: Path) -> None:
    class Tabs(PlainHost):
        bound: dict[str, Any] = {}  # noqa: RUF012

        def can_paste(self) -> bool:
            return True

        def bind_paste(self, buttons: Any, image: Any, text: Any) -> None:
            Tabs.bound = {**buttons, "image": image, "text": text}

    page = build_tab(studio_of(Tabs(tmp_path / "visuals")), standalone=False)
    assert {name: block.elem_id for name, block in Tabs.bound.items()} == {
        "img2img": f"{PREFIX}_send_img2img", "extras": f"{PREFIX}_send_extras", "image": f"{PREFIX}_still_image",
        "text": f"{PREFIX}_still_text",
    }  # fmt: skip
    assert len(page.blocks) <= 120


def test_parts_are_in_the_order_of_the_work(page: gr.Blocks) -> None:
    ids = [block.elem_id for block in components(page)]
    places = [ids.index(f"{PREFIX}_{name}") for name in ORDER]
    assert places == sorted(places)


def test_places_that_the_script_fills(page: gr.Blocks) -> None:
    html = "".join(block.value or "" for block in components(page) if isinstance(block, gr.HTML))
    for name in DRAWN:
        assert html.count(f'id="{PREFIX}_{name}_view"') == 1
    assert html.count(f'id="{PREFIX}_gallery_container"') == 1


def test_hidden_parts_are_in_the_page(page: gr.Blocks) -> None:
    for name in ("view", "status", "page", "request", "act", "poll", "attach"):
        block = next(b for b in components(page) if b.elem_id == f"{PREFIX}_{name}")
        assert block.visible and "music-visualizer-hidden" in block.elem_classes


def test_a_host_keeps_preferences_only_and_labels_are_unique(page: gr.Blocks) -> None:
    """As the WebUI's ui_loadsave reads a tab: the label, or a button's text, is the key."""
    kinds = (gr.Slider, gr.Radio, gr.Checkbox, gr.Textbox, gr.Number, gr.Dropdown, gr.Button, gr.File)
    found = [block for block in components(page) if isinstance(block, kinds)]
    labels = [block.value if isinstance(block, gr.Button) else block.label for block in found]
    assert all(labels) and len(set(labels)) == len(labels)
    kept = {b.elem_id.removeprefix(f"{PREFIX}_") for b in found if not getattr(b, "do_not_save_to_config", False)}
    assert kept == PREFERENCES


def test_choices_are_plain_texts_with_their_default_among_them(page: gr.Blocks) -> None:
    """The WebUI compares a kept value with the choices themselves."""
    for block in components(page):
        if isinstance(block, (gr.Radio, gr.Dropdown)):
            values = [choice[1] if isinstance(choice, tuple) else choice for choice in block.choices]
            assert all(isinstance(value, str) for value in values)
            assert block.value in values
    fps = next(b for b in components(page) if b.elem_id == f"{PREFIX}_fps")
    assert [c[1] if isinstance(c, tuple) else c for c in fps.choices] == ["24", "25", "30", "60"]


def test_events_stay_out_of_the_queue_and_of_the_api(page: gr.Blocks) -> None:
    dependencies = page.get_config_file()["dependencies"]
    assert len(dependencies) > 30
    assert all(found["queue"] is False for found in dependencies)
    assert all(found["api_name"] is False for found in dependencies)


@pytest.mark.parametrize("standalone", [False, True])
def test_the_page_names_no_folder_of_this_machine(studio: Studio, tmp_path: Path, standalone: bool) -> None:
    config = json.dumps(build_tab(studio, standalone=standalone).get_config_file(), default=str)
    for place in (str(tmp_path), str(Path.home()), str(Path(__file__).parents[2]), "/etc"):
        assert place not in config


def test_a_guarded_upload_is_never_replaced(page: gr.Blocks) -> None:
    """gradio 4 makes a component anew at an update, without its guard: the boxes of files only get values."""
    boxes = {f"{PREFIX}_{name}" for name in ("upload", "cover", "analysis")}
    files = {b._id for b in components(page) if b.elem_id in boxes}
    forget = next(b._id for b in components(page) if b.elem_id == f"{PREFIX}_forget_given")
    assert len(files) == 3
    for found in page.get_config_file()["dependencies"]:
        if files & set(found["outputs"]):
            assert forget in [t[0] if isinstance(t, (list, tuple)) else t for t in found["targets"]]


def test_building_is_quick(studio: Studio) -> None:
    spent = []
    for _ in range(4):
        began = time.process_time()
        build_tab(studio, standalone=False)
        spent.append(time.process_time() - began)
    assert min(spent) < 0.3


def test_importing_the_page_imports_nothing_heavy(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; import gradio; before = set(sys.modules)\n"
        "from lib_music.studio.plain import PlainHost; from lib_music.studio.studio import studio_of\n"
        "from lib_music.ui.tab import build_tab; build_tab(studio_of(PlainHost(Path(sys.argv[1]))), standalone=False)\n"
        "heavy = {'librosa', 'numba', 'scipy', 'cv2', 'torch'} & (set(sys.modules) - before)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_nested_in_a_hosts_page(studio: Studio) -> None:
    """A WebUI builds the tab by itself and renders it into its own page, among other tabs."""
    tab = build_tab(studio, standalone=False)
    with gr.Blocks(analytics_enabled=False) as host, gr.Tabs():
        with gr.TabItem("txt2img", id="txt2img", elem_id="tab_txt2img"):
            gr.Textbox(label="Prompt")
        with gr.TabItem("Music Visualizer", id=PREFIX, elem_id=f"tab_{PREFIX}"):
            tab.render()
    dependencies = host.get_config_file()["dependencies"]
    assert len(dependencies) >= len(tab.get_config_file()["dependencies"])


def test_a_page_that_cannot_be_built_says_why(tmp_path: Path) -> None:
    class Broken(PlainHost):
        def samplers(self) -> tuple[str, ...]:
            raise InputError("samplers <b>are</b> gone", "restart the WebUI")

    page = build_tab(studio_of(Broken(tmp_path)), standalone=False)
    html = "".join(block.value for block in components(page))
    assert "samplers &lt;b&gt;are&lt;/b&gt; gone" in html and "restart the WebUI" in html and "Traceback" not in html


def test_a_fault_of_ours_gives_a_page_as_well(tmp_path: Path) -> None:
    class Broken(PlainHost):
        def preferences(self):  # type: ignore[no-untyped-def]
            raise KeyError("fps")

    page = build_tab(studio_of(Broken(tmp_path)), standalone=True)
    html = "".join(block.value for block in components(page))
    assert "KeyError" in html and "Traceback" not in html


def test_sizes_of_aspects_are_named_by_shape() -> None:
    assert [form.shape(1024, 576), form.shape(576, 1024), form.shape(512, 512)] == list(form.SHAPES)
    assert form.shape(640, 480) == form.OWN_SIZE
