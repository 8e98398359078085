"""One SQLite file that is ours, is whole, and is never a reason to fail.

A file that is damaged, or was written by another program, is set aside under another name and begun anew; and where
the disk is full or read-only the work goes on in memory, with a warning that says what that costs.

Written with SQLite's rollback journal and full synchronisation, not the write-ahead log: that one is faster with
many small commits, which batches make rare, but does not work on network drives and leaves a second file that must
travel with the first. Deleted rows are overwritten with zeros, since they describe people.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from streamface.errors import GalleryError

BUSY_S = 30.0
"""How long to wait for another process that is writing to the same file."""
LARGE = 64_000_000
"""Bytes from which on a file is not looked through before it is needed."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Schema:
    """What a file of one kind holds."""

    application_id: int
    """Written into the file's header, so that another program's file is told from ours."""
    version: int
    tables: tuple[str, ...]
    """The statements that make them."""
    in_memory: str
    """What a user loses, and can do, when the file cannot be written."""
    damaged: str
    """What a user can do when it breaks while it is open."""
    cache_kb: int = 2000
    """Of the file that is kept in memory."""


class _Unusable(Exception):
    """The file is whole, but not one of ours, or of another version."""


class Database:
    """One file, used by the thread that opened it; `path` None keeps all in memory.

    Two processes may have the same file open. The file is looked through when it is opened; `lazy` leaves that for
    one above `LARGE` bytes to `verify`, to be called before more than a few values are used.
    """

    def __init__(self, path: Path | None, schema: Schema, lazy: bool = False) -> None:
        self.path, self._schema = path, schema
        self._verified = path is None or not (lazy and _is_large(path))
        self._db = _memory(schema) if path is None else _open(path, schema, self._verified)

    def verify(self) -> bool:
        """Look through a large file, once; True where it was damaged, and was set aside and begun anew."""
        if self._verified or self.in_memory:
            return False
        self._verified = True
        try:
            _check(self._db, self._schema)
        except (_Unusable, sqlite3.DatabaseError):
            self._db.close()
            self._db = _open(self.path, self._schema)
            return True
        return False

    @property
    def in_memory(self) -> bool:
        """True when nothing is kept after `close`, as asked or because the file cannot be written."""
        return not self._db.execute("PRAGMA database_list").fetchone()[2]

    def read(self, query: str, *values: object) -> list[tuple]:
        """All rows of a query; raises `GalleryError` where the file broke."""
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise GalleryError(f"cannot read the store {self.path} ({error}): {self._schema.damaged}") from error

    def batches(self, query: str, size: int, *values: object) -> Iterator[list[tuple]]:
        """As `read`, `size` rows at a time."""
        try:
            cursor = self._db.execute(query, values)
            while rows := cursor.fetchmany(size):
                yield rows
        except sqlite3.DatabaseError as error:
            raise GalleryError(f"cannot read the store {self.path} ({error}): {self._schema.damaged}") from error

    @contextmanager
    def reading(self) -> Iterator[None]:
        """What is read inside is of one moment, whoever writes meanwhile."""
        with _of_one_moment(self._db):
            yield

    def write(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Do `work` wholly or not at all; once more in memory where the disk does not take it."""
        try:
            _transaction(self._db, work)
        except sqlite3.DatabaseError as error:
            if self.in_memory or not _of_the_disk(error):
                raise
            _warn_memory(self.path, error, self._schema)
            fallen, self._db = self._db, _memory(self._schema, self._db)
            fallen.close()
            _transaction(self._db, work)

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._db.close()


def _is_large(path: Path) -> bool:
    with suppress(OSError):
        return path.stat().st_size > LARGE
    return False


def _open(path: Path, schema: Schema, wholly: bool = True) -> sqlite3.Connection:
    try:
        return _connect(path, schema, wholly)
    except (_Unusable, sqlite3.DatabaseError) as error:
        if isinstance(error, sqlite3.DatabaseError) and not _is_damage(error):
            return _from_readonly(path, error, schema)
        _set_aside(path, error)
    except OSError as error:
        return _from_readonly(path, error, schema)
    try:
        return _connect(path, schema)
    except (_Unusable, sqlite3.DatabaseError, OSError) as error:
        return _from_readonly(path, error, schema)


def _connect(path: Path, schema: Schema, wholly: bool = True) -> sqlite3.Connection:
    """The file at `path`, made when it is not there, checked, for reading and writing; readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
    try:
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA synchronous = FULL")
        db.execute(f"PRAGMA cache_size = -{schema.cache_kb}")
        db.execute("PRAGMA secure_delete = ON")
        _check(db, schema, wholly)
        _transaction(db, partial(_make_tables, schema=schema))
    except BaseException:
        db.close()
        raise
    return db


def _check(db: sqlite3.Connection, schema: Schema, wholly: bool = True) -> None:
    """Raise `_Unusable` unless the database is ours and whole, or empty; reads all of it unless not `wholly`."""
    with _of_one_moment(db):  # else another process may make the tables in between, and seem to be another program
        application = db.execute("PRAGMA application_id").fetchone()[0]
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            if application != schema.application_id:
                raise _Unusable("another program wrote it")
            if version != schema.version:
                raise _Unusable(f"another version of streamface wrote it: {version}, not {schema.version}")
        result = db.execute("PRAGMA quick_check(1)").fetchone()[0] if wholly else "ok"
    if result != "ok":
        raise _Unusable("it is damaged")


@contextmanager
def _of_one_moment(db: sqlite3.Connection) -> Iterator[None]:
    """What is read inside belongs together; within a transaction it does anyway."""
    if db.in_transaction:
        yield
        return
    db.execute("BEGIN")
    try:
        yield
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _make_tables(db: sqlite3.Connection, schema: Schema) -> None:
    if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        for statement in schema.tables:
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {schema.application_id}")
        db.execute(f"PRAGMA user_version = {schema.version}")


def _memory(schema: Schema, source: sqlite3.Connection | None = None) -> sqlite3.Connection:
    """A database in memory, with the contents of `source` as far as they can be read."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    try:
        if source is not None:
            source.execute("BEGIN")
            # Takes the lock to read; `backup` would wait for ever where another program holds it.
            _check(source, schema)
            source.backup(db)
    except (sqlite3.Error, _Unusable):
        db.close()
        db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute("PRAGMA foreign_keys = ON")
    _transaction(db, partial(_make_tables, schema=schema))
    return db


def _from_readonly(path: Path, error: Exception, schema: Schema) -> sqlite3.Connection:
    """A copy in memory of a file that cannot be written, empty where it cannot be read either."""
    _warn_memory(path, error, schema)
    try:
        source = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1)
    except (sqlite3.Error, ValueError):
        return _memory(schema)
    try:
        return _memory(schema, source)
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


def _warn_memory(path: Path, error: Exception, schema: Schema) -> None:
    reason = getattr(error, "strerror", None) or error
    log.warning("cannot write the store %s (%s): %s", path, reason, schema.in_memory)
