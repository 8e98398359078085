"""Reading pictures: from files in any common format, from arrays of any common type, from Pillow."""

from __future__ import annotations

import contextlib
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from streamface.errors import ImageError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".jp2", ".ppm", ".pgm", ".avif")
"""File names that count as pictures, in lower case."""

_PILLOW_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "JPEG2000", "PPM", "AVIF")
"""Pillow also opens EPS, which starts another program: only these are allowed."""


def read_image(path: str | os.PathLike) -> np.ndarray:
    """Read a picture file as (H, W, 3) uint8 BGR, turned upright by its EXIF orientation.

    Grey, palette and 16-bit pictures become 8-bit colour, transparency is ignored, and an animation gives its
    first frame. Raises `ImageError`, naming the file, when it is missing, empty, cut short or not a picture.
    """
    data = _file_bytes(path)
    if _is_cut_short(data):
        raise ImageError(f"{path} is cut short: copy or download it again")
    image = _decode_opencv(data)
    if image is None:
        image = _decode_pillow(data, path)
    return image


def as_bgr(image: object) -> np.ndarray:
    """`image` as (H, W, 3) uint8 BGR, C-contiguous; not a copy when it already is.

    image: the path of a file; a Pillow picture; or an array (H, W), (H, W, 1), (H, W, 3) BGR or (H, W, 4) BGRA
    of uint8, uint16 (0..65535), bool, another integer type (0..255) or float (0..1 when nothing in it is above
    1, else 0..255). Raises `ImageError` for anything else.
    """
    if isinstance(image, (str, os.PathLike)):
        return read_image(image)
    if isinstance(image, np.ndarray):
        return _array_bgr(image)
    if hasattr(image, "convert") and hasattr(image, "getexif"):
        return _pillow_bgr(image)
    raise ImageError(f"cannot read a picture from {type(image).__name__}: give a path, an array or a Pillow picture")


def list_images(folder: str | os.PathLike) -> list[Path]:
    """Every picture below a folder by its suffix, in natural order ('2.jpg' before '10.jpg'); hidden ones left out."""
    from imutils import paths

    root = Path(folder)
    found = [Path(name) for name in paths.list_files(str(root), validExts=SUFFIXES)]
    shown = (p for p in found if not any(part.startswith(".") for part in p.relative_to(root).parts))
    return sorted(shown, key=lambda p: natural_key(str(p.relative_to(root))))


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """A sorting key under which runs of digits compare as numbers and letters without regard to case."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    key = [(0, int(part), "") if part[0] in "0123456789" else (1, 0, part.casefold()) for part in parts]
    return [*key, (1, 0, text)]


@contextlib.contextmanager
def quiet_opencv() -> Iterator[None]:
    """Keep OpenCV from writing its own warnings to the terminal inside the block; what fails still fails."""
    import cv2

    chatter = cv2 if hasattr(cv2, "setLogLevel") else cv2.utils.logging  # where OpenCV 5 moved it to
    previous = chatter.getLogLevel()
    chatter.setLogLevel(0)
    try:
        yield
    finally:
        chatter.setLogLevel(previous)


def _file_bytes(path: str | os.PathLike) -> np.ndarray:
    try:
        data = np.fromfile(path, np.uint8)  # unlike cv2.imread this opens any file name on Windows
    except IsADirectoryError:
        raise ImageError(f"{path} is a folder: give the path of a picture") from None
    except FileNotFoundError:
        raise ImageError(f"no picture at {path}: check the path") from None
    except OSError as error:
        raise ImageError(f"cannot read {path} ({error.strerror or error}): check the file and its rights") from error
    if not len(data):
        raise ImageError(f"{path} is empty: copy or download it again")
    return data


def _is_cut_short(data: np.ndarray) -> bool:
    """True for a JPEG or PNG without its end mark: decoders fill the rest with grey and call it a picture."""
    content = data.tobytes()
    if content.startswith(b"\xff\xd8"):
        scan = _start_of_scan(content)
        return scan >= 0 and content.find(b"\xff\xd9", scan) < 0
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return b"IEND" not in content
    return False


def _start_of_scan(jpeg: bytes) -> int:
    """Where the coded picture of a JPEG begins, past the preview in its EXIF part; -1 where there is none."""
    position = 2
    while position + 4 <= len(jpeg) and jpeg[position] == 0xFF:
        marker = jpeg[position + 1]
        if marker == 0xDA:
            return position
        filler = marker == 0xFF
        position += 1 if filler else 2 + int.from_bytes(jpeg[position + 2 : position + 4], "big")
    return -1


def _decode_opencv(data: np.ndarray) -> np.ndarray | None:
    """The picture, or None where this OpenCV cannot decode it: 4.10 has no GIF, and a broken file raises in some."""
    import cv2

    with quiet_opencv():
        try:
            return cv2.imdecode(data, cv2.IMREAD_COLOR)
        except cv2.error:
            return None


def _decode_pillow(data: np.ndarray, path: str | os.PathLike) -> np.ndarray:
    import io

    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd EXIF in files that it then refuses anyway
        try:
            with Image.open(io.BytesIO(data.tobytes()), formats=_PILLOW_FORMATS) as picture:
                return _pillow_bgr(picture)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            raise ImageError(f"{path} is no picture, or a broken one: open it in a viewer, or leave it out") from None


def _pillow_bgr(picture) -> np.ndarray:
    from PIL import ImageOps

    if picture.width * picture.height == 0:
        raise ImageError(f"the picture is empty, {picture.width}x{picture.height}: give one with pixels in it")
    upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I;16"):  # Pillow would clip these at 255 instead of scaling them
        return _array_bgr(np.asarray(upright).astype(np.uint16))
    return np.ascontiguousarray(np.asarray(upright.convert("RGB"))[:, :, ::-1])


def _array_bgr(image: np.ndarray) -> np.ndarray:
    if image.ndim not in (2, 3) or 0 in image.shape or (image.ndim == 3 and image.shape[2] not in (1, 3, 4)):
        raise ImageError(
            f"a picture of shape {image.shape} cannot be used: give (H, W), (H, W, 3) or (H, W, 4), none of them 0"
        )
    pixels = _eight_bit(image)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    return np.ascontiguousarray(pixels[:, :, :3])


def _eight_bit(image: np.ndarray) -> np.ndarray:
    if image.dtype == np.uint8:
        return image
    if image.dtype == np.bool_:
        return image.astype(np.uint8) * 255
    if image.dtype == np.uint16:
        return (image >> 8).astype(np.uint8)
    if image.dtype.kind == "f":
        return _from_float(image)
    if image.dtype.kind in "iu" and image.min() >= 0 and image.max() <= 255:
        return image.astype(np.uint8)
    raise ImageError(f"a picture of {image.dtype} cannot be used: convert it to uint8, 0..255")


def _from_float(image: np.ndarray) -> np.ndarray:
    low, high = float(image.min()), float(image.max())
    if not (low >= 0 and high <= 255):  # also when it is not a number
        raise ImageError(f"a picture with values {low:g}..{high:g} cannot be used: bring it to 0..1 or 0..255")
    return np.rint(image * (255.0 if high <= 1 else 1.0)).astype(np.uint8)
