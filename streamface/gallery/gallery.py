"""The people that are known, ready to be matched: a table and one matrix."""

from __future__ import annotations

import os
import zlib
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from streamface.errors import SettingsError
from streamface.gallery.base import Row
from streamface.gallery.distances import METRICS, checked
from streamface.gallery.matrix import stacked
from streamface.gallery.search import Span, nearest
from streamface.gallery.table import Table
from streamface.gallery.thumbnails import Thumbnails
from streamface.plugins import choose
from streamface.types import Box, Match, readonly

if TYPE_CHECKING:
    import pandas


class Gallery:
    """Everybody's pictures as vectors of one network; never changes, so threads may share it.

    rows are usable ones in any order, or a table of them; folder, when given, is put in front of their paths. counters
    are usable rows of whom their `identity` is not: a face nearer to one of them than to all of the person's pictures
    is not that person.
    """

    def __init__(
        self, rows: Iterable[Row] | Table, network: str, folder: str = "", counters: Iterable[Row] = ()
    ) -> None:
        self._table = rows if isinstance(rows, Table) else Table.of(rows)
        self.folder = folder
        """Stands in front of the paths of its pictures."""
        self.network = network
        self.counters = tuple(sorted(counters, key=lambda row: (row.photo.identity, row.photo.path)))
        """Rows of whom somebody is not, ordered by person and path."""
        self._refusing = self._counted()
        self._thumbnails = Thumbnails()

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self._table)

    @cached_property
    def photos(self) -> tuple[str, ...]:
        """Path of each picture, in the order of `people`."""
        return tuple(os.path.join(self.folder, path) for path in self._table.pictures.paths)

    @property
    def vectors(self) -> np.ndarray:
        """(N, D) float32, in the order of `people`, copied at each call; (0, 0) when there is nobody."""
        return readonly(self._table.matrix.all())

    @cached_property
    def identities(self) -> tuple[str, ...]:
        """Names of all persons, in order."""
        pictures = self._table.pictures
        counts = np.diff(pictures.starts).tolist()
        return tuple(name for name, count in zip(pictures.names, counts, strict=True) if count)

    @property
    def counts(self) -> dict[str, int]:
        """Name of each person -> number of pictures, in order."""
        pictures = self._table.pictures
        counts = np.diff(pictures.starts).tolist()
        return {name: count for name, count in zip(pictures.names, counts, strict=True) if count}

    @cached_property
    def people(self) -> pandas.DataFrame:
        """One row a picture: identity, image (path), x1, y1, x2, y2 (of the face, in pixels), quality, embedding.

        A table for looking at: changing it does not change what is matched.
        """
        import pandas

        pictures = self._table.pictures
        return pandas.DataFrame(
            {
                "identity": np.repeat(np.array(list(pictures.names), object), np.diff(pictures.starts)),
                "image": list(self.photos),
                **{side: self._table.boxes[:, i].copy() for i, side in enumerate(("x1", "y1", "x2", "y2"))},
                "quality": np.array(self._table.qualities),
                "embedding": pandas.Series(list(self.vectors), dtype=object),
            }
        )

    def match(
        self,
        vectors: np.ndarray,
        metric: str,
        threshold: float | np.ndarray,
        network: str | None = None,
        without: Sequence[Collection[str]] | None = None,
    ) -> tuple[Match, ...]:
        """The nearest person for each of (M, D) embeddings; `threshold` is one for all, or (M,).

        A person is as near as the nearest of their pictures; within `threshold` that is the answer, beyond it
        the identity is None and the distance stays. `without` has for each face the people who are passed over.
        Of two equally near the first by name is taken, with an equal `runner_up`. Raises `SettingsError` for another
        length of embedding, values that are no numbers, or a `network` (when given) that is not the gallery's;
        `UnknownNameError` for the metric.
        """
        metric = choose("metric", metric, METRICS)
        faces = self._faces(vectors, network)
        limits = np.broadcast_to(threshold, len(faces)).tolist()
        if not len(self):
            return tuple(Match(None, float("inf"), metric, limit) for limit in limits)
        passed = None if without is None else [self._spans(names) for names in without]
        found = nearest(self._table.matrix, self._table.pictures.starts, faces, metric, self._refusing, passed)
        return tuple(self._answer(*entry, metric, limit) for entry, limit in zip(found, limits, strict=True))

    def pictures_of(self, identity: str) -> tuple[Row, ...]:
        """The pictures of one person, by path; none of nobody here."""
        person, starts = self._person(identity), self._table.pictures.starts
        if person is None:
            return ()
        return tuple(map(self._table.row, range(int(starts[person]), int(starts[person + 1]))))

    def thumbnail(self, photo: str, size_px: int) -> np.ndarray | None:
        """The face in `photo` (a path as in `Match.photo`) as a read-only (S, S, 3) uint8 BGR square with a margin.

        None for a picture of nobody here, or one that can no longer be read. Kept after the first call, which
        reads the picture and may take 0.1 s for a large photograph; threads may call it.
        """
        return self._thumbnails.get(photo, size_px, self._box)

    def _spans(self, names: Collection[str]) -> list[Span]:
        """The rows of some people."""
        starts = self._table.pictures.starts
        people = [person for name in names if (person := self._person(name)) is not None]
        return [(int(starts[person]), int(starts[person + 1])) for person in people]

    def _faces(self, vectors: np.ndarray, network: str | None) -> np.ndarray:
        if network is not None and network != self.network:
            raise SettingsError(
                f"the gallery was embedded with {self.network}, the face with {network}: use one network for both"
            )
        faces, shape = checked(vectors), self._table.matrix.shape
        if faces.ndim != 2 or (len(self) and faces.shape[1] != shape[1]):
            raise SettingsError(f"embeddings of shape {faces.shape} do not fit a gallery of {shape}: (M, D) is needed")
        return faces.astype(np.float32, copy=False)

    def _counted(self) -> dict[int, np.ndarray]:
        """Number of a person -> (C, D) embeddings of whom it is not."""
        kept: dict[int, list[np.ndarray]] = {}
        for row in self.counters:
            person = self._person(row.photo.identity)
            if person is not None:
                kept.setdefault(person, []).append(row.vector)
        return {person: stacked(vectors) for person, vectors in kept.items()}

    def _person(self, identity: str) -> int | None:
        names = self._table.pictures.names
        place = bisect_left(names, identity)
        return place if place < len(names) and names[place] == identity else None

    def _answer(self, row: int, far: float, runner_up: float, metric: str, threshold: float) -> Match:
        if row < 0:  # counter-examples speak against everybody
            return Match(None, far, metric, threshold)
        identity = self._table.pictures.identity(row) if far <= threshold else None
        return Match(identity, far, metric, threshold, runner_up, self._photo(row))

    def _photo(self, row: int) -> str:
        return os.path.join(self.folder, self._table.pictures.paths[row])

    @cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """Hashes of all paths, in order, and the row of each: for a million paths 12 MB, where a dict takes 100."""
        hashes = np.array([_hash(path) for path in self._table.pictures.paths], np.uint32)
        order = np.argsort(hashes, kind="stable")
        return hashes[order], order

    def _box(self, photo: str) -> Box | None:
        """Where the face is in `photo`, None for a picture of nobody here."""
        hashes, rows = self._places
        own = _hash(photo[len(os.path.join(self.folder, "")) :])
        first, last = np.searchsorted(hashes, own, "left"), np.searchsorted(hashes, own, "right")
        found = [int(row) for row in rows[first:last] if self._photo(int(row)) == photo]
        return Box(*self._table.boxes[found[0]].tolist()) if found else None


def _hash(path: str) -> int:
    return zlib.crc32(path.encode("utf-8", "surrogatepass"))
