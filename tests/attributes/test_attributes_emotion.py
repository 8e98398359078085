"""The emotion network: its graph, its framing, its answers."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from streamface.attributes import bundled, emotion
from streamface.attributes.emotion import TEMPLATE, EmotionPredictor
from streamface.errors import WeightsError
from streamface.networks import emotion_cnn

DATA = Path(os.environ.get("STREAMFACE_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")
CHIP_TEMPLATE = np.array([[0.32, 0.3], [0.68, 0.3], [0.5, 0.52], [0.34, 0.7], [0.66, 0.7]], np.float32)
needs_model = pytest.mark.skipif(not emotion.MODEL.exists(), reason="the emotion network is not carried")
needs_data = pytest.mark.skipif(
    not (DATA / "fer2013_publictest.tar").exists(), reason="fer2013_publictest.tar is not there"
)


class Recorder:
    """Stands for the session: keeps what it was given, answers with the first label."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def run(self, batch: np.ndarray) -> list[np.ndarray]:
        self.seen.append(batch)
        return [np.eye(7, dtype=np.float32)[:1]]


@pytest.fixture
def recorded(monkeypatch):
    recorder = Recorder()
    monkeypatch.setattr(emotion, "Session", lambda model, threads: recorder)
    return recorder


def _chips(count: int, side: int = 150) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (count, side, side, 3), np.uint8)


@pytest.mark.parametrize("count", [0, 1, 8])
def test_one_row_of_seven_per_face(recorded, count):
    predictor = EmotionPredictor(CHIP_TEMPLATE)
    assert predictor.predict(_chips(count)).shape == (count, 7)
    found = predictor.predict_crops(list(_chips(count, 33)))
    assert found.shape == (count, 7) and found.dtype == np.float32
    assert all(seen.shape == (1, 48, 48, 1) and seen.dtype == np.float32 for seen in recorded.seen)


@pytest.mark.parametrize("side", [96, 150, 224])
def test_landmarks_of_a_chip_land_on_the_framing_of_fer2013(recorded, side):
    chip = np.zeros((1, side, side, 3), np.uint8)
    for x, y in CHIP_TEMPLATE * side:
        cv2.circle(chip[0], (int(x), int(y)), side // 25, (255, 255, 255), -1)
    EmotionPredictor(CHIP_TEMPLATE).predict(chip)
    seen = recorded.seen[0][0, :, :, 0]
    count, _, _, centers = cv2.connectedComponentsWithStats((seen > 100).astype(np.uint8))
    assert count == 6
    gaps = np.linalg.norm(centers[1:, None] + 0.5 - TEMPLATE[None] * 48, axis=2)
    assert gaps.min(1).max() < 2.5  # the two templates differ by more than a similarity: 1.5 pixels of 48


def test_a_chip_in_the_framing_of_fer2013_is_only_made_grey(recorded):
    chip = cv2.GaussianBlur(_chips(1, 48)[0], (0, 0), 3)[None]
    predictor = EmotionPredictor(TEMPLATE)
    predictor.predict(chip)
    predictor.predict_crops([chip[0]])
    grey = cv2.cvtColor(chip[0], cv2.COLOR_BGR2GRAY)
    assert np.abs(recorded.seen[0][0, :, :, 0] - grey).max() <= 1
    np.testing.assert_array_equal(recorded.seen[2][0, :, :, 0], grey)


def test_a_face_and_its_mirror_image_are_averaged(monkeypatch):
    class LeftOrRight(Recorder):
        """Happy where the left half is the brighter one, else sad."""

        def run(self, batch):
            is_left = batch[:, :, :24].mean() > batch[:, :, 24:].mean()
            return [np.eye(7, dtype=np.float32)[[3 if is_left else 5]]]

    monkeypatch.setattr(emotion, "Session", lambda model, threads: LeftOrRight())
    image = np.zeros((48, 48, 3), np.uint8)
    image[:, :20] = 200
    (found,) = EmotionPredictor(TEMPLATE).predict_crops([image])
    np.testing.assert_array_equal(found, [0, 0, 0, 0.5, 0, 0.5, 0])


@pytest.mark.parametrize("height, width", [(1, 1), (7, 300), (48, 48), (640, 481)])
def test_crops_of_any_size(recorded, height, width):
    image = np.full((height, width, 3), (0, 0, 200), np.uint8)
    EmotionPredictor(TEMPLATE).predict_crops([image])
    np.testing.assert_array_equal(recorded.seen[0], np.full((1, 48, 48, 1), 60, np.float32))  # 0.299 * 200


def test_a_file_that_is_no_network_is_refused():
    with pytest.raises(WeightsError):
        EmotionPredictor(TEMPLATE, b"not a network")


def test_the_table_of_layers():
    rows = list(emotion_cnn.convolutions((("conv", 8), ("pool", 0), ("residual", 8), ("residual", 16))))
    assert rows == [
        ("0.conv", 3, 1, 8),
        ("2.first", 3, 8, 8),
        ("2.second", 3, 8, 8),
        ("3.first", 3, 8, 16),
        ("3.second", 3, 16, 16),
        ("3.shortcut", 1, 8, 16),
    ]


def test_the_emotion_of_a_crop_is_that_of_the_whole_picture(recorded):
    predictor = bundled.BundledPredictor(CHIP_TEMPLATE)
    predictor.provides = ("emotion",)
    images = list(_chips(2, 48))
    found = predictor.predict_crops(images, ("age", "emotion"))
    assert [answer["emotion"].label for answer in found] == ["angry", "angry"] and len(found[0]) == 1
    np.testing.assert_array_equal(recorded.seen[0][0, :, :, 0], cv2.cvtColor(images[0], cv2.COLOR_BGR2GRAY))
    assert predictor.predict_crops(images, ("age",)) == [{}, {}]


@pytest.fixture(scope="module")
def predictor():
    """The carried network."""
    return EmotionPredictor(CHIP_TEMPLATE)


@needs_model
class TestCarriedNetwork:
    def test_probabilities_that_do_not_depend_on_the_batch(self, predictor):
        chips = _chips(3)
        together = predictor.predict(chips)
        np.testing.assert_allclose(together.sum(1), 1, atol=1e-4)
        np.testing.assert_array_equal(together, predictor.predict(chips))
        np.testing.assert_array_equal(together[1:2], predictor.predict(chips[1:2]))

    def test_light_and_contrast_do_not_matter(self, predictor, portrait):
        image = cv2.resize(portrait, (48, 48), interpolation=cv2.INTER_AREA).astype(np.float32)
        dim = (image * 0.5 + 20).round().astype(np.uint8)
        found = predictor.predict_crops([image.astype(np.uint8), dim])
        np.testing.assert_allclose(found[0], found[1], atol=0.05)

    def test_an_empty_picture_gives_an_answer(self, predictor):
        found = predictor.predict_crops([np.zeros((48, 48, 3), np.uint8)])
        assert np.isfinite(found).all() and found.sum() == pytest.approx(1, abs=1e-4)

    def test_it_is_small(self):
        assert emotion.MODEL.stat().st_size < 4e6
