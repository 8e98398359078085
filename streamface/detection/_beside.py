"""Detection beside the loop: where it takes long, a camera's next frame does not wait for it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from streamface.detection.base import Detector
from streamface.geometry import boxes_array, iou
from streamface.pyramid import Pyramid
from streamface.types import Box, Detection

SAME_IOU = 0.3
"""A found face that overlaps a followed one so much is that one."""
AROUND = 0.4 * np.array([(x, y, x, y) for y in (-1, 0, 1) for x in (-1, 0, 1) if x or y])
"""Where else a new face is looked for, in sizes of it: refinement reaches a quarter further."""
KEPT_FRAMES, KEPT_BYTES = 8, 64_000_000
"""Frames kept at most while one is looked at in full: when it takes longer than that, every second one is let go."""
ROUNDS = 4
"""How often new faces are followed through the frames that have come meanwhile: each time there are fewer."""


@dataclass(frozen=True, slots=True)
class Late:
    """What was found in a picture some frames ago."""

    followed: np.ndarray
    """(N, 4) boxes of faces in that picture that lie on those that were followed."""
    on: np.ndarray
    """(N,) on which of these."""
    new: np.ndarray
    """(M, 4) where the other faces should be by now."""
    took_ms: float


class DetectBeside(Detector):
    """`start` begins a full detection in a thread, `take` has what it found once it is there; one at a time.

    New faces are followed, in the thread, through the frames that come meanwhile: so they can be found in the next one.

    Args:
        full: works in the thread, and in the loop while nothing is begun.
        quick: refines in the loop meanwhile; another object of the same kind, since neither is thread-safe.
    """

    can_refine = True

    def __init__(self, full: Detector, quick: Detector) -> None:
        self._full, self._quick = full, quick
        self._thread = ThreadPoolExecutor(1, "streamface-detection")  # begins with the first `start`
        self._begun: Future[Late] | None = None
        self._since: list[np.ndarray] = []
        self._lock = threading.Lock()

    @property
    def is_busy(self) -> bool:
        """Whether a detection was begun that has not been taken."""
        return self._begun is not None

    def start(self, image: np.ndarray, known: Sequence[Box] = ()) -> None:
        """Look for all faces of an (H, W, 3) uint8 BGR image, which stays as it is; the `known` ones are followed."""
        self._since = []
        self._begun = self._thread.submit(self._work, image, boxes_array(known))

    def keep(self, image: np.ndarray) -> None:
        """A frame that came after the one that is being looked at."""
        with self._lock:
            self._since.append(image)
            if len(self._since) > min(KEPT_FRAMES, KEPT_BYTES // image.nbytes):
                del self._since[::2]

    def take(self) -> Late | None:
        """What was found, once; None while it is still looked for, and where nothing was begun."""
        if self._begun is None or not self._begun.done():
            return None
        done, self._begun = self._begun, None
        return done.result()

    def detect(self, image: np.ndarray | Pyramid) -> tuple[Detection, ...]:
        """In the loop; what was begun before is waited for, and not wanted any more."""
        if self._begun is not None:
            self._begun.result()
            self._begun = None
        return self._full.detect(image)

    def refine(self, image: np.ndarray | Pyramid, boxes: Sequence[Box]) -> tuple[Detection | None, ...]:
        return self._free.refine(image, boxes)

    def seek(self, pyramid: Pyramid, places: np.ndarray) -> list[Detection]:
        """Those of (N, 4) new faces that are in this frame where they should be, or around."""
        return [face for face in _sought(self._free, pyramid, places) if face is not None]

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._begun, self._since = None, []
        self._full.close()
        self._quick.close()

    @property
    def _free(self) -> Detector:
        """What the loop may use now: nothing is set up twice where detections never take long."""
        return self._quick if self.is_busy else self._full

    def _work(self, image: np.ndarray, known: np.ndarray) -> Late:
        start = perf_counter()
        found = boxes_array(face.box for face in self._full.detect(image))
        overlap = iou(found, known)
        is_known = overlap.max(axis=1, initial=0.0) >= SAME_IOU
        on = overlap[is_known].argmax(axis=1) if is_known.any() else np.empty(0, np.intp)
        new = self._walked(found[~is_known])
        return Late(found[is_known], on, new, (perf_counter() - start) * 1e3)

    def _walked(self, places: np.ndarray) -> np.ndarray:
        """Where (N, 4) new faces should be in the next frame, without those that are lost on the way to it."""
        expected = places
        for _ in range(ROUNDS):
            for image in self._frames():
                answers = _sought(self._full, Pyramid(image), expected)
                there = [i for i, face in enumerate(answers) if face is not None]
                before, places = places[there], boxes_array(answers[i].box for i in there)
                expected = 2 * places - before
        return expected

    def _frames(self) -> list[np.ndarray]:
        with self._lock:
            frames, self._since = self._since, []
        return frames


def _sought(detector: Detector, pyramid: Pyramid, places: np.ndarray) -> list[Detection | None]:
    """(N, 4) faces where they should be, or around, since nobody knows where they are going."""
    if not len(places):
        return []
    found = list(_refined(detector, pyramid, places))
    if not (gone := [i for i, face in enumerate(found) if face is None]):
        return found
    sizes = np.tile(places[gone, 2:] - places[gone, :2], 2)
    tried = _refined(detector, pyramid, (places[gone, None] + AROUND * sizes[:, None]).reshape(-1, 4))
    for number, i in enumerate(gone):
        seen = [face for face in tried[number * len(AROUND) :][: len(AROUND)] if face is not None]
        found[i] = max(seen, key=lambda face: face.score, default=None)
    return found


def _refined(detector: Detector, pyramid: Pyramid, places: np.ndarray) -> tuple[Detection | None, ...]:
    return detector.refine(pyramid, [Box(*place) for place in places.tolist()])
