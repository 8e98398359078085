"""What no plane can do, on points in space."""

import numpy as np
import pytest
from heads import HEAD, PICTURE, landmarks

from streamface.kiosk.flatness import nose_in_plane, relief
from streamface.kiosk.prompts import SOLID

TURN = (-38, -34, -30, -26)


def views(points, yaws, **pose):
    return [landmarks(points, yaw=yaw, **pose) for yaw in yaws]


@pytest.mark.parametrize("pose", [{"yaw": 50}, {"pitch": -40}, {"yaw": 35, "pitch": 20, "roll": 25, "away": 4.0}])
def test_the_nose_of_a_picture_stays_in_its_plane_however_it_is_held(pose):
    assert nose_in_plane(landmarks(PICTURE, **pose)) == pytest.approx(nose_in_plane(landmarks(PICTURE)), abs=1e-4)


def test_the_nose_of_a_head_does_not():
    moved = nose_in_plane(landmarks(HEAD, yaw=30))[0] - nose_in_plane(landmarks(HEAD))[0]
    assert 0.2 < moved < 0.4


@pytest.mark.parametrize("away", [4.0, 8.0, 30.0])
@pytest.mark.parametrize("seed", range(5))
def test_heads_are_told_from_pictures_through_the_noise_of_landmarks(away, seed):
    rng = np.random.default_rng(seed)
    found = {
        name: relief(views(points, [0] * 6, away=away, noise=0.015, rng=rng),
                     views(points, [*TURN, *TURN], pitch=5, away=away, noise=0.015, rng=rng)).height
        for name, points in (("head", HEAD), ("picture", PICTURE))
    }  # fmt: skip
    assert found["head"] > SOLID > 0.2 > found["picture"]


def test_the_height_is_that_of_the_nose_where_the_camera_is_far():
    square = HEAD.copy()  # with a mouth as wide as the eyes are apart
    square[3:] = [[-0.5, 1, 0], [0.5, 1, 0]]
    found = relief(views(square, [0], away=1e4), views(square, TURN, away=1e4))
    assert found.height == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("yaws", [(0, 2, -2, 1), (55, 60, 65, 58), (30, 0, 32)])
def test_too_few_views_that_are_turned_enough_and_not_too_far_tell_nothing(yaws):
    found = relief(views(HEAD, [0, 0]), views(HEAD, yaws))
    assert not found.is_known and found.height == 0
