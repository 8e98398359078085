"""The record of decisions: a line of JSON each, and the picture that it rests on."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from streamface.errors import OutputError
from streamface.kiosk.screen import Decision
from streamface.sinks._files import cannot_write
from streamface.sinks._patient import Patient
from streamface.sinks.event_file import EventFile
from streamface.sinks.event_output import Row
from streamface.types import Box

AROUND = 0.4
"""What of the picture around the face belongs to the snapshot, in shares of the face."""
QUALITY = 85
"""Of JPEG, 0..100."""
Record = dict[str, object]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Of a decision: where and when it was made, and by which rule."""

    id: str
    time: str
    """As `event_output.utc` gives it."""
    camera: str
    level: str
    """Strictness, by name."""
    threshold: float
    """The largest distance that it allows."""


def record(decision: Decision, where: Circumstances, snapshot: str | None) -> Record:
    """A decision as it is written, posted and given to commands; docs/kiosk.md explains each value.

    snapshot: path of the picture, None for none.
    """
    return {
        "id": where.id,
        "event": "check",
        "time": where.time,
        "camera": where.camera,
        "decision": "accepted" if decision.accepted else "refused",
        "reason": decision.reason,
        "person": decision.person,
        "claimed": decision.claimed,
        "distances": [_number(far) for far in decision.distances],
        "distance": _number(max(decision.distances, default=math.inf)),
        "others": _number(decision.others),
        "threshold": _number(where.threshold),
        "level": where.level,
        "prompts": list(decision.prompts),
        "heights": [_number(height) for height in decision.heights],
        "took_s": round(decision.took_s, 3),
        "locks": decision.locks,
        "snapshot": snapshot,
    }


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), 5)


def pictures_of(path: Path) -> Path:
    """The folder of the snapshots of a record."""
    return path.with_name(f"{path.stem}-pictures")


class Audit:
    """Appends records to a file, and keeps snapshots in a folder beside it; readable by this user alone.

    Records that cannot be written, as the disk is full, wait in memory until they can be.

    Args:
        path: FILE.jsonl, added to what is there.
        pictures: whether snapshots are kept, in the folder FILE-pictures.

        clock: seconds that only ever grow.

    Raises `OutputError` where it cannot be written.
    """

    def __init__(self, path: Path, pictures: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._lines = Patient(_PrivateFile(path), clock)
        self._folder = pictures_of(path) if pictures else None

    @property
    def failures(self) -> list[str]:
        """One line for each time at which records could not be written."""
        return self._lines.failures

    def keep(self, image: np.ndarray, box: Box, id: str, time: str) -> str | None:
        """Save the face in an (H, W, 3) uint8 BGR frame; its path, None where none are kept. Raises `OutputError`.

        time: as `event_output.utc` gives it; the file is named by it.
        """
        if self._folder is None:
            return None
        part = box.padded(AROUND).clipped(image.shape[1], image.shape[0])
        left, top, right, bottom = (round(v) for v in (part.left, part.top, part.right, part.bottom))
        if right <= left or bottom <= top:
            return None
        data = cv2.imencode(".jpg", image[top:bottom, left:right], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
        path = self._folder / f"{time[:19].replace('T', '_').replace(':', '-')}_{id[:12]}.jpg"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
        except OSError as error:
            raise cannot_write(self._folder, error) from error
        return str(path)

    def write(self, *made: Record) -> None:
        """Append records; without any, those that wait are tried again when it is time. Never raises."""
        self._lines.add(made)

    def expire(self, before: str) -> None:
        """Delete records older than a time, given as `event_output.utc` does. Never raises."""
        self._lines.expire(before)

    def close(self) -> None:
        """Give the file back; may be called twice."""
        self._lines.close()


class _PrivateFile(EventFile):
    """Readable by this user alone before anything is in it, also when another was moved away and it is begun anew."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._path = path

    def add(self, rows: Sequence[Row]) -> None:
        """Append; nothing makes no file."""
        if rows:
            _make_private(self._path)
            super().add(rows)


def _make_private(path: Path) -> None:
    """Let this user alone read a file, which is made where there is none: before anything is in it."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise OutputError(f"cannot make {path} private ({error.strerror}): choose another place") from error
