"""The sound as a source: path, content hash, range, and ``.blocks()``.

Conventions: time is seconds from the first sample of the sound that was encoded: the codec's delay is
removed by the decoder where the file states it, and by us where it is known by its kind. It is counted in
samples, not in the container's time stamps. What is analysed and what is muxed are the same
:meth:`Audio.blocks`. Samples are float32 in [-1, 1], mono unless asked otherwise; the whole song never
exists as one array. Only regular files are opened.
"""

from __future__ import annotations

import hashlib
import math
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from lib_music.containers import is_cut_short, wav_promise
from lib_music.errors import AudioError, RangeError
from lib_music.ffmpeg import FfmpegOutput, explain, input_args

FloatArray = npt.NDArray[np.float32]

#: The longest song taken, seconds.
LIMIT = 3 * 3600.0
#: Missing sound below this is not worth a word, seconds.
_TOLERATED = 1.0
#: A 16-bit peak of 1 is -90.3 dBFS.
_SILENCE = 1
#: The power of the mean of two channels, as a share of theirs, under which they cancel out: a codec leaves much of it
#: where there was nothing, and wide stereo has a half. To know it, one frame in so many is enough.
_OPPOSED, _LOOK = 0.2, 7
_CHUNK = 1 << 20
#: A header that promises more than this is wrong, seconds.
_ABSURD = 100 * 3600.0
#: What an encoder and the decoder put before the sound, in samples, where the file does not say it: an MP3 without
#: LAME's tag has 576 + 529 of the encoder that most use.
_DELAYS = {("mp3", "mp3"): 1105, ("mp3", "mp2"): 481, ("aac", "aac"): 1024}
#: Frames of an MP3 are small, and each goes through all of ffmpeg's threads: by the thousands of samples that is quick.
_LARGER = ("-af", "asetnsamples=n=16384:p=0")
#: More bytes per second of sound than any lossy stream has: what was decoded was found in noise by chance.
_LOSSY = {"mp3": 250_000, "aac": 250_000, "ac3": 250_000, "eac3": 800_000, "amr": 10_000, "mpeg": 10**7}
_MAGIC = (
    b"RIFF", b"RF64", b"fLaC", b"OggS", b"ID3", b"FORM", b"\x1aE\xdf\xa3", b"caff", b".snd",
    b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2", b"\xff\xf1", b"\xff\xf9",
)  # fmt: skip


