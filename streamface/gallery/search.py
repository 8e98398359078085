"""The nearest person to each of several faces, and the nearest other one: exact, and once through memory.

All faces are multiplied with all embeddings in float32, of which only the best value of each panel is kept. A rounded
value lies within `_slack` of the true one, so the true nearest is in a panel whose best value reaches the best of all
less twice that. The embeddings of those panels, most often of one, are compared in float64.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence

import numpy as np

from streamface.gallery.distances import distance, unit
from streamface.gallery.matrix import PANEL, Matrix

CHUNK = 256
"""Panels in one product: its result, and that of the division after it, stay in the processor's cache."""
PARALLEL = 32_768
"""Embeddings for which a second thread pays."""
MOST_THREADS = 4
"""More read no faster from memory."""


Span = tuple[int, int]
"""The rows of one person: the first, and the one after the last."""


def nearest(
    matrix: Matrix,
    starts: np.ndarray,
    faces: np.ndarray,
    metric: str,
    refusing: Mapping[int, np.ndarray] | None = None,
    without: Sequence[Sequence[Span]] | None = None,
) -> list[tuple[int, float, float]]:
    """For each of (M, D) float32 faces: row of the nearest embedding, its distance, that of the nearest other person.

    starts (P + 1,) says where each person's rows begin. Of two equally near the first row is taken. Distances are
    those of `distances.distance`; the last is infinite where there is one person only.

    refusing: person -> (C, D) embeddings of whom it is not. Where one of them is nearer to a face than all of the
    person's rows, that person is passed over; -1 and infinite when everybody is. without: for each face the rows of
    people who are passed over.
    """
    best = _tops(matrix, faces if metric == "euclidean" else unit(faces), metric)
    return [
        _answer(matrix, starts, face, metric, best[:, i], refusing or {}, without[i] if without else ())
        for i, face in enumerate(faces)
    ]


def _answer(
    matrix: Matrix,
    starts: np.ndarray,
    face: np.ndarray,
    metric: str,
    best: np.ndarray,
    refusing: Mapping[int, np.ndarray],
    without: Sequence[Span],
) -> tuple[int, float, float]:
    slack, passed = _slack(matrix, face, metric), [span for span in without if span[0] < span[1]]
    found: list[tuple[float, int]] = []
    while len(found) < 2:
        far, row = _nearest_beyond(matrix, face, metric, best, slack, passed)
        if row < 0:
            break
        person = int(np.searchsorted(starts, row, "right")) - 1
        passed.append((int(starts[person]), int(starts[person + 1])))
        counters = refusing.get(person)
        if counters is None or not (distance(face, counters, metric) < far).any():
            found.append((far, row))
    (far, row), (runner_up, _) = (*found, (float("inf"), -1), (float("inf"), -1))[:2]
    return row, far, runner_up


def _nearest_beyond(
    matrix: Matrix, face: np.ndarray, metric: str, best: np.ndarray, slack: float, passed: Sequence[Span]
) -> tuple[float, int]:
    """Distance and row of the nearest embedding outside the rows that were `passed`."""
    panels = [(start // PANEL, (stop - 1) // PANEL) for start, stop in passed]
    left = np.ones(len(best), bool)
    for first, last in panels:
        left[first : last + 1] = False
    rest = np.flatnonzero(left)
    # The ends of a person's own panels may belong to others.
    ends = np.array([end for pair in panels for end in pair], np.intp)
    return _nearest_in(matrix, face, metric, np.unique(np.append(rest[_within(best[rest], slack)], ends)), passed)


def _within(best: np.ndarray, slack: float) -> np.ndarray:
    """Numbers of the panels that may hold the nearest embedding, in order."""
    if not len(best):
        return np.empty(0, np.intp)
    return np.flatnonzero(~(best < best.max() - 2 * slack))  # one that is no number, after an overflow, counts


def _slack(matrix: Matrix, face: np.ndarray, metric: str) -> float:
    """Most by which a closeness of `_tops` is off.

    A float32 sum of D products, in any order, is off by less than D u / (1 - D u) of the product of both lengths, with
    u = 2^-24 (Higham, Accuracy and Stability of Numerical Algorithms, 3.1); 8 more for the operations around
    it, and twice that to be safe.
    """
    share = 2 * (len(face) + 8) * 2.0**-24
    if metric != "euclidean":
        return share
    longest = matrix.longest
    return share * longest * (float(np.linalg.norm(face)) + longest)


def _nearest_in(
    matrix: Matrix, face: np.ndarray, metric: str, panels: np.ndarray, without: Sequence[Span] = ()
) -> tuple[float, int]:
    """Distance and row of the nearest embedding in some panels, rows `without` left out; -1 where none is left."""
    found = (float("inf"), -1)
    for at in range(0, len(panels), CHUNK):
        rows = (panels[at : at + CHUNK, None] * PANEL + np.arange(PANEL)).ravel()
        rows = rows[rows < matrix.count]
        for start, stop in without:
            rows = rows[(rows < start) | (rows >= stop)]
        if len(rows):
            far = distance(face, matrix.take(rows), metric)
            nearest = int(far.argmin())
            found = min(found, (float(far[nearest]), int(rows[nearest])))
    return found


def _tops(matrix: Matrix, faces: np.ndarray, metric: str) -> np.ndarray:
    """(K, M) best closeness of each panel to each face: larger is nearer, in the order that `metric` has.

    cosine and euclidean_l2 have the same order, |q - v|^2 = 2 - 2 cos for unit vectors; and the order of
    |q - v|^2 over v is that of |v|^2 / 2 - q.v.
    """
    count = len(matrix.panels)
    found = np.empty((count, len(faces)), np.float32)
    threads = min(MOST_THREADS, os.cpu_count() or 1) if matrix.count >= PARALLEL else 1
    step = -(-count // threads)
    parts = [(matrix, faces, metric, start, min(start + step, count), found) for start in range(0, count, step)]
    helpers = [threading.Thread(target=_fill, args=part, name="match") for part in parts[1:]]
    for helper in helpers:
        helper.start()
    for part in parts[:1]:
        _fill(*part)
    for helper in helpers:
        helper.join()
    return found


def _fill(matrix: Matrix, faces: np.ndarray, metric: str, first: int, last: int, found: np.ndarray) -> None:
    for start in range(first, last, CHUNK):
        stop = min(start + CHUNK, last)
        closeness, lengths = np.matmul(faces, matrix.panels[start:stop]), matrix.lengths[start:stop, None]
        if metric == "euclidean":
            closeness -= lengths * lengths / 2
        else:
            closeness /= lengths
        if stop * PANEL > matrix.count:
            closeness[-1, :, matrix.count % PANEL :] = -np.inf
        closeness.max(axis=2, out=found[start:stop])
