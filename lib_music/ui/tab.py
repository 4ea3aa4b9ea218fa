"""The page, top to bottom in the order a person works; the host shows it as a tab, ``serve`` as a page of its own.

Conventions: every component has an ``elem_id`` of its own under ``music_visualizer``, every label is used once. What
the page's script draws lies in ``<div id="music_visualizer_<name>_view">``. Only what a person prefers for all songs
may be kept in a host's ``ui-config.json``: see :data:`PREFERENCES`. No component holds a path or a secret.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gradio as gr

from lib_music.errors import MusicVisualizerError
from lib_music.given import ASPECTS
from lib_music.studio.host import PASTE_TABS
from lib_music.ui import form
from lib_music.ui.answers import N_CANDIDATES
from lib_music.ui.compat import listen, upload
from lib_music.ui.handlers import ANALYSIS, PARTS, Page
from lib_music.ui.shown import error_lines, lines

if TYPE_CHECKING:
    from lib_music.studio.studio import Studio

log = logging.getLogger("lib_music")
PREFIX = "music_visualizer"
#: What a host may keep as the person's own default; everything else belongs to one song, has its place in the host's
#: settings (preset, fps, captioner: a kept value would hide a change there), or goes with what is installed (renderer).
PREFERENCES = frozenset({"intensity", "cadence", "steps", "sampler"})
#: ms; a save that has no answer by then is taken as lost.
LONGEST_MS = 20_000
#: Hidden by the style sheet, never by ``visible=False``: the page's script clicks and reads these.
_HIDDEN = ["music-visualizer-hidden"]
#: Gives the page's script what the server answered, the view before the status that belongs to it, and of which request
#: of the script it is the answer. That of an edit is always given; else, and polls come every second, only what has
#: changed. When the page opens, nothing was given yet that could belong to a song before.
_DRAW = """(page, view, status, mark) => {
  const m = window.musicVisualizer;
  if (!m) return [];
  if (m.page && page && page !== m.drawnPage) m.page(m.drawnPage = page);
  if (m.view && (ALWAYS || (view && view !== m.drawnView))) m.view(m.drawnView = view, "ASKED");
  if (m.status && status) m.status(status, "ASKED");
  if ((mark || "") !== m.drawnMark) {
    const opened = m.drawnMark === undefined;
    m.drawnMark = mark || "";
    const forget = document.getElementById("PREFIX_forget_given");
    if (forget && mark && !opened) forget.click();
  }
  return [];
}""".replace("PREFIX", PREFIX)
#: The requests of the page's script, and those of them whose answer is always drawn.
_ASKED, _ALWAYS = ("attach", "poll", "act"), ("attach", "act")
#: The two switches of a link, each with the note that stands beside it.
DOWNLOAD = "Get the audio with yt-dlp when I give none"
RIGHTS = (
    "You need the rights to the recording and the artwork; this extension gives you none. YouTube's terms forbid "
    "downloading without permission. Off: nothing is fetched, and a link alone asks for the file."
)
CONTENT = "Spotify's cover and titles may feed captions, palette, picture and prompts"
POLICY = (
    "Spotify's Developer Policy forbids feeding its content to machine-learning models and setting it to pictures. "
    "Off: your own, the file's own or a generated cover is used; Spotify's is only shown, with its name and link."
)
EAR = "Beats and sections from Spotify's audio-analysis"
MASTER = (
    "From the API where your app still may, or from a saved JSON file. It describes Spotify's master: it is moved to "
    "fit your file, or refused."
)
#: What the person says of the song itself, beside the files.
_SAID = ("title", "artist", "captioner")
CANDIDATES = (
    "Five suggestions from the cover and the title. The sections take them in turn; each section's own words stand in "
    "its row below and can be edited there."
)
HINT = "music-visualizer-hint"
_STRETCH = """(project, stretch, ...rest) =>
  [project, window.musicVisualizer && musicVisualizer.stretch ? musicVisualizer.stretch() : "", ...rest]"""
_WHOLE = """(project, stretch, ...rest) => [project, "", ...rest]"""


def _heading(text: str) -> str:
    return f'<h2 class="music-visualizer-heading">{text}</h2>'


def _place(name: str) -> str:
    return f'<div id="{PREFIX}_{name}_view"></div>'


def _take(name: str, first_of: bool = False) -> str:
    """The request comes from the page's script, alone or before what the other boxes hold."""
    asked = f'(window.musicVisualizer && musicVisualizer.{name} ? musicVisualizer.{name}() : "")'
    return f"(request, ...rest) => [{asked}, ...rest]" if first_of else f"() => {asked}"


