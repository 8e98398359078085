"""Whose face may be seen: everything that leaves a stream passes here first, and faces that may not are covered.

A frame is let go once its faces, and those of all frames before it, have been looked for in the whole picture: a face
that is found only then is covered in the frames before as well. So with faces to hide, pictures come some frames later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from streamface import mosaic
from streamface.attention import clock
from streamface.geometry import boxes_array, iou
from streamface.types import Box, FaceResult, FrameResult, Match, readonly

STEADY_S = 1.0
"""A face is shown once nothing spoke against it for so long: the first word on a name may be wrong."""
MOST_HELD = 12
"""Frames that wait for a full detection, 75 MB at 1920x1080; beyond, one is made for them."""
SAME_FACE = 0.3
"""Least overlap (IoU) of a detection with a track that is taken for the same face."""
MOVED = 0.5
"""What is covered further, in parts of the face, in a frame where its place is only known from a frame nearby."""
DRIFT, MOST_DRIFT = 0.03, 0.5
"""The same for a face out of sight, for each frame, and at the most."""
TILES_S = 1.0
"""The colours over a face are taken anew so often: with new ones each frame, many frames together would show more."""


class People(Protocol):
    """Who is known, as far as it matters here."""

    private: frozenset[str]
    """People who did not consent."""

    def is_private(self, match: Match | None) -> bool:
        """Whether a face is one of theirs, or may be."""


@dataclass(slots=True, eq=False)
class _Held:
    """A frame that waits."""

    result: FrameResult
    boxes: dict[int, Box]
    """Of each track; the whole head."""
    missed: dict[int, int]
    hidden: set[int]
    """Tracks whose face is covered."""
    loose: list[tuple[int | None, Box]] = field(default_factory=list)
    """Further places to be covered; the track whose they are, if it is known."""


def hides(blur: str | None, people: People | None) -> bool:
    """Whether there is anybody to hide now."""
    return blur is not None or bool(people and people.private)


class Privacy:
    """Covers faces in the results of one stream, and takes out the names of those who did not consent.

    Args:
        blur: 'unknown', 'known' or 'all', whose faces are covered; None: only of people who did not consent.
        people: who is known; None for nobody.
        look: the faces of an (H, W, 3) image, looked for in the whole picture.
        zone: corners of the part of the picture in which faces are looked for, in shares of it; outside of it nothing
            is shown but a few colours. None: everywhere.
        steady_s: seconds for which nothing must speak against showing a face.
    """

    def __init__(
        self,
        blur: str | None,
        people: People | None,
        look: Callable[[np.ndarray], Sequence[Box]],
        zone: Sequence[tuple[float, float]] | None = None,
        steady_s: float = STEADY_S,
    ) -> None:
        self._blur, self._people, self._look, self._zone, self._steady_s = blur, people, look, zone, steady_s
        self._held: deque[_Held] = deque()
        self._loose: list[tuple[int | None, Box]] = []
        self._allowed_since: dict[int, float] = {}
        self._tiles: dict[int, tuple[float, np.ndarray]] = {}
        self._last: np.ndarray | None = None

    @property
    def is_active(self) -> bool:
        """Whether there is anybody to hide."""
        return hides(self._blur, self._people)

    def take(self, result: FrameResult) -> list[FrameResult]:
        """Take one more result; those that may be let go now, in order."""
        if not self.is_active:
            return [*self.end(), result]
        if result.frame.repeated:
            return [*self.end(), self._again(result)]
        held = self._judged(result)
        self._look_back(held)
        self._held.append(held)
        if result.found is None and len(self._held) < MOST_HELD:
            return []
        return self._let_go(result.found)

    def at_once(self, result: FrameResult) -> FrameResult:
        """The same for a program that wants each answer before its next frame: without the look back."""
        if not self.is_active:
            return result
        held = self._judged(result)
        if result.found is not None:
            self._loose = self._unclaimed(held, result.found)
        return self._covered(held, self._loose)

    def end(self) -> list[FrameResult]:
        """Let go what waits."""
        return self._let_go(None) if self._held else []

    def _judged(self, result: FrameResult) -> _Held:
        """Who is covered in this frame; the names of those who did not consent are gone."""
        at = clock(result.frame)
        hidden = {face.track.id for face in result.faces if not self._may_be_seen(face, at)}
        tracks = {face.track.id for face in result.faces}
        self._allowed_since = {track: since for track, since in self._allowed_since.items() if track in tracks}
        return _Held(
            replace(result, faces=tuple(map(self._unnamed, result.faces))),
            {face.track.id: _head(face) for face in result.faces},
            {face.track.id: face.track.missed for face in result.faces},
            hidden,
        )

    def _may_be_seen(self, face: FaceResult, at: float) -> bool:
        """Never while it is not decided who it is, nor soon after; nor while it may be somebody else by now."""
        track, match = face.track.id, face.match
        if face.doubted:
            return False
        allowed = match is not None and not self._is_private(match)
        if allowed and self._blur is not None:
            allowed = self._blur == ("known" if match.identity is None else "unknown")
        if not allowed:
            self._allowed_since.pop(track, None)
            return False
        return at - self._allowed_since.setdefault(track, at) >= self._steady_s

    def _is_private(self, match: Match | None) -> bool:
        return self._people is not None and self._people.is_private(match)

    def _unnamed(self, face: FaceResult) -> FaceResult:
        """Somebody who did not consent is nobody: without name, distance, picture or attributes."""
        if not self._is_private(face.match):
            return face
        nobody = Match(None, float("inf"), face.match.metric, face.match.threshold)
        return replace(face, match=nobody, attributes={}, stranger=None, latest=None)

    def _look_back(self, now: _Held) -> None:
        """Cover in the frames that wait what is known only now."""
        for track in now.hidden:
            for held in self._held:
                if track in held.boxes:
                    held.hidden.add(track)
                if not now.missed[track] and held.missed.get(track, 1):
                    held.loose.append((track, now.boxes[track].padded(MOVED / 2)))

    def _let_go(self, found: Sequence[Box] | None) -> list[FrameResult]:
        """Everything that waits; found: the faces of a full detection in the last of it, None for one still to make."""
        newest = self._held[-1]
        boxes = self._look(newest.result.frame.image) if found is None else found
        before, self._loose = self._loose, self._unclaimed(newest, boxes)
        done = [self._covered(held, [*before, *self._loose]) for held in self._held]
        self._held.clear()
        return done

    @staticmethod
    def _unclaimed(held: _Held, found: Sequence[Box]) -> list[tuple[int | None, Box]]:
        """Heads of a full detection that belong to no track, as wide as they may have moved until the next one."""
        tracks = boxes_array(face.track.detection.box for face in held.result.faces)
        free = [box for box in found if not (iou(boxes_array([box]), tracks) > SAME_FACE).any()]
        return [(None, mosaic.head(box, MOVED)) for box in free]

    def _covered(self, held: _Held, loose: Sequence[tuple[int | None, Box]]) -> FrameResult:
        frame, at = held.result.frame, clock(held.result.frame)
        places = [(track, held.boxes[track]) for track in sorted(held.hidden)] + held.loose + list(loose)
        image = frame.image
        if places or self._zone:
            image = image.copy()
            for (_, box), colours in zip(places, self._colours(frame.image, places, at), strict=True):
                if colours is not None:
                    mosaic.cover(image, box, colours)
            if self._zone:
                mosaic.cover_outside(image, self._zone)
            image = readonly(image)
        self._tiles = {track: kept for track, kept in self._tiles.items() if track in held.boxes}
        self._last = image
        faces = tuple(replace(face, covered=face.track.id in held.hidden) for face in held.result.faces)
        return replace(held.result, frame=replace(frame, image=image), faces=faces)

    def _colours(self, image: np.ndarray, places: Sequence[tuple[int | None, Box]], at: float) -> list:
        """What covers each place; that of a track stays the same for a while."""
        found = []
        for track, box in places:
            since, colours = self._tiles.get(track, (at, None)) if track is not None else (at, None)
            if colours is None or not 0 <= at - since < TILES_S:
                colours = mosaic.tiles(image, box)
                if track is not None and colours is not None:
                    self._tiles[track] = at, colours
            found.append(colours)
        return found

    def _again(self, result: FrameResult) -> FrameResult:
        """The last picture once more, as it was let go."""
        image = mosaic.coarse(result.frame.image) if self._last is None else self._last
        return replace(result, frame=replace(result.frame, image=image))


def _head(face: FaceResult) -> Box:
    return mosaic.head(face.track.detection.box, min(MOST_DRIFT, DRIFT * face.track.missed))
