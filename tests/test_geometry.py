import numpy as np
import pytest

from streamface import geometry
from streamface.types import Box


def test_iou_and_coverage_of_known_boxes():
    a = np.array([[0, 0, 10, 10.0]])
    b = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [2, 2, 4, 4], [20, 20, 30, 30.0]])
    assert geometry.iou(a, b)[0] == pytest.approx([1, 1 / 3, 0.04, 0])
    assert geometry.coverage(a, b)[0] == pytest.approx([1, 0.5, 1, 0])


def test_suppress_keeps_the_best_of_each_heap_and_negative_scores_too():
    boxes = np.array([[0, 0, 10, 10], [1, 1, 11, 11], [50, 50, 60, 60.0]])
    assert geometry.suppress(boxes, np.array([-3.0, -1.0, -2.0]), 0.5).tolist() == [1, 2]
    assert geometry.suppress(np.empty((0, 4)), np.empty(0), 0.5).tolist() == []


def test_suppress_nested_takes_the_small_box_inside_the_large():
    boxes = np.array([[0, 0, 100, 100], [40, 40, 50, 50.0]])
    scores = np.array([0.8, 0.9])
    assert len(geometry.suppress(boxes, scores, 0.5)) == 2
    assert geometry.suppress_nested(boxes, scores, 0.5).tolist() == [1]


def test_similarity_recovers_a_known_turn_scale_and_shift():
    angle, scale = 0.4, 2.5
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = np.random.default_rng(0).normal(size=(5, 2))
    found = geometry.similarity(points, points @ linear.T + (3, -7))
    assert found == pytest.approx(np.hstack([linear, [[3], [-7]]]), abs=1e-9)
    assert geometry.transform_points(found, points) == pytest.approx(points @ linear.T + (3, -7), abs=1e-5)


def test_similarity_weights_bring_heavy_points_nearer():
    source = np.array([[0, 0], [1, 0], [0.5, 1.0]])
    target = np.array([[0, 0], [1, 0], [0.9, 1.4]])

    def miss(weights):
        moved = geometry.transform_points(geometry.similarity(source, target, weights), source)
        return np.abs(moved[:2] - target[:2]).max()

    assert miss((100, 100, 1)) < 0.02 < miss((1, 1, 1))


def test_similarity_never_mirrors():
    source = np.array([[0, 0], [1, 0], [0, 1.0]])
    found = geometry.similarity(source, source * (-1, 1))
    assert np.linalg.det(found[:, :2]) > 0


def test_box_arithmetic():
    box = Box(10, 20, 30, 60)
    assert (box.width, box.height, box.area, box.center) == (20, 40, 800, (20, 40))
    assert box.clipped(25, 50) == Box(10, 20, 25, 50)
    assert box.padded(0.5) == Box(0, 0, 40, 80)
    assert Box(5, 5, 1, 1).area == 0
