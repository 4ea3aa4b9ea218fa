"""What the page calls a button is a route here: the same errors serve both, and each tells its own reader what to do.

Conventions: words of ours alone are looked for, capital and all, so that a title that holds them stays as it is.
"""

from __future__ import annotations

import re

#: What errors, jobs and notes say to who sits before the page, and what that is by HTTP.
_SAID: tuple[tuple[str, str], ...] = (
    (r"\b[Rr]eload the page(?: and try again)?", "docs/api.md and GET /info say what is taken"),
    (r"\bthis page asks for something that is not known here", "there is no such action"),
    (r"\bpress Produce prompts\b", "POST …/produce"),
    (r"\bpress Visualize\b", "POST …/render"),
    (r"\bpress Preview\b", "POST …/preview"),
    (r"\bpress Estimate\b", "POST …/warm-up"),
    (r"\bpress Finish\b", 'POST …/actions {"do": "finish"}'),
    (r"\bpress Pack\b", 'POST …/actions {"do": "pack_finished"}'),
    (r"\bpress Stills\b", 'POST …/actions {"do": "stills"}'),
    (r"\bpress Test\b", 'POST …/actions {"do": "test_bars"}'),
    (r"\bResume goes on\b", 'POST …/render {"resume": true} goes on'),
    (r"\bVisualize goes on\b", "POST …/render goes on"),
    (r"\brun the same command again\b", "call it again"),
)
_ANY = re.compile("|".join(f"({pattern})" for pattern, _ in _SAID))


def by_http(text: str) -> str:
    """``text`` with a call in place of each button of the page."""
    return _ANY.sub(lambda found: _SAID[(found.lastindex or 1) - 1][1], text)
