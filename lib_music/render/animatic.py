"""The embedded renderer: the cover moved by the exact schedules, as fast as it can be encoded.

Conventions
-----------
Motion has Deforum's 2D semantics: frame i is frame i - 1 warped by ``R(angle, zoom, centre) · T(translation)`` with the
values at key i, and it accumulates. Each diffused frame is pulled towards a sharp picture by ``1 - strength``, as
diffusion does; like Deforum's, what is diffused at kN fades in over the frames kN ... kN + N - 1. The sharp picture is
the section's own, carried along by the same motion (see :class:`~lib_music.render.pictures.Atlas`), so that diffusion
sharpens what is on screen instead of dragging it back. 3D is approximated in the plane.

Everything is computed on yuv420p planes: half the pixels of RGB, and what the encoder wants.
"""

from __future__ import annotations

import contextlib
import io
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lib_music.errors import RenderError
from lib_music.render.captions import CaptionStrip
from lib_music.render.pictures import RATIO, SectionPictures
from lib_music.render.pixels import Rgb, planes, rgb_to_frame
from lib_music.render.renderer import Frame
from lib_music.schedule.animation import Animation

Array = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]

#: Measured on Deforum's 3D camera at fov 70, width 256, flat depth: pixels per unit or degree.
_PX_PER_UNIT, _PX_PER_DEGREE_X, _PX_PER_DEGREE_Y, _ZOOM_PER_UNIT = 0.9, 3.25, 3.5, 0.008


#: How far the scale may leave its octave before the view is exchanged for the next copy's.
_SLACK = 1.04


@dataclass(frozen=True, eq=False)
class Motion:
    """What moves and pulls at each frame; all arrays [shape=(n_frames,)], pixels, degrees, factors."""

    zoom: Array
    angle: Array
    x: Array
    y: Array
    centre_x: Array
    centre_y: Array
    strength: Array

    @classmethod
    def of(cls, animation: Animation) -> Motion:
        """Sample the schedules of an animation; what has none rests."""
        n, width = animation.timebase.n_frames, animation.width

        def curve(name: str, rest: float) -> Array:
            schedule = animation.schedules.get(name)
            return schedule.sample(n) if schedule else np.full(n, rest)

        strength = np.clip(curve("strength_schedule", 0.65), 0.0, 1.0)
        if animation.mode == "2D":
            return cls(
                curve("zoom", 1.0),
                curve("angle", 0.0),
                curve("translation_x", 0.0),
                curve("translation_y", 0.0),
                curve("transform_center_x", 0.5),
                curve("transform_center_y", 0.5),
                strength,
            )
        px = width / 256
        x = -_PX_PER_UNIT * curve("translation_x", 0.0) - _PX_PER_DEGREE_Y * curve("rotation_3d_y", 0.0)
        y = _PX_PER_UNIT * curve("translation_y", 0.0) + _PX_PER_DEGREE_X * curve("rotation_3d_x", 0.0)
        half = np.full(n, 0.5)
        return cls(
            np.exp(_ZOOM_PER_UNIT * curve("translation_z", 0.0)),
            curve("rotation_3d_z", 0.0),
            x * px,
            y * px,
            half,
            half,
            strength,
        )

    def step(self, i: int, width: int, height: int) -> Matrix:
        """The 3 x 3 matrix that carries frame i - 1 to frame i."""
        cx, cy = self.centre_x[i] * width, self.centre_y[i] * height
        a = np.deg2rad(self.angle[i])
        alpha, beta = self.zoom[i] * np.cos(a), self.zoom[i] * np.sin(a)
        turn = np.array(
            [[alpha, beta, (1 - alpha) * cx - beta * cy], [-beta, alpha, beta * cx + (1 - alpha) * cy], [0, 0, 1]]
        )
        return np.asarray(turn @ np.array([[1, 0, self.x[i]], [0, 1, self.y[i]], [0, 0, 1]]), np.float64)


