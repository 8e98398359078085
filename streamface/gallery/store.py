"""Keeping what enrolment found in one SQLite file: a cache, all of which can be made again from the pictures."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from streamface.gallery._database import Database, Schema
from streamface.gallery.base import Photo, Row
from streamface.types import Box

SCHEMA = Schema(
    application_id=0x5F5E7FAC,
    version=1,
    tables=(
        """CREATE TABLE photos (
            id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, identity TEXT NOT NULL,
            size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL)""",
        """CREATE TABLE faces (
            photo INTEGER NOT NULL REFERENCES photos(id) ON DELETE CASCADE, network TEXT NOT NULL,
            status TEXT NOT NULL, reason TEXT, x1 REAL, y1 REAL, x2 REAL, y2 REAL, quality REAL, vector BLOB,
            PRIMARY KEY (photo, network))""",
    ),
    in_memory="embeddings last for this run only; free the disk or name another file",
    damaged="delete it, it is made anew",
)


class Store:
    """What is known of the pictures of one folder, per network; used by the thread that opened it.

    `path` None keeps it in memory. Two processes may have the same file open. One file belongs to one folder of
    people: enrolling another one into it forgets the first.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = None if path is None else Path(path)
        self._db = Database(self.path, SCHEMA)

    @property
    def in_memory(self) -> bool:
        """True when nothing is kept after `close`, as asked or because the file cannot be written."""
        return self._db.in_memory

    def rows(self, network: str) -> dict[str, Row]:
        """Path -> what was made of it with `network`; embeddings that are no longer whole are left out."""
        rows = (_row(record) for record in self._db.read(_SELECT, network))
        return {row.photo.path: row for row in rows if row is not None}

    def paths(self) -> set[str]:
        """Every picture known with any network."""
        return {path for (path,) in self._db.read("SELECT path FROM photos")}

    def save(self, network: str, rows: Iterable[Row]) -> None:
        """Keep `rows`, all or none of them; a picture that has changed loses what other networks made of it."""
        records = [_record(network, row) for row in rows]

        def work(db: sqlite3.Connection) -> None:
            for record in records:
                for statement in _SAVE:
                    db.execute(statement, record)

        self._db.write(work)

    def forget(self, paths: Iterable[str]) -> None:
        """Drop pictures, with what every network made of them."""
        gone = [(path,) for path in paths]
        if gone:
            self._db.write(lambda db: db.executemany("DELETE FROM photos WHERE path = ?", gone))

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


_SELECT = """SELECT path, identity, size, mtime_ns, status, reason, x1, y1, x2, y2, quality, vector
    FROM faces JOIN photos ON photos.id = faces.photo WHERE network = ?"""

_SAVE = (
    """DELETE FROM photos WHERE path = :path
        AND (identity <> :identity OR size <> :size OR mtime_ns <> :mtime_ns)""",
    """INSERT INTO photos (path, identity, size, mtime_ns)
        VALUES (:path, :identity, :size, :mtime_ns) ON CONFLICT (path) DO NOTHING""",
    """INSERT OR REPLACE INTO faces
        SELECT id, :network, :status, :reason, :x1, :y1, :x2, :y2, :quality, :vector
        FROM photos WHERE path = :path""",
)


def _record(network: str, row: Row) -> dict[str, object]:
    photo, box = row.photo, row.box
    return {
        "network": network,
        **{"path": photo.path, "identity": photo.identity, "size": photo.size, "mtime_ns": photo.mtime_ns},
        **{"status": "used" if row.usable else "skipped", "reason": row.reason, "quality": row.quality},
        **{name: getattr(box, side, None) for name, side in zip(("x1", "y1", "x2", "y2"), Box.__slots__, strict=True)},
        "vector": None if row.vector is None else np.asarray(row.vector, "<f4").tobytes(),
    }


def _row(record: tuple) -> Row | None:
    path, identity, size, mtime_ns, status, reason, *box, quality, blob = record
    photo = Photo(path, identity, size, mtime_ns)
    if status != "used":
        return Row(photo, reason or "skipped")
    try:
        box, quality, vector = Box(*map(float, box)), float(quality), np.frombuffer(blob, "<f4")
    except (TypeError, ValueError):
        return None
    # The sum of squares is infinite or NaN when one value is, and costs a third of looking at each.
    return Row(photo, None, box, quality, vector) if len(vector) and np.isfinite(np.dot(vector, vector)) else None
