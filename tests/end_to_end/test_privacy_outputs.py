"""Nothing that leaves a stream shows a face, or says a name, that it may not."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from streamface import build
from streamface.gallery.consent import mark

ROOT = Path(__file__).resolve().parents[2]
EVERY = 12
"""Of the frames of a recording every so manieth is looked at."""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """The program on 100 frames of the demo, writing all that it can into `folder`."""
    command = [
        sys.executable, "-m", "streamface", "--source", "demo", "--max-frames", "100", "--no-display",
        "--actions", "age", "--output", str(folder / "whole.mp4"), "--recordings", str(folder / "recordings"),
        "--record", "both", "--events", str(folder / "events.jsonl"), "--event-pictures", str(folder / "pictures"),
        "--faces", str(folder / "faces.jsonl"), *arguments,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=200)
    assert done.returncode == 0, done.stderr
    return done


def pictures(folder: Path):
    """What was recorded and kept."""
    for path in [*folder.rglob("*.mp4"), *folder.rglob("*.jpg")]:
        if path.suffix == ".jpg":
            yield path, cv2.imread(str(path))
            continue
        video, index = cv2.VideoCapture(str(path)), 0
        while (got := video.read())[0]:
            if index % EVERY == 0:
                yield path, got[1]
            index += 1
        video.release()


@pytest.fixture(scope="module")
def recognised(settings):
    """Whose face a picture shows, of those in the sample folder: asked of every face that is found."""
    encoder = build.LazyEncoder(settings)
    portrait = cv2.imread(str(ROOT / "database" / "Eileen Collins" / "portrait.jpg"))
    own = encoder.encode(portrait)[0].vector

    def told(image) -> list[bool]:
        return [
            float(1 - face.vector @ own / (len_of(face.vector) * len_of(own))) < 0.1 for face in encoder.encode(image)
        ]

    yield told
    encoder.close()


def len_of(vector) -> float:
    return float((vector**2).sum() ** 0.5)


def test_with_all_faces_covered_none_is_found_in_what_was_recorded(settings, recognised, tmp_path):
    run(tmp_path, "--database", str(ROOT / "database"), "--blur", "all")
    kinds, faces = set(), []
    for path, image in pictures(tmp_path):
        kinds.add("raw" if path.stem.endswith("_raw") else path.suffix)
        faces += recognised(image)
    assert kinds == {"raw", ".mp4", ".jpg"}
    assert faces == []
    names = {json.loads(line)["person"] for line in (tmp_path / "events.jsonl").read_text().splitlines()}
    assert "Eileen Collins" in names  # named, and yet not seen


def test_somebody_who_did_not_consent_is_neither_seen_nor_named(settings, recognised, tmp_path):
    people, out = tmp_path / "people", tmp_path / "out"
    shutil.copytree(ROOT / "database", people)
    out.mkdir()
    seen = run(out, "--database", str(people))
    assert any(any(recognised(image)) for _, image in pictures(out)) and "Eileen" in seen.stdout
    mark(people, "Eileen Collins", consents=False)
    shutil.rmtree(out)
    out.mkdir()
    done = run(out, "--database", str(people))
    assert "Eileen" not in done.stdout + done.stderr
    written = "".join(path.read_text() for path in out.glob("*.jsonl"))
    assert "Eileen" not in written and written.count('"track"') > 100
    others = [known for _, image in pictures(out) for known in recognised(image)]
    assert others and not any(others)
