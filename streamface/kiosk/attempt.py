"""One person's check: who it is, and whether they are there themselves."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streamface.kiosk.agreement import Agreement
from streamface.kiosk.guide import is_clear
from streamface.kiosk.levels import Limits
from streamface.kiosk.prompts import Challenge, Outcome, drawn
from streamface.kiosk.screen import (
    ASTRAY,
    CHANGED,
    CHECKING,
    FLAT,
    LEFT,
    NOT_CLAIMED,
    PROMPT,
    SLOW,
    UNKNOWN,
    Decision,
    Screen,
)  # fmt: skip
from streamface.kiosk.views import Ranking, View

REASON_OF = {Outcome.ASTRAY: ASTRAY, Outcome.FLAT: FLAT, Outcome.SLOW: SLOW}
STILL_FACTOR = 1.3
"""While prompts are followed, a view, turned ones too, shows the same person up to this multiple of the distance.
With Dlib the woman of the head-pose clip lies within 0.05 of her pictures up to a profile, the man beside her from 0.10
on."""
CONTRADICTIONS = 2
"""So many views in a row that do not, and somebody else has come."""
KEPT_VIEWS = 12


@dataclass(frozen=True, slots=True)
class Rules:
    """What a check demands."""

    limits: Limits
    prompts: int = 0
    """Prompts to follow; 0: no test of liveness."""
    time_limit_s: float = 30.0
    draw: Callable[[int, random.Random], tuple[str, ...]] = drawn
    """Chooses the prompts."""


class Attempt:
    """One check of the person on one track, from the first good view to a decision.

    Args:
        track: of the person.
        at: when the first good view came.
        rules: what is demanded.
        claimed: who the person claims to be; None for finding out.
        rng: draws prompts and pauses.
    """

    def __init__(self, track: int, at: float, rules: Rules, claimed: str | None, rng: random.Random) -> None:
        self.track, self._began, self._rules, self._claimed, self._rng = track, at, rules, claimed, rng
        self._agreement = Agreement(rules.limits)
        self._straight: list[View] = []
        self._good: dict[float, bool] = {}
        self._challenge: Challenge | None = None
        self._prompts: tuple[str, ...] = ()
        self._basis: tuple[Ranking, ...] = ()
        self._person: str | None = None
        self._contradictions = 0
        self._confirmed = 0

    @property
    def is_prompting(self) -> bool:
        """True once the person has begun to follow prompts."""
        return self._challenge is not None

    @property
    def counts(self) -> bool:
        """True once ending it is a failure: in the middle of prompts, or with a claim that enough views do not bear
        out. Else names could be tried out one after another, each given up before the answer."""
        return self.is_prompting or self._claimed is not None and self._agreement.count >= self._rules.limits.views

    def see(self, face: View, is_good: bool, rankings: Sequence[Ranking], at: float) -> Decision | None:
        """Take one frame; is_good: whether the face in it is fit to be recognised."""
        self._remember(face, is_good, at)
        clear = [ranking for ranking in rankings if ranking.track == self.track and is_clear(ranking)]
        if at - self._began > self._rules.time_limit_s:
            return self._refused(SLOW, at)
        if self._challenge is not None:
            return self._follow(face, clear, at)
        return self._identify([ranking for ranking in clear if self._good.get(ranking.at, False)], at)

    def left(self, at: float) -> Decision | None:
        """The person has gone: a failure once it `counts`, nothing before."""
        return self._refused(LEFT, at) if self.counts else None

    def disturbed(self, at: float) -> Decision | None:
        """Somebody else stands beside, or in place of, the person: likewise."""
        return self._refused(CHANGED, at) if self.counts else None

    def screen(self) -> Screen:
        """What to show."""
        if self._challenge is None:
            return Screen(CHECKING, person=self._claimed)
        return Screen(PROMPT, self._challenge.asked, None, self._challenge.done, self._challenge.total)

    def _remember(self, face: View, is_good: bool, at: float) -> None:
        self._good[at] = is_good
        while len(self._good) > 200:
            del self._good[next(iter(self._good))]
        if is_good and self._challenge is None:
            self._straight = [*self._straight, face][-KEPT_VIEWS:]

    def _identify(self, good: Sequence[Ranking], at: float) -> Decision | None:
        for ranking in good:
            self._agreement.add(ranking)
            self._basis, person = self._agreement.basis, self._agreement.accepted()
            if person is None:
                continue
            self._person = person
            if not self._rules.prompts:
                return self._accepted(at)
            self._prompts = self._rules.draw(self._rules.prompts, self._rng)
            self._challenge = Challenge(self._prompts, self._straight, self._rng)
            return None
        return self._refused(self._not_known(), at) if self._agreement.is_unknown(at) else None

    def _follow(self, face: View, rankings: Sequence[Ranking], at: float) -> Decision | None:
        for ranking in rankings:
            if self._is_same(ranking):
                self._contradictions, self._confirmed = 0, self._challenge.done + 1
                self._challenge.recognised(ranking.at)
            else:
                self._contradictions += 1
        if self._contradictions >= CONTRADICTIONS:
            return self._refused(CHANGED, at)
        outcome = self._challenge.see(face, at)
        if outcome in REASON_OF:
            return self._refused(REASON_OF[outcome], at)
        if outcome is Outcome.FOLLOWED and self._confirmed > self._challenge.total:
            return self._accepted(at)
        return None

    def _is_same(self, ranking: Ranking) -> bool:
        return ranking.person == self._person and ranking.distance <= STILL_FACTOR * self._rules.limits.distance

    def _not_known(self) -> str:
        return UNKNOWN if self._claimed is None else NOT_CLAIMED

    def _accepted(self, at: float) -> Decision:
        return self._decision(at, True, None)

    def _refused(self, reason: str, at: float) -> Decision:
        return self._decision(at, False, reason)

    def _decision(self, at: float, accepted: bool, reason: str | None) -> Decision:
        basis, heights = self._basis, tuple(self._challenge.heights) if self._challenge else ()
        person = self._person or (basis[-1].person if basis else None)
        others = min((ranking.others for ranking in basis), default=None)
        distances = tuple(ranking.distance for ranking in basis)
        took_s = at - self._began
        return Decision(
            at, self.track, accepted, person, self._claimed, reason, distances, others, took_s, self._prompts, heights
        )


