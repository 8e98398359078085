"""Keeping what enrolment found in one SQLite file.

The file is a cache: all of it can be made again from the pictures. So a file that is damaged, or was written by
another program, is set aside under another name and begun anew; and where the disk is full or read-only the work
goes on in memory, with a warning that the pictures will be embedded again at the next start.

Written with SQLite's rollback journal and full synchronisation, not the write-ahead log: that one is faster with
many small commits, which batches make rare, but does not work on network drives and leaves a second file that must
travel with the first. Deleted embeddings are overwritten with zeros, since they describe people.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np

from streamface.errors import GalleryError
from streamface.gallery.base import Photo, Row
from streamface.types import Box

APPLICATION_ID = 0x5F5E7FAC
"""Written into the file's header, so that another program's file is told from ours."""
SCHEMA_VERSION = 1
BUSY_S = 30.0
"""How long to wait for another process that is writing to the same file."""

SCHEMA = (
    """CREATE TABLE photos (
        id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, identity TEXT NOT NULL,
        size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL)""",
    """CREATE TABLE faces (
        photo INTEGER NOT NULL REFERENCES photos(id) ON DELETE CASCADE, network TEXT NOT NULL,
        status TEXT NOT NULL, reason TEXT, x1 REAL, y1 REAL, x2 REAL, y2 REAL, quality REAL, vector BLOB,
        PRIMARY KEY (photo, network))""",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)

log = logging.getLogger(__name__)


class _Unusable(Exception):
    """The file is whole, but not one of ours, or of another version."""


class Store:
    """What is known of the pictures of one folder, per network; used by the thread that opened it.

    `path` None keeps it in memory. Two processes may have the same file open. One file belongs to one folder of
    people: enrolling another one into it forgets the first.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = None if path is None else Path(path)
        self._db = _memory() if self.path is None else _open(self.path)

    @property
    def in_memory(self) -> bool:
        """True when nothing is kept after `close`, as asked or because the file cannot be written."""
        return not self._db.execute("PRAGMA database_list").fetchone()[2]

    def rows(self, network: str) -> dict[str, Row]:
        """Path -> what was made of it with `network`; embeddings that are no longer whole are left out."""
        rows = (_row(record) for record in self._read(_SELECT, network))
        return {row.photo.path: row for row in rows if row is not None}

    def paths(self) -> set[str]:
        """Every picture known with any network."""
        return {path for (path,) in self._read("SELECT path FROM photos")}

    def save(self, network: str, rows: Iterable[Row]) -> None:
        """Keep `rows`, all or none of them; a picture that has changed loses what other networks made of it."""
        records = [_record(network, row) for row in rows]

        def work(db: sqlite3.Connection) -> None:
            for record in records:
                for statement in _SAVE:
                    db.execute(statement, record)

        self._write(work)

    def forget(self, paths: Iterable[str]) -> None:
        """Drop pictures, with what every network made of them."""
        gone = [(path,) for path in paths]
        if gone:
            self._write(lambda db: db.executemany("DELETE FROM photos WHERE path = ?", gone))

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _read(self, query: str, *values: str) -> list[tuple]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise GalleryError(f"cannot read the store {self.path} ({error}): delete it, it is made anew") from error

    def _write(self, work: Callable[[sqlite3.Connection], object]) -> None:
        try:
            _transaction(self._db, work)
        except sqlite3.DatabaseError as error:
            if self.in_memory or not _of_the_disk(error):
                raise
            _warn_memory(self.path, error)
            fallen, self._db = self._db, _memory(self._db)
            fallen.close()
            _transaction(self._db, work)


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


def _open(path: Path) -> sqlite3.Connection:
    try:
        return _connect(path)
    except (_Unusable, sqlite3.DatabaseError) as error:
        if isinstance(error, sqlite3.DatabaseError) and not _is_damage(error):
            return _from_readonly(path, error)
        _set_aside(path, error)
    except OSError as error:
        return _from_readonly(path, error)
    try:
        return _connect(path)
    except (_Unusable, sqlite3.DatabaseError, OSError) as error:
        return _from_readonly(path, error)


def _connect(path: Path) -> sqlite3.Connection:
    """The file at `path`, made when it is not there, checked, for reading and writing; readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
    try:
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA secure_delete = ON")
        _check(db)
        _transaction(db, _make_tables)
    except BaseException:
        db.close()
        raise
    return db


def _check(db: sqlite3.Connection) -> None:
    """Raise `_Unusable` unless the database is ours and whole, or empty."""
    application = db.execute("PRAGMA application_id").fetchone()[0]
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        if application != APPLICATION_ID:
            raise _Unusable("another program wrote it")
        if version != SCHEMA_VERSION:
            raise _Unusable(f"another version of streamface wrote it: {version}, not {SCHEMA_VERSION}")
    result = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if result != "ok":
        raise _Unusable("it is damaged")


def _make_tables(db: sqlite3.Connection) -> None:
    if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        for statement in SCHEMA:
            db.execute(statement)


def _memory(source: sqlite3.Connection | None = None) -> sqlite3.Connection:
    """A database in memory, with the contents of `source` as far as they can be read."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    try:
        if source is not None:
            source.execute("BEGIN")
            _check(source)  # takes the lock to read; `backup` would wait for ever where another program holds it
            source.backup(db)
    except (sqlite3.Error, _Unusable):
        db.close()
        db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute("PRAGMA foreign_keys = ON")
    _transaction(db, _make_tables)
    return db


def _from_readonly(path: Path, error: Exception) -> sqlite3.Connection:
    """A copy in memory of a file that cannot be written, empty where it cannot be read either."""
    _warn_memory(path, error)
    try:
        source = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1)
    except (sqlite3.Error, ValueError):
        return _memory()
    try:
        return _memory(source)
    finally:
        source.close()


def _transaction(db: sqlite3.Connection, work: Callable[[sqlite3.Connection], object]) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        work(db)
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Python gives 'not a database' and 'malformed' as the base class, and trouble of the disk as a child of it."""
    return type(error) is sqlite3.DatabaseError


def _of_the_disk(error: sqlite3.DatabaseError) -> bool:
    return isinstance(error, sqlite3.OperationalError) or _is_damage(error)


def _set_aside(path: Path, error: Exception) -> None:
    """Rename the file, and its journal, which must not be played into the next one."""
    number = next(n for n in range(1, 10_000) if not path.with_name(f"{path.name}.aside-{n}").exists())
    aside = path.with_name(f"{path.name}.aside-{number}")
    try:
        os.replace(path, aside)
    except OSError:  # another process was faster, or the folder is read-only and opening fails once more
        return
    for ending in ("-journal", "-wal", "-shm"):
        with suppress(OSError):  # most often there is none
            os.replace(f"{path}{ending}", f"{aside}{ending}")
    log.warning("the store %s is not usable (%s): set aside as %s and begun anew", path, error, aside.name)


def _warn_memory(path: Path, error: Exception) -> None:
    reason = getattr(error, "strerror", None) or error
    log.warning(
        "cannot write the store %s (%s): embeddings last for this run only; free the disk or name another file",
        path,
        reason,
    )
