"""A section painted again by the real Deforum, its pictures put aside, and everything brought back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from lib_music.video.mux import count_frames
from tests.browser.songs import make_song
from tests.browser.tab import Tab
from tests.browser.videos import Video
from tests.host.installation import Installation, WebUI
from tests.host.test_whole_way import video_of, visuals


def digests(video: Path) -> list[str]:
    import subprocess

    from lib_music.ffmpeg import ffmpeg_exe

    argv = [ffmpeg_exe(), "-v", "error", "-i", str(video), "-map", "0:v:0", "-f", "framemd5", "-"]
    out = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return [line.rsplit(",", 1)[-1].strip() for line in out.splitlines() if not line.startswith("#")]


def small(tab: Tab) -> None:
    """Deforum, and so little that a CPU paints it soon."""
    tab.choose("renderer", "deforum")
    for name, value in (("width", 64), ("height", 64), ("steps", 2), ("cadence", 4)):
        tab.type(name, str(value))
    tab.until_view("v.motion.renderer === 'deforum' && v.motion.width === 64 && v.motion.cadence === 4")


def done(tab: Tab, webui: WebUI, kind: str, before: set[str]) -> dict[str, Any]:
    tab.new_job(kind, before)
    job = tab.ended(kind, 900)
    assert job["state"] == "done", (job, webui.log()[-3000:])
    return job


def ids(tab: Tab, kind: str) -> set[str]:
    return {job["id"] for job in tab.jobs(kind)}


def test_one_section_again_by_deforum(tab: Tab, webui: WebUI, installation: Installation, tmp_path: Path) -> None:
    song = make_song(tmp_path / "music")
    tab.give_song(song.path, song.cover)
    tab.produce()
    small(tab)
    if installation.forge:
        tab.type("length", "5")
    tab.start("visualize", "visualize")
    job = tab.ended("visualize", 1800)
    assert job["state"] == "done", (job, webui.log()[-3000:])
    view = tab.until_view("v.takes && v.takes.sections.length && v.takes.finished")
    folder, video = visuals(webui) / view["project"], video_of(webui, tab)
    sections = view["takes"]["sections"]
    assert len(sections) >= 2, sections
    record = json.loads((folder / "model.json").read_text("utf-8"))
    assert record["model"]["checkpoint"] and record["app"] and record["model"]["clip_skip"] == ""
    before, whole = digests(video), Video.measured(video)
    frames, border = len(before), sum(section["frames"] for section in sections[:1])
    last = border + sections[1]["frames"]
    run = json.loads((folder / "deforum_job.json").read_text("utf-8"))
    originals = {i: (Path(run["outdir"]) / f"{run['timestring']}_{i:09}.png").read_bytes() for i in range(frames)}

    tab.write_prompt(1, "a red whale in the sea")
    tab.until_view("v.takes.sections[1].changed")
    part, known = tab.part("takes"), ids(tab, "rerender")
    part.get_by_label("Frames of the cross-fade").fill("4")
    part.get_by_role("button", name=re.compile("^Paint only 2")).click()
    job = done(tab, webui, "rerender", known)
    assert "what was there is take 1" in job["said"]
    tab.until_view("v.takes.takes.length === 1 && v.video && !v.video.stale")
    after = digests(video)
    assert len(after) == frames == count_frames(video)
    assert after[:border] == before[:border] and after[last:] == before[last:]
    changed = sum(a != b for a, b in zip(after[border:last], before[border:last], strict=True))
    assert changed > 0.9 * (last - border)
    kept = sorted((folder / "takes" / "001" / "frames").iterdir())
    assert [path.read_bytes() for path in kept] == [originals[i] for i in range(border, last)]
    settings = json.loads((folder / "takes" / "001" / "take.json").read_text("utf-8"))
    assert (settings["first"], settings["last"]) == (border, last)
    now = json.loads((folder / "deforum_job.json").read_text("utf-8"))
    assert now["first"] == border and now["timestring"] != run["timestring"]
    sent = json.loads((Path(now["outdir"]) / f"{now['timestring']}_settings.txt").read_text("utf-8"))
    assert sent["use_init"] is True and Path(sent["init_image"]).read_bytes() == originals[border - 1]
    # Whole cadences and nothing more.
    assert len(list(Path(now["outdir"]).glob(f"{now['timestring']}_*.png"))) == -(-(last - border) // 4) * 4
    assert Video.measured(video).sound == whole.sound

    known = ids(tab, "restore")
    part.get_by_role("button", name="Restore take 1").click()
    done(tab, webui, "restore", known)
    tab.until_view("v.takes.takes.length === 1 && v.takes.takes[0].take === 2")
    assert digests(video) == before
    back = sorted((folder / "pictures").iterdir())
    assert [path.read_bytes() for path in back] == [originals[i] for i in range(border, last)]

    finishing, known = tab.part("finishing"), ids(tab, "finish")
    finishing.get_by_text("Finishing: larger").click()
    finishing.get_by_label("Upscaler").select_option("Lanczos")
    finishing.get_by_role("button", name="Finish", exact=True).click()
    done(tab, webui, "finish", known)
    (made,) = tab.until_view("v.finishing.results.length === 1")["finishing"]["results"]
    large = folder / "finished" / made["name"]
    assert count_frames(large) == frames and "128x128" in told(large)


def told(path: Path) -> str:
    import subprocess

    from lib_music.ffmpeg import ffmpeg_exe

    return subprocess.run([ffmpeg_exe(), "-i", str(path)], capture_output=True, text=True, check=False).stderr

