"""The kiosk as a whole: who is accepted, what is said meanwhile, and what ends a check."""

import math
import random
from dataclasses import replace

import pytest
from heads import HEAD, PICTURE, Follower, Play, view

from streamface.kiosk import screen as said
from streamface.kiosk.attempt import Rules
from streamface.kiosk.levels import LEVELS, NORMAL, Limits
from streamface.kiosk.lock import Lock
from streamface.kiosk.machine import SHOW_S, Kiosk
from streamface.kiosk.texts import TITLES, told

LIMITS = Limits.of(NORMAL, 0.07)


def play(prompts=0, claims=False, lock=None, limits=LIMITS, seed=1, fps=25.0, **rules):
    made = Kiosk(Rules(limits, prompts, **rules), lock or Lock(0, 1), 0.22, claims, random.Random(seed))
    return Play(made, fps)


def test_nobody_is_asked_to_come():
    run = play()
    assert run.frame().state == said.IDLE
    assert run.frame(view(height=0.05)).state == said.IDLE  # somebody who passes far behind


@pytest.mark.parametrize("fps", [8.0, 25.0])
def test_somebody_who_is_known_is_told_so_within_one_and_a_half_seconds(fps):
    run = play(fps=fps)
    begun = run.at
    decision = run.decision(lambda *_: view(), 1.5)
    assert decision.accepted and decision.person == "Anna" and run.screen.state == said.ACCEPTED
    assert decision.at - begun <= 1.5 and len(decision.distances) == LIMITS.views and decision.reason is None


@pytest.mark.parametrize("looks", [{"distance": 0.09}, {"others": 0.041}, {"person": None, "distance": math.inf}])
def test_somebody_who_is_not_or_is_near_to_two_is_told_so_within_one_and_a_half_seconds(looks):
    run = play()
    begun = run.at
    decision = run.decision(lambda *_: view(), 1.5, **looks)
    assert not decision.accepted and decision.reason == said.UNKNOWN and decision.at - begun <= 1.5
    assert run.screen.state == said.REFUSED and run.screen.person is None


def test_views_that_do_not_agree_accept_nobody():
    run, people = play(), iter(["Anna", "Berta"] * 100)
    for _ in range(60):
        run.frame(view(), person=next(people))
    assert [decision.reason for decision in run.decisions] == [said.UNKNOWN]


@pytest.mark.parametrize(
    "bad, hint",
    [
        ({"height": 0.15}, said.NEARER),
        ({"eyes_px": 20}, said.NEARER),
        ({"height": 0.99}, said.BACK),
        ({"is_whole": False}, said.MIDDLE),
        ({"light": 0.2}, said.LIGHT),
        ({"yaw": 30}, said.FACE_CAMERA),
        ({"roll": 40}, said.FACE_CAMERA),
        ({"sharpness": 0.1}, said.STILL),
    ],
)
def test_a_bad_view_gets_a_hint_and_no_decision(bad, hint):
    run = play()
    run.frames(3.0, view(**bad))
    assert run.screen == said.Screen(said.GUIDE, hint) and not run.decisions
    run.frames(1.0, view())
    assert run.decisions[0].accepted  # and once the view is good, a decision


def test_a_face_that_moves_fast_is_asked_to_hold_still():
    run = play()
    for i in range(40):
        face = view()
        run.frame(replace(face, landmarks=face.landmarks + [20 * i, 0]))
    assert run.screen.detail == said.STILL and not run.decisions


def test_one_person_at_a_time():
    run = play()
    run.frames(2.0, view(), view(track=2, height=0.3))
    assert run.screen == said.Screen(said.GUIDE, said.ONE) and not run.decisions
    run.frames(1.0, view(), view(track=2, height=0.1))
    assert run.decisions[0].accepted


def test_a_hint_does_not_flicker():
    run = play()
    run.frames(0.5, view(light=0.2))
    shown = set()
    for i in range(40):
        shown.add(run.frame(view(light=0.2) if i % 2 else view(is_whole=False)).detail)
    assert len(shown) == 1


def test_whoever_was_accepted_is_not_checked_again_while_they_stand_there():
    run = play()
    run.frames(20.0, view())
    assert len(run.decisions) == 1 and run.screen.state == said.ACCEPTED
    run.frames(1.0)
    assert run.screen.state == said.IDLE
    run.frames(1.0, view(track=2))
    assert len(run.decisions) == 2


