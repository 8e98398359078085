"""Who a track shows by now: whoever covers a person that leaves may go on under that number, and gets another one.

Boxes alone cannot tell the two apart, embeddings can. They come some frames later, and for people with a gallery only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from streamface.geometry import boxes_array, iou
from streamface.naming import NameVotes
from streamface.types import Box, Track

OTHER_FACTOR = 1.5
"""A view this many times as far as `near` from the track's mean, after the face was hidden, is another person's."""
CLEARLY = 0.5
"""A view is a certain other person's when its distance to that one is less than this share of that to its own track."""
KNOWN_VIEWS, NEW_VIEWS = 2, 3
"""So many such views in a row are believed, of a person who went out of sight and of somebody new."""
AS_GOOD = 0.7
"""Least share of the quality of the views before that one which speaks for somebody new must have: poor views are far
from everybody."""
RETURN_S = 2.0
"""Someone who has been out of sight for longer gets a new number, as everybody who comes in."""
TOUCHING_IOU = 0.05
"""Faces that overlap more than this may take each other's number."""
JUMP_SIZES = 0.3
"""A face this many sizes from where it was going may be another one."""


@dataclass(frozen=True, slots=True)
class Handover:
    """The face that was followed as `track` is that of `owner`, who was out of sight, or of somebody new (None)."""

    track: int
    owner: int | None


@dataclass(frozen=True, slots=True)
class _Suspicion:
    handover: Handover
    views: int


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One look at a track."""

    track: int
    vector: np.ndarray
    """(D,) embedding."""
    quality: float
    at: float


@dataclass(frozen=True, slots=True)
class _Path:
    """Where a face is, in pixels, and where it goes, in pixels a second."""

    x: float
    y: float
    size: float
    at: float
    speed_x: float = 0.0
    speed_y: float = 0.0

    @classmethod
    def of(cls, box: Box, at: float, before: _Path | None) -> _Path:
        (x, y), size = box.center, box.area**0.5
        if before is None or at <= before.at:
            return cls(x, y, size, at)
        passed = at - before.at
        return cls(x, y, size, at, (x - before.x) / passed, (y - before.y) / passed)

    def is_left_by(self, now: _Path) -> bool:
        """True where the face did not go on as it went."""
        passed = now.at - self.at
        away = (now.x - self.x - passed * self.speed_x, now.y - self.y - passed * self.speed_y)
        return float(np.hypot(*away)) > JUMP_SIZES * self.size


class Handovers:
    """Notices that a track goes on with another person's face.

    Somebody who was seen without a break is the same person. After the face was hidden, touched by another one or
    jumped, the next clear view must agree with those before.
    """

    def __init__(self) -> None:
        self._paths: dict[int, _Path] = {}
        self._hidden: dict[int, float] = {}
        self._at = 0.0
        self._suspected: dict[int, _Suspicion] = {}

    def watch(self, tracks: Sequence[Track], at: float) -> None:
        """Note who is hidden, touched or has jumped in the frame of the time `at`."""
        self._hidden.update(dict.fromkeys(unclear(tracks), at))
        for track in tracks:
            before = self._paths.get(track.id)
            self._paths[track.id] = now = _Path.of(track.detection.box, at, before)
            if before is not None and before.is_left_by(now):
                self._hidden[track.id] = self._at
        self._at = at

    def wants_look(self, track: int) -> bool:
        """True for a face in clear sight again that has not been looked at since."""
        return self._hidden.get(track, self._at) < self._at or track in self._suspected

    def look(self, seen: View, own: NameVotes, missing: Mapping[int, NameVotes]) -> Handover | None:
        """Take a view of a track; the handover that it confirms.

        own: what was known of the track before; missing: the same of each that is out of sight, by its number.
        """
        owner = _owner(seen.vector, own, missing)
        if owner is not None:
            return self._believed(Handover(seen.track, owner))
        was_hidden = own.is_known and self._hidden.get(seen.track, seen.at) < seen.at
        if not was_hidden or own.distance(seen.vector) <= OTHER_FACTOR * own.near:
            self._suspected.pop(seen.track, None)
            if was_hidden:
                del self._hidden[seen.track]
        elif seen.quality >= AS_GOOD * own.quality:
            return self._believed(Handover(seen.track, None))
        return None

    def in_doubt(self, track: int) -> bool:
        """True from when a face is hidden, touched or jumps until a look in clear sight has told whose it is."""
        return track in self._hidden or track in self._suspected

    def is_suspected(self, track: int) -> bool:
        """True while the track seems to show somebody else, and another look is to tell."""
        return track in self._suspected

    def forget(self, track: int) -> None:
        """The track is over."""
        self._suspected.pop(track, None)
        self._hidden.pop(track, None)
        self._paths.pop(track, None)

    def _believed(self, handover: Handover) -> Handover | None:
        before = self._suspected.get(handover.track)
        views = before.views + 1 if before is not None and before.handover == handover else 1
        self._suspected[handover.track] = _Suspicion(handover, views)
        if views < (NEW_VIEWS if handover.owner is None else KNOWN_VIEWS):
            return None
        del self._suspected[handover.track]
        self._hidden.pop(handover.track, None)
        return handover


def _owner(vector: np.ndarray, own: NameVotes, missing: Mapping[int, NameVotes]) -> int | None:
    """Who out of sight the (D,) embedding belongs to rather than to the track that it was seen on."""
    distances = {track: votes.distance(vector) for track, votes in missing.items() if votes.is_known}
    if not distances:
        return None
    nearest = min(distances, key=distances.__getitem__)
    if distances[nearest] > missing[nearest].near:
        return None
    is_back = own.is_young and own.is_after(missing[nearest])
    return nearest if is_back or (own.is_known and distances[nearest] < CLEARLY * own.distance(vector)) else None


def unclear(tracks: Sequence[Track]) -> set[int]:
    """Numbers of those out of sight, and of those whose faces touch another one's."""
    boxes = boxes_array(track.detection.box for track in tracks)
    overlap = iou(boxes, boxes)
    np.fill_diagonal(overlap, 0.0)
    touched = overlap.max(axis=1, initial=0.0) > TOUCHING_IOU
    return {track.id for track, is_touched in zip(tracks, touched, strict=True) if is_touched or track.missed}
