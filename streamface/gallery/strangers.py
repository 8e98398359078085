"""Who of those without a name has been here before."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from streamface.gallery.distances import between, distance, tightened
from streamface.gallery.stranger_store import StrangerStore, View
from streamface.types import Stranger

SAME = 0.6
"""Part of the threshold for names within which two visits are one person's: so many strangers come by that the same
threshold would join different ones, which is worse than a second number. The largest at which `python -m
benchmarks.strangers` joins fewer than one visit in 200."""
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
        self._faces = _Faces()
        self._tidied = self._generation = float("-inf")
        self.tidy()

    def identify(self, evidence: Evidence) -> Stranger | None:
        """Who it is, somebody new if need be; None when more views are to be waited for."""
        self.tidy()
        self._reload()
        view = evidence.view
        number, far, agreement = self._faces.nearest(view.vector, self._metric)
        # Both are means of views: each lies nearer to everybody than one view would.
        agreement *= view.agreement
        limit = tightened(self._threshold, self._metric, agreement, float(np.linalg.norm(view.vector)))
        if far <= self._limits.same * limit and number not in evidence.taken:
            return self._again(number, evidence)
        # Between the two thresholds it may be somebody known in a poor view; nearer, two tracks on one face.
        return None if far <= limit and not evidence.last else self._new(evidence)

    def left(self, stranger: Stranger, view: View, at: float) -> None:
        """Keep what the whole visit showed, when it is over."""
        self._store.see(stranger.number, stranger.visit, time.time(), view)
        self._seen[stranger.number] = at
        self._read(stranger.number)

    def tidy(self) -> None:
        """Now and then, forget those who were kept for long enough."""
        now = time.time()
        if abs(now - self._tidied) >= TIDY_S:
            self._tidied = now
            for number in self._store.tidy(now - self._limits.days * DAY_S, self._limits.most):
                self._seen.pop(number, None)
                self._faces.put(number, ())

    def _reload(self) -> None:
        """Read the file when another process has changed it."""
        generation = self._store.generation()
        if generation != self._generation:
            self._generation, self._faces = generation, _Faces()
            every = self._store.every(self._network)
            self._last_seen = {kept.number: kept.last_seen for kept in every}
            for kept in every:
                self._faces.put(kept.number, kept.views)

    def _read(self, number: int) -> None:
        """Read what this process has changed of one stranger."""
        found = self._store.every(self._network, number=number)
        self._faces.put(number, found[0].views if found else ())

    def _again(self, number: int, evidence: Evidence) -> Stranger | None:
        visit = self._store.come(number, time.time(), self._is_another_visit(number, evidence))
        self._seen[number] = evidence.at
        return visit and Stranger(number, visit)

    def _is_another_visit(self, number: int, evidence: Evidence) -> bool:
        if number in self._seen:
            return abs(evidence.at - self._seen[number]) > self._limits.pause_s
        # From an earlier run: a file is always seen anew, a camera may have been away for a moment only.
        return not evidence.live or time.time() - self._last_seen.get(number, 0.0) > self._limits.pause_s

    def _new(self, evidence: Evidence) -> Stranger:
        number = self._store.create(self._network, time.time(), evidence.view)
        if number > self._limits.most:  # numbers are never fewer than strangers
            self._tidied = float("-inf")
        self._seen[number] = evidence.at
        self._faces.put(number, (evidence.view,))
        return Stranger(number)


class _Faces:
    """The views of all strangers; a stranger is as near as the nearest of them, as people are in a gallery."""

    def __init__(self) -> None:
        self._views: dict[int, Sequence[View]] = {}
        self._joined: tuple[list[tuple[int, float]], np.ndarray] | None = None

    def put(self, number: int, views: Sequence[View]) -> None:
        """Take these views instead of those that were there."""
        self._views.pop(number, None)
        if views:
            self._views[number] = views
        self._joined = None

    def nearest(self, vector: np.ndarray, metric: str) -> tuple[int | None, float, float]:
        """Who lies nearest to a (D,) vector, how far away, and the view's agreement; None, infinite, 1 for nobody."""
        if not self._views:
            return None, float("inf"), 1.0
        if self._joined is None:
            rows = [(number, view) for number, views in self._views.items() for view in views]
            about = [(number, view.agreement) for number, view in rows]
            self._joined = about, np.stack([view.vector for _, view in rows])
        about, vectors = self._joined
        row = int(between(vector[None], vectors, metric)[0].argmin())
        return about[row][0], float(distance(vector, vectors[row], metric)), about[row][1]
