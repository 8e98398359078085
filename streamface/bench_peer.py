"""What deepface takes, run by an interpreter that has it: bench_peer.py FRAMES.npy OUT.json ACTION,ACTION

For each frame: faces are found once, by MTCNN or by Haar; each one is embedded by deepface's default network, and the
attributes are told. Loading is not counted: one frame goes first. Where nothing is found deepface takes the whole
picture for a face; that is counted in the time and not among the faces.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

DETECTORS = {"MTCNN": "mtcnn", "Haar": "opencv"}
MODEL = "VGG-Face"


def one_frame(frame: np.ndarray, detector: str, actions: list[str]) -> int:
    """Everything for one (H, W, 3) BGR frame; how many faces were found."""
    from deepface import DeepFace

    found = DeepFace.extract_faces(frame, detector_backend=detector, enforce_detection=False)
    for entry in found:
        face = (255 * entry["face"][:, :, ::-1]).astype(np.uint8)
        DeepFace.represent(face, model_name=MODEL, detector_backend="skip", enforce_detection=False)
        if actions:
            DeepFace.analyze(face, actions=actions, detector_backend="skip", enforce_detection=False, silent=True)
    return sum(entry["confidence"] > 0 for entry in found)


def measured(frames: np.ndarray, detector: str, actions: list[str]) -> dict[str, float]:
    """Seconds and faces a frame, over (N, H, W, 3) frames."""
    one_frame(frames[0], detector, actions)
    start = time.perf_counter()
    faces = [one_frame(frame, detector, actions) for frame in frames]
    seconds = (time.perf_counter() - start) / len(frames)
    return {"seconds_per_frame": seconds, "faces_per_frame": sum(faces) / len(frames)}


def main(arguments: list[str]) -> None:
    """Measure and write."""
    frames, actions = np.load(arguments[0]), [action for action in arguments[2].split(",") if action]
    told = {}
    for name, detector in DETECTORS.items():
        try:
            told[name] = measured(frames, detector, actions)
        except (ImportError, ValueError) as error:  # a detector whose own package is not there
            told[name] = {"error": " ".join(str(error).split())}
    Path(arguments[1]).write_text(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
