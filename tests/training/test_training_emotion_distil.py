"""Teaching the emotion network by others' answers: the pool of varied faces, and a run that goes on."""

import argparse

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is needed for training only")

from streamface.errors import SourceError  # noqa: E402
from streamface.networks import emotion_cnn  # noqa: E402
from training import common, emotion_distil, emotion_pool, emotion_teachers  # noqa: E402


def _teacher(pictures):
    """Surer of the first emotion the brighter a picture is."""
    bright = pictures.reshape(len(pictures), -1).mean(1, keepdims=True) / 255
    return np.hstack([bright, np.repeat((1 - bright) / 6, 6, 1)]).astype(np.float32)


@pytest.fixture
def pool(tmp_path, monkeypatch):
    """60 smooth faces, of which 10 are held out, in variations of 32."""
    monkeypatch.setattr(emotion_pool, "HELD_OUT", 10)
    monkeypatch.setattr(emotion_pool, "DRAWN", 32)
    monkeypatch.setattr(emotion_distil.DistilTask, "batch_size", 8)
    monkeypatch.setattr(emotion_cnn, "LAYERS", (("conv", 4), ("pool", 0), ("residual", 8)))
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (60, 12, 12), np.uint8)
    np.save(tmp_path / "faces.npy", coarse.repeat(8, 1).repeat(8, 2))
    return emotion_pool.Pool(tmp_path, _teacher)


def _options(**changes):
    return argparse.Namespace(**({"epochs": 3, "seed": 1, "variations": 2} | changes))


def test_a_variation_is_kept_and_made_alike_anew(pool, tmp_path):
    pictures, answers = pool.variation(1)
    assert pictures.shape == (32, 48, 48) and pictures.dtype == np.uint8
    np.testing.assert_array_equal(answers, _teacher(pictures))
    assert not np.array_equal(pictures, pool.variation(0)[0])
    for file in tmp_path.glob("*-1.npy"):
        file.unlink()
    np.testing.assert_array_equal(pool.variation(1)[0], pictures)
    pool.teacher = None  # would fail if asked
    np.testing.assert_array_equal(pool.variation(1)[1], answers)


def test_held_out_faces_are_never_drawn(pool, monkeypatch):
    drawn = []
    monkeypatch.setattr(emotion_pool, "varied", lambda faces, rng: drawn.append(faces) or faces[:, :48, :48])
    pool.variation(0)
    for index in pool.held_out:
        assert not (drawn[0] == pool.faces[index]).all((1, 2)).any()


def test_rare_emotions_are_drawn_more_often():
    happy, surprise = emotion_cnn.LABELS.index("happy"), emotion_cnn.LABELS.index("surprise")
    answers = np.eye(7, dtype=np.float32)[[happy] * 90 + [surprise] * 10] * 0.93 + 0.01
    chances = emotion_pool.shares(answers)
    assert chances.sum() == pytest.approx(1)
    assert 1.5 < chances[-1] / chances[0] < 4


def test_a_resumed_run_equals_an_uninterrupted_one(pool, tmp_path):
    whole = emotion_distil.DistilTask(pool, _options())
    history = common.train(whole, common.Run(tmp_path / "whole", {}), 3)
    common.train(emotion_distil.DistilTask(pool, _options()), common.Run(tmp_path / "parts", {}), 1)
    resumed = emotion_distil.DistilTask(pool, _options())
    assert common.train(resumed, common.Run(tmp_path / "parts", {}), 3) == history
    for name, array in whole.state().items():
        np.testing.assert_array_equal(array, resumed.state()[name], err_msg=name)


def test_what_is_learned_is_the_answers(pool):
    task = emotion_distil.DistilTask(pool, _options(epochs=12))
    losses = [task.epoch(index)["held-out loss"] for index in range(12)]
    assert losses[-1] < losses[0]
    assert 0.3 < emotion_distil.fit_temperature(task) < 3


def test_a_missing_teacher_says_where_to_get_it(tmp_path):
    with pytest.raises(SourceError, match="emotion_teachers.py says how"):
        emotion_teachers.Teachers(tmp_path)
