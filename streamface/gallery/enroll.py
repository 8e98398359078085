"""Bringing the store up to date with a folder: embed what is new or changed, forget what is gone."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from streamface.errors import SettingsError
from streamface.gallery.base import Encoder, Photo, Row
from streamface.gallery.crew import Crew
from streamface.gallery.scan import scan
from streamface.gallery.store import Store

BATCH = 64
BATCH_S = 1.0
"""Results are written when there are `BATCH`, or after `BATCH_S` seconds: a crash loses no more than that."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A picture that is not used."""

    path: str
    """With the folder in front."""
    identity: str
    reason: str
    is_new: bool
    """False where an earlier enrolment found it, and the file has not changed since."""


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What one enrolment did."""

    folder: Path
    network: str
    rows: tuple[Row, ...]
    """The usable pictures, ordered by person and path."""
    skipped: tuple[Skipped, ...]
    embedded: int
    """Pictures looked at this time, the skipped among them included."""
    forgotten: int
    """Pictures of earlier enrolments that are no longer there."""


def enroll(folder: Path, store: Store, encoders: Sequence[Encoder], progress: bool | None = None) -> Report:
    """Bring `store` up to date with the pictures in `folder`.

    Each encoder works in a thread of its own, beside another that reads ahead of it; all must have the same
    `network`. `progress` True shows a bar on stderr, False none, None one where stderr is a terminal; there is
    none when nothing has changed. Pictures without exactly one person, or that are no pictures, are skipped, logged
    by name, and tried again once the file changes. An interrupt keeps what was found until then.
    Raises `GalleryError` where the folder cannot be read; whatever else an encoder raises ends the enrolment.
    """
    folder, network = Path(folder), _network(encoders)
    photos = scan(folder)
    known = store.rows(network)
    rows = {p.path: known[p.path] for p in photos if p.path in known and known[p.path].photo == p}
    fresh = [photo for photo in photos if photo.path not in rows]
    # An empty folder is more often a drive that is not mounted than a wish to forget everybody.
    gone = store.paths().difference(photo.path for photo in photos) if photos else ()
    store.forget(gone)
    if fresh:
        rows.update(embed(folder, fresh, store, encoders, progress))
    new = {photo.path for photo in fresh}
    ordered = [rows[photo.path] for photo in photos]
    skipped = tuple(_skipped(folder, row, row.photo.path in new) for row in ordered if not row.usable)
    _log(skipped)
    return Report(folder, network, tuple(row for row in ordered if row.usable), skipped, len(fresh), len(gone))


def embed(
    folder: Path, photos: Sequence[Photo], store: Store, encoders: Sequence[Encoder], progress: bool | None = None
) -> dict[str, Row]:
    """Path -> row of each of `photos`, all looked at anew, and kept as far as they got when this is interrupted."""
    keeper, crew = _Keeper(store, _network(encoders)), Crew(folder, photos, encoders)
    with _bar(len(photos), progress) as bar:
        try:
            with crew:
                for row in crew.rows():
                    keeper.add(row)
                    if bar is not None:
                        bar.update()
        finally:
            for row in crew.finished():
                keeper.add(row)
            keeper.flush()
    return keeper.rows


def _network(encoders: Sequence[Encoder]) -> str:
    networks = {encoder.network for encoder in encoders}
    if len(networks) != 1:
        raise SettingsError(f"encoders of {len(networks)} networks were given: enrol with those of one")
    return networks.pop()


class _Keeper:
    """Collects rows and writes them batch by batch."""

    def __init__(self, store: Store, network: str) -> None:
        self.rows: dict[str, Row] = {}
        self._store, self._network = store, network
        self._waiting: list[Row] = []
        self._due = time.monotonic() + BATCH_S

    def add(self, row: Row) -> None:
        self.rows[row.photo.path] = row
        if not row.passing:
            self._waiting.append(row)
        if len(self._waiting) >= BATCH or time.monotonic() >= self._due:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            self._store.save(self._network, self._waiting)
        self._waiting, self._due = [], time.monotonic() + BATCH_S


def _bar(total: int, progress: bool | None) -> AbstractContextManager:
    """A tqdm bar on stderr, or a context that holds None."""
    if not (sys.stderr.isatty() if progress is None else progress):
        return nullcontext()
    from tqdm import tqdm

    class Bar(tqdm):
        monitor_interval = 0  # else tqdm starts a thread that outlives the enrolment

    return Bar(total=total, desc="Embedding pictures", unit="", file=sys.stderr, leave=False)


def _skipped(folder: Path, row: Row, is_new: bool) -> Skipped:
    return Skipped(str(folder / row.photo.path), row.photo.identity, row.reason or "", is_new)


def _log(skipped: Sequence[Skipped]) -> None:
    """Name each picture once, when it is found; after that only say how many there are."""
    for picture in skipped:
        if picture.is_new:
            log.warning("skipped %s: %s", picture.path, picture.reason)
    old = sum(not picture.is_new for picture in skipped)
    if old:
        log.info("%d pictures are skipped as before", old)
