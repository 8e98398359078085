"""Teaching OpenFace: its graph in PyTorch against the one in Keras, its data, its losses, and a run that goes on."""

import argparse

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is needed for training only")

from training import common, muon, openface, openface_export, openface_faces, openface_torch, openface_validation  # noqa: E402
from training.openface_torch import OpenFace  # noqa: E402
from training.utkface import Faces  # noqa: E402

WIDTH = openface_faces.EMBEDDING + openface_faces.POOLED


def chips(count: int, side: int, seed: int = 0) -> np.ndarray:
    """Smooth random pictures."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (count, 3, 8, 8)).astype(np.float32)
    fine = torch.nn.functional.interpolate(torch.from_numpy(coarse), (side, side), mode="bilinear")
    return fine.permute(0, 2, 3, 1).numpy().astype(np.uint8)


def targets(count: int, seed: int = 0) -> np.ndarray:
    """As the teacher's: vectors of length 1 with much in common, and pooled maps."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(0.09, 0.04, (count, openface_faces.EMBEDDING))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.hstack([vectors, rng.uniform(0, 1, (count, openface_faces.POOLED))]).astype(np.float32)


def test_the_graphs_of_pytorch_and_keras_are_the_same(tmp_path, monkeypatch):
    pytest.importorskip("keras")
    from streamface.networks import openface as table

    monkeypatch.setattr(openface_torch, "ROOT_FLOOR", 0.0)  # for gradients only; moves an embedding by 1e-4
    torch.manual_seed(0)
    net = OpenFace()
    with torch.no_grad():
        for layer in net.layers():
            layer.norm.running_mean.normal_(0, 0.1)
            layer.norm.running_var.uniform_(0.5, 1.5)
            layer.norm.bias.normal_(0, 0.1)
    pictures, mean = chips(3, 96), np.full(128, 0.08, np.float32)
    with torch.no_grad():
        x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
        expected = torch.nn.functional.normalize(torch.from_numpy(mean) + 0.03 * net.eval()(x)[1]).numpy()
    openface_export.write_h5(tmp_path / "w.h5", openface_export.layers_of(net, mean, 0.03))
    found = np.asarray(table.build(str(tmp_path / "w.h5"))(pictures.astype(np.float32), training=False))
    assert np.abs(expected[0] - expected[1]).max() > 1e-3  # it does look at the picture
    assert found == pytest.approx(expected, abs=5e-6)


def test_a_small_picture_has_last_maps_of_the_same_size():
    net, seen = OpenFace().eval(), []
    net.blocks.register_forward_hook(lambda _module, _inputs, output: seen.append(tuple(output.shape[1:])))
    for side in (openface.SMALL_PX, openface.FULL_PX):
        features, vectors = net(torch.rand(1, 3, side, side) * 255)
        assert features.shape == (1, 736) and vectors.shape == (1, 128)
    assert seen == [(736, 3, 3)] * 2


def test_a_cut_without_chance_takes_the_margin_off():
    pictures = openface.as_batch(chips(2, openface_faces.CHIP_PX))
    margin = openface_faces.MARGIN_PX
    found = openface.cut(pictures, 96)
    assert torch.allclose(found, pictures[:, :, margin:-margin, margin:-margin], atol=0.05)
    varied = openface.cut(pictures, 96, torch.Generator().manual_seed(0))
    assert varied.shape == found.shape and (varied - found).abs().mean() > 1


def test_losses_are_one_for_a_pupil_that_knows_nothing_and_zero_for_one_that_knows_all():
    rows = targets(600)
    scale = openface.Scale.of(rows)
    wanted = torch.from_numpy(rows)
    nothing = scale.mean[:128].expand(600, 128)
    found = openface.loss_of(nothing, torch.zeros(600, 256), wanted, scale)
    assert {name: round(float(value), 1) for name, value in found.items()} == dict.fromkeys(found, 1.0)
    standard = (wanted[:, 128:] - scale.mean[128:]) / scale.deviation
    found = openface.loss_of(wanted[:, :128], standard, wanted, scale)
    assert max(float(value) for value in found.values()) < 1e-6


def test_a_matrix_is_made_orthogonal():
    matrix = torch.randn(24, 60, generator=torch.Generator().manual_seed(0)) @ torch.diag(torch.linspace(0.1, 3, 60))
    for found in (muon.orthogonal(matrix), muon.orthogonal(matrix.T).T):
        values = torch.linalg.svdvals(found)
        assert 0.6 < values.min() and values.max() < 1.3
        assert (found * matrix).sum() > 0