@dataclass(frozen=True)
class Audio:
    """A stretch of a sound file.

    Attributes
    ----------
    path : Path
    content_hash : str
        sha256 of the file's bytes, hex.
    start, duration : float
        The chosen range in seconds of the file's sound; ``duration`` is what can really be decoded.
    total : float
        Seconds of sound in the whole file.
    sample_rate : int
        Native rate in Hz.
    warnings : tuple of str
        What the person should know: cut short, silent.
    channels : int
        1, or 2 for anything above.
    delay : float
        Seconds that the codec put before the sound, and that the decoder does not take away.
    opposed : bool
        One channel is the other upside down (a plug wired wrongly): their mean is silence, and ``blocks`` gives half
        their difference in its place.
    """

    path: Path
    content_hash: str
    start: float
    duration: float
    total: float
    sample_rate: int
    warnings: tuple[str, ...] = ()
    channels: int = 2
    delay: float = 0.0
    opposed: bool = False

    def __post_init__(self) -> None:
        if not (self.start >= 0 and self.duration > 0 and self.start + self.duration <= self.total + 1e-3):
            raise ValueError(f"Audio range {self.start} s + {self.duration} s does not lie in {self.total} s")
        if self.sample_rate <= 0:
            raise ValueError(f"Audio.sample_rate is {self.sample_rate!r}; it must be Hz > 0")
        if self.channels not in (1, 2):
            raise ValueError(f"Audio.channels is {self.channels!r}; it must be 1 or 2")

    def blocks(self, sr: int, seconds: float = 10.0, *, channels: Literal[1, 2] = 1) -> Iterator[FloatArray]:
        """Decode the range, a block at a time.

        The range is counted here, in samples of what is decoded: a song whose format changes in the middle
        (files joined end to end, a damaged frame) makes ffmpeg build its filters anew, and they would begin
        to count again.

        Parameters
        ----------
        sr : int
            Wanted rate in Hz.
        seconds : float
            Length of a block.
        channels : 1 or 2
            1: the mean of the channels (see ``opposed``). 2: left and right, alike where the song is mono.

        Yields
        ------
        ndarray [shape=(n,) or (n, 2)], float32 in [-1, 1]
            Consecutive blocks, together ``round(duration * sr)`` samples.

        Raises
        ------
        AudioError
            When the file no longer gives what it gave when it was opened.
        """
        skip, left = round((self.delay + self.start) * sr), round(self.duration * sr)
        decoded = 2 if self.opposed else min(channels, self.channels)
        # rematrix_maxval: the mean of the channels, where ffmpeg would add floats up and overflow
        args = ["-v", "error", *input_args(self.path), "-map", "0:a:0", *_LARGER, "-ac", str(decoded), "-ar", str(sr),
                "-rematrix_maxval", "1", "-f", "f32le", "-"]
        with FfmpegOutput(args) as output:
            while skip and (raw := output.read(4 * decoded * min(skip, _CHUNK))):
                skip -= len(raw) // (4 * decoded)
            while left and (raw := output.read(4 * decoded * min(left, max(1, int(sr * seconds))))):
                block = np.frombuffer(raw[: len(raw) // (4 * decoded) * 4 * decoded], "<f4").astype(np.float32)
                if not np.isfinite(block.sum()):  # looking at each sample for NaN would take as long as decoding
                    np.nan_to_num(block, copy=False)
                np.clip(block, -1.0, 1.0, out=block)
                left -= len(block) // decoded
                yield _shaped(block, decoded, channels)
            if left > 0.1 * sr:
                raise AudioError(f"{self.path.name} stopped {left / sr:.1f} s early: {explain(output.log)}",
                                 "did the file change? start again")
        if left:  # a resampler's last few samples
            yield _shaped(np.zeros(left * decoded, np.float32), decoded, channels)


def _shaped(samples: FloatArray, decoded: int, channels: int) -> FloatArray:
    """Interleaved samples as (n,), opposed ones by half their difference, or as (n, 2), a mono song on both sides."""
    if channels == 1:
        return samples if decoded == 1 else (samples[::2] - samples[1::2]) * np.float32(0.5)
    return np.broadcast_to(samples.reshape(-1, decoded), (len(samples) // decoded, 2))


def open_audio(
    path: Path | str,
    *,
    start: float = 0.0,
    duration: float | None = None,
    limit: float = LIMIT,
    check: Callable[[], None] = lambda: None,
) -> Audio:
    """Open a sound file, or the sound of a video, and measure it by decoding it once.

    Parameters
    ----------
    path : Path or str
        mp3, m4a/aac, flac, ogg, opus, wav, aiff, webm, mp4, mkv, mov and most other containers.
    start : float
        Where the range begins, seconds, >= 0.
    duration : float or None
        Its length in seconds, > 0; None for all that is left. Clipped with a warning where less is left.
    limit : float
        The longest file taken, seconds.
    check : callable
        Called again and again while it is decoded; what it raises ends that.

    Raises
    ------
    AudioError
        Missing, empty, unreadable, not a regular file, not sound, without an audio stream, damaged beyond
        playing, longer than ``limit``.
    RangeError
        The range is not a range, or begins after the end.
    """
    _check_range(start, duration)
    path = Path(path)
    _check_file(path)
    header = _read_header(path)
    cut = is_cut_short(path)
    trusted = not cut and _is_plausible(path, header)
    scan = _scan(path, header, start, duration, limit, trusted, check)
    left = scan.total - start
    if left * header.sample_rate < 1:
        raise RangeError(f"start {start:g} s is at or after the end of {path.name}, {scan.total:.3f} s long",
                         "choose an earlier start")
    if duration is not None and duration * header.sample_rate < 1:
        raise RangeError(f"duration {duration!r} s is less than one sample", "give a longer one, in seconds")
    warnings = [*_missing(header, scan, cut), *scan.warnings]
    if duration is not None and duration > left + 1e-6:
        warnings.append(f"only {left:.2f} s are left after {start:g} s; not {duration:g} s")
    taken = left if duration is None else min(duration, left)
    return Audio(path=path, content_hash=_hash(path), start=round(start, 6), duration=round(taken, 6),
                 total=scan.total, sample_rate=header.sample_rate, warnings=tuple(warnings),
                 channels=header.channels, delay=scan.delay / header.sample_rate, opposed=scan.opposed)


def check_audio(path: Path) -> str:
    """Look at a file without decoding it: the content hash of what seems to hold sound. Raises AudioError."""
    _check_file(path)
    _read_header(path)
    return _hash(path)


def _check_range(start: float, duration: float | None) -> None:
    if not (math.isfinite(start) and start >= 0):
        raise RangeError(f"start {start!r} is not a time in seconds", "give 0 or a number above it")
    if duration is not None and not (math.isfinite(duration) and duration > 0):
        raise RangeError(f"duration {duration!r} is not a length in seconds", "give a number above 0")


def _check_file(path: Path) -> None:
    """Refuse what must not be opened (a pipe would hang) before opening it."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise AudioError(f"{path} is a folder", "give the song itself")
        if not stat.S_ISREG(status.st_mode):
            raise AudioError(f"{path} is a device, a pipe or a socket", "save the song as a file first")
        if status.st_size == 0:
            raise AudioError(f"{path.name} is empty (0 bytes)", "copy or download it again")
        with path.open("rb") as file:
            file.read(1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise AudioError(f"no such file: {path}", "check the path") from error
    except PermissionError as error:
        raise AudioError(f"no permission to read {path}", "check who may read the file") from error
    except (OSError, ValueError) as error:  # a name too long, a loop of links, a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise AudioError(f"cannot open {path}: {reason}", "check the path") from error


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


@dataclass(frozen=True)
class _Header:
    """What a file says of itself.

    ``promised`` seconds, None when only guessed from the size; ``channels`` 1, or 2 for anything above; ``delay``
    samples that the codec is known to put before the sound, where the file does not state it.
    """

    demuxer: str
    promised: float | None
    sample_rate: int
    channels: int
    has_video: bool
    delay: int = 0


_DURATION = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d\.\d+)")
_STREAM = re.compile(r"^ {2,4}Stream #0:\d+.*?: (Audio|Video): ")
_DEMUXER = re.compile(r"^Input #0, (\w+)")


def _read_header(path: Path) -> _Header:
    with FfmpegOutput(["-v", "info", *input_args(path)]) as output:
        output.finish()
    log = list(output.log)
    # the last one: tags and the file's name come before it, and could forge an earlier one
    begin = max((i for i, line in enumerate(log) if line.startswith("  Duration: ")), default=None)
    if begin is None:
        raise _unplayable(path, log)
    kinds = [(found[1], line) for line in log[begin:] if (found := _STREAM.match(line))]
    sound = next((line for kind, line in kinds if kind == "Audio"), None)
    if sound is None:
        raise AudioError(f"{path.name} has no sound: no audio stream in it", "choose a file with sound")
    rate = re.search(r", ([1-9]\d*) Hz", sound)
    if rate is None:
        raise _unplayable(path, log)
    guessed = any("Estimating duration from bitrate" in line for line in log)
    found = _DURATION.match(log[begin])
    promised = wav_promise(path)
    if found and not guessed:
        promised = int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])
    demuxer = next((name[1] for line in log if (name := _DEMUXER.match(line))), "")
    codec = re.search(r"Audio: (\w+)", sound)
    stated = re.search(r", start: (\d+\.\d+)", log[begin])
    unstated = not stated or float(stated[1]) == 0
    return _Header(
        demuxer=demuxer,
        delay=_DELAYS.get((demuxer, codec[1] if codec else ""), 0) if unstated else 0,
        promised=promised if promised and promised < _ABSURD else None,
        sample_rate=int(rate[1]),
        channels=1 if re.search(r" Hz, (mono|1 channels)", sound) else 2,
        has_video=any(kind == "Video" and "(attached pic)" not in line for kind, line in kinds),
    )


@dataclass(frozen=True)
class _Scan:
    """What decoding it once showed: seconds in the whole file, whether all was sound, what to say, the delay, and
    whether the channels of the range cancel out."""

    total: float
    stumbled: bool
    warnings: tuple[str, ...]
    delay: int
    opposed: bool


def _scan(
    path: Path,
    header: _Header,
    start: float,
    duration: float | None,
    limit: float,
    trust_promise: bool,
    check: Callable[[], None],
) -> _Scan:
    """Decode all of it at its own rate; count the samples, and find the peak inside the range."""
    rate, channels = header.sample_rate, header.channels
    first = round(start * rate)
    last = first + round(duration * rate) if duration is not None else None
    args = ["-v", "error", *input_args(path), "-map", "0:a:0", *_LARGER, "-ac", str(channels), "-ar", str(rate),
            "-f", "s16le", "-"]
    n, peak, delay = 0, 0, 0
    power = np.zeros(2)
    with FfmpegOutput(args) as output:
        while raw := output.read(_CHUNK):
            check()
            if not n and trust_promise and header.promised and header.promised > limit:
                raise _too_long(path, _clock(header.promised), limit)
            block = np.frombuffer(raw[: len(raw) // (2 * channels) * 2 * channels], "<i2")
            if not n and len(block) > 2 * header.delay * channels:
                delay = header.delay
                block = block[delay * channels :]
            part = block[max(0, first - n) * channels : None if last is None else max(0, last - n) * channels]
            if part.size:
                peak = max(peak, int(part.max()), -int(part.min()))
                power += _powers(part, channels)
            n += len(block) // channels
            if n > limit * rate:
                raise _too_long(path, f"over {_clock(limit)}", limit)
        status = output.finish()
    total = n / rate
    if not n or (status and total < 1) or _is_noise(path, header, total):
        raise _unplayable(path, list(output.log))
    warnings = []
    if status:
        warnings.append(f"the song could not be decoded to its end ({explain(output.log)}); "
                        f"the first {total:.1f} s are used")
    if peak <= _SILENCE and total > start:
        warnings.append("the song is silent in the chosen range")
    opposed = bool(peak > _SILENCE and power[0] < _OPPOSED * power[1])
    return _Scan(total, bool(output.log), tuple(warnings), delay, opposed)


def _powers(part: npt.NDArray[np.int16], channels: int) -> npt.NDArray[np.float64]:
    """Power of the mean of two channels, and the mean of their powers, summed over a look at every few frames."""
    if channels == 1:
        return np.zeros(2)
    left, right = (part[side :: 2 * _LOOK].astype(np.float32) for side in (0, 1))
    mean = (left + right) / 2
    return np.array([mean @ mean, (left @ left + right @ right) / 2], np.float64)


def _is_plausible(path: Path, header: _Header) -> bool:
    """Whether the bytes can hold what the header promises: no mp3 has under 8 kbit/s."""
    return header.demuxer != "mp3" or not header.promised or path.stat().st_size > 900 * header.promised


def _is_noise(path: Path, header: _Header, total: float) -> bool:
    """Whether so little came of so many bytes that its frames were only found in noise by chance."""
    most = _LOSSY.get(header.demuxer)
    if most is None:
        return False
    with path.open("rb") as file:
        head = file.read(10)
    tag = 0
    if head[:3] == b"ID3" and len(head) == 10:  # its size: four bytes of seven bits
        tag = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
    return total * most < path.stat().st_size - tag - _CHUNK // 16


def _missing(header: _Header, scan: _Scan, cut: bool | None) -> list[str]:
    """Say what is missing; a video's promise counts its pictures too, so there it takes evidence."""
    lost = (header.promised or 0.0) - scan.total
    if lost > _TOLERATED and (cut or scan.stumbled or not header.has_video):
        return [f"the song is cut short or damaged: {lost:.1f} s of {header.promised:.1f} s are missing; "
                "what is there is used"]
    if cut and header.demuxer == "ogg":
        return ["the song seems cut short: its last page is not marked as such; what is there is used"]
    return []


def _unplayable(path: Path, log: list[str]) -> AudioError:
    with path.open("rb") as file:
        head = file.read(12)
    known = head.startswith(_MAGIC) or head[4:8] == b"ftyp"
    if known and not any("not on whitelist" in line for line in log):
        reason = explain(log) or "it holds no sound that can be decoded"
        return AudioError(f"{path.name} is damaged: {reason}", "download or export it again")
    return AudioError(f"{path.name} is not a sound file, or its header is destroyed",
                      "give an mp3, m4a, flac, ogg, opus, wav, aiff or a video with sound")


def _too_long(path: Path, length: str, limit: float) -> AudioError:
    message = f"{path.name} is {length} long; the limit is {_clock(limit)}"
    return AudioError(message, "cut it into shorter files")


def _clock(seconds: float) -> str:
    """``h:mm:ss``, or ``m:ss`` below an hour."""
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02d}:{s:02d}" if hours else f"{m}:{s:02d}"
