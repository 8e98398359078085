"""Looking at people: asks for the looks that the scheduler chose, and joins the answers into memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from streamface.alignment import quality
from streamface.analysis import FaceAnalysis, Request, Stopwatch
from streamface.handover import Handover
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

    For each frame `ask`, then `learn`; several frames may be asked for before the first one is learnt from.

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
        self._budget = scheduler.budget
        self._in_flight: deque[set[int]] = deque()

    def ask(self, frame: Frame, pyramid: Pyramid, tracks: Sequence[Track], watch: Stopwatch) -> int:
        """Ask for the looks that are due in this frame, whose image `pyramid` holds; how many requests were taken."""
        self._in_flight.append({track.id for track in tracks})
        self._memory.keep(set().union(*self._in_flight))
        self._budget.begin(frame.index, frame.captured_at)
        at = clock(frame)
        with watch("match"):
            self._memory.refresh(at)
            self._memory.watch(tracks)
        taken = 0
        for look in self._scheduler.choose(tracks, self._memory, at):
            if self._ask_for(look, pyramid, at, watch):
                taken += 1
            else:
                self._budget.give_back()
        return taken

    def learn(self, taken: int, tracks: Sequence[Track], watch: Stopwatch) -> tuple[FaceResult, ...]:
        """Join answers into memory, and say what is known of each track of the oldest frame asked for.

        taken: what `ask` returned for that frame; tracks: those given to it.
        """
        answers = self._worker.collect(taken)
        for answer in answers:
            for stage, spent_ms in answer.timings.items():
                watch.add(stage, spent_ms)
            self._budget.answered(answer.request.kinds, sum(answer.timings.values()))
        if answers:
            with watch("match"):
                self._memory.learn(answers)
        self._in_flight.popleft()
        return tuple(self._memory.result(track) for track in tracks)

    def handovers(self) -> list[Handover]:
        """Tracks that were found to show somebody else, since the last call."""
        found, self._memory.handovers = self._memory.handovers, []
        return found

    def _ask_for(self, look: Look, pyramid: Pyramid, at: float, watch: Stopwatch) -> bool:
        """False when the view is too poor, or there is no room for a request."""
        with watch("align"):
            face = self._analysis.cut(pyramid, look.track.detection)
            good = quality(look.track.detection, face)
        known = self._memory[look.track.id]
        if self._waits_for_better(known, good, at):
            known.tried_at = at
            return False
        if not self._worker.submit(Request(look.track.id, face, good, at, look.identity, look.actions)):
            return False
        known.asked(look.kinds, at)
        if look.identity:
            known.see(pyramid.image, look.track.detection.box, good)
        known.waiting = not self._worker.is_ordered  # an ordered answer comes in time for the track's next look
        return True

    def _waits_for_better(self, known: TrackMemory, good: float, at: float) -> bool:
        if good >= self._min_quality or known.quality is None or known.analyzed_at is None:
            return False
        return good < WORSE * known.quality and abs(at - known.analyzed_at) < RETRY_S

    @property
    def postponed(self) -> int:
        """Looks that were due and had to wait for a later frame, so far."""
        return self._scheduler.postponed

    def close(self) -> None:
        """End the worker, then the networks that it ran."""
        self._worker.close()
        self._memory.close()
        self._analysis.close()


def clock(frame: Frame) -> float:
    """The time that decides when to look again: of the medium for a file, of the camera for a live source."""
    return frame.captured_at if frame.media_time is None else frame.media_time