def _draw(name: str = "") -> str:
    always = "true" if name in _ALWAYS else "false"
    return _DRAW.replace("ALWAYS", always).replace("ASKED", name if name in _ASKED else "")


def _soon(button: str, ms: int) -> str:
    """Click a hidden button when nothing was changed for ``ms``: one request for many keystrokes.

    gradio drops a click while the same one is under way, so that a new one waits for its end: see :func:`_begun`.
    """
    return f"""() => {{
  const key = "{PREFIX}_{button}";
  const press = () => {{
    const busy = Date.now() - (window[key + "_since"] || 0) < {LONGEST_MS};
    if (busy) window[key + "_timer"] = window.setTimeout(press, 100);
    else if (document.getElementById(key)) document.getElementById(key).click();
  }};
  window.clearTimeout(window[key + "_timer"]);
  window[key + "_timer"] = window.setTimeout(press, {ms});
  return [];
}}"""


def _begun(button: str) -> str:
    """The click of a :func:`_soon` is under way, until its answer, or none, has come."""
    return f"(...values) => {{ window.{PREFIX}_{button}_since = Date.now(); return values; }}"


def _ended(button: str) -> str:
    return f"() => {{ window.{PREFIX}_{button}_since = 0; return []; }}"


class _Parts:
    """The page's components by name, each made with its id and kept out of the host's settings where it must."""

    def __init__(self) -> None:
        self.made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        return self.made[name]

    def add(self, kind: Callable[..., Any], name: str, *given: Any, **options: Any) -> Any:
        found = kind(*given, elem_id=f"{PREFIX}_{name}", **options)
        if name not in PREFERENCES:
            found.do_not_save_to_config = True
        self.made[name] = found
        return found

    def drawn(self, name: str, *more: str, before: str = "") -> None:
        """A place that the page's script fills, with HTML of ours above it and ``more`` below it."""
        self.add(gr.HTML, name, "".join((before, _place(name), *more)))

    def said(self, name: str) -> None:
        """The line of a part of the page."""
        self.add(gr.HTML, f"said_{name}", "")

    def heading(self, name: str, text: str, hint: str) -> None:
        """A heading by itself; most stand below the drawn part before them, as a host's page is large already."""
        self.add(gr.HTML, f"head_{name}", f'{_heading(text)}<p class="{HINT}">{hint}</p>')

    def button(self, name: str, text: str, **options: Any) -> Any:
        return self.add(gr.Button, name, text, **options)

    def box(self, name: str, label: str, value: str = "", **options: Any) -> Any:
        return self.add(gr.Textbox, name, value=value, label=label, **options)

    def row(self, name: str) -> Any:
        return gr.Row(elem_id=f"{PREFIX}_row_{name}", elem_classes=["music-visualizer-row"])

    def named(self, *names: str) -> list[Any]:
        return [self.made[name] for name in names]


def build_tab(studio: Studio, *, standalone: bool) -> gr.Blocks:
    """The page as gradio Blocks; when it cannot be built, a page that says why, never none at all.

    Parameters
    ----------
    studio : Studio
    standalone : bool
        Whether there is no WebUI around it that brings the page's script and style sheet.
    """
    try:
        return _built(studio, standalone)
    except Exception as error:
        log.exception("the Music Visualizer page cannot be built")
        if not isinstance(error, MusicVisualizerError):
            error = MusicVisualizerError(f"unexpected {type(error).__name__}: {error}", "the console has more")
        return message_tab(error)


def message_tab(error: MusicVisualizerError) -> gr.Blocks:
    """A page that holds nothing but an error, for a host in which the real one cannot work."""
    with gr.Blocks(analytics_enabled=False) as page:
        gr.HTML(error_lines(error), elem_id=f"{PREFIX}_broken")
    return page


