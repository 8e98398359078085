"""What drawing costs: milliseconds a frame for 7 people at 1920x1080 on one core.

    python benchmarks/overlay.py [--people 7] [--size 1920x1080] [--frames 300]

Every frame moves all faces a little and changes some figures, as a stream does. Prints the median and the 95th
percentile of the time on the processor, the copy of the frame included, and how often a text was drawn anew.
"""

from __future__ import annotations

import argparse
import time

import cv2
import numpy as np

from streamface.overlay.overlay import Overlay
from streamface.settings import OverlaySettings
from streamface.types import Attribute, Box, Detection, FaceResult, Frame, FrameResult, Match, Track

EMOTIONS = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
NAMES = ("Ágnes Kovács", None, "محمد علي", "山田 太郎", "Владимир Петров", "Barack Obama", "สมชาย ใจดี")


def face(number: int, index: int, height: int, rng: np.random.Generator) -> FaceResult:
    """One person, walking."""
    side = height * (0.07 + 0.01 * (number % 4))
    x = height * (0.1 + 0.23 * (number % 7)) + 0.3 * index + rng.normal(0, 0.3)
    y = height * (0.25 + 0.3 * (number % 2)) + 6 * np.sin(index / 20 + number)
    scores = rng.dirichlet(np.ones(7)) if index % 8 == number % 8 else np.full(7, 1 / 7)
    best = int(np.argmax(scores))
    by_emotion = dict(zip(EMOTIONS, map(float, scores), strict=True))
    attributes = {
        "age": Attribute("age", str(30 + number), 1.0, 30.0 + number),
        "gender": Attribute("gender", "Woman" if number % 2 else "Man", 0.9),
        "emotion": Attribute("emotion", EMOTIONS[best], float(scores[best]), None, by_emotion),
    }
    name = NAMES[number % len(NAMES)]
    match = Match(name, round(0.3 + 0.01 * ((index // 25 + number) % 9), 2), "cosine", 0.5, photo=f"{number}.jpg")
    box = Box(x, y, x + side * 0.8, y + side)
    return FaceResult(Track(number + 1, Detection(box, 0.99), index + 1), match, attributes)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=7)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--frames", type=int, default=300)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    width, height = map(int, args.size.split("x"))
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (height, width, 3), dtype=np.uint8)
    photo = rng.integers(0, 255, (220, 220, 3), dtype=np.uint8)
    overlay, spent = Overlay(OverlaySettings(), lambda path, side: photo), []
    for index in range(args.frames):
        people = tuple(face(number, index, height, rng) for number in range(args.people))
        result = FrameResult(Frame(image, index, 0.0, index / 25, "benchmark"), people)
        start = time.thread_time()
        overlay.render(result, fps=30.0 + index % 3)
        spent.append(1000 * (time.thread_time() - start))
    steady = np.array(spent[10:])
    cache = overlay.text.cache
    print(f"{args.people} people at {width}x{height}: median {np.median(steady):.2f} ms, ", end="")
    print(f"95 % under {np.percentile(steady, 95):.2f} ms, first frame {spent[0]:.1f} ms")
    print(f"texts drawn anew: {cache.misses} of {cache.hits + cache.misses}")


if __name__ == "__main__":
    main()
