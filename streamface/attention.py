"""Looking at people: asks for the looks that the scheduler chose, and joins the answers into memory."""

from __future__ import annotations

from collections.abc import Sequence

from streamface.alignment import quality
from streamface.analysis import FaceAnalysis, Request, Stopwatch
from streamface.memory import Memory, TrackMemory
from streamface.pyramid import Pyramid
from streamface.scheduler import Look, Scheduler
from streamface.types import FaceResult, Frame, Track
from streamface.workers import Worker

RETRY_S = 1.0
"""A person seen only in poor views is looked at all the same, this often."""
WORSE = 0.8
"""A poor view of less than this share of the last one's quality is left for a better one."""


class Attention:
    """What is known of the people in view, and the looks that keep it fresh.

    Args:
        analysis: cuts faces here; its networks run in the worker.
        worker: answers requests.
        memory: what is known of each track.
        scheduler: whom to look at.
        min_quality: least quality of a view that is taken without waiting for a better one.
    """

    def __init__(
        self, analysis: FaceAnalysis, worker: Worker, memory: Memory, scheduler: Scheduler, min_quality: float
    ) -> None:
        self._analysis, self._worker = analysis, worker
        self._memory, self._scheduler, self._min_quality = memory, scheduler, min_quality

    def step(self, frame: Frame, pyramid: Pyramid, tracks: Sequence[Track], watch: Stopwatch) -> tuple[FaceResult, ...]:
        """Ask, learn, and say what is known of each track in this frame, whose image `pyramid` holds."""
        self._memory.keep(track.id for track in tracks)
        with watch("match"):
            self._memory.refresh(clock(frame))
        self._ask(clock(frame), pyramid, tracks, watch)
        self._learn(watch)
        return tuple(self._memory.result(track) for track in tracks)

    def _ask(self, at: float, pyramid: Pyramid, tracks: Sequence[Track], watch: Stopwatch) -> None:
        for look in self._scheduler.choose(tracks, self._memory, at):
            self._ask_for(look, pyramid, at, watch)

    def _ask_for(self, look: Look, pyramid: Pyramid, at: float, watch: Stopwatch) -> None:
        with watch("align"):
            face = self._analysis.cut(pyramid, look.track.detection)
            good = quality(look.track.detection, face)
        known = self._memory[look.track.id]
        if self._waits_for_better(known, good, at):
            return
        if self._worker.submit(Request(look.track.id, face, good, at, look.identity, look.actions)):
            known.asked((("identity",) if look.identity else ()) + look.actions, at)

    def _waits_for_better(self, known: TrackMemory, good: float, at: float) -> bool:
        if good >= self._min_quality or known.quality is None or known.analyzed_at is None:
            return False
        return good < WORSE * known.quality and at - known.analyzed_at < RETRY_S

    def _learn(self, watch: Stopwatch) -> None:
        for answer in self._worker.collect():
            for stage, spent_ms in answer.timings.items():
                watch.add(stage, spent_ms)
            with watch("match"):
                self._memory.learn(answer)

    def close(self) -> None:
        """End the worker, then the networks that it ran."""
        self._worker.close()
        self._analysis.close()


def clock(frame: Frame) -> float:
    """The time that decides when to look again: of the medium for a file, of the camera for a live source."""
    return frame.captured_at if frame.media_time is None else frame.media_time
