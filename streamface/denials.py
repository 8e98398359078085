"""Who somebody in view is not, as an operator has said: for the rest of the visit, whatever the distances say."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from streamface.gallery.distances import distance
from streamface.naming import NameVotes

DENIED_S = 60.0
"""So long after they were last looked at, somebody who comes back under another number is still not that person."""


class Denials:
    """Those of one camera.

    A number may be lost and found again as another one. So whoever is about to get a denied name, and looks more like
    the person of whom it was denied than like any picture of that name, does not get it either.
    """

    def __init__(self) -> None:
        self._denied: list[tuple[str, NameVotes]] = []

    def add(self, votes: NameVotes, identity: str) -> None:
        """A track is not this person."""
        votes.deny(identity)
        self._denied.append((identity, votes))

    def take_back(self, identity: str, now: str | None, every: Iterable[NameVotes]) -> None:
        """Of nobody is it denied any more to be this person; or it is, by the name that the person has now."""
        self._denied = [(now or name if name == identity else name, votes) for name, votes in self._denied
                        if now or name != identity]  # fmt: skip
        for votes in every:
            votes.take_back(identity, now)

    def carried_over(self, decided: Iterable[NameVotes], at: float) -> list[NameVotes]:
        """Deny a name to those of `decided` that go on for somebody of whom it was denied; these are to decide anew."""
        if not self._denied:
            return []
        self._denied = [one for one in self._denied if one[1].mean.views and at - one[1].mean.last_at <= DENIED_S]
        return [votes for votes in decided if self._goes_on(votes)]

    def _goes_on(self, votes: NameVotes) -> bool:
        match = votes.shown
        if match is None or match.identity is None:
            return False
        for identity, denied in self._denied:
            if identity == match.identity and _between(votes, denied, match.metric) < match.distance:
                votes.deny(identity)
                return True
        return False


def _between(votes: NameVotes, other: NameVotes, metric: str) -> float:
    return float(distance(np.float32(votes.mean.vector), np.float32(other.mean.vector), metric))
