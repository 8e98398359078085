"""Events as lines of a file: JSON or CSV, added to what is there."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from streamface.sinks._files import LineFile
from streamface.sinks.event_output import COLUMNS, EventOutput, Row


class EventFile(EventOutput):
    """Adds a line for each event; once `add` has returned, no crash takes it back, and soon no power cut.

    Args:
        path: ends in .jsonl, or in .csv for a table with a heading.

    Raises `OutputError` for a place that cannot be written to, or a table with other columns.
    """

    def __init__(self, path: Path) -> None:
        table = path.suffix.lower() == ".csv"
        self._line = _csv_line if table else _json_line
        self._time = _csv_time if table else _json_time
        self._file = LineFile(path, [",".join(COLUMNS)] if table else [], journal=True)

    def add(self, rows: Sequence[Row]) -> None:
        """Append; the file is made with the first frame, also when that has no events."""
        self._file.write([self._line(row) for row in rows])

    def again(self) -> None:
        """Open the file once more, with the next events."""
        self._file.again()

    def expire(self, before: str) -> None:
        """Rewrite the file without the older lines; one that cannot be read goes with the line before it."""
        is_new = False

        def wanted(line: str) -> bool:
            nonlocal is_new
            at = self._time(line)
            is_new = at >= before if at else is_new
            return is_new

        self._file.keep(wanted)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _json_line(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False)


def _json_time(line: str) -> str | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row.get("time") if isinstance(row, dict) else None


def _csv_time(line: str) -> str | None:
    row = next(csv.reader([line]), [])
    return row[COLUMNS.index("time")] if len(row) == len(COLUMNS) else None


def _csv_line(row: Row) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(row[name] for name in COLUMNS)
    return text.getvalue()