class Animatic:
    """Renders an animation from a cover on the CPU; see the module.

    Parameters
    ----------
    cover : (h, w, 3) uint8 RGB
    captions : bool
        Write each section's prompt along the bottom.
    """

    #: The number changes whenever the same animation would be painted otherwise; half a video is then begun anew.
    name = "animatic 1"

    def __init__(self, cover: Rgb, *, captions: bool = False) -> None:
        self._cover, self._captions = cover, captions
        self._canvas: _Canvas | None = None

    @classmethod
    def from_file(cls, cover: Path, *, captions: bool = False) -> Animatic:
        """Read the cover from a prepared picture file."""
        from PIL import Image

        with Image.open(cover) as image:
            return cls(np.asarray(image.convert("RGB"), np.uint8), captions=captions)

    def frames(
        self, animation: Animation, start: int, state: bytes | None, end: int | None = None
    ) -> Iterator[Frame]:
        """See :class:`~lib_music.render.renderer.Renderer`."""
        canvas = self._canvas = _Canvas(animation, self._cover)
        strips = _Strips(animation) if self._captions else None
        if start:
            if state is None:
                raise RenderError(f"frame {start} was asked for without what came before", "render from the start")
            canvas.restore(state)
        with _one_thread():
            for i in range(start, animation.timebase.n_frames if end is None else end):
                frame = canvas.paint(i)
                yield strips.over(frame, i) if strips else frame

    def state_after(self, animation: Animation, start: int, picture: Path) -> bytes:
        """See :class:`~lib_music.render.renderer.Renderer`: the motion of the section so far is forgotten."""
        from PIL import Image

        canvas = _Canvas(animation, self._cover)
        with Image.open(picture) as image:
            rgb = np.asarray(image.convert("RGB"), np.uint8)
        if rgb.shape != (canvas.size[1], canvas.size[0], 3):
            raise RenderError(f"the picture before frame {start} has another size {rgb.shape}", "paint the whole anew")
        canvas.painted[:] = rgb_to_frame(rgb)
        canvas.before[:] = canvas.painted
        canvas.label = next(cue.label for cue in reversed(animation.cues) if cue.start < start)
        return canvas.save()

    def state(self) -> bytes:
        """See :class:`~lib_music.render.renderer.Renderer`."""
        if self._canvas is None:
            raise RenderError("there is no state before the first frame")
        return self._canvas.save()


_painting = threading.Lock()
_painters, _threads_before = 0, 0


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """OpenCV on one thread: painting shares the cores with encoding, and splitting costs more than it gains.

    The setting is the process's, and two may paint at once, a preview and a video: the last to leave puts it back.
    """
    global _painters, _threads_before
    import cv2

    with _painting:
        if not _painters:
            _threads_before = cv2.getNumThreads()
            cv2.setNumThreads(1)
        _painters += 1
    try:
        yield
    finally:
        with _painting:
            _painters -= 1
            if not _painters:
                cv2.setNumThreads(_threads_before)


