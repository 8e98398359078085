"""The name of one track: it follows from the mean of the good views, and does not flicker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from streamface.averages import Mean
from streamface.types import Match

Matcher = Callable[..., Sequence[Match]]
"""(N, D) means of views, the agreement 0..1 of each, and a factor on the threshold -> the nearest person to each.

Where an operator has said of one of them who it is not, names that are passed over for each are a fourth argument."""

FIRST_EVIDENCE = 0.5
"""Sum of qualities before the first word on a name: one good view, or several poor ones."""
HOLD_FACTOR = 1.25
"""A name once given stands up to this multiple of the threshold."""
STRANGER_FACTOR = 2.0
"""A view this many thresholds away from the track's mean looks like another person."""
LEAST_NEAR = 0.1
"""Cosine distance within which the views of one track may always differ: a face that comes nearer changes much."""
STRANGER_VIEWS = 3
"""So many such views in a row, over `hold_s`, and the track is taken to show somebody else."""


class NameVotes:
    """The mean embedding of the good views of one track, and the name that follows from it.

    Args:
        hold_s: seconds for which another answer must last before it is believed.
        match: the gallery's answer.
        near: cosine distance within which two views show the same person.
    """

    def __init__(self, hold_s: float, match: Matcher, near: float) -> None:
        self._hold_s, self._match, self.near = hold_s, match, near
        self._mean, self._stranger = Mean(), Mean()
        self._doubt_since: float | None = None
        self.shown: Match | None = None
        self.is_settled = False
        self.denied: frozenset[str] = frozenset()
        """Who it is not, whatever the distances say."""
        self.restarts = 0
        """How often the track turned out to show somebody else."""

    def add(self, vector: np.ndarray, weight: float, at: float) -> None:
        """Take a (D,) embedding of the given quality, seen at the time `at`, and decide."""
        if self.take(vector, weight, at):
            decide([self], self._match)

    def take(self, vector: np.ndarray, weight: float, at: float) -> bool:
        """The same without deciding: True where the gallery is to be asked."""
        if self._contradicts(vector):
            return self._start_anew(vector, weight, at)
        self._stranger = Mean()
        self._mean.add(vector, weight, at)
        return self._mean.weight >= FIRST_EVIDENCE or self.shown is not None

    def deny(self, identity: str) -> None:
        """From the next decision on it is not this person, for as long as the track lasts."""
        self.denied |= {identity}

    def take_back(self, identity: str, now: str | None) -> None:
        """It may be this person after all; or it is not the one who is called so `now`."""
        if identity in self.denied:
            self.denied = (self.denied - {identity}) | ({now} if now else frozenset())

    @property
    def mean(self) -> Mean:
        """Of the good views."""
        return self._mean

    @property
    def certainty(self) -> float:
        """0..1: the evidence against what settles a name; 0 while there is doubt."""
        return 0.0 if self._doubt_since is not None else min(1.0, self._mean.weight / (2 * FIRST_EVIDENCE))

    @property
    def is_known(self) -> bool:
        """True when there were views enough to tell this person from others."""
        return self._mean.weight >= FIRST_EVIDENCE

    def is_after(self, other: NameVotes) -> bool:
        """True where nothing was seen of this one before the last view of the other: both may be one person."""
        return not self._mean.views or self._mean.first_at > other._mean.last_at

    @property
    def is_young(self) -> bool:
        """True until there are views enough to settle a name."""
        return self._mean.weight < 2 * FIRST_EVIDENCE

    @property
    def quality(self) -> float:
        """Mean quality of the views, of which there must be one."""
        return self._mean.quality

    def distance(self, vector: np.ndarray) -> float:
        """Cosine distance of a (D,) embedding to the mean of the views, of which there must be one."""
        return self._mean.distance(vector)

    def _contradicts(self, vector: np.ndarray) -> bool:
        far = STRANGER_FACTOR * max(self.near, LEAST_NEAR)
        return self._mean.views > 0 and self._mean.distance(vector) > far

    def _start_anew(self, vector: np.ndarray, weight: float, at: float) -> bool:
        """Keep a view that contradicts the mean aside; True when the contradiction lasts, and is the mean now."""
        self._stranger.add(vector, weight, at)
        lasted = at - self._stranger.first_at >= self._hold_s and self._stranger.views >= STRANGER_VIEWS
        if lasted:
            self._mean, self._stranger = self._stranger, Mean()
            self.restarts += 1
            self.shown, self._doubt_since, self.is_settled = None, None, False
        return lasted

    def decide(self, loose: Match, at: float, at_once: bool = False) -> None:
        """Take the gallery's answer, to `HOLD_FACTOR` times the threshold, for `mean`.

        What is shown changes when the answer says so clearly or for long enough, or at once.
        """
        if loose.identity in self.denied:
            loose = replace(loose, identity=None)
        threshold = loose.threshold / HOLD_FACTOR
        strict = replace(loose, threshold=threshold)
        if loose.distance > threshold:
            strict = replace(strict, identity=None)
        current = self.shown
        same = current is not None and loose.identity == current.identity
        if same or current is None:
            # Within the hold the name stays, though the distance is beyond the strict threshold.
            self.shown = replace(strict, identity=loose.identity if same else strict.identity)
            self._doubt_since = None
        elif strict.identity == current.identity or at_once:
            self.shown, self._doubt_since = strict, None
        elif self._doubt_since is None:
            self._doubt_since = at
        elif at - self._doubt_since >= (self._hold_s if current.identity else 0.0):
            self.shown, self._doubt_since = strict, None
        self.is_settled = self._doubt_since is None and self._mean.weight >= 2 * FIRST_EVIDENCE


def decide(asking: Sequence[NameVotes], match: Matcher, at: float | None = None) -> None:
    """Ask the gallery about everybody in one pass.

    at: when the gallery has changed: then its answers hold at once, and no name wavers.
    """
    if not asking:
        return
    means = [votes.mean for votes in asking]
    without = [votes.denied for votes in asking]
    given = np.stack([mean.vector for mean in means]), [mean.agreement for mean in means], HOLD_FACTOR
    found = match(*given, without) if any(without) else match(*given)
    for votes, answer in zip(asking, found, strict=True):
        votes.decide(answer, votes.mean.last_at if at is None else at, at_once=at is not None)


def one_by_one(match: Callable[[np.ndarray, float, float], Match]) -> Matcher:
    """A matcher that asks `match` about each mean in turn."""
    return lambda vectors, agreements, factor, without=(): [
        match(*pair, factor) for pair in zip(vectors, agreements, strict=True)
    ]