def _built(studio: Studio, standalone: bool) -> gr.Blocks:
    from lib_music.ui.assets import page_options

    handlers, parts = Page(studio), _Parts()
    choices, preferences = handlers.choices(), studio.host.preferences()
    with gr.Blocks(analytics_enabled=False, **(page_options() if standalone else {})) as page:
        with gr.Column(elem_id=PREFIX, elem_classes=["music-visualizer"]):
            with gr.Column(elem_id=f"{PREFIX}_hidden", elem_classes=_HIDDEN):
                _hidden(parts)
                if studio.host.can_paste():
                    _paste(parts, studio)
            parts.drawn("notices", _place("history"), _heading("Song"))
            _song(parts, choices, preferences.captioner)
            _hearing(parts)
            _prompts(parts)
            _motion(parts, choices, preferences)
            _painting(parts, choices, studio)
            _resume(parts)
        _wire(parts, handlers)
        if standalone:
            from lib_music.ui.assets import start_script

            listen(page.load, js=start_script())
    return page


def _hidden(parts: _Parts) -> None:
    for name in ("page", "view", "status", "request", "project", "mark"):
        parts.box(name, f"{name} (hidden)", elem_classes=_HIDDEN)
    for name in ("attach", "poll", "act", "save_motion", "save_words", "forget_given"):
        parts.button(name, f"{name} (hidden)", elem_classes=_HIDDEN)


def _song(parts: _Parts, choices: dict[str, tuple[str, ...]], captioner: str) -> None:
    with parts.row("song"):
        with gr.Column(elem_id=f"{PREFIX}_column_sound", scale=2):
            parts.add(upload, "upload", label="Song (audio or video file)", file_types=["audio", "video"], height=120)
            parts.box("path", "or a path on the server", placeholder="a file in an allowed folder, for big files")
            parts.box("link", "or a Spotify link", placeholder="https://open.spotify.com/track/…")
            parts.add(gr.Checkbox, "allow_download", label=DOWNLOAD, info=RIGHTS, value=False)
            parts.add(gr.Checkbox, "spotify_content", label=CONTENT, info=POLICY, value=False)
            parts.add(gr.Checkbox, "spotify_ear", label=EAR, info=MASTER, value=False)
        with gr.Column(elem_id=f"{PREFIX}_column_cover", scale=1):
            parts.add(upload, "cover", label="Cover", file_types=["image"], height=120)
            parts.box("title", "Title", placeholder="the song's own")
            parts.box("artist", "Artists", placeholder="the song's own; several with ;")
            parts.add(upload, "analysis", label=ANALYSIS, file_types=[".json"], height=120)
    _credentials(parts)
    with parts.row("produce"):
        offered = list(choices["captioner"])
        chosen = captioner if captioner in offered else offered[0]
        parts.add(gr.Dropdown, "captioner", label="Captioner", choices=offered, value=chosen)
        parts.button("produce", "Produce prompts", variant="primary")
    parts.said("song")
    parts.drawn("progress_produce", _place("card"))
    parts.drawn("timeline", _heading("Fix the hearing"), _place("ear"))


def _credentials(parts: _Parts) -> None:
    """The credentials, which can be set and never seen."""
    with parts.add(gr.Accordion, "credentials", label="Spotify credentials", open=False):
        parts.said("credentials")
        parts.box("client_id", "Client ID", type="password")
        parts.box("client_secret", "Client secret", type="password")
        with parts.row("credentials"):
            parts.button("set_credentials", "Set")
            parts.button("test_credentials", "Test")
            parts.button("delete_credentials", "Delete")


def _hearing(parts: _Parts) -> None:
    with parts.row("hearing"):
        parts.button("tempo_double", "Tempo ×2")
        parts.button("tempo_half", "Tempo ÷2")
        parts.button("downbeat_back", "Downbeat one beat earlier")
        parts.button("downbeat_on", "Downbeat one beat later")
        parts.add(gr.Number, "nudge_ms", label="Nudge all beats by (ms)", value=0, precision=0)
        parts.button("nudge", "Nudge")
    parts.said("hearing")


def _prompts(parts: _Parts) -> None:
    parts.heading("prompts", "Prompts", CANDIDATES)
    for n in range(1, N_CANDIDATES + 1):
        parts.box(f"candidate_{n}", f"Candidate {n}", lines=2, max_lines=6)
    parts.drawn("candidates")
    with parts.row("style"):
        parts.box("style", "Style for all sections", lines=2)
        parts.box("negative", "Negative prompt for all sections", lines=2)
    parts.add(
        gr.Radio,
        "cover_use",
        label="Use of the cover",
        choices=["start", "palette", "none"],
        value="start",
        info="start: the video begins with it; else with the first prompt",
    )
    parts.said("prompts")
    parts.drawn("rows", _heading("Motion"))


