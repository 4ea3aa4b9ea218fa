"""What the page's buttons do: plain functions from what the boxes hold to what the page shows.

Conventions: every handler takes foreign input, ends within a few seconds (long work is a job), and gives back a
:data:`~lib_music.ui.shown.Shown`. An error of ours becomes a readable line in the part of the page where the person
looks, ``said_<part>``; nothing here raises. One change is made at a time; polls never wait for one.
"""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lib_music.errors import InputError, MusicVisualizerError
from lib_music.given import ASPECTS
from lib_music.ui import form
from lib_music.ui.answers import N_CANDIDATES, UNHEARD, Answers
from lib_music.ui.shown import Shown, Update, error_lines, lines, to_json
from lib_music.ui.told import told_in, unexpected, within

if TYPE_CHECKING:
    from lib_music.studio.motion import Motion
    from lib_music.studio.studio import Studio

#: The parts of the page that have a line of their own for what went wrong.
PARTS = ("song", "hearing", "prompts", "motion", "preview", "visualize", "resume")
#: Where a person looks after each action; every other one belongs to the hearing.
_PART_OF = {
    **dict.fromkeys(("candidates", "take_candidate", "row", "link", "take", "style", "negative", "cover"), "prompts"),
    **dict.fromkeys(("preview", "send_still"), "preview"),
    **dict.fromkeys(("interrupt",), "visualize"),
    **dict.fromkeys(("open", "delete_project"), "resume"),
    **dict.fromkeys(("choose", "song_of_album", "right_recording", "without_link"), "song"),
}


def _part_of(do: object) -> str:
    """The part of the page that tells what became of an edit."""
    from lib_music.studio.panels import panel_of

    panel = panel_of(do)
    return panel.part if panel else _PART_OF.get(str(do)[:40], "hearing")


def _quiet() -> Shown:
    """Every part's line empty: what was told was told of the song before."""
    return {f"said_{part}": "" for part in PARTS}


#: Seconds after which an answer goes out whatever happens: a pod's proxy cuts a request at 100.
_PATIENCE = 45.0
ANALYSIS = "Saved audio-analysis (JSON)"
_NO_ANSWER = "Spotify has not answered; try again later"
#: What the two boxes hold after each event.
_EMPTIED: Shown = {"client_id": "", "client_secret": ""}
_STILL_LOADING: tuple[str, ...] = ("it is still loading; Visualize waits for it",)


