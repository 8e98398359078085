"""A real turn of the head passes the kiosk's test of liveness, and a photograph of it does not."""

import random
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2]))

from benchmarks import liveness  # noqa: E402
from benchmarks.acting import Booth, Replay, clip  # noqa: E402
from benchmarks.attacks import BENDS, FLAT, Hold, Photo, replayed  # noqa: E402
from streamface.kiosk.prompts import LEFT, RIGHT  # noqa: E402
from streamface.types import Box  # noqa: E402


@pytest.fixture(scope="module")
def clips(data):
    return {name: clip(data / "media" / name) for name in (liveness.WOMAN, liveness.BOTH)}


@pytest.fixture(scope="module")
def booth(clips, tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    liveness.people(folder, clips)
    return Booth(folder, 2)


def decided(booth, actor, seed, draw=liveness.turns_only):
    rng = random.Random(seed)
    return booth.session(actor(rng), replace(booth.rules, prompts=1, draw=draw), rng)[0]


def test_a_head_that_turns_is_accepted_and_a_photograph_that_is_turned_is_not(booth, clips):
    actors = liveness.actors(clips)
    real = decided(booth, actors[liveness.REAL], 3)
    assert real.accepted and real.person == "Woman" and min(real.heights) >= 0.3
    flat = decided(booth, actors["photograph, flat, turned to the side"], 1)
    assert flat is not None and not flat.accepted and flat.prompts


def test_a_clip_of_the_other_turn_does_not_follow(booth, clips):
    to_the_left = [*[liveness.STILL] * 20, *liveness.TURNS[LEFT][0]] * 8
    actor = lambda rng: Replay(clips[liveness.WOMAN], to_the_left, random.Random(5))  # noqa: E731
    decision = decided(booth, actor, 2, lambda count, rng: (RIGHT,))
    assert decision.reason == "astray" and decision.person == "Woman"


@pytest.mark.parametrize("bend", BENDS, ids=lambda bend: bend.name)
def test_a_photograph_is_rendered_where_it_is_held(bend):
    image = np.full((200, 200, 3), 200, np.uint8)
    image[90:110, 90:110] = 0
    background = np.full((270, 480, 3), 50, np.uint8)
    shown = Photo(image, Box(60, 60, 140, 140)).held(Hold(x=0.25, y=0.5, size=0.2), bend, background)
    assert shown[135, 120].max() == 0 and shown[135, 150].min() == 200 and (shown[:, 300:] == 50).all()
    turned = Photo(image, Box(60, 60, 140, 140)).held(Hold(yaw=60, x=0.25, size=0.2), bend, background)
    assert (turned != 50).any(2).sum() < 0.85 * (shown != 50).any(2).sum()


def test_a_flat_photograph_is_a_homography():
    """Its corners, turned and tilted, lie where a pinhole camera has them."""
    image = np.full((200, 200, 3), 255, np.uint8)
    photo, background = Photo(image, Box(0, 0, 200, 200)), np.zeros((270, 480, 3), np.uint8)
    shown = photo.held(Hold(yaw=40, size=0.3), FLAT, background).max(2) > 0
    columns = np.flatnonzero(shown[135])
    distance, half = 480 / 0.3 / 480, 0.5  # in widths of the photograph
    cos, sin = np.cos(np.radians(40)), np.sin(np.radians(40))
    expected = [240 + 480 * side * half * cos / (distance - side * half * sin) for side in (-1, 1)]
    assert columns[[0, -1]] == pytest.approx(expected, abs=2)


def test_a_replay_shows_the_frame_inside_a_border():
    shown = replayed(np.full((270, 480, 3), 180, np.uint8), (480, 270), np.random.default_rng(0))
    assert shown.shape == (270, 480, 3) and shown[0, 0, 0] == 45 and shown[135, 240].min() > 120
