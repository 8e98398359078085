"""The kiosk's test of liveness, on real turns and on attacks made from them. `python -m benchmarks.liveness`

Real: the head-pose clip of one woman, cut so that her head follows the prompts, and the same mirrored, under other
light and noise each time. Attacks: photographs of her and of the man in the second clip, turned to the side that is
asked for, tilted and moved, flat, bent and folded; on a screen with its border, moire and glare: the clip over and
over, turns to both sides in turn, a recording of another check that she passed, and the clip with somebody who chooses
the part that fits the prompt. Nobody smiles in the clips: these sessions ask for turns only, which is the attacks' best
case, or with `--smiles` for all that a kiosk asks for, in which no real person is played; the smile is measured on
photographs of FER2013.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks import data
from benchmarks.acting import (
    SIZE_WH,
    TURNED,
    WAYS,
    Actor,
    Booth,
    DirectedReplay,
    Filmed,
    Holder,
    Person,
    Replay,
    Way,
    clip,
    mirrored,
)
from benchmarks.attacks import BENDS, FLAT, Bend, Hold, Photo
from benchmarks.emotion import publictest
from streamface import build
from streamface.attributes.emotion import LABELS, TEMPLATE, EmotionPredictor
from streamface.detection.base import Detector
from streamface.kiosk.attempt import Rules
from streamface.kiosk.flatness import degrees_turned, relief
from streamface.kiosk.prompts import LEFT, RIGHT, RISES, SMILES
from streamface.settings import AnalysisSettings, KioskSettings, Settings
from streamface.types import Detection

WOMAN, BOTH = "head-pose-face-detection-female.gif", "head-pose-face-detection-female-and-male.gif"
STILL = 18
"""A frame of the woman's clip in which she looks at the camera."""
TURNS = {
    LEFT: [range(9, 19), [18, 17, 16, 15, 14, 13, 14, 15, 16, 17, 18]],
    RIGHT: [[18, 19, 20, 21, 22, 22, 21, 20, 19, 18], [9, 8, 7, 6, 5, 4, 4, 5, 6, 7, 8, 9]],
}
"""Her turns to her own left and right, and back."""
PHOTOGRAPHS = {WOMAN: (9, 18, 19), BOTH: (10, 30)}
"""Frames that attackers have printed: the face most to the right in them."""
SIZES = (0.2, 0.3)
REAL = "real turns"
DIRECTED, ANOTHER = "clip on a screen, chosen for each prompt", "clip on a screen, of another check"
FILMED = 8
"""Checks of a real person that are recorded for replays."""


def turns_only(count: int, rng: random.Random) -> tuple[str, ...]:
    """`count` turns."""
    return tuple(rng.choice((LEFT, RIGHT)) for _ in range(count))


def interval(errors: int, trials: int) -> tuple[float, float]:
    """95 % confidence interval of a rate (Clopper and Pearson, "The use of confidence or fiducial limits", 1934)."""
    from scipy.stats import beta

    low = float(beta.ppf(0.025, errors, trials - errors + 1)) if errors else 0.0
    high = float(beta.ppf(0.975, errors + 1, trials - errors)) if errors < trials else 1.0
    return low, high


def play(booth: Booth, name: str, rules: Rules, trials: int, actor: Callable[[random.Random], Actor]) -> None:
    """Play sessions and print how many were accepted, and why the others were not."""
    reasons, accepted = Counter(), 0
    for seed in range(trials):
        rng = random.Random(f"{name} {seed}")
        decision, _ = booth.session(actor(rng), rules, rng)
        if decision is not None and decision.accepted:
            accepted += 1
        else:
            reasons[decision.reason if decision else "nothing decided"] += 1
    why = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
    errors = trials - accepted if name == REAL else accepted
    low, high = interval(errors, trials)
    kind = "BPCER" if name == REAL else "APCER"
    print(f"| {name} | {accepted} of {trials} | {kind} {errors / trials:.0%} ({low:.0%} to {high:.0%}) | {why} |",
          flush=True)  # fmt: skip


