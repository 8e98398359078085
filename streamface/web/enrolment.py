"""Enrolling somebody who is in view: good views are taken one by one while the stream goes on."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from streamface.alignment import align, turn, view_parts
from streamface.errors import GalleryError, ImageError
from streamface.gallery.distances import distance
from streamface.pyramid import Pyramid
from streamface.recognition.base import NetworkSpec
from streamface.strangers import snapshot
from streamface.types import FaceResult
from streamface.web import guide
from streamface.web.people_desk import PeopleDesk
from streamface.web.people_words import DID_NOT_CONSENT, Likeness, Picture, checked
from streamface.web.views import Snapshot, View

APART_S = 0.6
"""Seconds between two pictures, so that they differ."""
CONTRADICTS = 1.5
"""A face farther from all pictures taken so far than so many thresholds is somebody else's."""
MOST_OPEN = 5
IDLE_S = 120.0
"""An enrolment that nobody has looked at for so long is over."""


class Refused(GalleryError):
    """What was asked for would put two people into one; `likeness` says whom. It may be asked for all the same."""

    def __init__(self, message: str, likeness: Likeness | None) -> None:
        super().__init__(message)
        self.likeness = likeness


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """A picture that was taken."""

    number: int
    kind: str
    quality: float
    picture: Picture


