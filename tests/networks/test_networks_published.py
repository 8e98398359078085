"""The published graphs against the reference's own, on weights and pixels that a seed makes.

The expected numbers come from the reference package's builders, loaded with the same files.
"""

import numpy as np
import pytest
import weight_files

from streamface.errors import WeightsError
from streamface.networks import arcface, emotion_published, facenet, openface
from streamface.runtime import legacy_h5

keras = pytest.importorskip("keras")

# Network; its graph; how it is built from a file; numbers in it; the first eight outputs of the reference.
CASES = {
    "openface": (openface.graph, openface.build, openface.PARAMETERS,
                 [-0.012956, -0.036036, -0.047668, 0.015465, -0.030338, 0.107477, -0.168436, 0.017165]),
    "facenet128": (lambda: facenet.graph(128), lambda path: facenet.build(path, "128"), facenet.PARAMETERS[128],
                   [-0.583364, -7.884863, -10.911312, 22.813023, 2.261782, 24.076412, 13.865264, 14.149406]),
    "facenet512": (lambda: facenet.graph(512), lambda path: facenet.build(path, "512"), facenet.PARAMETERS[512],
                   [-2.497523, 0.292806, 11.168258, 0.366266, 4.816281, -4.641459, 1.103178, 3.206218]),
    "arcface": (arcface.graph, arcface.build, arcface.PARAMETERS,
                [10725.537, -40040.727, 28210.684, -15980.931, 7468.938, -17705.846, 23651.729, 24724.768]),
    "emotion": (emotion_published.graph, emotion_published.build, emotion_published.PARAMETERS,
                [0.509669, 0.075495, 0.00523, 0.037708, 0.028401, 0.315004, 0.028492]),
}  # fmt: skip


def pixels(model) -> np.ndarray:
    """Raw pixels in the order that the graphs take; the reference had them red-green-blue."""
    found = np.random.default_rng(1).integers(0, 256, (1, *model.input_shape[1:])).astype(np.float32)
    return np.ascontiguousarray(found[..., ::-1])


@pytest.mark.parametrize("name", CASES)
def test_outputs_equal_the_reference(name, tmp_path):
    graph, build, parameters, expected = CASES[name]
    path = weight_files.write(tmp_path / "weights.h5", weight_files.random_like(graph()))
    assert legacy_h5.parameters(path) == parameters
    model = build(str(path))
    found = np.asarray(model(pixels(model), training=False))[0]
    assert found[: len(expected)] == pytest.approx(expected, abs=2e-5 * max(1.0, float(np.abs(found).max())))


def test_a_file_of_another_network_is_refused_by_name(tmp_path):
    path = weight_files.write(tmp_path / "openface_weights.h5", weight_files.random_like(emotion_published.graph()))
    with pytest.raises(WeightsError, match=r"openface_weights.h5 is of another network \(8 layers instead of"):
        openface.build(str(path))
