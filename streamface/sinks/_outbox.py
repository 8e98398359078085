"""Events that wait for a receiver, in a SQLite file: no crash or restart loses one, and soon no power cut."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from streamface.errors import OutputError
from streamface.sinks._disk import DiskSync
from streamface.sinks._files import check_writable
from streamface.sinks._write_ahead import use_write_ahead_log
from streamface.sinks.event_output import Row

MOST = 100_000
"""Events that wait at most, some 60 MB; of more, the oldest are given up."""
MOST_REFUSED = 1000
"""Events kept for a look at why the receiver refused them; of more, the oldest are forgotten."""
APPLICATION_ID = 0x5366576F
"""'SfWo' in the file's header: tells our files from other programs'."""
BUSY_S = 10.0
"""How long to wait for another process that is writing to the same file."""
CACHE_KB = 256
"""Of the file that is kept in memory; a queue is written at one end and read at the other."""
TABLES = (
    "CREATE TABLE IF NOT EXISTS waiting (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, body TEXT)",
    "CREATE TABLE IF NOT EXISTS refused (number INTEGER PRIMARY KEY, id TEXT UNIQUE, body TEXT, why TEXT)",
    f"PRAGMA application_id = {APPLICATION_ID}",
)


@dataclass(frozen=True, slots=True)
class Letter:
    """One event on its way."""

    number: int
    id: str
    body: str
    """JSON."""


class Outbox:
    """A queue on the disk; several processes may add to it. Used by one thread at a time.

    Raises `OutputError` for a place that cannot be written to or another program's file, and `sqlite3.Error` later.
    """

    def __init__(self, path: Path, most: int | None = None) -> None:
        self._most = MOST if most is None else most
        self._disk = DiskSync(path.with_name(f"{path.name}-wal"))
        check_writable(path)
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            self._prepare(path)
        except (OSError, sqlite3.Error) as error:
            raise OutputError(f"cannot use {path} for events that wait: {error}; choose another place") from error

    def _prepare(self, path: Path) -> None:
        with self._db:
            self._db.execute("BEGIN")  # both answers of one moment: another process may be making the tables
            owner = self._db.execute("PRAGMA application_id").fetchone()[0]
            tables = self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if tables and owner != APPLICATION_ID:
            raise OutputError(f"{path} is a database of another program: choose another place")
        use_write_ahead_log(self._db)
        for statement in ("PRAGMA synchronous = NORMAL", "PRAGMA secure_delete = ON"):
            self._db.execute(statement)
        self._db.execute(f"PRAGMA cache_size = -{CACHE_KB}")
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for statement in TABLES:
                self._db.execute(statement)

    def add(self, rows: Sequence[Row]) -> int:
        """Put events at the end, all or none; the number of old ones that were given up for them."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(
                "INSERT OR IGNORE INTO waiting (id, body) VALUES (?, ?)",
                [(row["id"], json.dumps(row, ensure_ascii=False, allow_nan=False)) for row in rows],
            )
            surplus = max(0, len(self) - self._most)
            if surplus:
                self._db.execute(
                    "DELETE FROM waiting WHERE number IN (SELECT number FROM waiting ORDER BY number LIMIT ?)",
                    (surplus,),
                )
        self._disk.soon()
        return surplus

    def first(self) -> Letter | None:
        """The event that waits longest."""
        found = self._db.execute("SELECT number, id, body FROM waiting ORDER BY number LIMIT 1").fetchone()
        return Letter(*found) if found else None

    def remove(self, letter: Letter) -> None:
        """It has arrived."""
        self._db.execute("DELETE FROM waiting WHERE number = ?", (letter.number,))

    def refuse(self, letter: Letter, why: str) -> None:
        """The receiver will never take it: put it aside, unless it was deleted meanwhile."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(
                "INSERT OR IGNORE INTO refused (id, body, why) SELECT id, body, ? FROM waiting WHERE number = ?",
                (why, letter.number),
            )
            self._db.execute("DELETE FROM waiting WHERE number = ?", (letter.number,))
            self._db.execute(
                "DELETE FROM refused WHERE number <= (SELECT max(number) FROM refused) - ?", (MOST_REFUSED,)
            )

    def expire(self, before: str) -> None:
        """Give up events told before a time (as `event_output.utc` writes it), those put aside too."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for table in ("waiting", "refused"):
                self._db.execute(f"DELETE FROM {table} WHERE json_extract(body, '$.time') < ?", (before,))

    def __len__(self) -> int:
        return self._db.execute("SELECT count(*) FROM waiting").fetchone()[0]

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._db.close()
        self._disk.close()


def length(path: Path) -> int | None:
    """Events that wait in the queue at `path`, for any thread or process; None where it cannot be read now."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1)) as db:
            return db.execute("SELECT count(*) FROM waiting").fetchone()[0]
    except sqlite3.Error:
        return None


class SenderLock:
    """Held by the one thread, of all threads and processes, that sends what waits in a file; ends with its process."""

    def __init__(self, path: Path) -> None:
        # SQLite's own lock on a file beside the queue: the same on every system, and gone with a killed process.
        self._db = sqlite3.connect(f"{path}-sender", timeout=0, isolation_level=None, check_same_thread=False)
        self._held = False

    def take(self) -> bool:
        """Whether it is held now."""
        if not self._held:
            try:
                self._db.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                return False
            self._held = True
        return True

    def close(self) -> None:
        """Let another thread have it."""
        self._db.close()
