"""Orchestral, folk, march and chamber-like arrangements that the arranger plays.

Chorales, string quartets and expressive piano pieces have composers of their own (`training.chamber`).
"""

from __future__ import annotations

from training.styles.base import Style

FREE = (("gentle", 0.45), ("rubato", 0.35), ("events", 0.1), ("ramp", 0.1))
PLAYED = (("steady", 0.25), ("gentle", 0.35), ("events", 0.25), ("ramp", 0.15))

STYLES = (
    Style("western", 1.0, (95, 150), drums=("train", "march", "tribal", "backbeat"), drumless=0.3, comp=("oompah8", "tremolo", "eighths", "strum", "whole"),
          bass=("two", "quarters", "half"), harmony=("western", "folk"), leads=("trumpet", "whistle", "horn", "strings", "harmonica", "violin"),
          comps=("strings", "acoustic", "banjo", "pizzicato"), pads=("strings", "choir", "brass"), basses=("celli", "upright", "tuba"),
          kits=("orchestra", "acoustic"), timing=(("steady", 0.55), ("gentle", 0.2), ("events", 0.15), ("ramp", 0.1)), own=0.08, layers=(2, 4)),
    Style("orchestral", 1.2, (60, 160), drums=("march", "tribal", "kickonly"), drumless=0.65, comp=("tremolo", "whole", "quarters", "eighths", "arp", "half",
          "offbeats"), bass=("whole", "quarters", "half", "two"), harmony=("classical", "western", "pop"), leads=("strings", "horn", "wood", "flute",
          "trumpet"), comps=("strings", "pizzicato", "horn", "harp", "wood"), pads=("strings", "choir", "horn"), basses=("celli", "tuba"),
          kits=("orchestra",), timing=PLAYED, own=0.1, metres=((4, 2, 0.6), (3, 2, 0.25), (2, 2, 0.15)), layers=(2, 4), ornament=0.1, form="short"),
    Style("march", 0.7, (104, 140), drums=("march", "polka"), metres=((4, 2, 0.5), (2, 2, 0.35), (2, 3, 0.15)), comp=("oompah", "offbeats", "oompah8"),
          bass=("two", "quarters"), harmony=("classical", "folk"), leads=("trumpet", "flute", "wood", "brass"), comps=("horn", "brass", "wood"),
          pads=("brass", "horn"), basses=("tuba",), kits=("orchestra", "acoustic"), timing=PLAYED, own=0.1, form="short"),
    Style("ragtime", 0.6, (80, 120), drums=("polka",), drumless=0.75, metres=((2, 4, 0.5), (4, 2, 0.5)), comp=("oompah8", "oompah"), bass=("",),
          harmony=("classical", "folk", "jazz"), leads=("piano",), comps=("piano", "banjo"), timing=PLAYED, own=0.25, layers=(1, 1), syncopation=(0.5, 1.0),
          density=(0.5, 0.9), form="short"),
    Style("polka", 0.8, (110, 215), drums=("polka", "train"), drumless=0.25, metres=((4, 2, 0.7), (2, 2, 0.3)), comp=("oompah", "offbeats", "oompah8"),
          bass=("two", "quarters"), harmony=("folk", "classical"), leads=("accordion", "wood", "violin", "trumpet"), comps=("accordion", "piano",
          "banjo"), basses=("tuba", "upright"), timing=PLAYED, own=0.15, density=(0.4, 0.9), syncopation=(0.0, 0.5)),
    Style("waltz", 1.1, (80, 200), drums=("backbeat",), drumless=0.6, metres=((3, 2, 0.8), (3, 4, 0.2)), comp=("waltz", "arp", "quarters", "whole"),
          bass=("waltz", "quarters"), harmony=("classical", "folk", "pop"), leads=("strings", "accordion", "flute", "piano", "violin", "wood"),
          comps=("piano", "strings", "accordion", "acoustic"), basses=("celli", "upright", "bass"), timing=FREE, own=0.2, ornament=0.1),
    Style("jig", 0.9, (95, 145), drums=("jig",), drumless=0.5, metres=((2, 3, 1.0),), comp=("strum", "eighths", "quarters", "arp"), bass=("quarters",
          "whole"), harmony=("folk",), leads=("violin", "flute", "whistle", "accordion", "pipe"), comps=("acoustic", "banjo", "accordion", "harp"),
          kits=("acoustic",), timing=PLAYED, own=0.2, density=(0.7, 1.0), syncopation=(0.0, 0.3), ornament=0.1, form="short"),
    Style("six-eight", 1.0, (45, 115), drums=("twelve",), drumless=0.6, metres=((2, 3, 1.0),), comp=("arp", "eighths", "waltz", "whole"), bass=("quarters",
          "whole"), harmony=("classical", "pop", "folk"), leads=("violin", "flute", "voice", "piano", "wood"), comps=("piano", "strings", "acoustic",
          "harp"), basses=("celli", "upright", "bass"), timing=FREE, own=0.2, ornament=0.1, form="short"),
    Style("reel", 0.6, (95, 125), drums=("train", "country"), drumless=0.6, metres=((4, 4, 0.6), (2, 4, 0.4)), comp=("oompah8", "strum"), bass=("two",),
          harmony=("folk",), leads=("violin", "flute", "banjo", "whistle"), comps=("acoustic", "banjo", "accordion"), timing=PLAYED, own=0.2,
          density=(0.7, 1.0), syncopation=(0.0, 0.3), form="short"),
    Style("odd-metre", 0.7, (95, 190), drums=("backbeat",), drumless=0.15, metres=((5, 4, 0.55), (7, 4, 0.45)), comp=("arp", "eighths", "whole", "quarters"),
          bass=("eighths", "quarters", "riff", "whole"), harmony=("rock", "modal", "folk"), leads=("lead", "flute", "clean", "sax"), comps=("piano",
          "clean", "epiano", "strings"), own=0.4),
    Style("classical-guitar", 0.8, (60, 132), drums=("",), drumless=1.0, metres=((4, 2, 0.5), (3, 2, 0.3), (2, 3, 0.2)), comp=("arp", "alberti", "brokenwhole"),
          bass=("whole", "half", "quarters"), harmony=("classical", "folk", "latin"), leads=("nylon",), comps=("nylon",), pads=("nylon",), basses=("nylon",),
          timing=FREE, own=0.4, layers=(1, 1), ornament=0.1, form="short"),
    Style("piano-solo", 1.2, (50, 150), drums=("",), drumless=1.0, metres=((4, 2, 0.5), (3, 2, 0.3), (2, 3, 0.2)), comp=("alberti", "arp", "waltz",
          "eighths", "quarters", "oompah8", "brokenwhole"), bass=("",), harmony=("classical", "pop", "folk", "jazz"), leads=("piano",), comps=("piano",),
          pads=("piano",), timing=(("rubato", 0.4), ("free", 0.25), ("gentle", 0.35)), own=0.25, layers=(1, 1), ornament=0.15, form="short"),
    Style("baroque", 0.7, (66, 132), drums=("",), drumless=1.0, metres=((4, 2, 0.6), (3, 2, 0.4)), comp=("arp", "eighths", "quarters", "alberti"),
          bass=("eighths", "quarters", "walk"), harmony=("classical",), leads=("violin", "flute", "harpsichord", "wood"), comps=("harpsichord", "church",
          "strings"), basses=("celli",), timing=(("gentle", 0.6), ("steady", 0.2), ("rubato", 0.2)), own=0.2, density=(0.5, 1.0),
          syncopation=(0.0, 0.4), ornament=0.2, form="short"),
)
