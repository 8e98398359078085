"""The whole kiosk as a machine of states: fed with frames and their times, it says what to show and what is decided."""

from __future__ import annotations

import random
from dataclasses import replace

from streamface.kiosk import guide
from streamface.kiosk.attempt import Attempt, Rules
from streamface.kiosk.lock import Lock
from streamface.kiosk.screen import (
    ACCEPTED,
    CLAIM,
    GUIDE,
    IDLE,
    LOCKED,
    OFFLINE,
    ONE,
    PROMPT,
    REFUSED,
    SLOW,
    Decision,
    Screen,
)  # fmt: skip
from streamface.kiosk.views import Scene, View

SHOW_S = 4.0
"""A decision is shown for so long; then the next check may begin."""
GONE_S = 0.7
"""Out of sight for so long somebody has left."""
CLAIM_S = 30.0
"""A claim that nobody comes for is dropped after so long."""
PRESENT = 0.4
"""A face of this share of the least height is somebody who is coming."""


class Kiosk:
    """Decides who stands before the camera; without clocks and files, so that every run can be played again.

    Args:
        rules: what a check demands.
        lock: what happens after repeated failures.
        least_height: of a face, in shares of the picture's height; smaller ones are asked to come nearer.
        claims: whether somebody has to say first who they are.
        rng: draws prompts and pauses; None for one that nobody can foresee.
    """

    def __init__(
        self, rules: Rules, lock: Lock, least_height: float, claims: bool, rng: random.Random | None = None
    ) -> None:
        self._rules, self._lock, self._least_height = rules, lock, least_height
        self.claims = claims
        self._rng = rng or random.SystemRandom()
        self._claimed: tuple[str, float] | None = None
        self._attempt: Attempt | None = None
        self._seen_at = float("-inf")
        self._result: Screen | None = None
        self._served: int | None = None
        self._accepted = Screen(ACCEPTED)
        self._motion, self._steady = guide.Motion(), guide.Steady()

    @property
    def claimed(self) -> str | None:
        """Who the next person claims to be."""
        return None if self._claimed is None else self._claimed[0]

    @property
    def wants_claim(self) -> bool:
        """True while somebody may say who they are."""
        return self.claims and self._claimed is None and self._result is None

    def claim(self, person: str, at: float) -> bool:
        """Somebody says who they are; False where that is not the time for it."""
        if not self.claims or self._result is not None or self._counts or self._lock.left_s(at):
            return False
        self._claimed, self._attempt = (person, at), None
        return True

    def cancel(self) -> None:
        """Take back the claim, unless it is being checked."""
        if not self._counts:
            self._claimed, self._attempt = None, None

    @property
    def _counts(self) -> bool:
        return self._attempt is not None and self._attempt.counts

    @property
    def _is_prompting(self) -> bool:
        return self._attempt is not None and self._attempt.is_prompting

    def step(self, scene: Scene) -> tuple[Screen, Decision | None]:
        """What to show after one more frame, and what it decided."""
        if not scene.is_live:
            self._attempt = None
            return Screen(OFFLINE), None
        if self._result is not None and scene.at < self._result.until:
            return self._result, None
        self._result = None
        if self._lock.left_s(scene.at):
            return Screen(LOCKED, until=self._lock.until), None
        decision, shown = self._check(scene)
        return self._decided(decision) if decision else (shown, None)

    def _check(self, scene: Scene) -> tuple[Decision | None, Screen]:
        face = self._face(scene)
        if face is None:
            return self._nobody(scene.at)
        self._seen_at = scene.at
        self._drop_old_claim(scene.at)
        if face.track == self._served and self._claimed is None:
            return None, self._accepted
        if self.claims and self._claimed is None:
            return None, Screen(CLAIM)
        meant = guide.hint(face, scene.views, self._motion.speed(face, scene.at), self._least_height)
        shown = self._steady(meant, scene.at)
        if decision := self._disturbed(face, shown if self._is_prompting else meant, scene.at):
            return decision, Screen()
        if self._attempt is None and meant is None:
            self._attempt = Attempt(face.track, scene.at, self._rules, self.claimed, self._rng)
        if self._attempt is None:
            return None, self._guided(shown or meant)
        decision = self._attempt.see(face, meant is None, scene.rankings, scene.at)
        screen = self._attempt.screen()
        return decision, screen if screen.state == PROMPT or shown is None else self._guided(shown)

    def _face(self, scene: Scene) -> View | None:
        """Whoever is checked: while prompts are followed the same person, else the largest face that is near."""
        if self._is_prompting:
            return next((view for view in scene.views if view.track == self._attempt.track), None)
        face = guide.main_face(scene.views)
        return None if face is None or face.height < PRESENT * self._least_height else face

    def _nobody(self, at: float) -> tuple[Decision | None, Screen]:
        if self._attempt is not None and at - self._seen_at < GONE_S:
            return None, self._attempt.screen()
        decision = self._attempt.left(at) if self._attempt else None
        self._attempt = None
        self._drop_old_claim(at)
        waits = Screen(CLAIM) if self.claims and self._claimed is None else Screen(IDLE, person=self.claimed)
        return decision, waits

    def _disturbed(self, face: View, hint: str | None, at: float) -> Decision | None:
        """Drop what was seen so far where another person stands there or beside; a failure in the middle of prompts."""
        if self._attempt is None or (face.track == self._attempt.track and hint != ONE):
            return None
        decision = self._attempt.disturbed(at)
        self._attempt = None
        return decision

    def _guided(self, hint: str | None) -> Screen:
        return Screen(GUIDE, hint, self.claimed)

    def _drop_old_claim(self, at: float) -> None:
        if self._claimed is not None and self._attempt is None and at - self._claimed[1] > CLAIM_S:
            self._claimed = None

    def _decided(self, decision: Decision) -> tuple[Screen, Decision]:
        self._attempt, self._claimed = None, None
        until = decision.at + SHOW_S
        if decision.accepted:
            self._lock.passed()
            self._result = self._accepted = Screen(ACCEPTED, None, decision.person, until=until)
            self._served = decision.track
            return self._result, decision
        late = decision.reason == SLOW and not decision.prompts  # somebody who only stood there
        locks = not late and self._lock.failed(decision.at)
        self._result = Screen(REFUSED, decision.reason, decision.claimed, until=until)
        return self._result, replace(decision, locks=locks)


