"""What works while a stream runs: its source, the stages, and what cameras share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from streamface import plugins
from streamface.analysis import FaceAnalysis
from streamface.analysis_pool import AnalysisPool
from streamface.attention import Attention
from streamface.budget import FixedBudget, LiveBudget
from streamface.build.known import matcher, people, stranger_desk
from streamface.build.networks import analysis, detector, prepare, spec
from streamface.capture.base import Source
from streamface.detection._ahead import DetectAhead
from streamface.detection._beside import DetectBeside
from streamface.detection.base import Detector
from streamface.errors import SettingsError, StreamfaceError
from streamface.gallery.live import LiveGallery
from streamface.gallery.stranger_desk import StrangerDesk
from streamface.live_pipeline import LivePipeline
from streamface.memory import Memory
from streamface.pipeline import Pace, Pipeline
from streamface.privacy import STEADY_S, Privacy, hides
from streamface.scheduler import DetectionSchedule, Scheduler
from streamface.settings import Settings
from streamface.types import Box
from streamface.workers import BackgroundWorker, InlineWorker, OrderedWorker

LOOKS_PER_FRAME = 2
"""Faces of a file's frame that are looked at, at the most: of 8 people in view everybody is seen after four frames."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What several cameras have in common."""

    people: LiveGallery | None
    strangers: StrangerDesk | None
    analysis: AnalysisPool


@contextmanager
def shared(cameras: Sequence[Settings]) -> Iterator[Shared]:
    """Gallery and networks for all of `cameras`, until the block ends; a set of networks a core, two at most."""
    for settings in cameras:
        prepare(settings)
    actions = tuple(dict.fromkeys(action for settings in cameras for action in settings.analysis.actions))
    every = replace(cameras[0], analysis=replace(cameras[0].analysis, actions=actions))
    sets = [analysis(every) for _ in range(min(2, len(cameras), os.cpu_count() or 1))]
    live = any(map(_is_live, cameras))
    with AnalysisPool(sets) as pool, people(every, live) as known, stranger_desk(every, True) as desk:
        yield Shared(known, desk, pool)


def _is_live(settings: Settings) -> bool:
    """Whether a source that is not open yet will be live; False for one that cannot be had."""
    from streamface.capture.select import open_source

    try:
        return not open_source(settings.capture).is_file
    except StreamfaceError:
        return False


def pace(source: Source) -> Pace:
    """How the frames of an open source come."""
    if source.is_file:
        return Pace.STILLS if source.info.is_stills else Pace.FILE
    return Pace.LIVE if source.info.is_live else Pace.STEP


def pipeline(
    settings: Settings,
    people: LiveGallery | None,
    looking: FaceAnalysis | AnalysisPool,
    pace: Pace,
    strangers: StrangerDesk | None = None,
) -> Pipeline:
    """Everything between a source and its outputs; closes `looking`."""
    worker = {Pace.STEP: InlineWorker, Pace.LIVE: BackgroundWorker}.get(pace, OrderedWorker)(looking)
    edition, near = people and (lambda: people.edition), spec(settings).thresholds["cosine"]
    camera = settings.capture.camera or ""
    told = () if people is None else (lambda: people.erasing, lambda: people.take_denials(camera))
    memory = Memory(settings.analysis, matcher(settings, people), edition, strangers, near, *told)
    budget = LiveBudget() if pace is Pace.LIVE else FixedBudget(None if pace is Pace.STILLS else LOOKS_PER_FRAME)
    scheduler = Scheduler(settings.analysis, people is not None, budget)
    attention = Attention(looking, worker, memory, scheduler, settings.analysis.min_quality)
    tracker = plugins.backend("tracking", settings.tracking.tracker, "tracker").create(settings.tracking)
    schedule = DetectionSchedule(1 if pace is Pace.STILLS else settings.tracking.detect_every, budget)
    finding = _watching(settings)
    if pace is Pace.LIVE and finding.can_refine:
        beside = DetectBeside(finding, _watching(settings))
        return LivePipeline(beside, tracker, attention, schedule, lambda: hides(settings.privacy.blur, people))
    if pace.is_ahead:
        finding = DetectAhead(finding, _watching(settings))
    return Pipeline(finding, tracker, attention, schedule)


def privacy(
    settings: Settings, people: LiveGallery | None, look: Callable[[np.ndarray], Sequence[Box]], pace: Pace
) -> Privacy:
    """What covers faces; raises `SettingsError` for wishes that contradict each other."""
    blur = settings.privacy.blur
    if blur == "known" and settings.gallery.database is None:
        raise SettingsError("--blur known needs to know who has a name: add --database DIR")
    if blur in ("unknown", "all") and settings.strangers.stranger_pictures:
        raise SettingsError(f"--stranger-pictures keeps what --blur {blur} hides: leave one of them out")
    steady_s = 0.0 if pace is Pace.STILLS else STEADY_S
    return Privacy(blur, people, look, settings.detection.zone, steady_s)


def _watching(settings: Settings) -> Detector:
    """The detector of a stream: the zone, when there is one, is for what a camera sees, not for people's pictures."""
    from streamface.detection._zone import ZoneDetector

    found, zone = detector(settings), settings.detection.zone
    return found if zone is None else ZoneDetector(found, zone)


def source(settings: Settings) -> Source:
    """The source that the settings name, not yet open."""
    from streamface.capture._ahead import ReadAhead
    from streamface.capture.select import open_source

    found = open_source(settings.capture)
    return ReadAhead(found) if found.is_file else found
