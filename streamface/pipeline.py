"""One frame in, one result out: detect or refine, track, look at some faces, join."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

import numpy as np

from streamface.analysis import Stopwatch
from streamface.attention import Attention
from streamface.detection.base import Detector
from streamface.pyramid import Pyramid
from streamface.scheduler import DetectionSchedule
from streamface.tracking.base import Tracker
from streamface.types import Box, Frame, FrameResult, Track


class Pace(Enum):
    """How frames come, and so what may work beside the loop."""

    STEP = "one at a time"
    """From a program that wants each answer at once: nothing works beside."""
    FILE = "all there"
    """A video: detection and analysis run ahead of the answers, every frame counts, nothing depends on time."""
    STILLS = "all there, each on its own"
    """Pictures: as a video, but each is detected in full and everybody in it is looked at."""
    LIVE = "whether read or not"
    """A camera: the analysis runs beside and answers when it is ready; frames may be dropped."""

    @property
    def is_ahead(self) -> bool:
        """True where later frames are there already."""
        return self in (Pace.FILE, Pace.STILLS)

    @property
    def lag(self) -> int:
        """Frames between following people and telling what was seen of them, in which their faces are analysed."""
        return 2 if self.is_ahead else 0


@dataclass(frozen=True, slots=True)
class Postponed:
    """Work that was due and had to wait for a later frame, each piece counted once."""

    looks: int = 0
    detections: int = 0


@dataclass(frozen=True, slots=True)
class Followed:
    """A frame whose people are followed, and perhaps asked for, but not joined with the answers yet."""

    frame: Frame
    tracks: tuple[Track, ...]
    taken: int
    """Requests for this frame."""
    dropped: int
    watch: Stopwatch
    found: tuple[Box, ...] | None
    """Faces of a full detection; None where there was none."""


class Pipeline:
    """The stages in order; not thread-safe, one thread at a time.

    `step` is all there is to it for one frame. Where later frames are there already, `expect` and `begin` may run
    some frames ahead of `finish`, so that detection and analysis work beside the loop: each is called once for
    each frame, in order, and the results are those of `step` but for looks, which are chosen with what was known
    some frames before.

    Args:
        detector: finds faces, and refines them where it can.
        tracker: gives them numbers.
        attention: gives them names and attributes.
        schedule: on which frames faces are looked for in the whole picture.
    """

    def __init__(self, detector: Detector, tracker: Tracker, attention: Attention, schedule: DetectionSchedule) -> None:
        self._detector, self._tracker, self._attention, self._schedule = detector, tracker, attention, schedule
        self._ahead: deque[tuple[int, Pyramid]] = deque()

    def step(self, frame: Frame, dropped: int = 0) -> FrameResult:
        """Everything that is known after one more frame, before which `dropped` frames were skipped."""
        return self.finish(self.begin(frame, dropped))

    def expect(self, frame: Frame) -> None:
        """A frame that `begin` will be called with: its faces are looked for already, where that is sure to be due."""
        pyramid = Pyramid(frame.image)
        self._ahead.append((frame.index, pyramid))
        if self._schedule.is_sure(frame.index) or not self._detector.can_refine:
            self._detector.expect(pyramid)

    def begin(self, frame: Frame, dropped: int = 0) -> Followed:
        """Follow the people in one more frame, and ask for looks at some of them."""
        pyramid, watch = self._pyramid(frame), Stopwatch()
        self._tracker.size_wh = frame.size_wh
        tracks, found = self._follow(frame.index, pyramid, watch)
        taken = self._attention.ask(frame, pyramid, tracks, watch)
        return Followed(frame, tracks, taken, dropped, watch, found)

    def finish(self, followed: Followed) -> FrameResult:
        """Everything that is known after the oldest frame that was begun and not finished yet."""
        faces = self._attention.learn(followed.taken, followed.tracks, followed.watch)
        for handover in self._attention.handovers():
            self._tracker.hand_over(handover.track, handover.owner)
        return FrameResult(followed.frame, faces, followed.watch.take(), followed.dropped, followed.found)

    def look(self, image: np.ndarray) -> tuple[Box, ...]:
        """The faces of an (H, W, 3) uint8 BGR image, looked for in the whole picture; nobody is followed by it."""
        return tuple(found.box for found in self._detector.detect(Pyramid(image)))

    def _pyramid(self, frame: Frame) -> Pyramid:
        if self._ahead and self._ahead[0][0] == frame.index:
            return self._ahead.popleft()[1]
        return Pyramid(frame.image)

    def _follow(
        self, index: int, pyramid: Pyramid, watch: Stopwatch
    ) -> tuple[tuple[Track, ...], tuple[Box, ...] | None]:
        """The tracks, and the faces of a full detection where one was made."""
        with watch("track"):
            expected = self._tracker.predict(index)
        is_wanted = self._tracker.wants_detection
        if not self._detector.can_refine or self._schedule.detects(index, is_wanted):
            with watch("detect"):
                detections = self._detector.detect(pyramid)
            watch.correct("detect", self._detector.beside_ms)
            self._schedule.detected(watch["detect"])
            with watch("track"):
                return self._tracker.update(detections, index), tuple(found.box for found in detections)
        with watch("refine"):
            answers = self._detector.refine(pyramid, expected)
        with watch("track"):
            return self._tracker.refine(answers, index), None

    @property
    def postponed(self) -> Postponed:
        """Work that was due and had to wait for a later frame, so far."""
        return Postponed(self._attention.postponed, self._schedule.postponed)

    def close(self) -> None:
        """End what runs beside the loop, and give back the networks."""
        self._attention.close()
        self._detector.close()
        self._ahead.clear()
