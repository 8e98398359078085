"""Facenet: Inception-ResNet v1 with 128 numbers.

Source: David Sandberg, github.com/davidsandberg/facenet, model 20170512-110547, trained on MS-Celeb-1M; MIT.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from streamface.networks import facenet as graph
from streamface.recognition import _published
from streamface.recognition.base import NetworkSpec
from streamface.runtime import weights
from streamface.runtime.convert import Network
from streamface.settings import RecognitionSettings, RuntimeSettings


def spec(name: str, dimensions: int, thresholds: Mapping[str, float]) -> NetworkSpec:
    """The facts of one of the author's networks, with thresholds as the deepface package publishes them."""
    return NetworkSpec(name, graph.INPUT_PX, dimensions, graph.template(), MappingProxyType(thresholds))


def weight_file(filename: str, dimensions: int, model: str) -> weights.WeightFile:
    """The published file of one of the author's models."""
    source = f"David Sandberg, facenet {model}"
    return weights.WeightFile(filename, weights.published(filename), None, "MIT", source, graph.PARAMETERS[dimensions])


NAME = "Facenet"
SPEC = spec(NAME, 128, {"cosine": 0.40, "euclidean": 10.0, "euclidean_l2": 0.80})
WEIGHTS = (weight_file("facenet_weights.h5", 128, "20170512-110547"),)


def required(settings: RecognitionSettings) -> tuple[Network, ...]:
    """The network to convert before `create`; downloads its weights where they are not here."""
    return (_published.network("facenet128", graph, WEIGHTS[0], "128"),)


def create(settings: RecognitionSettings, runtime: RuntimeSettings) -> _published.Published:
    """The recogniser; its network must have been converted."""
    return _published.created(SPEC, required(settings), runtime)
