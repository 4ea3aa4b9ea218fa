"""The styles that pieces are composed in."""

from __future__ import annotations

from training.styles import classical, electronic, groove, rock
from training.styles.base import Style

STYLES: dict[str, Style] = {s.name: s for s in (*rock.STYLES, *electronic.STYLES, *groove.STYLES, *classical.STYLES)}

__all__ = ["STYLES", "Style"]
