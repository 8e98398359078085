"""One kind of picture of one camera on its way into files: encoder, the seconds before a clip, segments."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import av
import numpy as np

from streamface.sinks._h264 import TICKS, Encoder
from streamface.sinks._segment import Segment

KEY_EVERY_S = 2.0
"""Seconds between two pictures that a player can jump to, when recording always."""
CLIP_KEY_EVERY_S = 1.0
"""The same for clips, whose seconds before begin with such a picture."""
MOST_WAITING_BYTES = 64_000_000
"""Of the seconds before a clip, kept in memory; more, and fewer seconds are kept."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When a frame was taken."""

    clock: float
    """Seconds of the file, or since 1970 for a live source: the `time` of the rows of faces."""
    utc: float
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    packet: av.Packet
    size: int
    moment: Moment


class Footage:
    """Encodes every frame, and puts those that are wanted into files. Raises `OSError` and `av.FFmpegError`.

    Args:
        opening: makes a new file from an encoder's stream, the ticks of its first picture, and its moment.
        before_s: seconds before a clip that are kept ready, encoded; None: record always.
    """

    def __init__(
        self, opening: Callable[[av.VideoStream, int, Moment], Segment], before_s: float | None = None
    ) -> None:
        self._opening, self._before_s = opening, before_s
        self._key_every = round((KEY_EVERY_S if before_s is None else CLIP_KEY_EVERY_S) * TICKS)
        self._encoder: Encoder | None = None
        self._segment: Segment | None = None
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._origin: float | None = None
        """When the encoder's ticks were 0; None where the next frame says it anew."""
        self._last_pts = self._last_key = 0
        self._jump = True

    @property
    def is_open(self) -> bool:
        """Whether a file is being written."""
        return self._segment is not None

    def add(self, image: np.ndarray, moment: Moment, wanted: bool) -> bool:
        """Take an (H, W, 3) uint8 BGR image; True when a file grew."""
        if not wanted and self._segment is not None:
            self.end()
        if not wanted and not self._before_s:
            self._jump = True
            return False
        grew = False
        for packet in self._encoded(image, moment):
            grew |= self._put(packet, moment, wanted)
        return grew

    def end(self) -> None:
        """Finish the file; the next one begins with the next frame that is wanted."""
        segment, self._segment = self._segment, None
        self._jump = True
        if segment is not None:
            segment.close()

    def restart(self) -> None:
        """Finish the file, and begin anew with the next frame, as after a jump of the clock.

        The encoder goes on. A new one lies where other memory was in use a moment before, and so holds 2.5 MB of
        buffers that it never fills: in a new program they are reserved and take nothing.
        """
        try:
            self.end()
        finally:
            self._forget_waiting()
            self._origin = None

    def close(self) -> None:
        """Finish the file and give the encoder back."""
        try:
            self.restart()
        finally:
            self._forget_encoder()

    def abandon(self) -> None:
        """Leave the file as it is, after an error."""
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.abandon()
        self._forget_waiting()
        self._forget_encoder()

    def _forget_waiting(self) -> None:
        self._waiting.clear()
        self._waiting_bytes = 0

    def _forget_encoder(self) -> None:
        if self._encoder is not None:
            self._encoder.close()
            self._encoder = None

    def _encoded(self, image: np.ndarray, moment: Moment) -> list[av.Packet]:
        size_wh = image.shape[1], image.shape[0]
        if self._encoder is not None and self._encoder.size_wh != size_wh:
            self.close()
        if self._encoder is None:
            self._encoder = Encoder(size_wh, TICKS // 25)
            self._origin, self._last_pts, self._jump = moment.clock, -1, True
        if self._origin is None:
            self._origin = moment.clock - (self._last_pts + TICKS // 25) / TICKS
        pts = max(round((moment.clock - self._origin) * TICKS), self._last_pts + 1)
        key = self._jump or pts - self._last_key >= self._key_every
        self._jump, self._last_pts = False, pts
        self._last_key = pts if key else self._last_key
        return self._encoder.encode(image, pts, key)

    def _put(self, packet: av.Packet, moment: Moment, wanted: bool) -> bool:
        if self._segment is not None:
            return self._segment.add(packet)
        self._waiting.append(_Waiting(packet, packet.size, moment))
        self._waiting_bytes += packet.size
        if not wanted:
            self._drop_old(moment.clock - self._before_s)
            return False
        return self._begin()

    def _begin(self) -> bool:
        """Open a file with what waits."""
        first = self._waiting[0]
        self._segment = self._opening(self._encoder.stream, first.packet.pts, first.moment)
        grew = False
        while self._waiting:
            grew |= self._segment.add(self._waiting.popleft().packet)
        self._waiting_bytes = 0
        return grew

    def _drop_old(self, earliest: float) -> None:
        """Forget what lies before the last picture to jump to that is not after `earliest`; or more, for memory."""
        keys = [i for i, w in enumerate(self._waiting) if i and w.packet.is_keyframe]
        for number, index in enumerate(keys):
            gone = index - (keys[number - 1] if number else 0)
            if self._waiting[gone].moment.clock > earliest and self._waiting_bytes <= MOST_WAITING_BYTES:
                return
            for _ in range(gone):
                self._waiting_bytes -= self._waiting.popleft().size
