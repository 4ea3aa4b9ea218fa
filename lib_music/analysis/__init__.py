"""What happens in the song: beats, bars, sections, envelopes, key."""

from lib_music.analysis.analyse import ANALYSIS_VERSION, analyse, analysis_to_dict
from lib_music.analysis.types import ROLES, Analysis, Beats, Envelope, Role, Section, Sections

__all__ = [
    "ANALYSIS_VERSION",
    "ROLES",
    "Analysis",
    "Beats",
    "Envelope",
    "Role",
    "Section",
    "Sections",
    "analyse",
    "analysis_to_dict",
]
