"""What is known of each track: averaged views, a name decided with hysteresis, steady attributes."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np

from streamface.alignment import light
from streamface.analysis import Answer
from streamface.averages import AttributeAverage
from streamface.denials import Denials
from streamface.gallery.live import Denial
from streamface.gallery.stranger_desk import StrangerDesk
from streamface.handover import RETURN_S, Handover, Handovers, View
from streamface.naming import Matcher, NameVotes, decide
from streamface.settings import AnalysisSettings
from streamface.strangers import StrangerVotes, snapshot
from streamface.types import Attribute, Box, FaceResult, LatestView, Match, Stranger, Track

NEAR = 0.07
"""Cosine distance within which two views show the same person, where nothing better is known: that of Dlib."""


class TrackMemory:
    """What is known of one track.

    Args:
        settings: when a label changes.
        match: the gallery's answer, None when there is no gallery.
        desk: numbers people without a name, None when that is not wanted.
        near: cosine distance within which two views show the same person.
    """

    def __init__(
        self, settings: AnalysisSettings, match: Matcher | None, desk: StrangerDesk | None = None, near: float = NEAR
    ) -> None:
        self.name = None if match is None else NameVotes(settings.hold_s, match, near)
        self._unnamed = None if match is None or desk is None else StrangerVotes(desk)
        self.in_sight = True
        self.seen_at = math.inf
        """Clock of the stream when the person was last in sight."""
        self.is_doubted = False
        """True while another look is to tell whether the track still shows the same person."""
        self._attributes: dict[str, AttributeAverage] = {}
        self.looked_at: dict[str, float] = {}
        """Clock of the latest request per kind: 'identity', or an action."""
        self.quality: float | None = None
        self.analyzed_at: float | None = None
        self.latest: LatestView | None = None
        """The latest view that was looked at for a name."""
        self.waiting = False
        """True while a request is on its way: one a track."""
        self.tried_at = -math.inf
        """When a view was last found too poor to be looked at."""
        self.unrecorded = False
        """True of somebody of whom every trace was deleted: no number is given to them until they leave."""

    @property
    def match(self) -> Match | None:
        """The decided name; None while undecided or without a gallery."""
        return None if self.name is None else self.name.shown

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

    def learn(self, answer: Answer) -> bool:
        """Join what was seen into the averages; True where the gallery is to be asked who that is."""
        self.quality, self.analyzed_at = answer.request.quality, answer.request.at
        weight = max(answer.request.quality, 0.02)
        for name, attribute in answer.attributes.items():
            average = self._attributes.setdefault(name, AttributeAverage(fast=name == "emotion"))
            average.add(attribute, weight, answer.request.at)
        if answer.vector is None or self.name is None:
            return False
        self.latest = _latest(answer)
        restarts = self.name.restarts
        asks = self.name.take(answer.vector, weight, answer.request.at)
        if self.name.restarts != restarts:
            self.finish()
            self.unrecorded = False
        return asks

    def look_among_strangers(self, answer: Answer, taken: Collection[int]) -> None:
        """Take a view of somebody whose name is decided; `taken` are the numbers of strangers beside this one."""
        if self._unnamed is None or self.match is None or answer.vector is None or self.unrecorded:
            return
        if self.match.identity is not None:
            self.finish()
        else:
            self._unnamed.add(answer.vector, answer.request.quality, answer.request.at, self.match, taken)

    def see(self, image: np.ndarray, box: Box, quality: float) -> None:
        """Cut the face out of a frame, (H, W, 3) uint8 BGR, where a stranger's picture is wanted."""
        if self._unnamed is not None and not self.unrecorded and self._unnamed.wants_snapshot(quality):
            self._unnamed.keep(snapshot(image, box, quality))

    def finish(self) -> None:
        """The person has left the track, or has a name now."""
        if self._unnamed is not None:
            self._unnamed.finish()

    def erase(self, people: Collection[str]) -> None:
        """Keep nothing of a track with one of these names."""
        if self.match is not None and self.match.identity in people:
            self.unrecorded, self.latest = True, None
            if self._unnamed is not None:
                self._unnamed.drop()

    @property
    def certainty(self) -> float:
        """0..1: how much speaks for the name as it is; 0 while it is doubted, 1 without a gallery."""
        return 1.0 if self.name is None else self.name.certainty

    def is_missing(self, at: float) -> bool:
        """True of somebody out of sight for a moment only."""
        return not self.in_sight and at - self.seen_at <= RETURN_S

    def is_settled(self, kind: str) -> bool:
        """True when 'identity' or an action needs no frequent look."""
        if kind == "identity":
            return self.name is None or (self.name.is_settled and self._is_numbered() and not self.is_doubted)
        return kind in self._attributes and self._attributes[kind].is_settled

    def _is_numbered(self) -> bool:
        unnamed = self.match is not None and self.match.identity is None
        return self._unnamed is None or not unnamed or self.unrecorded or self._unnamed.is_settled


def _latest(answer: Answer) -> LatestView:
    request = answer.request
    return LatestView(answer.vector, request.quality, request.face.sharpness, light(request.face.image), request.at)


