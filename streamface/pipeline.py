"""One frame in, one result out: detect or refine, track, look at some faces, join."""

from __future__ import annotations

from streamface.analysis import Stopwatch
from streamface.attention import Attention
from streamface.detection.base import Detector
from streamface.pyramid import Pyramid
from streamface.tracking.base import Tracker
from streamface.types import Frame, FrameResult, Track

SOONEST = 2
"""Frames between two full detections at the least, however much the tracker asks for one."""


class Pipeline:
    """The stages in order; not thread-safe, one thread at a time.

    Args:
        detector: finds faces, and refines them where it can.
        tracker: gives them numbers.
        attention: gives them names and attributes.
        detect_every: frames between two full detections.
    """

    def __init__(self, detector: Detector, tracker: Tracker, attention: Attention, detect_every: int) -> None:
        self._detector, self._tracker, self._attention = detector, tracker, attention
        self._detect_every = detect_every
        self._detected_at: int | None = None
        self._watch = Stopwatch()

    def step(self, frame: Frame, dropped: int = 0) -> FrameResult:
        """Everything that is known after one more frame, before which `dropped` frames were skipped."""
        pyramid = Pyramid(frame.image)
        self._tracker.size_wh = frame.size_wh
        tracks = self._follow(frame.index, pyramid)
        faces = self._attention.step(frame, pyramid, tracks, self._watch)
        return FrameResult(frame, faces, self._watch.take(), dropped)

    def _follow(self, index: int, pyramid: Pyramid) -> tuple[Track, ...]:
        with self._watch("track"):
            expected = self._tracker.predict(index)
        if self._is_due(index):
            self._detected_at = index
            with self._watch("detect"):
                detections = self._detector.detect(pyramid)
            with self._watch("track"):
                return self._tracker.update(detections, index)
        with self._watch("refine"):
            answers = self._detector.refine(pyramid, expected)
        with self._watch("track"):
            return self._tracker.refine(answers, index)

    def _is_due(self, index: int) -> bool:
        if self._detected_at is None or not self._detector.can_refine:
            return True
        since = index - self._detected_at
        return since >= self._detect_every or (since >= SOONEST and self._tracker.wants_detection)

    def close(self) -> None:
        """End what runs beside the loop, and give back the networks."""
        self._attention.close()
        self._detector.close()
