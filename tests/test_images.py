import io
import logging

import cv2
import numpy as np
import pytest
from PIL import Image

from streamface.errors import ImageError
from streamface.images import as_bgr, list_images, natural_key, read_image


def gradient(height=48, width=64):
    """A picture that is different in every direction, with blue, green and red apart."""
    y, x = np.mgrid[0:height, 0:width]
    return np.dstack([x * 255 // width, y * 255 // height, np.full_like(x, 40)]).astype(np.uint8)


def encoded(suffix, image=None):
    return cv2.imencode(suffix, gradient() if image is None else image)[1].tobytes()


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tiff", ".ppm", ".jp2"])
def test_common_formats(tmp_path, suffix):
    path = tmp_path / f"Müller 影{suffix}"
    path.write_bytes(encoded(suffix))
    image = read_image(path)
    assert image.shape == (48, 64, 3) and image.dtype == np.uint8
    assert np.abs(image.astype(int) - gradient()).mean() < 4


def rgb(image):
    return Image.fromarray(np.ascontiguousarray(image[:, :, ::-1]))


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("grey.png", lambda p: rgb(gradient()).convert("L").save(p)),
        ("palette.png", lambda p: rgb(gradient()).convert("P").save(p)),
        ("alpha.png", lambda p: rgb(gradient()).convert("RGBA").save(p)),
        ("alpha.webp", lambda p: rgb(gradient()).convert("RGBA").save(p, lossless=True)),
        ("cmyk.jpg", lambda p: rgb(gradient()).convert("CMYK").save(p)),
        ("deep.png", lambda p: p.write_bytes(encoded(".png", gradient().astype(np.uint16) * 257))),
        ("grey_deep.png", lambda p: p.write_bytes(encoded(".png", gradient()[:, :, 0].astype(np.uint16) * 257))),
        ("bit.png", lambda p: rgb(gradient()).convert("1").save(p)),
        (
            "moving.gif",
            lambda p: rgb(gradient()).save(p, save_all=True, append_images=[Image.new("RGB", (64, 48), "red")]),
        ),
    ],
)
def test_every_kind_of_pixel_becomes_colour(tmp_path, name, write):
    write(tmp_path / name)
    image = read_image(tmp_path / name)
    assert image.shape == (48, 64, 3) and image.dtype == np.uint8 and image.flags.c_contiguous
    expected = gradient()
    if name.startswith("grey_deep"):
        expected = np.repeat(expected[:, :, :1], 3, 2)
    elif name.startswith(("grey", "bit")):
        expected = np.repeat(cv2.cvtColor(expected, cv2.COLOR_BGR2GRAY)[:, :, None], 3, 2)
    assert np.abs(image.mean((0, 1)) - expected.mean((0, 1))).max() < 12
    assert np.corrcoef(cv2.blur(image, (9, 9)).ravel(), cv2.blur(expected, (9, 9)).ravel())[0, 1] > 0.95


@pytest.mark.parametrize("without_opencv", [False, True])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path, monkeypatch, orientation, without_opencv):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation](gradient())
    rgb(stored).save(tmp_path / "a.jpg", exif=exif, quality=95)
    if without_opencv:
        monkeypatch.setattr("streamface.images._decode_opencv", lambda data: None)
    image = read_image(tmp_path / "a.jpg")
    assert image.shape == (48, 64, 3)
    assert np.abs(image.astype(int) - gradient()).mean() < 4


def with_preview(data):
    """A JPEG with another whole JPEG in its first segment, as cameras put it there."""
    preview = encoded(".jpg", gradient(12, 16))
    segment = b"Exif\0\0" + preview
    return data[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + data[2:]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "no picture at .*a.jpg: check the path"),
        (b"", "a.jpg is empty"),
        (b"hello" * 50, "a.jpg is no picture, or a broken one"),
        (encoded(".jpg")[:-200], "a.jpg is cut short: copy or download it again"),
        (encoded(".jpg")[:100], "a.jpg is "),
        (with_preview(encoded(".jpg"))[:-200], "a.jpg is cut short"),
        (encoded(".png")[:-200], "a.jpg is cut short"),
        (encoded(".webp")[:-40], "a.jpg is no picture, or a broken one"),
        (encoded(".bmp")[:-200], "a.jpg is no picture, or a broken one"),
        (encoded(".tiff")[:-20], "a.jpg is no picture, or a broken one"),
        (b"\xff\xd8", "a.jpg is "),
        (b"GIF89a" + bytes(30), "a.jpg is "),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "a.jpg is no picture"),
    ],
    ids=[
        *("missing", "empty", "text", "jpeg", "jpeg head", "jpeg with preview", "png", "webp", "bmp", "tiff"),
        *("jpeg start", "gif start", "postscript"),
    ],
)
def test_what_is_no_whole_picture(tmp_path, content, expected):
    path = tmp_path / "a.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ImageError, match=expected) as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


