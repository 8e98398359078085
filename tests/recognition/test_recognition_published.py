"""What the backends of published networks state, and how they run; the networks themselves: tests/networks."""

import numpy as np
import pytest
import weight_files

from streamface import plugins
from streamface.errors import WeightsError
from streamface.networks import openface as openface_network
from streamface.recognition import facenet, openface, vgg_face
from streamface.recognition.base import METRICS
from streamface.runtime import convert
from streamface.settings import RecognitionSettings, RuntimeSettings

# Name, side of the chip, length of the embedding.
PUBLISHED = [
    ("OpenFace", 96, 128),
    ("Facenet", 160, 128),
    ("Facenet512", 160, 512),
    ("VGG-Face", 224, 4096),
    ("DeepFace", 152, 4096),
    ("ArcFace", 112, 512),
]


@pytest.mark.parametrize("name, side, length", PUBLISHED)
def test_facts(name, side, length):
    module = plugins.backend("recognition", name)
    spec, (file,) = module.SPEC, module.WEIGHTS
    assert (spec.name, spec.input_px, spec.dimensions) == (name, side, length)
    assert set(spec.thresholds) == set(METRICS) and min(spec.thresholds.values()) > 0
    eye_left, eye_right, nose, mouth_left, mouth_right = spec.template
    assert 0 < eye_left[0] < nose[0] < eye_right[0] < 1 and 0 < eye_left[1] < nose[1] < mouth_left[1] < 1
    assert all(url.startswith("https://") for url in file.urls) and file.licence and file.parameters


def test_openfaces_template_is_its_authors():
    assert openface.SPEC.template == pytest.approx(
        np.array([[0.277, 0.167], [0.706, 0.159], [0.492, 0.422], [0.307, 0.642], [0.695, 0.634]])
    )


@pytest.fixture
def no_network(tmp_path, monkeypatch):
    monkeypatch.setenv("STREAMFACE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DEEPFACE_HOME", str(tmp_path / "none"))

    def fetch(url, part, size=None):
        raise WeightsError("nowhere: no answer in 3 s")

    monkeypatch.setattr("streamface.runtime.download.fetch", fetch)
    return tmp_path


@pytest.mark.parametrize("name", [name for name, *_ in PUBLISHED])
def test_without_weights_and_network_the_file_is_named(no_network, name):
    module = plugins.backend("recognition", name)
    with pytest.raises(WeightsError, match=f"{module.WEIGHTS[0].filename} is not here and could not be downloaded"):
        module.required(RecognitionSettings())


@pytest.mark.slow
def test_from_a_file_in_the_folder_to_embeddings(no_network):
    pytest.importorskip("keras")
    from streamface.runtime import weights

    path = weights.folder() / "openface_weights.h5"
    weight_files.write(path, weight_files.random_like(openface_network.graph()))
    networks = openface.required(RecognitionSettings())
    convert.ensure(networks)
    recognizer = openface.create(RecognitionSettings(), RuntimeSettings())
    rgb = np.random.default_rng(1).integers(0, 256, (1, 96, 96, 3)).astype(np.uint8)
    chips = np.concatenate([rgb[..., ::-1], np.zeros((1, 96, 96, 3), np.uint8)])
    found = recognizer.embed(chips)
    assert found.shape == (2, 128) and found.dtype == np.float32 and recognizer.embed(chips[:0]).shape == (0, 128)
    # the reference's answer for these weights and pixels, see tests/networks/test_networks_published.py
    assert found[0, :4] == pytest.approx([-0.012956, -0.036036, -0.047668, 0.015465], abs=1e-5)
    assert openface.weights_file(str(path)) == path
    with pytest.raises(WeightsError, match="gone.h5 is missing"):
        openface.weights_file(str(no_network / "gone.h5"))


def test_vgg_face_gives_the_trunks_features_beside_its_embedding():
    class Trunk:
        def run(self, chip):
            assert chip.dtype == np.float32 and chip.shape == (1, 224, 224, 3)
            return [np.full((1, 7, 7, 512), chip.mean(), np.float32)]

    class Head:
        def run(self, features):
            return [np.full((1, 4096), features.mean() / 10, np.float32)]

    recognizer = object.__new__(vgg_face.VggFace)
    recognizer._trunk, recognizer._head = Trunk(), Head()
    found = recognizer.forward(np.stack([np.full((224, 224, 3), v, np.uint8) for v in (10, 20)]))
    assert found.features[:, 0, 0, 0].tolist() == [10, 20] and found.embeddings[:, 0].tolist() == [1, 2]
    assert recognizer.forward(np.empty((0, 224, 224, 3), np.uint8)).features.shape == (0, 7, 7, 512)


def test_facenet_of_512_numbers_is_another_file():
    from streamface.recognition import facenet512

    assert facenet512.WEIGHTS[0].filename == "facenet512_weights.h5" != facenet.WEIGHTS[0].filename