class Memory:
    """The memory of all tracks in view.

    Args:
        settings: when a label changes.
        match: the gallery's answer for an embedding, None when there is no gallery.
        edition: a number that grows when the gallery changes, None for one that never does.
        desk: numbers people without a name, None when that is not wanted.
        near: cosine distance within which two views show the same person.
        erasing: names of people of whom every trace is being deleted.
        denied: what an operator said since the last call of who is not who.
    """

    def __init__(
        self,
        settings: AnalysisSettings,
        match: Matcher | None,
        edition: Callable[[], int] | None = None,
        desk: StrangerDesk | None = None,
        near: float = NEAR,
        erasing: Callable[[], Collection[str]] = frozenset,
        denied: Callable[[], Iterable[Denial]] = tuple,
    ) -> None:
        self._settings, self._match, self._desk, self._near = settings, match, desk, near
        self._edition, self._erasing = edition or (lambda: 0), erasing
        self._denied, self._denials = denied, Denials()
        self._seen = self._edition()
        self._at = 0.0
        self._tracks: dict[int, TrackMemory] = {}
        self._gone: dict[int, TrackMemory] = {}
        self._handovers = Handovers()
        self._moved: dict[int, int | None] = {}
        """Tracks whose answers, asked for before, are somebody else's; None where that one has no number yet."""
        self.handovers: list[Handover] = []
        """Those found since the list was last emptied."""

    def __getitem__(self, track: int) -> TrackMemory:
        if track not in self._tracks:
            self._tracks[track] = TrackMemory(self._settings, self._match, self._desk, self._near)
        return self._tracks[track]

    def learn(self, answers: Iterable[Answer]) -> None:
        """Take answers; one for a track that is gone is dropped."""
        seen = [(track, answer) for answer in answers if (track := self._shown_in(answer)) in self._tracks]
        asking = [self._tracks[track] for track, answer in seen if self._tracks[track].learn(answer)]
        names = [known.name for known in asking]
        decide(names, self._match)
        if names:
            again = self._denials.carried_over(names, names[0].mean.last_at)
            decide(again, self._match, names[0].mean.last_at)
        for track, answer in seen:
            self._tracks[track].look_among_strangers(answer, self._taken(track))

    def _shown_in(self, answer: Answer) -> int | None:
        """The track that a view is one of; None for a track that is gone, and while it is not sure whom it shows."""
        track = self._moved.get(answer.request.track, answer.request.track)
        if track not in self._tracks:
            return None
        self._tracks[track].waiting = False
        track = self._shown_by(track, answer)
        known = self._tracks.get(track)
        is_in_doubt = known is not None and self._handovers.is_suspected(track) and not known.name.is_young
        return None if is_in_doubt else track

    def _shown_by(self, track: int, answer: Answer) -> int | None:
        """Whose face was seen on `track`: its own, or that of somebody out of sight, or of somebody new (None)."""
        own = self._tracks[track].name
        if answer.vector is None or own is None:
            return track
        missing = {number: known.name for number, known in self._missing(answer.request.at) if number != track}
        view = View(track, answer.vector, answer.request.quality, answer.request.at)
        found = self._handovers.look(view, own, missing)
        if found is None:
            return track
        self.handovers.append(found)
        self._moved[track] = found.owner
        if found.owner in self._gone:
            self._tracks[found.owner] = self._gone.pop(found.owner)
        return found.owner

    def _missing(self, at: float) -> Iterator[tuple[int, TrackMemory]]:
        yield from self._gone.items()
        yield from ((number, known) for number, known in self._tracks.items() if known.is_missing(at))

    def _taken(self, track: int) -> set[int]:
        """Numbers of the strangers in sight on other tracks."""
        others = (known for number, known in self._tracks.items() if number != track and known.in_sight)
        return {known.stranger.number for known in others if known.stranger is not None}

    def watch(self, tracks: Sequence[Track]) -> None:
        """These are followed now, and may be looked at."""
        for track in tracks:
            if self._moved.pop(track.id, track.id) != track.id:  # the tracker has left the number as it was
                self._tracks.pop(track.id).finish()
        self._handovers.watch(tracks, self._at)
        for track in tracks:
            self[track.id].is_doubted = self._handovers.wants_look(track.id)

    def refresh(self, at: float) -> None:
        """It is `at` now: forget who has been gone for long; ask a gallery that has changed about everybody anew."""
        if self._desk is not None:
            self._desk.tick(at)
        self._at = at
        for number in [number for number, known in self._gone.items() if not known.is_missing(at)]:
            self._gone.pop(number).finish()
        for said in self._denied():
            self._hear(said, at)
        edition = self._edition()
        if edition != self._seen:
            self._seen = edition
            for known in (*self._tracks.values(), *self._gone.values()):
                known.erase(self._erasing())
            named = [known.name for known in self._tracks.values() if known.match is not None]
            decide(named, self._match, at)

    def _hear(self, said: Denial, at: float) -> None:
        """An operator said who somebody is not, or took it back."""
        every = [known.name for known in (*self._tracks.values(), *self._gone.values()) if known.name is not None]
        if said.track is None:
            self._denials.take_back(said.identity, said.now, every)
        elif said.track in self._tracks and every:
            self._denials.add(self._tracks[said.track].name, said.identity)
        decide([name for name in every if name.shown is not None], self._match, at)

    def keep(self, tracks: Iterable[int]) -> None:
        """Forget every track but these; those that ended a moment ago may yet be found again."""
        alive = set(tracks)
        for track in [track for track in self._tracks if track not in alive]:
            known = self._gone[track] = self._tracks.pop(track)
            known.in_sight = False
            self._handovers.forget(track)
            self._moved.pop(track, None)

    def result(self, track: Track) -> FaceResult:
        """All that is known of a track, as it is drawn and written."""
        known = self[track.id]
        known.in_sight = not track.missed
        if known.in_sight:
            known.seen_at = self._at
        attributes: Mapping[str, Attribute] = known.attributes
        return FaceResult(
            track, known.match, attributes, known.quality, known.analyzed_at, known.stranger, known.latest,
            doubted=known.match is not None and self._handovers.in_doubt(track.id), unrecorded=known.unrecorded,
        )  # fmt: skip

    def close(self) -> None:
        """Everybody leaves."""
        self.keep(())
        for known in self._gone.values():
            known.finish()
        self._gone.clear()
