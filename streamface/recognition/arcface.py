"""ArcFace: a ResNet of 34 layers with 512 numbers.

Source: Deng et al., CVPR 2019; weights by leondgarse, github.com/leondgarse/Keras_insightface, trained on MS1M; MIT.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from streamface.networks import arcface as graph
from streamface.recognition import _published
from streamface.recognition.base import NetworkSpec
from streamface.runtime import weights
from streamface.runtime.convert import Network
from streamface.settings import RecognitionSettings, RuntimeSettings

NAME = "ArcFace"

SPEC = NetworkSpec(
    name=NAME,
    input_px=graph.INPUT_PX,
    dimensions=graph.DIMENSIONS,
    # The authors' own five points (insightface, face_align.py), in pixels of their 112x112 chip.
    template=np.array(
        [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32
    )
    / 112,
    # As the deepface package publishes them (deepface/config/threshold.py).
    thresholds=MappingProxyType({"cosine": 0.68, "euclidean": 4.15, "euclidean_l2": 1.13}),
)

WEIGHTS = (
    weights.WeightFile(
        filename="arcface_weights.h5",
        urls=weights.published("arcface_weights.h5"),
        size=None,
        licence="MIT",
        source="leondgarse, Keras_insightface ResNet34",
        parameters=graph.PARAMETERS,
    ),
)


def required(settings: RecognitionSettings) -> tuple[Network, ...]:
    """The network to convert before `create`; downloads its weights where they are not here."""
    return (_published.network("arcface", graph, WEIGHTS[0]),)


def create(settings: RecognitionSettings, runtime: RuntimeSettings) -> _published.Published:
    """The recogniser; its network must have been converted."""
    return _published.created(SPEC, required(settings), runtime)
