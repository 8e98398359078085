"""Questions to the SQLite file of events: who was there when; see `event_store` for what writes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from streamface.sinks.event_store import APPLICATION_ID, BUSY_S

COLUMNS = ("id", "camera", "track", "person", "stranger", "distance", "started_at", "ended_at", "over", "snapshot")
MOST_NAMES = 1000
"""People and cameras offered to choose from."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which visits; None where it does not matter. Times as `event_output.utc` writes them."""

    person: str | None = None
    unknown: bool = False
    """Only people without a name."""
    stranger: int | None = None
    camera: str | None = None
    after: str | None = None
    """Still there at this time, or later."""
    before: str | None = None
    """Came before this time."""
    older_than: tuple[str, str] | None = None
    """(`started_at`, `id`) of the last visit that is known already."""
    limit: int = 50
    without: Collection[str] = ()
    """People whose visits are left out."""


class VisitLog:
    """The visits in one or several files, the latest first; each question opens the files anew, so threads may ask.

    Files that are not there yet, or that another program wrote, have no visits.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(dict.fromkeys(paths))

    def visits(self, wanted: Wanted) -> list[dict]:
        """`COLUMNS` of the visits that are wanted."""
        where, values = _where(wanted)
        query = f"SELECT {', '.join(COLUMNS)} FROM visits{where} ORDER BY started_at DESC, id DESC LIMIT ?"
        rows = self._read(query, [*values, wanted.limit])
        found = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
        found.sort(key=lambda visit: (visit["started_at"], visit["id"]), reverse=True)
        return [{**visit, "over": bool(visit["over"])} for visit in found[: wanted.limit]]

    def visit(self, number: str) -> dict | None:
        """One visit by its id."""
        rows = self._read(f"SELECT {', '.join(COLUMNS)} FROM visits WHERE id = ?", [number])
        return dict(zip(COLUMNS, rows[0], strict=True)) if rows else None

    def names(self) -> dict[str, list[str]]:
        """'people' and 'cameras' that occur, in order."""
        return {
            kind: sorted({name for (name,) in self._read(query, [MOST_NAMES])})
            for kind, query in (
                ("people", "SELECT DISTINCT person FROM visits WHERE person IS NOT NULL LIMIT ?"),
                ("cameras", "SELECT DISTINCT camera FROM visits LIMIT ?"),
            )
        }

    def rename(self, old: str, new: str) -> int:
        """Write the visits and events of one name to another; how many visits.

        Whoever asks for the traces of a person, or for deleting them, asks by one name.
        """
        changed = 0
        for path in self._paths:
            with _opened(path, writing=True) as db:
                if db is None:
                    continue
                with db:
                    db.execute("BEGIN IMMEDIATE")
                    changed += db.execute("UPDATE visits SET person = ? WHERE person = ?", (new, old)).rowcount
                    for column in ("person", "previous"):
                        db.execute(f"UPDATE events SET {column} = ? WHERE {column} = ?", (new, old))
        return changed

    def _read(self, query: str, values: Sequence[object]) -> list[tuple]:
        rows: list[tuple] = []
        for path in self._paths:
            with _opened(path) as db:
                rows += db.execute(query, values).fetchall() if db is not None else []
        return rows


def _where(wanted: Wanted) -> tuple[str, list[object]]:
    conditions: list[tuple[str, Sequence[object]]] = []
    for column, value in (("person", wanted.person), ("stranger", wanted.stranger), ("camera", wanted.camera)):
        if value is not None:
            conditions.append((f"{column} = ?", [value]))
    if wanted.unknown:
        conditions.append(("person IS NULL", []))
    if wanted.after is not None:
        conditions.append(("ended_at >= ?", [wanted.after]))
    if wanted.before is not None:
        conditions.append(("started_at < ?", [wanted.before]))
    if wanted.without:
        places = ", ".join("?" * len(wanted.without))
        conditions.append((f"(person IS NULL OR person NOT IN ({places}))", list(wanted.without)))
    if wanted.older_than is not None:
        conditions.append(("(started_at, id) < (?, ?)", wanted.older_than))
    text = " AND ".join(condition for condition, _ in conditions)
    return (f" WHERE {text}" if text else ""), [value for _, values in conditions for value in values]


@contextmanager
def _opened(path: Path, writing: bool = False) -> Iterator[sqlite3.Connection | None]:
    """The file, None where there is none of ours."""
    if not path.is_file() or not path.stat().st_size:
        yield None
        return
    address = f"{path.absolute().as_uri()}?mode={'rw' if writing else 'ro'}"
    with closing(sqlite3.connect(address, uri=True, timeout=BUSY_S, isolation_level=None)) as db:
        db.execute("PRAGMA secure_delete = ON")
        yield db if db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID else None
