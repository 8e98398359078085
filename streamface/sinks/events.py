"""One row when a person appears, is recognised, changes, or leaves, as JSON lines."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import numpy as np

from streamface.errors import OutputError
from streamface.sinks._files import LineFile
from streamface.sinks.base import Sink
from streamface.sinks.visits import Event, Visits
from streamface.types import FrameResult

NAME = "events"


class EventsSink(Sink):
    """Writes events as they happen; at the end everybody still in view leaves.

    Args:
        path: a file ending in .jsonl; an existing one is replaced at the first frame.

    Raises `OutputError` for another ending or a place that cannot be written to.
    """

    def __init__(self, path: Path) -> None:
        path = Path(path)
        if path.suffix.lower() != ".jsonl":
            raise OutputError(f"{path}: events are written as JSON lines; end the name in .jsonl")
        self._visits = Visits()
        self._file: LineFile | None = LineFile(path)

    def write(self, result: FrameResult, image: np.ndarray | None) -> None:
        """Append the events of one frame."""
        events = self._visits.update(result)
        if self._file is not None:
            self._file.write([_row(event) for event in events])

    def close(self) -> None:
        """Let everybody leave and close the file."""
        events, file, self._file = self._visits.finish(), self._file, None
        if file is None:
            return
        try:
            if events:
                file.write([_row(event) for event in events])
        finally:
            file.close()


def _row(event: Event) -> str:
    row = {
        "event": event.kind,
        "track": event.track,
        "identity": event.identity,
        "previous": event.previous,
        "distance": _number(event.distance, 6),
        "start": _number(event.start_s, 6),
        "end": _number(event.end_s, 6),
        "started_at": _utc(event.started_at),
        "ended_at": _utc(event.ended_at),
        "source": event.source,
        "frame": event.frame,
    }
    return json.dumps(row, ensure_ascii=False, allow_nan=False)


def _number(value: float | None, digits: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), digits)


def _utc(seconds: float | None) -> str | None:
    """'2025-01-31T12:00:00.123Z'."""
    if seconds is None:
        return None
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{thousandths:03d}Z"
