"""Runs that are resumed, and the formulas of calibration."""

import io
import json
import tarfile

import cv2
import numpy as np
import pytest

from streamface.errors import SettingsError, SourceError
from training import common


class Descent:
    """Least squares by noisy gradient steps with momentum: chance, hidden state, and a figure per epoch."""

    def __init__(self, seed: int = 3) -> None:
        rng = np.random.default_rng(seed)
        self.seed, self.x = seed, rng.normal(size=(40, 3))
        self.y = self.x @ [1.0, -2.0, 0.5]
        self.weights, self.momentum = np.zeros(3), np.zeros(3)

    def epoch(self, index: int) -> dict[str, float]:
        rng = np.random.default_rng((self.seed, index))
        for row in rng.permutation(40):
            error = self.x[row] @ self.weights - self.y[row] + rng.normal(0, 0.1)
            self.momentum = 0.9 * self.momentum - 0.01 * error * self.x[row]
            self.weights = self.weights + self.momentum
        return {"train loss": float(np.mean((self.x @ self.weights - self.y) ** 2))}

    def state(self) -> dict[str, np.ndarray]:
        return {"weights": self.weights, "momentum": self.momentum}

    def restore(self, state) -> None:
        self.weights, self.momentum = state["weights"], state["momentum"]


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path):
    whole = Descent()
    history = common.train(whole, common.Run(tmp_path / "whole", {"seed": 3}), 6)
    run = common.Run(tmp_path / "parts", {"seed": 3})
    common.train(Descent(), run, 2)
    resumed = Descent()
    assert common.train(resumed, run, 6) == history
    np.testing.assert_array_equal(resumed.weights, whole.weights)
    assert len(history) == 6 and history[-1]["train loss"] < history[0]["train loss"]
    assert cv2.imread(str(run.folder / "curves.png")).shape[0] > 100


def test_a_finished_run_is_not_trained_further(tmp_path):
    run = common.Run(tmp_path, {"seed": 3})
    common.train(Descent(), run, 2)
    again = Descent()
    again.epoch = None
    assert len(common.train(again, run, 2)) == 2


def test_a_run_of_other_settings_is_refused(tmp_path):
    common.train(Descent(), common.Run(tmp_path, {"seed": 3}), 1)
    with pytest.raises(SettingsError, match="other settings"):
        common.train(Descent(), common.Run(tmp_path, {"seed": 4}), 2)


def test_calibration_against_numbers_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])
    labels = np.array([0, 1, 1, 1])
    # Two steps of sureness (0..0.5, 0.5..1): all four in the upper one, sure 0.75 on average, right 3 of 4.
    assert common.expected_calibration_error(probabilities, labels, bins=2) == pytest.approx(0.0)
    # Ten steps: each alone in its step: |0.9-1|, |0.8-0|, |0.7-1|, |0.6-1|, a quarter each.
    assert common.expected_calibration_error(probabilities, labels, bins=10) == pytest.approx(1.6 / 4)
    assert common.log_loss(probabilities, labels) == pytest.approx(-np.log([0.9, 0.2, 0.7, 0.6]).mean())


def test_a_probability_of_one_falls_into_the_last_step():
    assert common.expected_calibration_error(np.array([[1.0, 0.0]]), np.array([1])) == pytest.approx(1.0)


def test_temperature_undoes_a_known_overconfidence():
    # Of 100 equal answers 80 are right, so the best probability is 0.8, which needs a logit of log 4; given is 3 log 4.
    logits = np.tile([3 * np.log(4.0), 0.0], (100, 1))
    labels = np.array([0] * 80 + [1] * 20)
    assert common.fit_temperature(logits, labels) == pytest.approx(3.0, rel=1e-3)


def test_confusion_matrix_has_the_truth_in_rows():
    found = common.confusion_matrix(np.array([0, 1, 1]), np.array([0, 0, 1]), 3)
    np.testing.assert_array_equal(found, [[1, 1, 0], [0, 1, 0], [0, 0, 0]])


def test_detail_falls_with_blur_and_not_with_contrast():
    image = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    blurred = cv2.GaussianBlur(image, (0, 0), 2)
    assert common.detail(blurred) < 0.2 * common.detail(image)
    assert common.detail(image // 2) == pytest.approx(common.detail(image), rel=0.02)
    assert common.detail(np.zeros((48, 48), np.uint8)) == 0


def test_split_is_by_seed_and_covers_everything():
    train, held_out = common.split(10, 3, seed=1)
    assert sorted([*train, *held_out]) == list(range(10)) and len(held_out) == 3
    np.testing.assert_array_equal(held_out, common.split(10, 3, seed=1)[1])
    assert any(list(common.split(10, 3, seed)[1]) != list(held_out) for seed in range(2, 6))


def _tar(path, files) -> None:
    with tarfile.open(path, "w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def test_pictures_come_from_a_tar_in_order_of_name(tmp_path):
    coded = {v: cv2.imencode(".png", np.full((4, 6, 3), v, np.uint8))[1].tobytes() for v in (10, 20)}
    _tar(tmp_path / "a.tar", {"b/1.png": coded[20], "a/1.png": coded[10]})
    names, images = zip(*common.read_tar(tmp_path / "a.tar"), strict=True)
    assert names == ("a/1.png", "b/1.png")
    assert images[0].shape == (4, 6, 3) and images[1].max() == 20
    assert next(common.read_tar(tmp_path / "a.tar", grey=True))[1].shape == (4, 6)


def test_bad_data_is_named(tmp_path, monkeypatch):
    _tar(tmp_path / "a.tar", {"x.png": b"no picture"})
    with pytest.raises(SourceError, match="x.png"):
        list(common.read_tar(tmp_path / "a.tar"))
    monkeypatch.setenv("STREAMFACE_DATA", str(tmp_path))
    assert common.data_file("a.tar") == tmp_path / "a.tar"
    with pytest.raises(SourceError, match="STREAMFACE_DATA"):
        common.data_file("b.tar")


def test_a_card_has_the_figures_of_a_run(tmp_path):
    report = {
        "settings": {"epochs": 2},
        "history": [{"train loss": 2.0}, {"train loss": 1.0}],
        "temperature": 1.2,
        "int8": {"accuracy": 0.61237, "recall": {"sad": 0.5}, "confusion": [[1, 2]]},
    }
    common.finish_run(tmp_path, "emotion", report)
    assert json.loads((tmp_path / "metrics.json").read_text()) == report
    text = (tmp_path / "card.md").read_text()
    assert '`python -m training.emotion` with {"epochs": 2}' in text
    assert "| train loss | 1 |" in text and "| accuracy | 0.6124 |" in text and "| recall sad | 0.5 |" in text
    assert "confusion" not in text and "2.0" not in text