def test_a_refusal_is_shown_and_the_next_check_begins_after_it():
    run = play()
    run.frames(SHOW_S + 4, view(), distance=0.3)
    assert len(run.decisions) == 2
    assert run.decisions[1].at - run.decisions[0].at >= SHOW_S


@pytest.mark.parametrize("prompts", [1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_somebody_who_is_there_follows_the_prompts_and_is_accepted(prompts, seed):
    run = play(prompts, seed=seed)
    decision = run.decision(Follower(HEAD, seed=seed))
    assert decision.accepted and len(decision.prompts) == prompts and decision.heights
    shown = [screen for screen in run.screens if screen and screen.state == said.PROMPT]
    assert {screen.detail for screen in shown} >= set(decision.prompts)
    assert all(screen.person is None for screen in shown)  # no name before the end


@pytest.mark.parametrize("seed", range(6))
def test_a_picture_of_them_is_not(seed):
    decision = play(2, seed=seed).decision(Follower(PICTURE, reach=50, seed=seed))
    assert not decision.accepted and decision.reason in (said.FLAT, said.SLOW, said.ASTRAY)


def test_who_comes_in_place_of_the_person_in_the_middle_is_refused():
    run, follower = play(2), Follower(HEAD)
    run.decision(follower, 0.8)
    assert run.screen.state == said.PROMPT
    run.frames(3.0, view(), distance=0.3)
    assert run.decisions[-1].reason == said.CHANGED


def test_a_picture_that_is_lowered_for_somebody_elses_turn_is_noticed_while_they_turn():
    run, follower = play(1), Follower(HEAD)
    while not run.decisions and run.at < 130:
        face = follower(run.screens[-1] if run.screens else None, run.at)
        run.frame(face, distance=0.12 if abs(face.turn) > 0.1 else 0.04)
    assert run.decisions[-1].reason == said.CHANGED


def test_somebody_who_steps_beside_in_the_middle_ends_it():
    run = play(2)
    run.decision(Follower(HEAD), 0.8)
    run.frames(1.0, view(), view(track=2))
    assert run.decisions[-1].reason == said.CHANGED


def test_leaving_in_the_middle_of_prompts_is_a_failure_and_before_them_nothing():
    run = play(2)
    run.frames(0.06, view())
    run.frames(2.0)
    assert not run.decisions and run.screen.state == said.IDLE
    run.decision(Follower(HEAD), 0.8)
    run.frames(2.0)
    assert [decision.reason for decision in run.decisions] == [said.LEFT]


def test_a_check_ends_in_time():
    run = play(6, time_limit_s=5.0)
    decision = run.decision(Follower(HEAD))
    assert decision.reason == said.SLOW and decision.took_s == pytest.approx(5.0, abs=0.1)


def test_repeated_failures_lock_it_longer_each_time():
    run = play(lock=Lock(3, 60.0))
    stranger = {"distance": 0.3}
    for _ in range(3):
        run.decision(lambda *_: view(), **stranger)
    assert [decision.locks for decision in run.decisions] == [False, False, True]
    run.frames(30.0, view())  # not even somebody who is known
    assert run.screen.state == said.LOCKED and len(run.decisions) == 3
    assert told(run.screen, run.at)[1].endswith(("0:30", "0:31"))
    first = run.screen.until
    run.decision(lambda *_: view(), 60.0, **stranger)
    run.frames(SHOW_S + 1, view())
    assert run.screen.state == said.LOCKED and run.screen.until - run.decisions[-1].at == pytest.approx(120)
    assert first < run.decisions[-1].at
    run.frames(120.0, view())
    assert run.decisions[-1].accepted
    run.frames(2.0)
    assert not run.decision(lambda *_: view(track=3), **stranger).locks  # the count began anew


def test_without_a_limit_it_never_locks():
    lock = Lock(0, 60.0)
    assert not any(lock.failed(float(i)) for i in range(100)) and lock.left_s(100.0) == 0


def test_a_lock_lasts_an_hour_at_most():
    lock = Lock(1, 60.0)
    for at in range(40):
        lock.failed(float(at))
    assert lock.left_s(39.0) == 3600


def test_a_claim_is_waited_for_and_checked_alone():
    run = play(claims=True)
    run.frames(2.0, view())
    assert run.screen.state == said.CLAIM and not run.decisions and run.kiosk.wants_claim
    assert run.kiosk.claim("Anna", run.at) and not run.kiosk.wants_claim
    decision = run.decision(lambda *_: view())
    assert decision.accepted and decision.claimed == "Anna"
    run.frames(1.0)
    assert run.screen.state in (said.CLAIM, said.ACCEPTED) and run.kiosk.claimed is None


def test_a_wrong_claim_is_refused():
    run = play(claims=True)
    run.frame()
    run.kiosk.claim("Berta", run.at)
    decision = run.decision(lambda *_: view(), person="Berta", distance=0.3, others=0.02)
    assert decision.reason == said.NOT_CLAIMED and decision.claimed == "Berta" and run.screen.person == "Berta"


def test_a_claim_may_be_taken_back_and_is_dropped_when_nobody_comes():
    run = play(claims=True)
    run.frame()
    run.kiosk.claim("Anna", run.at)
    run.kiosk.cancel()
    assert run.kiosk.wants_claim
    run.kiosk.claim("Anna", run.at)
    run.frames(31.0)
    assert run.kiosk.wants_claim


def test_no_claim_is_taken_where_none_is_asked_for_or_in_the_middle_of_prompts():
    assert not play().kiosk.claim("Anna", 0.0)
    run = play(2, claims=True)
    run.frame()
    run.kiosk.claim("Anna", run.at)
    run.decision(Follower(HEAD), 0.8)
    assert run.screen.state == said.PROMPT
    assert not run.kiosk.claim("Berta", run.at)
    run.kiosk.cancel()
    assert run.kiosk.claimed == "Anna"


def test_names_cannot_be_tried_out_one_after_another():
    """Each claim that enough views do not bear out is a failure, however it ends, so that the kiosk locks."""
    run = play(claims=True, lock=Lock(3, 60.0))
    run.frame()
    for name, end in (("Anna", [view(track=9)]), ("Berta", []), ("Carla", [view(), view(track=2)])):
        assert run.kiosk.claim(name, run.at)
        run.frames(0.2, view(), person=name, distance=0.3, others=0.2)
        assert not run.kiosk.claim("Doris", run.at)
        run.kiosk.cancel()
        assert run.kiosk.claimed == name
        run.frames(1.0, *end, person=name, distance=0.3)
        run.frames(SHOW_S)
    assert [decision.reason for decision in run.decisions] == [said.CHANGED, said.LEFT, said.CHANGED]
    assert run.decisions[-1].locks and run.screen.state == said.LOCKED


def test_whoever_is_turned_must_have_the_face_that_was_recognised():
    """A photograph held up, and somebody else's turns, blurred so that nobody is recognised in them."""
    run, follower = play(2), Follower(HEAD)
    while not run.decisions and run.at < 140:
        face = follower(run.screens[-1] if run.screens else None, run.at)
        run.frame(replace(face, sharpness=0.1) if abs(face.turn) > 0.1 else face)
    assert run.decisions[-1].reason == said.SLOW


def test_a_camera_that_gives_nothing_is_said():
    run = play()
    run.frame(view())
    assert run.frame(is_live=False).state == said.OFFLINE
    run.frames(1.0, view())
    assert run.decisions[0].accepted


def test_stricter_levels_demand_more():
    relaxed, normal, strict = (Limits.of(level, 0.07) for level in LEVELS.values())
    assert relaxed.distance > normal.distance > strict.distance
    assert relaxed.margin < normal.margin < strict.margin and relaxed.views < normal.views < strict.views


def test_everything_that_can_be_shown_has_words():
    shown = {said.IDLE, said.CLAIM, said.CHECKING, said.ACCEPTED, said.LOCKED, said.OFFLINE}
    shown |= {f"guide {hint}" for hint in said.HINTS} | {f"refused {reason}" for reason in said.REASONS}
    shown |= {f"prompt {asked}" for asked in ("left", "right", "smile", "straight")}
    assert shown == set(TITLES)
    assert told(said.Screen(said.ACCEPTED, person="{wait} <b>"), 0.0)[0] == "Welcome, {wait} <b>"
