"""Clips of a scene: photographs of LFW, softly cut out, walk over real backgrounds.

python -m benchmarks.synthetic NAME OUT.mp4   writes one of the clips of benchmarks/tracking.py, to look at

The faces come from lfw_dev and the backgrounds from the clips of the data folder, cut or blurred so that they show
no faces; nothing of them is stored. A box of the truth is MTCNN's box in the photograph, carried along.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import lru_cache

import cv2
import numpy as np

from benchmarks import data
from benchmarks.scenes import HEAD, Scene, pillars, walks
from streamface import build
from streamface.geometry import boxes_array
from streamface.settings import AnalysisSettings, DetectionSettings, Settings

SOFT = 0.12
"""Width of the soft edge of a cut-out, in face widths."""


class Clip:
    """The images of a scene in order, (H, W, 3) uint8 BGR; may be gone through several times.

    `walks` are the scene's, with one photograph for each; take the truth from `scenes.truth(scene, clip.walks)`.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.walks = walks(scene)
        looks = max((walk.look for walk in self.walks), default=0) + 1
        chosen = heads(looks, scene.seed)
        self.people = [name for name, _ in chosen]
        """Who each look is, as `data.person` names them."""
        self._heads = [head for _, head in chosen]
        self._background = background(scene.size_wh, scene.seed)
        self._posts = pillars(scene).astype(int)

    def __iter__(self) -> Iterator[np.ndarray]:
        for index in range(self.scene.frames):
            yield self.image(index)

    def image(self, index: int) -> np.ndarray:
        """The picture of frame `index`."""
        canvas = self._behind(index)
        for walk in sorted(self.walks, key=lambda walk: walk.depth):
            if 0 <= index - walk.start < len(walk.boxes):
                paste(canvas, *self._heads[walk.look], walk.boxes[index - walk.start])
        for left, top, right, bottom in self._posts:
            canvas[top:bottom, left:right] = np.linspace(70, 130, right - left)[None, :, None]
        return self._spoiled(canvas, index)

    def _behind(self, index: int) -> np.ndarray:
        """The background, which drifts a little as from a camera held by hand."""
        width, height = self.scene.size_wh
        room_y, room_x = np.subtract(self._background.shape[:2], (height, width))
        x = round(room_x * (0.5 + 0.5 * np.sin(index / 60)))
        y = round(room_y * (0.5 + 0.5 * np.sin(index / 45)))
        return self._background[y : y + height, x : x + width].copy()

    def _spoiled(self, canvas: np.ndarray, index: int) -> np.ndarray:
        """Blurred and darkened as the scene says, and with the noise of a sensor."""
        swing = 0.5 - 0.5 * np.cos(index / 25)
        if self.scene.blur_px:
            canvas = cv2.GaussianBlur(canvas, (0, 0), max(0.3, self.scene.blur_px * swing))
        dark, bright = self.scene.light
        rng = np.random.default_rng((self.scene.seed, index))
        noise = cv2.resize(rng.normal(0, 3, (270, 480)).astype(np.float32), self.scene.size_wh)
        return np.clip(canvas * (bright + (dark - bright) * swing) + noise[..., None], 0, 255).astype(np.uint8)


def paste(canvas: np.ndarray, image: np.ndarray, alpha: np.ndarray, face: np.ndarray, box: np.ndarray) -> None:
    """Draw a head so that its `face` (4,) lies on `box` (4,)."""
    height, width = canvas.shape[:2]
    grown = np.array([2 * HEAD[0], 2 * HEAD[1]]) * (box[2:] - box[:2]) / 2 + 2
    middle = (box[:2] + box[2:]) / 2
    left, top = np.clip(np.floor(middle - grown), 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(middle + grown), 0, (width, height)).astype(int)
    if right <= left or bottom <= top:
        return
    scale = (box[2:] - box[:2]) / (face[2:] - face[:2])
    shift = box[:2] - face[:2] * scale - (left, top)
    matrix = np.array([[scale[0], 0, shift[0]], [0, scale[1], shift[1]]])
    size = (int(right - left), int(bottom - top))
    head = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    cover = cv2.warpAffine(alpha, matrix, size)[..., None]
    part = canvas[top:bottom, left:right]
    part[:] = part * (1 - cover) + head * cover


