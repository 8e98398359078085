"""Who was there, and from when to when: results in, events out; no files, no clocks."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from streamface.types import FaceResult, FrameResult

KEPT = 1000
"""Visits remembered at most, so that a camera may run for months."""
APPEARED, RECOGNISED, CHANGED, LEFT = "appeared", "recognised", "changed", "left"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to one person."""

    kind: str
    """'appeared': came into view; 'recognised': got a name; 'changed': lost it or got another; 'left': went."""
    track: int
    identity: str | None
    """Name after the event; None while unknown."""
    previous: str | None
    """Name before, for 'changed' and for 'recognised' (then None)."""
    distance: float | None
    """At the latest look; None before the first."""
    start_s: float
    """When the person came into view: seconds of the file, or since the first frame of a live source."""
    end_s: float
    """When the person was last seen, up to this event."""
    source: str
    frame: int
    """Number of the frame in which it happened; for 'left' the last one with the person in sight."""
    started_at: float | None = None
    """`start_s` as seconds since 1970 (UTC) for a live source, else None."""
    ended_at: float | None = None
    """The same for `end_s`."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One person from coming into view to leaving."""

    track: int
    identity: str | None
    """The last name; None for somebody unknown."""
    start_s: float
    """Seconds of the file, or since the first frame of a live source."""
    end_s: float
    """When the face was last in sight."""


class Visits:
    """Turns a stream of results into events; only confirmed tracks count.

    A person leaves when the track is gone from the results; the end is when the face was last in sight. A
    person who comes back gets a new track and so a new visit.
    """

    def __init__(self) -> None:
        self._present: dict[int, Event] = {}
        self._past: deque[Visit] = deque(maxlen=KEPT)
        self._origin: float | None = None

    def update(self, result: FrameResult) -> list[Event]:
        """Events of one frame, those of people who left first."""
        confirmed = {face.track.id: face for face in result.faces if face.track.confirmed}
        gone = sorted(set(self._present) - set(confirmed))
        events = [self._leave(track) for track in gone]
        now = self._clock(result)
        for track in sorted(confirmed):
            events += self._see(confirmed[track], result, now)
        return events

    def finish(self) -> list[Event]:
        """Everybody still in view leaves."""
        return [self._leave(track) for track in sorted(self._present)]

    @property
    def visits(self) -> tuple[Visit, ...]:
        """Everybody seen, those in view included, in order of coming; only the latest `KEPT` who have left."""
        every = [*self._past, *(_visit(event) for event in self._present.values())]
        return tuple(sorted(every, key=lambda visit: (visit.start_s, visit.track)))

    def _see(self, face: FaceResult, result: FrameResult, now: float) -> list[Event]:
        track = face.track.id
        at = result.frame.captured_at if result.frame.media_time is None else None
        distance = face.match.distance if face.match else None
        events: list[Event] = []
        known = self._present.get(track)
        if known is None:
            known = Event(
                APPEARED, track, None, None, distance, now, now, result.frame.source, result.frame.index, at, at
            )
            events.append(known)
        if not face.track.missed:
            known = replace(known, end_s=now, ended_at=at, frame=result.frame.index)
        if face.match is not None:
            before, known = known.identity, replace(known, identity=face.match.identity, distance=distance)
            if known.identity != before:
                kind = RECOGNISED if before is None else CHANGED
                events.append(replace(known, kind=kind, previous=before, frame=result.frame.index))
        self._present[track] = known
        return events

    def _leave(self, track: int) -> Event:
        last = self._present.pop(track)
        self._past.append(_visit(last))
        return replace(last, kind=LEFT, previous=None)

    def _clock(self, result: FrameResult) -> float:
        if result.frame.media_time is not None:
            return result.frame.media_time
        if self._origin is None:
            self._origin = result.frame.captured_at
        return result.frame.captured_at - self._origin


def _visit(event: Event) -> Visit:
    return Visit(event.track, event.identity, event.start_s, event.end_s)
