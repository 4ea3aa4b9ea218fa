"""The host of ``serve``."""

import threading
from pathlib import Path

import pytest

from lib_music.errors import InputError, Interrupted, MusicVisualizerError
from lib_music.studio.host import Host, Model, Painting
from lib_music.studio.plain import PlainHost


def test_it_is_a_host_with_an_animatic(tmp_path: Path) -> None:
    host: Host = PlainHost(tmp_path / "new" / "visuals")
    assert host.workspace().is_dir()
    assert host.allowed_folders() == (host.workspace(),)
    first, second = host.renderers()
    assert (first.id, first.usable) == ("animatic", True)
    assert (second.id, second.usable) == ("deforum", False) and "--webui" in second.note
    assert host.model() is None and host.warm_up(512, 512, "", 20) is None and not host.interrupted()


def test_with_a_webui_deforum_comes_first(tmp_path: Path) -> None:
    host = PlainHost(tmp_path, webui="http://127.0.0.1:7860")
    assert [(choice.id, choice.usable) for choice in host.renderers()] == [("deforum", True), ("animatic", True)]
    assert host.notices() == ()


@pytest.mark.parametrize("url", ["ftp://x", "http://user:secret@host:7860", "", "host"])
def test_an_address_that_cannot_be_used_is_told_at_once(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError) as told:
        PlainHost(tmp_path, webui=url)
    assert "secret" not in str(told.value)


def test_folders_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        PlainHost(tmp_path, (tmp_path / "gone",))
    (tmp_path / "file").write_text("")
    with pytest.raises(MusicVisualizerError, match="cannot use"):
        PlainHost(tmp_path / "file" / "x").workspace()


def test_files_are_addressed_inside_the_workspace_only(tmp_path: Path) -> None:
    host = PlainHost(tmp_path / "visuals")
    (host.workspace() / "link").symlink_to(tmp_path)
    assert host.file_url(host.workspace() / "a b#.mp4").endswith("visuals/a%20b%23.mp4")
    assert host.file_url(host.workspace() / "x").startswith("file=")
    for outside in (tmp_path / "x", host.workspace() / ".." / "x", host.workspace() / "link" / "x"):
        with pytest.raises(InputError) as told:
            host.file_url(outside)
        assert str(tmp_path) not in str(told.value)


def test_one_paints_at_a_time_and_who_waits_can_stop(tmp_path: Path) -> None:
    host, holding, done = PlainHost(tmp_path), threading.Event(), threading.Event()

    def paint() -> None:
        with host.turn("task(1)", lambda: False) as publish:
            publish(Painting(0.5, "half"))
            holding.set()
            done.wait(60)

    thread = threading.Thread(target=paint)
    thread.start()
    assert holding.wait(60)
    with pytest.raises(Interrupted), host.turn("task(2)", lambda: True):
        pass
    done.set()
    thread.join(60)
    with host.turn("task(3)", lambda: False):
        pass


def test_what_it_does_not_have_is_refused(tmp_path: Path) -> None:
    host = PlainHost(tmp_path)
    assert host.captioner("palette", lambda: False).name == "palette"
    for refused in (
        lambda: host.captioner("blip", lambda: False),
        lambda: host.renderer("other", None, None, lambda: False),  # type: ignore[arg-type]
        lambda: host.renderer("deforum", None, None, lambda: False),  # type: ignore[arg-type]
        lambda: host.switch_model(Model("x")),
    ):
        with pytest.raises(InputError):
            refused()
