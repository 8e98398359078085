"""Verification on lfw_dev: detect, align, embed, decide. `python -m benchmarks.verification [--model M] [--detector N]`

Accuracy: the threshold is chosen on one half of the pairs and counted on the other, 20 random halvings, both ways.
True accept rates and the printed thresholds rest on all pairs of two people that lfw_dev allows, some 3.3 million.
"""

from __future__ import annotations

import argparse
from time import perf_counter

import numpy as np

from benchmarks import data
from streamface import build
from streamface.gallery.distances import distance
from streamface.pyramid import Pyramid
from streamface.recognition.base import METRICS
from streamface.settings import AnalysisSettings, DetectionSettings, RecognitionSettings, Settings

HALVINGS = 20


def central(detections, image: np.ndarray):
    """The detection nearest to the middle of the picture: LFW names the person there; None when there is none."""
    middle = np.array(image.shape[1::-1]) / 2
    return min(detections, key=lambda d: np.abs(np.array(d.box.center) - middle).sum(), default=None)


def embeddings(settings: Settings, images: dict[str, np.ndarray]) -> dict[str, np.ndarray | None]:
    """File name -> (2, D): one pass, and averaged with the mirrored chip; None where no face was found."""
    build.prepare(settings)
    detector, analysis = build.detector(settings), build.analysis(settings)
    found = {}
    for name, image in images.items():
        detection = central(detector.detect(image), image)
        if detection is None:
            found[name] = None
            continue
        face = analysis.cut(Pyramid(image), detection)
        chip = face.image[None]
        found[name] = np.concatenate([analysis.recognizer.embed(chip), analysis.recognizer.embed(chip, mirror=True)])
    return found


def halved_accuracy(distances: np.ndarray, same: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation over halvings of the accuracy on the half that did not choose the threshold."""
    rng, scores = np.random.default_rng(0), []
    for _ in range(HALVINGS):
        order = rng.permutation(len(same))
        halves = order[: len(order) // 2], order[len(order) // 2 :]
        for chosen, counted in (halves, halves[::-1]):
            threshold = best_threshold(distances[chosen], same[chosen])
            scores.append(np.mean((distances[counted] <= threshold) == same[counted]))
    return float(np.mean(scores)), float(np.std(scores))


def best_threshold(distances: np.ndarray, same: np.ndarray) -> float:
    """The threshold of best accuracy: the middle of the widest stretch among the best ones."""
    order = np.argsort(distances)
    ranked, truth = distances[order], same[order]
    right = np.cumsum(truth) + (~truth).sum() - np.cumsum(~truth)
    best = np.flatnonzero(right == right.max())
    best = best[best < len(ranked) - 1]
    widest = best[np.argmax(ranked[best + 1] - ranked[best])]
    return float((ranked[widest] + ranked[widest + 1]) / 2)


def impostors(found: dict[str, np.ndarray], metric: str, which: int) -> np.ndarray:
    """Sorted distances of all pairs of two people."""
    names = [name for name, vectors in found.items() if vectors is not None]
    vectors = np.stack([found[name][which] for name in names])
    people = np.array([data.person(name) for name in names])
    parts = []
    for i in range(len(names) - 1):
        others = people[i + 1 :] != people[i]
        parts.append(distance(vectors[i : i + 1], vectors[i + 1 :][others], metric).ravel())
    return np.sort(np.concatenate(parts))


def report(found: dict[str, np.ndarray], pairs: list[tuple[str, str, bool]]) -> None:
    """Print the table, one row per metric and way of embedding."""
    same = np.array([truth for _, _, truth in pairs])
    print(f"{'':22s} accuracy (sd)    best at    1 in 1,000: threshold  accepted   1 in 10,000: threshold  accepted")
    for which, way in enumerate(("one pass", "mirrored")):
        for metric in METRICS:
            far = np.array([_distance(found, a, b, metric, which) for a, b, _ in pairs])
            accuracy, sd = halved_accuracy(far, same)
            strangers = impostors(found, metric, which)
            row = f"{way:9s} {metric:12s} {accuracy:8.2%} ({sd:.2%})  {best_threshold(far, same):7.4f}"
            for rate in (1e-3, 1e-4):
                threshold = strangers[int(rate * len(strangers))]
                row += f"   {threshold:20.4f} {np.mean(far[same] < threshold):10.1%}"
            print(row)


def _distance(found: dict[str, np.ndarray], a: str, b: str, metric: str, which: int) -> float:
    """A pair in which a face was missed counts as two people."""
    if found[a] is None or found[b] is None:
        return float("inf")
    return float(np.squeeze(distance(found[a][which], found[b][which], metric)))


def main() -> None:
    """Run on the whole of lfw_dev."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--model", default="auto")
    options.add_argument("--weights", help="of OpenFace: carried, published or a file")
    options.add_argument("--detector", default="mtcnn")
    given = options.parse_args()
    settings = Settings(
        detection=DetectionSettings(detector=given.detector),
        recognition=RecognitionSettings(model=given.model, weights=given.weights),
        analysis=AnalysisSettings(actions=()),
    )
    images, pairs = data.lfw()
    start = perf_counter()
    found = embeddings(settings, images)
    facts = build.spec(settings)
    missed = [name for name, vectors in found.items() if vectors is None]
    print(f"{facts.name} {facts.weights}, {given.detector}: {len(images)} pictures in {perf_counter() - start:.0f} s")
    print(f"no face found in {len(missed)} ({len(missed) / len(images):.2%}) {' '.join(missed)}")
    report(found, pairs)


if __name__ == "__main__":
    main()
