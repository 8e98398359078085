"""Whom to look at in this frame: new people first, then the uncertain, then whoever waited longest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streamface.memory import Memory, TrackMemory
from streamface.settings import AnalysisSettings
from streamface.types import Track

UNSETTLED_S = 0.1
"""Seconds between two looks at a person whose name is not decided yet."""


@dataclass(frozen=True, slots=True)
class Look:
    """One track that is to be looked at, and for what."""

    track: Track
    identity: bool
    actions: tuple[str, ...]


class Scheduler:
    """Decides from the clock of the stream alone, so that a file gives the same looks on every machine.

    Args:
        settings: which attributes, and how often.
        identity: whether there is a gallery to look for people in.
        per_frame: most looks at one frame.
    """

    def __init__(self, settings: AnalysisSettings, identity: bool, per_frame: int = 2) -> None:
        self._settings, self._identity, self._per_frame = settings, identity, per_frame

    def choose(self, tracks: Sequence[Track], memory: Memory, at: float) -> tuple[Look, ...]:
        """The looks to take at the time `at`, most urgent first."""
        candidates = []
        for track in tracks:
            known = memory[track.id]
            if track.missed or known.waiting:
                continue
            due = self._due(known, at)
            if due:
                candidates.append((self._urgency(known), track.id, self._look(track, known, due)))
        candidates.sort(key=lambda entry: entry[:2])
        return tuple(look for _, _, look in candidates[: self._per_frame])

    def _due(self, known: TrackMemory, at: float) -> tuple[str, ...]:
        kinds = (("identity",) if self._identity else ()) + self._settings.actions
        return tuple(kind for kind in kinds if at - known.looked_at.get(kind, -1e9) >= self._every_s(known, kind))

    def _every_s(self, known: TrackMemory, kind: str) -> float:
        # A tenth of a frame's time short, so that rounding of media times does not skip a frame.
        if kind == "identity":
            return (self._settings.identity_refresh_s if known.is_settled(kind) else UNSETTLED_S) - 0.004
        slow = kind != "emotion" and known.is_settled(kind)
        return (max(self._settings.identity_refresh_s, self._settings.attribute_refresh_s) if slow else
                self._settings.attribute_refresh_s) - 0.004  # fmt: skip

    def _look(self, track: Track, known: TrackMemory, due: tuple[str, ...]) -> Look:
        return Look(track, "identity" in due, tuple(kind for kind in due if kind != "identity"))

    def _urgency(self, known: TrackMemory) -> tuple[int, float]:
        if not known.looked_at:
            return 0, 0.0
        return (2 if known.is_settled("identity") else 1), max(known.looked_at.values())
