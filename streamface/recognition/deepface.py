"""DeepFace: locally connected layers, 4096 numbers.

Source: Taigman et al., CVPR 2014; weights by Swarup Ghosh, trained on VGGFace2; MIT.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from streamface.networks import deepface as network
from streamface.recognition import _published
from streamface.recognition.base import NetworkSpec
from streamface.runtime import weights
from streamface.runtime.convert import Network
from streamface.settings import RecognitionSettings, RuntimeSettings

NAME = "DeepFace"

SPEC = NetworkSpec(
    name=NAME,
    input_px=network.INPUT_PX,
    dimensions=network.DIMENSIONS,
    # MTCNN's box on a square: the medians over lfw_dev, made symmetric. The thresholds were measured on such crops;
    # where the 2D alignment of the training pictures puts the points is not published.
    template=np.array([[0.327, 0.391], [0.673, 0.391], [0.500, 0.591], [0.350, 0.763], [0.650, 0.763]], np.float32),
    # As the deepface package publishes them (deepface/config/threshold.py).
    thresholds=MappingProxyType({"cosine": 0.23, "euclidean": 64.0, "euclidean_l2": 0.64}),
)

WEIGHTS = (
    weights.WeightFile(
        filename="VGGFace2_DeepFace_weights_val-0.9034.h5",
        urls=(
            "https://github.com/swghosh/DeepFace/releases/download/weights-vggface2-2d-aligned/"
            "VGGFace2_DeepFace_weights_val-0.9034.h5.zip",
        ),
        size=None,
        licence="MIT",
        source="Swarup Ghosh, DeepFace trained on VGGFace2",
        parameters=network.PARAMETERS,
    ),
)


def required(settings: RecognitionSettings) -> tuple[Network, ...]:
    """The network to convert before `create`; downloads its weights where they are not here."""
    return (_published.network("deepface", network, WEIGHTS[0]),)


def create(settings: RecognitionSettings, runtime: RuntimeSettings) -> _published.Published:
    """The recogniser; its network must have been converted."""
    return _published.created(SPEC, required(settings), runtime)