@lru_cache(maxsize=1)
def detector():
    """The detector that finds the faces to cut out, and those to smear."""
    settings = Settings(
        analysis=AnalysisSettings(actions=()), detection=DetectionSettings(min_face_px=24, min_score=0.6)
    )
    build.prepare(settings)
    return build.detector(settings)


@lru_cache(maxsize=1)
def _photographs() -> dict[str, np.ndarray]:
    return data.lfw()[0]


Head = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Photograph, (H, W) float32 cover 0..1, and (4,) box of the face in it."""


def heads(count: int, seed: int) -> list[tuple[str, Head]]:
    """`count` people of LFW, by name."""
    people = {data.person(name): image for name, image in reversed(_photographs().items())}
    names = np.random.default_rng((seed, 7)).permutation(sorted(people))
    found = []
    for name in names:
        image = people[name]
        faces = detector().detect(image)
        if len(faces) == 1 and faces[0].score > 0.95:
            box = boxes_array([faces[0].box])[0]
            found.append((name, (image, _cover(image, box), box)))
        if len(found) == count:
            return found
    sys.exit(f"lfw_dev has only {len(found)} people for a clip of {count}: ask for fewer")


def _cover(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """A soft ellipse around the head."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    width, height = box[2:] - box[:2]
    across = (x - (box[0] + box[2]) / 2) / (HEAD[0] * width)
    down = (y - (box[1] + box[3]) / 2) / (HEAD[1] * height)
    inside = (1 - np.hypot(across, down)) * HEAD[0] / SOFT
    return np.clip(inside, 0, 1).astype(np.float32)


def background(size_wh: tuple[int, int], seed: int) -> np.ndarray:
    """A real picture somewhat larger than `size_wh`: a street above people's heads, or a classroom without faces."""
    if seed % 2:
        image = frame("media/classroom.gif")
    else:
        image = frame("media/crowd_1080p.mp4")[:440, 300:1080]
    image = cv2.resize(image, (size_wh[0] + 40, size_wh[1] + 20), interpolation=cv2.INTER_CUBIC)
    for face in detector().detect(image):
        smear(image, boxes_array([face.box.padded(0.4).clipped(*image.shape[1::-1])])[0].astype(int))
    return image


def frame(name: str, index: int = 0) -> np.ndarray:
    """Frame `index` of a clip of the data folder."""
    capture = cv2.VideoCapture(str(data.file(name)))
    try:
        for _ in range(index):
            capture.grab()
        return capture.read()[1]
    finally:
        capture.release()


def smear(image: np.ndarray, box: np.ndarray) -> None:
    """Take the face out of a region of the image, in place."""
    left, top, right, bottom = box
    image[top:bottom, left:right] = cv2.GaussianBlur(image[top:bottom, left:right], (0, 0), (right - left) / 4)


def main() -> None:
    """Write one clip, with the truth drawn in."""
    import av

    from benchmarks.scenes import truth
    from benchmarks.tracking import SCENES

    if len(sys.argv) != 3:
        sys.exit(__doc__)
    scene = {scene.name: scene for scene in SCENES}[sys.argv[1]]
    clip = Clip(scene)
    with av.open(sys.argv[2], "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height = scene.size_wh
        stream.pix_fmt = "yuv420p"
        for image, faces in zip(clip, truth(scene, clip.walks), strict=True):
            for face in faces:
                corners = [round(v) for v in (face.box.left, face.box.top, face.box.right, face.box.bottom)]
                colour = (0, 255, 0) if face.visible >= 0.5 else (0, 0, 255)
                cv2.rectangle(image, corners[:2], corners[2:], colour, 2)
                cv2.putText(image, str(face.person), corners[:2], 0, 0.8, colour, 2)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "bgr24")))
        container.mux(stream.encode())


if __name__ == "__main__":
    main()
