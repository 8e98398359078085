"""The nearest over many panels: against plain float64 over everything."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from streamface.gallery import search
from streamface.gallery.distances import METRICS, distance
from streamface.gallery.matrix import PANEL, Matrix
from streamface.gallery.search import nearest


def plain(vectors, starts, face, metric):
    far = distance(face, vectors, metric)
    row = int(far.argmin())
    person = int(np.searchsorted(starts, row, "right")) - 1
    others = np.delete(far, np.s_[starts[person] : starts[person + 1]])
    return row, float(far[row]), float(others.min(initial=np.inf))


def people(counts):
    return np.append(0, np.cumsum(counts))


CASES = {
    "one picture each": [1] * 1000,
    "several panels each": [200, 1, 300, 64, 64, 435],
    "persons end where panels end": [64, 128, 64, 192],
    "one person": [500],
    "two": [1, 1],
}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("counts", CASES.values(), ids=CASES)
def test_as_by_hand(metric, counts):
    rng = np.random.default_rng(len(counts))
    vectors = rng.normal(size=(sum(counts), 32)).astype(np.float32) * rng.uniform(0.1, 3, (sum(counts), 1))
    vectors = vectors.astype(np.float32)
    faces = np.concatenate([rng.normal(size=(6, 32)), vectors[:2] * 1.01, -vectors[-1:]]).astype(np.float32)
    expected = [plain(vectors, people(counts), face, metric) for face in faces]
    assert nearest(Matrix.of(vectors), people(counts), faces, metric) == expected


@pytest.mark.parametrize("metric", METRICS)
def test_near_ties_that_float32_cannot_tell_apart_are_told_apart(metric):
    rng = np.random.default_rng(3)
    face = rng.normal(size=128).astype(np.float32)
    vectors = rng.normal(size=(64 * PANEL, 128)).astype(np.float32)
    for i in range(0, len(vectors), 7):  # hundreds of almost the same embedding, all over the panels
        vectors[i] = face + rng.normal(size=128).astype(np.float32) * np.float32(3e-7)
    starts = people([1] * len(vectors))
    (found,) = nearest(Matrix.of(vectors), starts, face[None], metric)
    assert found == plain(vectors, starts, face, metric)


@pytest.mark.parametrize("metric", METRICS)
def test_of_equals_in_different_panels_the_first_is_taken_with_an_equal_runner_up(metric):
    vectors = np.random.default_rng(4).normal(size=(5 * PANEL, 16)).astype(np.float32)
    vectors[[70, 3 * PANEL + 9, 5 * PANEL - 1]] = vectors[200]
    ((row, far, other),) = nearest(Matrix.of(vectors), people([1] * len(vectors)), vectors[[200]], metric)
    assert (row, far) == (70, other)


def test_the_filling_of_the_last_panel_is_nobody():
    vectors = -np.ones((PANEL + 1, 8), np.float32)
    (found,) = nearest(Matrix.of(vectors), people([1] * len(vectors)), np.ones((1, 8), np.float32), "cosine")
    assert found == (0, pytest.approx(2), pytest.approx(2))


def test_zero_vectors_lie_at_a_right_angle():
    vectors = np.zeros((3 * PANEL, 8), np.float32)
    vectors[100] = 1
    starts = people([1] * len(vectors))
    near, zero = nearest(Matrix.of(vectors), starts, np.array([[1] * 8, [0] * 8], np.float32), "cosine")
    assert near == (100, pytest.approx(0, abs=1e-9), 1.0)
    assert zero == (0, 1.0, 1.0)


@pytest.mark.parametrize("threads", [2, 3, 4])
def test_threads_change_nothing(monkeypatch, threads):
    rng = np.random.default_rng(5)
    counts = [3] * 700
    vectors = rng.normal(size=(2100, 64)).astype(np.float32)
    faces = rng.normal(size=(8, 64)).astype(np.float32)
    alone = nearest(Matrix.of(vectors), people(counts), faces, "cosine")
    monkeypatch.setattr(search, "PARALLEL", 100)
    monkeypatch.setattr(search.os, "cpu_count", lambda: threads)
    before = set(threading.enumerate())
    assert nearest(Matrix.of(vectors), people(counts), faces, "cosine") == alone
    assert set(threading.enumerate()) <= before


def test_an_overflow_loses_nobody():
    vectors = np.random.default_rng(6).normal(size=(4 * PANEL, 8)).astype(np.float32)
    vectors[7] *= np.float32(1e25)
    starts = people([1] * len(vectors))
    with np.errstate(all="ignore"):
        (found,) = nearest(Matrix.of(vectors), starts, vectors[[7]], "euclidean")
    assert found[:2] == (7, 0.0)


def test_the_matrix_gives_its_embeddings_back():
    vectors = np.random.default_rng(7).normal(size=(150, 5)).astype(np.float32)
    matrix = Matrix.of(vectors)
    assert np.array_equal(matrix.all(), vectors)
    assert np.array_equal(matrix.take(np.array([149, 0, 64])), vectors[[149, 0, 64]])
    assert matrix.lengths.ravel()[:150] == pytest.approx(np.linalg.norm(vectors, axis=1))
    assert matrix.shape == (150, 5)
