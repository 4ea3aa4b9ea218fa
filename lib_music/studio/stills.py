"""Stills: what each section looks like with the real checkpoint, before the night is spent; and four bars of video.

Conventions: a still is asked as Deforum is given the section's first frame (prompt, negative, seed, cfg scale, size,
sampler, steps), without the frames before it. Pictures lie in ``stills/`` of the project under a mark of all that
decides them, so that sections which share everything share one picture, and a picture is never painted twice.
``stills/stills.json`` says what was last painted for each section; ``tried.json``, which is the person's, which other
seed is tried there; a locked seed is the storyboard's own. A section is named by its label and how often that label
was there before.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lib_music.errors import InputError, MusicVisualizerError, SettingsError
from lib_music.files import read_json, write_bytes, write_json
from lib_music.pipeline import STORYBOARD
from lib_music.project import Project, fingerprint
from lib_music.prompts.storyboard import derived_seed, read_storyboard, write_storyboard
from lib_music.render.deforum_defaults import DEFAULTS
from lib_music.render.deforum_grammar import read_schedule
from lib_music.render.deforum_settings import AROUND, NEGATIVE_MARK, SEED_MODULUS, is_ours, join_prompt
from lib_music.render.still import Still
from lib_music.schedule.cadence import snap
from lib_music.studio.estimate import Setup, check_room, set_up
from lib_music.studio.job import JobReporter
from lib_music.studio.known import Known, known
from lib_music.studio.motion import read_motion
from lib_music.studio.panels import Panel
from lib_music.studio.studio import Studio
from lib_music.studio.turns import turn
from lib_music.studio.workspace import find_project

if TYPE_CHECKING:
    from lib_music.schedule.animation import Animation

FOLDER, LIST, TRIED, VERSION = "stills", "stills.json", "tried.json", 1
#: Stills kept in a project.
MOST = 300
#: Bytes a pixel of a PNG, about.
_BYTES = 1.8
#: What settings of the person's own can change on the way through a video, and a single picture does not follow.
_CHANGING = {
    "enable_checkpoint_scheduling": "the checkpoint", "enable_sampler_scheduling": "the sampler",
    "enable_scheduler_scheduling": "the scheduler", "enable_steps_scheduling": "the steps",
    "enable_clipskip_scheduling": "clip skip", "enable_subseed_scheduling": "the subseed",
}  # fmt: skip
Name = tuple[str, int]


def stills_of(animation: Animation) -> tuple[Still, ...]:
    """The picture to paint of each section of a video, in the order of its cues."""
    n = animation.timebase.n_frames
    seeds, scale = _seeds(animation), animation.schedules.get("cfg_scale_schedule")
    scales = scale.sample(n) if scale else None
    found = []
    for cue in animation.cues:
        first, middle = snap(cue.start, animation.cadence), (cue.start + cue.end) // 2
        # Prompts change at diffused frames, so that the middle has the section's own whatever the cadence.
        positive, negative = _words(animation, middle)
        seed = round(float(seeds[first])) % SEED_MODULUS
        # A tenth is less than an eye tells; two returns of a section share their picture.
        cfg_scale = round(float(scales[first]), 1) if scales is not None else 7.0
        size = (animation.width, animation.height)
        found.append(Still(positive, negative, seed, *size, animation.sampler, animation.steps, cfg_scale))
    return tuple(found)


def _seeds(animation: Animation) -> npt.NDArray[np.float64]:
    """The seed that Deforum is given at each frame [shape=(n,)]; the person's own where the music does not drive it.

    A seed that Deforum would throw itself is the first one that is known: ours.
    """
    n = animation.timebase.n_frames
    ours = animation.schedules.get("seed_schedule")
    found = ours.sample(n) if ours else animation.seed + np.arange(n, dtype=np.float64)
    theirs = {**DEFAULTS, **animation.base_settings}
    if is_ours(animation, "seed_schedule"):
        return found
    if theirs["seed_behavior"] == "schedule":
        with contextlib.suppress(SettingsError):
            return read_schedule(str(theirs["seed_schedule"]), n, parameter="seed_schedule")
    if theirs["seed"] < 0:
        return found
    painted = np.arange(n) // animation.cadence
    # Deforum counts on at every N-th picture, beginning with the first.
    counted = -(-painted // max(1, theirs["seed_iter_N"])) if theirs["seed_behavior"] == "iter" else 0 * painted
    return np.asarray(theirs["seed"] + counted, np.float64)


def _words(animation: Animation, frame: int) -> tuple[str, str]:
    """Prompt and negative at a frame, as Deforum takes them apart."""
    texts = (animation.prompts, animation.negatives)
    joined = join_prompt(*(text[max(k for k in text if k <= frame)] for text in texts))
    if not is_ours(animation, "prompts"):
        # Deforum puts the person's own words around every prompt; over driven ones they are not written.
        before, after = (str(animation.base_settings.get(key) or "") for key in AROUND)
        mark = "" if NEGATIVE_MARK in joined else NEGATIVE_MARK
        joined = f"{before} {joined} {mark} {after.replace(NEGATIVE_MARK, '')}"
    positive, _, negative = joined.partition(NEGATIVE_MARK)
    return positive.strip(), negative.strip()


def mark_of(studio: Studio, setup: Setup, still: Still) -> str:
    """What decides a picture, as a file's name."""
    model = setup.model
    checkpoint = (model.checkpoint, model.checkpoint_hash, model.vae, model.vae_hash) if model else ()
    return fingerprint(str(still), str(checkpoint), studio.host.name)[:24]


