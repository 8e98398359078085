"""Who of those without a name has been here before."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from streamface.gallery.base import Photo, Row
from streamface.gallery.distances import tightened
from streamface.gallery.gallery import Gallery
from streamface.gallery.stranger_store import StrangerStore, View
from streamface.types import Box, Stranger

SAME = 0.7
"""Part of the threshold for names within which two visits are one person's: so many strangers come by that the same
threshold would join different ones, which is worse than a second number. From `python -m benchmarks.strangers`."""
TIDY_S = 3600.0
"""Seconds between two looks for strangers who have been kept for long enough."""
DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How long strangers are kept."""

    days: float
    """Since they were last seen."""
    most: int
    """Beyond so many, the longest unseen are forgotten."""
    pause_s: float
    """Somebody out of sight for longer comes for another visit."""
    same: float = SAME
    """Part of the threshold for names within which two visits are one person's."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What a track has shown of somebody whom nobody in the gallery resembles."""

    view: View
    at: float
    """Clock of the stream, in seconds."""
    live: bool
    """Whether that clock is the time of day."""
    taken: Collection[int] = ()
    """Numbers of other people in the same picture."""
    last: bool = False
    """True when there is no use in waiting for more views."""


class Strangers:
    """Gives numbers to people without a name; one thread at a time, the one that opened `store`.

    Args:
        store: keeps them.
        network: key of the embedding space.
        metric, threshold: as for people's names; strangers are compared with a part of the threshold.
        limits: how long they are kept.
    """

    def __init__(self, store: StrangerStore, network: str, metric: str, threshold: float, limits: Limits) -> None:
        self._store, self._network, self._metric = store, network, metric
        self._threshold, self._limits = threshold, limits
        self._seen: dict[int, float] = {}
        self._last_seen: dict[int, float] = {}
        self._tidied = self._generation = float("-inf")
        self.tidy()

    def identify(self, evidence: Evidence) -> Stranger | None:
        """Who it is, somebody new if need be; None when more views are to be waited for."""
        self.tidy()
        self._reload()
        view = evidence.view
        limit = tightened(self._threshold, self._metric, view.agreement, float(np.linalg.norm(view.vector)))
        match = self._known.match(view.vector[None], self._metric, limit, self._network)[0]
        near = match.distance <= self._limits.same * limit
        number = int(match.photo) if near else None
        if number is not None and number not in evidence.taken:
            return self._again(number, evidence)
        # Between the two thresholds it may be somebody known in a poor view, or two tracks on one face.
        doubtful = number is not None or match.identity is not None
        return None if doubtful and not evidence.last else self._new(evidence)

    def left(self, stranger: Stranger, view: View, at: float) -> None:
        """Keep what the whole visit showed, when it is over."""
        self._store.see(stranger.number, stranger.visit, time.time(), view)
        self._seen[stranger.number] = at
        self._generation = float("-inf")

    def tidy(self) -> None:
        """Now and then, forget those who were kept for long enough."""
        now = time.time()
        if abs(now - self._tidied) >= TIDY_S:
            self._tidied = now
            for number in self._store.tidy(now - self._limits.days * DAY_S, self._limits.most):
                self._seen.pop(number, None)
            self._generation = float("-inf")

    def _reload(self) -> None:
        """Read the file when this or another process has changed it."""
        generation = self._store.generation()
        if generation == self._generation:
            return
        self._generation = generation
        every = self._store.every(self._network)
        self._last_seen = {kept.number: kept.last_seen for kept in every}
        photos = ((Photo(str(kept.number), str(kept.number), 0, 0), kept.views) for kept in every)
        rows = [Row(photo, None, _NOWHERE, view.quality, view.vector) for photo, views in photos for view in views]
        self._known = Gallery(rows, self._network)

    def _again(self, number: int, evidence: Evidence) -> Stranger | None:
        visit = self._store.come(number, time.time(), self._is_another_visit(number, evidence))
        self._seen[number] = evidence.at
        return visit and Stranger(number, visit)

    def _is_another_visit(self, number: int, evidence: Evidence) -> bool:
        if number in self._seen:
            return abs(evidence.at - self._seen[number]) > self._limits.pause_s
        # From an earlier run: a file is always seen anew, a camera may have been away for a moment only.
        return not evidence.live or time.time() - self._last_seen[number] > self._limits.pause_s

    def _new(self, evidence: Evidence) -> Stranger:
        number = self._store.create(self._network, time.time(), evidence.view)
        if number > self._limits.most:  # numbers are never fewer than strangers
            self._tidied = float("-inf")
        self._seen[number] = evidence.at
        self._generation = float("-inf")
        return Stranger(number)


_NOWHERE = Box(0.0, 0.0, 0.0, 0.0)
