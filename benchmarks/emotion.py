"""Figures of the carried emotion network on FER2013's PublicTest: `python -m benchmarks.emotion [--model FILE]`.

Prints accuracy, recall of each class, the confusion matrix, calibration error, milliseconds a face, and size.
"""

from __future__ import annotations

import argparse
import sys
import tarfile
import time
from pathlib import Path

import numpy as np

from benchmarks import data
from streamface.attributes.emotion import LABELS, MODEL, TEMPLATE, EmotionPredictor
from training.common import confusion_matrix, expected_calibration_error

TIMED = 500


def publictest() -> tuple[list[np.ndarray], np.ndarray]:
    """The (48, 48, 3) uint8 BGR pictures, and (N,) the indices of their emotions in `LABELS`."""
    import cv2

    images, labels = [], []
    with tarfile.open(data.file("fer2013_publictest.tar")) as archive:
        for member in sorted((m for m in archive if m.isfile()), key=lambda m: m.name):
            coded = np.frombuffer(archive.extractfile(member).read(), np.uint8)
            images.append(cv2.imdecode(coded, cv2.IMREAD_COLOR))
            labels.append(LABELS.index(member.name.split("/")[0]))
    return images, np.array(labels)


def median_ms(predict, batches) -> float:
    """Median milliseconds of `predict` over `batches`."""
    spent = []
    for batch in batches:
        start = time.perf_counter()
        predict(batch)
        spent.append(time.perf_counter() - start)
    return float(np.median(spent) * 1e3)


def table(confusion: np.ndarray) -> str:
    """The confusion matrix with its recalls; rows are the truth."""
    lines = [" " * 9 + "".join(f"{label:>9}" for label in LABELS) + "   recall"]
    for label, row in zip(LABELS, confusion, strict=True):
        share = row[LABELS.index(label)] / max(row.sum(), 1)
        lines.append(f"{label:9}" + "".join(f"{count:9}" for count in row) + f"{share:9.1%}")
    return "\n".join(lines)


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.emotion", description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=MODEL, help="a LiteRT file other than the carried one")
    model = parser.parse_args().model
    predictor = EmotionPredictor(TEMPLATE, model)
    images, labels = publictest()
    found = predictor.predict_crops(images)
    crop_ms = median_ms(predictor.predict_crops, [[image] for image in images[:TIMED]])
    chip = np.random.default_rng(0).integers(0, 256, (1, 150, 150, 3), np.uint8)
    chip_ms = median_ms(predictor.predict, [chip] * TIMED)
    sys.stdout.write(
        f"accuracy {np.mean(found.argmax(1) == labels):.2%} of {len(labels)}\n"
        f"{table(confusion_matrix(found.argmax(1), labels, len(LABELS)))}\n"
        f"expected calibration error {expected_calibration_error(found, labels):.4f}\n"
        f"{crop_ms:.2f} ms for a 48x48 crop, {chip_ms:.2f} ms for a 150x150 chip, 1 thread, median of {TIMED}\n"
        f"{model.stat().st_size / 1e6:.2f} MB\n"
    )


if __name__ == "__main__":
    main()
