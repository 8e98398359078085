"""Who was there, and from when to when: results in, events out; no files, no clocks.

A visit is one person from coming into view to having been out of sight for a pause. It outlives its track: somebody
whose track is lost and who is found again within the pause, by name or at the same place, is still on the same visit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping

from streamface.sinks._stay import Stay, is_named, near, nobody_else, same_person, visit_of
from streamface.sinks.visit_events import APPEARED, CHANGED, LEFT, RECOGNISED, Event, Visit
from streamface.types import FaceResult, FrameResult

KEPT = 1000
"""Visits remembered at most, so that a camera may run for months."""
LEAVE_AFTER_S = 5.0
"""Out of sight for so long, a person has left."""
SETTLE_S = 0.3
"""Another name must be the answer for so long, and in two frames, before it is told."""
WAIT_FOR_NAME_S = 1.0
"""While somebody is out of sight, a newcomer may be that person: 'appeared' waits so long for the name to tell."""
OUTAGE_S = 60.0
"""After so long without any frame, nobody is taken to have stayed in view meanwhile."""


class Visits:
    """Turns the results of one camera into events; only confirmed tracks count.

    Args:
        leave_after_s: a person who was out of sight for so long has left; a higher value joins more, and tells later.
        settle_s: another name is told when it was the answer for so long, and in two frames.
        kept: visits of people who have left that `visits` tells, at most.
    """

    def __init__(self, leave_after_s: float = LEAVE_AFTER_S, settle_s: float = SETTLE_S, kept: int = KEPT) -> None:
        self._leave_after_s, self._settle_s = leave_after_s, settle_s
        self._present: dict[int, Stay] = {}
        self._away: list[Stay] = []
        self._past: deque[Visit] = deque(maxlen=kept)
        self._now: tuple[float, float] | None = None
        self._camera = ""
        self._clock = _Clock()
        self._forgotten: list[str] = []

    def update(self, result: FrameResult) -> list[Event]:
        """Events of one frame, those of people who left first."""
        self.forget(result.erased)
        events, now = self._moved(result), self._now
        confirmed = {face.track.id: face for face in result.faces if face.track.confirmed}
        for track in sorted(set(self._present) - set(confirmed)):
            self._away.append(self._present.pop(track))
        for track in sorted(confirmed):
            self._see(confirmed[track], result.frame.index)
        events += self._expired()
        for track in sorted(confirmed):
            if track in self._present:
                events += self._told(self._present[track], confirmed[track], now[0])
        return events

    def idle(self, at: float) -> list[Event]:
        """Events of the time up to `at` (seconds since 1970) in which a live source gave nothing."""
        if self._now is None:
            return []
        self._now = (self._clock.forward(at), at)
        return self._expired()

    def forget(self, people: Collection[str]) -> None:
        """Tell nothing more of the visits of people; those that go on stay without a word until they end."""
        if not people:
            return
        for stay in (*self._away, *self._present.values()):
            if stay.is_of(people):
                self._hush(stay)
        if any(visit.identity in people for visit in self._past):
            kept = [visit for visit in self._past if visit.identity not in people]
            self._past = deque(kept, maxlen=self._past.maxlen)

    def take_forgotten(self) -> list[str]:
        """Visits that were forgotten since the last call."""
        found, self._forgotten = self._forgotten, []
        return found

    def _hush(self, stay: Stay) -> None:
        if not stay.silent:
            self._forgotten.append(stay.id)
        stay.hush()

    def finish(self) -> list[Event]:
        """Everybody still in view leaves."""
        if self._now is None:
            return []
        staying = sorted([*self._away, *self._present.values()], key=lambda stay: stay.track)
        self._away, self._present = [], {}
        return [event for stay in staying for event in self._leave(stay)]

    @property
    def present(self) -> Mapping[int, str]:
        """Track -> visit of everybody whose face is followed at this moment and whose 'appeared' was told."""
        return {track: stay.id for track, stay in self._present.items() if stay.told and not stay.silent}

    @property
    def since(self) -> Mapping[int, float]:
        """Track -> when the person came into view, in seconds since 1970, of everybody followed at this moment."""
        return {track: stay.started[1] for track, stay in self._present.items()}

    @property
    def seen_at(self) -> Mapping[str, float]:
        """Visit -> when the person was last seen (seconds since 1970), of every visit that is not over and was told."""
        going_on = (*self._away, *self._present.values())
        return {stay.id: stay.seen[1] for stay in going_on if stay.told and not stay.silent}

    @property
    def visits(self) -> tuple[Visit, ...]:
        """Everybody seen, those in view included, in order of coming; only the latest `kept` who have left."""
        going_on = (*self._away, *self._present.values())
        every = [*self._past, *(visit_of(stay) for stay in going_on if not stay.silent)]
        return tuple(sorted(every, key=lambda visit: (visit.start_s, visit.track)))

    def _moved(self, result: FrameResult) -> list[Event]:
        """Put the clock forward; after a long outage everybody has left."""
        before = self._now
        self._camera = result.frame.source
        now = self._clock.read(result)
        events = self.finish() if before is not None and now - before[0] > OUTAGE_S else []
        self._now = (now, result.frame.captured_at)
        return events

    def _see(self, face: FaceResult, index: int) -> None:
        """Begin or continue the stay of one track."""
        track, now = face.track.id, self._now
        stay = self._present.get(track) or self._gone_for_a_moment(track)
        if stay is not None and stay.silent and is_named(face):
            stay = None  # somebody else by now, or known anew
        if stay is None:
            if face.track.missed:
                return  # left a while ago; the tracker still guesses where
            stay = Stay(track, now, now, index, face.track.detection.box)
        self._present[track] = stay
        if not face.track.missed:
            stay.seen, stay.frame, stay.box = now, index, face.track.detection.box
        if face.unrecorded:
            self._hush(stay)
        stay.looked(face, now[0])

    def _gone_for_a_moment(self, track: int) -> Stay | None:
        """The stay of a track that was missing in the results and is back."""
        for stay in self._away:
            if stay.track == track:
                self._away.remove(stay)
                return stay
        return None

    def _expired(self) -> list[Event]:
        """Those who were out of sight for the whole pause leave."""
        limit = self._now[0] - self._leave_after_s
        over = [stay for stay in self._away if stay.seen[0] < limit]
        over += [stay for stay in self._present.values() if stay.seen[0] < limit]
        for stay in over:
            self._away = [other for other in self._away if other is not stay]
            self._present.pop(stay.track, None) if self._present.get(stay.track) is stay else None
        return [event for stay in sorted(over, key=lambda stay: stay.track) for event in self._leave(stay)]

    def _told(self, stay: Stay, face: FaceResult, now: float) -> list[Event]:
        """'appeared' and a new name, when it is time to tell them."""
        if not stay.told:
            stay = self._joined(stay, face)
        events: list[Event] = []
        waiting = face.match is None and now - stay.started[0] < WAIT_FOR_NAME_S
        if stay.silent:
            return events
        if not stay.told and not (self._away and waiting):
            events.append(self._appeared(stay))
        if stay.told and stay.settles(now, self._settle_s):
            events.append(self._named(stay))
        return events

    def _joined(self, new: Stay, face: FaceResult) -> Stay:
        """`new`, or the stay of somebody out of sight that it continues."""
        if face.match is None:
            return new
        same = [old for old in self._away if same_person(old, face)]
        same = same or [old for old in self._away if nobody_else(old, face) and near(old.box, new.box)]
        if not same:
            return new
        old = max(same, key=lambda stay: stay.seen)
        self._away.remove(old)
        old.track, old.seen, old.frame, old.box = new.track, new.seen, new.frame, new.box
        old.answers = 0
        old.looked(face, self._now[0])
        self._present[new.track] = old
        return old

    def _appeared(self, stay: Stay) -> Event:
        stay.told = True
        return stay.event(APPEARED, self._now[1], self._camera)

    def _named(self, stay: Stay) -> Event:
        """The other name becomes the name."""
        before, stay.person, stay.answers, stay.distance = stay.person, stay.answer, 0, stay.answer_distance
        return stay.event(RECOGNISED if before is None else CHANGED, self._now[1], self._camera, before)

    def _leave(self, stay: Stay) -> list[Event]:
        """The last events of a visit: what had not been told yet, and 'left'."""
        if stay.silent:
            return []
        events = [] if stay.told else [self._appeared(stay)]
        if stay.person is None and stay.answer is not None and stay.answers > 1:
            events.append(self._named(stay))
        self._past.append(visit_of(stay))
        return [*events, stay.event(LEFT, self._now[1], self._camera)]


class _Clock:
    """Seconds of the medium that never run backwards, whatever the clock of the machine does."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._elapsed = 0.0

    def read(self, result: FrameResult) -> float:
        """Seconds of the file, or since the first frame of a live source."""
        if result.frame.media_time is not None:
            return result.frame.media_time
        return self.forward(result.frame.captured_at)

    def forward(self, at: float) -> float:
        """The same for a moment of a live source, in seconds since 1970."""
        last, self._last = self._last, at
        self._elapsed += max(0.0, at - last) if last is not None else 0.0
        return self._elapsed
