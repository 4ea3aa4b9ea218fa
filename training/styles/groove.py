"""Jazz, blues, soul, Latin American and Caribbean music."""

from __future__ import annotations

from training.styles.base import Style

LIVE = (("steady", 0.4), ("drift", 0.5), ("ramp", 0.05), ("events", 0.05))

STYLES = (
    Style("jazz-swing", 1.0, (95, 235), drums=("jazz",), metres=((4, 3, 0.9), (3, 3, 0.1)), drumless=0.12, comp=("jazzcomp", "charleston", "freddie",
          "whole"), bass=("walk", "walk", "two"), harmony=("jazz", "blues"), leads=("sax", "trumpet", "mallet", "piano", "clean"),
          comps=("piano", "clean", "organ"), pads=("brass", "strings"), basses=("upright", "bass"), kits=("jazz",), timing=LIVE, own=0.15,
          density=(0.4, 0.9), syncopation=(0.4, 0.9), layers=(1, 2)),
    Style("fusion", 1.1, (88, 138), drums=("funk", "hard", "backbeat", "samba"), comp=("sync16", "charleston", "whole", "arp"), bass=("funk",
          "riff", "tumbao"), harmony=("jazz", "modal"), leads=("sax", "lead", "clean", "flute", "trumpet"), comps=("epiano", "clean", "organ",
          "piano"), pads=("brass", "pad", "strings"), basses=("bass", "slap"), timing=LIVE, own=0.2, density=(0.4, 0.9), syncopation=(0.4, 0.9),
          layers=(1, 3)),
    Style("funk", 0.7, (90, 122), drums=("funk", "hard"), comp=("sync16", "stabs", "offbeats"), bass=("funk", "riff"), harmony=("modal", "blues"),
          leads=("sax", "brass", "clean", "voice"), comps=("funkguitar", "epiano", "organ"), pads=("brass",), basses=("slap", "bass"),
          timing=LIVE, own=0.25, swing=(0.5, 0.58), swing_unit=0.5),
    Style("shuffle-blues", 1.2, (75, 150), drums=("shuffle",), metres=((4, 3, 1.0),), comp=("eighths", "charleston", "quarters", "offbeats"),
          bass=("boogie", "walk", "quarters"), harmony=("blues",), leads=("harmonica", "clean", "sax", "piano", "organ", "voice"),
          comps=("clean", "piano", "organ"), pads=("brass", "organ"), timing=LIVE, own=0.3, form="blues"),
    Style("slow-blues", 0.8, (48, 78), drums=("twelve",), metres=((4, 3, 1.0),), drumless=0.08, comp=("eighths", "arp", "whole", "charleston"),
          bass=("half", "walk", "boogie", "quarters"), harmony=("blues", "pop"), leads=("clean", "harmonica", "sax", "voice"), comps=("organ", "piano",
          "clean"), pads=("organ", "brass"), timing=LIVE, own=0.3, form="blues", density=(0.4, 0.8)),
    Style("gospel", 0.5, (60, 110), drums=("gospel", "twelve"), metres=((4, 3, 1.0),), drumless=0.2, comp=("arp", "eighths", "quarters", "whole"),
          bass=("walk", "half", "quarters"), harmony=("pop", "blues", "jazz"), leads=("voice", "organ", "piano"), comps=("piano", "organ"),
          pads=("choir", "organ"), timing=LIVE, own=0.3),
    Style("doowop", 0.4, (60, 96), drums=("twelve",), metres=((4, 3, 1.0),), comp=("eighths", "arp"), bass=("half", "walk"), harmony=("pop",),
          leads=("voice", "sax"), comps=("piano", "clean"), pads=("choir",), timing=LIVE, own=0.3),
    Style("soul", 0.6, (80, 128), drums=("backbeat", "funk"), comp=("quarters", "charleston", "offbeats", "skank"), bass=("riff", "dotted", "funk"),
          harmony=("pop", "jazz", "blues"), leads=("voice", "sax", "brass"), comps=("organ", "clean", "piano", "epiano"), pads=("brass", "strings"),
          timing=LIVE, own=0.25),
    Style("reggae", 0.9, (66, 96), drums=("reggae",), comp=("offbeats", "skank", "doubleskank", "offbeats"), bass=("reggae", "riff"),
          harmony=("reggae", "pop"), leads=("voice", "organ", "trumpet", "sax", "harmonica"), comps=("clean", "organ", "piano"), pads=("organ",
          "brass"), timing=LIVE, own=0.35, swing=(0.5, 0.62)),
    Style("ska", 0.6, (110, 176), drums=("ska", "ska", "punk"), comp=("offbeats",), bass=("walk", "eighths", "quarters"), harmony=("reggae", "pop",
          "rock"), leads=("trumpet", "sax", "brass", "voice"), comps=("clean", "organ", "piano"), pads=("brass",), timing=LIVE, own=0.25),
    Style("bossa", 0.8, (95, 150), drums=("bossa",), drumless=0.2, comp=("bossa", "charleston"), bass=("bossa",), harmony=("jazz", "latin"),
          leads=("flute", "sax", "voice", "clean", "mallet"), comps=("nylon", "piano", "epiano"), pads=("strings",), basses=("upright", "bass"),
          kits=("jazz", "acoustic"), timing=LIVE, own=0.25, syncopation=(0.4, 0.9)),
    Style("samba", 0.5, (90, 130), drums=("samba",), comp=("bossa", "sync16", "tresillo"), bass=("bossa", "two"), harmony=("latin", "jazz", "pop"),
          leads=("flute", "trumpet", "voice"), comps=("nylon", "acoustic", "piano"), pads=("brass",), kits=("acoustic",), timing=LIVE, own=0.25,
          syncopation=(0.4, 1.0)),
    Style("salsa", 0.8, (150, 220), drums=("salsa",), comp=("montuno",), bass=("tumbao",), harmony=("latin",), leads=("trumpet", "brass", "flute",
          "voice"), comps=("piano",), pads=("brass",), kits=("acoustic",), timing=LIVE, own=0.15, syncopation=(0.4, 1.0)),
    Style("cumbia", 0.5, (85, 110), drums=("cumbia",), comp=("offbeats", "tresillo", "montuno"), bass=("two", "tresillo"), harmony=("latin", "folk"),
          leads=("accordion", "trumpet", "flute"), comps=("piano", "clean", "accordion"), pads=("brass",), kits=("acoustic", "electro"), timing=LIVE,
          own=0.2),
    Style("afro", 0.5, (96, 130), drums=("afro", "tribal"), comp=("sync16", "arp", "tresillo"), bass=("tresillo", "funk", "riff"), harmony=("folk",
          "modal"), leads=("voice", "mallet", "flute", "sax"), comps=("clean", "mallet", "sitar"), pads=("choir",), kits=("acoustic", "electro"),
          timing=LIVE, own=0.3, syncopation=(0.3, 1.0)),
)
