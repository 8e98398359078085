"""How the kiosk's error rates are counted, on embeddings and faces that are easily seen through."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2]))

from benchmarks import kiosk, kiosk_checks, smiles  # noqa: E402
from benchmarks.kiosk_rates import Rate  # noqa: E402
from streamface.kiosk.levels import Limits  # noqa: E402

LIMITS = Limits(0.1, 0.05, 3)
ANNA, FAR, CLOSE = ("Anna", 0.05, 0.3), ("Anna", 0.15, 0.3), ("Anna", 0.05, 0.08)


@pytest.mark.parametrize(
    "looks, accepted",
    [
        ([ANNA] * 3, "Anna"),
        ([FAR] * 5 + [ANNA] * 3, "Anna"),
        ([ANNA, ANNA, FAR] * 4, None),
        ([CLOSE] * 12, None),
        ([ANNA, ANNA, ("Berta", 0.05, 0.3)] * 4, None),
        ([], None),
    ],
)
def test_a_check_needs_views_in_a_row_that_agree_with_a_margin(looks, accepted):
    assert kiosk_checks.checked(looks, LIMITS) == accepted


def test_whole_checks_are_counted_by_who_is_in_the_gallery():
    """Two people whose photographs are the same, a stranger far away: nobody is taken for anybody else."""
    vectors = np.eye(3, dtype=np.float32)[[0, 0, 1, 1, 2]]
    people = np.array(["A", "A", "B", "B", "S"])
    seen = np.repeat(vectors[:, None], kiosk_checks.VIEWS, 1)
    made = kiosk_checks.rates(
        kiosk_checks.Photographs(people, vectors, np.arange(5), seen), "cosine", LIMITS, 2
    )  # fmt: skip
    assert {kind: rate.value for kind, rate in made.items()} == dict.fromkeys(kiosk_checks.KINDS, 0.0)
    assert made["strangers"].trials.sum() == kiosk_checks.DRAWS
    assert made["rejected"].trials.sum() == made["own claims"].trials.sum() == 2 * kiosk_checks.DRAWS
    alike = np.ones((5, 3), np.float32)
    seen = np.repeat(alike[:, None], kiosk_checks.VIEWS, 1)
    made = kiosk_checks.rates(kiosk_checks.Photographs(people, alike, np.arange(5), seen), "cosine", LIMITS, 2)
    assert made["rejected"].value == made["own claims"].value == 1.0  # the margin is missing
    assert made["strangers"].value == made["false claims"].value == 0.0


def test_of_one_view_all_pairs_are_counted():
    far = np.array([[0, 0.05, 0.5], [0.05, 0, 0.08], [0.5, 0.08, 0]])
    accepts, rejects = kiosk.pairs(far, np.array([0, 0, 1]), LIMITS)
    assert (accepts.errors.sum(), accepts.trials.sum()) == (1, 2)
    assert (rejects.errors.sum(), rejects.trials.sum()) == (0, 1)


def test_intervals_resample_people():
    rare = Rate(np.zeros(100), np.ones(100)).interval(np.random.default_rng(0))
    assert rare == (0.0, 0.03)
    low, high = Rate(np.r_[10.0, np.zeros(99)], np.full(100, 10.0)).interval(np.random.default_rng(0))
    assert low == 0.0 and 0.02 < high < 0.05  # all errors are one person's


def test_smiles_are_judged_against_the_same_persons_face_at_rest():
    rest, smile, other = (
        smiles.Face(file, label, happy, mouth)
        for file, label, happy, mouth in (
            ("A_1.webp", "still", 0.1, 0.8), ("A_2.webp", "smiles", 0.9, 0.96), ("B_1.webp", "smiles", 0.7, 0.8),
        )
    )  # fmt: skip
    assert smiles.pairs([rest, smile, other], "smiles") == {"A": [(rest, smile)]}
    assert smiles.by_happy(0.5, 0.3)(rest, smile) and not smiles.by_happy(0.5, 0.85)(rest, smile)
    assert smiles.by_mouth(0.15)(rest, smile) and not smiles.by_mouth(0.25)(rest, smile)
