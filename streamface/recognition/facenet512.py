"""Facenet512: Inception-ResNet v1 with 512 numbers.

Source: David Sandberg, github.com/davidsandberg/facenet, model 20180402-114759, trained on VGGFace2; MIT.
"""

from __future__ import annotations

from types import MappingProxyType

from streamface.networks import facenet as network
from streamface.recognition._published import Published
from streamface.recognition.base import NetworkSpec
from streamface.runtime import weights
from streamface.runtime.convert import Network
from streamface.settings import RecognitionSettings, RuntimeSettings

NAME = "Facenet512"

SPEC = NetworkSpec(
    name=NAME,
    input_px=network.INPUT_PX,
    dimensions=512,
    template=network.template(),
    # As the deepface package publishes them (deepface/config/threshold.py).
    thresholds=MappingProxyType({"cosine": 0.30, "euclidean": 23.56, "euclidean_l2": 1.04}),
)

WEIGHTS = (
    weights.WeightFile(
        filename="facenet512_weights.h5",
        urls=weights.published("facenet512_weights.h5"),
        size=None,
        licence="MIT",
        source="David Sandberg, facenet 20180402-114759",
        parameters=network.PARAMETERS[512],
    ),
)


def required(settings: RecognitionSettings) -> tuple[Network, ...]:
    """The network to convert before `create`; downloads its weights where they are not here."""
    path = str(weights.obtain(WEIGHTS[0]))
    sample = (1, network.INPUT_PX, network.INPUT_PX, 3)
    return (Network("facenet512", network.__name__, "build", (path, "512"), path, sample),)


def create(settings: RecognitionSettings, runtime: RuntimeSettings) -> Published:
    """The recogniser; its network must have been converted."""
    (converted,) = required(settings)
    return Published(SPEC, converted.path(), runtime.threads)
