"""Averages over the views of one track: of embeddings, and of attributes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from streamface.types import Attribute

FORGET = 0.9
"""What a view still counts after the next one: the last ten or so speak."""
FAST_S = 0.3
"""Time in which an emotion's average follows: half a second brings 80 % of a change."""
SLOW_S = 10.0
"""Age, gender and race average over so many seconds' worth of quality, then move slowly."""
FIRST_S, SHORTEST_S, LONGEST_S = 0.25, 0.02, 1.0
"""A view of age, gender or race stands for the seconds since the one before, within these bounds, so that the average
is the same however often somebody is looked at; the first one stands for a quarter of a second."""
SETTLED_VIEWS = 6
"""Views after which age, gender and race need no frequent look,"""
CLEAR = 0.3
"""unless the best two labels are nearer to each other than this."""


class Mean:
    """A weighted mean of vectors in which older ones fade."""

    def __init__(self) -> None:
        self._sum: np.ndarray | float = 0.0
        self._directions: np.ndarray | float = 0.0
        self._count = 0.0
        self.weight, self.views, self.first_at, self.last_at = 0.0, 0, 0.0, 0.0

    def add(self, vector: np.ndarray, weight: float, at: float) -> None:
        if not self.views:
            self.first_at = at
        self._sum = self._sum * FORGET + vector * weight
        self._directions = self._directions * FORGET + vector * (weight / max(float(np.linalg.norm(vector)), 1e-12))
        self.weight = self.weight * FORGET + weight
        self._count = self._count * FORGET + 1
        self.views += 1
        self.last_at = at

    @property
    def vector(self) -> np.ndarray:
        return self._sum / self.weight

    @property
    def quality(self) -> float:
        """Mean weight of a view, of which there must be one."""
        return self.weight / self._count

    @property
    def agreement(self) -> float:
        """Length of the mean of the views' directions, 0..1: 1 for one view, less the more they differ."""
        return min(1.0, float(np.linalg.norm(self._directions)) / self.weight)

    def distance(self, vector: np.ndarray) -> float:
        """Cosine distance of a (D,) vector."""
        lengths = np.linalg.norm(self._sum) * np.linalg.norm(vector)
        return 1.0 - float(self._sum @ vector / max(lengths, 1e-12))


class AttributeAverage:
    """One attribute of one track, averaged by quality.

    Args:
        fast: follow within half a second (emotion) rather than settle (age, gender, race).
    """

    def __init__(self, fast: bool) -> None:
        self._fast = fast
        self._weight, self._at, self.views = 0.0, 0.0, 0
        self._scores: dict[str, float] = {}
        self._value: float | None = None
        self._spread: float | None = None
        self.shown: Attribute | None = None

    def add(self, seen: Attribute, weight: float, at: float) -> None:
        """Take what was seen in one view of the given quality."""
        kept = self._weight
        if self._fast:
            kept *= math.exp(-max(0.0, at - self._at) / FAST_S)
        else:
            weight *= min(max(at - self._at, SHORTEST_S), LONGEST_S) if self.views else FIRST_S
            kept = min(kept, SLOW_S)
        share = weight / (kept + weight)
        self._scores = {k: self._scores.get(k, p) * (1 - share) + p * share for k, p in seen.scores.items()}
        self._value = _mixed(self._value, seen.value, share)
        self._spread = _mixed(self._spread, seen.spread, share)
        self._weight, self._at, self.views = kept + weight, at, self.views + 1
        self.shown = self._averaged(seen)

    @property
    def is_settled(self) -> bool:
        """True after so many views that a few more would hardly change the label."""
        best = sorted(self._scores.values())[-2:]
        is_clear = self._value is not None or len(best) < 2 or best[1] - best[0] >= CLEAR
        return is_clear and self.views >= SETTLED_VIEWS

    def _averaged(self, seen: Attribute) -> Attribute:
        if self._value is not None:
            years = round(self._value)
            if self.shown is not None and abs(self._value - float(self.shown.label)) < 0.8:
                years = int(self.shown.label)  # half a year this way or that is no reason to change the label
            return replace(seen, label=str(years), value=self._value, spread=self._spread, scores=self._scores)
        label = max(self._scores, key=self._scores.__getitem__) if self._scores else seen.label
        if self.shown is not None and self._scores.get(label, 0) - self._scores.get(self.shown.label, 0) < 0.05:
            label = self.shown.label  # a near tie keeps the label
        return replace(seen, label=label, score=self._scores.get(label, seen.score), scores=self._scores)


def _mixed(old: float | None, new: float | None, share: float) -> float | None:
    return new if old is None or new is None else old * (1 - share) + new * share
