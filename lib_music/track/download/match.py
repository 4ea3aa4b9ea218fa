"""Which of the recordings found is the song that was looked for.

Conventions: scores lie in [0, 100]; lengths are seconds; a difference is the recording's length minus the song's.
Titles and names are compared without accents, case, punctuation and what sites add to them. Nothing is taken without a
question but what agrees in title, artist, kind of recording and length (:data:`TAKE_SECONDS`).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Literal

from lib_music.track.tags import clean_text

Verdict = Literal["take", "ask", "refuse"]

#: Within this many seconds, and with this text score, a recording is taken without a question.
TAKE_SECONDS, TAKE_TEXT = 3.0, 80.0
#: Up to this many seconds it is shown as a choice; beyond it is refused. So is what hardly shares a word.
ASK_SECONDS, ASK_TEXT = 14.0, 40.0
#: Choices shown.
MOST_CHOICES = 5

_VIDEO_ID = re.compile(r"[0-9A-Za-z_-]{11}")
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}\d{7}")
# Another recording of the song, where only one of the two says so.
_OTHER = tuple(tuple(words.split()) for words in (
    "live", "concert", "unplugged", "session", "acoustic", "remix", "mix", "rework", "bootleg", "mashup", "medley",
    "acapella", "a cappella", "a capella", "instrumental", "karaoke", "cover", "covers", "covered", "tribute", "parody",
    "reaction", "nightcore", "slowed", "sped up", "speed up", "reverb", "bassboosted", "bass boosted", "8d", "8daudio",
    "8 bit", "8bit", "demo", "extended", "edit", "loop", "hour", "hours", "full album", "album completo", "snippet",
    "preview", "teaser", "trailer", "tutorial", "lesson", "rehearsal", "backing track", "without vocals", "orchestral",
))  # fmt: skip
#: The same recording in a new master: a little worse than the one looked for.
_MASTERED = {"remaster", "remastered", "remasterizado"}
_LIGHT, _HEAVY, _MORE = 10.0, 25.0, 10.0
_NUMBER = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
_NUMBERED = {"part", "pt", "vol", "volume", "chapter", "no", "act"}
_FIRST = {"i": "1", "v": "5", "x": "10", "one": "1", "two": "2", "three": "3", "four": "4"}

_BRACKET = r"[(\[{【]"
_CLOSE = r"[)\]}】]"
_GUESTS = re.compile(rf"\s*(?:{_BRACKET}\s*(?:feat|ft|featuring|with)\b[^)\]}}】]*{_CLOSE}"
                     r"|\s(?:feat|ft|featuring)\b\.?\s[^()\[\]{}|]*?(?=\s[-–—|]\s|\s*[(\[{]|$))", re.IGNORECASE)
_MASTER = re.compile(rf"\s*(?:[-–—]\s*|{_BRACKET}\s*)(?:(?:19|20)\d\d\s*)?(?:digital(?:ly)?\s*)?remaster(?:ed)?"
                     rf"(?:\s*(?:version|in|edition|(?:19|20)\d\d))*\s*(?:{_CLOSE}|$)", re.IGNORECASE)
_EDITION = re.compile(rf"\s*(?:[-–—]\s*|{_BRACKET}\s*)(?:from\s[^)\]]*|(?:original|single|album|mono|stereo)"
                      rf"(?:\s(?:version|mix))?|bonus track|explicit|clean)\s*(?:{_CLOSE}|$)", re.IGNORECASE)
_LABEL = (r"(?:official|music|lyrics?|video|audio|visuali[sz]er|clip|hd|hq|4k|1080p|720p|m/?v|with|version"
          r"|premiere|remastered|(?:19|20)\d\d)")
_NOISE = re.compile(rf"\s*(?:{_BRACKET}\s*(?:{_LABEL}[\s,/]*)+{_CLOSE}|[-–—|]\s*(?:{_LABEL}\s*)+$)", re.IGNORECASE)
_CHANNEL = re.compile(r"(?:\s+-\s+topic|vevo|\s+(?:official|music|tv|band|channel|official channel))\s*$",
                      re.IGNORECASE)
_SPLIT = re.compile(r'\s+[-–—|~:]+\s+|\s*[|｜：「」『』“”"]\s*|:\s+')
_NAMES = re.compile(r"\s*(?:,|;|/|&|\+|\bx\b|\band\b|\bvs\.?\b|\bfeat\.?|\bft\.?|\bfeaturing\b|\bwith\b)\s*",
                    re.IGNORECASE)
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "$": "s"})


@dataclass(frozen=True)
class Wanted:
    """The song that is looked for.

    Attributes
    ----------
    title : str
        Never empty. Found text, cleaned here.
    artists : tuple of str
        The main one first. Without any, nothing is taken without a question.
    duration : float or None
        Seconds, > 0; None when nobody knows, and then nothing is taken without a question.
    isrc : str
        Empty when unknown; what is no ISRC is dropped.
    """

    title: str
    artists: tuple[str, ...] = ()
    duration: float | None = None
    isrc: str = ""

    def __post_init__(self) -> None:
        title, isrc = clean_text(self.title), re.sub(r"[\s-]", "", self.isrc).upper()
        if not title:
            raise ValueError("Wanted.title is empty; there is nothing to look for")
        if self.duration is not None and not (math.isfinite(self.duration) and self.duration > 0):
            raise ValueError(f"Wanted.duration is {self.duration!r}; it must be seconds > 0, or None")
        object.__setattr__(self, "title", title)
        object.__setattr__(self, "artists", tuple(name for name in map(clean_text, self.artists) if name))
        object.__setattr__(self, "isrc", isrc if _ISRC.fullmatch(isrc) else "")


@dataclass(frozen=True)
class Candidate:
    """A recording that was found.

    Attributes
    ----------
    id : str
        YouTube's, 11 characters.
    title, channel : str
        Found text, one line each.
    duration : float or None
        Seconds as the site says; None when it does not.
    wanted : float or None
        Seconds of the song looked for; None when unknown.
    score : float in [0, 100]
        How well title and artist agree.
    verdict : "take", "ask" or "refuse"
    by_isrc : bool
        Whether it was found by the recording's own number.
    """

    id: str
    title: str
    channel: str
    duration: float | None
    wanted: float | None
    score: float
    verdict: Verdict
    by_isrc: bool = False

    def __post_init__(self) -> None:
        if not is_video_id(self.id):
            raise ValueError(f"Candidate.id is {self.id!r}; it must be the 11 characters of a video's id")
        if not 0 <= self.score <= 100:
            raise ValueError(f"Candidate.score is {self.score!r}; it must lie in [0, 100]")
        if self.verdict == "take" and (self.difference is None or abs(self.difference) > TAKE_SECONDS):
            raise ValueError("a Candidate to take must agree in length")

    @property
    def url(self) -> str:
        """Built from the id alone, never taken from what the site wrote."""
        return f"https://www.youtube.com/watch?v={self.id}"

    @property
    def difference(self) -> float | None:
        """Its length minus the song's, seconds; None when either is unknown."""
        return None if self.duration is None or self.wanted is None else self.duration - self.wanted