def test_opencv_says_nothing_of_its_own(tmp_path, capfd):
    (tmp_path / "a.tiff").write_bytes(encoded(".tiff")[:-20])
    (tmp_path / "a.bmp").write_bytes(encoded(".bmp")[:-20])
    for name in ("a.tiff", "a.bmp"):
        with pytest.raises(ImageError):
            read_image(tmp_path / name)
    assert capfd.readouterr() == ("", "")


def test_a_folder_is_no_picture(tmp_path):
    with pytest.raises(ImageError, match="is a folder|cannot read"):
        read_image(tmp_path)


def test_whole_pictures_are_not_taken_for_cut_short(tmp_path):
    for content in (
        with_preview(encoded(".jpg")),
        encoded(".jpg") + b"\xff\xda a film follows",
        encoded(".png") + b"x",
    ):
        (tmp_path / "a.jpg").write_bytes(content)
        assert read_image(tmp_path / "a.jpg").shape == (48, 64, 3)


def test_a_right_array_is_passed_on_as_it_is():
    image = gradient()
    assert as_bgr(image) is image or np.shares_memory(as_bgr(image), image)


@pytest.mark.parametrize(
    "image",
    [
        gradient()[:, ::-1],
        np.dstack([gradient(), np.zeros((48, 64), np.uint8)]),
        gradient().astype(np.uint16) << 8,
        gradient().astype(np.float32) / 255,
        gradient().astype(np.float64),
        gradient().astype(np.int64),
    ],
)
def test_arrays_of_every_type(image):
    result = as_bgr(image)
    expected = gradient()[:, ::-1] if image.dtype == np.uint8 and image.shape[2] == 3 else gradient()
    assert result.dtype == np.uint8 and result.flags.c_contiguous
    assert np.array_equal(result, expected)


@pytest.mark.parametrize("shape", [(48, 64), (48, 64, 1)])
def test_grey_and_bool_arrays(shape):
    grey = gradient()[:, :, 0].reshape(shape)
    assert np.array_equal(as_bgr(grey), np.repeat(gradient()[:, :, :1], 3, 2))
    assert set(np.unique(as_bgr(grey > 100))) == {0, 255}


def test_paths_and_pillow(tmp_path):
    rgb(gradient()).save(tmp_path / "a.png")
    for image in (str(tmp_path / "a.png"), tmp_path / "a.png", rgb(gradient()), rgb(gradient()).convert("RGBA")):
        assert np.array_equal(as_bgr(image), gradient())
    deep = Image.fromarray(gradient()[:, :, 0].astype(np.uint16) * 256)
    assert np.array_equal(as_bgr(deep)[:, :, 0], gradient()[:, :, 0])


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (np.zeros((0, 5, 3), np.uint8), r"shape \(0, 5, 3\)"),
        (np.zeros(5, np.uint8), r"shape \(5,\)"),
        (np.zeros((4, 4, 2), np.uint8), r"shape \(4, 4, 2\)"),
        (np.zeros((2, 4, 4, 3), np.uint8), "shape"),
        (np.full((4, 4, 3), np.nan), r"nan\.\.nan"),
        (np.full((4, 4, 3), -1.0), "bring it to"),
        (np.full((4, 4, 3), 300), "convert it to uint8"),
        (np.full((4, 4, 3), "a"), "convert it to uint8"),
        (Image.new("RGB", (0, 3)), "is empty"),
        (None, "NoneType"),
        (io.BytesIO(), "BytesIO"),
    ],
)
def test_what_is_no_array_of_a_picture(image, expected):
    with pytest.raises(ImageError, match=expected):
        as_bgr(image)


def test_images_are_listed_in_natural_order(tmp_path):
    for name in ("b/2.png", "b/10.PNG", "a.jpeg", "c.webp", ".hidden.jpg", ".thumbs/x.jpg", "notes.txt", "d.gif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [str(p.relative_to(tmp_path).as_posix()) for p in list_images(tmp_path)]
    assert found == ["a.jpeg", "b/2.png", "b/10.PNG", "c.webp", "d.gif"]
    assert list_images(tmp_path / "nowhere") == []


def test_a_hidden_folder_may_be_listed_itself(tmp_path):
    (tmp_path / ".people").mkdir()
    (tmp_path / ".people" / "a.jpg").touch()
    assert len(list_images(tmp_path / ".people")) == 1


def test_natural_order():
    names = ["img12", "Img2", "img1", "9", "10", "é", "²"]
    assert sorted(names, key=natural_key) == ["9", "10", "img1", "Img2", "img12", "²", "é"]


def test_nothing_is_logged_for_a_good_picture(tmp_path, caplog):
    (tmp_path / "a.png").write_bytes(encoded(".png"))
    with caplog.at_level(logging.DEBUG, "streamface"):
        read_image(tmp_path / "a.png")
    assert not caplog.records
