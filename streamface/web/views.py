"""What the pages see of each camera: the newest result, and its picture as JPEG, made once however many look."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np

from streamface.sinks.base import Sink
from streamface.sinks.visits import LEAVE_AFTER_S, Visits
from streamface.types import FrameResult

QUALITY = 80
"""Of JPEG, 0..100."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The newest result of a camera."""

    version: int
    """Counts results from 1; 0 before the first."""
    result: FrameResult | None = None
    image: np.ndarray | None = None
    """(H, W, 3) uint8 BGR with labels drawn; None while nobody looks at it that way."""
    since: Mapping[int, float] = field(default_factory=dict)
    """Track -> when the person came into view, in seconds since 1970; a lost track that is found again is no
    newcomer."""


class View(Sink):
    """The newest result of one camera, for any number of viewers.

    The camera's thread only puts a reference here: scaling and encoding happen in the threads that ask, once for
    each size, so that viewers, slow ones too, cost the analysis nothing but the processor's time.
    """

    wants_repeated = True

    def __init__(self, camera: str, leave_after_s: float = LEAVE_AFTER_S) -> None:
        self.camera = camera
        self._visits = Visits(leave_after_s)
        self._lock = threading.Lock()
        self._newest = Snapshot(0)
        self._encoded: dict[tuple[bool, int], bytes] = {}
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._drawn_for = 0

    @property
    def wants_image(self) -> bool:
        """True while somebody looks at the picture with its labels."""
        return self._drawn_for > 0

    def write(self, result: FrameResult, image: np.ndarray | None) -> None:
        """Take the newest result."""
        if not result.frame.repeated:
            self._visits.update(result)
        with self._lock:
            self._newest = Snapshot(self._newest.version + 1, result, image, self._visits.since)
            self._encoded.clear()
            waiting = list(self._waiting)
        for loop, event in waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    @property
    def newest(self) -> Snapshot:
        """The newest result."""
        return self._newest

    async def next(self, version: int, timeout_s: float) -> Snapshot:
        """The newest result once it is newer than `version`, or the same again after `timeout_s`."""
        mine = asyncio.get_running_loop(), asyncio.Event()
        with self._lock:
            self._waiting.add(mine)
        try:
            if self._newest.version <= version:
                await asyncio.wait_for(mine[1].wait(), timeout_s)
        except TimeoutError:
            pass
        finally:
            with self._lock:
                self._waiting.discard(mine)
        return self._newest

    def look(self, drawn: bool) -> Looking:
        """A viewer's presence, as a context manager: pictures with labels are drawn only while somebody wants them."""
        return Looking(self, drawn)

    def _count(self, change: int) -> None:
        with self._lock:
            self._drawn_for += change

    def jpeg(self, snapshot: Snapshot, drawn: bool, width: int) -> bytes | None:
        """The picture, at most `width` pixels wide, as JPEG; None where there is none. Slow: not for an event loop."""
        if snapshot.result is None:
            return None
        image = snapshot.image if drawn and snapshot.image is not None else snapshot.result.frame.image
        key = drawn, width
        with self._lock:
            if snapshot.version == self._newest.version and key in self._encoded:
                return self._encoded[key]
        data = _jpeg(image, width)
        with self._lock:
            if snapshot.version == self._newest.version:
                self._encoded[key] = data
        return data


class Looking:
    """See `View.look`."""

    def __init__(self, view: View, drawn: bool) -> None:
        self._view, self._drawn = view, drawn

    def __enter__(self) -> Looking:
        self._view._count(int(self._drawn))
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._view._count(-int(self._drawn))


def _jpeg(image: np.ndarray, width: int) -> bytes:
    if image.shape[1] > width:
        height = max(1, round(image.shape[0] * width / image.shape[1]))
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
