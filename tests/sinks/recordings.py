"""Reading recordings back."""

from __future__ import annotations

import json

import av
import numpy as np


def files(folder):
    """All recordings, oldest first."""
    return sorted(folder.rglob("*.mp4"))


def label(path):
    """What a file says of itself."""
    with av.open(str(path)) as container:
        return json.loads(container.metadata["comment"])


def decoded(path):
    """Times of the frames, and their pictures, as far as the file can be read."""
    times, images = [], []
    with av.open(str(path)) as container:
        try:
            for frame in container.decode(video=0):
                times.append(frame.time)
                images.append(frame.to_ndarray(format="bgr24"))
        except av.FFmpegError:
            pass
    return times, images


def clock_of(path):
    """Times of the frames on the clock of the rows of faces."""
    return label(path)["start"] + np.array(decoded(path)[0])


def boxes(data):
    """Names of the outermost boxes; the last one is 'cut' where the file ends within it."""
    names, at = [], 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        names.append(data[at + 4 : at + 8].decode("latin1") if at + size <= len(data) and size >= 8 else "cut")
        at += size or len(data)
    return names
