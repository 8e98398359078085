"""From several views of one person to a name, or the word that nobody knows them."""

from __future__ import annotations

from streamface.kiosk.levels import Limits
from streamface.kiosk.views import Ranking

PATIENCE_S = 1.1
"""So long after the first good view somebody who is not recognised is told so: better views may come until then."""
KEPT = 50


class Agreement:
    """The good views of one person so far.

    Args:
        limits: what a view has to fulfil, and how many in a row.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._rankings: list[Ranking] = []
        self._first_at: float | None = None

    @property
    def count(self) -> int:
        """Good views so far."""
        return len(self._rankings)

    def add(self, ranking: Ranking) -> None:
        """Take what the gallery says of a good view."""
        self._first_at = ranking.at if self._first_at is None else self._first_at
        self._rankings = [*self._rankings, ranking][-KEPT:]

    def accepted(self) -> str | None:
        """Who it is, once enough views in a row agree."""
        return self._rankings[-1].person if self._limits.agree(self._rankings) else None

    def is_unknown(self, at: float) -> bool:
        """True when there were good views for long enough, and they do not agree on anybody."""
        waited = self._first_at is not None and at - self._first_at >= PATIENCE_S
        return waited and self.count >= self._limits.views and self.accepted() is None

    @property
    def basis(self) -> tuple[Ranking, ...]:
        """The views that an answer rests on."""
        return tuple(self._rankings[-self._limits.views :])
