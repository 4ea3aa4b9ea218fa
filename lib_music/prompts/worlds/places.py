"""The worlds: places, and what is seen in them."""

from __future__ import annotations

from lib_music.prompts.worlds.kinds import World, keys

WORLDS: tuple[World, ...] = (
    World(
        "sea",
        keys(
            "sea ocean wave tide beach shore island sail ship boat harbour harbor river lake water swim surf deep "
            "blue sailor anchor coral pirate rain flood mar oceano agua mer vague meer wasser onda mare 海 波 水 雨 川"
        ),
        (
            "a lone lighthouse above breaking waves",
            "a whale gliding beneath a tiny rowing boat",
            "a drowned cathedral on the seabed, fish in its nave",
            "a tall ship caught between towering swells",
            "jellyfish rising from the deep like lanterns",
            "a swimmer floating over a bottomless abyss",
            "stilt houses mirrored in a still harbor",
            "a paper boat sailing down a flooded street",
            "a piano washed ashore on a pebble beach",
            "an iceberg seen half above, half below water",
        ),
        ("petrol blue", "sea-glass green"),
        -0.1,
        -0.4,
    ),
    World(
        "city",
        keys(
            "city street town night neon downtown urban club taxi tokyo london paris york berlin midnight light "
            "skyline block ghetto hood nightlife avenue corner subway metro after dark techno house hiphop hip hop "
            "rap trap garage grime ciudad noche ville nuit stadt nacht citta notte 夜 街 都"
        ),
        (
            "an empty crossing between glass towers",
            "a night market seen through steam and hanging lamps",
            "a rooftop water tank above endless windows",
            "an elevated train curving past apartment balconies",
            "a dancer under a flickering street lamp",
            "puddles doubling a row of shop fronts",
            "a lone taxi on a bridge of cables",
            "a fire escape zigzagging up a brick wall",
            "a crowd with umbrellas pouring from a subway mouth",
            "a phone box glowing in an empty square",
        ),
        ("midnight blue", "hot pink"),
        -0.7,
        -0.1,
    ),
    World(
        "road",
        keys(
            "road drive driving driver car highway ride rider wheel run running train railway travel traveller "
            "journey away engine fast truck motor motorcycle walk walking mile miles gone leave leaving wander "
            "wanderer country blues route runaway steam wagon camino calle voiture strasse auto strada 道 旅 車"
        ),
        (
            "a single car on a coastal road of hairpin bends",
            "a steam train crossing a tall stone viaduct",
            "a petrol station alone on an endless plain",
            "a motorcycle racing its own dust trail",
            "telegraph poles marching to the horizon",
            "a suitcase left on a country platform",
            "a convoy of lorries snaking over a mountain pass",
            "a hitchhiker beside a blank signpost",
            "a tunnel mouth with mountains framed inside",
            "a caravan parked under a giant oak",
        ),
        ("ochre", "steel blue"),
        0.1,
        0.3,
    ),
    World(
        "forest",
        keys(
            "forest tree trees wood woods leaf leaves green garden flower flowers bloom rose roses spring wild "
            "nature jungle meadow grass field fields root roots seed folk acoustic celtic bosque flor fleur jardin "
            "foret wald blume bosco fiore 森 花 桜 木"
        ),
        (
            "an ancient oak with a door between its roots",
            "a deer standing in a ring of mushrooms",
            "a rope bridge over a ravine of ferns",
            "a glasshouse overgrown from within",
            "a stone staircase swallowed by moss",
            "a field of poppies bending in the wind",
            "birch trunks repeating like organ pipes",
            "a beekeeper walking through tall clover",
            "a waterfall hidden behind willow branches",
            "cherry petals drifting over a wooden footbridge",
        ),
        ("moss green", "honey"),
        0.0,
        0.2,
    ),
    World(
        "cosmos",
        keys(
            "space star stars starlight moon moonlight planet world earth sky skies rocket cosmic cosmos galaxy "
            "universe astronaut satellite orbit gravity sun solar lunar mars comet nebula alien infinity eclipse "
            "ambient estrella luna cielo etoile lune ciel stern mond himmel stella 星 月 空 宇"
        ),
        (
            "an astronaut sitting on the rim of a crater",
            "a ringed planet filling the horizon of a quiet lake",
            "a radio telescope listening among tall reeds",
            "a comet passing over a sleeping village",
            "a spiral staircase winding up to the moon",
            "an observatory dome opening like an eye",
            "a satellite with torn golden foil, drifting",
            "a whirlpool of stars above a lone tent",
            "an eclipse seen by a circle of standing stones",
            "a gardener watering a tiny planet",
        ),
        ("indigo", "pearl"),
        -0.8,
        -0.4,
    ),
    World(
        "desert",
        keys(
            "desert sand sun sunny sunshine dust summer hot heat cactus dune gold golden canyon west western cowboy "
            "dry mirage caravan egypt arabia sahara reggae latin cumbia salsa afrobeat sol verano soleil ete sonne "
            "sommer sole estate 砂 夏 太"
        ),
        (
            "a line of camels on the crest of a dune",
            "a rusted radio tower half buried in sand",
            "a red canyon with a ribbon of river far below",
            "a cactus field under an enormous sky",
            "a white horse crossing a dry salt lake",
            "an adobe village of rounded roofs",
            "a grand piano abandoned among tumbleweed",
            "a dust storm rolling towards a single tree",
            "a swimming pool shimmering in the middle of nowhere",
            "footprints circling a broken obelisk",
        ),
        ("terracotta", "azure"),
        0.5,
        0.9,
    ),
    World(
        "winter",
        keys(
            "winter snow snowy ice icy cold frozen freeze frost north arctic christmas mountain mountains peak "
            "storm wind white silence silent ghost invierno nieve hiver neige schnee berg inverno neve 雪 冬 氷 山"
        ),
        (
            "a cabin with one lit window below a white summit",
            "a frozen waterfall like a pipe organ",
            "skaters tracing rings on a black lake",
            "a red coat crossing a blank white plain",
            "a steam engine breaking through a snowdrift",
            "wolves on a ridge of wind-carved ice",
            "bare branches glazed after freezing rain",
            "a ski lift vanishing into cloud",
            "a greenhouse full of oranges in deep snow",
            "an icebreaker leaving a dark seam behind",
        ),
        ("ice blue", "slate gray"),
        0.7,
        -0.5,
    ),
    World(
        "fire",
        keys(
            "fire burn burning flame ash ashes inferno smoke grunge alternative hell devil demon volcano ember rage "
            "war fight fighter thunder lightning blood battle kill death dead metal hardcore punk riot revolution "
            "armageddon fury fuego sangre guerra feu enfer feuer krieg blut fuoco 火 炎 血 戦"
        ),
        (
            "a phoenix unfolding above a burnt orchard",
            "a volcano splitting a black plain with rivers of lava",
            "a knight in scorched armor holding a broken banner",
            "a bonfire ringed by masked dancers",
            "a burning piano on a cliff edge",
            "a blacksmith striking a shower of sparks",
            "crows circling a tower of smoke",
            "a dragon skeleton under molten rock",
            "a field of torches around a stone idol",
            "a ruined cathedral with a furnace for an altar",
        ),
        ("oxblood", "vermilion"),
        -0.7,
        0.9,
    ),
    World(
        "tender",
        keys(
            "love lover heart kiss baby darling tender romance romantic lonely lonesome alone tears cry sorry "
            "goodbye forever you girl boy woman man together touch hold sweet honey soul rnb ballad valentine amor "
            "corazon amour coeur liebe herz amore cuore 愛 恋 心 涙"
        ),
        (
            "two silhouettes sharing one umbrella",
            "two empty chairs at either end of a long table",
            "hands almost touching through a rain-streaked window",
            "a single rose in a cracked drinking glass",
            "dancers turning in an empty ballroom",
            "a bird's nest built of torn love letters",
            "a swing for two beneath a blossoming tree",
            "lovers asleep in a rowing boat among lilies",
            "a red thread tied between distant balconies",
            "a paper heart mended with gold seams",
        ),
        ("rose", "ivory"),
        0.3,
        0.6,
    ),
    World(
        "dream",
        keys(
            "dream dreams dreamer dreaming sleep fantasy magic wonder wonderland fly flying cloud clouds angel "
            "heaven float imagine mind strange crazy psychedelic trip high dreampop shoegaze chill sueno reve traum "
            "sogno 夢 雲 天 幻"
        ),
        (
            "a staircase climbing into banks of cloud",
            "a door standing alone in a meadow",
            "a house lifted away by a flock of birds",
            "floating islands moored by long ropes",
            "a bed adrift on a sea of grass",
            "a giant moth resting on a village church",
            "a train of balloons carrying a sleeping elephant",
            "an endless library with a river for a floor",
            "a mirror that opens on another weather",
            "umbrellas raining upward from a quiet square",
        ),
        ("lavender", "peach"),
        0.5,
        0.1,
    ),
    World(
        "machine",
        keys(
            "machine robot digital computer electric electricity electronic cyber cyborg system future wire data "
            "code game video arcade pixel laser synth synthwave vaporwave industrial idm dubstep dnb drum bass "
            "electro engine network signal radio satellite maquina maschine 電 機"
        ),
        (
            "a robot tending a rooftop garden",
            "a cathedral of server racks and humming cables",
            "an endless hall of turning brass gears",
            "a mechanical hummingbird at a metal flower",
            "vines of copper wire climbing a marble statue",
            "a colossal walking crane crossing shallow water",
            "a wall of old televisions showing one eye",
            "a clockwork city inside a pocket watch",
            "an android face assembled from porcelain shards",
            "a satellite dish sprouting wild flowers",
        ),
        ("cyan", "charcoal"),
        -0.5,
        -0.5,
    ),
    World(
        "memory",
        keys(
            "home memory memories old yesterday remember child children time clock letter photograph photo mother "
            "father house family friend ghost past years young youth school forget nostalgia summer sunday lofi "
            "indie singer songwriter casa recuerdo maison souvenir heim ricordo 家 思 時"
        ),
        (
            "an attic window with dust and a rocking horse",
            "a kitchen table laid for someone who is late",
            "a carousel standing still in autumn leaves",
            "a grandfather clock in a field of barley",
            "a wooden radio on a windowsill",
            "a child's kite snagged on a telegraph wire",
            "a tree house with a ladder of books",
            "an old cinema with one person in the rows",
            "a bicycle leaning on a whitewashed wall",
            "a doll's house with tiny lamps inside",
        ),
        ("sepia", "cream"),
        0.1,
        0.6,
    ),
    World(
        "stage",
        keys(
            "dance dancing dancer party music song sing singing rock roll band guitar drums stage groove funk disco "
            "rave jazz swing bop shuffle melody rhythm beat sound pop show jump move mover shake twist boogie baile "
            "fiesta danse musique tanz musik ballo musica 歌 踊 音"
        ),
        (
            "a brass band marching across a rooftop",
            "a mirror ball hanging in a ruined theatre",
            "a double bass grown out of a living tree",
            "a tower of loudspeakers in an open field",
            "trapeze artists above a sea of raised hands",
            "a saxophone player in a doorway of smoke",
            "skaters circling on a giant vinyl record",
            "a marionette orchestra with tangled strings",
            "a ballerina in a dress of sheet music",
            "a jukebox washed up in a palm grove",
        ),
        ("burgundy", "gold"),
        -0.4,
        0.5,
    ),
    World(
        "creature",
        keys(
            "wolf cat dog lion tiger horse bird birds crow raven fox deer butterfly bee snake elephant monkey bear "
            "eagle dove whale fish dragon animal beast monster creature wings feather swan lobo pajaro gato loup "
            "oiseau chat vogel katze 鳥 猫 犬 蝶 龍"
        ),
        (
            "a fox carrying a lantern in its mouth",
            "a heron wading through a sunken town",
            "a tiger made of folded paper",
            "a stag with a forest growing from its antlers",
            "a murmuration of starlings shaping a face",
            "an owl wearing a crown of keys",
            "a koi circling a submerged bell",
            "an elephant carrying a village on its back",
            "a raven perched on a chess king",
            "butterflies pouring out of a cello",
        ),
        ("rust", "emerald"),
        0.0,
        0.3,
    ),
    World(
        "sacred",
        keys(
            "king queen god gods temple holy church prayer pray kingdom castle legend empire saint glory crown "
            "angel choir chorale hymn mass requiem symphony sonata classical baroque opera quartet gospel gothic "
            "ancient hallelujah voice lift dios rey dieu roi gott konig dio re 神 王 祈"
        ),
        (
            "a cathedral nave flooded knee-deep with flowers",
            "a queen of chess pieces on a cracked marble board",
            "monks carrying lanterns up a cliff stair",
            "a colossal stone hand rising from a valley",
            "a choir of statues with open mouths",
            "a temple gate standing in shallow surf",
            "a throne of roots in a roofless hall",
            "rows of candles before an unfinished fresco",
            "pilgrims crossing a bridge of aqueduct arches",
            "a bell the size of a house, tilted mid-swing",
        ),
        ("gold", "ultramarine"),
        -0.2,
        0.4,
    ),
    World(
        "form",
        keys(
            "circle line square zero one two three four loop spiral prism echo pulse wave shape form minimal "
            "abstract experimental progressive trance parallel mirror fragment phase motion untitled part 光 無 色"
        ),
        (
            "interlocking rings suspended in a void",
            "concentric arches receding to a single point",
            "a cube of rippling liquid metal",
            "ribbons of silk frozen in mid-air",
            "a forest of slender columns on a chessboard floor",
            "a sphere splitting into thin shells",
            "stacked terraces spiralling round an empty centre",
            "prisms scattering a beam across a bare room",
            "a wave built from thousands of small tiles",
            "a labyrinth of tall stone walls",
        ),
        ("cobalt", "white"),
        0.1,
        -0.2,
    ),
)
