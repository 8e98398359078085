"""Facenet: Inception-ResNet v1 with 128 numbers.

Source: David Sandberg, github.com/davidsandberg/facenet, model 20170512-110547, trained on MS-Celeb-1M; MIT.
"""

from __future__ import annotations

from types import MappingProxyType

from streamface.networks import facenet as network
from streamface.recognition._published import Published
from streamface.recognition.base import NetworkSpec
from streamface.runtime import weights
from streamface.runtime.convert import Network
from streamface.settings import RecognitionSettings, RuntimeSettings

NAME = "Facenet"

SPEC = NetworkSpec(
    name=NAME,
    input_px=network.INPUT_PX,
    dimensions=128,
    template=network.template(),
    # As the deepface package publishes them (deepface/config/threshold.py).
    thresholds=MappingProxyType({"cosine": 0.40, "euclidean": 10.0, "euclidean_l2": 0.80}),
)

WEIGHTS = (
    weights.WeightFile(
        filename="facenet_weights.h5",
        urls=weights.published("facenet_weights.h5"),
        size=None,
        licence="MIT",
        source="David Sandberg, facenet 20170512-110547",
        parameters=network.PARAMETERS[128],
    ),
)


def required(settings: RecognitionSettings) -> tuple[Network, ...]:
    """The network to convert before `create`; downloads its weights where they are not here."""
    path = str(weights.obtain(WEIGHTS[0]))
    sample = (1, network.INPUT_PX, network.INPUT_PX, 3)
    return (Network("facenet128", network.__name__, "build", (path, "128"), path, sample),)


def create(settings: RecognitionSettings, runtime: RuntimeSettings) -> Published:
    """The recogniser; its network must have been converted."""
    (converted,) = required(settings)
    return Published(SPEC, converted.path(), runtime.threads)
