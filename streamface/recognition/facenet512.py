"""Facenet512: Inception-ResNet v1 with 512 numbers.

Source: David Sandberg, github.com/davidsandberg/facenet, model 20180402-114759, trained on VGGFace2; MIT.
"""

from __future__ import annotations

from streamface.networks import facenet as graph
from streamface.recognition import _published, facenet
from streamface.runtime.convert import Network
from streamface.settings import RecognitionSettings, RuntimeSettings

NAME = "Facenet512"
SPEC = facenet.spec(NAME, 512, {"cosine": 0.30, "euclidean": 23.56, "euclidean_l2": 1.04})
WEIGHTS = (facenet.weight_file("facenet512_weights.h5", 512, "20180402-114759"),)


def required(settings: RecognitionSettings) -> tuple[Network, ...]:
    """The network to convert before `create`; downloads its weights where they are not here."""
    return (_published.network("facenet512", graph, WEIGHTS[0], "512"),)


def create(settings: RecognitionSettings, runtime: RuntimeSettings) -> _published.Published:
    """The recogniser; its network must have been converted."""
    return _published.created(SPEC, required(settings), runtime)
