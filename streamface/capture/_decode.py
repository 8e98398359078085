"""Pictures out of a video, by PyAV: in order, upright, each with its time."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from streamface.capture.base import SourceInfo
from streamface.errors import MissingPackageError

log = logging.getLogger(__name__)

MOST_BAD_PACKETS = 100
"""Undecodable packets in a row, 4 s at 25/s, after which a video counts as broken; fewer are passed over."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One decoded picture."""

    image: np.ndarray
    """(H, W, 3) uint8 BGR, C-contiguous, turned upright."""
    time: float
    """Seconds since the first picture; never falls."""


class Broken(Exception):
    """A video stopped being readable; `reason` holds no address."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Decoder:
    """The pictures of a file or an address.

    place: path or address. timeout_s: (to open, to read) for an address; None: no limit. low_delay: decode
    without frame threads, which hold back one picture each: for live sources. options: for FFmpeg.
    Raises `Broken` when it cannot be opened or has no picture in it; PyAV keeps FFmpeg's own output quiet.
    """

    def __init__(
        self,
        place: str,
        timeout_s: tuple[float, float] | None = None,
        low_delay: bool = False,
        options: dict[str, str] | None = None,
    ) -> None:
        av, begun = _av(), time.monotonic()
        try:
            self._container = av.open(place, timeout=timeout_s, options=options or {}, metadata_errors="replace")
        except (av.error.FFmpegError, OSError, ValueError) as error:
            # FFmpeg's RTSP calls it invalid data when it was interrupted in the middle of a handshake
            is_late = timeout_s is not None and time.monotonic() - begun >= timeout_s[0]
            raise Broken("no answer in time" if is_late else reason(error)) from None
        if not self._container.streams.video:
            self._container.close()
            raise Broken("there is no picture in it")
        self._stream = self._container.streams.best("video")
        self._stream.thread_type = "SLICE" if low_delay else "AUTO"
        self._last = -1.0
        self._start: float | None = None
        self.failure: Broken | None = None

    @property
    def fps(self) -> float | None:
        """Frames per second as the container states or FFmpeg guesses; None where neither knows."""
        rate = self._stream.average_rate or self._stream.guessed_rate
        return float(rate) if rate and 0 < rate < 1000 else None

    @property
    def format(self) -> str:
        """FFmpeg's name of the container or protocol."""
        return self._container.format.name

    @property
    def frame_count(self) -> int | None:
        """Frames as the container states; None where it does not."""
        return self._stream.frames or None

    @property
    def duration_s(self) -> float | None:
        """Length of the video as the container states; None where it does not, or has no end."""
        stream = self._stream
        return float(stream.duration * stream.time_base) if stream.duration else None

    @property
    def is_recording(self) -> bool:
        """True where the container states how long it is: a camera has no end."""
        return self.duration_s is not None or bool(self._container.duration)

    @property
    def stated_fps(self) -> float | None:
        """Frames per second as a camera states them; None where it does not, while `fps` guesses."""
        rate = self._stream.average_rate
        return float(rate) if rate and 0 < rate < 1000 else None

    def info(self, first: np.ndarray) -> SourceInfo:
        """What a file says of itself; the size is that of its first picture, which may have been turned."""
        return SourceInfo(first.shape[1], first.shape[0], self.fps, False, self.frame_count)

    def pictures(self) -> Iterator[Picture]:
        """Every picture; at a break those before it, then `Broken`."""
        bad_in_a_row = 0
        for packet in self.packets():
            frames = self.decoded(packet)
            if frames is None:
                bad_in_a_row += 1
                if bad_in_a_row >= MOST_BAD_PACKETS:
                    raise Broken("nothing after this can be decoded")
                continue
            bad_in_a_row = 0
            for frame in frames:
                yield Picture(upright(frame), self.time_of(frame))
        if self.failure:
            raise self.failure

    def close(self) -> None:
        """Give the file or connection back."""
        self._container.close()

    def packets(self) -> Iterator:
        """The packets up to the end or the break (`failure`), then None, which asks for what the decoder holds back."""
        av = _av()
        try:
            for packet in self._container.demux(self._stream):
                if packet.size:
                    yield packet
        except (av.error.FFmpegError, OSError) as error:
            self.failure = Broken(reason(error))
        yield None

    def decoded(self, packet) -> list | None:
        """The frames that a packet completes; None when it cannot be decoded."""
        av = _av()
        try:
            return self._stream.decode(packet)
        except av.error.EOFError:
            return []
        except av.error.FFmpegError as error:
            log.debug("passed over a packet that cannot be decoded: %s", reason(error))
            return None

    def stamp_of(self, frame) -> float | None:
        """The time stamp of a frame or packet in seconds, by a clock that starts anywhere and may jump, or None."""
        # not frame.time: the frames that the decoder gives up at the end have no time base of their own
        return None if frame.pts is None else float(frame.pts * self._stream.time_base)

    def time_of(self, frame) -> float:
        """Seconds since the first picture, from its time stamp; a missing or falling one follows the rate."""
        step = 1 / (self.fps or 25.0)
        stamp = self.stamp_of(frame)
        if self._start is None:
            self._start = stamp if stamp is not None else 0.0
        moment = stamp - self._start if stamp is not None else -1.0
        self._last = moment if moment > self._last else max(self._last, -step) + step
        return self._last


def reason(error: Exception) -> str:
    """Why, in FFmpeg's words but without the address that PyAV adds to them."""
    if getattr(error, "errno", None) == errno.EIO:
        return "the data ends too early"
    name = type(error).__name__
    known = {
        "ExitError": "no answer in time",
        "TimeoutError": "no answer in time",
        "InvalidDataError": "the data is not a video, or broken",
        "HTTPUnauthorizedError": "user name or password is wrong",
        "HTTPForbiddenError": "access is forbidden",
        "HTTPNotFoundError": "nothing is at this path",
        "EOFError": "it ends before a picture",
    }
    return known.get(name) or (getattr(error, "strerror", None) or name).lower()


def _av():
    try:
        import av
    except ImportError as error:
        raise MissingPackageError("reading video", "av") from error
    return av


_UNTAGGED_OR_BT601 = (2, 5, 6)
_FULL_RANGE = 2


def upright(frame) -> np.ndarray:
    """The frame as (H, W, 3) uint8 BGR, turned as its display matrix says."""
    import cv2

    image = i420_to_bgr(frame.to_ndarray()) if is_plain(frame) else _bgr(frame)
    turns = quarter_turns(frame)
    if turns:
        # FFmpeg counts counter-clockwise
        how = (cv2.ROTATE_90_COUNTERCLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_CLOCKWISE)[turns - 1]
        image = cv2.rotate(image, how)
    return image


def quarter_turns(frame) -> int:
    """How many quarters, counter-clockwise, the frame is to be turned: 0 to 3."""
    return round(frame.rotation / 90) % 4


def is_plain(frame) -> bool:
    """True for the usual case, of which `i420_to_bgr` makes the right colours."""
    usual = frame.format.name == "yuv420p" and frame.width % 2 == 0 and frame.height % 2 == 0
    return usual and frame.colorspace in _UNTAGGED_OR_BT601 and frame.color_range != _FULL_RANGE


def i420_to_bgr(planes: np.ndarray) -> np.ndarray:
    """(H * 3 / 2, W) uint8 I420 as (H, W, 3) BGR, by OpenCV: 1.0 ms of 1920x1080 where FFmpeg's scaler takes 1.8."""
    import cv2

    return cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420)


def _bgr(frame) -> np.ndarray:
    return np.ascontiguousarray(frame.to_ndarray(format="bgr24"))
