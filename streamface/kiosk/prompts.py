"""Prompts in random order, and whether they are followed: by one who is there, not by a picture or a recording."""

from __future__ import annotations

import random
from collections.abc import Sequence
from enum import Enum
from statistics import median

import numpy as np

from streamface.kiosk.flatness import relief
from streamface.kiosk.views import View

LEFT, RIGHT, SMILE = PROMPTS = ("left", "right", "smile")
"""Left and right are the person's own."""
STRAIGHT = "straight"
"""What is asked between two prompts."""

TURNED = 0.25
"""Least change of `View.turn` that is a turn, about 25 degrees."""
ASTRAY = 0.2
"""So far the other way is no following."""
STRAIGHT_WITHIN = 0.15
"""Change of `View.turn` up to which somebody looks straight."""
SOLID = 0.3
"""Least `Relief.height` of a head. `python -m benchmarks.liveness`: a head 0.37, flat photographs up to 0.13."""
SMILES, RISES = 0.65, 0.2
"""Least probability of happy, and least rise above that of the face at rest."""
ON_THE_WAY = (0.06, 0.2)
"""Changes of `View.turn` of which a head that turns shows at least one, and two pictures shown in turn none."""
FOLLOWED_VIEWS = 3
"""Views that must show what was asked for, or the contrary."""
EARLIEST_S = 0.4
"""Nobody has read a prompt and turned so far sooner after it: what does was moving already."""
PAUSE_S = (0.3, 1.8)
"""Between two prompts somebody looks straight for a time drawn from here, which no recording knows."""
REST_S = 6.0
"""Time to look straight again."""
ACT_S = 6.0
"""Time to follow a prompt."""
SURE_S = 0.3
"""Whoever has looked straight for so long has come to rest: turning then, unasked, is what recordings do."""


class Outcome(Enum):
    """How following the prompts went."""

    GOING = "going"
    FOLLOWED = "followed"
    ASTRAY = "astray"
    """Something else was done than what was asked."""
    FLAT = "flat"
    """What turned is no head."""
    SLOW = "slow"
    """The time ran out."""


def drawn(count: int, rng: random.Random) -> tuple[str, ...]:
    """`count` prompts, each drawn anew, at least one of them a turn.

    The same may come twice running: a recording of another check most likely alternates.
    """
    chosen = tuple(rng.choice(PROMPTS) for _ in range(count))
    return chosen if set(chosen) != {SMILE} else (rng.choice((LEFT, RIGHT)), *chosen[1:])


class Challenge:
    """Asks for each prompt in turn and watches how it is followed.

    Args:
        prompts: what is asked for, in order.
        straight: views of the person from the front, taken before; at least one.
        rng: draws the pauses.
    """

    def __init__(self, prompts: Sequence[str], straight: Sequence[View], rng: random.Random) -> None:
        self._prompts, self._rng = tuple(prompts), rng
        self._front = [view.landmarks for view in straight]
        self._turn = median(view.turn for view in straight)
        self._happy = median([view.happy for view in straight if view.happy is not None] or [0.0])
        self._done = 0
        self._act: _Act | None = None
        self._rest_since: float | None = None
        self._straight_since: float | None = None
        self._rested, self._unasked = False, 0
        self._pause_s = rng.uniform(*PAUSE_S)
        self.heights: list[float] = []
        """Of the nose, as measured in each turn (`Relief.height`)."""

    @property
    def asked(self) -> str:
        """What the person is asked to do now: one of `PROMPTS`, or `STRAIGHT`."""
        return STRAIGHT if self._act is None else self._act.prompt

    @property
    def done(self) -> int:
        """Prompts followed so far."""
        return self._done

    @property
    def total(self) -> int:
        """Prompts in all."""
        return len(self._prompts)

    def see(self, view: View, at: float) -> Outcome:
        """Take one more view of the person."""
        return self._rest(view, at) if self._act is None else self._watch(view, at)

    def recognised(self, at: float) -> None:
        """The view that was taken at `at` shows the face that was recognised before."""
        if self._act is not None:
            self._act.recognised(at)

    def _rest(self, view: View, at: float) -> Outcome:
        """Wait until the person has looked straight for a while; then ask, or say that all was followed."""
        self._rest_since = at if self._rest_since is None else self._rest_since
        if at - self._rest_since > REST_S:
            return Outcome.SLOW
        change = abs(view.turn - self._turn)
        if change > STRAIGHT_WITHIN or self._still_smiles(view):
            return self._is_moving(change >= TURNED, at)
        self._straight_since = at if self._straight_since is None else self._straight_since
        if at - self._straight_since < self._pause_s:
            return Outcome.GOING
        if self._done == len(self._prompts):
            return Outcome.FOLLOWED
        self._act = _Act(self._prompts[self._done], at, self._turn, max(SMILES, self._happy + RISES))
        return Outcome.GOING

    def _is_moving(self, is_turned: bool, at: float) -> Outcome:
        """Not at rest yet, or any more: then a turn is one that nobody asked for."""
        rested_s = 0.0 if self._straight_since is None else at - self._straight_since
        self._rested |= rested_s >= SURE_S
        self._straight_since = None
        self._unasked += self._rested and is_turned
        return Outcome.ASTRAY if self._unasked >= FOLLOWED_VIEWS else Outcome.GOING

    def _still_smiles(self, view: View) -> bool:
        next_is_smile = self._prompts[self._done : self._done + 1] == (SMILE,)
        return next_is_smile and (view.happy or 0.0) > max(SMILES, self._happy + RISES) - 0.1

    def _watch(self, view: View, at: float) -> Outcome:
        outcome = self._act.see(view, at, self._front)
        if outcome is Outcome.GOING:
            return outcome
        if self._act.height is not None:
            self.heights.append(self._act.height)
        if outcome is not Outcome.FOLLOWED:
            return outcome
        self._done += 1
        self._act, self._rest_since, self._straight_since = None, None, None
        self._rested, self._unasked = False, 0
        self._pause_s = self._rng.uniform(*PAUSE_S)
        return Outcome.GOING


