from __future__ import annotations

import numpy as np
import pytest

from streamface.tracking._association import FORBIDDEN, assign, costs, jumps, same_face

FACE = (100.0, 100.0, 180.0, 200.0)


def cost(found: tuple[float, ...], deviation_px: float = 50.0) -> float:
    return costs(np.array([FACE]), np.full((1, 2), deviation_px), np.array([found]))[0, 0]


def shifted(pixels: float) -> tuple[float, ...]:
    return FACE[0] + pixels, FACE[1], FACE[2] + pixels, FACE[3]


def test_the_face_itself_costs_nothing():
    assert cost(FACE) == pytest.approx(0, abs=1e-9)


def test_among_boxes_that_do_not_touch_the_nearer_is_cheaper():
    assert cost(shifted(-85)) < cost(shifted(95)) < FORBIDDEN


def test_among_boxes_of_equal_overlap_the_nearer_is_cheaper():
    inside_middle, inside_corner = (110, 112.5, 170, 187.5), (100, 100, 160, 175)
    assert cost(inside_middle) + 0.1 < cost(inside_corner)


def test_a_box_of_another_size_costs_more_than_its_lack_of_overlap():
    half_as_wide = (120, 125, 160, 175)
    assert cost(half_as_wide) > 0.75 + 0.5


@pytest.mark.parametrize(
    "found, deviation_px, allowed",
    [
        (shifted(28), 10, True),
        (shifted(32), 10, False),  # more than three deviations off
        (shifted(115), 500, True),
        (shifted(120), 500, False),  # more than 1.3 face sizes off, whatever the deviation
        ((60, 50, 216, 245), 50, True),
        ((55, 44, 220, 252), 50, False),  # more than twice as large
    ],
)
def test_gates(found, deviation_px, allowed):
    assert (cost(found, deviation_px) < FORBIDDEN) == allowed


@pytest.mark.parametrize(
    "found, allowed",
    [
        (shifted(85), True),
        (shifted(92), False),  # further than a face size
        ((95, 94, 185, 206), True),
        ((88, 85, 192, 215), False),  # more than a quarter larger
    ],
)
def test_how_a_face_may_jump(found, allowed):
    assert (jumps(np.array([FACE]), np.array([found]))[0, 0] < FORBIDDEN) == allowed


def test_assignment_takes_the_cheapest_whole_and_leaves_forbidden_pairs():
    matrix = np.array([[0.1, 0.2, 9.0], [0.2, 0.9, 9.0], [FORBIDDEN, FORBIDDEN, FORBIDDEN]])
    rows, columns = assign(matrix, np.arange(3), np.arange(3))
    assert dict(zip(rows.tolist(), columns.tolist(), strict=True)) == {0: 1, 1: 0}
    rows, columns = assign(matrix, np.array([1, 2]), np.array([1]))
    assert (rows.tolist(), columns.tolist()) == ([1], [1])
    assert [len(part) for part in assign(matrix, np.arange(3), np.arange(0))] == [0, 0]


@pytest.mark.parametrize(
    "other, same",
    [
        (shifted(20), True),
        (shifted(30), False),  # 0.45 of the union is shared
        ((120, 120, 150, 160), True),  # inside
        ((170, 120, 200, 160), False),
    ],
)
def test_same_face(other, same):
    assert same_face(np.array([FACE]), np.array([other]))[0, 0] == same
