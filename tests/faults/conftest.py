"""A camera for all tests of faults, which are skipped where there is no RTSP server."""

from __future__ import annotations

import numpy as np
import pytest
from fault_camera import FPS, LOOP, missing, moving_images, stamped, write_clip


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """A folder with clips: 'moving', 10 s in which something moves, each picture numbered; 'large', the same in
    another size; 'still', one picture over and over; 'black'."""
    if missing():
        pytest.skip(missing())
    folder = tmp_path_factory.mktemp("clips")
    write_clip(folder / "moving", moving_images(LOOP), FPS)
    write_clip(folder / "large", moving_images(LOOP, (480, 272)), FPS)
    write_clip(folder / "still", (stamped(next(moving_images(1)), 5) for _ in range(30)), FPS)
    write_clip(folder / "black", (np.full((192, 320, 3), 3, np.uint8) for _ in range(30)), FPS)
    return folder
