"""Taking every trace of a person out of what was written: events, rows of faces, pictures."""

from __future__ import annotations

import csv
import io
import json
import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from streamface.errors import OutputError
from streamface.images import list_images
from streamface.runtime.cache import write_atomically
from streamface.sinks._files import alone_with

NAMES = ("person", "previous", "identity", "claimed")
"""Columns that hold names: of events, of rows of faces, and of what a kiosk decided."""
Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Erased:
    """What was found, or taken out, of one file."""

    path: Path
    rows: int
    pictures: tuple[Path, ...] = ()
    """Files that the rows name as pictures of the person."""
    content: tuple[Row, ...] = ()
    """The rows themselves."""


def rows_of(path: Path, name: str, delete: bool) -> Erased:
    """Find, or delete, the rows about a person in a .jsonl, .csv or .sqlite file of events or faces.

    Those of whole visits, or of whole tracks where there are no visits, go together: what was seen before the name was
    known is of the same person. Raises `OutputError` for a file that cannot be read or written.
    """
    try:
        if path.suffix.lower() == ".sqlite":
            return _in_database(path, name, delete)
        with alone_with(path):
            return _in_lines(path, name, delete)
    except (OSError, UnicodeDecodeError, sqlite3.Error) as error:
        raise OutputError(f"cannot look through {path} ({error}): stop what writes it, or delete it") from error


def _in_lines(path: Path, name: str, delete: bool) -> Erased:
    text = path.read_bytes().decode()
    lines = [f"{line}\n" for line in text.split("\n")]  # not `splitlines`: names may hold other ends of line
    lines = lines[:-1] if text.endswith("\n") or not text else [*lines[:-1], lines[-1][:-1]]
    parsed = _csv_rows(lines) if path.suffix.lower() == ".csv" else [_json_row(line) for line in lines]
    gone = _about(parsed, name)
    if gone and delete:
        kept = "".join(line for number, line in enumerate(lines) if number not in gone)
        write_atomically(path, kept.encode())
    about = tuple(parsed[number] for number in sorted(gone))
    return Erased(path, len(gone), _pictures(path, about), about)


def _json_row(line: str) -> Row | None:
    try:
        row = json.loads(line)
    except ValueError:  # cut off by a crash
        return None
    return row if isinstance(row, dict) else None


def _csv_rows(lines: Sequence[str]) -> list[Row | None]:
    """One entry a line; the heading is None."""
    if not lines:
        return []
    heading = next(csv.reader(io.StringIO(lines[0])), [])
    rows = (next(csv.reader(io.StringIO(line)), []) for line in lines[1:])
    return [None, *(dict(zip(heading, row, strict=False)) for row in rows)]


def _about(rows: Sequence[Row | None], name: str) -> set[int]:
    """Numbers of the rows that are about a person."""
    named = {number for number, row in enumerate(rows) if row and name in (row.get(column) for column in NAMES)}
    visits = {rows[number].get("visit") for number in named if "person" in rows[number]} - {None, ""}
    tracks = {str(rows[number].get("track")) for number in named if "identity" in rows[number]}
    for number, row in enumerate(rows):
        if row and "person" in row and row.get("visit") in visits:
            named.add(number)
        elif row and "identity" in row and not row["identity"] and str(row.get("track")) in tracks:
            named.add(number)
    return named


def _pictures(path: Path, rows: Iterable[Row]) -> tuple[Path, ...]:
    """The files named as `snapshot`: as they are written, or beside the file of events."""
    named = dict.fromkeys(str(row["snapshot"]) for row in rows if row.get("snapshot"))
    places = [place for text in named for place in (Path(text), path.parent / text)]
    return tuple(dict.fromkeys(place.resolve() for place in places if place.is_file()))


def _in_database(path: Path, name: str, delete: bool) -> Erased:
    """The same for every table with one of `NAMES`, whatever else it holds."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=10)) as db:
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA secure_delete = ON")
        tables = [table for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
        columns = {table: {row["name"] for row in db.execute(f'PRAGMA table_info("{table}")')} for table in tables}
        visits = set()
        for table in tables:
            if "visit" in columns[table] and columns[table] & set(NAMES):
                where, values = _where(columns[table] & set(NAMES), name)
                found = db.execute(f'SELECT DISTINCT visit FROM "{table}" WHERE {where}', values)
                visits |= {row[0] for row in found if row[0]}
        rows: list[Row] = []
        for table in tables:
            rows += _of_table(db, table, columns[table], (name, visits), delete)
            rows += _of_bodies(db, table, name, delete) if "body" in columns[table] else []
        if delete:
            db.commit()
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Erased(path, len(rows), _pictures(path, rows), tuple(rows))


def _where(columns: Iterable[str], name: str) -> tuple[str, list[str]]:
    columns = sorted(columns)
    return " OR ".join(f'"{column}" = ?' for column in columns), [name] * len(columns)


def _of_table(
    db: sqlite3.Connection, table: str, columns: set[str], wanted: tuple[str, set[str]], delete: bool
) -> list[Row]:
    name, visits = wanted
    if not columns & set(NAMES):
        return []
    where, values = _where(columns & set(NAMES), name)
    key = "visit" if "visit" in columns else "id"
    if key in columns and visits:
        where += f' OR "{key}" IN ({", ".join("?" * len(visits))})'
        values += sorted(visits)
    found = [dict(row) for row in db.execute(f'SELECT * FROM "{table}" WHERE {where}', values)]
    if delete and found:
        db.execute(f'DELETE FROM "{table}" WHERE {where}', values)
    return found


def _of_bodies(db: sqlite3.Connection, table: str, name: str, delete: bool) -> list[Row]:
    """The same where each row is one event as JSON, as those that wait for a receiver are kept."""
    kept = db.execute(f'SELECT rowid, body FROM "{table}"').fetchall()
    parsed = [_json_row(body or "") for _, body in kept]
    gone = sorted(_about(parsed, name))
    if delete:
        db.executemany(f'DELETE FROM "{table}" WHERE rowid = ?', [(kept[number][0],) for number in gone])
    return [parsed[number] for number in gone]


def pictures_in(folders: Iterable[Path]) -> tuple[Path, ...]:
    """All pictures below some folders, of which one or the other may be missing."""
    return tuple(path for folder in folders if folder.is_dir() for path in list_images(folder))


def delete_files(paths: Iterable[Path]) -> None:
    """Delete files; one that is gone already is no fault. Raises `OutputError`."""
    for path in paths:
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise OutputError(f"cannot delete {path} ({error.strerror}): allow it, or delete it by hand") from error