def is_video_id(text: object) -> bool:
    """Whether this is a YouTube video's id."""
    return isinstance(text, str) and _VIDEO_ID.fullmatch(text) is not None


def judge(wanted: Wanted, id: str, title: str, channel: str, duration: float | None, *, by_isrc: bool) -> Candidate:
    """Weigh one recording; its title and channel are found text."""
    title, channel = clean_text(title) or id, clean_text(channel)
    score = round(text_score(wanted, title, channel), 1)
    apart = None if duration is None or wanted.duration is None else abs(duration - wanted.duration)
    verdict: Verdict = "ask"
    if (apart is not None and apart > ASK_SECONDS) or score < ASK_TEXT:
        verdict = "refuse"
    elif apart is not None and apart <= TAKE_SECONDS and score >= TAKE_TEXT and wanted.artists:
        verdict = "take"
    return Candidate(id, title, channel, duration, wanted.duration, score, verdict, by_isrc)


def rank(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """The best first, each id once: by verdict, then by number, text, length and the artist's own channel."""
    verdicts = ("take", "ask", "refuse")

    def key(candidate: Candidate) -> tuple[int, float]:
        apart = candidate.difference
        near = 50.0 if apart is None else 100 * math.exp(-0.1 * abs(apart))
        sure = 8 * candidate.by_isrc + 4 * candidate.channel.endswith(" - Topic")
        return verdicts.index(candidate.verdict), -(0.6 * candidate.score + 0.4 * near + sure)

    found: dict[str, Candidate] = {}
    for candidate in candidates:
        if candidate.id not in found or candidate.by_isrc:
            found[candidate.id] = candidate
    return tuple(sorted(found.values(), key=key))


def best(candidates: Sequence[Candidate]) -> Candidate | None:
    """The recording that may be taken without a question, if there is one."""
    return next((candidate for candidate in candidates if candidate.verdict == "take"), None)


def choices(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The recordings to show to the person: at most :data:`MOST_CHOICES`, the best first; none that is refused."""
    return tuple(candidate for candidate in candidates if candidate.verdict != "refuse")[:MOST_CHOICES]


def text_score(wanted: Wanted, title: str, channel: str) -> float:
    """How well title and artist agree, in [0, 100]; wrong kinds of recording and other parts cost."""
    names = [_plain(name) for name in wanted.artists]
    name = _title_score(wanted, title, names)
    artist = _artist_score(wanted, title, channel) if names else name
    score = 0.6 * name + 0.4 * artist
    if artist < 70:
        score = min(score, TAKE_TEXT - 5)
    if name <= 60:
        score = min(score, 50.0)
    return max(0.0, score - _penalty(wanted, title, channel))


def _title_score(wanted: Wanted, title: str, names: Sequence[str]) -> float:
    """The best agreement of the song's title with the whole of what is written, its parts, or it without the artist."""
    own = _plain(_stripped(wanted.title)) or _plain(wanted.title)
    base = _plain(_EDITION.sub("", _stripped(wanted.title))) or own
    shown = _stripped(title)
    forms = [shown, _EDITION.sub("", shown), *_SPLIT.split(shown)]
    parts = _SPLIT.split(shown)
    forms += [" ".join(parts[i:]) for i in range(1, len(parts))]
    plain = {_plain(form) for form in forms}
    for name in names:
        plain |= {_without(form, name) for form in tuple(plain)}
    return max((_ratio(one, form) for one in {own, base} for form in plain if form), default=0.0)


def _artist_score(wanted: Wanted, title: str, channel: str) -> float:
    """How surely the main artist is named as such, by the channel or beside the title."""
    artist = _plain(wanted.artists[0])
    heard = _plain(_CHANNEL.sub("", channel))
    song = _plain(_stripped(wanted.title))
    rest = _without(_plain(_stripped(title)), song)
    named = [part for text in (title, channel) for segment in _SPLIT.split(_NOISE.sub("", text))
             for part in (segment, *_NAMES.split(segment))]
    scores = [_ratio(artist, _plain(part)) for part in named]
    scores += [_ratio(artist, heard), _ratio(artist.replace(" ", ""), heard.replace(" ", ""))]
    if rest and song != artist:
        scores.append(_ratio(artist, rest))
    if f" {artist} " in f" {rest} ":
        scores.append(60.0)
    return max(scores)


def _penalty(wanted: Wanted, title: str, channel: str) -> float:
    """What it costs to be another kind of recording, or another part of the song."""
    asked = _words(" ".join((wanted.title, *wanted.artists)))
    found = _words(f"{title} | {channel}")
    kinds_asked, kinds_found = _kinds(asked), _kinds(found)
    # What the song's own title promises must be in the recording's title, not in a channel's or an artist's name.
    promised = _kinds(_words(wanted.title))
    strange = sum((kinds_found - kinds_asked).values()) + sum((promised - kinds_found).values())
    cost = _HEAVY + _MORE * (strange - 1) if strange else 0.0
    if _MASTERED & set(found) and not _MASTERED & set(asked):
        cost += _LIGHT
    ours, theirs = (_numbers(_words(_MASTER.sub("", text))) for text in (wanted.title, _NOISE.sub("", title)))
    named = _numbers(_words(" ".join(wanted.artists)))
    if ours - theirs or {n for n in theirs - ours - named if not re.fullmatch(r"(19|20)\d\d", n)}:
        cost += _HEAVY
    return cost


def _kinds(words: Sequence[str]) -> Counter[tuple[str, ...]]:
    """How often each word for another kind of recording occurs; the original mix is none."""
    words = re.sub(r"\boriginal (mix|edit)\b", "", " ".join(words)).split()
    found: Counter[tuple[str, ...]] = Counter()
    for kind in _OTHER:
        found[kind] = sum(tuple(words[i : i + len(kind)]) == kind for i in range(len(words)))
    return +found


def _numbers(words: Sequence[str]) -> set[str]:
    """The numbers in a title, Roman ones too where they can be nothing else."""
    found = {word.lstrip("0") or "0" for word in words if word.isdecimal()}
    found |= {_NUMBER[word] for word in words if word in _NUMBER}
    found |= {_FIRST[b] for a, b in pairwise(words) if a in _NUMBERED and b in _FIRST}
    return found


def _stripped(title: str) -> str:
    """A title without guests, masters and what sites add."""
    for pattern in (_GUESTS, _MASTER, _NOISE):
        title = pattern.sub("", title).strip() or title
    return title


def _words(text: str) -> list[str]:
    return _plain(text).split()


def _plain(text: str) -> str:
    """Without accents, case and punctuation; as it is where nothing else would be left."""
    folded = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS).replace("&", " and ")
    kept = "".join(c for c in folded if not unicodedata.combining(c)).replace("'", "").replace("’", "")
    plain = " ".join("".join(c if c.isalnum() else " " for c in kept).split())
    return plain.removeprefix("the ") or " ".join(text.casefold().split())


def _without(text: str, part: str) -> str:
    """``text`` without whole words ``part`` at its start or end; as it is when nothing would be left."""
    padded = f" {text} "
    if part and padded.startswith(f" {part} "):
        return padded[len(part) + 2 :].strip() or text
    if part and padded.endswith(f" {part} "):
        return padded[: -len(part) - 2].strip() or text
    return text


def _ratio(one: str, other: str) -> float:
    return 100 * SequenceMatcher(None, one, other, autojunk=False).ratio() if one and other else 0.0
