"""The files of a project that hold what the person edited on the page.

Conventions: small, named plainly, each written by renaming; what is computed is never among them. Undo and redo keep
copies of exactly these, and nothing the person edits lies anywhere else.
"""

from __future__ import annotations

#: Names of files in the project's folder.
EDITED: tuple[str, ...] = (
    *("corrections.json", "storyboard.json", "prompts.json", "motion.json", "finishing.json"),
    *("base.json", "base_settings.json", "routes.json", "said.json", "tried.json"),
)

#: Those of them that hearing and wording the song make at first: a step back before that leaves them as they are.
PRODUCED: frozenset[str] = frozenset({"storyboard.json", "prompts.json"})
