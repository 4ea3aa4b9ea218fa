"""Who is told how far the work is, and may stop it."""

from __future__ import annotations

from lib_music.errors import Interrupted


class Reporter:
    """Hears how far the work is and may stop it. The base one is silent and never stops."""

    def stage(self, name: str, total: float = 1.0) -> None:
        """A new stage begins; ``total`` is in its own unit (1.0, or frames)."""

    def done(self, amount: float) -> None:
        """So much of the stage is done."""

    def say(self, text: str) -> None:
        """Something the person should know."""

    def should_stop(self) -> bool:
        """Whether the person wants to stop."""
        return False

    def check(self) -> None:
        """Raise Interrupted when the person wants to stop."""
        if self.should_stop():
            raise Interrupted("stopped", "run the same command again: it goes on")
