import numpy as np
import pytest

from streamface.attributes import emotion, emotion_published
from streamface.networks import dlib_resnet, emotion_cnn
from streamface.settings import AnalysisSettings, RuntimeSettings


def test_answers_are_in_the_published_order_of_labels():
    class Fixed:
        def predict(self, chips: np.ndarray) -> np.ndarray:
            return np.tile(np.float32([0, 0, 0, 0.1, 0.2, 0, 0.7]), (len(chips), 1))

    predictor = emotion_published.PublishedEmotion(Fixed())
    (found,) = predictor.predict(np.zeros((1, 8, 8, 3), np.uint8), ("age", "emotion"))
    assert found["emotion"].label == "neutral" and found["emotion"].scores["sad"] == pytest.approx(0.2)
    assert predictor.predict(np.zeros((1, 8, 8, 3), np.uint8), ("age",)) == [{}]


def test_nothing_is_fetched_where_emotion_is_not_wanted(monkeypatch):
    monkeypatch.setattr(emotion_published.weights, "obtain", lambda _: pytest.fail("asked for weights"))
    predictor = emotion_published.create(AnalysisSettings(actions=("age",)), RuntimeSettings())
    assert predictor.provides == () and predictor.predict(np.zeros((1, 8, 8, 3), np.uint8), ("emotion",)) == [{}]


def test_both_emotion_networks_take_pictures_of_one_size():
    assert emotion_published.network.INPUT_PX == emotion_cnn.INPUT_PX
    assert emotion.TEMPLATE.shape == dlib_resnet.TEMPLATE.shape
