"""The face recognition ResNet of dlib: the most accurate network that needs no download.

Source: Davis King, "High Quality Face Recognition with Deep Metric Learning", dlib 2017; weights in the public
domain, carried by the package `face_recognition_models`.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from streamface.networks import dlib_resnet as network
from streamface.recognition.base import Forward, NetworkSpec, Recognizer
from streamface.runtime.convert import Network
from streamface.runtime.session import Session
from streamface.settings import RecognitionSettings, RuntimeSettings

NAME = "Dlib"

SPEC = NetworkSpec(
    name=NAME,
    input_px=network.INPUT_PX,
    dimensions=128,
    # Where MTCNN's points fall on the chips that dlib cuts by its 68 points with its padding of 0.25: the
    # medians over lfw_dev, made symmetric (training/dlib_template.py).
    template=np.array(
        [[0.3202, 0.3017], [0.6798, 0.3017], [0.4972, 0.5156], [0.3439, 0.6966], [0.6561, 0.6966]], np.float32
    ),
    thresholds=MappingProxyType({"cosine": 0.07, "euclidean": 0.55, "euclidean_l2": 0.38}),
)


def required(settings: RecognitionSettings) -> tuple[Network, ...]:
    """The networks to convert before `create`."""
    sample = (1, network.INPUT_PX, network.INPUT_PX, 3)
    return (Network("dlib_resnet", network.__name__, "build", (), str(network.weights_file()), sample),)


def create(settings: RecognitionSettings, runtime: RuntimeSettings) -> DlibResnet:
    """The recogniser; its network must have been converted."""
    (converted,) = required(settings)
    return DlibResnet(converted.path().read_bytes(), runtime.threads)


class DlibResnet(Recognizer):
    """29 convolutions, 5.6 million parameters, 150x150 pixels to 128 numbers.

    Args:
        model: LiteRT bytes.
        threads: threads of one pass.
    """

    spec = SPEC

    def __init__(self, model: bytes, threads: int = 1) -> None:
        self._session = Session(model, threads)

    def forward(self, chips: np.ndarray) -> Forward:
        # One by one: on a CPU a batch saves nothing (6.1 ms a face either way), and a change of batch size
        # costs more than a face.
        passes = [self._session.run(chip[None].astype(np.float32))[0] for chip in chips]
        return Forward(np.concatenate([np.empty((0, self.spec.dimensions), np.float32), *passes]))