def _motion(parts: _Parts, choices: dict[str, tuple[str, ...]], preferences: Any) -> None:
    presets, samplers = list(choices["preset"]), list(choices["sampler"])
    preset = preferences.preset if preferences.preset in presets else presets[0]
    fps = preferences.fps if preferences.fps in form.FPS else form.FPS[0]
    with parts.row("motion"):
        parts.add(gr.Dropdown, "preset", label="Preset", choices=presets, value=preset)
        parts.add(gr.Slider, "intensity", label="Intensity", minimum=0, maximum=2, step=0.05, value=1)
        parts.add(gr.Radio, "fps", label="Frames per second", choices=list(form.FPS), value=fps)
        parts.add(gr.Slider, "cadence", label="Cadence", info="0: the preset's", minimum=0, maximum=16, step=1, value=0)
    with parts.row("size"):
        parts.add(gr.Radio, "aspect", label="Aspect", choices=[*form.SHAPES, form.OWN_SIZE], value="1:1")
        width, height = ASPECTS["1:1"]
        parts.add(gr.Number, "width", label="Width (pixels)", value=width, precision=0)
        parts.add(gr.Number, "height", label="Height (pixels)", value=height, precision=0)
        parts.add(gr.Radio, "mode", label="Deforum mode", choices=["2D", "3D"], value="2D")
    with parts.row("range"):
        parts.box("start", "Start (seconds or m:ss)", placeholder="0:00")
        parts.box("length", "Length (seconds or m:ss)", placeholder="to the end")
        parts.box("seed", "Seed", placeholder="the song's own")
        parts.add(gr.Dropdown, "sampler", label="Sampler", choices=samplers, value=samplers[0])
        parts.add(gr.Slider, "steps", label="Steps", minimum=1, maximum=150, step=1, value=20)
    parts.said("motion")


def _painting(parts: _Parts, choices: dict[str, tuple[str, ...]], studio: Studio) -> None:
    looks = [_place(name) for name in ("routes", "progress_presets", "progress_stills", "stills", "progress_test")]
    parts.drawn("base", *looks, _heading("Preview"))
    with parts.row("preview"):
        parts.button("preview_song", "Preview the whole song")
        parts.button("preview_stretch", "Preview the visible stretch")
    parts.said("preview")
    parts.drawn("progress_preview", _place("preview"), _heading("Visualize"))
    offered = list(choices["renderer"])
    parts.add(gr.Radio, "renderer", label="Renderer", choices=offered, value=offered[0])
    parts.add(gr.Checkbox, "captions", label="Write the prompts into the animatic", value=False)
    unusable = [f"{choice.label}: {choice.note}" for choice in studio.host.renderers() if not choice.usable]
    parts.drawn("cost", before=lines(*unusable))
    with parts.row("visualize"):
        parts.button("estimate", "Estimate")
        parts.button("visualize", "Visualize", variant="primary")
        parts.button("interrupt", "Interrupt", variant="stop")
    parts.said("visualize")
    parts.drawn("progress", f'<div id="{PREFIX}_gallery_container"></div>')
    after = [_place(name) for name in ("finishing", "progress_finish", "takes", "ways_out")]
    parts.drawn("video", *after, _heading("Resume"), _place("visuals"))


def _resume(parts: _Parts) -> None:
    with parts.row("resume"):
        parts.box("typed", "Timestring or project of an earlier visual", placeholder="20260131235959")
        parts.button("resume", "Resume")
        parts.button("switch_model", "Load the recorded checkpoint", visible=False)
    parts.said("resume")


def _paste(parts: _Parts, studio: Studio) -> None:
    """What a still is sent to other tabs by; the page's script presses it when the still has arrived in it."""
    parts.box("still_text", "still_text (hidden)", elem_classes=_HIDDEN)
    parts.add(gr.Image, "still_image", label="still (hidden)", type="pil", elem_classes=_HIDDEN)
    buttons = {tab: parts.button(f"send_{tab}", f"{tab} (hidden)", elem_classes=_HIDDEN) for tab in PASTE_TABS}
    studio.host.bind_paste(buttons, parts["still_image"], parts["still_text"])


