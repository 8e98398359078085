"""The figures of a recognition network on lfw_dev while it trains; nothing of lfw_dev is ever trained on."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from streamface.alignment import align
from streamface.pyramid import Pyramid
from streamface.recognition import openface
from training import common, utkface

RATE = 1e-3
"""False matches per comparison of two people at which the accepted share of true pairs is counted."""


@dataclass(frozen=True)
class Lfw:
    """The faces of lfw_dev, detected and aligned as in the stream."""

    names: tuple[str, ...]
    chips: np.ndarray
    """(N, 96, 96, 3) uint8 BGR."""
    pairs: tuple[tuple[str, str, bool], ...]
    """Files a and b, and whether they show one person."""

    def people(self) -> np.ndarray:
        """(N,) the name of the person in each picture."""
        return np.array([name.rpartition("_")[0] for name in self.names])


def load(folder: Path) -> Lfw:
    """lfw_dev, its chips made once and kept in `folder`; a picture without a face is left out."""
    path = folder / "lfw_dev.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        finder, spec, names, chips = utkface.detector(), openface.SPEC, [], []
        for name, image in tqdm(_pictures(), "lfw_dev", mininterval=5):
            middle = np.array(image.shape[1::-1]) / 2
            found = finder.detect(image)
            if found:
                face = min(found, key=lambda d: np.abs(np.array(d.box.center) - middle).sum())
                names.append(name)
                chips.append(align(Pyramid(image), face, spec.template, spec.input_px).image)
        np.savez(path, names=json.dumps(names), chips=np.stack(chips), pairs=json.dumps(_pairs()))
    with np.load(path) as kept:
        pairs = tuple((a, b, bool(same)) for a, b, same in json.loads(str(kept["pairs"])))
        return Lfw(tuple(json.loads(str(kept["names"]))), kept["chips"], pairs)


def _pictures():
    import cv2

    with tarfile.open(common.data_file("lfw_dev.tar")) as archive:
        for member in sorted((m for m in archive if m.name.endswith(".webp")), key=lambda m: m.name):
            data = np.frombuffer(archive.extractfile(member).read(), np.uint8)
            yield Path(member.name).name, cv2.imdecode(data, cv2.IMREAD_COLOR)


def _pairs() -> list[tuple[str, str, bool]]:
    with tarfile.open(common.data_file("lfw_dev.tar")) as archive:
        member = next(m for m in archive if m.name.endswith("pairs.csv"))
        rows = csv.DictReader(io.StringIO(archive.extractfile(member).read().decode()))
        return [(row["file_a"], row["file_b"], row["same"] == "1") for row in rows]


def figures(lfw: Lfw, embeddings: np.ndarray) -> dict[str, float]:
    """Accuracy of the pairs at the best threshold, and share of true pairs accepted at `RATE`, of (N, D) unit vectors.

    A pair in which no face was found counts as two people.
    """
    row = {name: index for index, name in enumerate(lfw.names)}
    same = np.array([truth for _, _, truth in lfw.pairs])
    score = np.array(
        [embeddings[row[a]] @ embeddings[row[b]] if a in row and b in row else -2 for a, b, _ in lfw.pairs]
    )
    order = np.argsort(-score)
    right = np.cumsum(same[order]) + (~same).sum() - np.cumsum(~same[order])
    people = lfw.people()
    upper = np.triu(people[:, None] != people[None], 1)
    strangers = (embeddings @ embeddings.T)[upper]
    place = -max(1, int(RATE * len(strangers)))
    limit = np.partition(strangers, place)[place]
    return {
        "held-out accuracy": float(right.max() / len(same)),
        "held-out accepted": float(np.mean(score[same] > limit)),
    }
