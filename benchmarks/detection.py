"""Cost and recall of detection on 4K pictures: `python -m benchmarks.detection [--min-face PX] [--scenes N]`.

Each scene is a frame of the crowd clip enlarged to 3840x2160, its own faces smeared, with grain, into which 0, 5 or 50
people of LFW are pasted with faces of 20 to 200 pixels (their logarithms evenly spread), none over another. Prints, for
each count, milliseconds a picture (of the clock, and of the processor, which other programs disturb less), recall by
size of face, and false alarms a picture. Nothing of the pictures is stored.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from statistics import median

import cv2
import numpy as np

from benchmarks import synthetic
from benchmarks.scenes import ASPECT, HEAD
from streamface import build
from streamface.geometry import boxes_array, iou
from streamface.settings import AnalysisSettings, DetectionSettings, Settings

SIZE_WH = (3840, 2160)
SIZES_PX = (20, 28, 40, 56, 80, 200)
"""Borders of the classes of height that recall is given for."""
FOUND = 0.4
"""Least overlap (IoU) of a face that counts as found."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture and the (N, 4) boxes of the faces in it."""

    image: np.ndarray
    boxes: np.ndarray


@dataclass(slots=True)
class Result:
    """What came of some pictures."""

    clock_ms: list[float] = field(default_factory=list)
    processor_ms: list[float] = field(default_factory=list)
    sizes: list[float] = field(default_factory=list)
    hits: list[bool] = field(default_factory=list)
    false_alarms: int = 0

    def line(self) -> str:
        """Everything in one line."""
        sizes, hits = np.array(self.sizes), np.array(self.hits, bool)
        classes = []
        for low, high in zip(SIZES_PX[:-1], SIZES_PX[1:], strict=True):
            inside = (sizes >= low) & (sizes < high)
            if inside.any():
                classes.append(f"{low}-{high} px {hits[inside].mean():.1%} of {inside.sum()}")
        cost = f"{median(self.clock_ms):.0f} ms, {median(self.processor_ms):.0f} ms of the processor"
        return f"{cost}; {'; '.join(classes) or 'no faces'}; {self.false_alarms / len(self.clock_ms):.2f} false alarms"


def background(seed: int) -> np.ndarray:
    """A frame of the crowd clip at 3840x2160 without faces, with the grain of a sensor."""
    frame = synthetic.frame("media/crowd_1080p.mp4", 10 * seed)
    image = cv2.resize(frame, SIZE_WH, interpolation=cv2.INTER_CUBIC)
    for face in synthetic.detector().detect(image):
        synthetic.smear(image, boxes_array([face.box.padded(0.4).clipped(*SIZE_WH)])[0].astype(int))
    grain = np.random.default_rng((seed, 1)).normal(0, 4, (*SIZE_WH[::-1], 1)).astype(np.float32)
    return np.clip(image + grain, 0, 255).astype(np.uint8)


def scene(count: int, seed: int) -> Scene:
    """`count` people before `background(seed)`."""
    image, rng = background(seed), np.random.default_rng((seed, count))
    boxes: list[np.ndarray] = []
    while len(boxes) < count:
        height = np.exp(rng.uniform(np.log(SIZES_PX[0]), np.log(SIZES_PX[-1])))
        half = np.array([height / ASPECT, height]) / 2
        middle = rng.uniform(2 * half, np.array(SIZE_WH) - 2 * half)
        box = np.concatenate([middle - half, middle + half])
        room = np.concatenate([middle - half * HEAD, middle + half * HEAD])
        if all(iou(room[None], other[None])[0, 0] == 0 for _, other in boxes):
            boxes.append((box, room))
    for head, (box, _) in zip(synthetic.heads(count, seed) if count else [], boxes, strict=True):
        synthetic.paste(image, *head, box)
    return Scene(image, np.array([box for box, _ in boxes]).reshape(-1, 4))


def measure(detector, scenes: list[Scene]) -> Result:
    """Detect each scene, once before the clock runs."""
    result = Result()
    detector.detect(scenes[0].image)
    for one in scenes:
        clock, processor = time.perf_counter(), time.process_time()
        found = boxes_array(d.box for d in detector.detect(one.image))
        result.clock_ms.append(1e3 * (time.perf_counter() - clock))
        result.processor_ms.append(1e3 * (time.process_time() - processor))
        overlap = iou(one.boxes, found) >= FOUND
        result.sizes += (one.boxes[:, 3] - one.boxes[:, 1]).tolist()
        result.hits += overlap.any(1).tolist()
        result.false_alarms += int((~overlap.any(0)).sum())
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--min-face", type=float, nargs="*", default=[20, 40], help="smallest face, as in streamface")
    parser.add_argument("--scenes", type=int, default=6, help="pictures of each count")
    options = parser.parse_args()
    scenes = {count: [scene(count, seed) for seed in range(options.scenes)] for count in (0, 5, 50)}
    for px in options.min_face:
        settings = Settings(analysis=AnalysisSettings(actions=()), detection=DetectionSettings(min_face_px=px))
        build.prepare(settings)
        detector = build.detector(settings)
        for count, some in scenes.items():
            print(f"faces from {px:g} px, {count} in view: {measure(detector, some).line()}", flush=True)


if __name__ == "__main__":
    main()
