from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from streamface import build
from streamface.errors import MissingPackageError, SettingsError, WeightsError
from streamface.settings import DetectionSettings, Settings


def yunet(weights: Path | None, **options) -> Settings:
    return Settings(detection=DetectionSettings(detector="YuNet", weights=weights, **options))


def test_yunet_agrees_with_mtcnn_on_a_portrait(yunet_file, settings, portrait):
    (ours,) = build.detector(yunet(yunet_file)).detect(portrait)
    (other,) = build.detector(settings).detect(portrait)
    assert ours.landmarks == pytest.approx(other.landmarks, abs=0.12 * other.box.height)
    assert ours.box.center == pytest.approx(other.box.center, abs=0.15 * other.box.height)


def test_yunet_leaves_out_small_faces(yunet_file, portrait):
    assert build.detector(yunet(yunet_file, min_face_px=400)).detect(portrait) == ()


def test_yunet_without_its_file_says_how_to_give_it(tmp_path):
    with pytest.raises(SettingsError, match="--detector-weights FILE.onnx"):
        build.detector(yunet(None))
    with pytest.raises(WeightsError, match="no network file"):
        build.detector(yunet(tmp_path / "none.onnx"))
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a network")
    with pytest.raises(WeightsError, match="broken.onnx is not a YuNet network"):
        build.detector(yunet(broken))


def test_haar_finds_the_portrait_or_says_that_opencv_lacks_it(portrait):
    settings = Settings(detection=DetectionSettings(detector="haar"))
    if hasattr(cv2, "CascadeClassifier"):
        faces = build.detector(settings).detect(portrait)
        assert faces and faces[0].landmarks is None and faces[0].box.width > 60
    else:
        with pytest.raises(MissingPackageError, match="opencv-python<5"):
            build.detector(settings)


def test_haar_turns_the_cascades_answer_into_detections():
    from streamface.detection.haar import Haar

    class Cascade:
        def detectMultiScale3(self, grey, **options):
            assert grey.ndim == 2 and options["minSize"] == (50, 50)
            return np.array([[10, 20, 60, 60], [100, 20, 70, 70]]), None, np.array([0.5, 4.0])

    first, second = Haar(Cascade(), 50.0).detect(np.zeros((200, 200, 3), np.uint8))
    assert (first.box.left, first.box.right) == (100, 170) and first.score > second.score > 0.5


def test_every_detector_can_be_chosen_by_name_in_any_spelling(settings):
    assert type(build.detector(replace(settings, detection=DetectionSettings(detector="mt-CNN")))).__name__ == "Mtcnn"
