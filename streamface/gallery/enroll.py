"""Bringing the store up to date with a folder: embed what is new or changed, forget what is gone."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from streamface.errors import SettingsError
from streamface.gallery import snapshot
from streamface.gallery.base import Encoder, Photo, Row
from streamface.gallery.crew import Crew
from streamface.gallery.pictures import Pictures
from streamface.gallery.scan import pictures
from streamface.gallery.snapshot import Snapshot
from streamface.gallery.store import Store
from streamface.gallery.table import Found, Table

BATCH = 64
BATCH_S = 1.0
"""Results are written when there are `BATCH`, or after `BATCH_S` seconds: a crash loses no more than that."""
LARGE = 10_000
"""Usable pictures from which on a file beside the store keeps the gallery ready; smaller ones are read in 0.1 s."""

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
    people: Table
    """The usable pictures."""
    skipped: tuple[Skipped, ...]
    embedded: int
    """Pictures looked at this time, the skipped among them included."""
    forgotten: int
    """Pictures of earlier enrolments that are no longer there."""
    counters: tuple[Row, ...] = ()
    """The usable pictures of whom somebody is not."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """The usable pictures one by one, ordered by person and path; made anew at each call."""
        return tuple(map(self.people.row, range(len(self.people))))


def enroll(folder: Path, store: Store, encoders: Sequence[Encoder], progress: bool | None = None) -> Report:
    """Bring `store` up to date with the pictures in `folder`.

    Each encoder works in a thread of its own, beside another that reads ahead of it; all must have the same
    `network`. `progress` True shows a bar on stderr, False none, None one where stderr is a terminal; there is
    none when nothing has changed. Pictures without exactly one person, or that are no pictures, are skipped, logged
    by name, and tried again once the file changes. An interrupt keeps what was found until then.
    Raises `GalleryError` where the folder cannot be read; whatever else an encoder raises ends the enrolment.
    """
    folder, network = Path(folder), _network(encoders)
    photos, kept = _listed(folder, store, network)
    known = Known(kept.found) if kept else _known(store, network, photos)
    # An empty folder is more often a drive that is not mounted than a wish to forget everybody.
    counters, had = {photo.path: photo for photo in photos.counters}, store.counters(network)
    gone = store.counter_paths() if len(photos) else set()
    gone = (gone if kept or not len(photos) else store.paths().difference(photos.paths)).difference(counters)
    store.forget(gone)
    fresh = [
        *known.fresh(),
        *(photo for path, photo in counters.items() if path not in had or had[path].photo != photo),
    ]
    looked = embed(folder, fresh, store, encoders, progress) if fresh else {}
    if any(not row.passing for row in looked.values()):
        known, kept = _known(store, network, photos), None
    people = kept.table if kept else _table(store, network, known)
    found = [row for path, row in {**had, **looked}.items() if path in counters]
    skipped = _skipped(folder, known.found, looked) + _unusable(folder, found, looked)
    _log(skipped)
    usable = tuple(row for row in found if row.usable)
    return Report(folder, network, people, skipped, len(fresh), len(gone), usable)


def _listed(folder: Path, store: Store, network: str) -> tuple[Pictures, Snapshot | None]:
    """The pictures of the folder, and the snapshot beside the store where it says all of them."""
    if store.path is None or store.in_memory:
        return pictures(folder), None
    path = snapshot.path_for(store.path, network)
    with ThreadPoolExecutor(1, "enroll-load") as loader:
        loading = loader.submit(snapshot.load, path, network)  # computes checksums while the folder is listed
        photos = pictures(folder)
        kept = loading.result()
    with store.unchanging() as generation:
        plain = replace(photos, counters=())
        current = kept is not None and kept.generation == generation and kept.found.pictures.same(plain)
    return photos, kept if current else None


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What is known of a folder's pictures, and by which numbers the store knows them."""

    found: Found
    numbers: np.ndarray | None = None
    """(pictures,) int64; None where the faces come from elsewhere."""

    def fresh(self) -> list[Photo]:
        """Pictures that have to be looked at."""
        unknown = ~self.found.used
        unknown[list(self.found.reasons)] = False
        return [self.found.pictures.photo(int(number)) for number in np.flatnonzero(unknown)]


def _known(store: Store, network: str, photos: Pictures) -> Known:
    """What the store has of `photos` as they are now."""
    place = {path: number for number, path in enumerate(photos.paths)}
    now = photos.columns()
    used, reasons, numbers = np.zeros(len(photos), bool), {}, np.zeros(len(photos), np.int64)
    for number, path, *state, reason in store.states(network):
        at = place.get(path)
        if at is None or state != [column[at] for column in now]:
            continue
        numbers[at] = number
        if reason is None:
            used[at] = True
        else:
            reasons[at] = reason
    return Known(Found(photos, used, reasons), numbers)


def _table(store: Store, network: str, known: Known) -> Table:
    """The faces of the usable pictures; a large gallery is also written to a file, and mapped from there."""
    found, numbers = known.found, known.numbers[known.found.used].tolist()
    with store.unchanging() as generation:
        if len(numbers) < LARGE or store.path is None or store.in_memory:
            return Table.joined(found.pictures.picked(found.used), store.blocks(network, numbers))
        path = snapshot.path_for(store.path, network)
        try:
            snapshot.save(path, generation, network, found, store.blocks(network, numbers))
        except OSError as error:
            log.info("cannot write %s (%s): the next start takes longer", path, error)
        kept = snapshot.load(path, network)
        if kept is None or kept.generation != generation:
            return Table.joined(found.pictures.picked(found.used), store.blocks(network, numbers))
    return kept.table


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


def _skipped(folder: Path, found: Found, looked: Mapping[str, Row]) -> tuple[Skipped, ...]:
    """The pictures without a face to match against, in order; `looked` are the new ones."""
    skipped = []
    for number in np.flatnonzero(~found.used).tolist():
        photo = found.pictures.photo(number)
        row = looked.get(photo.path)
        reason = found.reasons.get(number) or (row and row.reason) or ""
        skipped.append(Skipped(str(folder / photo.path), photo.identity, reason, row is not None))
    return tuple(skipped)


def _unusable(folder: Path, counters: Iterable[Row], looked: Mapping[str, Row]) -> tuple[Skipped, ...]:
    """The counter-examples without a face, as `_skipped`."""
    return tuple(
        Skipped(str(folder / row.photo.path), row.photo.identity, row.reason, row.photo.path in looked)
        for row in counters
        if not row.usable
    )


def _log(skipped: Sequence[Skipped]) -> None:
    """Name each picture once, when it is found; after that only say how many there are."""
    for picture in skipped:
        if picture.is_new:
            log.warning("skipped %s: %s", picture.path, picture.reason)
    old = sum(not picture.is_new for picture in skipped)
    if old:
        log.info("%d pictures are skipped as before", old)
