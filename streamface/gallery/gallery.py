"""The people that are known, ready to be matched: a table and one matrix."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from streamface.errors import SettingsError
from streamface.gallery.base import Row
from streamface.gallery.distances import METRICS, TINY, checked, distance, unit
from streamface.gallery.thumbnails import Thumbnails
from streamface.plugins import choose
from streamface.types import Box, Match, readonly

if TYPE_CHECKING:
    import pandas


class Gallery:
    """Everybody's pictures as vectors of one network; never changes, so threads may share it.

    rows are usable ones, in any order; folder, when given, is put in front of their paths.
    """

    def __init__(self, rows: Iterable[Row], network: str, folder: str = "") -> None:
        self._rows = tuple(sorted(rows, key=lambda row: (row.photo.identity, row.photo.path)))
        self.network = network
        self.photos = tuple(os.path.join(folder, row.photo.path) for row in self._rows)
        self.vectors = readonly(_stacked(self._rows))
        """(N, D) float32, in the order of `people`; (0, 0) when there is nobody.

        Kept column by column: the product of 8 faces with 100,000 pictures takes half as long as row by row (4.8 and
        9.9 ms on an idle machine), where BLAS turns the whole matrix over at each call.
        """
        self._lengths = np.maximum(np.linalg.norm(self.vectors, axis=1), np.float32(TINY))
        self._block = _blocks(self._rows)
        self._thumbnails = Thumbnails({p: r.box for p, r in zip(self.photos, self._rows, strict=True)})

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self._rows)

    @cached_property
    def identities(self) -> tuple[str, ...]:
        """Names of all persons, in order."""
        return tuple(name for name, _ in groupby(row.photo.identity for row in self._rows))

    @cached_property
    def people(self) -> pandas.DataFrame:
        """One row a picture: identity, image (path), x1, y1, x2, y2 (of the face, in pixels), quality, embedding.

        A table for looking at: changing it does not change what is matched.
        """
        import pandas

        boxes = [row.box for row in self._rows]
        sides = zip(("x1", "y1", "x2", "y2"), Box.__slots__, strict=True)
        return pandas.DataFrame(
            {
                "identity": [row.photo.identity for row in self._rows],
                "image": list(self.photos),
                **{column: np.array([getattr(box, side) for box in boxes], np.float64) for column, side in sides},
                "quality": np.array([row.quality for row in self._rows], np.float64),
                "embedding": pandas.Series([row.vector for row in self._rows], dtype=object),
            }
        )

    def match(
        self, vectors: np.ndarray, metric: str, threshold: float, network: str | None = None
    ) -> tuple[Match, ...]:
        """The nearest person for each of (M, D) embeddings.

        A person is as near as the nearest of their pictures; within `threshold` that is the answer, beyond it
        the identity is None and the distance stays. Of two equally near the first by name is taken, with an equal
        `runner_up`. Raises `SettingsError` for another length of embedding, values that are no numbers, or a
        `network` (when given) that is not the gallery's; `UnknownNameError` for the metric.
        """
        metric = choose("metric", metric, METRICS)
        faces = self._faces(vectors, network)
        if not len(self):
            return tuple(Match(None, float("inf"), metric, threshold) for _ in faces)
        closeness = self._closeness(faces, metric)
        return tuple(self._answer(*pair, metric, threshold) for pair in zip(faces, closeness, strict=True))

    def thumbnail(self, photo: str, size_px: int) -> np.ndarray | None:
        """The face in `photo` (a path as in `Match.photo`) as a read-only (S, S, 3) uint8 BGR square with a margin.

        None for a picture of nobody here, or one that can no longer be read. Kept after the first call, which
        reads the picture and may take 0.1 s for a large photograph; threads may call it.
        """
        return self._thumbnails.get(photo, size_px)

    def _faces(self, vectors: np.ndarray, network: str | None) -> np.ndarray:
        if network is not None and network != self.network:
            raise SettingsError(
                f"the gallery was embedded with {self.network}, the face with {network}: use one network for both"
            )
        faces = checked(vectors)
        if faces.ndim != 2 or (len(self) and faces.shape[1] != self.vectors.shape[1]):
            raise SettingsError(
                f"embeddings of shape {faces.shape} do not fit a gallery of {self.vectors.shape}: (M, D) is needed"
            )
        return faces.astype(np.float32, copy=False)

    def _closeness(self, faces: np.ndarray, metric: str) -> np.ndarray:
        """(M, N): larger is nearer, in the order that `metric` has, from one matrix product.

        cosine and euclidean_l2 have the same order, |q - v|^2 = 2 - 2 cos for unit vectors; and the order of
        |q - v|^2 over v is that of |v|^2 / 2 - q.v.
        """
        if metric == "euclidean":
            closeness = faces @ self.vectors.T
            closeness -= self._lengths**2 / 2
        else:
            closeness = unit(faces) @ self.vectors.T
            closeness /= self._lengths
        return closeness

    def _answer(self, face: np.ndarray, closeness: np.ndarray, metric: str, threshold: float) -> Match:
        """The match of one (D,) face, given its (N,) closeness to every picture.

        Pictures of one person lie side by side, so the runner-up is the best on either side of the winner's: two
        passes over N, however many people there are. Both distances are then computed once more in float64, as
        `distance` does, since the matrix product is off by 1e-7 and by 3e-4 after a root near 0.
        """
        rows = [int(closeness.argmax())]
        start, stop = self._block[0][rows[0]], self._block[1][rows[0]]
        if start > 0:
            rows.append(int(closeness[:start].argmax()))
        if stop < len(closeness):
            rows.append(stop + int(closeness[stop:].argmax()))
        far = distance(face, self.vectors[rows], metric)
        (first, row), *others = sorted(zip(far.tolist(), rows, strict=True))
        identity = self._rows[row].photo.identity if first <= threshold else None
        runner_up = others[0][0] if others else float("inf")
        return Match(identity, first, metric, threshold, runner_up, self.photos[row])


def _stacked(rows: tuple[Row, ...]) -> np.ndarray:
    """(N, D) float32 of the rows' vectors."""
    if not rows:
        return np.zeros((0, 0), np.float32)
    lengths = {len(row.vector) for row in rows}
    if len(lengths) != 1:
        raise SettingsError(f"embeddings of {len(lengths)} lengths in one gallery: build it from one network")
    return checked(np.stack([row.vector for row in rows])).astype(np.float32, order="F", copy=False)


def _blocks(rows: tuple[Row, ...]) -> tuple[list[int], list[int]]:
    """For each row, where the pictures of its person start and stop."""
    starts, stops = [0] * len(rows), [0] * len(rows)
    at = 0
    for _, group in groupby(rows, key=lambda row: row.photo.identity):
        count = len(tuple(group))
        starts[at : at + count] = [at] * count
        stops[at : at + count] = [at + count] * count
        at += count
    return starts, stops