class Page(Answers):
    """The handlers of one page.

    Parameters
    ----------
    studio : Studio
    """

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self._changing = threading.RLock()

    # -- what the page's own script asks for ---------------------------------------------------------------------

    def attach(self, request: Any, aspect: Any = None) -> Shown:
        """The page was opened or loaded again: the project it showed, else that of the running job."""
        try:
            shown = self._attached(request, aspect)
            return {"said_song": "", **shown, "page": self.surroundings(), "said_credentials": self.credentials()}
        except MusicVisualizerError as error:
            return {**self.nothing(), "said_song": error_lines(error)}
        except Exception as error:
            return {**self.nothing(), "said_song": unexpected("attach", error)}

    def _attached(self, request: Any, aspect: Any) -> Shown:
        asked = form.line(form.message(request).get("project", ""), "project")
        running = [job.project for job in reversed(self.studio.jobs.active())]
        shown = self.nothing()
        for name in dict.fromkeys(name for name in (asked, *running) if name):
            try:
                return self.shown(name, fill=True)
            except MusicVisualizerError as error:
                shown.setdefault("said_song", error_lines(error))
        if aspect in form.SHAPES:
            # A size goes with the shape that the person keeps as their own choice.
            shown["width"], shown["height"] = ASPECTS[aspect]
        return shown

    def poll(self, request: Any, mark: Any = "", *words: Any) -> Shown:
        """How far the jobs are; the whole view only when it has changed.

        The boxes are filled when there is something new for them. What was typed before there was a song is kept.
        """
        try:
            asked = form.message(request)
            project = form.line(asked.get("project", ""), "project")
            status = self.status(project)
            if not project or not status["revision"] or status["revision"] == asked.get("revision"):
                return {"status": to_json(status)}
            shown = self.shown(project, status=status)
            if shown["mark"] != mark:
                if words and self._typed_before(project, mark, words):
                    shown = self.shown(project)
                shown.update(self._filled_again(json.loads(shown["view"]), mark))
                shown.update({name: "" for name in _quiet() if name != "said_song"})
            return {**shown, "page": self.surroundings()}
        except MusicVisualizerError as error:
            return {"status": to_json(self.any_status()), "said_song": error_lines(error)}
        except Exception as error:
            return {"status": to_json(self.any_status()), "said_song": unexpected("poll", error)}

    def act(self, request: Any) -> Shown:
        """One edit that the page's drawn parts ask for."""
        part = "song"
        try:
            asked = form.message(request)
            action = asked.get("action")
            if not isinstance(action, dict):
                raise InputError("the page sent no action", "reload the page")
            part = _part_of(action.get("do"))
            return {f"said_{part}": "", **self._act(form.line(asked.get("project"), "project"), action)}
        except MusicVisualizerError as error:
            return {f"said_{part}": error_lines(error)}
        except Exception as error:
            return {f"said_{part}": unexpected("act", error)}

    def _act(self, project: str, action: dict[str, Any]) -> Shown:
        from lib_music.studio.panels import panel_of

        do = action.get("do")
        if do == "interrupt":
            self.studio.jobs.interrupt(form.line(action.get("job"), "job"))
            return {"status": to_json(self.status(project))}
        if do == "open":
            return self._opened(action.get("typed"))
        if do == "delete_project":
            return self._deleted(project, action)
        if do == "send_still":
            return self._sent_still(project, action)
        if _PART_OF.get(str(do)[:40]) == "song":
            return self._answered(self._open_name(project), action)
        if do == "preview":
            stretch = (form.number(action.get("start"), "start"), form.number(action.get("end"), "end"))
            return self._previewed(project, self._kept_motion(project), stretch)
        panel = panel_of(do)
        return self._edited(project, action, fill=do in (panel.refill if panel else ("take_candidate",)))

    # -- song ----------------------------------------------------------------------------------------------------

    @told_in("song")
    def produce(
        self,
        project: Any,
        link: Any,
        upload: Any,
        path: Any,
        cover: Any,
        title: Any,
        artist: Any,
        captioner: Any,
        allow_download: Any,
        spotify_content: Any,
        spotify_ear: Any,
        analysis: Any,
        *boxes: Any,
    ) -> Shown:
        """Hear the song and word its prompts; a new project begins with the motion that stands in the boxes."""
        from lib_music.studio.song import produce
        from lib_music.studio.song_input import SongInput

        given = SongInput(
            link=form.line(link, "Spotify link").strip(),
            upload=form.sent_file(upload, "Song"),
            path=form.line(path, "Path on the server").strip(),
            cover=form.sent_file(cover, "Cover"),
            title=form.line(title, "Title", 500).strip(),
            artist=form.line(artist, "Artists", 500).strip(),
            captioner=form.line(captioner, "Captioner", 40) or self.choices()["captioner"][0],
            allow_download=allow_download is True,
            spotify_content=spotify_content is True,
            spotify_ear=spotify_ear is True,
            analysis=form.sent_file(analysis, ANALYSIS),
            project=form.line(project, "project"),
            as_shown=True,
        )
        job = produce(self.studio, given)
        shown: Shown = {"project": job.project, "status": to_json(self.status(job.project))}
        if job.project != given.project:
            shown.update(_quiet())
            self._begin_motion(job.project, boxes, another=bool(given.project))
            # Those of the song before do not stay in the boxes.
            said = self.view(job.project)["said"]
            shown.update({name: said.get(name, "") for name in ("title", "artist")})
        return shown

    def forget_given(self) -> Shown:
        """Empty the boxes of the Song part that are used up: what was given for one song must not count for the next.

        Title and artists stay, as the person's words about the song that is open.
        """
        files = dict.fromkeys(("upload", "cover", "analysis"))
        return {**files, **dict.fromkeys(("link", "path"), "")}

    def _begin_motion(self, project: str, boxes: tuple[Any, ...], another: bool) -> None:
        from lib_music.studio.motion import write_motion
        from lib_music.studio.workspace import find_project

        try:
            motion = self._motion(boxes)
        except InputError:
            return  # what cannot be used was told when it was typed
        if another:
            # The range and the seed were meant for the song before.
            motion = dataclasses.replace(motion, start=0.0, duration=None, seed=None)
        write_motion(find_project(self.studio.host, project), motion)

    # -- Spotify's credentials -----------------------------------------------------------------------------------

    def credentials(self, *said: str) -> str:
        """Whether credentials are set, and what else is to be said of them."""
        from lib_music.studio import keys

        return lines(*said, *keys.state(self.studio))

    def set_credentials(self, id: Any, secret: Any) -> Shown:
        """Keep both; whatever becomes of it, the boxes are empty afterwards."""
        from lib_music.studio import keys

        def work() -> str:
            keys.store(self.studio, form.line(id, "Client ID"), form.line(secret, "Client secret"))
            return "stored; Test makes a real call"

        return self._credentials(work)

    def delete_credentials(self) -> Shown:
        """Delete what is stored."""
        from lib_music.studio import keys

        return self._credentials(lambda: "deleted" if keys.delete(self.studio) else "nothing was stored")

    def test_credentials(self) -> Shown:
        """Ask Spotify for a song."""
        from lib_music.studio import keys

        return self._credentials(lambda: within(_PATIENCE, lambda: keys.test(self.studio), _NO_ANSWER))

    def asking(self) -> Shown:
        """What stands there until the test is over."""
        return {**_EMPTIED, "said_credentials": lines("asking Spotify…")}

    def _credentials(self, work: Callable[[], str]) -> Shown:
        """Do it and say how it went; an unexpected fault is told without its words, which could hold anything."""
        try:
            return {**_EMPTIED, "said_credentials": self.credentials(work())}
        except MusicVisualizerError as error:
            said = error_lines(error)
        except Exception as error:
            said = lines(f"unexpected {type(error).__name__}: nothing was changed", bad=True)
        return {**_EMPTIED, "said_credentials": said + self.credentials()}

    # -- hearing and prompts -------------------------------------------------------------------------------------

    def hearing(self, action: dict[str, Any]) -> Callable[[Any], Shown]:
        """The handler of a button that always makes the same correction."""

        @told_in("hearing")
        def correct(self: Page, project: Any) -> Shown:
            return self._edited(form.line(project, "project"), action)

        return lambda project: correct(self, project)

    @told_in("hearing")
    def nudge(self, project: Any, ms: Any) -> Shown:
        """Move all beats by so many milliseconds."""
        return self._edited(form.line(project, "project"), {"do": "nudge", "ms": form.number(ms, "Nudge")})

    @told_in("prompts")
    def words(self, project: Any, *texts: Any) -> Shown:
        """Keep the candidates, style, negative, use of the cover, title, artists and captioner as they stand."""
        name, (*words, title, artist, captioner) = form.line(project, "project"), texts
        if not name:
            return {}
        changed = self._write_words(name, tuple(words))
        changed = self._write_said(name, title, artist, captioner) or changed
        return self.shown(name) if changed else {}

    def _write_said(self, name: str, title: Any, artist: Any, captioner: Any) -> bool:
        """Make an edit of what is said of the song itself, where it differs from what is kept; whether it did."""
        actions: tuple[dict[str, Any], ...] = (
            {"do": "title", "text": form.line(title, "Title", 500).strip()},
            {"do": "artist", "text": form.line(artist, "Artists", 500).strip()},
            {"do": "captioner", "id": form.line(captioner, "Captioner", 40)},
        )
        with self._changing:
            said = self.view(name)["said"]
            if "fault" in said:
                raise MusicVisualizerError(said["fault"], "the rest of the page still works")
            # Where no captioner was chosen yet, the box shows the first one.
            said["captioner"] = said["captioner"] or actions[-1]["id"]
            changed = [action for action in actions if list(action.values())[1] != said[action["do"]]]
            for action in changed:
                self._edit(name, action)
        return bool(changed)

    def _filled_again(self, view: dict[str, Any], mark: str) -> Shown:
        """The boxes for a view that is new; a lone link has no style yet, and what was typed for it stays."""
        waiting = not view["sections"] and (not mark or mark.startswith(UNHEARD))
        return {k: v for k, v in self.filled(view).items() if not (waiting and k in ("style", "negative", "cover_use"))}

    def _typed_before(self, project: str, mark: str, words: tuple[Any, ...]) -> bool:
        """Keep what was typed before the song was heard, over what was suggested; whether there was anything."""
        held = self.view(project)
        if mark and not (mark.startswith(UNHEARD) and held["sections"]):
            return False
        if mark:
            # The candidates of a lone link are kept as they are typed.
            words = ("",) * N_CANDIDATES + words[N_CANDIDATES:]
        suggested = [row["text"] for row in held["candidates"]]
        suggested += [""] * (N_CANDIDATES - len(suggested))
        *typed, style, negative, cover = words
        if not any(form.line(text, "words", form.WORDS).strip() for text in (*typed, style, negative)):
            return False
        texts = [own if form.line(own, "words").strip() else found for own, found in zip(typed, suggested, strict=True)]
        return self._write_words(project, (*texts, style or held["style"], negative or held["negative"], cover))

    def _write_words(self, name: str, texts: tuple[Any, ...]) -> bool:
        """Make an edit of each text that differs from what is kept; whether any did."""
        *candidates, style, negative, cover = texts
        typed = [form.line(text, f"Candidate {n}", form.WORDS) for n, text in enumerate(candidates, 1)]
        actions: tuple[dict[str, Any], ...] = (
            {"do": "candidates", "texts": typed},
            {"do": "style", "text": form.line(style, "Style", form.WORDS)},
            {"do": "negative", "text": form.line(negative, "Negative prompt", form.WORDS)},
            {"do": "cover", "use": form.line(cover, "Cover", 20) or "start"},
        )
        with self._changing:
            held = self.view(name)
            if not held["sections"]:
                actions = actions[:1] if held["candidates"] else ()
            kept = ([row["text"] for row in held["candidates"]], held["style"], held["negative"], held["cover_use"])
            changed = [a for a, old in zip(actions, kept, strict=False) if list(a.values())[1] != old]
            for action in changed:
                self._edit(name, action)
        return bool(changed)

    # -- motion, preview, visualize ------------------------------------------------------------------------------

    @told_in("motion")
    def motion(self, project: Any, *boxes: Any) -> Shown:
        """Keep the Motion part and draw its curves."""
        motion = self._motion(boxes)
        shown: Shown = {"aspect": form.shape(motion.width, motion.height)}
        return {**shown, **self._kept(form.line(project, "project"), motion)}

    @told_in("motion")
    def aspect(self, project: Any, aspect: Any, *boxes: Any) -> Shown:
        """A shape was chosen: its size goes into the boxes; ``own`` leaves them."""
        if aspect not in form.SHAPES:
            return {}
        given = dict(zip(form.MOTION, boxes, strict=True))
        size = dict(zip(("width", "height"), ASPECTS[aspect], strict=True))
        motion = self._motion(tuple({**given, **size}.values()))
        return {**size, **self._kept(form.line(project, "project"), motion)}

    @told_in("preview")
    def preview(self, project: Any, stretch: Any, *boxes: Any) -> Shown:
        """Play the animatic of the whole song, or of the stretch that the timeline shows."""
        part = form.message(stretch)
        ends = (form.number(part["start"], "start"), form.number(part.get("end"), "end")) if "start" in part else None
        return self._previewed(form.line(project, "project"), self._motion(boxes), ends)

    @told_in("visualize")
    def estimate(self, project: Any, *boxes: Any) -> Shown:
        """Say what the video costs; one picture is painted to learn how long that takes, where that is unknown."""
        from lib_music.studio.estimate import chosen_renderer, cost
        from lib_music.studio.video import set_motion, warm_up

        name, motion = self._open_name(project), self._motion(boxes)
        with self._changing:
            set_motion(self.studio, name, motion)
            unknown = cost(self.studio, name, motion).seconds is None
            measured = any(job.kind == "warm-up" and job.project == name for job in self.studio.jobs.active())
            if unknown and not measured and chosen_renderer(self.studio, motion) == "deforum":
                warm_up(self.studio, name, motion)
        return self.shown(name)

    @told_in("visualize")
    def visualize(self, project: Any, *boxes: Any) -> Shown:
        """Queue the video."""
        from lib_music.studio.video import set_motion, visualize

        name, motion = self._open_name(project), self._motion(boxes)
        with self._changing:
            set_motion(self.studio, name, motion)
            visualize(self.studio, name, motion)
        return self.shown(name)

    @told_in("visualize")
    def interrupt(self, project: Any) -> Shown:
        """Stop this project's jobs, or when it has none, the one that runs."""
        name = form.line(project, "project")
        active = self.studio.jobs.active()
        for job in [job for job in active if job.project == name] or active[:1]:
            self.studio.jobs.interrupt(job.id)
        said = "" if active else lines("Nothing is running.")
        return {"status": to_json(self.status(name)), "said_visualize": said}

    # -- resume -------------------------------------------------------------------------------------

    @told_in("resume")
    def resume(self, typed: Any) -> Shown:
        """Open an earlier visual with every setting it had."""
        return self._opened(typed)

    @told_in("resume")
    def switch(self, project: Any) -> Shown:
        """Load the checkpoint and VAE that the project was painted with."""
        from lib_music.studio.video import switch_model

        name = self._open_name(project)
        said = within(_PATIENCE, lambda: switch_model(self.studio, name), otherwise=_STILL_LOADING)
        return {**self.shown(name), "said_resume": lines(*said), "switch_model": Update(visible=False)}

    # -- what they share -----------------------------------------------------------------------------------------

    def _open_name(self, project: Any) -> str:
        name = form.line(project, "project")
        if not name:
            raise InputError("there is no song yet", "choose one and press Produce prompts")
        return name

    def _motion(self, boxes: tuple[Any, ...]) -> Motion:
        from lib_music.studio.motion import Motion

        return Motion.from_dict(form.motion(boxes))

    def _kept_motion(self, project: str) -> Motion:
        from lib_music.studio.motion import read_motion
        from lib_music.studio.workspace import find_project

        return read_motion(self.studio.host, find_project(self.studio.host, project))

    def _edit(self, project: str, action: dict[str, Any]) -> dict[str, Any]:
        from lib_music.studio.song import act

        return act(self.studio, project, action)

    def _edited(self, project: str, action: dict[str, Any], fill: bool = False) -> Shown:
        name = self._open_name(project)
        with self._changing:
            view = self._edit(name, action)
            # No other edit may come between a view and the revision that the page takes it for.
            return self.shown(name, view=view, fill=fill)

    def _deleted(self, project: str, action: dict[str, Any]) -> Shown:
        """A project was deleted: the page is without a song."""
        from lib_music.studio.takes import delete

        delete(self.studio, self._open_name(project), action.get("confirm"))
        return {**self.nothing(), "title": "", "artist": "", "page": self.surroundings()}

    def _sent_still(self, project: str, action: dict[str, Any]) -> Shown:
        """A still and its infotext in the hidden boxes, from which the host's own paste takes them.

        The label says for which press it is: the boxes may still hold the picture of an earlier one.
        """
        from PIL import Image

        from lib_music.studio.stills import still_of

        if not self.studio.host.can_paste():
            raise InputError("there is no other tab here to send a picture to", "download the still")
        with Image.open(still_of(self.studio, self._open_name(project), action.get("section"))) as picture:
            picture.load()
        press = form.line(action.get("press"), "press", 40)
        return {"still_image": Update(picture, label=press), "still_text": str(picture.info.get("parameters", ""))}

    def _answered(self, project: str, action: dict[str, Any]) -> Shown:
        """What only the person can say of a link, after which the song is heard."""
        from lib_music.studio.song import answer

        with self._changing:
            answer(self.studio, project, action)
        return {"status": to_json(self.status(project))}

    def _kept(self, project: str, motion: Motion) -> Shown:
        from lib_music.studio.video import set_motion

        if not project:
            return {}
        with self._changing:
            view = set_motion(self.studio, project, motion)
            return self.shown(project, view=view)

    def _previewed(self, project: str, motion: Motion, stretch: tuple[float, float] | None) -> Shown:
        from lib_music.studio.video import preview

        name = self._open_name(project)
        start, end = stretch or (None, None)
        preview(self.studio, name, motion, start, end)
        return {"status": to_json(self.status(name))}

    def _opened(self, typed: Any) -> Shown:
        from lib_music.studio.video import open_visual

        text = form.line(typed, "Timestring", 300).strip()
        if not text:
            raise InputError("no visual is named", "choose one of the list, or type its timestring")
        opened = open_visual(self.studio, text)
        return {
            **_quiet(),
            **self.shown(opened.project, fill=True),
            "page": self.surroundings(),
            "said_resume": lines(*opened.notes),
            "switch_model": Update(visible=opened.model_differs),
        }
