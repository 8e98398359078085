"""A visit that is not over, and whether somebody who comes continues it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from streamface.sinks.visit_events import Event, Visit, new_id
from streamface.types import Box, FaceResult


@dataclass(slots=True, eq=False)
class Stay:
    """A visit that is not over."""

    track: int
    started: tuple[float, float]
    """Clock of the stream, and seconds since 1970."""
    seen: tuple[float, float]
    frame: int
    box: Box
    id: str = field(default_factory=new_id)
    person: str | None = None
    stranger: int | None = None
    distance: float | None = None
    told: bool = False
    """Whether 'appeared' has been told."""
    answer: str | None = None
    """Another name than `person`, not told yet, or None for nobody; valid while `answers` is above 0."""
    answers: int = 0
    answered_s: float = 0.0
    answer_distance: float | None = None
    silent: bool = False
    """Whether nothing is told of it any more."""

    def hush(self) -> None:
        """Tell nothing of this visit from now on."""
        self.silent, self.person, self.stranger, self.answer, self.answers = True, None, None, None, 0

    def is_of(self, people: Collection[str]) -> bool:
        """Whether it is one of these people's, as was told or as is about to be."""
        return self.person in people or (self.answers > 0 and self.answer in people)

    def looked(self, face: FaceResult, now: float) -> None:
        """Take the gallery's answer into account."""
        if face.match is None or face.track.missed or self.silent:
            return
        name = face.match.identity
        self.stranger = face.stranger.number if face.stranger else self.stranger
        if name == self.person:
            self.answers, self.distance = 0, face.match.distance
            return
        if not self.answers or name != self.answer:
            self.answer, self.answers, self.answered_s = name, 0, now
        self.answers += 1
        self.answer_distance = face.match.distance

    def settles(self, now: float, settle_s: float) -> bool:
        """Whether the other name has been the answer for long enough."""
        return self.answers > 1 and now - self.answered_s >= settle_s - 1e-9

    def event(self, kind: str, at: float, camera: str, previous: str | None = None) -> Event:
        """What is known, as an event."""
        return Event(
            kind, at, camera, self.id, self.track, self.person, None if self.person else self.stranger, previous,
            self.distance, self.started[0], self.seen[0], self.started[1], self.seen[1], self.frame,
        )  # fmt: skip


def is_named(face: FaceResult) -> bool:
    """Whether the face has a name."""
    return face.match is not None and face.match.identity is not None


def same_person(old: Stay, face: FaceResult) -> bool:
    """Whether the face has the name of that visit, or the number of its stranger."""
    if face.match.identity is not None or face.stranger is None:
        return old.person is not None and old.person == face.match.identity
    return old.person is None and old.stranger == face.stranger.number


def nobody_else(old: Stay, face: FaceResult) -> bool:
    """Whether nothing speaks against the face being that visit's."""
    return old.person is None and (face.stranger is None or old.stranger in (None, face.stranger.number))


def near(before: Box, after: Box) -> bool:
    """Whether the middle of one face lies within a face's width of the other's."""
    (x, y), (u, v) = before.center, after.center
    return max(abs(x - u), abs(y - v)) < max(before.width, after.width)


def visit_of(stay: Stay) -> Visit:
    """The visit so far."""
    stranger = stay.stranger if stay.person is None else None
    return Visit(stay.track, stay.person, stay.started[0], stay.seen[0], stranger)
