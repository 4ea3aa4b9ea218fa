"""Where a secret may lie in a host: never where its page hands files out."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lib_music.errors import InputError
from lib_music.studio import keys
from lib_music.studio.studio import Studio, studio_of
from lib_music.webui.host import WebuiHost
from tests.webui.fake_host import FakeHost

ID, SECRET = "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "fedcba98765432100123456789abcdef"


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A home and a place of uploads of its own."""
    for name in (*keys.credentials.ID_VARIABLES, *keys.credentials.SECRET_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "sent"))
    monkeypatch.setenv("MUSIC_VISUALIZER_CONFIG", str(tmp_path / "home" / ".config" / "music-visualizer"))


def gradio(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setitem(sys.modules, "gradio", SimpleNamespace(__version__=version))


def in_data(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> Studio:
    """The person's settings lie in the folder that the host serves, as on a pod whose home is its volume."""
    monkeypatch.setenv("MUSIC_VISUALIZER_CONFIG", str(host.data / "config"))
    return studio_of(WebuiHost())


@pytest.mark.parametrize("version", ["3.41.2", "4.40.0"])
def test_the_users_own_settings_come_first(
    webui: FakeHost, version: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gradio(monkeypatch, version)
    studio = studio_of(WebuiHost())
    keys.store(studio, ID, SECRET)
    assert (tmp_path / "home" / ".config" / "music-visualizer" / "spotify.json").is_file()
    assert keys.state(studio) == ("Spotify credentials: stored",)
    assert SECRET not in "".join(p.read_text("latin-1") for p in webui.data.rglob("*") if p.is_file())


def test_gradio_3_refuses_dot_folders_so_one_will_do(a1111: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    gradio(monkeypatch, "3.41.2")
    studio = in_data(a1111, monkeypatch)
    keys.store(studio, ID, SECRET)
    stored = [path.relative_to(a1111.data).as_posix() for path in a1111.data.rglob("spotify.json")]
    assert stored == [".music_visualizer/spotify.json"]
    assert keys.state(studio) == ("Spotify credentials: stored",)


def test_gradio_4_serves_dot_folders_so_none_will_do(forge: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    gradio(monkeypatch, "4.40.0")
    studio = in_data(forge, monkeypatch)
    with pytest.raises(InputError, match="does not serve"):
        keys.store(studio, ID, SECRET)
    assert not list(forge.data.rglob("spotify.json"))
    said = " ".join(keys.state(studio))
    assert "cannot be stored" in said and "SPOTIPY_CLIENT_SECRET" in said and str(forge.data) not in said
    monkeypatch.setenv("SPOTIPY_CLIENT_ID", ID)
    monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", SECRET)
    said = " ".join(keys.state(studio))
    assert "from the environment" in said and SECRET not in said and ID not in said


def test_a_folder_that_somebody_allowed_is_served_too(
    forge: FakeHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gradio(monkeypatch, "4.40.0")
    forge.shared.demo = SimpleNamespace(allowed_paths=[str(tmp_path / "home")])
    with pytest.raises(InputError, match="does not serve"):
        keys.store(studio_of(WebuiHost()), ID, SECRET)
    forge.shared.demo = None
    forge.shared.cmd_opts = SimpleNamespace(gradio_allowed_path=[str(tmp_path)])
    with pytest.raises(InputError, match="does not serve"):
        keys.store(studio_of(WebuiHost()), ID, SECRET)


def test_nothing_of_it_is_an_option(webui: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    gradio(monkeypatch, "3.41.2")
    keys.store(studio_of(WebuiHost()), ID, SECRET)
    held = str(webui.shared.opts.data) + str({k: vars(v) for k, v in webui.shared.opts.data_labels.items()})
    assert SECRET not in held and ID not in held
