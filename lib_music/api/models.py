"""What the API takes and gives, typed: these are the schemas of the OpenAPI page.

Conventions: pydantic 1.10 and 2.8 read this same file, so it uses what both have; what comes in allows nothing that is
not named, and is looked at once more by the studio, which knows the ranges. Times are seconds, sizes bytes or pixels,
moments unix seconds; an empty text is what is not known.
"""

from __future__ import annotations

from typing import Any, Literal

import pydantic
from pydantic import BaseModel, Field, StrictBool, StrictInt, StrictStr

_SECOND = not pydantic.VERSION.startswith("1.")


class Given(BaseModel):
    """What comes in."""

    if _SECOND:
        model_config = {"extra": "forbid"}
    else:

        class Config:
            """For pydantic 1."""

            extra = "forbid"


def given(model: Any) -> dict[str, Any]:
    """What was really said, by name."""
    found: dict[str, Any] = (model.model_dump if _SECOND else model.dict)(exclude_unset=True)
    return found


# -- what there is -----------------------------------------------------------------------------------------------------


class Choice(BaseModel):
    """One entry of a list; a ``note`` says why it cannot be used now."""

    id: str
    label: str
    note: str = ""


class LimitsOut(BaseModel):
    """How much is taken: bytes, and how many uploads there may be at once."""

    message: int
    piece: int
    upload: int
    uploads: int


class Info(BaseModel):
    """The server: its API's number, our version, and what can be chosen."""

    api: int
    version: str
    host: str
    notices: list[str]
    renderers: list[Choice]
    captioners: list[Choice]
    samplers: list[str]
    presets: list[str]
    actions: list[str] = Field(description="what POST …/actions takes as `do`")
    panels: list[str] = Field(description="what GET …/panels/{panel} can show")
    limits: LimitsOut


# -- uploads -----------------------------------------------------------------------------------------------------------


class UploadIn(Given):
    """A file that will be sent in pieces."""

    name: StrictStr = Field(max_length=1000, description="the file's name; a song without tags is called by it")
    size: StrictInt = Field(description="bytes, at least 1")
    sha256: StrictStr = Field("", max_length=64, description="64 hex digits: what arrives is compared")


class UploadOut(BaseModel):
    """An upload: the next piece begins at ``offset``; it can be used when it is ``whole``."""

    id: str
    name: str
    size: int
    offset: int
    whole: bool
    expires: float


class UploadPage(BaseModel):
    """Some of the uploads."""

    total: int
    items: list[UploadOut]


# -- projects ----------------------------------------------------------------------------------------------------------


class MotionIn(Given):
    """How it moves; what is not named stays as it is, null means the default."""

    preset: StrictStr | None = Field(None, max_length=100)
    intensity: float | None = Field(None, ge=0, le=2)
    fps: StrictStr | None = Field(None, max_length=100, description="24, 25, 30, 60 or any ratio such as 30000/1001")
    cadence: int | None = Field(None, ge=1, le=50)
    width: int | None = None
    height: int | None = None
    mode: Literal["2D", "3D"] | None = None
    start: float | None = Field(None, ge=0)
    duration: float | None = Field(None, ge=0)
    seed: int | None = Field(None, ge=0, le=2**31 - 1)
    sampler: StrictStr | None = Field(None, max_length=100)
    steps: int | None = Field(None, ge=1, le=150)
    renderer: Literal["", "animatic", "deforum"] | None = None
    captions: StrictBool | None = None


class MotionOut(BaseModel):
    """How it moves."""

    preset: str
    intensity: float
    fps: str
    cadence: int | None
    width: int
    height: int
    mode: str
    start: float
    duration: float | None
    seed: int | None
    sampler: str
    steps: int
    renderer: str
    captions: bool


class SongIn(Given):
    """A song: an upload, a path on the server, or a link; and what goes with it."""

    upload: StrictStr = Field("", max_length=100, description="a whole upload")
    path: StrictStr = Field("", max_length=4096, description="of a file in a folder that the server's settings allow")
    link: StrictStr = Field("", max_length=4096, description="to the song on Spotify, alone or with its file")
    cover_upload: StrictStr = Field("", max_length=100)
    cover_path: StrictStr = Field("", max_length=4096)
    analysis_upload: StrictStr = Field("", max_length=100, description="a saved Spotify audio-analysis")
    title: StrictStr = Field("", max_length=500)
    artist: StrictStr = Field("", max_length=500, description="several are separated by ;")
    captioner: StrictStr = Field("", max_length=40)
    allow_download: StrictBool = Field(
        False, description="fetch the sound of a link with the server's own yt-dlp; you need the rights to it"
    )
    spotify_content: StrictBool = Field(
        False, description="let Spotify's words and cover feed prompts and pictures; its policy restricts that"
    )
    spotify_ear: StrictBool = Field(False, description="hear with Spotify's audio-analysis")


class ProjectIn(SongIn):
    """A song for a project of its own."""

    motion: MotionIn | None = None


class AnswerIn(Given):
    """What only the person can say of a link; see ``question`` of the project."""

    do: Literal["choose", "song_of_album", "right_recording", "without_link"]
    id: StrictStr | None = Field(None, max_length=40)
    on: StrictBool | None = None


class Submitted(BaseModel):
    """Work that has been queued: poll the job."""

    project: str
    job: str
    notes: list[str] = []


class Listed(BaseModel):
    """A project in the list; ``done`` in percent."""

    project: str
    title: str
    date: str
    done: int
    has_video: bool
    timestring: str


class ProjectPage(BaseModel):
    """Some of the projects, the one worked on last first."""

    total: int
    items: list[Listed]


