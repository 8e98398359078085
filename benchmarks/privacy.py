"""Covered faces: what can still be told from them, which ones are missed in a video, and what it costs.

python -m benchmarks.privacy [--model Dlib OpenFace]

Who: people of lfw_dev with two photographs, one in the gallery, another as the question. "covered" covers the head as a
stream does. An attacker who knows exactly where the eyes were cuts the face out and asks a network; asks it about a
gallery that is covered the same way; or compares the colours themselves with those of the gallery's people. The last
line is the same photograph again, of which the colours are the same: who has it can tell that it is the one.

Video: everything is covered, and every frame is then searched in full for faces beside the program. A face of
which more than a tenth is as it was was missed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from time import perf_counter

import cv2
import numpy as np

from benchmarks import data
from streamface import build, mosaic
from streamface.alignment import align
from streamface.configuration import settings_from
from streamface.errors import NoFaceError
from streamface.gallery.live import NEAR
from streamface.pyramid import Pyramid
from streamface.settings import RecognitionSettings
from streamface.stills import StillAnalysis, StillFace
from streamface.stream import Stream
from streamface.types import Box, FrameResult

CLIPS = {
    "demo": "demo",
    "crowd_1080p": "media/crowd_1080p.mp4",
    "head pose, a woman": "media/head-pose-face-detection-female.gif",
    "head pose, two people": "media/head-pose-face-detection-female-and-male.gif",
    "walking up": "media/face-demographics-walking-and-pause.gif",
    "classroom": "media/classroom.gif",
}
STILL_THERE = 0.1
"""A face with more than this part of its pixels unchanged was not covered."""
AROUND = 60
"""Pixels of border put around LFW's photographs, whose faces fill them."""


def covered(image: np.ndarray, box: Box) -> np.ndarray:
    """The image with one head covered."""
    copy = image.copy()
    place = mosaic.head(box)
    mosaic.cover(copy, place, mosaic.tiles(image, place))
    return copy


def two_photographs() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(gallery, question) of everybody with two photographs or more."""
    images, _ = data.lfw()
    of_person: dict[str, list[np.ndarray]] = {}
    for name, image in images.items():
        of_person.setdefault(data.person(name), []).append(image)
    for photos in of_person.values():
        if len(photos) > 1:
            a, b = (cv2.copyMakeBorder(photo, *[AROUND] * 4, cv2.BORDER_REPLICATE) for photo in photos[:2])
            yield a, b


def largest(analysis: StillAnalysis, image: np.ndarray) -> StillFace | None:
    """The largest face, None without any."""
    try:
        return analysis.faces(image, "", True)[0]
    except NoFaceError:
        return None


def as_seen(analysis: StillAnalysis, face: StillFace) -> np.ndarray:
    """The embedding of a face that is covered, cut out where its eyes were."""
    pyramid = Pyramid(covered(face.pyramid.image, face.detection.box))
    facts = analysis.spec
    chip = align(pyramid, face.detection, facts.template, facts.input_px)
    return analysis.embedding(replace(face, chip=chip))


def rank_one(gallery: np.ndarray, questions: np.ndarray) -> float:
    """Part of (N, D) questions whose nearest entry is their own person."""
    unit = [v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-12) for v in (gallery, questions)]
    return float(((unit[1] @ unit[0].T).argmax(1) == np.arange(len(gallery))).mean())


def nearest_colours(gallery: np.ndarray, questions: np.ndarray) -> float:
    """The same by the distance of the colours, each head's own brightness taken out."""
    flat = [v.reshape(len(v), -1, 3).astype(np.float32) for v in (gallery, questions)]
    flat = [(v - v.mean(1, keepdims=True)).reshape(len(v), -1) for v in flat]
    far = ((flat[1][:, None] - flat[0][None]) ** 2).sum(2)
    return float((far.argmin(1) == np.arange(len(gallery))).mean())


