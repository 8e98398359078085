"""Detection ahead of the loop: a file's next frames are there already, so their faces can be looked for beside it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter

import numpy as np

from streamface.detection.base import Detector
from streamface.pyramid import Pyramid
from streamface.types import Box, Detection


class DetectAhead(Detector):
    """The same answers as `full`, earlier: `expect` begins a detection in a thread, `detect` waits for it.

    Args:
        full: detects, in the thread alone.
        quick: refines, in the loop; another object of the same kind, since neither is thread-safe.
    """

    def __init__(self, full: Detector, quick: Detector) -> None:
        self._full, self._quick, self.can_refine = full, quick, full.can_refine
        self._thread = ThreadPoolExecutor(1, "streamface-detection")
        self._begun: deque[tuple[Pyramid, Future[tuple[tuple[Detection, ...], float]]]] = deque()

    def expect(self, pyramid: Pyramid) -> None:
        """Begin with an image that `detect` will be asked for, before those that are expected later."""
        self._begun.append((pyramid, self._thread.submit(self._timed, pyramid)))

    def detect(self, image: np.ndarray | Pyramid) -> tuple[Detection, ...]:
        if self._begun and self._begun[0][0] is image:
            answer = self._begun.popleft()[1]
        else:
            answer = self._thread.submit(self._timed, image)
        found, self.beside_ms = answer.result()
        return found

    def refine(self, image: np.ndarray | Pyramid, boxes: Sequence[Box]) -> tuple[Detection | None, ...]:
        return self._quick.refine(image, boxes)

    def _timed(self, image: np.ndarray | Pyramid) -> tuple[tuple[Detection, ...], float]:
        start = perf_counter()
        return self._full.detect(image), (perf_counter() - start) * 1e3

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._begun.clear()
        self._full.close()
        self._quick.close()
