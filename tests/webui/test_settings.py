"""The settings section, and what follows from what is set there."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lib_music.errors import InputError
from lib_music.studio.host import Preferences
from lib_music.webui import folders, settings
from tests.webui.fake_host import FakeHost


@pytest.fixture(autouse=True)
def gradio(monkeypatch: pytest.MonkeyPatch) -> None:
    """The names of the components are all that the section needs."""
    monkeypatch.setitem(
        sys.modules, "gradio", SimpleNamespace(Textbox="textbox", Dropdown="dropdown", __version__="3.41.2")
    )


def put(host: FakeHost, key: str, value: object) -> None:
    host.shared.opts.data[key] = value


def test_one_section_of_six_plain_options(webui: FakeHost) -> None:
    settings.add_settings()
    options = {k: v for k, v in webui.shared.opts.data_labels.items() if k.startswith("music_visualizer")}
    assert set(options) == {
        "music_visualizer_output_folder", "music_visualizer_allowed_folders", "music_visualizer_preset",
        "music_visualizer_fps", "music_visualizer_captioner", "music_visualizer_disk_cap",
    }  # fmt: skip
    for info in options.values():
        assert info.section == ("music_visualizer", "Music Visualizer")
        assert isinstance(info.default, str) and str(webui.data) not in info.default
        args = info.component_args() if callable(info.component_args) else info.component_args
        assert "choices" not in args or info.default in args["choices"]
    assert options["music_visualizer_allowed_folders"].restrict_api


@pytest.mark.parametrize(
    ("typed", "bytes_"),
    [("", 0), ("10", 10**10), (" 2.5 ", 2_500_000_000), ("0,5", 500_000_000), ("-1", 0), ("x", 0), ("nan", 0),
     ("inf", 0), ("1e99", 0), ("10 GB", 0), (7, 0)],
)  # fmt: skip
def test_the_cap_is_in_gigabytes_and_nonsense_is_none(webui: FakeHost, typed: object, bytes_: int) -> None:
    settings.add_settings()
    webui.shared.opts.data[settings.DISK_CAP] = typed
    assert settings.preferences().disk_cap == bytes_


def test_adding_it_again_keeps_what_was_set(webui: FakeHost) -> None:
    settings.add_settings()
    webui.shared.opts.set("music_visualizer_fps", "30")
    settings.add_settings()
    assert settings.preferences() == Preferences("auto", "30", "palette")


def test_a_list_always_holds_what_is_set(webui: FakeHost) -> None:
    """Gradio 4 refuses the whole page of settings over a value that its list lacks."""
    settings.add_settings()
    put(webui, settings.FPS, "23.976")
    args = webui.shared.opts.data_labels[settings.FPS].component_args()
    assert args["choices"][-1] == "23.976"
    assert settings.preferences().fps == "23.976"


def test_without_a_page_the_defaults_hold(webui: FakeHost) -> None:
    assert settings.preferences() == Preferences()
    assert folders.workspace() == folders.Workspace(webui.data / "outputs" / "music-visualizer")


@pytest.mark.parametrize("bad", ["", "nonsense", "0", "1e999", 24, None, ["auto"], "../../x", "9" * 10_000])
def test_what_cannot_be_used_falls_back(webui: FakeHost, bad: object) -> None:
    for key in (settings.PRESET, settings.FPS, settings.CAPTIONER):
        put(webui, key, bad)
    assert settings.preferences() == Preferences()


def test_the_output_folder_follows_the_data_folder(webui: FakeHost) -> None:
    for value in ("my videos/2026", "./my videos//2026/", str(webui.data / "my videos" / "2026")):
        put(webui, settings.OUTPUT_FOLDER, value)
        assert folders.workspace() == folders.Workspace(webui.data / "my videos" / "2026")


@pytest.mark.parametrize(
    "bad", ["..", ".", "../elsewhere", "a/../../b", "/etc", "/", "outputs/.hidden", "extensions/music-visualizer",
            "models", "a\0b", "a\nb", "taken.txt"],
)  # fmt: skip
def test_an_output_folder_outside_is_refused_with_a_line(webui: FakeHost, bad: str) -> None:
    (webui.data / "taken.txt").write_text("x")
    put(webui, settings.OUTPUT_FOLDER, bad)
    place = folders.workspace()
    assert place.folder == webui.data / "outputs" / "music-visualizer"
    assert "output folder" in place.notice and str(webui.data) not in place.notice


def test_a_link_in_the_data_folder_is_the_persons_to_make(webui: FakeHost, tmp_path: Path) -> None:
    disk = tmp_path / "big disk"
    disk.mkdir()
    (webui.data / "outputs").symlink_to(disk)
    place = folders.workspace()
    assert place.notice == "" and place.folder == webui.data / "outputs" / "music-visualizer"
    video = place.folder / "song" / "video.mp4"
    video.parent.mkdir(parents=True)
    video.write_bytes(b"x")
    shown = folders.relative_url(video, cwd=webui.data)
    assert shown.startswith("file=outputs/music-visualizer/song/video.mp4?")
    assert folders.relative_url(video.resolve(), cwd=webui.data) == shown


def test_no_text_puts_the_output_folder_outside(a1111: FakeHost) -> None:
    chance = random.Random(7)
    for _ in range(2000):
        text = "".join(chance.choices("ab../~\\ :$%\n\0", k=chance.randrange(12)))
        put(a1111, settings.OUTPUT_FOLDER, text)
        folder = folders.workspace().folder
        assert a1111.data in folder.parents and folder.resolve().is_relative_to(a1111.data.resolve()), text
        assert not any(part.startswith(".") for part in folder.relative_to(a1111.data).parts), text


def test_allowed_folders_are_real_ones(webui: FakeHost, tmp_path: Path) -> None:
    songs = tmp_path / "songs"
    songs.mkdir()
    (webui.data / "music").symlink_to(songs)
    put(webui, settings.ALLOWED_FOLDERS, f"music, {tmp_path / 'more'};\n ,music")
    workspace = (webui.data / "outputs" / "music-visualizer").resolve()
    assert folders.allowed_folders() == (workspace, songs.resolve(), (tmp_path / "more").resolve())
    put(webui, settings.ALLOWED_FOLDERS, "")
    assert folders.allowed_folders() == (workspace,)


def test_urls_are_relative_quoted_and_only_of_the_workspace(webui: FakeHost) -> None:
    project = folders.workspace().folder / "a song"
    project.mkdir(parents=True)
    video = project / "100% #1 & \"2\"<b>?.mp4"
    video.write_bytes(b"x")
    url = folders.relative_url(video, cwd=webui.data)
    assert url.startswith("file=outputs/music-visualizer/a%20song/100%25%20%231%20%26%20%222%22%3Cb%3E%3F.mp4?")
    assert str(webui.data) not in url
    assert folders.relative_url(video, cwd=Path("/nowhere")).startswith(f"file={webui.data}/outputs/")
    secret = webui.data / "config.json"
    secret.write_text("{}")
    (project / "link.mp4").symlink_to(secret)
    (project / ".jobs").mkdir()
    (project / ".jobs" / "a.json").write_text("{}")
    above = project / ".." / ".." / ".." / "config.json"
    for path in (secret, project / "link.mp4", above, project / ".jobs" / "a.json"):
        with pytest.raises(InputError):
            folders.relative_url(path, cwd=webui.data)
    with pytest.raises(InputError, match="gone"):
        folders.relative_url(project / "never.mp4", cwd=webui.data)


def test_a_file_made_anew_has_another_url(webui: FakeHost) -> None:
    video = folders.workspace().folder / "song" / "video.mp4"
    video.parent.mkdir(parents=True)
    urls = set()
    for second in (1_000_000, 2_000_000):
        video.write_bytes(b"x")
        os.utime(video, (second, second))
        urls.add(folders.relative_url(video))
    assert len(urls) == 2
