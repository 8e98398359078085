"""Scoring a tracker against the truth with motmetrics (Bernardin and Stiefelhagen 2008; Ristani et al. 2016)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.scenes import Truth
from streamface.geometry import boxes_array, iou
from streamface.types import Track

COUNTED = 0.5
"""Faces of which less is in view are neither demanded nor held against a tracker."""
GONE = 0.25
"""Faces of which less is in view cannot be found at all."""
SAME_IOU = 0.4
"""Least overlap of a face with a track that follows it."""
METRICS = ("mota", "idf1", "num_switches", "num_fragmentations", "num_misses", "num_false_positives", "num_objects")


class Score:
    """Counts frame by frame; give `frame` what was true and what the tracker said.

    Args:
        max_missed: a face that could not be found for more frames than this counts as a new person after.
    """

    def __init__(self, max_missed: int = 25) -> None:
        import motmetrics

        self._library, self._max_missed = motmetrics, max_missed
        self.accumulator = motmetrics.MOTAccumulator(auto_id=True)
        self._index = -1
        self._stays: dict[int, tuple[int, int]] = {}  # person -> number of the stay, last frame in view

    def frame(self, faces: Sequence[Truth], tracks: Sequence[Track]) -> None:
        """One frame; tracks that were not seen in it do not count."""
        self._index += 1
        for face in faces:
            self._notice(face)
        tracks = [t for t in tracks if not t.missed]
        counted = [f for f in faces if f.visible >= COUNTED]
        hidden = [f for f in faces if f.visible < COUNTED]
        boxes = boxes_array(t.detection.box for t in tracks)
        overlap, excused = (iou(boxes_array(f.box for f in part), boxes) for part in (counted, hidden))
        best, best_excused = overlap.max(0, initial=0), excused.max(0, initial=0)
        kept = ~((best_excused >= SAME_IOU) & (best < SAME_IOU))
        distance = np.where(overlap >= SAME_IOU, 1 - overlap, np.nan)[:, kept]
        ids = [t.id for t, k in zip(tracks, kept, strict=True) if k]
        self.accumulator.update([self._number(f.person) for f in counted], ids, distance)

    def _notice(self, face: Truth) -> None:
        if face.visible >= GONE:
            stay, seen = self._stays.get(face.person, (0, self._index))
            self._stays[face.person] = stay + (self._index - seen > self._max_missed), self._index

    def _number(self, person: int) -> int:
        return 1000 * person + self._stays[person][0]

    def result(self) -> dict[str, float]:
        """`METRICS` by name."""
        host = self._library.metrics.create()
        return host.compute(self.accumulator, metrics=list(METRICS), return_dataframe=False)


def total(scores: Sequence[Score]) -> dict[str, float]:
    """`METRICS` over several clips together."""
    library = scores[0]._library
    host = library.metrics.create()
    table = host.compute_many([s.accumulator for s in scores], metrics=list(METRICS), generate_overall=True)
    return table.loc["OVERALL"].to_dict()
