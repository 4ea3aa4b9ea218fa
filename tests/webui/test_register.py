"""The script that the WebUI runs: callbacks once, and always a tab."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from lib_music.errors import ProjectError
from lib_music.webui import register, stale
from tests.webui.fake_host import FakeHost

SCRIPT = Path(__file__).parents[2] / "scripts" / "music_visualizer.py"


class Blocks:
    """As much of a gradio page as a message needs."""

    def __init__(self, **_: Any) -> None:
        self.html: list[str] = []

    def __enter__(self) -> Blocks:
        Blocks.open = self
        return self

    def __exit__(self, *_: object) -> None:
        del Blocks.open


@pytest.fixture(autouse=True)
def gradio(monkeypatch: pytest.MonkeyPatch) -> None:
    names = SimpleNamespace(
        Blocks=Blocks, HTML=lambda value, elem_id: Blocks.open.html.append(f"{elem_id}|{value}"),  # type: ignore[attr-defined]
        Textbox="textbox", Dropdown="dropdown", __version__="3.41.2",
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "gradio", names)


def page_of(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the page be built by ``build``."""
    tab = ModuleType("lib_music.ui.tab")
    tab.build_tab = build  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lib_music.ui.tab", tab)


def said(host: FakeHost) -> str:
    """The one tab's message."""
    [(page, title, tab)] = host.script_callbacks.ui_tabs_callback()
    assert (title, tab) == ("Music Visualizer", "music_visualizer")
    assert host.script_callbacks.reports == []
    [text] = page.html
    return str(text)


def test_the_script_registers_each_callback_once_at_every_load(webui: FakeHost) -> None:
    callbacks = webui.script_callbacks
    for _ in range(3):
        callbacks.clear_callbacks()
        runpy.run_path(str(SCRIPT), run_name="music_visualizer.py")
        # A second copy of the extension runs the same modules.
        runpy.run_path(str(SCRIPT), run_name="music_visualizer.py")
        assert {name: len(waiting) for name, waiting in callbacks.callback_map.items()} == {
            "callbacks_ui_tabs": 1, "callbacks_ui_settings": 1, "callbacks_app_started": 1,
        }  # fmt: skip


def test_loading_the_script_imports_nothing_heavy() -> None:
    """The host counts the time; what needs scipy or librosa comes at first use."""
    import subprocess

    program = (
        "import sys, types\n"
        "waiting = {f'callbacks_{kind}': [] for kind in ('ui_tabs', 'ui_settings', 'app_started')}\n"
        "callbacks = types.SimpleNamespace(callback_map=waiting, add_callback=lambda *a, **k: None)\n"
        "paths = types.SimpleNamespace(data_path='/nowhere')\n"
        "sys.modules['modules'] = types.SimpleNamespace(script_callbacks=callbacks, paths_internal=paths)\n"
        "import runpy; runpy.run_path(sys.argv[1])\n"
        "heavy = {'numpy', 'scipy', 'cv2', 'PIL', 'librosa', 'numba', 'gradio', 'requests'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(SCRIPT)], capture_output=True, text=True,
        cwd=SCRIPT.parents[1], env={**os.environ, "PYTHONPATH": str(SCRIPT.parents[1])}, timeout=60,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr


def test_the_tab_is_the_page_of_this_host(webui: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    built = []

    def build(studio: Any, *, standalone: bool) -> Blocks:
        built.append((studio, standalone))
        return Blocks()

    page_of(build, monkeypatch)
    register.register(str(SCRIPT))
    for _ in range(2):
        [(page, title, tab)] = webui.script_callbacks.ui_tabs_callback()
        assert isinstance(page, Blocks) and (title, tab) == ("Music Visualizer", "music_visualizer")
    (first, standalone), (second, _) = built
    assert standalone is False
    assert first.host.workspace() == webui.data / "outputs" / "music-visualizer"
    assert first.jobs is second.jobs, "a page that is built again finds the jobs of the one before"


def test_what_is_kept_lies_with_the_hosts_data(webui: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MUSIC_VISUALIZER_CACHE", "NUMBA_CACHE_DIR"):
        monkeypatch.setenv(name, "/elsewhere")
        monkeypatch.delenv(name)
    register.register(str(SCRIPT))
    for name in ("MUSIC_VISUALIZER_CACHE", "NUMBA_CACHE_DIR"):
        assert Path(os.environ[name]).is_relative_to(webui.data)
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/the/persons/own")
    register.register(str(SCRIPT))
    assert os.environ["NUMBA_CACHE_DIR"] == "/the/persons/own"


def test_a_missing_package_is_named_in_the_tab(webui: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(studio: Any, *, standalone: bool) -> Blocks:
        raise ModuleNotFoundError("No module named 'nowhere_music.core'", name="nowhere_music.core")

    page_of(build, monkeypatch)
    register.register(str(SCRIPT))
    text = said(webui)
    assert "needs nowhere_music." in text and "Restart the WebUI" in text and "install.py" in text
    assert "pip install" not in text, "it could change the WebUI's own packages"


def test_a_package_that_is_not_there_is_named_before_it_is_needed(
    webui: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    page_of(lambda studio, *, standalone: Blocks(), monkeypatch)
    monkeypatch.setattr(register, "_NEEDED", (*register._NEEDED, ("music_visualizer_nowhere", "nowhere-music")))
    register.register(str(SCRIPT))
    assert "needs nowhere-music." in said(webui)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ImportError("cannot import name 'x' from 'lib_music.ui.tab'", name="lib_music.ui.tab"), "do not fit together"),
        (ImportError("DLL load failed", name="cv2"), "cannot load opencv-python-headless, though it is there"),
        (ImportError("libGL.so.1: cannot open shared object file"), "ImportError"),
        (ProjectError("cannot write /x: disk full", "make room"), "make room"),
        (ProjectError("<img src=x onerror=alert(1)>"), "&lt;img src=x onerror"),
        (TypeError("unexpected keyword argument 'secret-path'"), "TypeError"),
        (RecursionError(), "RecursionError"),
    ],
)
def test_whatever_happens_there_is_a_tab_that_says_so(
    webui: FakeHost, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def build(studio: Any, *, standalone: bool) -> Blocks:
        raise error

    page_of(build, monkeypatch)
    register.register(str(SCRIPT))
    text = said(webui)
    assert words in text and "<img" not in text and "secret-path" not in text
    assert text.startswith("music_visualizer_missing|")


def test_after_an_update_it_says_restart(webui: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(studio: Any, *, standalone: bool) -> Blocks:
        raise AttributeError("new page, old modules")

    page_of(build, monkeypatch)
    monkeypatch.setattr(stale, "_loaded", {"removed.py": 1})
    register.register(str(SCRIPT))
    assert "restart the WebUI" in said(webui)


def test_the_script_is_alone_and_short() -> None:
    files = [path for path in SCRIPT.parent.iterdir() if path.name != "__pycache__"]
    assert files == [SCRIPT], "the host runs every file in scripts/"
    assert len(SCRIPT.read_text().splitlines()) <= 15
