"""Events and visits in a SQLite file, for questions by person, camera and time (docs/events.md)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from streamface.errors import OutputError
from streamface.sinks._disk import DiskSync
from streamface.sinks._files import check_writable
from streamface.sinks._write_ahead import use_write_ahead_log
from streamface.sinks.event_output import COLUMNS, EventOutput, Row
from streamface.sinks.visit_events import LEFT

VERSION = 1
"""Of the tables; kept in the file as `PRAGMA user_version`."""
APPLICATION_ID = 0x53664576
"""'SfEv' in the file's header: tells our files from other programs'."""
BUSY_S = 10.0
"""How long to wait for another process that is writing to the same file."""
CACHE_KB = 256
"""Of the file that is kept in memory: events are added at its end; SQLite's own 2 MB would fill up over a month."""

TABLES = """
CREATE TABLE visits (
    id TEXT PRIMARY KEY, camera TEXT NOT NULL, track INTEGER, person TEXT, stranger INTEGER, distance REAL,
    started_at TEXT NOT NULL, ended_at TEXT NOT NULL, over INTEGER NOT NULL, start REAL, "end" REAL, snapshot TEXT
) WITHOUT ROWID;
CREATE TABLE events (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, event TEXT NOT NULL, time TEXT NOT NULL,
    camera TEXT NOT NULL, visit TEXT, track INTEGER, person TEXT, stranger INTEGER, previous TEXT, distance REAL,
    started_at TEXT, ended_at TEXT, start REAL, "end" REAL, frame INTEGER, snapshot TEXT, detail TEXT
);
CREATE INDEX visits_by_time ON visits (started_at);
CREATE INDEX visits_by_camera ON visits (camera, started_at);
CREATE INDEX visits_by_person ON visits (person, started_at);
CREATE INDEX visits_by_stranger ON visits (stranger, started_at) WHERE stranger IS NOT NULL;
CREATE INDEX visits_going_on ON visits (camera) WHERE NOT over;
CREATE INDEX events_by_time ON events (time);
CREATE INDEX events_by_camera ON events (camera, time);
CREATE INDEX events_by_person ON events (person, time);
CREATE INDEX events_by_visit ON events (visit);
"""
_INSERT = "INSERT INTO events ({}) VALUES ({})".format(
    ", ".join(f'"{name}"' for name in COLUMNS), ", ".join(f":{name}" for name in COLUMNS)
)
_VISIT = """
INSERT INTO visits VALUES (:visit, :camera, :track, :person, :stranger, :distance, :started_at, :ended_at, :over,
    :start, :end, :snapshot)
ON CONFLICT (id) DO UPDATE SET track = :track, person = :person, stranger = :stranger, distance = :distance,
    ended_at = :ended_at, over = :over, "end" = :end, snapshot = coalesce(:snapshot, snapshot)
"""


class EventStore(EventOutput):
    """Adds each event, and keeps one row a visit up to date. Once `add` has returned, no crash takes it back,
    and soon no power cut.

    Other processes may read, and write, at the same time. A file that is moved away, or deleted, is begun anew; what
    was added until then is in the one that was moved. Visits that a killed run left open are closed, with the time at
    which they were last known to go on, when that camera's next event comes.

    Args:
        path: the file; made where it is not there, added to where it is.

    Raises `OutputError` for a place that cannot be written to, another program's file, or one of a later version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._cameras: set[str] = set()
        self._db: sqlite3.Connection | None = None
        self._place: tuple[int, int] | None = None
        self._disk = DiskSync(path.with_name(f"{path.name}-wal"))
        self.again()

    def add(self, rows: Sequence[Row]) -> None:
        """Add the events of one frame, all or none."""
        if not rows or self._db is None:
            return
        try:
            self._begin_anew_where_moved()
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                for row in rows:
                    self._add(row)
            self._disk.soon()
        except sqlite3.Error as error:
            self.close()
            raise self._error(error) from error

    def again(self) -> None:
        """Open the file, where it is not open."""
        if self._db is not None:
            return
        check_writable(self._path)
        try:
            self._db = open_store(self._path)
            self._place = _place(self._path)
        except sqlite3.Error as error:
            raise self._error(error) from error

    def _begin_anew_where_moved(self) -> None:
        """SQLite would go on writing to a file that is somewhere else now, or nowhere."""
        place = _place(self._path)
        if place == self._place:
            return
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # what stands in the log belongs into the file moved away
        if place is None:  # else the new file would share log and index with cameras that still write to the old one
            for ending in ("-wal", "-shm"):
                self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
        self.close()
        self._cameras.clear()
        self.again()

    def seen(self, visits: Mapping[str, str]) -> None:
        """Note when each visit was last known to go on."""
        if not visits or self._db is None:
            return
        try:
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany(
                    "UPDATE visits SET ended_at = ? WHERE id = ?", [(at, visit) for visit, at in visits.items()]
                )
        except sqlite3.Error as error:
            self.close()
            raise self._error(error) from error

    def expire(self, before: str) -> None:
        """Delete old events, and visits that ended before; their place in the file is overwritten."""
        if self._db is None:
            return
        try:
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                gone = self._db.execute("DELETE FROM events WHERE time < ?", (before,)).rowcount
                gone += self._db.execute("DELETE FROM visits WHERE ended_at < ?", (before,)).rowcount
            if gone:
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            self.close()
            raise self._error(error) from error

    def close(self) -> None:
        """Close the file."""
        db, self._db = self._db, None
        if db is not None:
            db.close()
        self._disk.close()

    def _add(self, row: Row) -> None:
        if row["camera"] not in self._cameras:
            self._db.execute(
                "UPDATE visits SET over = 1 WHERE camera = :camera AND NOT over", {"camera": row["camera"]}
            )
            self._cameras.add(row["camera"])
        self._db.execute(_INSERT, row)
        if row["visit"] is not None:
            self._db.execute(_VISIT, {**row, "over": row["event"] == LEFT})

    def _error(self, error: sqlite3.Error) -> OutputError:
        return OutputError(f"cannot write events to {self._path}: {error}; free some space, or choose another file")


def _place(path: Path) -> tuple[int, int] | None:
    """Device and number of the file that is there; None where none is."""
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return None
    return there.st_dev, there.st_ino


def open_store(path: Path) -> sqlite3.Connection:
    """The file, with its tables; usable from one thread at a time. Raises `OutputError` and `sqlite3.Error`."""
    db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA secure_delete = ON")
        db.execute(f"PRAGMA cache_size = -{CACHE_KB}")
        use_write_ahead_log(db)
        db.execute("PRAGMA synchronous = NORMAL")  # a commit does not wait for the disk; `DiskSync` sees to it
        with db:
            db.execute("BEGIN IMMEDIATE")
            _check(db, path)
        return db
    except BaseException:
        db.close()
        raise


def _check(db: sqlite3.Connection, path: Path) -> None:
    """Make the tables in an empty file; refuse a file that is not ours."""
    owner, version = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if tables and owner != APPLICATION_ID:
        raise OutputError(f"{path} is a database of another program: choose another file")
    if version > VERSION:
        raise OutputError(f"{path} was written by a later streamface: choose another file, or update")
    if not tables:
        for statement in TABLES.split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {VERSION}")
