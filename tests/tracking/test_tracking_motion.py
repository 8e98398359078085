from __future__ import annotations

import numpy as np
import pytest

from streamface.tracking._motion import KEEP_FRAMES, Motion

BOX = np.array([[100.0, 200.0, 180.0, 300.0]])


def moving(step: float, frames: int = 30) -> Motion:
    """A filter that has followed a face going `step` pixels to the right in each frame."""
    motion = Motion()
    motion.add(BOX)
    for index in range(1, frames):
        motion.move(1)
        motion.correct(np.array([0]), BOX + (step * index, 0, step * index, 0))
    return motion


def test_a_new_face_is_expected_where_it_is():
    motion = Motion()
    motion.add(BOX)
    motion.move(3)
    assert motion.boxes() == pytest.approx(BOX)


def test_many_small_steps_are_one_large_one():
    one, many = moving(6), moving(6)
    one.move(12)
    for _ in range(12):
        many.move(1)
    assert one.boxes() == pytest.approx(many.boxes())
    assert one.uncertainty_px() == pytest.approx(many.uncertainty_px(), rel=0.05)


def test_an_unconfirmed_speed_fades():
    motion = moving(6)
    start = motion.boxes()[0, 0]
    motion.move(10)
    assert motion.boxes()[0, 0] - start == pytest.approx(60, rel=0.1)
    motion.move(100000)
    assert motion.boxes()[0, 0] - start == pytest.approx(6 * KEEP_FRAMES[0], rel=0.1)


def test_uncertainty_grows_while_unseen_and_shrinks_when_seen():
    motion = moving(0)
    calm = motion.uncertainty_px()
    motion.move(10)
    unseen = motion.uncertainty_px()
    motion.correct(np.array([0]), motion.boxes())
    assert (unseen > 3 * calm).all()
    assert (motion.uncertainty_px() < unseen / 2).all()


def test_uncertainty_is_counted_in_face_sizes():
    small, large = Motion(), Motion()
    small.add(BOX)
    large.add(BOX * 3)
    for motion in (small, large):
        motion.move(4)
    assert large.uncertainty_px() == pytest.approx(3 * small.uncertainty_px())


def test_only_the_given_rows_are_corrected_and_kept():
    motion = Motion()
    motion.add(np.concatenate([BOX, BOX + 500, BOX + 900]))
    motion.correct(np.array([1]), BOX + 520)
    assert motion.boxes()[[0, 2]] == pytest.approx(np.concatenate([BOX, BOX + 900]))
    assert (motion.boxes()[1] > BOX[0] + 505).all()
    motion.keep(np.array([2, 0]))
    assert len(motion) == 2
    assert motion.boxes() == pytest.approx(np.concatenate([BOX + 900, BOX]))


def test_a_box_turned_inside_out_does_no_harm():
    motion = Motion()
    motion.add(np.array([[10.0, 10.0, 5.0, 5.0]]))
    motion.move(1)
    assert np.isfinite(motion.boxes()).all()
