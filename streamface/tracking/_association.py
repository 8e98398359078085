"""Which detection belongs to which face."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from streamface import geometry

GATE_STD = 3.0
"""A detection further off than so many deviations of the filter is another face."""
JERK_SIZES = 1.0
"""How far a face may jump, in sizes: heads jerk and cameras shake more than any filter expects."""
JERK_RATIO = 1.25
"""And how many times larger or smaller it may be after."""
GATE_SIZES = 1.3
"""Neither is one further off than so many face sizes, however little is known."""
GATE_RATIO = 2.0
"""Nor one so many times larger or smaller."""
FORBIDDEN = 1e6


def costs(expected: np.ndarray, uncertainty_px: np.ndarray, found: np.ndarray) -> np.ndarray:
    """(N, M) cost of taking each of (M, 4) found boxes for each of N faces, `FORBIDDEN` where it cannot be.

    expected (N, 4) boxes with (N, 2) deviations of their centres. The cost is the lack of overlap, plus the
    distance of the centres in face sizes, plus the difference in log size: overlap alone says nothing of boxes
    that do not touch, and distance alone confuses a near face with the far one beside it.
    """
    size_expected, size_found = geometry.areas(expected)[:, None], geometry.areas(found)[None]
    shared = geometry.intersections(expected, found)
    overlap = shared / (size_expected + size_found - shared + 1e-9)
    apart = (expected[:, None, :2] + expected[:, None, 2:] - found[None, :, :2] - found[None, :, 2:]) / 2
    distance = np.sqrt((apart**2).sum(2) / np.sqrt(size_expected * size_found + 1e-9))
    ratio = _ratio(size_expected, size_found)
    deviations = ((apart / uncertainty_px[:, None]) ** 2).sum(2)
    cost = 1 - overlap + distance + ratio
    far = (deviations > GATE_STD**2) | (distance > GATE_SIZES) | (ratio > np.log(GATE_RATIO))
    cost[far] = FORBIDDEN
    return cost


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N, M) absolute log ratio of sizes, from (N, 1) and (1, M) areas."""
    return np.abs(np.log((a + 1e-9) / (b + 1e-9))) / 2


def jumps(last: np.ndarray, found: np.ndarray) -> np.ndarray:
    """(N, M) cost of saying that a face jumped from its (N, 4) last box to a found one, `FORBIDDEN` if too far."""
    areas = geometry.areas(last)[:, None]
    cost = costs(last, np.repeat(JERK_SIZES / GATE_STD * np.sqrt(areas + 1e-9), 2, axis=1), found)
    cost[_ratio(areas, geometry.areas(found)[None]) > np.log(JERK_RATIO)] = FORBIDDEN
    return cost


def assign(cost: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cheapest pairs of `rows` and `columns` (index arrays) of an (N, M) cost; forbidden pairs are left out."""
    if not len(rows) or not len(columns):
        return np.empty(0, np.intp), np.empty(0, np.intp)
    part = cost[np.ix_(rows, columns)]
    i, j = linear_sum_assignment(part)
    allowed = part[i, j] < FORBIDDEN
    return rows[i[allowed]], columns[j[allowed]]


def same_face(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N, M) True where two boxes lie so much on each other that they show one face."""
    shared, size_a, size_b = geometry.intersections(a, b), geometry.areas(a)[:, None], geometry.areas(b)[None]
    return (shared > 0.5 * (size_a + size_b - shared)) | (shared > 0.8 * np.minimum(size_a, size_b))
