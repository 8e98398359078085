"""Keeping what enrolment found in one SQLite file: a cache, all of which can be made again from the pictures."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from streamface.errors import GalleryError, SettingsError
from streamface.gallery import counter_examples
from streamface.gallery._database import Database, Schema
from streamface.gallery.base import Photo, Row
from streamface.gallery.matrix import stacked
from streamface.gallery.table import Block
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


GENERATION = (
    "CREATE TABLE IF NOT EXISTS generation (value TEXT NOT NULL)",
    "INSERT INTO generation SELECT '' WHERE NOT EXISTS (SELECT 1 FROM generation)",
    *(
        f"""CREATE TRIGGER IF NOT EXISTS {table}_{event} AFTER {event} ON {table}
            BEGIN UPDATE generation SET value = hex(randomblob(16)); END"""
        for table in ("photos", "faces")
        for event in ("INSERT", "UPDATE", "DELETE")
    ),
)
"""A value that is another one after every change, whichever program made it: what was made from the file is known by
it. Added to files of the same version, which older programs go on to use."""

BATCH = 4096
"""Faces that are read in one query; whole panels of the matrix."""


class Store:
    """What is known of the pictures of one folder, per network; used by the thread that opened it.

    `path` None keeps it in memory. Two processes may have the same file open. One file belongs to one folder of
    people: enrolling another one into it forgets the first.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = None if path is None else Path(path)
        self._db = Database(self.path, SCHEMA, lazy=True)
        self._prepare()

    def _prepare(self) -> None:
        if not self._db.read("SELECT 1 FROM sqlite_master WHERE name = 'generation'"):
            self._db.write(lambda db: [db.execute(statement) for statement in GENERATION])

    @property
    def in_memory(self) -> bool:
        """True when nothing is kept after `close`, as asked or because the file cannot be written."""
        return self._db.in_memory

    def rows(self, network: str) -> dict[str, Row]:
        """Path -> what was made of it with `network`, counter-examples included; embeddings that are no longer whole
        are left out."""
        self._verify()
        rows = (_row(record) for record in self._db.read(_SELECT, network))
        return {row.photo.path: row for row in rows if row is not None}

    def counters(self, network: str) -> dict[str, Row]:
        """As `rows`, of the counter-examples alone."""
        self._verify()
        rows = (_row(record) for record in self._db.read(f"{_SELECT} AND {_IS_COUNTER}", network))
        return {row.photo.path: row for row in rows if row is not None}

    def counter_paths(self) -> set[str]:
        """Every counter-example known with any network."""
        self._verify()
        return {path for (path,) in self._db.read(f"SELECT path FROM photos WHERE {_IS_COUNTER}")}

    def states(self, network: str) -> Iterator[tuple[int, str, str, int, int, str | None]]:
        """As `rows` without the faces: number in the store, path, identity, size, time, and why it is not used."""
        self._verify()
        for records in self._db.batches(f"SELECT photos.id, {_COLUMNS}", BATCH, network):
            for record, whole in zip(records, _whole([record[1:] for record in records]), strict=True):
                if record[5] != "used":
                    yield *record[:5], record[6] or "skipped"
                elif whole:
                    yield *record[:5], None

    def blocks(self, network: str, numbers: Sequence[int]) -> Iterator[Block]:
        """The faces of pictures that `states` called usable, in order, a block at a time."""
        dimensions = set()
        for start in range(0, len(numbers), BATCH):
            part = numbers[start : start + BATCH]
            marks = ",".join("?" * len(part))
            faces = {number: face for number, *face in self._db.read(_FACES.format(marks), network, *part)}
            if len(faces) < len(part):
                raise GalleryError(f"another program changed the store {self.path} while it was read: try again")
            records = [faces[number] for number in part]
            boxes = np.array([record[:4] for record in records], np.float64)
            vectors = stacked([np.frombuffer(record[5], "<f4") for record in records])
            dimensions.add(vectors.shape[1])
            if len(dimensions) > 1:
                raise SettingsError("embeddings of 2 lengths in one gallery: build it from one network")
            yield Block.of(boxes, np.array([record[4] for record in records], np.float64), vectors)

    @contextmanager
    def unchanging(self) -> Iterator[str]:
        """Everything read inside is of one moment; gives the generation of the file at that moment."""
        with self._db.reading():
            yield self._db.read("SELECT value FROM generation")[0][0]

    def paths(self) -> set[str]:
        """Every picture known with any network."""
        self._verify()
        return {path for (path,) in self._db.read("SELECT path FROM photos")}

    def people(self, identity: str) -> tuple[Row, ...]:
        """What every network made of the pictures of one person, also of those that are no longer there."""
        rows = (_row(record) for record in self._db.read(_OF_PERSON, identity))
        return tuple(row for row in rows if row is not None)

    def save(self, network: str, rows: Iterable[Row]) -> None:
        """Keep `rows`, all or none of them; a picture that has changed loses what other networks made of it."""
        records = [_record(network, row) for row in rows]

        def work(db: sqlite3.Connection) -> None:
            for record in records:
                for statement in _SAVE:
                    db.execute(statement, record)

        self._verify()
        self._db.write(work)

    def forget(self, paths: Iterable[str]) -> None:
        """Drop pictures, with what every network made of them."""
        gone = [(path,) for path in paths]
        if gone:
            self._verify()
            self._db.write(lambda db: db.executemany("DELETE FROM photos WHERE path = ?", gone))

    def _verify(self) -> None:
        if self._db.verify():
            self._prepare()

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


_COLUMNS = """path, identity, size, mtime_ns, status, reason, x1, y1, x2, y2, quality, vector
    FROM faces JOIN photos ON photos.id = faces.photo WHERE network = ?"""
_SELECT = f"SELECT {_COLUMNS}"

_IS_COUNTER = f"instr(path, '/{counter_examples.FOLDER}/')"
_FACES = "SELECT photo, x1, y1, x2, y2, quality, vector FROM faces WHERE network = ? AND photo IN ({})"

_OF_PERSON = _SELECT.replace("WHERE network = ?", "WHERE identity = ?")

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


def _whole(records: Sequence[Sequence]) -> list[bool]:
    """For each record whether `_row` makes a row of it: all at once where nothing is wrong, ten times faster."""
    used = [record for record in records if record[4] == "used"]
    try:
        numbers = np.array([record[6:11] for record in used], np.float64)
        vectors = np.frombuffer(b"".join(record[11] for record in used), "<f4")
        fine = np.isfinite(numbers).all() and np.isfinite(vectors).all()
        fine = fine and len({len(record[11]) for record in used}) == 1 and len(vectors) > 0
    except (TypeError, ValueError):
        fine = False
    return [True] * len(records) if fine else [_row(tuple(record)) is not None for record in records]