def _keys(project: Project) -> dict[Name, str]:
    """The picture that was last painted for each section, by the stem of its name."""
    found = _entries(project.folder / FOLDER / LIST, "key")
    return {name: "".join(c for c in str(key) if c in "0123456789abcdef")[:24] for name, key in found.items()}


def _tries(project: Project) -> dict[Name, int]:
    """The other seed that is tried in each section where one is."""
    found = _entries(project.path(TRIED), "seed")
    return {name: seed % SEED_MODULUS for name, seed in found.items() if type(seed) is int}


def _entries(path: Path, value: str) -> dict[Name, Any]:
    """What a list of sections says of each; empty where there is none, or it is damaged."""
    try:
        return {(str(e["label"]), int(e["occurrence"])): e[value] for e in read_json(path)["stills"][-MOST:]}
    except (MusicVisualizerError, KeyError, TypeError, ValueError, OverflowError):
        return {}


def _write(path: Path, value: str, kept: Mapping[Name, Any]) -> None:
    entries = [{"label": label, "occurrence": n, value: held} for (label, n), held in kept.items()]
    write_json(path, {"version": VERSION, "stills": entries[-MOST:]})


def _asked_for(studio: Studio, setup: Setup, name: Name) -> tuple[Still, Path]:
    """The still of a section now, with the other seed that is tried there, and where its picture is or will be."""
    still = _tried(_asked(setup)[name], _tries(setup.project).get(name))
    return still, setup.project.folder / FOLDER / f"{mark_of(studio, setup, still)}.png"


def _tried(still: Still, seed: int | None) -> Still:
    return still if seed is None else replace(still, seed=seed)


def still_of(studio: Studio, project: str, section: object) -> Path:
    """The picture that stands for a section now; raises InputError where none was painted yet."""
    found = find_project(studio.host, project)
    setup = _ready(studio, found)
    name = _one(setup, {"section": section})
    fresh, key = _asked_for(studio, setup, name)[1], _keys(found).get(name)
    picture = fresh if fresh.is_file() or not key else found.folder / FOLDER / f"{key}.png"
    if not picture.is_file():
        raise InputError("this section has no still yet", "paint it first")
    return picture


# -- painting --------------------------------------------------------------------------------------------------------


def _ready(studio: Studio, project: Project) -> Setup:
    if known(project).heard is None:
        raise InputError("this song has not been heard yet", "press Produce prompts first")
    return set_up(studio, project.folder.name, read_motion(studio.host, project))


def _one(setup: Setup, action: Mapping[str, Any]) -> Name:
    """The section that an action names by its number."""
    number = action.get("section")
    sections = setup.plan.analysis.sections
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < len(sections):
        raise InputError(f"there is no section {str(number)[:20]}", "reload the page")
    label = sections.labels[number]
    name = (label, sections.labels[: number + 1].count(label))
    if name not in _names(setup):
        raise InputError(f"section {number + 1} lies outside the range of the video", "change Start and Length")
    return name


