"""The face recognition ResNet of dlib: the most accurate network that needs no download.

Source: Davis King, "High Quality Face Recognition with Deep Metric Learning", dlib 2017; weights in the public
domain, carried by the package `face_recognition_models`.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from streamface.networks import dlib_resnet as network
from streamface.recognition.base import Forward, NetworkSpec, Recognizer
from streamface.runtime import device
from streamface.runtime.convert import Network
from streamface.settings import RecognitionSettings, RuntimeSettings

NAME = "Dlib"

SPEC = NetworkSpec(
    name=NAME,
    input_px=network.INPUT_PX,
    dimensions=128,
    template=network.TEMPLATE,
    # From benchmarks/verification.py on lfw_dev.
    thresholds=MappingProxyType({"cosine": 0.07, "euclidean": 0.53, "euclidean_l2": 0.374}),
    verify_thresholds=MappingProxyType({"cosine": 0.094, "euclidean": 0.62, "euclidean_l2": 0.434}),
)


def required(settings: RecognitionSettings) -> tuple[Network, ...]:
    """The networks to convert before `create`."""
    return (network.conversion(),)


def create(settings: RecognitionSettings, runtime: RuntimeSettings) -> DlibResnet:
    """The recogniser; its network must have been converted."""
    (converted,) = required(settings)
    return DlibResnet(device.opened(converted, runtime))


class DlibResnet(Recognizer):
    """29 convolutions, 5.6 million parameters, 150x150 pixels to 128 numbers.

    Args:
        session: the network, ready to run.
    """

    spec = SPEC

    def __init__(self, session: device.Runner) -> None:
        self._session = session

    def forward(self, chips: np.ndarray) -> Forward:
        # One by one: on a CPU a batch saves nothing (6.1 ms a face either way), and a change of batch size
        # costs more than a face.
        passes = [self._session.run(chip[None].astype(np.float32)) for chip in chips]
        embeddings = [np.empty((0, self.spec.dimensions), np.float32), *(outputs[0] for outputs in passes)]
        features = [np.empty((0, *network.FEATURES_SHAPE), np.float32), *(outputs[1] for outputs in passes)]
        return Forward(np.concatenate(embeddings), np.concatenate(features))
