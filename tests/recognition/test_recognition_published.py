"""What the backends of published networks state, and how they run; the networks themselves: tests/networks."""

import numpy as np
import pytest
import weight_files

from streamface import build, plugins
from streamface.errors import SettingsError, WeightsError
from streamface.networks import openface as openface_network
from streamface.recognition import facenet, openface, vgg_face
from streamface.recognition._published import Published
from streamface.recognition.base import METRICS
from streamface.runtime import convert
from streamface.runtime.session import Session
from streamface.settings import RecognitionSettings, RuntimeSettings, Settings

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
        module.required(RecognitionSettings(weights="published" if name == "OpenFace" else None))


@pytest.mark.slow
def test_from_a_file_in_the_folder_to_embeddings(no_network):
    pytest.importorskip("keras")
    from streamface.runtime import weights

    path = weights.folder() / "openface_weights.h5"
    weight_files.write(path, weight_files.random_like(openface_network.graph()))
    published = RecognitionSettings(weights="published")
    convert.ensure(openface.required(published))
    recognizer = openface.create(published, RuntimeSettings())
    rgb = np.random.default_rng(1).integers(0, 256, (1, 96, 96, 3)).astype(np.uint8)
    chips = np.concatenate([rgb[..., ::-1], np.zeros((1, 96, 96, 3), np.uint8)])
    found = recognizer.embed(chips)
    assert found.shape == (2, 128) and found.dtype == np.float32 and recognizer.embed(chips[:0]).shape == (0, 128)
    # the reference's answer for these weights and pixels, see tests/networks/test_networks_published.py
    assert found[0, :4] == pytest.approx([-0.012956, -0.036036, -0.047668, 0.015465], abs=1e-5)
    again = RecognitionSettings(weights=str(path))
    assert openface.weights_file(str(path)) == path and openface.required(again) == openface.required(published)
    for name in ("gone.h5", "gone.tflite"):
        with pytest.raises(WeightsError, match=f"{name} is missing"):
            openface.required(RecognitionSettings(weights=str(no_network / name)))


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


CHIPS = np.random.default_rng(0).integers(0, 256, (2, 96, 96, 3)).astype(np.uint8)


def test_openface_runs_from_what_the_package_carries(no_network):
    settings = RecognitionSettings(model="OpenFace")
    assert openface.required(settings) == ()  # nothing to convert, nothing to download
    recognizer = openface.create(settings, RuntimeSettings())
    found = recognizer.embed(CHIPS)
    assert found.shape == (2, 128) and np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)
    assert recognizer.spec.weights == "carried" and openface.MODEL.stat().st_size < 8_000_000


def test_carried_weights_answer_for_both_sides_of_a_face():
    recognizer = openface.create(RecognitionSettings(model="OpenFace"), RuntimeSettings())
    found = recognizer.embed(CHIPS)
    assert recognizer.embed(np.ascontiguousarray(CHIPS[:, :, ::-1])) == pytest.approx(found, abs=1e-6)
    assert np.array_equal(recognizer.embed(CHIPS, mirror=True), found)
    one = Published(recognizer.spec, Session(openface.MODEL)).embed(CHIPS)
    assert not np.allclose(one, found, atol=1e-3) and (one * found).sum(1).min() > 0.9


def test_a_litert_file_of_ones_own_is_run_as_it_is(no_network):
    own = no_network / "mine.tflite"
    own.write_bytes(openface.MODEL.read_bytes())
    settings = RecognitionSettings(model="OpenFace", weights=str(own))
    assert openface.required(settings) == () and openface.spec(settings).weights == "mine.tflite"
    expected = openface.create(RecognitionSettings(model="OpenFace"), RuntimeSettings()).embed(CHIPS)
    assert np.array_equal(openface.create(settings, RuntimeSettings()).embed(CHIPS), expected)


def test_a_litert_file_of_another_network_is_refused_by_name(no_network):
    from streamface.attributes import face

    settings = RecognitionSettings(model="OpenFace", weights=str(face.MODEL))
    with pytest.raises(WeightsError, match=f"{face.MODEL.name} is of another network"):
        openface.create(settings, RuntimeSettings())


def test_embeddings_of_different_weights_are_never_compared(no_network):
    other = no_network / "other.tflite"
    other.write_bytes(openface.MODEL.read_bytes() + b"\0")
    keys = set()
    for weights in (None, "published", str(other)):
        settings = Settings(recognition=RecognitionSettings(model="OpenFace", weights=weights))
        keys.add(build.LazyEncoder(settings).network)
    assert len(keys) == 3
    carried, published = (
        build.spec(Settings(recognition=RecognitionSettings(model="OpenFace", weights=w))) for w in (None, "published")
    )
    assert published.thresholds["cosine"] == 0.10 != carried.thresholds["cosine"]
    assert all(carried.thresholds[m] < carried.verify_thresholds[m] for m in METRICS)


def test_weights_of_a_network_that_has_one_set_are_refused():
    settings = Settings(recognition=RecognitionSettings(model="Dlib", weights="published"))
    with pytest.raises(SettingsError, match="Dlib has one set of weights: leave --weights out"):
        build.spec(settings)


def test_a_run_says_which_network_and_weights_it_uses():
    from streamface import cli

    said = {
        weights: cli._what_runs(Settings(recognition=RecognitionSettings(model=model, weights=weights)), None)
        for model, weights in (("OpenFace", "carried"), ("OpenFace", "published"), ("Dlib", None))
    }
    assert said["carried"].startswith("OpenFace network with carried weights on the ")
    assert said["published"].startswith("OpenFace network with published weights on the ")
    assert "distance up to 0.100," in said["published"] and "distance up to 0.037," in said["carried"]
    assert said[None].startswith("Dlib network on the ")
