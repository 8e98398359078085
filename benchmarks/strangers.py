"""Strangers who come again on lfw_dev: joined wrongly, split, missed. `python -m benchmarks.strangers [--model M]`

The people of lfw_dev come by in a random order, photograph by photograph; each photograph is a visit. `Strangers` and
its store are those of the stream.

- joined: visits on which somebody got a number that belongs to another person, of all visits. A number belongs to whom
  it was first given to.
- split: visits of people who had been there before and got a new number all the same, of all such visits.

One photograph a visit is harder than a stream, which takes the mean of at least three views, and whose visitors do not
come years apart as in LFW; three photographs a visit, averaged, are easier, because they were taken on different days.
The truth for one's own camera lies between. Poor photographs count as in a stream: below the least quality they make no
visit.

Then, by one view each: of people with pictures in a gallery, how many are beyond the margin, so that they would get a
number as strangers; and of people without, how many are within it, so that a number takes more views, or a wrong name
comes (margin 1).
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks import data
from benchmarks.verification import central
from streamface import build
from streamface.alignment import quality
from streamface.gallery.distances import distance, unit
from streamface.gallery.stranger_store import StrangerStore, View
from streamface.gallery.strangers import SAME, Evidence, Limits, Strangers
from streamface.pyramid import Pyramid
from streamface.settings import AnalysisSettings, RecognitionSettings, Settings
from streamface.strangers import CLEAR, GOOD

ORDERS = 2
FACTORS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 1.0)
MARGINS = (1.0, 1.05, 1.1, 1.15, 1.25)
Visit = tuple[str, View]


def views(settings: Settings) -> list[Visit]:
    """(person, view) of each photograph that is good enough."""
    build.prepare(settings)
    detector, analysis = build.detector(settings), build.analysis(settings)
    found = []
    for name, image in data.lfw()[0].items():
        detection = central(detector.detect(image), image)
        if detection is None:
            continue
        face = analysis.cut(Pyramid(image), detection)
        good = quality(detection, face)
        if good >= GOOD:
            found.append((data.person(name), View(analysis.recognizer.embed(face.image[None])[0], good)))
    return found


def averaged(visits: Sequence[Visit], views: int, rng: np.random.Generator) -> list[Visit]:
    """Visits of `views` photographs of one person each, averaged by quality; those that are left over are dropped."""
    by_person = defaultdict(list)
    for index in rng.permutation(len(visits)):
        by_person[visits[index][0]].append(visits[index][1])
    made = []
    for person, every in by_person.items():
        for start in range(0, len(every) - views + 1, views):
            group = every[start : start + views]
            vectors, weights = [view.vector for view in group], [view.quality for view in group]
            mean, directions = (
                np.average(part, axis=0, weights=weights) for part in (vectors, unit(np.stack(vectors)))
            )
            made.append((person, View(mean, max(weights), None, min(1.0, float(np.linalg.norm(directions))))))
    return made


def come_by(visits: Sequence[Visit], settings: Settings, same: float) -> Counter:
    """What happens when these come by one after the other."""
    counted, owner, been = Counter(), {}, set()
    limits = Limits(days=30, most=100_000, pause_s=5, same=same)
    with StrangerStore() as store:
        strangers = Strangers(store, "benchmark", settings.recognition.metric, build.threshold(settings), limits)
        for at, (person, view) in enumerate(visits):
            stranger = strangers.identify(Evidence(view, at * 60.0, live=False, last=True))
            strangers.left(stranger, view, at * 60.0)
            counted["visits"] += 1
            counted["returns"] += person in been
            is_new = stranger.number not in owner
            counted["split"] += is_new and person in been
            counted["joined"] += owner.setdefault(stranger.number, person) != person
            been.add(person)
    counted["numbers"] = len(owner)
    return counted


def orders(visits: Sequence[Visit], views: int) -> Iterator[list[Visit]]:
    """The same visits in several random orders."""
    for seed in range(ORDERS):
        rng = np.random.default_rng(seed)
        made = averaged(visits, views, rng)
        yield [made[i] for i in rng.permutation(len(made))]


def report(title: str, runs: Sequence[Sequence[Visit]], settings: Settings) -> None:
    """One row for each factor."""
    people, visits = len({person for person, _ in runs[0]}), len(runs[0])
    print(f"\n{title}: {people} people, {visits} visits, {len(runs)} orders")
    print("part of the threshold   joined, of visits   split, of returns   numbers given")
    for factor in FACTORS:
        counted = sum((come_by(run, settings, factor) for run in runs), Counter())
        joined, split = counted["joined"] / counted["visits"], counted["split"] / counted["returns"]
        mark = "  <- in use" if factor == SAME else ""
        print(f"{factor:21.2f} {joined:19.2%} {split:19.1%} {counted['numbers'] / len(runs):15.0f}{mark}")


def beside_a_gallery(visits: Sequence[Visit], settings: Settings) -> None:
    """Half of the people are in the gallery, with all pictures but the one that is seen."""
    by_person = defaultdict(list)
    for person, view in visits:
        by_person[person].append(view.vector)
    names = sorted(by_person)
    known = [name for name in names[::2] if len(by_person[name]) > 1]
    pictures = {name: np.stack(by_person[name][1:]) for name in known}
    everybody = np.concatenate(list(pictures.values()))
    metric, limit = settings.recognition.metric, build.threshold(settings)

    def nearest(name: str) -> float:
        return float(distance(by_person[name][0], everybody, metric).min()) / limit

    members = np.array([nearest(name) for name in known])
    others = np.array([nearest(name) for name in names[1::2]])
    print(f"\nbeside a gallery of {len(known)} people with {len(everybody)} pictures, one view of each:")
    print("margin   members beyond it   others within it")
    for margin in MARGINS:
        mark = "  <- in use" if margin == CLEAR else ""
        print(f"{margin:6.2f} {np.mean(members > margin):19.1%} {np.mean(others <= margin):18.1%}{mark}")


def main() -> None:
    """Run on the whole of lfw_dev."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--model", default="auto")
    given = options.parse_args()
    settings = Settings(recognition=RecognitionSettings(model=given.model), analysis=AnalysisSettings(actions=()))
    found = views(settings)
    print(f"{build.model_module(settings).NAME}: {len(found)} photographs of quality {GOOD} or better")
    report("one photograph a visit", list(orders(found, 1)), settings)
    report("three photographs a visit, averaged", list(orders(found, 3)), settings)
    beside_a_gallery(found, settings)


if __name__ == "__main__":
    main()
