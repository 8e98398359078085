"""Emotion by the published network.

Source: Serengil and Ozpinar, "HyperExtended LightFace: A Facial Attribute Analysis Framework", ICEET 2021; MIT.
Trained on FER2013.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from streamface.attributes.base import AttributePredictor
from streamface.attributes.emotion import EmotionPredictor
from streamface.networks import dlib_resnet
from streamface.networks import emotion_published as network
from streamface.runtime import weights
from streamface.runtime.convert import Network
from streamface.settings import AnalysisSettings, RuntimeSettings
from streamface.types import Attribute

NAME = "Emotion-published"
FAMILY = "published"

WEIGHTS = (
    weights.WeightFile(
        filename="facial_expression_model_weights.h5",
        urls=weights.published("facial_expression_model_weights.h5"),
        size=None,
        licence="MIT",
        source="Sefik Serengil, emotion on FER2013",
        parameters=network.PARAMETERS,
    ),
)


def answers() -> tuple[str, ...]:
    """The attributes that its networks tell, once their files are here."""
    return ("emotion",)


def required(settings: AnalysisSettings) -> tuple[Network, ...]:
    """The network to convert before `create`, if emotion is wanted; downloads its weights where they are not here."""
    if "emotion" not in settings.actions:
        return ()
    path = str(weights.obtain(WEIGHTS[0]))
    sample = (1, network.INPUT_PX, network.INPUT_PX, 1)
    return (Network("emotion_published", network.__name__, "build", (path,), path, sample),)


def create(
    settings: AnalysisSettings, runtime: RuntimeSettings, chip_template: np.ndarray | None = None
) -> PublishedEmotion:
    """The predictor; its network must have been converted.

    chip_template: (5, 2), the recognition network's; None for that of dlib's network.
    """
    template = dlib_resnet.TEMPLATE if chip_template is None else chip_template
    networks = required(settings)
    made = [EmotionPredictor(template, converted.path(), runtime.threads, mirror=False) for converted in networks]
    return PublishedEmotion(made[0] if made else None)


class PublishedEmotion(AttributePredictor):
    """Seven emotions on FER2013's framing, which the carried network shares.

    Args:
        predictor: gives probabilities in the order of the published labels; None where emotion is not wanted.
    """

    def __init__(self, predictor: EmotionPredictor | None) -> None:
        self._predictor = predictor
        self.provides = ("emotion",) if predictor else ()

    def predict(
        self, chips: np.ndarray, actions: Sequence[str], features: np.ndarray | None = None
    ) -> list[Mapping[str, Attribute]]:
        if self._predictor is None or "emotion" not in actions:
            return [{} for _ in chips]
        return [{"emotion": _attribute(row)} for row in self._predictor.predict(chips)]

    def predict_crops(self, images: Sequence[np.ndarray], actions: Sequence[str]) -> list[Mapping[str, Attribute]]:
        if self._predictor is None or "emotion" not in actions:
            return [{} for _ in images]
        return [{"emotion": _attribute(row)} for row in self._predictor.predict_crops(images)]


def _attribute(probabilities: np.ndarray) -> Attribute:
    scores = {label: float(p) for label, p in zip(network.LABELS, probabilities, strict=True)}
    label = max(scores, key=scores.__getitem__)
    return Attribute("emotion", label, scores[label], scores=scores)
