"""Strictness in three plain levels; `python -m benchmarks.kiosk` prints what each costs (docs/kiosk.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streamface.kiosk.views import Ranking


@dataclass(frozen=True, slots=True)
class Level:
    """What has to be fulfilled before somebody is taken for a person."""

    name: str
    factor: float
    """Largest distance, in multiples of the network's own threshold for naming."""
    margin: float
    """How much farther the second person must be, in the same unit."""
    views: int
    """Views in a row that must agree."""


RELAXED = Level("relaxed", 1.15, 0.1, 2)
NORMAL = Level("normal", 1.0, 0.15, 3)
STRICT = Level("strict", 0.8, 0.2, 4)
LEVELS = {level.name: level for level in (RELAXED, NORMAL, STRICT)}


@dataclass(frozen=True, slots=True)
class Limits:
    """A level for one network and metric, in distances."""

    distance: float
    margin: float
    views: int

    @classmethod
    def of(cls, level: Level, threshold: float) -> Limits:
        """`threshold`: the network's own for naming, in the metric in use."""
        return cls(level.factor * threshold, level.margin * threshold, level.views)

    def accepts(self, ranking: Ranking) -> bool:
        """True when this view alone says that it is the candidate."""
        near = ranking.person is not None and ranking.distance <= self.distance
        return near and ranking.others - ranking.distance >= self.margin

    def agree(self, rankings: Sequence[Ranking]) -> bool:
        """True when the latest views say so, all of one person."""
        latest = rankings[-self.views :]
        one = len({ranking.person for ranking in latest}) == 1
        return len(latest) == self.views and one and all(map(self.accepts, latest))