def who(models: Sequence[str]) -> None:
    """Print how many people are still told from each other."""
    pairs = list(two_photographs())
    for model in models:
        analysis = StillAnalysis("mtcnn", RecognitionSettings(model=model))
        faces = [[largest(analysis, image) for image in pair] for pair in pairs]
        kept = [pair for pair in faces if all(pair)]
        clean = [np.stack([analysis.embedding(pair[i]) for pair in kept]) for i in (0, 1)]
        hidden = [np.stack([as_seen(analysis, pair[i]) for pair in kept]) for i in (0, 1)]
        found = sum(
            largest(analysis, covered(face.pyramid.image, face.detection.box)) is not None for _, face in kept
        )
        print(f"{model}, {len(kept)} people, by chance {1 / len(kept):.2%}")
        print(f"  faces that are still found after covering: {found / len(kept):.1%}")
        print(f"  right person: not covered {rank_one(*clean):.1%}, covered {rank_one(clean[0], hidden[1]):.2%}, "
              f"gallery covered too {rank_one(*hidden):.2%}")  # fmt: skip
    colours = [np.stack([mosaic.tiles(pair[i].pyramid.image, mosaic.head(pair[i].detection.box)) for pair in kept])
               for i in (0, 1)]  # fmt: skip
    print(f"colours themselves: another photograph {nearest_colours(*colours):.2%}, "
          f"the same one {nearest_colours(colours[1], colours[1]):.1%}")  # fmt: skip


def near(model: str) -> None:
    """Print how many pairs of one person, and of strangers, are within the threshold and within `NEAR` of it."""
    analysis, (images, pairs) = StillAnalysis("mtcnn", RecognitionSettings(model=model)), data.lfw()
    vectors = {name: analysis.embedding(analysis.faces(image, name, False)[0]) for name, image in images.items()}
    unit = np.stack([vector / np.linalg.norm(vector) for vector in vectors.values()])
    place, who = {name: i for i, name in enumerate(vectors)}, np.array([data.person(name) for name in vectors])
    far = 1 - unit @ unit.T
    same = np.array([far[place[a], place[b]] for a, b, alike in pairs if alike])
    strangers = far[who[:, None] != who[None]]
    for factor in (1.0, NEAR):
        limit = factor * build.threshold(analysis.settings)
        print(f"{model}, within {factor:g} thresholds: {(same <= limit).mean():.1%} of one person, "
              f"{(strangers <= limit).mean():.2%} of strangers")  # fmt: skip


def stream(source: str, *options: str) -> Stream:
    """A stream of a clip."""
    return Stream(settings_from(["--source", source, "--no-display", "--actions", "none", *options]))


def still_there(before: np.ndarray, after: np.ndarray, box: Box) -> bool:
    """Whether a part of a face is as it was."""
    inside = box.clipped(before.shape[1], before.shape[0])
    place = np.s_[int(inside.top) : int(inside.bottom), int(inside.left) : int(inside.right)]
    return float((before[place] == after[place]).all(axis=2).mean()) > STILL_THERE


def missed(source: str, answer: Callable[[Stream], Iterator[FrameResult]]) -> tuple[int, int]:
    """(faces not covered, faces) over all frames."""
    with stream(source) as plain:
        original = {result.frame.index: result.frame.image for result in plain}
        detector = build.detector(plain.settings)
    left = every = 0
    with stream(source, "--blur", "all") as running:
        for result in answer(running):
            before = original[result.frame.index]
            for found in detector.detect(Pyramid(before)):
                every += 1
                left += still_there(before, result.frame.image, found.box)
    detector.close()
    return left, every


def without_looking_back(running: Stream) -> Iterator[FrameResult]:
    """Each frame at once, as a program gets it that does not wait."""
    return map(running._privacy.at_once, running._results())


def rate(source: str, *options: str) -> float:
    """Frames a second, the best of three runs."""
    best = 0.0
    for _ in range(3):
        with stream(source, *options) as running:
            begun = perf_counter()
            best = max(best, sum(1 for _ in running) / (perf_counter() - begun))
    return best


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="+", default=["Dlib", "OpenFace"])
    given = parser.parse_args()
    who(given.model)
    for model in given.model:
        near(model)
    for name, clip in CLIPS.items():
        source = clip if clip == "demo" else str(data.file(clip))
        (left, every), (at_once, _) = missed(source, iter), missed(source, without_looking_back)
        print(f"{name}: not covered {left} of {every} faces; without looking back {at_once}", flush=True)
    crowd = str(data.file(CLIPS["crowd_1080p"]))
    print(f"crowd_1080p: {rate(crowd):.1f} frames/s, with --blur all {rate(crowd, '--blur', 'all'):.1f}")


if __name__ == "__main__":
    main()
