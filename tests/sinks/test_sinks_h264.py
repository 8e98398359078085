"""Pictures on their way into an encoder: the same memory for all, and none written over while it is needed."""

from fractions import Fraction

import av
import av.filter
import cv2
import numpy as np
import pytest

from streamface.sinks._h264 import TICKS, Canvas, even


@pytest.mark.parametrize("size_wh", [(64, 48), (66, 50), (6, 10), (63, 47)])
def test_a_picture_arrives_as_opencv_converts_it(size_wh):
    image = np.random.default_rng(1).integers(0, 256, (size_wh[1], size_wh[0], 3), np.uint8)
    stored_wh = even(size_wh)
    canvas = Canvas(stored_wh)
    canvas.frame(np.full_like(image, 200), 0, key=True)
    frame = canvas.frame(image, 7, key=False)
    whole = np.pad(image, ((0, stored_wh[1] - size_wh[1]), (0, stored_wh[0] - size_wh[0]), (0, 0)), mode="edge")
    assert (frame.to_ndarray() == cv2.cvtColor(whole, cv2.COLOR_BGR2YUV_I420)).all()
    assert (frame.pts, frame.pict_type) == (7, av.video.frame.PictureType.NONE)


def test_the_memory_is_used_again():
    canvas, image = Canvas((64, 48)), np.zeros((48, 64, 3), np.uint8)
    assert len({canvas.frame(image, number, key=False).planes[0].buffer_ptr for number in range(10)}) == 1


def test_a_picture_that_somebody_holds_stays_as_it_was():
    """An encoder may hold the frame by its reference; here FFmpeg's filters do."""
    canvas, graph, shades = Canvas((64, 48)), av.filter.Graph(), [40, 120, 200]
    source = graph.add_buffer(width=64, height=48, format="yuv420p", time_base=Fraction(1, TICKS))
    sink = graph.add("buffersink")
    source.link_to(sink)
    graph.configure()
    for number, shade in enumerate(shades):
        graph.push(canvas.frame(np.full((48, 64, 3), shade, np.uint8), number, key=False))
    seen = [graph.pull().to_ndarray(format="bgr24").mean() for _ in shades]
    assert seen == pytest.approx(shades, abs=3)
