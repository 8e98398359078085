"""People and cameras as events: who appeared, was recognised, changed, left; which camera was lost and came back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from streamface.errors import OutputError
from streamface.sinks.base import Sink
from streamface.sinks.best_view import BestViews
from streamface.sinks.event_output import EventOutput, row, utc
from streamface.sinks.visit_events import CAMERA_BACK, CAMERA_LOST, LEFT, Event
from streamface.sinks.visits import Visits
from streamface.types import LIVE, LOST, FrameResult, SourceEvent

NAME = "events"
ENDINGS = (".jsonl", ".csv", ".sqlite")
SEEN_EVERY_S = 10.0
"""Seconds between two notes that a visit goes on."""
EXPIRE_EVERY_S = 600.0
"""Seconds between two looks for events that are too old."""

log = logging.getLogger(__name__)


def to_file(path: Path) -> EventOutput:
    """The output for a file, by its ending: one of `ENDINGS`.

    Raises `OutputError` for another ending or a place that cannot be written to.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise OutputError(f"{path}: events are written to {', '.join(ENDINGS)}; end the name in one of them")
    if ending == ".sqlite":
        from streamface.sinks.event_store import EventStore

        return EventStore(path)
    from streamface.sinks.event_file import EventFile

    return EventFile(path)


class EventsSink(Sink):
    """Makes events of the results of one camera and hands them to each output; at the end everybody leaves.

    An output that fails is closed and named in `failures`, and the others go on; when the last one fails, `write`
    raises.

    Args:
        outputs: where the events go.
        visits: what makes the events of people; None: with the default pauses.
        views: keeps the best picture of each visit; None: none are kept.
        clock: seconds since 1970, asked while a camera gives no frames, which would tell the time.
        keep_days: days after which events and visits are deleted; None: never.
    """

    wants_repeated = True

    def __init__(
        self,
        outputs: Sequence[EventOutput],
        visits: Visits | None = None,
        views: BestViews | None = None,
        clock: Callable[[], float] = time.time,
        keep_days: float | None = None,
    ) -> None:
        self._outputs = list(outputs)
        self._visits, self._views, self._clock = visits or Visits(kept=0), views, clock
        self._camera = _Camera()
        self._keep_days, self._expired_at = keep_days, float("-inf")
        self._seen_at = 0.0
        self._erased: frozenset[str] = frozenset()
        self._begun = self._closed = self._pictures_fail = False
        self._failures: list[str] = []

    @property
    def failures(self) -> list[str]:
        """Of outputs that were given up, of those that had to wait, and of pictures."""
        return [*self._failures, *(line for output in self._outputs for line in output.failures)]

    def write(self, result: FrameResult, image: np.ndarray | None) -> None:
        """Tell the events of one frame, or of the time without one."""
        if not self._begun:
            self._begun = True
            self._each(lambda output: output.begin(result.frame.source))
        events = [event for happened in result.source_events for event in self._camera.told(happened)]
        if result.frame.repeated:
            self._visits.forget(result.erased)
            events += self._visits.idle(self._clock())
        else:
            events += self._visits.update(result)
            if self._views is not None:
                self._views.look(result, self._visits.present)
        self._forget(result.erased)
        self._tell(events)
        self._note(result)
        self._expire()

    @property
    def waiting(self) -> Mapping[str, int]:
        """Of all outputs."""
        return {name: length for output in list(self._outputs) for name, length in output.waiting.items()}

    def close(self) -> None:
        """Let everybody leave and close the outputs; raises `OutputError` when the last of them fails."""
        if self._closed:
            return
        self._closed = True
        try:
            events = self._visits.finish()
            if events:
                self._tell(events)
        finally:
            for output in self._outputs:
                output.close()

    def _tell(self, events: Sequence[Event]) -> None:
        rows = [row(event, self._picture(event)) for event in events]
        self._each(lambda output: output.add(rows))

    def _forget(self, people: frozenset[str]) -> None:
        """Let go of the people of whom every trace is being deleted, and of their visits."""
        visits, more = self._visits.take_forgotten(), people - self._erased
        self._erased = people
        if self._views is not None:
            self._views.forget(visits)
        if visits or more:
            self._each(lambda output: output.forget(more, visits))

    def _note(self, result: FrameResult) -> None:
        """Now and then, tell which visits go on."""
        now = result.frame.captured_at
        if abs(now - self._seen_at) < SEEN_EVERY_S or result.frame.repeated:
            return
        self._seen_at = now
        going_on = {visit: utc(at) for visit, at in self._visits.seen_at.items()}
        self._each(lambda output: output.seen(going_on))

    def _expire(self) -> None:
        """Now and then, delete what is too old."""
        now = self._clock()
        if self._keep_days is None or abs(now - self._expired_at) < EXPIRE_EVERY_S:
            return
        self._expired_at = now
        before = utc(now - self._keep_days * 86_400)
        self._each(lambda output: output.expire(before))

    def _each(self, call: Callable[[EventOutput], None]) -> None:
        for output in list(self._outputs):
            try:
                call(output)
            except OutputError as error:
                output.close()
                self._outputs.remove(output)
                if not self._outputs:
                    raise
                log.error("%s", error)
                self._failures.append(str(error))

    def _picture(self, event: Event) -> Path | None:
        """Where the best picture of the visit is; a disk that is full costs the picture, not the event."""
        if self._views is None or event.visit is None:
            return None
        try:
            path = self._views.save(event.visit, event.camera, over=event.kind == LEFT)
        except OutputError as error:
            if not self._pictures_fail:
                log.error("%s", error)
                self._failures.append(str(error))
            self._pictures_fail = True
            return None
        self._pictures_fail = False
        return path


class _Camera:
    """What happens to a camera, as events; 'lost' is told once, and 'back' once after it."""

    def __init__(self) -> None:
        self._lost = False

    def told(self, happened: SourceEvent) -> list[Event]:
        """The events of one `SourceEvent`."""
        kind = f"camera_{happened.kind}" + ("_over" if happened.over else "")
        if happened.kind == LIVE:
            kind, self._lost = CAMERA_BACK if self._lost else kind, False
        elif happened.kind == LOST:
            if self._lost:
                return []
            kind, self._lost = CAMERA_LOST, True
        return [Event(kind, happened.at, happened.source, detail=happened.detail or None)]
