import threading

import numpy as np
import pytest

from streamface.sinks.grid import EMPTY, Grid
from streamface.types import Frame, FrameResult

RED, GREEN, BLUE = (0, 0, 255), (0, 255, 0), (255, 0, 0)


def write(grid: Grid, camera: str, colour, width=64, height=36) -> None:
    image = np.full((height, width, 3), colour, np.uint8)
    grid.tile(camera).write(FrameResult(Frame(image, 0, 0.0, None, camera)), image)


def test_cameras_stand_row_by_row_and_a_missing_one_leaves_its_place_empty():
    grid = Grid(["a", "b", "c"], (128, 72))
    write(grid, "a", RED)
    write(grid, "c", BLUE)
    whole = grid.compose()
    assert whole.shape == (72, 128, 3)
    assert tuple(whole[18, 32]) == RED and tuple(whole[54, 32]) == BLUE
    assert (whole[:36, 64:] == EMPTY).all() and (whole[36:, 64:] == EMPTY).all()


@pytest.mark.parametrize(("width", "height"), [(640, 360), (360, 640), (1920, 1080), (31, 17)])
def test_a_picture_keeps_its_shape_and_fills_the_tile_one_way(width, height):
    grid = Grid(["a"], (320, 200))
    write(grid, "a", GREEN, width, height)
    rows, columns = np.nonzero((grid.compose() == GREEN).all(2))
    across, down = np.ptp(columns) + 1, np.ptp(rows) + 1
    assert (across == 320 and down <= 200) or (down == 200 and across <= 320)
    assert abs(across / down - width / height) < 0.06
    assert abs(columns.mean() - 159.5) <= 1 and abs(rows.mean() - 99.5) <= 1


def test_waiting_ends_with_the_next_picture():
    grid = Grid(["a"])
    assert not grid.wait(0.01)
    threading.Timer(0.05, write, (grid, "a", RED)).start()
    assert grid.wait(5)
    grid.compose()
    assert not grid.wait(0.01)
