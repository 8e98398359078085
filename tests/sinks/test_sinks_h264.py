"""Pictures on their way into an encoder: the same memory for all, and none written over while it is needed."""

import io
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from streamface.sinks._h264 import Canvas, even


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


def test_an_encoder_that_holds_pictures_back_gets_each_as_it_was():
    file, canvas, shades = io.BytesIO(), Canvas((64, 48)), list(range(20, 220, 10))
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.codec_context.max_b_frames = 64, 48, "yuv420p", 2
        stream.bit_rate = 2_000_000
        for number, shade in enumerate(shades):
            frame = canvas.frame(np.full((48, 64, 3), shade, np.uint8), number, key=False)
            frame.time_base = Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as container:
        seen = [frame.to_ndarray(format="bgr24").mean() for frame in container.decode(video=0)]
    assert seen == pytest.approx(shades, abs=5)