class _Canvas:
    """The picture as it stands, its accumulated motion, and the section it belongs to."""

    def __init__(self, animation: Animation, cover: Rgb) -> None:
        import cv2

        self.animation = animation
        self.size = (animation.width, animation.height)
        self.motion = Motion.of(animation)
        labels = list(dict.fromkeys(cue.label for cue in animation.cues))
        self.pictures = SectionPictures(cover, labels, *self.size)
        self.switches = {cue.start - cue.start % animation.cadence: cue.label for cue in animation.cues}
        self.label = animation.cues[0].label
        #: Motion since the section began, and since the last diffused frame.
        self.place: Matrix = np.eye(3)
        self.since: Matrix = np.eye(3)
        #: The last diffused frame, and what stood there before it was diffused. Both are warped once for each frame
        #: that is shown, not from warp to warp, which blurs; the frames between fade from one to the other.
        self.painted: Frame = np.empty((self.size[1] * 3 // 2, self.size[0]), np.uint8)
        self.before: Frame = self.painted.copy()
        self._shown: Frame = self.painted.copy()
        self._other: Frame = self.painted.copy()
        self._border = cv2.BORDER_WRAP if animation.border == "wrap" else cv2.BORDER_REPLICATE

    def paint(self, i: int) -> Frame:
        """Advance to frame ``i`` and return it."""
        label = self.switches.get(i, self.label)
        if label != self.label:
            # Before the step: the new picture takes part in this frame's jump, and comes back with it.
            self.label, self.place = label, np.eye(3)
        if i == 0:
            self._draw_sharp(self.painted)
            self.before[:] = self.painted
            return self.painted
        step = self.motion.step(i, *self.size)
        self.since = step @ self.since
        self.place = _rebase(step @ self.place, self.size)
        weight = (i % self.animation.cadence + 1) / self.animation.cadence
        return self._between(weight) if i % self.animation.cadence else self._diffuse(i, weight)

    def _diffuse(self, i: int, weight: float) -> Frame:
        """A diffused frame: pulled by ``1 - strength``, and shown by ``weight``."""
        import cv2

        share = 1.0 - float(self.motion.strength[i])
        self._move(self.painted, self.before)
        self.since = np.eye(3)
        self._draw_sharp(self._other)
        cv2.addWeighted(self.before, 1.0 - share, self._other, share, 0.0, dst=self.painted)
        if weight == 1.0:
            return self.painted
        cv2.addWeighted(self.before, 1.0 - weight, self.painted, weight, 0.0, dst=self._shown)
        return self._shown

    def _between(self, weight: float) -> Frame:
        """A frame between two diffused ones, as far into the fade as ``weight``."""
        import cv2

        self._move(self.painted, self._shown)
        wraps = self._border == cv2.BORDER_WRAP
        if wraps:
            # What wraps in does so at every step of its own: several steps cannot be taken as one.
            self.painted[:] = self._shown
        if weight < 1.0:
            self._move(self.before, self._other)
            if wraps:
                self.before[:] = self._other
            cv2.addWeighted(self._other, 1.0 - weight, self._shown, weight, 0.0, dst=self._shown)
        if wraps:
            self.since = np.eye(3)
        return self._shown

    def _move(self, start: Frame, into: Frame) -> None:
        """``start`` carried by the motion since the last diffused frame."""
        import cv2

        for source, target, scale in zip(planes(start), planes(into), (1.0, 0.5, 0.5), strict=True):
            height, width = source.shape
            cv2.warpAffine(
                source,
                _at_scale(self.since, scale),
                (width, height),
                dst=target,
                flags=cv2.INTER_LINEAR,
                borderMode=self._border,
            )

    def _draw_sharp(self, into: Frame) -> None:
        """The section's endless picture, carried to where the motion has taken it."""
        import cv2

        scale = float(np.hypot(self.place[0, 0], self.place[1, 0]))
        atlas, density = self.pictures.atlas(self.label).planes_for(scale)
        for source, target, by in zip(atlas, planes(into), (1.0, 0.5, 0.5), strict=True):
            height, width = target.shape
            to_atlas = np.array(
                [
                    [density, 0, (source.shape[1] - 1) / 2 - density * (width - 1) / 2],
                    [0, density, (source.shape[0] - 1) / 2 - density * (height - 1) / 2],
                    [0, 0, 1],
                ]
            )
            matrix = to_atlas @ np.linalg.inv(_homogeneous(_at_scale(self.place, by)))
            cv2.warpAffine(
                source,
                matrix[:2],
                (width, height),
                dst=target,
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REFLECT_101,
            )

    def save(self) -> bytes:
        buffer = io.BytesIO()
        label = np.array(self.label)
        np.savez_compressed(
            buffer, painted=self.painted, before=self.before, place=self.place, since=self.since, label=label
        )
        return buffer.getvalue()

    def restore(self, state: bytes) -> None:
        try:
            with np.load(io.BytesIO(state), allow_pickle=False) as saved:
                painted, before, place, since = (saved[name] for name in ("painted", "before", "place", "since"))
                label = str(saved["label"])
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise RenderError("the saved state of the animatic is damaged", "delete the project's segments") from error
        shapes = (painted.shape, before.shape, place.shape, since.shape)
        if shapes != (self.painted.shape, self.before.shape, (3, 3), (3, 3)):
            raise RenderError(f"the saved state is for another size {painted.shape}", "delete the project's segments")
        self.painted[:], self.before[:], self.place, self.since, self.label = painted, before, place, since, label


def _homogeneous(matrix: Matrix) -> Matrix:
    return np.vstack((matrix, [0.0, 0.0, 1.0])) if matrix.shape[0] == 2 else matrix


def _at_scale(matrix: Matrix, scale: float) -> Matrix:
    """A 3 x 3 motion of the frame as 2 x 3 for a plane of ``scale`` times its size, pixel centres kept in place."""
    out: Matrix = matrix[:2].copy()
    if scale != 1.0:
        offset = (scale - 1) / 2
        out[:, 2] = scale * matrix[:2, 2] + offset - matrix[:2, :2] @ np.array([offset, offset])
    return out


def _rebase(place: Matrix, size: tuple[int, int]) -> Matrix:
    """Keep the accumulated motion where the atlas has picture: scale about [1, RATIO], centre inside the frame.

    A scale that leaves its octave is exchanged for the same view in the next copy. A view that has travelled off the
    picture comes in again on the other side; the pull makes a short dissolve of it.
    """
    scale = float(np.hypot(place[0, 0], place[1, 0]))
    centre = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
    # A nod that starts and ends at the edge of an octave must not change copies twice.
    factor = RATIO if scale < 1 / _SLACK else 1 / RATIO if scale > RATIO * _SLACK else 1.0
    linear = place[:2, :2] * factor
    seen = place[:2, :2] @ centre + place[:2, 2]
    # What is in the middle of the frame, from the picture's centre. An exact exchange would multiply it by the factor,
    # and with every octave of a long zoom; kept as it is, a half pixel stays a half pixel.
    view = np.linalg.solve(place[:2, :2], centre - seen)
    limit = 0.5 * np.array(size)
    wrapped = (view + limit) % (2 * limit) - limit
    out = np.eye(3)
    out[:2, :2] = linear
    out[:2, 2] = centre - linear @ (centre + wrapped)
    return out


class _Strips:
    """Captions laid over the bottom of a frame, one strip per section."""

    def __init__(self, animation: Animation) -> None:
        self._starts = [cue.start for cue in animation.cues]
        self._cues = animation.cues
        self._size = (animation.width, animation.height)
        self._strip: tuple[int, CaptionStrip] | None = None
        self._out = np.empty((animation.height * 3 // 2, animation.width), np.uint8)

    def over(self, frame: Frame, i: int) -> Frame:
        which = int(np.searchsorted(self._starts, i, side="right")) - 1
        if self._strip is None or self._strip[0] != which:
            self._strip = (which, CaptionStrip(self._cues[which].caption, *self._size))
        self._out[:] = frame
        self._strip[1].lay(planes(self._out))
        return self._out
