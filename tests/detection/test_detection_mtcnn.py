import cv2
import numpy as np
import pytest

from streamface import build, plugins
from streamface.detection.mtcnn import Mtcnn
from streamface.networks import mtcnn as networks
from streamface.runtime.session import Session
from streamface.types import LANDMARKS, Box


@pytest.fixture(scope="module")
def detector(settings) -> Mtcnn:
    with_settings = build.detector(settings)
    yield with_settings
    with_settings.close()


def by_hand(network: str, image: np.ndarray) -> np.ndarray:
    """R- or O-Net in plain numpy from the package's arrays: RGB, (x - 127.5) / 128, columns first."""
    import joblib

    arrays = iter(joblib.load(networks.weights_file(network)))
    x = (image[:, :, ::-1].astype(np.float64) - 127.5) / 128
    for kind, *numbers in networks.LAYERS[network]:
        if kind == "pool":
            x = pooled(x, *numbers)
            continue
        kernel, bias, slope = next(arrays), next(arrays), next(arrays)
        if kind == "dense":
            x = x.transpose(1, 0, 2).reshape(-1) if x.ndim == 3 else x
            x = x @ kernel + bias
        else:
            windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], (0, 1))
            x = np.einsum("ijcyx,yxcf->ijf", windows, kernel) + bias
        x = np.where(x > 0, x, slope * x)
    heads = list(arrays)
    outputs = [x @ kernel + bias for kernel, bias in zip(heads[::2], heads[1::2], strict=True)]
    other, face = outputs[-1]
    return np.concatenate([*outputs[:-1], [face - other]])


