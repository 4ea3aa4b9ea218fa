"""Progress and words for the person at the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lib_music.pipeline import Reporter


class Terminal:
    """Progress on stderr: a rich bar on a terminal, nothing elsewhere but what the person must know."""

    def __init__(self) -> None:
        from lib_music.pipeline import Reporter

        self._progress: Any = None
        self._task: Any = None
        outer = self

        class _Reporter(Reporter):
            def stage(self, name: str, total: float = 1.0) -> None:
                outer._stage(name, total)

            def done(self, amount: float) -> None:
                outer._done(amount)

            def say(self, text: str) -> None:
                outer._say(text)

        self.reporter: Reporter = _Reporter()

    def __enter__(self) -> Reporter:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

            self._progress = Progress(
                TextColumn("{task.description:<9}"),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f}%"),
                TextColumn("{task.fields[rate]}"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
                refresh_per_second=6,
            )
            self._progress.start()
        return self.reporter

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def _stage(self, name: str, total: float) -> None:
        if self._progress is None:
            return
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(name, total=total, rate="")

    def _done(self, amount: float) -> None:
        if self._progress is None:
            return
        task = next(task for task in self._progress.tasks if task.id == self._task)
        rate = f"{task.speed:.0f} frames/s" if task.speed and task.total and task.total > 1 else ""
        self._progress.update(self._task, completed=amount, rate=rate)

    def _say(self, text: str) -> None:
        if self._progress is not None:
            self._progress.console.print(text, markup=False, highlight=False)
        else:
            print(text, file=sys.stderr)
