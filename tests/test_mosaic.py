"""What is left of a face that is covered."""

from dataclasses import astuple

import cv2
import numpy as np
import pytest

from streamface import mosaic
from streamface.types import Box

NOISE = np.random.default_rng(1).integers(0, 256, (200, 300, 3), np.uint8)
PLACE = Box(60, 40, 180, 180)


def shown(image, box=PLACE):
    copy = image.copy()
    mosaic.cover(copy, box, mosaic.tiles(image, box))
    return copy


def test_nothing_of_the_picture_is_left_but_a_few_colours():
    image = shown(NOISE)
    part = image[40:180, 60:180]
    few = cv2.resize(mosaic.tiles(NOISE, PLACE), (120, 140), interpolation=cv2.INTER_LINEAR)
    assert (part == few).all()
    assert set(np.unique(mosaic.tiles(NOISE, PLACE)) % mosaic.STEP) == {mosaic.STEP // 2}


def test_nothing_else_is_touched():
    image = shown(NOISE)
    image[40:180, 60:180] = NOISE[40:180, 60:180]
    assert (image == NOISE).all()


@pytest.mark.parametrize("box", [Box(-50, -50, 40, 60), Box(250, 150, 400, 300), Box(-10, -10, 310, 210)])
def test_what_lies_over_the_edge_is_cut_off(box):
    image = shown(NOISE, box)
    inside = box.clipped(300, 200)
    rows, columns = slice(int(inside.top), int(inside.bottom)), slice(int(inside.left), int(inside.right))
    assert (image[rows, columns] == NOISE[rows, columns]).all(axis=2).mean() < 0.05


def test_a_place_outside_the_picture_has_no_colours():
    assert mosaic.tiles(NOISE, Box(-90, 0, -10, 50)) is None


def test_the_whole_head_is_covered():
    face = Box(100, 100, 200, 200)
    assert astuple(mosaic.head(face)) == pytest.approx((55, 45, 245, 230))
    assert astuple(mosaic.head(face, 0.5)) == pytest.approx((5, -5, 295, 280))


def test_outside_a_zone_only_colours_are_left_and_a_little_inside_it():
    image = NOISE.copy()
    mosaic.cover_outside(image, [(0.5, 0), (1, 0), (1, 1), (0.5, 1)])
    edge = 150 + round(mosaic.EDGE * 300)
    assert (image[:, edge + 1 :] == NOISE[:, edge + 1 :]).all()
    assert (image[:, :edge] == NOISE[:, :edge]).all(axis=2).mean() < 0.01