def filmed(booth: Booth, rules: Rules, person: Callable[[random.Random], Actor]) -> list[list[np.ndarray]]:
    """What a camera saw of checks that were passed."""
    takes = []
    for seed in range(FILMED):
        rng = random.Random(f"filmed {seed}")
        actor = Filmed(person(rng))
        decision, _ = booth.session(actor, rules, rng)
        if decision is not None and decision.accepted:
            takes.append(actor.frames)
    return takes


def people(folder: Path, clips: dict[str, list[np.ndarray]]) -> None:
    """A gallery with the woman, mirrored too, and the man, from frames that no attacker has."""
    right, whole = slice(240, None), slice(None)
    for name, frame, part in (
        ("Woman", clips[WOMAN][20], whole), ("Woman", clips[WOMAN][8], whole),
        ("Man", clips[BOTH][20], right), ("Man", clips[BOTH][0], right),
    ):  # fmt: skip
        (folder / name).mkdir(exist_ok=True)
        number = len(list((folder / name).iterdir()))
        cv2.imwrite(str(folder / name / f"{number}.png"), frame[:, part])
        cv2.imwrite(str(folder / name / f"{number + 1}.png"), cv2.flip(frame[:, part], 1))


def photographs(clips: dict[str, list[np.ndarray]]) -> list[Photo]:
    """What attackers have printed."""
    settings = Settings(analysis=AnalysisSettings(actions=()))
    build.prepare(settings)
    detector, made = build.detector(settings), []
    for name, numbers in PHOTOGRAPHS.items():
        for number in numbers:
            frame = upright(clips[name][number], rightmost(detector, clips[name][number]))
            made.append(Photo(frame, rightmost(detector, frame).box))
    detector.close()
    return made


def rightmost(detector: Detector, frame: np.ndarray) -> Detection:
    """The face most to the right."""
    return max(detector.detect(frame), key=lambda found: found.box.left)


def upright(frame: np.ndarray, face: Detection) -> np.ndarray:
    """The frame turned about a face so that its eyes are level, as one would print it."""
    across, down = face.landmarks[1] - face.landmarks[0]
    turn = cv2.getRotationMatrix2D(face.box.center, float(np.degrees(np.arctan2(down, across))), 1.0)
    return cv2.warpAffine(frame, turn, frame.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)


def actors(clips: dict[str, list[np.ndarray]]) -> dict[str, Callable[[random.Random], Actor]]:
    """Name -> somebody, made anew for each session; but for recordings of another check, see `filmed`."""
    frames = clips[WOMAN]
    mirror = {LEFT: TURNS[RIGHT], RIGHT: TURNS[LEFT]}
    there_and_back = [*range(len(frames)), *range(len(frames) - 1, -1, -1)]
    to_both_sides = [frame for turns in TURNS.values() for frame in [*[STILL] * 15, *turns[0]]]

    def person(kind: type[Person]) -> Callable[[random.Random], Actor]:
        sides = ((frames, TURNS), (mirrored(frames), mirror))
        return lambda rng: kind(*(lambda side: (side[0], STILL, side[1]))(rng.choice(sides)), rng)

    background, prints = backdrop(frames), photographs(clips)

    def holder(bend: Bend, way: Way) -> Callable[[random.Random], Actor]:
        return lambda rng: Holder(rng.choice(prints), bend, way, background, rng.choice(SIZES), rng)

    return {
        REAL: person(Person),
        **{f"photograph, flat, {way.name}": holder(FLAT, way) for way in WAYS},
        **{f"photograph, {bend.name}": holder(bend, TURNED) for bend in BENDS if bend is not FLAT},
        "clip on a screen, over and over": lambda rng: Replay(frames, there_and_back, rng),
        "clip on a screen, turns to both sides": lambda rng: Replay(frames, to_both_sides, rng),
        DIRECTED: person(DirectedReplay),
    }


def recording(frames: Sequence[np.ndarray], rng: random.Random) -> Actor:
    """A recorded check on a screen, from its beginning, over and over."""
    return Replay(frames, range(len(frames)), rng, begin=0)