class SongOut(BaseModel):
    """The song's card."""

    title: str
    artists: list[str]
    album: str
    date: str
    isrc: str
    duration: float
    start: float
    tempo: float
    key: str
    warnings: list[str]


class ProjectOut(BaseModel):
    """A project; ``question`` is what only the person can say, see ``answer``."""

    project: str
    song: SongOut
    heard: bool
    sections: int
    beats: int
    question: dict[str, Any] | None
    link: dict[str, Any] | None
    has_video: bool
    has_preview: bool
    frames: int = Field(description="painted pictures on the server's disk")
    revision: str = Field(description="changes when anything of this would")
    warnings: list[str]


# -- what was heard and worded -----------------------------------------------------------------------------------------


class Section(BaseModel):
    """A section of the song, times in s."""

    index: int
    start: float
    end: float
    label: str
    role: str
    energy: float


class SectionPage(BaseModel):
    """Some of the sections."""

    total: int
    items: list[Section]


class Beat(BaseModel):
    """A beat: when, and which of its bar (1 is the downbeat)."""

    time: float
    position: int


class BeatPage(BaseModel):
    """Some of the beats."""

    total: int
    items: list[Beat]


class Curve(BaseModel):
    """One curve: ``values`` of 0 to 100 between ``min`` and ``max``."""

    name: str
    min: float
    max: float
    values: list[int]


class Curves(BaseModel):
    """The curves, ``rate`` points a second from ``start`` s."""

    rate: float
    start: float
    series: list[Curve]


class CorrectionsOut(BaseModel):
    """What the person has said against what was heard."""

    tempo_factor: float
    downbeat_shift: int
    nudge_ms: float
    borders: list[list[float]]
    labels: list[list[Any]]
    roles: list[list[Any]]
    edited: bool


class EditsIn(Given):
    """Edits, made together or not at all; each is ``{"do": …}`` as the page's own."""

    edits: list[dict[str, Any]] = Field(max_items=200) if not _SECOND else Field(max_length=200)


class Candidate(BaseModel):
    """A prompt that is dealt over the labels, and what was suggested instead."""

    text: str
    suggested: str | None


class StoryRow(BaseModel):
    """The prompt of a section."""

    section: int
    label: str
    role: str
    start: float
    end: float
    occurrence: int
    linked: bool
    prompt: str
    negative: str
    suggested: str | None
    edited: bool


class StoryboardOut(BaseModel):
    """What is painted in each section: some of the rows, and what counts for all."""

    style: str
    negative: str
    cover_use: str
    captioner: str
    candidates: list[Candidate]
    total: int
    rows: list[StoryRow]


class RowIn(Given):
    """Other words for one section, and for those it is linked with; an empty prompt is the dealt one again."""

    section: int = Field(ge=0)
    linked: StrictBool | None = None
    prompt: StrictStr | None = Field(None, max_length=10_000)
    negative: StrictStr | None = Field(None, max_length=10_000)


class StoryboardIn(Given):
    """What is named is changed, all of it or nothing."""

    style: StrictStr | None = Field(None, max_length=10_000)
    negative: StrictStr | None = Field(None, max_length=10_000)
    cover_use: StrictStr | None = Field(None, max_length=40)
    candidates: list[StrictStr] | None = None
    rows: list[RowIn] | None = None


class StoryboardFileIn(Given):
    """Another storyboard: the text of its file as GET …/files/storyboard gives it, or one prompt a line."""

    text: StrictStr = Field(max_length=900_000)


class ActionIn(BaseModel):
    """An edit as the page makes it: ``do`` and what goes with it."""

    do: StrictStr = Field(max_length=100)
    if _SECOND:
        model_config = {"extra": "allow"}
    else:

        class Config:
            """For pydantic 1."""

            extra = "allow"


class Acted(BaseModel):
    """What an edit led to: the project's new revision, and jobs that it has queued."""

    project: str
    revision: str
    jobs: list[str]


class PanelOut(BaseModel):
    """What a panel of the page shows."""

    panel: str
    shown: Any = None


# -- painting ----------------------------------------------------------------------------------------------------------


class StretchIn(Given):
    """The stretch of the song that is previewed, s; without it all."""

    start: float | None = Field(None, ge=0)
    end: float | None = Field(None, ge=0)


class RenderIn(Given):
    """Paint the video. ``resume`` goes on with the motion that the painting was begun with."""

    resume: StrictBool = False


class CostOut(BaseModel):
    """What a video costs: ``disk`` in bytes, ``seconds`` null where nothing was measured."""

    frames: int
    diffusions: int
    disk: int
    seconds: float | None
    done: int
    lines: list[str]


class JobOut(BaseModel):
    """A job: ``fraction`` in [0, 1], ``left`` in s; ``result`` names files of the project."""

    id: str
    kind: str
    project: str
    state: str
    stage: str
    fraction: float
    text: str
    left: float | None
    said: list[str]
    error: str
    fix: str
    result: dict[str, str]
    created: float
    started: float
    finished: float


class JobPage(BaseModel):
    """Some of the jobs, the newest first."""

    total: int
    items: list[JobOut]


class Status(BaseModel):
    """How a project's jobs are: those that wait or run, then the one that ended last."""

    project: str
    revision: str
    now: float
    jobs: list[JobOut]


class Frame(BaseModel):
    """A painted picture."""

    frame: int
    bytes: int


class FramePage(BaseModel):
    """Some of the painted pictures."""

    total: int
    items: list[Frame]


class Result(BaseModel):
    """Something that Finishing has made: a file, or a folder of ``frames`` pictures."""

    name: str
    bytes: int
    frames: int


class FinishedPage(BaseModel):
    """Some of what Finishing has made."""

    total: int
    items: list[Result]


class Said(BaseModel):
    """What is to be said of it."""

    notes: list[str]
