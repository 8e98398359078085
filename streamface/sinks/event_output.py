"""What takes events: a file, a database, a receiver on the network."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from streamface.sinks.visit_events import Event

COLUMNS = (
    "id", "event", "time", "camera", "visit", "track", "person", "stranger", "previous", "distance", "started_at",
    "ended_at", "start", "end", "frame", "snapshot", "detail",
)  # fmt: skip
"""Names of what is written of an event, in this order; docs/events.md explains each."""

Row = dict[str, str | int | float | None]
"""One event, ready for JSON: a value for each of `COLUMNS`."""


class EventOutput(ABC):
    """Takes the events of a run as they happen; they come in order, from one thread at a time."""

    failures: Sequence[str] = ()
    """One line for each time at which it could not take events."""

    def begin(self, camera: str) -> None:  # noqa: B027, few need it
        """The camera of this output has given its first frame; told once, before everything else."""

    @abstractmethod
    def add(self, rows: Sequence[Row]) -> None:
        """Take the events of one frame, all or none. Raises `OutputError` when it cannot: it is then closed, or asked
        to be ready `again`."""

    def again(self) -> None:  # noqa: B027, few have to open anything
        """Be ready for another try after an `OutputError`; raises it while that cannot be."""

    def seen(self, visits: Mapping[str, str]) -> None:  # noqa: B027, few keep it
        """These visits go on: id -> time of the latest sight, told every few seconds."""

    @property
    def waiting(self) -> Mapping[str, int]:
        """Name of a queue -> events that wait in it; asked by any thread."""
        return {}

    def expire(self, before: str) -> None:  # noqa: B027, what keeps nothing has nothing to delete
        """Delete what was told, or was last seen, before a time, given as `utc` does. Raises `OutputError`."""

    def forget(self, people: Collection[str], visits: Sequence[str]) -> None:  # noqa: B027, files are looked through
        """Nothing more is to be known of these people and visits, where that is kept in memory, or is told again."""

    @abstractmethod
    def close(self) -> None:
        """Finish; may be called twice."""


def row(event: Event, snapshot: Path | None = None) -> Row:
    """An event as it is written."""
    return {
        "id": event.id,
        "event": event.kind,
        "time": utc(event.at),
        "camera": event.camera,
        "visit": event.visit,
        "track": event.track,
        "person": event.person,
        "stranger": event.stranger,
        "previous": event.previous,
        "distance": _number(event.distance),
        "started_at": utc(event.started_at),
        "ended_at": utc(event.ended_at),
        "start": _number(event.start_s),
        "end": _number(event.end_s),
        "frame": event.frame,
        "snapshot": str(snapshot) if snapshot else None,
        "detail": event.detail,
    }


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), 6)


def utc(seconds: float | None) -> str | None:
    """Seconds since 1970 as '2025-01-31T12:00:00.123Z': all of one length, so that their order is that of time."""
    if seconds is None:
        return None
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{thousandths:03d}Z"
