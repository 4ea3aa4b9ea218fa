"""Electronic dance music, hip-hop and chip tunes."""

from __future__ import annotations

from training.styles.base import Style

CLICK = (("steady", 0.97), ("steps", 0.015), ("ramp", 0.015))

STYLES = (
    Style("house", 1.2, (115, 130), drums=("house", "house", "disco"), comp=("stabs", "offbeats", "whole", "arp"), bass=("offbeat", "octaves",
          "riff", "rolling"), harmony=("modal", "pop", "trance"), leads=("voice", "pluck", "lead"), comps=("piano", "organ", "supersaw",
          "pluck"), basses=("synthbass",), kits=("tr909", "electro"), timing=CLICK, own=0.75, form="dance", jitter=(0.0, 0.004),
          sidechain=0.6, loud=(1.0, 4.0), swing=(0.5, 0.58), swing_unit=0.5),
    Style("techno", 0.8, (122, 150), drums=("techno",), comp=("stabs", "pulse16", "sync16"), bass=("rolling", "offbeat", "psy"),
          harmony=("modal", "trance"), leads=("pluck", "lead"), comps=("pluck", "supersaw", "pad"), basses=("synthbass", "acid"),
          kits=("tr909",), timing=CLICK, own=0.9, form="dance", jitter=(0.0, 0.002), sidechain=0.5, loud=(1.0, 4.0), layers=(1, 2)),
    Style("trance", 1.0, (128, 145), drums=("trance", "trance", "psy", "techno"), comp=("arp", "pulse16", "offbeats", "stabs", "whole"),
          bass=("offbeat", "rolling", "psy"), harmony=("trance", "pop"), leads=("supersaw", "lead", "pluck"), comps=("pluck", "supersaw"),
          basses=("synthbass",), kits=("tr909", "electro"), timing=CLICK, own=0.9, form="dance", jitter=(0.0, 0.002), sidechain=0.7,
          loud=(1.0, 4.0), syncopation=(0.3, 0.9)),
    Style("psytrance", 1.4, (134, 150), drums=("psy", "psy", "psy", "trance"), comp=("pulse16", "sync16", "arp"), bass=("psy", "psy", "rolling"),
          harmony=("trance", "metal", "modal"), leads=("lead", "pluck", "supersaw"), comps=("pluck", "pad", "lead"), basses=("acid",
          "synthbass"), kits=("tr909", "electro"), timing=CLICK, own=0.95, form="dance", jitter=(0.0, 0.002), sidechain=0.3,
          loud=(1.0, 4.0), density=(0.3, 0.9), syncopation=(0.4, 1.0)),
    Style("dnb", 1.2, (160, 182), drums=("dnb", "dnb", "breaks"), comp=("whole", "stabs", "arp", "half"), bass=("reese", "sub808",
          "riff", "whole"), harmony=("modal", "trance", "pop"), leads=("voice", "lead", "pluck"), comps=("pad", "epiano", "pluck"),
          basses=("subbass", "synthbass"), kits=("electro", "acoustic", "lofi"), timing=CLICK, own=0.85, form="dance", jitter=(0.0, 0.003),
          sidechain=0.2, loud=(1.0, 4.0)),
    Style("fast-electronic", 1.2, (160, 178), drums=("techno", "trance", "punk", "psy", "breaks", "halftime", "dnb"), comp=("arp", "stabs", "pulse16", "whole"),
          bass=("offbeat", "eighths", "octaves", "rolling"), harmony=("trance", "pop"), leads=("lead", "supersaw", "chip"), comps=("supersaw",
          "pluck", "chip", "piano"), basses=("synthbass",), kits=("tr909", "electro"), timing=CLICK, own=0.85, form="dance",
          jitter=(0.0, 0.002), sidechain=0.5, loud=(1.0, 4.0)),
    Style("chill", 1.4, (72, 116), drums=("downtempo", "downtempo", "hiphop", "ballad", "house", "hard"), drumless=0.1, comp=("whole", "arp", "charleston", "sync16",
          "offbeats"), bass=("half", "dotted", "sub808", "riff"), harmony=("modal", "jazz", "pop"), leads=("pluck", "flute", "epiano",
          "softlead", "voice"), comps=("epiano", "pad", "pluck", "clean"), basses=("subbass", "synthbass", "bass"), kits=("lofi", "electro",
          "tr808"), timing=CLICK, own=0.8, form="dance", swing=(0.5, 0.6), swing_unit=0.5, sidechain=0.3),
    Style("hiphop", 0.9, (78, 104), drums=("hiphop", "funk"), comp=("whole", "stabs", "arp", "charleston"), bass=("sub808", "riff",
          "half"), harmony=("modal", "jazz"), leads=("voice", "epiano", "flute"), comps=("epiano", "strings", "piano", "pluck"),
          basses=("subbass", "bass"), kits=("lofi", "tr808", "electro", "acoustic"), timing=CLICK, own=0.7, swing=(0.5, 0.64), swing_unit=0.5,
          form="dance", density=(0.5, 0.95), syncopation=(0.4, 0.9)),
    Style("trap", 0.7, (126, 160), drums=("trap",), comp=("whole", "arp", "half"), bass=("sub808",), harmony=("modal", "trance"),
          leads=("pluck", "voice", "flute"), comps=("pad", "pluck", "mallet"), basses=("subbass",), kits=("tr808",), timing=CLICK, own=0.9,
          form="dance", jitter=(0.0, 0.002), loud=(1.0, 4.0)),
    Style("synthwave", 0.6, (80, 122), drums=("backbeat", "disco"), comp=("arp", "whole", "eighths"), bass=("eighths", "octaves", "rolling"),
          harmony=("pop", "trance"), leads=("lead", "supersaw"), comps=("supersaw", "pluck"), pads=("synthstrings", "pad"),
          basses=("synthbass",), kits=("electro", "tr808"), timing=CLICK, own=0.85, form="dance", sidechain=0.3),
    Style("chiptune", 0.8, (105, 185), drums=("chip", "backbeat", "hard", "punk"), drumless=0.25, comp=("arp", "pulse16", "offbeats",
          "eighths"), bass=("octaves", "eighths", "riff"), harmony=("pop", "rock", "classical"), leads=("chip",), comps=("chip",), pads=("chip",),
          basses=("chipbass",), kits=("electro", "lofi"), timing=(("steady", 0.9), ("steps", 0.1)), own=0.85, jitter=(0.0, 0.001),
          layers=(1, 2), density=(0.4, 0.9)),
)