class Enrolment:
    """Pictures of one person who is followed in a camera's picture; threads may share it.

    Args:
        view: the camera.
        track: the person's number there.
        desk: where the pictures go.
        spec: of the recognition network, as which faces are cut out to be judged.
        clock: seconds that never fall.
    """

    def __init__(
        self,
        view: View,
        track: int,
        desk: PeopleDesk,
        spec: NetworkSpec,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.id = secrets.token_urlsafe(12)
        self.camera, self.track = view.camera, track
        self.hint = guide.GONE
        self.taken: tuple[Taken, ...] = ()
        self.used_at = clock()
        self._view, self._desk, self._spec, self._clock = view, desk, spec, clock
        self._version, self._numbers, self._taken_at = 0, 0, float("-inf")
        self._can_turn = True
        self._lock = threading.Lock()

    @property
    def wanted(self) -> list[str]:
        """Kinds of which pictures are missing, in the order of asking."""
        return guide.still_wanted([taken.kind for taken in self.taken], self._can_turn)

    @property
    def likeness(self) -> Likeness | None:
        """Somebody known whom the pictures resemble: the nearest to any of them."""
        found = [self._desk.likeness(taken.picture.row.vector) for taken in self.taken]
        return min((one for one in found if one is not None), key=lambda one: one.distance, default=None)

    def look(self, track: int | None = None) -> None:
        """Judge the newest picture of the camera, and take it when it is good for something that is wanted.

        track: the person's number, where it is another one by now.
        """
        with self._lock:
            self.used_at = self._clock()
            self.track = self.track if track is None else track
            newest = self._view.newest
            if newest.version == self._version and track is None:
                return
            self._version = newest.version
            face = face_of(newest, self.track)
            if face is None or face.covered:
                self.hint = guide.GONE if face is None else guide.COVERED
            else:
                self.hint = self._judged(newest, face)

    def drop(self, number: int) -> bool:
        """Leave a picture out again; False where there is none of that number."""
        with self._lock:
            before, self.taken = self.taken, tuple(taken for taken in self.taken if taken.number != number)
            return len(self.taken) < len(before)

    def save(self, name: str, anyway: bool = False) -> tuple[str, list[str]]:
        """Put the pictures into the person's folder: the name as it is written, and the pictures' keys.

        Raises `Refused`, unless it is to be done `anyway`, where the face is somebody else's who is known, or does not
        look like the person of that name; `GalleryError` where it is that of somebody who did not consent.
        """
        with self._lock:
            identity = checked(name)
            if not self.taken:
                raise GalleryError("there is no picture yet: look at the camera for a moment")
            self._check_alike(identity, anyway)
            return identity, self._desk.add(identity, [taken.picture for taken in self.taken])

    def _check_alike(self, identity: str, anyway: bool) -> None:
        found, vectors = self.likeness, [taken.picture.row.vector for taken in self.taken]
        if found is not None and found.is_unnamed and found.is_same:
            raise GalleryError(DID_NOT_CONSENT)
        if anyway:
            return
        if found is not None and found.is_same and found.person != identity:
            raise Refused(f"this is {found.called} already ({found.far})", found)
        own = [far for vector in vectors if (far := self._desk.distance_to(identity, vector)) is not None]
        if own and min(own) > self._desk.limits.alike:
            raise Refused(f"this does not look like the pictures of {identity} (distance {min(own):.3f})", None)

    def _judged(self, newest: Snapshot, face: FaceResult) -> str:
        image, detection = newest.result.frame.image, face.track.detection
        chip = align(Pyramid(image), detection, self._spec.template, self._spec.input_px)
        parts, turned = view_parts(detection, chip), turn(detection)
        self._can_turn = turned is not None
        kind, hint = guide.judged(parts, turned, self.wanted)
        if kind is None or self._clock() - self._taken_at < APART_S:
            return hint
        shot = snapshot(image, detection.box, parts.quality)
        if shot is None:
            return guide.GONE
        try:
            picture = self._desk.encoded(shot.jpeg())
        except ImageError:
            return guide.STILL
        if self._contradicts(picture.row.vector):
            return guide.OTHER
        self._numbers, self._taken_at = self._numbers + 1, self._clock()
        self.taken = (*self.taken, Taken(self._numbers, kind, parts.quality, picture))
        wanted = self.wanted
        return guide.ASKED[wanted[0]] if wanted else guide.DONE

    def _contradicts(self, vector: np.ndarray) -> bool:
        if not self.taken:
            return False
        before = np.stack([taken.picture.row.vector for taken in self.taken])
        limits = self._desk.limits
        return float(distance(vector, before, limits.metric).min()) > CONTRADICTS * limits.naming


class Enrolments:
    """Those that are going on; a few at most. Threads may share it.

    Args:
        covered: the faces of those who could be enrolled are covered in the pictures.
    """

    def __init__(
        self,
        desk: PeopleDesk,
        spec: NetworkSpec,
        clock: Callable[[], float] = time.monotonic,
        covered: bool = False,
    ) -> None:
        self.desk, self.covered = desk, covered
        self._spec, self._clock = spec, clock
        self._open: dict[str, Enrolment] = {}
        self._lock = threading.Lock()

    def begin(self, view: View, track: int) -> Enrolment | None:
        """Begin one; None where too many are open."""
        with self._lock:
            self._expire()
            if len(self._open) >= MOST_OPEN:
                return None
            made = Enrolment(view, track, self.desk, self._spec, self._clock)
            self._open[made.id] = made
        return made

    def find(self, key: str) -> Enrolment | None:
        """One that is going on."""
        with self._lock:
            self._expire()
            return self._open.get(key)

    def end(self, key: str) -> None:
        """Let go of one and its pictures; the networks too after the last."""
        with self._lock:
            self._open.pop(key, None)
            last = not self._open
        if last:
            self.desk.rest()

    def drop(self, person: str) -> None:
        """End those whose pictures resemble a person."""
        with self._lock:
            like = [key for key, one in self._open.items() if one.likeness and one.likeness.person == person]
            for key in like:
                del self._open[key]

    def _expire(self) -> None:
        now = self._clock()
        self._open = {key: one for key, one in self._open.items() if now - one.used_at < IDLE_S}


def face_of(newest: Snapshot, track: int) -> FaceResult | None:
    """The face of a track that is in sight."""
    faces = newest.result.faces if newest.result is not None else ()
    return next((face for face in faces if face.track.id == track and not face.track.missed), None)
