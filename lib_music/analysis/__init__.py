"""What happens in the song: beats, bars, sections, envelopes, key."""

from lib_music.analysis.analyse import ANALYSIS_VERSION, analyse, analysis_to_dict
from lib_music.analysis.corrections import Corrections, read_corrections, write_corrections
from lib_music.analysis.replay import Conflict, replay
from lib_music.analysis.store import load_analysis, save_analysis
from lib_music.analysis.types import ROLES, Analysis, Beats, Envelope, Role, Section, Sections

__all__ = [
    "ANALYSIS_VERSION",
    "ROLES",
    "Analysis",
    "Beats",
    "Conflict",
    "Corrections",
    "Envelope",
    "Role",
    "Section",
    "Sections",
    "analyse",
    "analysis_to_dict",
    "load_analysis",
    "read_corrections",
    "replay",
    "save_analysis",
    "write_corrections",
]
