"""What is done in this frame, and for whom: new people first, then the uncertain, then whoever waited longest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from streamface.budget import Budget, FixedBudget
from streamface.memory import Memory, TrackMemory
from streamface.settings import AnalysisSettings
from streamface.types import Track

UNSETTLED_S = 0.1
"""Seconds between two looks at a person whose name is not decided yet, and between two tries at a poor view."""
ROUNDING_S = 0.004
"""A tenth of a frame's time, so that rounding of media times does not skip a frame."""
SOONEST = 2
"""Frames between two full detections at the least, however much the tracker asks for one."""
LONGEST_WAIT = 4
"""Nobody waits longer than so many times the interval that was meant, while there are looks at all."""


@dataclass(frozen=True, slots=True)
class Look:
    """One track that is to be looked at, and for what."""

    track: Track
    identity: bool
    actions: tuple[str, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """'identity' and the actions that are looked at."""
        return (("identity",) if self.identity else ()) + self.actions


class DetectionSchedule:
    """On which frames faces are looked for in the whole picture.

    Args:
        every: frames from one full detection to the next.
        budget: may put one off.
    """

    def __init__(self, every: int, budget: Budget | None = None) -> None:
        self._every, self._budget = every, budget or FixedBudget()
        self._detected_at: int | None = None
        self._is_late = False
        self.postponed = 0
        """Detections that were due and had to wait."""

    def is_sure(self, index: int) -> bool:
        """True for a frame of a file that will be detected whatever happens before it."""
        return index % self._every == 0

    def detects(self, index: int, is_wanted: bool) -> bool:
        """Whether frame `index` is detected in full.

        Due is every multiple of `every` that was reached or passed, counted from frame 0 and not from the last
        detection so that it is known beforehand; and what the tracker wants, unless one is due in the next frame.
        """
        due = self._is_due(index, is_wanted)
        if due and not self._budget.allows_detection():
            self.postponed += not self._is_late
            self._is_late = True
            return False
        if due:
            self._detected_at, self._is_late = index, False
        return due

    @property
    def is_long(self) -> bool:
        """Whether a full detection takes so long that the next frames should not wait for it."""
        return self._budget.detection_is_long

    def detected(self, took_ms: float) -> None:
        """The full detection of this frame is done."""
        self._budget.detected(took_ms)

    def _is_due(self, index: int, is_wanted: bool) -> bool:
        if self._detected_at is None or self._is_late or index // self._every != self._detected_at // self._every:
            return True
        return is_wanted and index - self._detected_at >= SOONEST and not self.is_sure(index + 1)


class Scheduler:
    """Whom to look at: from the clock of the stream and what the budget allows.

    Args:
        settings: which attributes, and how often.
        identity: whether there is a gallery to look for people in.
        budget: how many looks a frame may take; the one for files depends on nothing but the frame.
    """

    def __init__(self, settings: AnalysisSettings, identity: bool, budget: Budget | None = None) -> None:
        self._settings, self._identity = settings, identity
        self.budget = budget or FixedBudget()
        self._late: set[int] = set()
        self.postponed = 0
        """Looks that were due and had to wait for another frame, each counted once."""

    def choose(self, tracks: Sequence[Track], memory: Memory, at: float) -> Iterator[Look]:
        """The looks to take at the time `at`, most urgent first, while the budget allows them.

        Each that is not made after all is to be given back to the budget before the next one is asked for.
        """
        candidates = sorted(self._candidates(tracks, memory, at), key=lambda entry: entry[:2])
        late: set[int] = set()
        for _, number, look in candidates:
            if late or not self.budget.take_look(look.kinds):
                late.add(number)
            else:
                yield look
        self.postponed += len(late - self._late)
        self._late = late

    def _candidates(self, tracks: Sequence[Track], memory: Memory, at: float) -> Iterator[tuple[tuple, int, Look]]:
        for track in tracks:
            known = memory[track.id]
            if track.missed or known.waiting or abs(at - known.tried_at) < UNSETTLED_S - ROUNDING_S:
                continue
            due = self._due(known, at)
            if due:
                look = Look(track, "identity" in due, tuple(kind for kind in due if kind != "identity"))
                yield self._urgency(known, due, at), track.id, look

    def _due(self, known: TrackMemory, at: float) -> tuple[str, ...]:
        """What was looked at long enough ago, or later than now: the clock was set back since."""
        kinds = (("identity",) if self._identity else ()) + self._settings.actions
        away_s = {kind: abs(at - known.looked_at.get(kind, -1e9)) for kind in kinds}
        return tuple(kind for kind in kinds if away_s[kind] >= self._every_s(known, kind) - ROUNDING_S)

    def _every_s(self, known: TrackMemory, kind: str) -> float:
        if kind == "identity":
            return self._settings.identity_refresh_s if known.is_settled(kind) else UNSETTLED_S
        slow = kind != "emotion" and known.is_settled(kind)
        refresh_s = self._settings.attribute_refresh_s
        return max(self._settings.identity_refresh_s, refresh_s) if slow else refresh_s

    def _urgency(self, known: TrackMemory, due: tuple[str, ...], at: float) -> tuple[int, float]:
        """Smaller is more urgent: never seen; undecided, the more uncertain first; all others by their waiting.

        Whoever waited far too long comes before the undecided, or poor views that stay so would starve the rest.
        """
        if not known.looked_at:
            return 0, 0.0
        latest = max(known.looked_at.values())
        overdue = (at - latest) / max(UNSETTLED_S, min(self._every_s(known, kind) for kind in due))
        if overdue > LONGEST_WAIT:
            return 1, -overdue
        if not known.is_settled("identity"):
            return 2, known.certainty
        return 3, latest
