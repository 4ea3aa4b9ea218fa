"""Rock, pop, punk, metal and what stands near them."""

from __future__ import annotations

from training.styles.base import Style

BAND = (("steady", 0.45), ("drift", 0.45), ("steps", 0.05), ("ramp", 0.05))

STYLES = (
    Style("pop", 1.2, (80, 140), drums=("backbeat", "backbeat", "disco", "hard"), comp=("whole", "eighths", "strum", "arp", "sync16",
          "quarters"), bass=("eighths", "dotted", "half", "riff"), harmony=("pop",), leads=("voice", "lead", "sax", "flute", "piano",
          "clean"), comps=("piano", "clean", "acoustic", "epiano", "organ"), pads=("strings", "pad", "choir", "brass"),
          timing=(("steady", 0.45), ("drift", 0.2), ("events", 0.25), ("steps", 0.05), ("ramp", 0.05)), layers=(2, 4)),
    Style("rock", 1.6, (90, 165), drums=("backbeat", "backbeat", "hard", "washed"), comp=("eighths", "strum", "whole", "power", "riff"), bass=("eighths",
          "quarters", "riff"), guitars=("power", "drive8", "riff", "pushed", "chug8"), harmony=("rock", "pop"), leads=("voice", "distorted",
          "lead", "scream"), comps=("clean", "organ", "distorted", "acoustic", "distorted"), kits=("rock", "acoustic"), own=0.6, timing=BAND,
          layers=(0, 2), loud=(1.0, 4.0), buried=0.4, feels=0.3, jitter=(0.002, 0.016)),
    Style("halftime-rock", 0.5, (120, 170), drums=("halftime", "halftime", "halftime", "washed"), comp=("whole", "arp"), bass=("eighths", "half", "riff"), guitars=("power",
          "pushed", "riff"), harmony=("rock", "metal"), leads=("voice", "lead"), comps=("clean", "pad"), kits=("rock", "metal"), own=0.7,
          timing=BAND, layers=(0, 2), loud=(1.0, 4.0), buried=0.4, feels=0.4),
    Style("ballad", 0.9, (55, 84), drums=("ballad",), drumless=0.2, comp=("arp", "whole", "quarters", "brokenwhole", "strum"),
          bass=("whole", "half", "dotted"), harmony=("pop",), leads=("voice", "sax", "violin", "clean", "flute"), comps=("piano",
          "acoustic", "epiano"), kits=("acoustic", "jazz"), layers=(1, 3), density=(0.25, 0.6), syncopation=(0.2, 0.7)),
    Style("punk", 0.9, (150, 220), drums=("punk", "backbeat", "d-beat", "washed"), comp=("eighths",), bass=("eighths",), guitars=("drive8",
          "chug8", "power"), harmony=("rock", "pop"), leads=("voice", "scream"), comps=("clean", "distorted"), kits=("rock",), own=0.75,
          timing=BAND, layers=(0, 1), buried=0.5, feels=0.4, jitter=(0.002, 0.016), loud=(1.5, 4.0), density=(0.4, 0.8)),
    Style("metal", 2.2, (95, 180), drums=("metal", "metal", "washed", "washed", "halftime", "hard", "backbeat", "triplethard"), comp=("whole", "power", "riff", "tremolo"),
          bass=("eighths", "riff", "gallop", "quarters"), guitars=("gallop", "chug16", "riff", "power", "chug8", "tremolopick"),
          harmony=("metal",), leads=("scream", "distorted", "voice"), comps=("choir", "synthstrings", "distorted", "distorted", "distorted"), pads=("strings", "choir"),
          kits=("metal", "rock"), own=0.75, timing=BAND, layers=(0, 1), buried=0.6, feels=0.45, jitter=(0.001, 0.014), loud=(1.5, 5.0)),
    Style("thrash", 1.6, (150, 220), drums=("d-beat", "punk", "metal", "washed", "backbeat", "halftime"), comp=("whole", "power", "riff", "tremolo"), bass=("eighths", "gallop"),
          guitars=("chug16", "gallop", "riff", "chug8", "tremolopick"), harmony=("metal",), leads=("scream", "distorted"),
          comps=("choir", "distorted", "distorted"), kits=("metal",), own=0.8, timing=BAND, layers=(0, 1), buried=0.6, feels=0.45, jitter=(0.001, 0.014), loud=(1.5, 5.0)),
    Style("blast", 0.5, (100, 190), drums=("blast", "metal", "d-beat", "halftime", "washed"), comp=("whole", "power", "riff", "tremolo"), bass=("eighths", "quarters"),
          guitars=("tremolopick", "chug16", "power"), harmony=("metal",), leads=("scream",), comps=("choir", "synthstrings", "distorted"),
          kits=("metal",), own=0.8, timing=BAND, layers=(0, 1), buried=0.6, feels=0.45, jitter=(0.001, 0.014), loud=(2.0, 5.0)),
    Style("swing-rock", 0.6, (105, 175), drums=("backbeat", "train"), swing=(0.58, 0.667), comp=("eighths", "oompah8", "strum"),
          bass=("eighths", "walk", "two"), guitars=("drive8", "power"), harmony=("rock", "blues", "folk"), leads=("harmonica", "clean",
          "sax", "voice"), comps=("piano", "clean", "organ"), own=0.35),
    Style("country", 0.8, (90, 210), drums=("train", "country", "polka"), comp=("oompah", "oompah8", "strum", "arp"), bass=("two",
          "walk"), harmony=("folk", "pop"), leads=("violin", "banjo", "harmonica", "clean"), comps=("acoustic", "banjo", "piano",
          "clean"), kits=("acoustic",), own=0.25),
)
