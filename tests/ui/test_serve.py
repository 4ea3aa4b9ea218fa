"""``music-visualizer serve`` as a process."""

import importlib.util
import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from lib_music.studio.job import JobReporter
from lib_music.studio.jobs import Jobs
from lib_music.ui.serve import end_jobs

HAS_GRADIO = importlib.util.find_spec("gradio") is not None


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lib_music", "serve", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.mark.skipif(not HAS_GRADIO, reason="gradio is not installed here: make test-ui has it")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_stopped(tmp_path: Path, how: signal.Signals) -> None:
    command = [sys.executable, "-m", "lib_music", "serve", "--port", "0", "--out", str(tmp_path / "visuals")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = next(word for word in process.stdout.readline().split() if word.startswith("http"))
        deadline = time.monotonic() + 120
        while True:
            try:
                with urllib.request.urlopen(f"{url}config", timeout=60) as answer:
                    config = json.load(answer)
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
        assert url.startswith("http://127.0.0.1:")
        assert any(c["props"].get("elem_id") == "music_visualizer_visualize" for c in config["components"])
        with urllib.request.urlopen(url, timeout=60) as answer:
            page = answer.read().decode()
        assert "musicVisualizer" in page and "music-visualizer-hidden" in page
        with urllib.request.urlopen(f"{url}music-visualizer/v1/info", timeout=60) as answer:
            assert json.load(answer)["host"] == "serve"
        with pytest.raises(urllib.error.HTTPError, match="403"):
            evil = {"Origin": "http://evil.example", "Content-Type": "application/json"}
            asked = urllib.request.Request(f"{url}music-visualizer/v1/projects", b"{}", evil)
            urllib.request.urlopen(asked, timeout=60)
        process.send_signal(how)
        assert process.wait(60) == 0
        assert process.stderr is not None and "Traceback" not in process.stderr.read()
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(not HAS_GRADIO, reason="gradio is not installed here: make test-ui has it")
def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run("--port", port, "--out", str(tmp_path))
    assert done.returncode == 2
    assert f"port {port} is taken" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(HAS_GRADIO, reason="gradio is installed here")
def test_without_gradio_it_says_what_to_install(tmp_path: Path) -> None:
    done = run("--out", str(tmp_path))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    # From this very checkout: an index may hold another project of our name.
    assert re.search(r" -m pip install -e '[^']+\[ui\]'$", done.stderr.strip())


def test_the_end_leaves_no_job_running(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)

    def work(reporter: JobReporter) -> dict[str, str]:
        while True:
            time.sleep(0.01)
            reporter.check()

    started = [jobs.submit("visualize", "a", work), jobs.submit("visualize", "b", work)]
    end_jobs(jobs)
    assert [jobs.get(job.id).state for job in started] == ["interrupted", "interrupted"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--webui", "ftp://x"), "ftp"),
        (("--allow", "/no/such/folder"), "/no/such/folder"),
        (("--port", "99999"), "99999"),
        (("--port", "x"), "'x'"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = run("--out", str(tmp_path), *arguments)
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
