"""From the stream's results to what the kiosk judges."""

from __future__ import annotations

import math
import unicodedata

import numpy as np

from streamface.attention import clock
from streamface.gallery.distances import distance
from streamface.gallery.live import LiveGallery
from streamface.kiosk.clock import ForwardClock
from streamface.kiosk.views import Ranking, Scene, View
from streamface.types import LIVE, Detection, FaceResult, FrameResult

MOST_FACES = 4
"""The largest ones are looked at."""


class Looking:
    """Sees scenes in results; pictures are not looked at, so faces may be covered in them.

    Args:
        people: the gallery; None for nobody.
        metric, network: of its distances, and of the embeddings.
    """

    def __init__(self, people: LiveGallery | None, metric: str, network: str) -> None:
        self._people, self._metric, self._network = people, metric, network
        self._looked_at: dict[int, float] = {}
        self._clock = ForwardClock()

    def scene(self, result: FrameResult, claimed: str | None) -> Scene:
        """What a result shows; claimed: who somebody claims to be. Times are of a clock that never goes back."""
        at, state = self._clock.now(clock(result.frame)), result.source_state
        if result.frame.repeated or (state is not None and state.state != LIVE):
            return Scene(at, is_live=False)
        faces = [face for face in result.faces if face.track.confirmed and not face.track.missed]
        faces = [face for face in faces if face.track.detection.landmarks is not None]
        faces.sort(key=lambda face: face.track.detection.box.height, reverse=True)
        views = tuple(_view(face, result.frame.size_wh) for face in faces[:MOST_FACES])
        rankings = tuple(self._ranking(face, claimed) for face in faces[:MOST_FACES] if self._is_new(face))
        self._looked_at = {face.track.id: face.latest.at for face in result.faces if face.latest is not None}
        return Scene(at, views, rankings)

    def named(self, text: str) -> str:
        """The person whom a claim means: letters, large or small, and spaces need not be exact where one is meant."""
        people = self._people.gallery.identities if self._people else ()
        meant = [text] if text in people else [person for person in people if _plain(person) == _plain(text)]
        return meant[0] if len(meant) == 1 else text

    def _is_new(self, face: FaceResult) -> bool:
        return face.latest is not None and self._looked_at.get(face.track.id) != face.latest.at

    def _ranking(self, face: FaceResult, claimed: str | None) -> Ranking:
        seen = face.latest
        person, distance, others = self._nearest(seen.vector, claimed)
        if person in self._private:
            person, distance = None, math.inf
        at = self._clock.then(seen.at)
        return Ranking(at, face.track.id, person, distance, others, seen.sharpness, seen.light)

    def _nearest(self, vector: np.ndarray, claimed: str | None) -> tuple[str | None, float, float]:
        """(the candidate, how far it is, how far the nearest other person is)."""
        if self._people is None:
            return claimed, math.inf, math.inf
        (match,) = self._people.match(vector[None], self._metric, math.inf, self._network)
        if claimed is None or match.identity == claimed:
            return match.identity, match.distance, match.runner_up
        pictures = self._people.gallery.pictures_of(claimed)
        own = [float(distance(vector, row.vector, self._metric)) for row in pictures]
        return claimed, min(own, default=math.inf), match.distance

    @property
    def _private(self) -> frozenset[str]:
        """People who did not consent to being recognised."""
        return self._people.private if self._people else frozenset()


def _view(face: FaceResult, size_wh: tuple[int, int]) -> View:
    detection, emotion, latest = face.track.detection, face.attributes.get("emotion"), face.latest
    clarity = (latest.sharpness, latest.light) if latest else (1.0, 1.0)
    height, happy = detection.box.height / size_wh[1], emotion.scores.get("happy") if emotion else None
    return View(face.track.id, detection.landmarks, height, _is_whole(detection, *size_wh), *clarity, happy)


def _is_whole(detection: Detection, width: int, height: int) -> bool:
    """True when the landmarks and some margin around them lie in the picture."""
    low, high = detection.landmarks.min(0), detection.landmarks.max(0)
    margin = 0.4 * float((high - low).max())
    return bool((low >= margin).all() and (high <= (width - margin, height - margin)).all())


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split()).casefold()
