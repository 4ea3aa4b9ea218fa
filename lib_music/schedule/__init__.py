"""How it moves: from what was heard to Deforum keyframes."""

from lib_music.schedule.animation import Animation, SectionCue
from lib_music.schedule.schedules import Schedule, thin
from lib_music.schedule.timebase import Timebase, parse_fps

__all__ = ["Animation", "Schedule", "SectionCue", "Timebase", "parse_fps", "thin"]
