"""People without a name, kept in one SQLite file so that each keeps the number."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from streamface.gallery._database import Database, Schema
from streamface.types import readonly

SCHEMA = Schema(
    application_id=0x5F5E7FAD,
    version=1,
    tables=(
        # AUTOINCREMENT: the number of somebody who was forgotten is never given to anybody else.
        """CREATE TABLE strangers (
            number INTEGER PRIMARY KEY AUTOINCREMENT, network TEXT NOT NULL, visits INTEGER NOT NULL,
            first_seen REAL NOT NULL, last_seen REAL NOT NULL)""",
        "CREATE INDEX strangers_last_seen ON strangers (last_seen)",
        """CREATE TABLE views (
            stranger INTEGER NOT NULL REFERENCES strangers(number) ON DELETE CASCADE, visit INTEGER NOT NULL,
            quality REAL NOT NULL, vector BLOB NOT NULL, picture BLOB, agreement REAL NOT NULL,
            PRIMARY KEY (stranger, visit))""",
    ),
    in_memory="strangers keep their numbers for this run only; free the disk or name another file",
    damaged="delete it, numbers begin anew",
    cache_kb=256,  # pictures are in it, and one is read now and then
)
MOST_VIEWS = 5
"""Visits of one stranger whose views are kept, the best ones."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What one visit showed of somebody: the mean of the good views."""

    vector: np.ndarray
    """(D,) float32, read-only."""
    quality: float
    """0..1, of the best view."""
    picture: bytes | None = None
    """The best view as a JPEG, with some of what is around the face; None where pictures are not kept."""
    agreement: float = 1.0
    """Length of the mean of the views' directions, 0..1, as `tightened` takes it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "vector", readonly(np.asarray(self.vector, np.float32)))


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """One stranger as the file has it."""

    number: int
    network: str
    visits: int
    first_seen: float
    last_seen: float
    """Of the latest visit, in seconds since 1970; like `first_seen`."""
    views: tuple[View, ...]
    """Of the best visits, the best one first."""


class StrangerStore:
    """The strangers of all networks, used by the thread that opened it; a context manager.

    Everything that a call changes is on the disk when it returns. `path` None keeps all in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = None if path is None else Path(path)
        self._db = Database(self.path, SCHEMA)

    @property
    def in_memory(self) -> bool:
        """True when nothing is kept after `close`, as asked or because the file cannot be written."""
        return self._db.in_memory

    def generation(self) -> int:
        """Another number whenever another process has changed the file."""
        return self._db.read("PRAGMA data_version")[0][0]

    def every(self, network: str | None = None, pictures: bool = False, number: int | None = None) -> tuple[Kept, ...]:
        """All strangers, or those of one network, or one of them, by number; with their pictures where wanted.

        Views that are no longer whole are left out.
        """
        views: dict[int, list[View]] = {}
        query = _VIEWS.format("picture" if pictures else "NULL")
        for stranger, quality, blob, picture, agreement in self._db.read(query, number, number):
            vector = np.frombuffer(blob, "<f4")
            if len(vector) and np.isfinite(vector).all():
                views.setdefault(stranger, []).append(View(vector, quality, picture, agreement))
        return tuple(
            Kept(*record, tuple(views.get(record[0], ())))
            for record in self._db.read(_STRANGERS, number, number)
            if network in (None, record[1])
        )

    def create(self, network: str, at: float, view: View) -> int:
        """Keep somebody new, seen `at` for the first time; the number."""
        made: list[int] = []

        def work(db: sqlite3.Connection) -> None:
            row = (network, at, at)
            number = db.execute(
                "INSERT INTO strangers (network, visits, first_seen, last_seen) VALUES (?, 1, ?, ?)", row
            ).lastrowid
            _put(db, number, 1, view)
            made[:] = [number]

        self._db.write(work)
        return made[0]

    def come(self, number: int, at: float, again: bool) -> int | None:
        """Note that somebody was seen, on a new visit when it is `again`; which visit it is, None for nobody known."""

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "UPDATE strangers SET visits = visits + ?, last_seen = max(last_seen, ?) WHERE number = ?",
                (int(again), at, number),
            )

        self._db.write(work)
        found = self._db.read("SELECT visits FROM strangers WHERE number = ?", number)
        return found[0][0] if found else None

    def see(self, number: int, visit: int, at: float, view: View) -> None:
        """Keep what a visit showed, as long as it is among the best; does nothing for a stranger who is forgotten."""

        def work(db: sqlite3.Connection) -> None:
            sql = "UPDATE strangers SET last_seen = max(last_seen, ?) WHERE number = ?"
            if db.execute(sql, (at, number)).rowcount:
                _put(db, number, visit, view)

        self._db.write(work)

    def forget(self, numbers: Sequence[int]) -> None:
        """Drop strangers, with their views and pictures."""
        gone = [(number,) for number in numbers]
        if gone:
            self._db.write(lambda db: db.executemany("DELETE FROM strangers WHERE number = ?", gone))

    def tidy(self, before: float, most: int) -> list[int]:
        """Forget those last seen before a time, and the longest unseen beyond `most`; their numbers."""
        old = self._db.read(
            """SELECT number FROM strangers WHERE last_seen < ? UNION
                SELECT number FROM (SELECT number FROM strangers ORDER BY last_seen DESC, number DESC LIMIT -1 OFFSET ?)
            """,
            before,
            most,
        )
        gone = sorted(number for (number,) in old)
        self.forget(gone)
        return gone

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._db.close()

    def __enter__(self) -> StrangerStore:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


_STRANGERS = """SELECT number, network, visits, first_seen, last_seen FROM strangers
    WHERE ? IS NULL OR number = ? ORDER BY number"""
_VIEWS = """SELECT stranger, quality, vector, {}, agreement FROM views
    WHERE ? IS NULL OR stranger = ? ORDER BY stranger, quality DESC, visit"""


def _put(db: sqlite3.Connection, number: int, visit: int, view: View) -> None:
    blob = np.asarray(view.vector, "<f4").tobytes()
    row = (number, visit, view.quality, blob, view.picture, view.agreement)
    db.execute("INSERT OR REPLACE INTO views VALUES (?, ?, ?, ?, ?, ?)", row)
    db.execute(
        """DELETE FROM views WHERE stranger = ? AND visit NOT IN
            (SELECT visit FROM views WHERE stranger = ? ORDER BY quality DESC, visit LIMIT ?)""",
        (number, number, MOST_VIEWS),
    )
