"""The stages for a camera, whose frames do not wait for a long detection: people are followed meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from streamface import geometry
from streamface.analysis import Stopwatch
from streamface.attention import Attention
from streamface.detection._beside import DetectBeside, Late
from streamface.pipeline import Pipeline
from streamface.pyramid import Pyramid
from streamface.scheduler import DetectionSchedule
from streamface.tracking.base import Tracker
from streamface.types import Box, Detection, Track

TWICE_IOU = 0.5
"""Two found faces that come to lie so much on each other are one."""


class LivePipeline(Pipeline):
    """As `Pipeline`, but a full detection that takes long is made beside the loop, and joined with a later frame.

    What it found is first brought up to date: a face that is followed has moved as far as its track, a new one was
    followed by refinement through the frames that have come meanwhile. Both are then refined in the current frame. A
    face that is lost on the way is left to the next detection.

    Args:
        detector, tracker, attention, schedule: as for `Pipeline`.
        waits: asked for each frame whether it must wait for its detection, since somebody in it may have to be covered.
    """

    def __init__(
        self,
        detector: DetectBeside,
        tracker: Tracker,
        attention: Attention,
        schedule: DetectionSchedule,
        waits: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(detector, tracker, attention, schedule)
        self._beside, self._waits = detector, waits
        self._boxes: dict[int, Box] = {}
        """Of the tracks that were seen in the last frame."""
        self._then: dict[int, Box] = {}
        """The same in the frame that is looked at in full."""

    def _follow(
        self, index: int, pyramid: Pyramid, watch: Stopwatch
    ) -> tuple[tuple[Track, ...], tuple[Box, ...] | None]:
        if self._waits() or not (self._beside.is_busy or self._schedule.is_long):
            tracks, found = super()._follow(index, pyramid, watch)
            self._boxes = _seen(tracks)
            return tracks, found
        tracks, found = self._joined(index, pyramid, watch)
        self._boxes = _seen(tracks)
        if self._beside.is_busy:
            self._beside.keep(pyramid.image)
        elif self._schedule.detects(index, self._tracker.wants_detection):
            self._start(pyramid.image)
        return tracks, found

    def _start(self, image: np.ndarray) -> None:
        self._then = self._boxes
        self._beside.start(image, list(self._then.values()))

    def _joined(
        self, index: int, pyramid: Pyramid, watch: Stopwatch
    ) -> tuple[tuple[Track, ...], tuple[Box, ...] | None]:
        """The tracks in this frame, and the faces of a full detection that has ended."""
        with watch("track"):
            expected = self._tracker.predict(index)
        late = self._beside.take()
        if late is None:
            with watch("refine"):
                answers = self._beside.refine(pyramid, expected)
            with watch("track"):
                return self._tracker.refine(answers, index), None
        watch.add("detect", late.took_ms)
        self._schedule.detected(late.took_ms)
        with watch("refine"):
            detections = self._up_to_date(late, pyramid)
        with watch("track"):
            return self._tracker.update(detections, index), tuple(face.box for face in detections)

    def _up_to_date(self, late: Late, pyramid: Pyramid) -> list[Detection]:
        """The faces where they are in this frame, best score first."""
        followed, lost = moved(late, self._then, self._boxes)
        found = [face for face in self._beside.refine(pyramid, followed) if face is not None]
        found += self._beside.seek(pyramid, np.concatenate([lost, late.new]))
        boxes, scores = geometry.boxes_array(face.box for face in found), np.array([face.score for face in found])
        return [found[i] for i in geometry.suppress(boxes, scores, TWICE_IOU)]


def _seen(tracks: Sequence[Track]) -> dict[int, Box]:
    return {track.id: track.detection.box for track in tracks if not track.missed}


def moved(late: Late, then: Mapping[int, Box], now: Mapping[int, Box]) -> tuple[list[Box], np.ndarray]:
    """The boxes of followed faces, each moved and grown as the track did on which it lay; (N, 4) others as they are.

    then and now: boxes of tracks, by number, in the frame of `late` and in the current one.
    """
    tracks = [list(then)[number] for number in late.on]
    still = np.array([track in now for track in tracks], dtype=bool)
    before, after = (geometry.boxes_array(boxes[t] for t in tracks if t in now) for boxes in (then, now))
    return [Box(*place) for place in (late.followed[still] + after - before).tolist()], late.followed[~still]
