"""Which Deforum is installed, and the one line where there is none that works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lib_music.errors import DeforumError
from lib_music.webui import deforum_find
from lib_music.webui.deforum_find import FOR_FORGE, STOCK, deforum_note, find_deforum
from tests.webui.fake_deforum import FakeDeforum
from tests.webui.fake_host import FakeHost


@pytest.fixture(autouse=True)
def no_cache() -> None:
    deforum_find._needs_old_gradio.cache_clear()


def test_all_is_well(a1111: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    deforum = FakeDeforum(a1111, monkeypatch, folder="my deforum")
    assert deforum_note() == ""
    assert find_deforum().run is deforum.run
    assert str(deforum.helpers.parent) in sys.path and str(deforum.helpers / "src") in sys.path


def test_nothing_is_installed(webui: FakeHost) -> None:
    wanted = FOR_FORGE if webui.is_forge else STOCK
    assert deforum_note().startswith("Deforum is not installed: ") and wanted in deforum_note()
    with pytest.raises(DeforumError, match="not installed") as caught:
        find_deforum()
    assert wanted in caught.value.fix


def test_no_webui_at_all() -> None:
    assert deforum_note().startswith("Deforum is not installed: ")


def test_switched_off_or_failed_to_load(a1111: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    FakeDeforum(a1111, monkeypatch).unload()
    assert "could not be loaded" in deforum_note()
    sys.modules["modules.extensions"].active = list  # type: ignore[attr-defined]
    assert "switched off" in deforum_note() and "Extensions" in deforum_note()


def test_the_one_for_the_other_host(
    a1111: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    deforum = FakeDeforum(a1111, monkeypatch)
    (deforum.helpers / "run_deforum.py").write_text("from modules.sd_models import forge_model_reload")
    deforum.unload()
    assert "made for Forge" in deforum_note() and STOCK in deforum_note()


def test_a_tab_that_gradio_4_cannot_draw(forge: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    deforum = FakeDeforum(forge, monkeypatch)
    (deforum.helpers / "ui_right.py").write_text("gallery = gr.Gallery().style(columns=1)")
    monkeypatch.setitem(sys.modules, "gradio", SimpleNamespace(__version__="4.40.0"))
    assert "does not work with this WebUI" in deforum_note() and FOR_FORGE in deforum_note()
    deforum_find._needs_old_gradio.cache_clear()
    (deforum.helpers / "ui_right.py").write_text("gallery = gr.Gallery(columns=1)")
    assert deforum_note() == ""


def test_a_deforum_that_breaks_when_it_is_asked(a1111: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    deforum = FakeDeforum(a1111, monkeypatch)
    monkeypatch.delitem(sys.modules, "deforum_helpers.run_deforum")
    monkeypatch.setitem(sys.modules, "deforum_helpers.ui_right", SimpleNamespace())
    with pytest.raises(DeforumError, match="cannot be loaded"):
        find_deforum()
    monkeypatch.setitem(sys.modules, "deforum_helpers.run_deforum", deforum.run)
    deforum.args.get_component_names = lambda: ["steps"]
    from lib_music.webui.deforum_args import component_names

    with pytest.raises(DeforumError, match="takes no settings file"):
        component_names(deforum.args)


def test_nothing_of_the_host_is_imported_before_it_is_needed() -> None:
    """In a process of its own, with a host that must not be touched on the path."""
    code = (
        "import sys\n"
        "class Guard:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        assert name.split('.')[0] not in ('modules', 'deforum_helpers', 'torch', 'gradio'), name\n"
        "sys.meta_path.insert(0, Guard())\n"
        "import lib_music.webui.deforum_host, lib_music.webui.deforum_find\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