def pooled(x: np.ndarray, side: int, stride: int, padding: str) -> np.ndarray:
    rows = [(n - side) // stride + 1 if padding == "valid" else -(-n // stride) for n in x.shape[:2]]
    missing = [max(0, (r - 1) * stride + side - n) for r, n in zip(rows, x.shape[:2], strict=True)]
    around = [(m // 2, m - m // 2) for m in missing]
    x = np.pad(x, [*around, (0, 0)], constant_values=-np.inf)
    return np.array(
        [[x[i * stride :, j * stride :][:side, :side].max((0, 1)) for j in range(rows[1])] for i in range(rows[0])]
    )


@pytest.mark.parametrize("network", ["rnet", "onet"])
def test_each_network_equals_its_definition(settings, network):
    required = {n.name: n for n in plugins.backend("detection", "mtcnn").required(settings.detection)}
    side = networks.INPUT_PX[network]
    image = np.random.default_rng(1).integers(0, 256, (side, side, 3)).astype(np.float32)
    found = Session(required[network].path()).run(image[None])[0][0]
    assert found == pytest.approx(by_hand(network, image), abs=1e-4)


def test_a_portrait_has_one_face_with_its_landmarks_in_place(detector, portrait):
    (face,) = detector.detect(portrait)
    named = dict(zip(LANDMARKS, face.landmarks, strict=True))
    assert face.score > 0.99
    assert named["eye_left"][0] < named["nose"][0] < named["eye_right"][0]
    assert named["eye_left"][1] < named["nose"][1] < named["mouth_left"][1]
    inside = face.box.padded(0.05)
    assert all(inside.left < x < inside.right and inside.top < y < inside.bottom for x, y in face.landmarks)


@pytest.mark.parametrize("scale", [0.35, 1.0, 2.3])
def test_box_and_landmarks_scale_with_the_picture(detector, portrait, scale):
    (face,) = detector.detect(portrait)
    (scaled,) = detector.detect(cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    tolerance = 0.06 * face.box.height
    assert scaled.landmarks / scale == pytest.approx(face.landmarks, abs=tolerance)
    assert scaled.box.height / scale == pytest.approx(face.box.height, rel=0.15)


def test_a_mirrored_picture_gives_mirrored_landmarks(detector, portrait):
    (face,) = detector.detect(portrait)
    (mirrored,) = detector.detect(np.ascontiguousarray(portrait[:, ::-1]))
    flipped = np.stack([portrait.shape[1] - mirrored.landmarks[:, 0], mirrored.landmarks[:, 1]], 1)
    assert flipped[[1, 0, 2, 4, 3]] == pytest.approx(face.landmarks, abs=0.05 * face.box.height)


def test_refine_follows_a_box_that_is_off_and_says_when_the_face_is_gone(detector, portrait):
    (face,) = detector.detect(portrait)
    b = face.box
    shifted = Box(b.left + 0.15 * b.width, b.top - 0.1 * b.height, b.right + 0.15 * b.width, b.bottom - 0.1 * b.height)
    nowhere = Box(5, 5, 5 + b.width / 2, 5 + b.height / 2)
    found, gone = detector.refine(portrait, [shifted, nowhere])
    assert gone is None
    assert found.landmarks == pytest.approx(face.landmarks, abs=0.06 * b.height)
    assert detector.refine(portrait, []) == ()


def test_no_face_in_noise_nor_in_a_flat_picture(detector):
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3)).astype(np.uint8)
    assert detector.detect(noise) == ()
    assert detector.detect(np.full((240, 320, 3), 128, np.uint8)) == ()
    assert detector.detect(np.zeros((10, 10, 3), np.uint8)) == ()


def test_smaller_faces_than_asked_for_are_left_out(settings, portrait):
    from dataclasses import replace

    small = cv2.resize(portrait, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA)
    canvas = np.full((480, 640, 3), 100, np.uint8)
    canvas[50 : 50 + small.shape[0], 50 : 50 + small.shape[1]] = small
    for min_face_px, count in ((20, 1), (120, 0)):
        detector = build.detector(replace(settings, detection=replace(settings.detection, min_face_px=min_face_px)))
        assert len(detector.detect(canvas)) == count


def test_several_faces_come_best_first(detector, portrait):
    half = cv2.resize(portrait, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    row = np.hstack([half, cv2.GaussianBlur(half, (0, 0), 2), half])
    found = detector.detect(row)
    assert len(found) == 3
    assert [d.score for d in found] == sorted((d.score for d in found), reverse=True)


def test_pictures_of_many_sizes_do_not_fill_the_memory(settings):
    from streamface.detection.mtcnn import KEPT_SESSIONS

    detector = build.detector(settings)
    for i in range(KEPT_SESSIONS):
        detector.detect(np.zeros((60 + 8 * i, 90, 3), np.uint8))
    assert len(detector._sessions) == KEPT_SESSIONS


def test_a_size_that_pictures_had_for_a_moment_is_given_up(settings, portrait, monkeypatch):
    monkeypatch.setattr("streamface.detection.mtcnn.KEPT_PASSES", 60)
    detector, usual, other = build.detector(settings), portrait, portrait[:-8, :-6]
    detector.detect(usual)
    before, (expected, *_) = set(detector._sessions), detector.detect(other)
    both = set(detector._sessions)
    while detector._passes < 400:
        detector.detect(usual)
    assert before < both and set(detector._sessions) <= before
    again, *_ = detector.detect(other)
    assert again.box == expected.box


@pytest.mark.parametrize("side", [46, 54, 64, 100, 130])
def test_a_face_that_fills_a_small_picture_is_found(detector, portrait, side):
    (face,) = detector.detect(portrait)
    box = face.box.padded(0.05)
    cut = portrait[int(box.top) : int(box.bottom), int(box.left) : int(box.right)]
    assert len(detector.detect(cv2.resize(cut, (side, side), interpolation=cv2.INTER_AREA))) == 1


def test_the_finest_size_is_left_out_where_there_is_room():
    from streamface.detection.mtcnn import _sizes

    assert _sizes((1920, 1080), 40)[0] == (408, 230)
    assert _sizes((50, 60), 40)[0] == (15, 18)
    assert _sizes((20, 20), 40) == []
