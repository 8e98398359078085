"""What is known of each track: averaged views, a name decided with hysteresis, steady attributes."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

import numpy as np

from streamface.analysis import Answer
from streamface.gallery.stranger_desk import StrangerDesk
from streamface.settings import AnalysisSettings
from streamface.strangers import StrangerVotes, snapshot
from streamface.types import Attribute, Box, FaceResult, Match, Stranger, Track

Matcher = Callable[[np.ndarray, float, float], Match]
"""(D,) mean of views, their agreement 0..1, and a factor on the threshold -> the nearest person."""

FORGET = 0.9
"""What a view still counts after the next one: the last ten or so speak."""
FIRST_EVIDENCE = 0.5
"""Sum of qualities before the first word on a name: one good view, or several poor ones."""
HOLD_FACTOR = 1.25
"""A name once given stands up to this multiple of the threshold."""
STRANGER_FACTOR = 2.0
"""A view this many thresholds away from the track's mean looks like another person."""
STRANGER_VIEWS = 3
"""So many such views in a row, over `hold_s`, and the track is taken to show somebody else."""
FAST_S = 0.3
"""Time in which an emotion's average follows: half a second brings 80 % of a change."""
SLOW_VIEWS = 60.0
"""Age, gender and race average over so many views' worth of quality, then move slowly."""
SETTLED_VIEWS = 6
"""Views after which age, gender and race need no frequent look."""


class TrackMemory:
    """What is known of one track.

    Args:
        settings: when a label changes.
        match: the gallery's answer, None when there is no gallery.
        desk: numbers people without a name, None when that is not wanted.
    """

    def __init__(self, settings: AnalysisSettings, match: Matcher | None, desk: StrangerDesk | None = None) -> None:
        self._name = None if match is None else NameVotes(settings.hold_s, match)
        self._unnamed = None if match is None or desk is None else StrangerVotes(desk)
        self.in_sight = True
        self._attributes: dict[str, AttributeAverage] = {}
        self.looked_at: dict[str, float] = {}
        """Clock of the latest request per kind: 'identity', or an action."""
        self.quality: float | None = None
        self.analyzed_at: float | None = None
        self.waiting = False
        """True while a request is on its way: one a track."""
        self.tried_at = -math.inf
        """When a view was last found too poor to be looked at."""

    @property
    def match(self) -> Match | None:
        """The decided name; None while undecided or without a gallery."""
        return None if self._name is None else self._name.shown

    @property
    def attributes(self) -> dict[str, Attribute]:
        """Action -> averaged attribute, of those seen so far."""
        return {name: average.shown for name, average in self._attributes.items()}

    def asked(self, kinds: Iterable[str], at: float) -> None:
        """Note that these kinds are looked at."""
        self.looked_at.update(dict.fromkeys(kinds, at))

    @property
    def stranger(self) -> Stranger | None:
        """Who it is among people without a name; None for people with one."""
        named = self.match is not None and self.match.identity is not None
        return None if self._unnamed is None or named else self._unnamed.shown

    def learn(self, answer: Answer, taken: Collection[int] = ()) -> None:
        """Join what was seen into the averages; `taken` are the numbers of strangers beside this one."""
        self.waiting = False
        self.quality, self.analyzed_at = answer.request.quality, answer.request.at
        weight = max(answer.request.quality, 0.02)
        if answer.vector is not None and self._name is not None:
            restarts = self._name.restarts
            self._name.add(answer.vector, weight, answer.request.at)
            if self._name.restarts != restarts:
                self.finish()
            self._look_among_strangers(answer, taken)
        for name, attribute in answer.attributes.items():
            average = self._attributes.setdefault(name, AttributeAverage(fast=name == "emotion"))
            average.add(attribute, weight, answer.request.at)

    def _look_among_strangers(self, answer: Answer, taken: Collection[int]) -> None:
        if self._unnamed is None or self.match is None:
            return
        if self.match.identity is not None:
            self.finish()
        else:
            self._unnamed.add(answer.vector, answer.request.quality, answer.request.at, self.match, taken)

    def see(self, image: np.ndarray, box: Box, quality: float) -> None:
        """Cut the face out of a frame, (H, W, 3) uint8 BGR, where a stranger's picture is wanted."""
        if self._unnamed is not None and self._unnamed.wants_snapshot(quality):
            self._unnamed.keep(snapshot(image, box, quality))

    def finish(self) -> None:
        """The person has left the track, or has a name now."""
        if self._unnamed is not None:
            self._unnamed.finish()

    def reconsider(self, at: float) -> None:
        """Ask the gallery anew, which has changed."""
        if self._name is not None:
            self._name.reconsider(at)

    @property
    def certainty(self) -> float:
        """0..1: how much speaks for the name as it is; 0 while it is doubted, 1 without a gallery."""
        return 1.0 if self._name is None else self._name.certainty

    def is_settled(self, kind: str) -> bool:
        """True when 'identity' or an action needs no frequent look."""
        if kind == "identity":
            return self._name is None or (self._name.is_settled and self._is_numbered())
        return kind in self._attributes and self._attributes[kind].views >= SETTLED_VIEWS

    def _is_numbered(self) -> bool:
        unnamed = self.match is not None and self.match.identity is None
        return self._unnamed is None or not unnamed or self._unnamed.is_settled


