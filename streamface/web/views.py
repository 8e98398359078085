"""What the pages see of each camera: the newest result, and its picture as JPEG, made once however many look."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np

from streamface.sinks.base import Sink
from streamface.sinks.visits import LEAVE_AFTER_S, Visits
from streamface.types import FrameResult

QUALITY = 80
"""Of JPEG, 0..100."""
MOST_FPS = 25.0
"""Pictures a second that a viewer gets at most; all get the same ones, so that each is encoded once."""
EARLY_S = 0.012
"""A result that comes so long before viewers may get another picture is drawn for them, a sooner one is not."""
MOST_SHARED = 8
"""Sizes of a picture that are kept while viewers get it."""


class _Shared:
    """Something made of a result, such as its picture in one size."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.version: int | None = None
        self.data: bytes | str | None = None


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
        self._newest = self._next = self._shown = Snapshot(0)
        self._due_at = 0.0
        self._shared: dict[object, _Shared] = {}
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._drawn_for = 0

    @property
    def wants_image(self) -> bool:
        """True while somebody looks at the picture with its labels, for as many results as viewers get."""
        return self._drawn_for > 0 and time.monotonic() >= self._due_at - EARLY_S

    def write(self, result: FrameResult, image: np.ndarray | None) -> None:
        """Take the newest result."""
        if not result.frame.repeated:
            self._visits.update(result)
        with self._lock:
            self._newest = Snapshot(self._newest.version + 1, result, image, self._visits.since)
            if image is None and self._drawn_for:
                return  # not drawn, because it comes too soon for viewers
            self._next = self._newest
            waiting = list(self._waiting)
        for loop, event in waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    @property
    def newest(self) -> Snapshot:
        """The newest result."""
        return self._newest

    async def next(self, version: int, timeout_s: float) -> Snapshot:
        """A result newer than `version` once there is one, the same for all viewers and at most `MOST_FPS` a second;
        the one that was shown last after `timeout_s` without."""
        mine = loop, event = asyncio.get_running_loop(), asyncio.Event()
        with self._lock:
            self._waiting.add(mine)
        alarm = loop.call_later(timeout_s, event.set)
        try:
            if self._next.version <= version:
                await event.wait()
            while (wait_s := self._show()) > 0 and self._shown.version <= version:
                await asyncio.sleep(wait_s)
        finally:
            alarm.cancel()
            with self._lock:
                self._waiting.discard(mine)
        return self._shown

    def _show(self) -> float:
        """Let viewers have the newest result when it is time for another one; seconds until then, 0 where it was."""
        with self._lock:
            now = time.monotonic()
            if now < self._due_at:
                return self._due_at - now
            if self._shown is not self._next:
                self._shown, self._due_at = self._next, now + 1 / MOST_FPS
                self._shared = {}
            return 0.0

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
        return self.once(snapshot, (drawn, width), lambda: _jpeg(image, width))

    def ready(self, snapshot: Snapshot, drawn: bool, width: int) -> bytes | None:
        """The same where somebody has asked for it already; None where it has to be made."""
        with self._lock:
            shared = self._shared.get((drawn, width))
        return shared.data if shared is not None and shared.version == snapshot.version else None

    def once(self, snapshot: Snapshot, key: object, make: Callable[[], bytes | str]) -> bytes | str:
        """What `make` gives: whoever wants it of a snapshot first makes it, and all others wait for that."""
        with self._lock:
            if len(self._shared) >= MOST_SHARED:
                self._shared = {}
            shared = self._shared.setdefault(key, _Shared())
        with shared.lock:
            if shared.version != snapshot.version:
                shared.version, shared.data = None, make()
                shared.version = snapshot.version
            return shared.data


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
    """Halved as often as it goes, which is exact and fast, then linearly: a tenth of the time of areas at once."""
    height = max(1, round(image.shape[0] * width / image.shape[1]))
    while image.shape[1] >= 2 * width and min(image.shape[:2]) > 1:
        image = cv2.resize(image, (image.shape[1] // 2, image.shape[0] // 2), interpolation=cv2.INTER_AREA)
    if image.shape[1] > width:
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
