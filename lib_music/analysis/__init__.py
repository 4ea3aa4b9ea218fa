"""What happens in the song: beats, bars, sections, envelopes, key."""

from lib_music.analysis.types import ROLES, Analysis, Beats, Envelope, Role, Section, Sections

__all__ = ["ROLES", "Analysis", "Beats", "Envelope", "Role", "Section", "Sections"]
