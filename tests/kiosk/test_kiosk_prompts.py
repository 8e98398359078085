"""Prompts and how they are followed."""

import random

import numpy as np
import pytest
from heads import HEAD, PICTURE, Follower, view

from streamface.kiosk.prompts import LEFT, PAUSE_S, RIGHT, SMILE, Challenge, Outcome, drawn
from streamface.kiosk.screen import PROMPT, Screen

FRONT = [view() for _ in range(5)]


def run(prompts, see, seed=1, seconds=30.0, front=FRONT, recognised=True):
    """(outcome, challenge, what was asked and since when)."""
    challenge, at, asked = Challenge(prompts, front, random.Random(seed)), 0.0, []
    while at < seconds:
        if not asked or asked[-1][0] != challenge.asked:
            asked.append((challenge.asked, at))
        outcome = challenge.see(see(Screen(PROMPT, challenge.asked, done=challenge.done), at), at)
        if recognised:
            challenge.recognised(at)
        if outcome is not Outcome.GOING:
            return outcome, challenge, asked
        at += 0.04
    return Outcome.GOING, challenge, asked


def test_prompts_come_in_every_order_with_a_turn_in_each():
    seen = {drawn(2, random.Random(seed)) for seed in range(200)}
    assert seen == {(a, b) for a in (LEFT, RIGHT, SMILE) for b in (LEFT, RIGHT, SMILE)} - {(SMILE, SMILE)}
    assert all({LEFT, RIGHT} & set(drawn(count, random.Random(seed))) for seed in range(50) for count in (1, 3))
    assert drawn(0, random.Random(0)) == ()


@pytest.mark.parametrize("prompts", [(LEFT,), (RIGHT,), (SMILE,), (LEFT, RIGHT, SMILE), (SMILE, LEFT, RIGHT)])
def test_a_head_that_does_what_is_asked_has_followed(prompts):
    outcome, challenge, _ = run(prompts, Follower(HEAD))
    assert outcome is Outcome.FOLLOWED and challenge.done == len(prompts)
    assert len(challenge.heights) == len(set(prompts) - {SMILE})


@pytest.mark.parametrize("reach", [30, 45, 60, 75])
@pytest.mark.parametrize("seed", range(4))
def test_a_picture_that_is_swung_never_has(reach, seed):
    outcome, challenge, _ = run((LEFT,), Follower(PICTURE, reach=reach, seed=seed), seed)
    assert outcome in (Outcome.FLAT, Outcome.SLOW) and challenge.done == 0


def test_a_picture_that_is_turned_is_called_flat():
    assert run((RIGHT,), Follower(PICTURE, reach=45))[0] is Outcome.FLAT


def test_the_other_way_is_not_what_was_asked():
    assert run((LEFT,), Follower(HEAD, wrong=True))[0] is Outcome.ASTRAY


def test_turning_is_no_smile():
    turned = view(yaw=35)
    assert run((SMILE,), lambda screen, at: turned if screen.detail == SMILE else view())[0] is Outcome.ASTRAY


def test_nothing_at_all_is_too_slow():
    outcome, _, asked = run((LEFT,), lambda screen, at: view())
    assert outcome is Outcome.SLOW and [what for what, _ in asked] == ["straight", LEFT]


def test_two_pictures_shown_in_turn_have_no_way_between():
    turned = [view(yaw=yaw) for yaw in (28, 30, 32)]
    see = lambda screen, at: turned[round(at / 0.04) % 3] if screen.detail == LEFT else view()  # noqa: E731
    assert run((LEFT,), see)[0] is not Outcome.FOLLOWED


def test_the_pause_before_a_prompt_is_drawn_anew_and_broken_by_looking_away():
    pauses = [run((LEFT,), Follower(HEAD), seed)[2][1][1] for seed in range(30)]
    assert max(pauses) - min(pauses) > 0.4 and all(PAUSE_S[0] <= pause <= PAUSE_S[1] + 0.05 for pause in pauses)
    away = lambda screen, at: view(yaw=40) if at < 2 else Follower(HEAD)(screen, at)  # noqa: E731
    assert run((LEFT,), away)[2][1][1] > 2


@pytest.mark.parametrize("prompt", [LEFT, SMILE])
def test_somebody_who_is_not_recognised_meanwhile_does_not_follow(prompt):
    assert run((prompt,), Follower(HEAD), recognised=False)[0] is Outcome.SLOW


def test_a_turn_that_nobody_asked_for_is_none():
    """A recording, whose turns come when they come."""
    see = lambda screen, at: view(yaw=35 * max(0.0, np.sin(2 * np.pi * at / 1.2)))  # noqa: E731
    assert {run((LEFT,) * 3, see, seed)[0] for seed in range(10)} == {Outcome.ASTRAY}


def test_a_turn_before_anybody_can_have_read_the_prompt_is_none():
    for delay_s, outcome in ((-0.4, Outcome.ASTRAY), (0.3, Outcome.FOLLOWED)):
        assert run((LEFT,), Follower(HEAD, delay_s=delay_s))[0] is outcome


def test_whoever_smiles_all_the_time_has_to_stop_first():
    smiling = [view(happy=0.6) for _ in range(5)]
    outcome, _, asked = run((SMILE,), lambda screen, at: view(happy=0.97), front=smiling)
    assert outcome is Outcome.SLOW and [what for what, _ in asked] == ["straight"]
