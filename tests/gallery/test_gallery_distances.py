"""The metrics against their formulas, written out."""

from __future__ import annotations

import numpy as np
import pytest

from streamface.errors import SettingsError, UnknownNameError
from streamface.gallery.distances import METRICS, distance, tightened, unit
from streamface.recognition.base import METRICS as NETWORK_METRICS

FORMULAS = {
    "cosine": lambda a, b: 1 - np.dot(a, b) / (np.sqrt(np.dot(a, a)) * np.sqrt(np.dot(b, b))),
    "euclidean": lambda a, b: np.sqrt(((a - b) ** 2).sum()),
    "euclidean_l2": lambda a, b: np.sqrt(((a / np.sqrt((a**2).sum()) - b / np.sqrt((b**2).sum())) ** 2).sum()),
}


def test_metrics_are_those_that_networks_have_thresholds_for():
    assert METRICS == NETWORK_METRICS == tuple(FORMULAS)


@pytest.mark.parametrize("metric", METRICS)
def test_formulas(metric):
    a, b = np.random.default_rng(1).normal(size=(2, 128)) * 3
    assert distance(a, b, metric) == pytest.approx(FORMULAS[metric](a, b), abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_rows_are_broadcast(metric):
    rng = np.random.default_rng(2)
    one, many = rng.normal(size=8), rng.normal(size=(5, 8))
    assert distance(one, many, metric) == pytest.approx([FORMULAS[metric](one, row) for row in many])


def test_known_values():
    right, up = [2.0, 0.0], [0.0, 1.0]
    assert distance(right, up, "cosine") == 1
    assert distance(right, up, "euclidean") == pytest.approx(5**0.5)
    assert distance(right, up, "Euclidean-L2") == pytest.approx(2**0.5)
    assert distance(right, [-1.0, 0.0], "cosine") == 2


def test_a_face_is_at_zero_from_itself_and_never_below():
    for vector in np.random.default_rng(3).normal(size=(50, 128)).astype(np.float32):
        for metric in METRICS:
            assert 0 <= distance(vector, vector, metric) < 1e-15


def test_a_zero_vector_is_at_a_right_angle_to_all():
    assert distance(np.zeros(4), np.ones(4), "cosine") == 1


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.ones(3), np.ones(4), "3 and 4 values"),
        (np.array([1.0, np.nan]), np.ones(2), "no numbers"),
        (np.ones(2), np.array([1.0, np.inf]), "no numbers"),
        (np.array(["a", "b"]), np.ones(2), "row of numbers"),
        (3.0, np.ones(2), "row of numbers"),
    ],
)
def test_bad_embeddings(a, b, message):
    with pytest.raises(SettingsError, match=message):
        distance(a, b, "cosine")


def test_unknown_metric():
    with pytest.raises(UnknownNameError, match="manhattan.*cosine, euclidean, euclidean_l2"):
        distance(np.ones(2), np.ones(2), "manhattan")


@pytest.mark.parametrize("metric", METRICS)
def test_one_view_has_the_whole_threshold_and_views_that_differ_have_less(metric):
    allowed = [tightened(0.3, metric, agreement, 1.4) for agreement in (1.0, 0.99, 0.95, 0.5)]
    assert allowed[0] == pytest.approx(0.3) and allowed == sorted(allowed, reverse=True) and allowed[-1] >= 0


def test_the_metrics_allow_the_same_pairs_for_a_mean_of_views():
    rng = np.random.default_rng(0)
    a, b = (unit(rng.normal(size=(500, 8))) for _ in range(2))
    cosine = 0.4
    for agreement in (1.0, 0.97, 0.9):
        within = distance(a, b, "cosine") <= tightened(cosine, "cosine", agreement)
        far_l2 = tightened((2 * cosine) ** 0.5, "euclidean_l2", agreement)
        assert (within == (distance(a, b, "euclidean_l2") <= far_l2)).all() and 0 < within.sum() < 500
        far = tightened(1.4 * (2 * cosine) ** 0.5, "euclidean", agreement, 1.4)
        assert (within == (distance(1.4 * a, 1.4 * b, "euclidean") <= far)).all()
