"""What the kiosk tells whoever stands before it, and what it has decided."""

from __future__ import annotations

from dataclasses import dataclass

IDLE, CLAIM, GUIDE, CHECKING, PROMPT, ACCEPTED, REFUSED, LOCKED, OFFLINE = STATES = (
    "idle", "claim", "guide", "checking", "prompt", "accepted", "refused", "locked", "offline",
)  # fmt: skip
NEARER, BACK, MIDDLE, ONE, LIGHT, STILL, FACE_CAMERA = HINTS = (
    "nearer", "back", "middle", "one", "light", "still", "straight",
)  # fmt: skip
"""What to do for a better view."""
UNKNOWN, NOT_CLAIMED, ASTRAY, FLAT, SLOW, CHANGED, LEFT = REASONS = (
    "unknown", "not claimed", "astray", "flat", "slow", "changed", "left",
)  # fmt: skip
"""Of a refusal: nobody that is known; not who was claimed; prompts not followed; a flat picture; the time ran out;
somebody else came before the camera; gone in the middle of the prompts."""


@dataclass(frozen=True, slots=True)
class Screen:
    """What is shown now."""

    state: str = IDLE
    detail: str | None = None
    """Of 'guide' one of `HINTS`, of 'prompt' what is asked, of 'refused' one of `REASONS`."""
    person: str | None = None
    """Who was accepted; of 'claim' and later, who is claimed."""
    done: int = 0
    total: int = 0
    """Prompts followed, and in all."""
    until: float | None = None
    """When 'locked', 'accepted' and 'refused' end, in the stream's clock."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The end of one check."""

    at: float
    """In the stream's clock."""
    track: int
    accepted: bool
    person: str | None
    """Who was accepted; of a refusal, whom the views were nearest to."""
    claimed: str | None
    reason: str | None
    """One of `REASONS`; None where accepted."""
    distances: tuple[float, ...]
    """Of the views that it rests on, to the person."""
    others: float | None
    """Least distance of another person in these views."""
    took_s: float
    """Since the first good view."""
    prompts: tuple[str, ...] = ()
    """What was asked for."""
    heights: tuple[float, ...] = ()
    """Of the nose, as measured in each turn; see `flatness.Relief`."""
    locks: bool = False
    """True where it was one failure too many."""