@pytest.fixture
def faces() -> Faces:
    """Two pictures of 144x144 whose landmarks are bright spots, at places of their own."""
    rng, images, landmarks = np.random.default_rng(0), [], []
    for zoom, level in ((1.0, 60), (0.85, 90)):
        points = (72 + (openface_faces.CANVAS - 0.5) * 176 * zoom + rng.normal(0, 1.5, (5, 2))).astype(np.float32)
        image = np.full((144, 144, 3), level, np.uint8)
        for x, y in points.astype(int):
            image[y - 4 : y + 5, x - 4 : x + 5] = 250
        images.append(image)
        landmarks.append(points)
    return Faces(images, np.stack(landmarks), np.zeros((2, 3), np.int64))


def test_a_morph_has_its_landmarks_where_it_says_and_something_of_both(faces):
    for seed in range(6):
        image, points = openface_faces.morph(faces, 0, 1, np.random.default_rng(seed))
        spots = [image[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3].mean() for x, y in points]
        assert min(spots) > 150 and image[26:36, 84:92].mean() < 130
    mine, teachers = openface_faces.chips_of(image, points)
    assert mine.shape == (openface_faces.CHIP_PX,) * 2 + (3,) and teachers.shape == (150, 150, 3)


@pytest.fixture
def small(monkeypatch):
    """Two steps of six pictures in an epoch."""
    torch.set_num_threads(1)
    monkeypatch.setattr(openface, "BATCH", 6)
    monkeypatch.setattr(openface, "STEPS", 2)
    parts = [openface_faces.Part(chips(24, openface_faces.CHIP_PX), targets(24))]
    names = ("A_1.webp", "A_2.webp", "B_1.webp", "C_1.webp")
    lfw = openface_validation.Lfw(
        names, chips(4, 96), (("A_1.webp", "A_2.webp", True), ("A_1.webp", "B_1.webp", False))
    )
    return lambda: openface.OpenFaceTask(lambda _: [(parts[0], 1.0)], lfw, argparse.Namespace(epochs=2, seed=1))


def test_a_resumed_run_equals_an_uninterrupted_one(small, tmp_path):
    whole, run = small(), common.Run(tmp_path / "whole", {})
    history = common.train(whole, run, 2)
    parts = common.Run(tmp_path / "parts", {})
    common.train(small(), parts, 1)
    again = small()
    assert common.train(again, parts, 2) == history
    expected, found = whole.state(), again.state()
    assert set(expected) == set(found)
    assert all(np.array_equal(expected[name], found[name]) for name in expected)


def test_training_moves_every_weight_and_small_chips_come_first(small):
    task = small()
    before = {name: tensor.clone() for name, tensor in task.pupil.named_parameters()}
    task.epoch(0)
    moved = [name for name, tensor in task.pupil.named_parameters() if not torch.equal(tensor, before[name])]
    # A convolution's bias is taken out again by the normalisation behind it, so that it may stay at 0.
    assert {name for name in before if "convolution.bias" not in name} <= set(moved)
    assert [task._side(index) for index in range(2)] == [openface.SMALL_PX, openface.FULL_PX]


def test_the_rate_stays_and_then_falls_to_zero(small, monkeypatch):
    monkeypatch.setattr(openface, "WARM_UP_STEPS", 3)
    task, rates = small(), []
    task.epochs = 10
    for index, step in ((0, 0), (1, 1), (5, 1), (6, 0), (8, 0), (9, 1)):
        task._set_rate(index, step)
        rates.append([group["lr"] / group["rate"] for o in task.optimizers for group in o.param_groups])
    assert np.ptp(rates, 1).max() < 1e-9
    assert np.array(rates)[:, 0] == pytest.approx([1 / 3, 1, 1, 1, 0.5, 0.125])


def test_figures_of_validation():
    names = ("A_1.webp", "A_2.webp", "B_1.webp", "B_2.webp")
    pairs = (("A_1.webp", "A_2.webp", True), ("B_1.webp", "B_2.webp", True), ("A_1.webp", "B_1.webp", False))
    vectors = np.array([[1, 0], [1, 0], [0.6, 0.8], [-0.8, 0.6]], np.float32)
    found = openface_validation.figures(openface_validation.Lfw(names, np.empty(0), pairs), vectors)
    assert found["held-out accuracy"] == pytest.approx(2 / 3)  # B is nearer to A than to itself
    assert found["held-out accepted"] == pytest.approx(1 / 2)
