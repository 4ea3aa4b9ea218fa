"""From sections to frames: the prompt keys that a painter reads.

Conventions: frames count from 0; a key holds until the next; only diffused frames are painted, so formulas
are computed there and at a section's first frame.
"""

from __future__ import annotations

from collections.abc import Sequence

from lib_music.errors import StoryboardError
from lib_music.prompts.storyboard.board import SectionPrompt
from lib_music.prompts.text import Own, Text, has_formula, render_own


def prompt_keys(
    prompts: Sequence[SectionPrompt], frames: Sequence[tuple[int, int]], diffused: range, max_f: int
) -> tuple[dict[int, str], dict[int, str]]:
    """Positive and negative prompts by frame, as a painter gets them.

    Parameters
    ----------
    prompts : sequence of SectionPrompt
    frames : sequence of (start, end)
        Frames ``[start, end)`` of each section, the first at 0; empty ones are passed over.
    diffused : range
        The frames that are painted; formulas are computed at those and at the section's start.
    max_f : int
        The last frame, for formulas.

    Returns
    -------
    positive, negative : dict of frame to text
        A key at each section's start, and wherever a formula's number changes.

    Raises
    ------
    StoryboardError
        When a formula cannot be computed at some frame, which it names.
    """
    if len(prompts) != len(frames):
        raise ValueError(f"{len(prompts)} prompts for {len(frames)} sections")
    positive: dict[int, str] = {}
    negative: dict[int, str] = {}
    for prompt, (start, end) in zip(prompts, frames, strict=True):
        if start < end:
            painted = [start, *(frame for frame in diffused if start < frame < end)]
            positive.update(_keys(prompt.positive, prompt.seed, painted, max_f))
            negative.update(_keys(prompt.negative, prompt.seed, painted, max_f))
    return positive, negative


def _keys(text: Text, seed: int, painted: Sequence[int], max_f: int) -> dict[int, str]:
    """The text at the first painted frame, and again at each where it reads differently."""
    if not has_formula(text):
        return {painted[0]: text.text}
    assert isinstance(text, Own)
    keys: dict[int, str] = {}
    last = None
    for frame in painted:
        try:
            words = render_own(text, t=frame, max_f=max_f, s=seed)
        except StoryboardError as error:
            raise StoryboardError(f"at frame {frame}: {error.message}", error.fix) from error
        if words != last:
            keys[frame] = last = words
    return keys
