"""Pictures that a browser sends: few, small, of known formats, and kept only as a JPEG of our own making."""

from __future__ import annotations

import io
import warnings

import cv2
from PIL import Image, UnidentifiedImageError

from streamface.errors import ImageError
from streamface.images import as_bgr

MOST_FILES = 20
"""In one request."""
FILE_LIMIT = 12 * 1024 * 1024
"""Bytes of one file."""
MOST_PIXELS = 60_000_000
"""Of one picture, by what its head says; none is decoded before."""
TOO_MANY_PIXELS = f"the picture is too large: {MOST_PIXELS // 10**6} million pixels at most"
KEPT_PIXELS = 3_000_000
FORMATS = ("JPEG", "PNG", "WEBP")
QUALITY = 92


def as_jpeg(data: bytes) -> bytes:
    """The picture made upright, small enough, and without what else the file holds, such as where it was taken.

    Raises `ImageError` for anything that is not a whole picture within the limits.
    """
    if len(data) > FILE_LIMIT:
        raise ImageError(f"the file is too large: {FILE_LIMIT // 2**20} MB at most")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the number of pixels is checked here
        image = _decoded(data)
    height, width = image.shape[:2]
    if height * width > KEPT_PIXELS:
        scale = (KEPT_PIXELS / (height * width)) ** 0.5
        size_wh = max(1, int(width * scale)), max(1, int(height * scale))
        image = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))[1].tobytes()


def _decoded(data: bytes):
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise ImageError(TOO_MANY_PIXELS)
            return as_bgr(picture)
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(TOO_MANY_PIXELS) from error
    except UnidentifiedImageError as error:
        raise ImageError(f"this is no picture: send {', '.join(FORMATS)}") from error
    except Exception as error:  # Pillow's decoders raise of every kind for what is broken
        raise ImageError("the picture is broken: send it again") from error