class NameVotes:
    """The mean embedding of the good views of one track, and the name that follows from it."""

    def __init__(self, hold_s: float, match: Matcher) -> None:
        self._hold_s, self._match = hold_s, match
        self._mean, self._stranger = _Mean(), _Mean()
        self._doubt_since: float | None = None
        self.shown: Match | None = None
        self.is_settled = False
        self.restarts = 0
        """How often the track turned out to show somebody else."""

    def add(self, vector: np.ndarray, weight: float, at: float) -> None:
        """Take a (D,) embedding of the given quality, seen at the time `at`."""
        if self._is_stranger(vector, weight, at):
            return
        self._mean.add(vector, weight, at)
        if self._mean.weight >= FIRST_EVIDENCE or self.shown is not None:
            self._decide(self._match(self._mean.vector, self._mean.agreement, HOLD_FACTOR), at)

    def reconsider(self, at: float) -> None:
        """Take the answer of a gallery that has changed at once: that is no wavering which a name has to outlast."""
        if self.shown is not None:
            self._decide(self._match(self._mean.vector, self._mean.agreement, HOLD_FACTOR), at, at_once=True)

    @property
    def certainty(self) -> float:
        """0..1: the evidence against what settles a name; 0 while there is doubt."""
        return 0.0 if self._doubt_since is not None else min(1.0, self._mean.weight / (2 * FIRST_EVIDENCE))

    def _is_stranger(self, vector: np.ndarray, weight: float, at: float) -> bool:
        """Keep a view that contradicts the mean aside; when the contradiction lasts, start anew from it."""
        if not self._mean.views or self._mean.distance(vector) <= STRANGER_FACTOR * self._threshold():
            self._stranger = _Mean()
            return False
        self._stranger.add(vector, weight, at)
        lasted = at - self._stranger.first_at >= self._hold_s and self._stranger.views >= STRANGER_VIEWS
        if lasted:
            self._mean, self._stranger = self._stranger, _Mean()
            self.restarts += 1
            self.shown, self._doubt_since, self.is_settled = None, None, False
            self._decide(self._match(self._mean.vector, self._mean.agreement, HOLD_FACTOR), at)
        return True

    def _threshold(self) -> float:
        """As a cosine distance, whatever the metric: 0.1 is far for no network here and near for none."""
        return 0.1 if self.shown is None else max(0.1, self.shown.threshold if self.shown.metric == "cosine" else 0.1)

    def _decide(self, loose: Match, at: float, at_once: bool = False) -> None:
        """Change what is shown when the new match says so clearly or for long enough, or at once."""
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


class _Mean:
    """A weighted mean of vectors in which older ones fade."""

    def __init__(self) -> None:
        self._sum: np.ndarray | float = 0.0
        self._directions: np.ndarray | float = 0.0
        self.weight, self.views, self.first_at = 0.0, 0, 0.0

    def add(self, vector: np.ndarray, weight: float, at: float) -> None:
        if not self.views:
            self.first_at = at
        self._sum = self._sum * FORGET + vector * weight
        self._directions = self._directions * FORGET + vector * (weight / max(float(np.linalg.norm(vector)), 1e-12))
        self.weight = self.weight * FORGET + weight
        self.views += 1

    @property
    def vector(self) -> np.ndarray:
        return self._sum / self.weight

    @property
    def agreement(self) -> float:
        """Length of the mean of the views' directions, 0..1: 1 for one view, less the more they differ."""
        return min(1.0, float(np.linalg.norm(self._directions)) / self.weight)

    def distance(self, vector: np.ndarray) -> float:
        """Cosine distance of a (D,) vector."""
        lengths = np.linalg.norm(self._sum) * np.linalg.norm(vector)
        return 1.0 - float(self._sum @ vector / max(lengths, 1e-12))


