"""What to paint in each section: the storyboard, its file, and its keys by frame."""

from lib_music.prompts.storyboard.board import (
    COVER_USES,
    DEFAULT_NEGATIVE,
    CoverUse,
    Override,
    Row,
    SectionPrompt,
    Storyboard,
    derived_seed,
    distinct,
    make_storyboard,
)
from lib_music.prompts.storyboard.file import read_storyboard, write_storyboard
from lib_music.prompts.storyboard.keys import prompt_keys

__all__ = [
    "COVER_USES",
    "DEFAULT_NEGATIVE",
    "CoverUse",
    "Override",
    "Row",
    "SectionPrompt",
    "Storyboard",
    "derived_seed",
    "distinct",
    "make_storyboard",
    "prompt_keys",
    "read_storyboard",
    "write_storyboard",
]