class _Act:
    """One prompt while it is being followed."""

    def __init__(self, prompt: str, since: float, turn: float, smile: float) -> None:
        self.prompt, self._since, self._straight, self._smile = prompt, since, turn, smile
        self._seen: list[np.ndarray] = []
        self._shown_at: set[float] = set()
        self._recognised_at: set[float] = set()
        self._right_way, self._wrong_way, self._smiling, self._on_the_way = 0, 0, 0, 0
        self._is_early = False
        self.height: float | None = None
        """Of the nose, once it is measured."""

    def see(self, view: View, at: float, front: Sequence[np.ndarray]) -> Outcome:
        self._count(view, at)
        if self._wrong_way >= FOLLOWED_VIEWS or self._is_early:
            return Outcome.ASTRAY
        if self._shown_at & self._recognised_at and self._is_done(front):
            return Outcome.FOLLOWED
        return self._late(front) if at - self._since > ACT_S else Outcome.GOING

    def recognised(self, at: float) -> None:
        """The view that was taken at `at` is of the right face; it counts where it shows what was asked for."""
        self._recognised_at.add(at)

    def _count(self, view: View, at: float) -> None:
        self._seen.append(view.landmarks)
        change = view.turn - self._straight
        towards = {LEFT: change, RIGHT: -change, SMILE: 0.0}[self.prompt]
        smiles = (view.happy or 0.0) >= self._smile
        self._on_the_way += ON_THE_WAY[0] <= towards <= ON_THE_WAY[1]
        self._right_way += towards >= TURNED
        self._is_early |= towards >= TURNED and at - self._since < EARLIEST_S
        self._wrong_way += -towards >= ASTRAY or (self.prompt == SMILE and abs(change) >= TURNED)
        self._smiling += smiles
        if smiles if self.prompt == SMILE else towards > STRAIGHT_WITHIN:
            self._shown_at.add(at)

    def _is_done(self, front: Sequence[np.ndarray]) -> bool:
        if self.prompt == SMILE:
            return self._smiling >= FOLLOWED_VIEWS
        return self._right_way >= FOLLOWED_VIEWS and self._on_the_way > 0 and self._is_solid(front)

    def _is_solid(self, front: Sequence[np.ndarray]) -> bool:
        found = relief(front, self._seen)
        self.height = found.height if found.is_known else None
        return found.is_known and found.height >= SOLID

    def _late(self, front: Sequence[np.ndarray]) -> Outcome:
        """Why it was not followed in time: something turned that is no head, or nothing turned."""
        solid = self.prompt == SMILE or self._is_solid(front)
        return Outcome.SLOW if solid or self.height is None else Outcome.FLAT
