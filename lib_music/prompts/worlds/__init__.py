"""The words prompts are made of: worlds with their subjects, mediums, lights, distances.

A song keeps to one *world*, so that its sections look like one place seen again; subjects within a world,
mediums and lights are far apart in their words, so that candidates are a real choice.

Conventions: plain words of ours in the spelling that picture captions mostly have (color, gray), no markup,
no artist's name; a subject says what is there and never how it is lit or drawn; ``keys`` are lower-case
words of titles and genres (Latin without accents), or single Chinese and Japanese characters; ``tone`` is -1
dark to 1 light, ``warmth`` -1 cool to 1 warm.
"""

from lib_music.prompts.worlds.kinds import Light, Medium, World
from lib_music.prompts.worlds.manners import DISTANCES, LIGHTS, MEDIUMS, MOODS
from lib_music.prompts.worlds.places import WORLDS

__all__ = ["DISTANCES", "LIGHTS", "MEDIUMS", "MOODS", "WORLDS", "Light", "Medium", "World"]
