"""Training of the emotion network: its graph in PyTorch against the one in Keras, and a run that goes on."""

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is needed for training only")

from streamface.errors import SettingsError  # noqa: E402
from streamface.networks import emotion_cnn  # noqa: E402
from training import common, emotion  # noqa: E402


@pytest.fixture
def small(monkeypatch):
    """A narrow network, small batches, and 40 pictures whose emotion is how bright their upper half is."""
    monkeypatch.setattr(
        emotion_cnn, "LAYERS", (("conv", 4), ("pool", 0), ("residual", 4), ("pool", 0), ("residual", 8))
    )
    monkeypatch.setattr(emotion.EmotionTask, "batch_size", 8)
    monkeypatch.setattr(emotion, "HELD_OUT", 8)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 40)
    images = rng.integers(0, 60, (40, 48, 48), np.uint8)
    images[:, :24] += (labels * 25).astype(np.uint8)[:, None, None]
    return images, labels


def test_a_resumed_run_equals_an_uninterrupted_one(small, tmp_path):
    whole = emotion.EmotionTask(*small, epochs=3, seed=1)
    history = common.train(whole, common.Run(tmp_path / "whole", {}), 3)
    common.train(emotion.EmotionTask(*small, epochs=3, seed=1), common.Run(tmp_path / "parts", {}), 1)
    resumed = emotion.EmotionTask(*small, epochs=3, seed=1)
    assert common.train(resumed, common.Run(tmp_path / "parts", {}), 3) == history
    for name, array in whole.state().items():
        np.testing.assert_array_equal(array, resumed.state()[name], err_msg=name)


def test_another_seed_gives_another_network(small):
    first, second = (emotion.EmotionTask(*small, epochs=1, seed=seed) for seed in (1, 2))
    assert not torch.equal(first.net.head.weight, second.net.head.weight)


def test_folded_weights_give_the_same_answers_in_keras(small):
    pytest.importorskip("tensorflow")
    task = emotion.EmotionTask(*small, epochs=2, seed=1)
    task.epoch(0)  # so that batch normalisation holds more than its start
    images = torch.from_numpy(small[0][:5])[:, None]
    model = emotion_cnn.build(task.average.folded(), temperature=1.5, layers=emotion_cnn.LAYERS)
    found = np.asarray(model(small[0][:5, ..., None].astype(np.float32)))
    np.testing.assert_allclose(found, common.softmax(task.logits(images) / 1.5), atol=1e-4)


@pytest.mark.parametrize("variation", ["moved", "relit", "degraded", "covered"])
def test_variations_keep_the_shape_and_differ_by_picture(variation):
    images = torch.rand((6, 1, 48, 48), generator=torch.Generator().manual_seed(0)) * 255
    vary = getattr(emotion.augmentation, variation)
    found = vary(images, torch.Generator().manual_seed(1))
    assert found.shape == images.shape and torch.isfinite(found).all()
    assert torch.equal(found, vary(images, torch.Generator().manual_seed(1)))
    changed = vary(images[:1].repeat(40, 1, 1, 1), torch.Generator().manual_seed(2))
    assert (changed[1:] != changed[0]).flatten(1).any(1).sum() > 5  # some functions leave most pictures alone


def test_moved_pictures_stay_nearly_in_place():
    images = torch.zeros((200, 1, 48, 48))
    images[:, :, 22:26, 22:26] = 255
    moved = emotion.augmentation.moved(images, torch.Generator().manual_seed(0))
    rows = (moved.sum((1, 3)) * torch.arange(48)).sum(1) / moved.sum((1, 2, 3)).clamp_min(1)
    assert abs(float(rows.mean()) - 23.5) < 0.5 and 1.5 < float(rows.std()) < 4  # shifts of up to 3.8 pixels


def test_training_pictures_unlike_the_validation_ones_are_refused(monkeypatch):
    sharp = np.random.default_rng(0).integers(0, 256, (30, 48, 48), np.uint8)
    monkeypatch.setattr(emotion, "load", lambda archive: (sharp, None))
    emotion.check_alike(sharp)
    soft = np.stack([cv2.GaussianBlur(image, (0, 0), 2) for image in sharp])
    with pytest.raises(SettingsError, match="original pictures"):
        emotion.check_alike(soft)


def test_mixed_targets_stay_probabilities():
    images, targets = torch.rand((16, 1, 4, 4)), torch.eye(7)[torch.arange(16) % 7]
    mixed, blended = emotion.augmentation.mixed(images, targets, torch.Generator().manual_seed(0), alpha=1.0)
    torch.testing.assert_close(blended.sum(1), torch.ones(16))
    assert ((blended > 0).sum(1) > 1).any() and mixed.min() >= 0 and mixed.max() <= 1
