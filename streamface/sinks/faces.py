"""One row for each face in each frame, as JSON lines or CSV."""

from __future__ import annotations

import csv
import io
import json
import logging
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from streamface.errors import OutputError
from streamface.sinks._files import LineFile
from streamface.sinks._outage import Outage
from streamface.sinks.base import Sink
from streamface.types import FaceResult, FrameResult

NAME = "faces"
ENDINGS = (".jsonl", ".csv")

log = logging.getLogger(__name__)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), digits)


def _time(result: FrameResult, face: FaceResult) -> float:
    frame = result.frame
    return round(frame.captured_at if frame.media_time is None else frame.media_time, 6)


def _side(name: str) -> Callable:
    return lambda result, face: _rounded(getattr(face.track.detection.box, name), 2)


def _match(name: str, digits: int = 6) -> Callable:
    return lambda result, face: _rounded(getattr(face.match, name, None), digits)


def _label(name: str) -> Callable:
    return lambda result, face: face.attributes[name].label if name in face.attributes else None


def _years(name: str) -> Callable:
    return lambda result, face: _rounded(getattr(face.attributes.get("age"), name, None), 1)


def _scores(name: str) -> Callable:
    def scores(result: FrameResult, face: FaceResult) -> dict[str, float] | None:
        known = face.attributes.get(name)
        return {label: round(float(p), 4) for label, p in known.scores.items()} if known and known.scores else None

    return scores


COLUMNS: dict[str, Callable] = {
    "frame": lambda result, face: result.frame.index,
    "time": _time,
    "track": lambda result, face: face.track.id,
    "x1": _side("left"),
    "y1": _side("top"),
    "x2": _side("right"),
    "y2": _side("bottom"),
    "score": lambda result, face: _rounded(face.track.detection.score, 4),
    "identity": lambda result, face: face.match.identity if face.match else None,
    "distance": _match("distance"),
    "threshold": _match("threshold"),
    "age": _years("value"),
    "gender": _label("gender"),
    "emotion": _label("emotion"),
    "race": _label("race"),
    "age_spread": _years("spread"),
    "gender_scores": _scores("gender"),
    "emotion_scores": _scores("emotion"),
    "race_scores": _scores("race"),
    "stranger": lambda result, face: face.stranger.number if face.stranger else None,
    "visit": lambda result, face: face.stranger.visit if face.stranger else None,
}
"""Name of each column and how it is read from a result; the order is that of the file.

time: seconds since the start of a file, or since 1970 (UTC) for a live source. x1 to y2: pixels of the frame.
identity: null for somebody unknown, who has a distance, and for somebody not looked at yet, who has none.
stranger: number of somebody unknown, where strangers are numbered; visit: which visit of that stranger it is, from 1.
age, age_spread: years. *_scores: label -> probability, an object in JSON lines and its JSON text in CSV.
"""


class FacesSink(Sink):
    """Writes a row a face a frame; faces that are out of sight or not yet confirmed are left out.

    While the file of a camera cannot be written, its rows are left out: that is said once, and every 10 s it is tried
    again. For a video file that is an error.

    Args:
        path: a file ending in .jsonl or .csv; an existing one is replaced at the first frame.
        clock: seconds that only ever grow.

    Raises `OutputError` for another ending or a place that cannot be written to.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        path = Path(path)
        if path.suffix.lower() not in ENDINGS:
            raise OutputError(
                f"{path}: rows of faces are written to {' or '.join(ENDINGS)}; end the name in one of them"
            )
        self._line = _csv_line if path.suffix.lower() == ".csv" else _json_line
        self._file = LineFile(path, [",".join(COLUMNS)] if self._line is _csv_line else [])
        self._outage = Outage(log, clock)

    @property
    def failures(self) -> list[str]:
        """What was said of a file that could not be written, the oldest first."""
        return self._outage.failures

    def write(self, result: FrameResult, image: np.ndarray | None) -> None:
        """Append the faces of one frame."""
        if not self._outage.is_due():
            return
        if self._outage.is_on:
            self._file.again()
        try:
            self._append(result)
        except OutputError as error:
            if result.source_state is None:
                raise
            self._outage.failed(f"{error}; rows of faces are left out until it can be written, and all else goes on")
            return
        self._outage.is_over("rows of faces can be written again")

    def _append(self, result: FrameResult) -> None:
        seen = [face for face in result.faces if face.track.confirmed and not (face.track.missed or face.unrecorded)]
        rows = [{name: read(result, face) for name, read in COLUMNS.items()} for face in seen]
        self._file.write([self._line(row) for row in rows])

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _json_line(row: dict) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False)


def _csv_line(row: dict) -> str:
    text = io.StringIO()
    values = [
        json.dumps(v, ensure_ascii=False, separators=(",", ":")) if isinstance(v, dict) else v for v in row.values()
    ]
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue()
