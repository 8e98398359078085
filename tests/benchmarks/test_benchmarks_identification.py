"""How naming is counted, on embeddings that are easily seen through."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2]))

from benchmarks import identification, naming  # noqa: E402
from streamface.settings import Settings  # noqa: E402


def at(*degrees: float) -> np.ndarray:
    """(N, 2) unit vectors."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)


PEOPLE = np.array(["A", "A", "A", "B", "B", "S", "S"])
VECTORS = at(0, 5, 30, 90, 95, 60, 180)
"""The second and third picture of A lie 5 and 30 degrees from the first; strangers at 60 and 180."""
ENROLLED = {"A": np.array([0]), "B": np.array([3])}


def test_answers_leave_the_enrolled_pictures_out():
    found = identification.answers(VECTORS, PEOPLE, ENROLLED)
    assert found.enrolled.tolist() == [True, True, True, False, False]
    assert found.right.tolist() == [True, True, True, False, False]
    assert found.nearest[[0, 3]] == pytest.approx(1 - np.cos(np.radians([5, 30])), abs=1e-6)


def test_the_rate_counts_what_lies_nearer_than_the_strangers_that_may_pass():
    found = identification.answers(VECTORS, PEOPLE, ENROLLED)
    share, limit = identification.rate(found, 0.01)
    assert limit == pytest.approx(1 - np.cos(np.radians(30)), abs=1e-6)
    assert share == pytest.approx(2 / 3)  # A's third picture is as far as the nearest stranger
    share, _ = identification.rate(found, 0.5)  # one of the two strangers may get a name
    assert share == 1.0


def test_a_draw_leaves_a_picture_of_everybody_to_ask_about():
    for seed in range(5):
        drawn = identification.draw(PEOPLE, 5, 2, np.random.default_rng(seed))
        assert set(drawn) == {"A"} and len(drawn["A"]) == 2  # nobody else has three
    assert set(identification.draw(PEOPLE, 2, 1, np.random.default_rng(0))) < {"A", "B", "S"}


def track(person: str, *degrees: float) -> naming.Seen:
    return naming.Seen(person, tuple((vector, 0.6, 0.1 * i) for i, vector in enumerate(at(*degrees))))


def test_tracks_are_named_as_in_the_stream():
    seen = [track("A", 4, 6), track("S", 60, 61), track("B", 91, 88)]
    vectors = {"a.webp": VECTORS[0], "b.webp": VECTORS[3]}
    draws = [({"A": "a.webp", "B": "b.webp"}, {"A", "B"})]
    strict, loose = (naming.rates(seen, vectors, draws, Settings(), limit) for limit in (0.01, 0.2))
    assert strict == (1.0, 0.0)
    assert loose == (1.0, pytest.approx(1 / 3))  # the stranger is 30 degrees from B
    assert naming.rates(seen, vectors, draws, Settings(), 1e-5) == (0.0, 0.0)


def test_the_loosest_threshold_without_wrong_names_is_found():
    found = naming.loosest(lambda limit: (1.0, 0.0 if limit <= 0.3 else 0.5), 0.0, 1.0)
    assert found == pytest.approx(0.3, abs=2e-3) and found <= 0.3


def test_the_picture_that_a_clip_shows_is_never_enrolled():
    files = [f"{name}_{n}.webp" for name in "ABCD" for n in range(3)]
    shown = {"A": "A_0.webp", "B": "B_0.webp"}
    draws = naming.galleries(shown, files)
    assert len(draws) == naming.DRAWS
    for enrolled, inside in draws:
        assert len(inside) == 1 and inside <= set(shown) and {"C", "D"} <= set(enrolled)
        assert not set(enrolled.values()) & set(shown.values())
