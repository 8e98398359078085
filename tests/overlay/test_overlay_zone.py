import numpy as np

from streamface.overlay.zone import SHADE, ZoneLayer
from streamface.types import Frame, FrameResult


def test_only_what_lies_outside_is_darkened_at_every_resolution():
    layer = ZoneLayer([(0, 0), (0.5, 0), (0.5, 1), (0, 1)])
    for width, height in ((64, 40), (640, 360)):
        canvas = np.full((height, width, 3), 200, np.uint8)
        layer.draw(canvas, FrameResult(Frame(canvas.copy(), 0, 0.0, 0.0, "here")))
        assert (canvas[height // 2, width // 4] == 200).all()
        assert abs(int(canvas[height // 2, width - 5, 0]) - 200 * SHADE) <= 1
