"""How a world is made into a picture: mediums, lights, distances, moods."""

from __future__ import annotations

from lib_music.prompts.worlds.kinds import Light, Medium, keys

MEDIUMS: tuple[Medium, ...] = (
    Medium("oil painting, thick impasto brushwork", "paint", keys("classical opera rock blues sea")),
    Medium("watercolor, wet edges bleeding into paper", "paint", keys("ambient folk acoustic piano indie")),
    Medium("gouache illustration, flat layered shapes", "paint", keys("pop indie folk jazz reggae")),
    Medium("fresco on cracked plaster", "paint", keys("classical choral baroque gospel")),
    Medium("analog film still, anamorphic lens, soft grain", "photo", keys("hip hop rap rnb soul rock pop")),
    Medium("long exposure photograph, streaking trails", "photo", keys("techno house trance dance drum")),
    Medium("large-format photograph, crisp detail", "photo", keys("ambient classical country")),
    Medium("double exposure, two images fused", "photo", keys("indie shoegaze pop rnb")),
    Medium("linocut, bold carved lines", "print", keys("punk rock metal folk blues")),
    Medium("risograph print, misregistered ink layers", "print", keys("hip hop house funk disco pop")),
    Medium("woodblock print, flat graded inks", "print", keys("folk ambient lofi world")),
    Medium("copperplate engraving, dense cross-hatching", "print", keys("classical metal baroque gothic")),
    Medium("charcoal drawing, smudged shading", "drawing", keys("jazz blues metal piano singer")),
    Medium("ink wash on rice paper", "drawing", keys("ambient lofi world jazz")),
    Medium("chalk pastel on toned board", "drawing", keys("soul ballad acoustic swing")),
    Medium("paper-cut diorama, stacked silhouettes", "built", keys("pop indie children folk")),
    Medium("stop-motion miniature set, tilt-shift blur", "built", keys("pop funk electronic hip")),
    Medium("stained glass, leaded outlines", "built", keys("gospel classical trance choral")),
    Medium("embroidered tapestry, visible thread", "built", keys("folk country world celtic")),
    Medium("glossy 3D render, subsurface scattering", "digital", keys("electronic techno house edm trap dnb")),
    Medium("isometric low-poly model", "digital", keys("electro game chiptune synth lofi")),
    Medium("epic matte painting, atmospheric perspective", "digital", keys("metal soundtrack trance rock")),
    Medium("airbrushed illustration, chrome highlights", "digital", keys("synthwave disco funk rock electro")),
)

LIGHTS: tuple[Light, ...] = (
    Light("moonlight through thin cloud", "night", -0.8, -0.6),
    Light("neon glow on wet surfaces", "night", -0.7, 0.0),
    Light("bioluminescent shimmer in the dark", "night", -0.9, -0.6),
    Light("aurora curtains overhead", "night", -0.6, -0.5),
    Light("golden hour, long warm shadows", "sun", 0.3, 0.9),
    Light("hard noon sun, crisp shadows", "sun", 0.8, 0.4),
    Light("pale winter sunshine, low angle", "sun", 0.7, -0.5),
    Light("blazing afterglow behind black outlines", "sun", -0.3, 0.9),
    Light("overcast sky, shadowless and soft", "weather", 0.5, -0.3),
    Light("storm gloom split by lightning", "weather", -0.7, -0.4),
    Light("backlit morning mist", "weather", 0.6, 0.2),
    Light("blue hour before dawn", "weather", -0.4, -0.5),
    Light("candlelight chiaroscuro", "flame", -0.7, 0.8),
    Light("flickering firelight, drifting embers", "flame", -0.6, 1.0),
    Light("paper lanterns glowing from within", "flame", -0.4, 0.7),
    Light("stage spotlights cutting through haze", "lamp", -0.6, 0.2),
    Light("thin rim light against blackness", "lamp", -0.9, 0.0),
    Light("soft studio light, even and bright", "lamp", 0.9, 0.0),
    Light("dusty shafts falling from a high window", "lamp", -0.1, 0.5),
    Light("pearly skylight, luminous haze", "sun", 0.9, -0.2),
)

#: How far away, and from where: no two candidates of a song share one.
DISTANCES: tuple[str, ...] = (
    "wide shot, small in vast emptiness",
    "low angle, looking up, towering",
    "bird's-eye view, patterns of ground",
    "close-up, shallow depth of field",
    "one-point perspective, leading lines",
    "framed through an old doorway",
    "telephoto, compressed layered planes",
    "panorama, low horizon",
    "symmetrical head-on composition",
    "diagonal composition, sweeping movement",
    "rule of thirds, open negative space",
    "spiral composition drawing inward",
)

#: Genre words and what they do to the mood.
MOODS: tuple[tuple[frozenset[str], str], ...] = (
    (keys("techno house trance edm dance electro rave club"), "hypnotic repetition"),
    (keys("drum dnb jungle dubstep breakbeat"), "restless energy"),
    (keys("hip hop rap trap grime hiphop"), "gritty swagger"),
    (keys("ambient chill drone lofi downtempo"), "weightless calm"),
    (keys("metal hardcore punk industrial"), "raw menace"),
    (keys("rock grunge alternative garage"), "defiant spirit"),
    (keys("jazz swing bebop blues shuffle"), "smoky elegance"),
    (keys("classical baroque orchestral opera chorale quartet symphony"), "solemn grandeur"),
    (keys("soul rnb gospel ballad"), "aching tenderness"),
    (keys("folk country acoustic singer songwriter celtic bluegrass"), "homespun warmth"),
    (keys("funk disco boogie"), "glittering joy"),
    (keys("reggae ska dub latin salsa cumbia afrobeat"), "easy heat"),
    (keys("synthwave synth wave vaporwave"), "retro futurism"),
    (keys("pop indie dreampop shoegaze"), "bittersweet longing"),
)
