"""Age, gender, race and emotion by the networks that this project trained and carries: nothing is downloaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from streamface.attributes import emotion, face
from streamface.attributes.base import ACTIONS, AttributePredictor
from streamface.attributes.emotion import LABELS, EmotionPredictor
from streamface.attributes.face import FaceAttributes, SharedTrunk
from streamface.networks import dlib_resnet
from streamface.runtime import convert
from streamface.settings import AnalysisSettings, RuntimeSettings
from streamface.types import Attribute

NAME = "Bundled"
FAMILY = "bundled"


def required(settings: AnalysisSettings) -> tuple[convert.Network, ...]:
    """The networks to convert before `create`: dlib's, where one of the wanted attributes stands on its features."""
    return (dlib_resnet.conversion(),) if set(settings.actions) & set(face.NAMES) else ()


def answers() -> tuple[str, ...]:
    """The attributes whose networks are carried."""
    carried = {name: face.MODEL for name in face.NAMES} | {"emotion": emotion.MODEL}
    return tuple(action for action in ACTIONS if carried[action].exists())


def create(
    settings: AnalysisSettings, runtime: RuntimeSettings, chip_template: np.ndarray | None = None
) -> BundledPredictor:
    """The predictor; what it needs is loaded with the first face that asks for it.

    chip_template: (5, 2), the recognition network's; None for that of dlib's network.
    """
    return BundledPredictor(dlib_resnet.TEMPLATE if chip_template is None else chip_template, runtime.threads)


class BundledPredictor(AttributePredictor):
    """All four attributes.

    Args:
        chip_template: (5, 2) where the landmarks lie on the chips, in fractions of their side.
        threads: threads of one pass.
    """

    def __init__(self, chip_template: np.ndarray, threads: int = 1) -> None:
        self._chip_template, self._threads = np.asarray(chip_template, np.float32), threads
        self.provides = answers()

    def predict(
        self, chips: np.ndarray, actions: Sequence[str], features: np.ndarray | None = None
    ) -> list[Mapping[str, Attribute]]:
        found: list[dict[str, Attribute]] = [{} for _ in chips]
        wanted = [action for action in actions if action in face.NAMES]
        if wanted and len(chips):
            if features is None or features.shape[1:] != dlib_resnet.FEATURES_SHAPE:  # VGG-Face's are of no use here
                features = self._trunk.features(chips)
            for answer, attributes in zip(found, self._face.predict(features, wanted), strict=True):
                answer.update(attributes)
        if "emotion" in actions and len(chips):
            for answer, row in zip(found, self._emotion.predict(chips), strict=True):
                answer["emotion"] = face.chosen("emotion", LABELS, row)
        return found

    def predict_crops(self, images: Sequence[np.ndarray], actions: Sequence[str]) -> list[Mapping[str, Attribute]]:
        """The emotion: its network was trained on whole crops, and what lies around the landmarks helps it."""
        if "emotion" not in actions or "emotion" not in self.provides:
            return [{} for _ in images]
        return [{"emotion": face.chosen("emotion", LABELS, row)} for row in self._emotion.predict_crops(images)]

    def passes(self, actions: Sequence[str]) -> list[tuple[str, ...]]:
        """Age, gender and race come from one head, emotion from a network of its own."""
        groups = (tuple(a for a in actions if a in face.NAMES), tuple(a for a in actions if a not in face.NAMES))
        return [group for group in groups if group]

    def shares_features(self, actions: Sequence[str]) -> bool:
        """True for age, gender and race on dlib's own chips: only dlib's network has the features."""
        return bool(set(actions) & set(face.NAMES)) and np.array_equal(self._chip_template, dlib_resnet.TEMPLATE)

    def close(self) -> None:
        for name in ("_face", "_emotion", "_trunk"):
            self.__dict__.pop(name, None)

    @cached_property
    def _face(self) -> FaceAttributes:
        return FaceAttributes(threads=self._threads)

    @cached_property
    def _emotion(self) -> EmotionPredictor:
        return EmotionPredictor(self._chip_template, threads=self._threads)

    @cached_property
    def _trunk(self) -> SharedTrunk:
        network = dlib_resnet.conversion()
        convert.ensure([network])
        return SharedTrunk(network.path().read_bytes(), self._chip_template, self._threads)
