"""Who may play what: General MIDI programs and our own patches by group."""

from __future__ import annotations

from training.score import Random

#: Group: General MIDI programs (from 0), our patches.
GROUPS: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
    "piano": ((0, 0, 1, 2, 3), ("piano",)),
    "epiano": ((4, 5, 7), ("ep",)),
    "harpsichord": ((6,), ("harpsi",)),
    "organ": ((16, 17, 18), ("organ",)),
    "church": ((19, 20, 19), ("church",)),
    "accordion": ((21, 22, 23), ("reed",)),
    "acoustic": ((24, 25, 25), ("nylon", "steel")),
    "nylon": ((24,), ("nylon",)),
    "clean": ((26, 27, 27), ("cleanguitar",)),
    "funkguitar": ((28, 27), ("cleanguitar",)),
    "distorted": ((29, 30, 30), ("guitar",)),
    "banjo": ((105, 25, 15), ("steel",)),
    "mallet": ((8, 9, 10, 11, 12, 13, 14), ("bellpluck",)),
    "harp": ((46, 8), ("nylon",)),
    "upright": ((32,), ("uprightbass",)),
    "bass": ((33, 34, 35, 33), ("fingerbass", "pickbass")),
    "slap": ((36, 37), ("pickbass",)),
    "synthbass": ((38, 39, 87), ("sawbass", "acidbass", "squarebass")),
    "subbass": ((39, 38), ("subbass", "reese")),
    "acid": ((38, 87), ("acidbass", "sawbass")),
    "celli": ((43, 42, 70), ("fiddle",)),
    "strings": ((48, 49, 48, 44), ("violins", "stringpad")),
    "synthstrings": ((50, 51), ("stringpad",)),
    "pizzicato": ((45,), ("pluck",)),
    "violin": ((40, 41, 110), ("fiddle",)),
    "quartet": ((40, 41, 42, 48), ("fiddle", "violins")),
    "choir": ((52, 53, 54), ("choir",)),
    "trumpet": ((56, 59, 57), ("brass",)),
    "brass": ((61, 62, 63, 57, 60), ("brass",)),
    "horn": ((60, 57), ("brass",)),
    "tuba": ((58, 57, 67), ("brass",)),
    "sax": ((64, 65, 66, 67), ("reed",)),
    "wood": ((68, 70, 71, 73), ("reed", "flute")),
    "flute": ((72, 73, 74, 75, 79), ("flute",)),
    "lead": ((80, 81, 84, 87), ("sawlead", "squarelead")),
    "softlead": ((79, 82, 85, 78), ("squarelead", "flute")),
    "supersaw": ((90, 81, 50), ("supersaw",)),
    "pad": ((88, 89, 91, 92, 94, 95), ("warmpad", "supersawpad", "glasspad")),
    "pluck": ((45, 98, 8, 88), ("pluck", "bellpluck")),
    "chip": ((80, 80, 81), ("chip25", "chip50")),
    "chipbass": ((80, 39), ("chiptri",)),
    "voice": ((54, 85, 53), ("voice",)),
    "scream": ((30, 84), ("scream",)),
    "pipe": ((109, 20, 21), ("reed",)),
    "whistle": ((78, 74, 72), ("flute",)),
    "harmonica": ((22, 22, 68), ("reed",)),
    "steelpan": ((114, 12), ("bellpluck",)),
    "sitar": ((104, 106, 107), ("steel",)),
}
#: General MIDI drum kits.
KITS = {"standard": 0, "room": 8, "power": 16, "electronic": 24, "tr808": 25, "jazz": 32, "brush": 40, "orchestra": 48}
PROGRAM_KITS = {
    "acoustic": ("standard", "room"),
    "rock": ("power", "standard", "room"),
    "metal": ("power",),
    "tr808": ("tr808", "electronic"),
    "tr909": ("electronic", "tr808"),
    "electro": ("electronic", "standard"),
    "lofi": ("standard", "jazz", "electronic"),
    "jazz": ("jazz", "brush", "standard"),
    "orchestra": ("orchestra", "standard"),
}


def pick(rng: Random, groups: tuple[str, ...]) -> tuple[int, str]:
    """A program and a patch of one of the groups."""
    programs, patches = GROUPS[groups[int(rng.integers(len(groups)))]]
    return programs[int(rng.integers(len(programs)))], patches[int(rng.integers(len(patches)))]


def kit_program(rng: Random, kind: str) -> int:
    names = PROGRAM_KITS[kind]
    return KITS[names[int(rng.integers(len(names)))]]
