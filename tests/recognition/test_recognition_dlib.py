import numpy as np
import pytest

from streamface import build
from streamface.alignment import align
from streamface.networks import dlib_resnet
from streamface.pyramid import Pyramid
from streamface.recognition.base import unit


@pytest.fixture(scope="module")
def recognizer(settings):
    return build.analysis(settings).recognizer


@pytest.fixture(scope="module")
def chip(settings, recognizer, portrait) -> np.ndarray:
    (face,) = build.detector(settings).detect(portrait)
    return align(Pyramid(portrait), face, recognizer.spec.template, recognizer.spec.input_px).image


def test_embeddings_equal_those_of_dlib_itself(recognizer, chip):
    dlib = pytest.importorskip("dlib")
    reference = dlib.face_recognition_model_v1(str(dlib_resnet.weights_file()))
    noise = np.random.default_rng(3).integers(0, 256, chip.shape).astype(np.uint8)
    for picture in (chip, noise):
        expected = np.array(reference.compute_face_descriptor(np.ascontiguousarray(picture[:, :, ::-1])))
        assert recognizer.embed(picture[None])[0] == pytest.approx(expected, abs=1e-5)


def test_a_batch_is_its_faces_one_by_one(recognizer, chip):
    both = np.stack([chip, chip[:, ::-1]])
    together = recognizer.embed(both)
    assert together.shape == (2, 128) and together.dtype == np.float32
    assert together[1] == pytest.approx(recognizer.embed(both[1:])[0], abs=1e-6)
    assert recognizer.embed(both[:0]).shape == (0, 128)


def test_mirroring_averages_both_views_and_does_not_care_which_comes_first(recognizer, chip):
    one = recognizer.embed(chip[None], mirror=True)[0]
    other = recognizer.embed(np.ascontiguousarray(chip[None, :, ::-1]), mirror=True)[0]
    assert one == pytest.approx(other, abs=1e-6) and np.linalg.norm(one) == pytest.approx(1, abs=1e-6)
    plain = unit(recognizer.embed(chip[None]))[0]
    assert not np.allclose(one, plain, atol=1e-3)


def test_the_same_person_is_near_and_another_far(recognizer, settings, chip, data):
    import cv2

    detector = build.detector(settings)

    def embedded(name: str) -> np.ndarray:
        image = cv2.imread(str(data / "media" / name))
        face = max(detector.detect(image), key=lambda d: d.box.area)
        cut = align(Pyramid(image), face, recognizer.spec.template, recognizer.spec.input_px)
        return unit(recognizer.embed(cut.image[None]))[0]

    obama, again, biden = (embedded(name) for name in ("obama.jpg", "obama2.jpg", "biden.jpg"))
    limit = recognizer.spec.thresholds["cosine"]
    assert 1 - obama @ again < limit < 1 - obama @ biden


def test_a_damaged_file_is_named(tmp_path, monkeypatch):
    from streamface.errors import WeightsError

    whole = dlib_resnet.weights_file().read_bytes()
    short = tmp_path / dlib_resnet.FILENAME
    short.write_bytes(whole[: len(whole) // 2])
    monkeypatch.setattr(dlib_resnet, "weights_file", lambda: short)
    with pytest.raises(WeightsError, match=dlib_resnet.FILENAME):
        dlib_resnet._read_layers(dlib_resnet.weights_file())


def test_thresholds_exist_for_every_metric(recognizer):
    from streamface.gallery.distances import METRICS

    assert set(recognizer.spec.thresholds) == set(METRICS)