def _names(setup: Setup) -> dict[Name, int]:
    """The sections of the video by name, with their number in the song, in the order of the video's cues."""
    animation, sections = setup.plan.animation, setup.plan.analysis.sections
    begin = animation.sound_start - setup.plan.analysis.start
    found: dict[Name, int] = {}
    for cue in animation.cues:
        middle = begin + float((cue.start + cue.end) / 2 / animation.timebase.fps)
        number = max(0, int(np.searchsorted(sections.intervals[:, 0], middle, side="right")) - 1)
        label = sections.labels[number]
        found[label, sections.labels[: number + 1].count(label)] = number
    return found


def _asked(setup: Setup) -> dict[Name, Still]:
    """The picture of each section of the video, by its name in the whole song."""
    return dict(zip(_names(setup), stills_of(setup.plan.animation), strict=True))


def _paint_all(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    """Every section that has no picture of what it is now."""
    setup = _ready(studio, project)
    _submit(studio, setup, tuple(_names(setup)))


def _paint_one(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    """One section; with ``"reroll"`` with another seed, which counts only when it is locked."""
    setup = _ready(studio, project)
    name = _one(setup, action)
    if action.get("reroll") is True:
        with project.editing():
            _write(project.path(TRIED), "seed", {**_tries(project), name: secrets.randbelow(2**31)})
    _submit(studio, setup, (name,))


def _submit(studio: Studio, setup: Setup, names: tuple[Name, ...]) -> None:
    project, animation = setup.project, setup.plan.animation
    missing = sum(not _asked_for(studio, setup, name)[1].is_file() for name in names)
    check_room(studio, round(_BYTES * missing * animation.width * animation.height))

    def work(reporter: JobReporter) -> Mapping[str, str]:
        return {"stills": str(_paint(studio, project, names, reporter))}

    studio.jobs.submit("stills", project.folder.name, work)


def _paint(studio: Studio, project: Project, names: tuple[Name, ...], reporter: JobReporter) -> int:
    """Paint what is missing of these sections, inside one turn; each picture is kept as soon as it is there."""
    painted = 0
    with turn(studio, reporter):
        setup = _ready(studio, project)
        asked = _asked(setup)
        wanted = [name for name in names if name in asked]
        reporter.describe = lambda amount: f"still {min(len(wanted), int(amount) + 1)} of {len(wanted)}"
        reporter.stage("stills", max(1, len(wanted)))
        for done, name in enumerate(wanted):
            reporter.done(done)
            reporter.check()
            still, picture = _asked_for(studio, setup, name)
            if not picture.is_file():
                data = _picture(studio, setup, name, still, reporter)
                # The first picture makes the host load its checkpoint; before that its hash may not be known.
                setup = _with_hash(studio, setup)
                picture = _asked_for(studio, setup, name)[1]
                write_bytes(picture, data)
                painted += 1
            _write(project.folder / FOLDER / LIST, "key", {**_keys(project), name: picture.stem})
        reporter.done(len(wanted))
    _forget(project)
    return painted


def _with_hash(studio: Studio, setup: Setup) -> Setup:
    """The set-up with all that is known of its checkpoint by now; another one, chosen meanwhile, did not paint."""
    loaded = studio.host.model()
    if loaded is None or setup.model is None or loaded.differs_from(setup.model):
        return setup
    return replace(setup, model=loaded)


def _picture(studio: Studio, setup: Setup, name: Name, still: Still, reporter: JobReporter) -> bytes:
    """The picture of the checkpoint; where none paints, what the animatic shows there."""
    if setup.renderer == "deforum":
        painted = studio.host.paint_still(still, reporter.should_stop)
        if painted is not None:
            return painted
    return _animatic_picture(setup, list(_names(setup)).index(name))


def _animatic_picture(setup: Setup, cue: int) -> bytes:
    """The animatic's frame in the middle of a section."""
    import cv2

    from lib_music.render.animatic import Animatic
    from lib_music.render.pixels import frame_to_rgb
    from lib_music.schedule.excerpt import excerpt

    animation = setup.plan.animation
    at = animation.cues[cue]
    first = max(at.start, (at.start + at.end) // 2 - animation.cadence)
    part = excerpt(animation, first, min(at.end, first + animation.cadence + 1))
    painter = Animatic.from_file(setup.plan.cover, captions=setup.motion.captions)
    *_, frame = painter.frames(part, 0, None)
    good, png = cv2.imencode(".png", np.ascontiguousarray(frame_to_rgb(frame)[..., ::-1]))
    if not good:
        raise InputError("the still cannot be written as PNG", "choose another size")
    return bytes(png.tobytes())


def _forget(project: Project) -> None:
    """Delete the pictures that no section shows, beyond the newest :data:`MOST`."""
    folder = project.folder / FOLDER
    shown = set(_keys(project).values())
    pictures = sorted(folder.glob("*.png"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in pictures[MOST:]:
        if path.stem not in shown:
            path.unlink(missing_ok=True)


# -- locking ---------------------------------------------------------------------------------------------------------


def _lock(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    """Keep the seed of a section's still for its label, in the video too."""
    if not is_ours(_ready(studio, project).plan.animation, "seed_schedule"):
        raise InputError("the seeds are your settings file's", "tick Seed under Base settings to lock one here")
    _set_seed(studio, project, action, lambda still, label, seed: (still.seed, True))


def _unlock(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    """Give a label the seed back that follows from the song."""
    _set_seed(studio, project, action, lambda still, label, seed: (derived_seed(label, seed), False))


def _set_seed(
    studio: Studio, project: Project, action: Mapping[str, Any], chosen: Callable[[Still, str, int], tuple[int, bool]]
) -> None:
    setup = _ready(studio, project)
    name = _one(setup, action)
    still, _ = _asked_for(studio, setup, name)
    with project.editing():
        now = known(project)
        board = now.board()
        if board is None:
            raise InputError("this song has no prompts yet", "press Produce prompts first")
        storyboard = read_storyboard(project.path(STORYBOARD), board.sections, seed=now.seed)
        label = name[0]
        rows = storyboard.rows
        if label not in [row.label for row in rows]:
            rows = (*rows, board.row(label))
        seed, locked = chosen(still, label, now.seed)
        rows = tuple(replace(row, seed=seed, locked=locked) if row.label == label else row for row in rows)
        # A seed of one occurrence alone would hide the label's.
        overrides = {key: replace(o, seed=None) if key[0] == label else o for key, o in storyboard.overrides.items()}
        write_storyboard(project.path(STORYBOARD), replace(storyboard, rows=rows, overrides=overrides), board.sections)
        if name in (tries := _tries(project)):
            _write(project.path(TRIED), "seed", {n: seed for n, seed in tries.items() if n != name})


def _not_followed(animation: Animation) -> str:
    """A line where the person's settings change what paints on the way; empty where they do not."""
    base = animation.base_settings
    names = [name for key, name in _CHANGING.items() if base.get(key) and not is_ours(animation, key)]
    if not names:
        return ""
    told = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"Your settings schedule {told}: the video follows that, these stills show what is loaded and chosen now."


# -- drawing ---------------------------------------------------------------------------------------------------------


def _draw(studio: Studio, now: Known, setup: Setup | None) -> dict[str, Any]:
    """A card for each section of the video: its picture, whether it is still true, its seed and lock."""
    if setup is None:
        return {"ready": False, "real": False, "paste": False, "note": "", "items": []}
    keys, tries, asked = _keys(now.project), _tries(now.project), _asked(setup)
    locked = {row.label for row in setup.plan.storyboard.rows if row.locked}
    items = []
    for name, number in _names(setup).items():
        if name not in asked:
            continue
        still, folder = _tried(asked[name], tries.get(name)), now.project.folder / FOLDER
        fresh, key = folder / f"{mark_of(studio, setup, still)}.png", keys.get(name)
        shown = fresh if fresh.is_file() or not key else folder / f"{key}.png"
        items.append({
            "section": number,
            "label": name[0],
            "role": setup.plan.analysis.sections.roles[number],
            "prompt": still.prompt[:300],
            "seed": still.seed,
            "tried": name in tries,
            "locked": name[0] in locked,
            "url": studio.url(shown) if shown.is_file() else None,
            "stale": shown != fresh,
        })  # fmt: skip
    real = setup.renderer == "deforum"
    note = _not_followed(setup.plan.animation) if real else ""
    return {"ready": True, "real": real, "paste": real and studio.host.can_paste(), "note": note, "items": items}


PANEL = Panel(
    "stills",
    "preview",
    _draw,
    {"stills": _paint_all, "still": _paint_one, "lock_still": _lock, "unlock_still": _unlock},
)
