"""A plain tracker to compare with: each face goes to the track whose last box it overlaps most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streamface.geometry import boxes_array, iou
from streamface.tracking.base import Tracker
from streamface.types import Box, Detection, Track

LEAST_IOU = 0.3


class GreedyIou(Tracker):
    """No motion, no confirmation: as Bochinski et al., "High-Speed Tracking-by-Detection Without Using Image
    Information", AVSS 2017, with tracks kept for `max_missed` frames."""

    def __init__(self, max_missed: int) -> None:
        self._max_missed, self._last_id = max_missed, 0
        self._seen: dict[int, tuple[Detection, int]] = {}  # id -> where and at which index

    def predict(self, index: int) -> tuple[Box, ...]:
        return tuple(detection.box for detection, _ in self._seen.values())

    def update(self, detections: Sequence[Detection], index: int) -> tuple[Track, ...]:
        overlap = iou(boxes_array(self.predict(index)), boxes_array(d.box for d in detections))
        ids, free = list(self._seen), set(range(len(detections)))
        for k in np.argsort(-overlap, axis=None, kind="stable"):
            i, j = divmod(int(k), len(detections))
            if overlap[i, j] >= LEAST_IOU and j in free and self._seen[ids[i]][1] < index:
                self._seen[ids[i]] = detections[j], index
                free.discard(j)
        for j in sorted(free):
            self._last_id += 1
            self._seen[self._last_id] = detections[j], index
        return self._tracks(index)

    def refine(self, answers: Sequence[Detection | None], index: int) -> tuple[Track, ...]:
        for number, answer in zip(list(self._seen), answers, strict=True):
            if answer is not None:
                self._seen[number] = answer, index
        return self._tracks(index)

    @property
    def wants_detection(self) -> bool:
        return False

    def _tracks(self, index: int) -> tuple[Track, ...]:
        self._seen = {n: (d, at) for n, (d, at) in self._seen.items() if index - at <= self._max_missed}
        return tuple(Track(n, d, index + 1, index - at) for n, (d, at) in self._seen.items())