def _wire(parts: _Parts, page: Page) -> None:
    made = parts.made
    boxes = [f"candidate_{n}" for n in range(1, N_CANDIDATES + 1)]
    words = [*boxes, "style", "negative", "cover_use"]
    shown = {
        name: made[name]
        for name in (
            *("page", "view", "status", "project", "mark", "switch_model", "aspect"),
            *words,
            *form.MOTION,
            *("spotify_content", "spotify_ear", "said_credentials", *_SAID),
            *(f"said_{part}" for part in PARTS),
        )
    }
    project, motion = made["project"], parts.named(*form.MOTION)

    def on(name: str, handler: Callable[..., Any], inputs: list[Any], js: str | None = None, end: str = "") -> None:
        done = listen(made[name].click, handler, inputs, shown, js)
        if end:
            listen(done.then, js=end)
        drawn = parts.named("page", "view", "status", "mark")
        listen(done.then, inputs=drawn, js=_draw(name))

    if "still_image" in made:
        shown |= {name: made[name] for name in ("still_image", "still_text")}
    on("attach", page.attach, parts.named("request", "aspect"), _take("takeAttach", first_of=True))
    on("poll", page.poll, parts.named("request", "mark", *words), _take("takePoll", first_of=True))
    on("act", page.act, parts.named("request"), _take("takeAction"))
    song = ("link", "upload", "path", "cover", "title", "artist", "captioner", "allow_download", "spotify_content",
            "spotify_ear", "analysis")  # fmt: skip
    on("produce", page.produce, [project, *parts.named(*song), *motion])
    for name, action in (
        ("tempo_double", {"do": "tempo", "factor": 2}),
        ("tempo_half", {"do": "tempo", "factor": 0.5}),
        ("downbeat_back", {"do": "downbeat", "by": -1}),
        ("downbeat_on", {"do": "downbeat", "by": 1}),
    ):
        on(name, page.hearing(action), [project])
    on("nudge", page.nudge, [project, made["nudge_ms"]])
    kept = [project, *parts.named(*words, *_SAID)]
    on("save_words", page.words, kept, _begun("save_words"), _ended("save_words"))
    on("save_motion", page.motion, [project, *motion], _begun("save_motion"), _ended("save_motion"))
    on("preview_song", page.preview, [project, made["request"], *motion], _WHOLE)
    on("preview_stretch", page.preview, [project, made["request"], *motion], _STRETCH)
    on("estimate", page.estimate, [project, *motion])
    on("visualize", page.visualize, [project, *motion])
    on("interrupt", page.interrupt, [project])
    on("resume", page.resume, [made["typed"]])
    on("switch_model", page.switch, [project])
    shaped = listen(made["aspect"].input, page.aspect, [project, made["aspect"], *motion], shown)
    listen(shaped.then, inputs=parts.named("page", "view", "status", "mark"), js=_draw())
    # By itself: an update that changes nothing makes gradio 4 replace a component, and with it the guard of an upload.
    given = {name: made[name] for name in ("upload", "cover", "analysis", "link", "path")}
    listen(made["forget_given"].click, page.forget_given, outputs=given)
    _wire_credentials(parts, page)
    _wire_saving(parts, (*words, *_SAID))


def _wire_saving(parts: _Parts, words: tuple[str, ...]) -> None:
    """What is typed or chosen is saved a little later, by buttons that nobody sees."""
    for name in form.MOTION:
        listen(parts.made[name].input, js=_soon("save_motion", 500))
    for name in words:
        listen(parts.made[name].input, js=_soon("save_words", 800))
        if hasattr(parts.made[name], "blur"):
            # Whoever leaves the box may press the next button at once.
            listen(parts.made[name].blur, js=_soon("save_words", 0))


def _wire_credentials(parts: _Parts, page: Page) -> None:
    """Every event empties the boxes; what was in them goes nowhere but into the file."""
    shown = {name: parts[name] for name in ("said_credentials", "client_id", "client_secret")}
    both = parts.named("client_id", "client_secret")
    listen(parts["set_credentials"].click, page.set_credentials, both, shown)
    listen(parts["delete_credentials"].click, page.delete_credentials, outputs=shown)
    asked = listen(parts["test_credentials"].click, page.asking, outputs=shown)
    listen(asked.then, page.test_credentials, outputs=shown)