def noses(clips: dict[str, list[np.ndarray]]) -> None:
    """What the nose does against the plane of eyes and mouth: of a head, of flat photographs, and by noise alone."""
    settings = Settings(analysis=AnalysisSettings(actions=()))
    detector, frames = build.detector(settings), clips[WOMAN]
    background = backdrop(frames)

    def seen(images: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [rightmost(detector, image).landmarks for image in images if detector.detect(image)]

    front = seen(frames[18:20])
    for side, numbers in (("left", range(9, 19)), ("right", [*range(9), *range(19, 23)])):
        found = relief(front, seen([frames[number] for number in numbers]))
        print(f"nose: head turned to the {side}: height {found.height:.2f} over {found.views} views")
    heights = []
    for photo in photographs(clips):
        held = {yaw: seen([photo.held(Hold(yaw=yaw, size=0.25), FLAT, background)]) for yaw in range(-60, 61, 3)}
        straight = [points for yaw in (-3, 0, 3) for points in held[yaw]]
        for way in (-1, 1):
            found = relief(straight, [points for yaw in range(0, 61, 3) for points in held[way * yaw]])
            heights += [found.height] if found.is_known else []
    print(f"nose: flat photographs turned by up to 60 degrees, {len(heights)} ways: {min(heights):.2f} to "
          f"{max(heights):.2f}, median {np.median(heights):.2f}")  # fmt: skip
    still = seen(clips[BOTH][24:56])
    turns = [degrees_turned(still[:4], points) for points in still[4:]]
    print(f"nose: a head that stays seems turned by {np.median(turns):.0f} degrees in the median, "
          f"{max(turns):.0f} at most")  # fmt: skip
    detector.close()


def backdrop(frames: Sequence[np.ndarray]) -> np.ndarray:
    """What is behind a photograph: the clip's wall, blurred."""
    return cv2.resize(cv2.GaussianBlur(frames[0][:, :130], (0, 0), 9), SIZE_WH)


def smiles() -> None:
    """How often happy and neutral faces of FER2013's public test pass for a smile after a neutral one."""
    predictor, happy = EmotionPredictor(TEMPLATE), LABELS.index("happy")
    images, labels = publictest()
    scores = predictor.predict_crops(images)[:, happy]
    rest = scores[labels == LABELS.index("neutral")]
    for name in ("happy", "neutral"):
        seen = scores[labels == LABELS.index(name)]
        passed = seen[:, None] >= np.maximum(SMILES, rest[None] + RISES)
        print(f"smile: {passed.mean():.1%} of {len(seen)} {name} faces pass for one after a neutral one of {len(rest)}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, and what a smile is worth."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--trials", type=int, default=40, help="sessions of each kind")
    options.add_argument("--prompts", type=int, default=KioskSettings().liveness, help="how many are asked for")
    options.add_argument("--smiles", action="store_true", help="ask for smiles too, as a kiosk does; nobody here can")
    options.add_argument("--only", default="", metavar="TEXT", help="those whose name holds it")
    given = options.parse_args(arguments)
    clips = {name: clip(data.file(f"media/{name}")) for name in (WOMAN, BOTH)}
    with tempfile.TemporaryDirectory() as folder:
        people(Path(folder), clips)
        booth = Booth(Path(folder), given.prompts)
        rules = booth.rules if given.smiles else replace(booth.rules, draw=turns_only)
        print(f"{given.prompts} {'prompts' if given.smiles else 'turns'} asked for. BPCER: a real person refused; "
              "APCER: an attack accepted; in brackets 95 % intervals\n")  # fmt: skip
        print("| who | accepted | error | the others, why |\n|---|---|---|---|")
        cast = actors(clips)
        for name, actor in cast.items():
            if given.only in name and not (given.smiles and name == REAL):
                play(booth, name, rules, given.trials, actor)
        if given.only in ANOTHER:
            takes = filmed(booth, replace(rules, draw=turns_only), cast[REAL])
            play(booth, ANOTHER, rules, given.trials, lambda rng: recording(rng.choice(takes), rng))
        noses(clips)
    smiles()


if __name__ == "__main__":
    main()
