import cv2
import numpy as np
import pytest

from streamface.pyramid import Pyramid


@pytest.fixture
def gradient() -> np.ndarray:
    """Smooth in x and y, so that a cut-out's pixels tell where they come from: blue is x / 2, green is y / 2."""
    y, x = np.mgrid[0:400, 0:480].astype(np.float32)
    return np.dstack([(x + 0.5) / 2, (y + 0.5) / 2, np.zeros_like(x)]).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("scale", [2.0, 1.0, 0.4, 0.11])  # enlarged, as it is, from the first and from the third half
def test_warped_pixels_come_from_where_the_transform_says(gradient, scale):
    transform = np.array([[scale, 0, -100 * scale], [0, scale, -60 * scale]])
    chip = Pyramid(gradient).warped(transform, 24).astype(float)
    across = 100 + (np.arange(24) + 0.5) / scale
    inside = across < 470
    assert chip[8, inside, 0] == pytest.approx(across[inside] / 2, abs=1.2)
    assert chip[:, 8, 1] == pytest.approx((60 + (np.arange(24) + 0.5) / scale) / 2, abs=1.2)


def test_shrinking_does_not_alias():
    stripes = np.zeros((640, 640, 3), np.uint8)
    stripes[:, ::2] = 255
    chip = Pyramid(stripes).warped(np.array([[0.1, 0, 0], [0, 0.1, 0]]), 64)
    assert chip.std() < 3


def test_outside_the_image_the_edge_is_repeated():
    image = np.full((50, 50, 3), 77, np.uint8)
    assert (Pyramid(image).squares(np.array([[-30, -30, 20, 20.0]]), 24) == 77).all()


def test_squares_stretch_each_box(gradient):
    chips = Pyramid(gradient).squares(np.array([[0, 0, 48, 48], [200, 100, 248, 196.0]]), 48)
    assert chips.shape == (2, 48, 48, 3)
    assert chips[0].astype(int) == pytest.approx(gradient[:48, :48].astype(int), abs=1)
    assert chips[1, 10, 10, 1] == pytest.approx((100 + 21) / 2, abs=1.2)
    assert Pyramid(gradient).squares(np.empty((0, 4)), 24).shape == (0, 24, 24, 3)


def test_the_image_is_never_written(gradient):
    before = gradient.copy()
    pyramid = Pyramid(gradient)
    pyramid.resized((100, 80))
    pyramid.warped(np.array([[0.2, 0, 0], [0, 0.2, 0]]), 32)
    assert (gradient == before).all()
    assert cv2.resize(gradient, (100, 80)).shape == pyramid.resized((100, 80)).shape


@pytest.mark.parametrize("size_wh", [(640, 480), (641, 479), (64, 48)])
def test_a_part_of_a_level_gives_the_same_pixels_as_the_whole(size_wh):
    """Also for cut-outs that are turned, lie across an edge, or lie outside."""
    rng = np.random.default_rng(3)
    image = rng.integers(0, 255, (size_wh[1], size_wh[0], 3), dtype=np.uint8)
    for _ in range(60):
        scale, angle = rng.uniform(0.06, 0.6), rng.uniform(-0.6, 0.6)
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        middle = rng.uniform(-0.2, 1.2, 2) * size_wh
        transform = np.hstack([turn, (24 - turn @ middle)[:, None]])
        whole = Pyramid(image)
        whole.level(3)
        expected = whole.warped(transform, 48).astype(int)
        assert Pyramid(image).warped(transform, 48).astype(int) == pytest.approx(expected, abs=1)


def test_a_cut_out_does_not_halve_the_whole_image():
    pyramid = Pyramid(np.zeros((1080, 1920, 3), np.uint8))
    pyramid.squares(np.array([[400, 300, 520, 420.0], [1000, 200, 1200, 400.0]]), 48)
    assert len(pyramid._levels) == 1