class AttributeAverage:
    """One attribute of one track, averaged by quality.

    Args:
        fast: follow within half a second (emotion) rather than settle (age, gender, race).
    """

    def __init__(self, fast: bool) -> None:
        self._fast = fast
        self._weight, self._at, self.views = 0.0, 0.0, 0
        self._scores: dict[str, float] = {}
        self._value: float | None = None
        self._spread: float | None = None
        self.shown: Attribute | None = None

    def add(self, seen: Attribute, weight: float, at: float) -> None:
        """Take what was seen in one view of the given quality."""
        kept = self._weight
        if self._fast:
            kept *= math.exp(-max(0.0, at - self._at) / FAST_S)
        kept = min(kept, SLOW_VIEWS)
        share = weight / (kept + weight)
        self._scores = {k: self._scores.get(k, p) * (1 - share) + p * share for k, p in seen.scores.items()}
        self._value = _mixed(self._value, seen.value, share)
        self._spread = _mixed(self._spread, seen.spread, share)
        self._weight, self._at, self.views = kept + weight, at, self.views + 1
        self.shown = self._averaged(seen)

    def _averaged(self, seen: Attribute) -> Attribute:
        if self._value is not None:
            years = round(self._value)
            if self.shown is not None and abs(self._value - float(self.shown.label)) < 0.8:
                years = int(self.shown.label)  # half a year this way or that is no reason to change the label
            return replace(seen, label=str(years), value=self._value, spread=self._spread, scores=self._scores)
        label = max(self._scores, key=self._scores.__getitem__) if self._scores else seen.label
        if self.shown is not None and self._scores.get(label, 0) - self._scores.get(self.shown.label, 0) < 0.05:
            label = self.shown.label  # a near tie keeps the label
        return replace(seen, label=label, score=self._scores.get(label, seen.score), scores=self._scores)


def _mixed(old: float | None, new: float | None, share: float) -> float | None:
    return new if old is None or new is None else old * (1 - share) + new * share


class Memory:
    """The memory of all tracks in view.

    Args:
        settings: when a label changes.
        match: the gallery's answer for an embedding, None when there is no gallery.
        edition: a number that grows when the gallery changes, None for one that never does.
        desk: numbers people without a name, None when that is not wanted.
    """

    def __init__(
        self,
        settings: AnalysisSettings,
        match: Matcher | None,
        edition: Callable[[], int] | None = None,
        desk: StrangerDesk | None = None,
    ) -> None:
        self._settings, self._match, self._desk = settings, match, desk
        self._edition = edition or (lambda: 0)
        self._seen = self._edition()
        self._tracks: dict[int, TrackMemory] = {}

    def __getitem__(self, track: int) -> TrackMemory:
        if track not in self._tracks:
            self._tracks[track] = TrackMemory(self._settings, self._match, self._desk)
        return self._tracks[track]

    def learn(self, answers: Iterable[Answer]) -> None:
        """Take answers; one for a track that is gone is dropped."""
        for answer in answers:
            if answer.request.track in self._tracks:
                self._tracks[answer.request.track].learn(answer, self._taken(answer.request.track))

    def _taken(self, track: int) -> set[int]:
        """Numbers of the strangers in sight on other tracks."""
        others = (known for number, known in self._tracks.items() if number != track and known.in_sight)
        return {known.stranger.number for known in others if known.stranger is not None}

    def refresh(self, at: float) -> None:
        """When the gallery has changed, ask it anew about everybody in view."""
        if self._desk is not None:
            self._desk.tick(at)
        edition = self._edition()
        if edition != self._seen:
            self._seen = edition
            for known in self._tracks.values():
                known.reconsider(at)

    def keep(self, tracks: Iterable[int]) -> None:
        """Forget every track but these."""
        alive = set(tracks)
        for track, known in self._tracks.items():
            if track not in alive:
                known.finish()
        self._tracks = {track: known for track, known in self._tracks.items() if track in alive}

    def result(self, track: Track) -> FaceResult:
        """All that is known of a track, as it is drawn and written."""
        known = self[track.id]
        known.in_sight = not track.missed
        attributes: Mapping[str, Attribute] = known.attributes
        return FaceResult(track, known.match, attributes, known.quality, known.analyzed_at, known.stranger)

    def close(self) -> None:
        """Everybody leaves."""
        self.keep(())
