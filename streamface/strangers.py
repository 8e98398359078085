"""Which stranger a track shows: views gathered until they agree, then a number for as long as the track lasts."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future
from dataclasses import dataclass

import cv2
import numpy as np

from streamface.gallery.distances import distance
from streamface.gallery.stranger_desk import StrangerDesk
from streamface.gallery.stranger_store import View
from streamface.gallery.strangers import Evidence
from streamface.types import Box, Match, Stranger, readonly

GOOD = 0.4
"""Least quality of a view that may speak for a number: poorer ones look like everybody."""
VIEWS, SPAN_S = 3, 0.4
"""So many good views, over so long, must agree before there is a number."""
LAST_VIEWS = 8
"""With so many, no better ones are waited for."""
MOST_TRIES = 20
"""After so many views, poor ones among them, there is no hurry any more."""
CLEAR = 1.1
"""Somebody within this multiple of the threshold of a known person may be that person in poor light: `LAST_VIEWS` are
waited for. From `python -m benchmarks.strangers`."""
AROUND = 0.6
"""Of a face's size, what a kept picture shows on each side of it, so that the face can be found in it again."""
LONGEST_PX = 480
"""Longest side of a kept picture."""
JPEG_QUALITY = 90


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A face cut out of a frame."""

    image: np.ndarray
    """(H, W, 3) uint8 BGR, read-only."""
    quality: float

    def jpeg(self) -> bytes:
        """As a file."""
        return cv2.imencode(".jpg", self.image, (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))[1].tobytes()


def snapshot(image: np.ndarray, box: Box, quality: float) -> Snapshot | None:
    """What a frame, (H, W, 3) uint8 BGR, shows around a face; None for a face outside it."""
    height, width = image.shape[:2]
    around = box.padded(AROUND).clipped(width, height)
    left, top, right, bottom = (round(side) for side in (around.left, around.top, around.right, around.bottom))
    part = image[top:bottom, left:right]
    if not part.size:
        return None
    scale = min(1.0, LONGEST_PX / max(part.shape[:2]))
    size_wh = max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))
    small = part.copy() if scale == 1.0 else cv2.resize(part, size_wh, interpolation=cv2.INTER_AREA)
    return Snapshot(readonly(small), quality)


class StrangerVotes:
    """The good views of one track without a name, and the number that follows from them."""

    def __init__(self, desk: StrangerDesk) -> None:
        self._desk = desk
        self._begin()

    def _begin(self) -> None:
        self._views, self._tries = _Views(), 0
        self._asked: Future[Stranger | None] | None = None
        self._shown: Stranger | None = None
        self._snapshot: Snapshot | None = None

    @property
    def shown(self) -> Stranger | None:
        """The stranger, as soon as it is decided."""
        if self._asked is not None and self._asked.done():
            self._shown, self._asked = self._asked.result(), None
        return self._shown

    @property
    def is_settled(self) -> bool:
        """True when no more views are needed soon."""
        return self.shown is not None or self._views.count >= LAST_VIEWS or self._tries >= MOST_TRIES

    def wants_snapshot(self, quality: float) -> bool:
        """Whether a view of this quality would make a better picture."""
        best = 0.0 if self._snapshot is None else self._snapshot.quality
        return self._desk.pictures and quality >= GOOD and quality > best

    def keep(self, picture: Snapshot | None) -> None:
        """Take the best picture so far."""
        self._snapshot = picture or self._snapshot

    def add(self, vector: np.ndarray, quality: float, at: float, match: Match, taken: Collection[int]) -> None:
        """Take a (D,) embedding of somebody of whom the gallery says `match`: nobody known.

        taken: numbers of the other people in the picture.
        """
        self._tries += 1
        if quality < GOOD:
            return
        self._views.add(vector, quality, at, match)
        if self.shown is not None or self._asked is not None or not self._views.agree(at):
            return
        last = self._views.count >= LAST_VIEWS
        if match.distance <= CLEAR * match.threshold and not last:
            return
        self._asked = self._desk.ask(Evidence(self._view(), at, self._desk.live, taken, last))

    def drop(self) -> None:
        """Forget what was seen, and keep nothing of it."""
        self._begin()

    def finish(self) -> None:
        """The track is over, or shows somebody else from now on."""
        if self.shown is not None:
            self._desk.left(self.shown, self._view(), self._views.last_at)
        self._begin()

    def _view(self) -> View:
        picture = self._snapshot and self._snapshot.jpeg()
        return View(self._views.mean, self._views.best, picture, self._views.agreement)


class _Views:
    """Good views that resemble each other."""

    def __init__(self) -> None:
        self._sum: np.ndarray | float = 0.0
        self._directions: np.ndarray | float = 0.0
        self._weight = self.best = self.first_at = self.last_at = 0.0
        self.count = 0

    @property
    def mean(self) -> np.ndarray:
        """(D,) float32."""
        return np.float32(self._sum / self._weight)

    @property
    def agreement(self) -> float:
        """Length of the mean of the views' directions, 0..1."""
        return min(1.0, float(np.linalg.norm(self._directions)) / self._weight)

    def add(self, vector: np.ndarray, quality: float, at: float, match: Match) -> None:
        """Take a view; one that does not resemble those before begins anew, while there is no number yet."""
        if self.count and distance(self.mean, vector, match.metric) > match.threshold:
            if self.count >= VIEWS:
                return  # many against one
            self.__init__()
        if not self.count:
            self.first_at = at
        self._sum, self._weight = self._sum + vector * quality, self._weight + quality
        self._directions = self._directions + vector * (quality / max(float(np.linalg.norm(vector)), 1e-12))
        self.best, self.last_at = max(self.best, quality), at
        self.count += 1

    def agree(self, at: float) -> bool:
        """Whether there are enough, over long enough."""
        return self.count >= VIEWS and at - self.first_at >= SPAN_S
