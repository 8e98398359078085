"""From settings to ready objects: the only place where a name becomes a backend."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import numpy as np

from streamface import plugins
from streamface.analysis import FaceAnalysis, FaceEncoder
from streamface.analysis_pool import AnalysisPool
from streamface.attention import Attention
from streamface.attributes.base import ACTIONS, FAMILIES, AttributePredictor
from streamface.budget import FixedBudget, LiveBudget
from streamface.capture.base import Source
from streamface.detection._ahead import DetectAhead
from streamface.detection.base import Detector
from streamface.errors import GalleryError, SettingsError, StreamfaceError, WeightsError
from streamface.gallery.base import EncodedFace
from streamface.gallery.distances import tightened
from streamface.gallery.gallery import Gallery
from streamface.gallery.live import LiveGallery
from streamface.gallery.opening import default_store, open_gallery
from streamface.gallery.stranger_desk import StrangerDesk
from streamface.gallery.stranger_store import StrangerStore
from streamface.gallery.strangers import Limits, Strangers
from streamface.gallery.watch import Watcher
from streamface.memory import Memory
from streamface.naming import Matcher
from streamface.pipeline import Pace, Pipeline
from streamface.privacy import STEADY_S, Privacy
from streamface.recognition.base import METRICS, NetworkSpec
from streamface.runtime import cache, convert
from streamface.scheduler import DetectionSchedule, Scheduler
from streamface.settings import RecordingSettings, Settings
from streamface.sinks.base import Sink
from streamface.types import Box, Match
from streamface.workers import BackgroundWorker, InlineWorker, OrderedWorker

AUTO_MODEL = "Dlib"
"""What `--model auto` means; see docs/models.md for the rule and the figures behind it."""

LOOKS_PER_FRAME = 2
"""Faces of a file's frame that are looked at, at the most: of 8 people in view everybody is seen after four frames."""


def model_module(settings: Settings) -> ModuleType:
    """The recognition backend that the settings name."""
    name = settings.recognition.model
    return plugins.backend("recognition", AUTO_MODEL if plugins.normalised(name) == "auto" else name, "model")


def spec(settings: Settings) -> NetworkSpec:
    """The facts of the recognition network with the weights that the settings choose."""
    module = model_module(settings)
    if hasattr(module, "spec"):
        return module.spec(settings.recognition)
    if settings.recognition.weights is not None:
        raise SettingsError(f"{module.NAME} has one set of weights: leave --weights out, or choose --model OpenFace")
    return module.SPEC


def prepare(settings: Settings) -> None:
    """Convert the networks that are not converted yet; checks every name on the way."""
    cache.use(settings.runtime.home)
    plugins.choose("metric", settings.recognition.metric, METRICS)
    for action in settings.analysis.actions:
        plugins.choose("action", action, ACTIONS)
    detection = plugins.backend("detection", settings.detection.detector, "detector")
    networks = list(getattr(detection, "required", lambda _: ())(settings.detection))
    networks += model_module(settings).required(settings.recognition)
    for module in _attribute_modules(settings):
        networks += module.required(settings.analysis)
    convert.ensure(networks)


def detector(settings: Settings) -> Detector:
    """The detector that the settings name."""
    module = plugins.backend("detection", settings.detection.detector, "detector")
    return module.create(settings.detection, settings.runtime)


def analysis(settings: Settings) -> FaceAnalysis:
    """The networks that look at a face."""
    recognizer, attributes = model_module(settings).create(settings.recognition, settings.runtime), predictors(settings)
    answered = {action for predictor in attributes for action in predictor.provides}
    missing = [action for action in settings.analysis.actions if action not in answered]
    if missing:
        raise WeightsError(unanswered(missing))
    return FaceAnalysis(recognizer, attributes, settings.recognition.mirror)


def answers(family: str) -> tuple[str, ...]:
    """All attributes that a family of networks tells."""
    modules = _family(family)
    return tuple(action for action in ACTIONS if any(action in module.answers() for module in modules))


def unanswered(actions: Sequence[str]) -> str:
    """What to say where no network of the chosen family answers some actions."""
    names = ", ".join(actions)
    return f"no network for {names} is here: leave it out of the actions, or take attributes 'published', which has it"


def predictors(settings: Settings, template: np.ndarray | None = None) -> tuple[AttributePredictor, ...]:
    """The backends that answer the wanted attributes, from chips of this template (None: recognition's own)."""
    template = spec(settings).template if template is None else template
    return tuple(m.create(settings.analysis, settings.runtime, template) for m in _attribute_modules(settings))


def attribute_chip(settings: Settings) -> tuple[np.ndarray, int]:
    """Template and side of the chip that suits the wanted attributes best, where a face may be cut out once more."""
    own = [module.CHIP for module in _attribute_modules(settings) if hasattr(module, "CHIP")]
    return own[0] if own else (spec(settings).template, spec(settings).input_px)


def _attribute_modules(settings: Settings) -> list[ModuleType]:
    """The attribute backends of the chosen family, when attributes are wanted at all."""
    found = _family(settings.analysis.attributes)
    return found if settings.analysis.actions else []


def _family(name: str) -> list[ModuleType]:
    family = plugins.choose("attributes", name, FAMILIES)
    return [module for module in plugins.backends("attributes").values() if module.FAMILY == family]


def gallery(settings: Settings, threads: int = 2) -> Gallery | None:
    """The people of the folder, enrolled in `threads` threads; None without a folder."""
    if settings.gallery.database is None:
        return None
    folder, served = settings.gallery.database, settings.output.serve is not None
    if served:
        _make_folder(folder)
    encoders = [LazyEncoder(settings) for _ in range(threads)]
    try:
        return open_gallery(folder, settings.gallery.store, encoders, may_be_empty=served)[0]
    finally:
        for encoder in encoders:
            encoder.close()


def _make_folder(folder: Path) -> None:
    """Where people are enrolled on the page, the folder need not be there."""
    try:
        folder.mkdir(exist_ok=True)
    except FileExistsError:
        return  # something that is no folder: opening says so
    except OSError as error:
        raise GalleryError(f"cannot make the folder of people {folder} ({error.strerror}): make it first") from error


@contextmanager
def people(settings: Settings, is_live: bool) -> Iterator[LiveGallery | None]:
    """The people of the folder, in a live or a served stream kept true to it until the block ends.

    Without a folder nobody; None when nobody is to be told from others at all.
    """
    folder, found = settings.gallery.database, gallery(settings)
    if found is None:
        yield LiveGallery(Gallery((), network_key(settings))) if settings.strangers.strangers else None
        return
    known = LiveGallery(found)
    known.read_consent(folder)
    with ExitStack() as closing:
        follows = is_live or settings.output.serve is not None
        if follows if settings.gallery.watch is None else settings.gallery.watch:
            watcher = Watcher(known, folder, store(settings), LazyEncoder(settings))
            known.follower = closing.enter_context(watcher)
        yield known


def store(settings: Settings) -> Path | None:
    """The file that keeps the embeddings of the folder's people; None without a folder."""
    folder = settings.gallery.database
    return settings.gallery.store or (None if folder is None else default_store(folder))


def stranger_store(settings: Settings) -> Path:
    """The file that keeps strangers."""
    if settings.strangers.stranger_store is not None:
        return settings.strangers.stranger_store
    beside = store(settings)
    if beside is None:
        return cache.home() / "galleries" / "strangers.sqlite"
    return beside.with_name(f"{beside.stem}.strangers.sqlite")


def visit_store(settings: Settings) -> Path:
    """The SQLite file in which visits are kept for the pages, where no file of events was named."""
    beside = store(settings)
    if beside is None:
        return cache.home() / "galleries" / "visits.sqlite"
    return beside.with_name(f"{beside.stem}.visits.sqlite")


def visit_pictures(settings: Settings) -> Path:
    """The folder of their best pictures, where no other one was named."""
    return visit_store(settings).with_suffix("")


def visits_file(settings: Settings) -> Path | None:
    """The SQLite file that the pages read visits from; None where there is none."""
    output = settings.output
    if output.events is not None and output.events.suffix.lower() == ".sqlite":
        return output.events
    return visit_store(settings) if output.serve is not None and output.visits else None


def visits_folder(settings: Settings) -> Path | None:
    """The folder of the best picture of each visit; None where none are kept."""
    output = settings.output
    kept = output.serve is not None and output.visits
    return output.event_pictures or (visit_pictures(settings) if kept else None)


def stranger_desk(settings: Settings, is_live: bool) -> AbstractContextManager[StrangerDesk | None]:
    """Who numbers people without a name, until the block ends; None when that is not wanted."""
    wanted = settings.strangers
    if not wanted.strangers:
        return nullcontext()
    limits = Limits(wanted.stranger_days, wanted.stranger_limit, settings.output.leave_after_s)
    metric, limit, network = settings.recognition.metric, threshold(settings), network_key(settings)

    def opened() -> tuple[Strangers, Callable[[], None]]:
        kept = StrangerStore(stranger_store(settings))
        return Strangers(kept, network, metric, limit, limits), kept.close

    return StrangerDesk(opened, is_live, wanted.stranger_pictures)


def network_key(settings: Settings) -> str:
    """What embeddings must have in common to be comparable: network, version, detector, mirroring."""
    facts, mirrored = spec(settings), "/mirrored" if settings.recognition.mirror else ""
    return f"{facts.name}/{facts.version}/{plugins.normalised(settings.detection.detector)}{mirrored}"


class LazyEncoder:
    """A `gallery.base.Encoder` whose networks are loaded with the first picture, so that none costs nothing."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: FaceEncoder | None = None
        self.network = network_key(settings)

    def encode(self, image: np.ndarray) -> tuple[EncodedFace, ...]:
        """All faces of an (H, W, 3) uint8 BGR image."""
        if self._made is None:
            plain = replace(self._settings, analysis=replace(self._settings.analysis, actions=()))
            self._made = FaceEncoder(detector(plain), analysis(plain))
        return self._made.encode(image)

    def close(self) -> None:
        """Give back the networks; the next picture loads them again."""
        made, self._made = self._made, None
        if made is not None:
            made.close()


def threshold(settings: Settings, verifying: bool = False) -> float:
    """The largest distance that counts as the same person, as set or as the network has it for the metric.

    verifying: for a yes or no on two pictures, rather than for naming one person among many, which is stricter.
    """
    if settings.recognition.threshold is not None:
        return settings.recognition.threshold
    metric = plugins.choose("metric", settings.recognition.metric, METRICS)
    if settings.recognition.mirror and metric == "euclidean":
        metric = "euclidean_l2"  # averaged embeddings have length 1
    facts = spec(settings)
    return (verifying and facts.verify_thresholds or facts.thresholds)[metric]


def matcher(settings: Settings, people: LiveGallery | None) -> Matcher | None:
    """The gallery's answer for a mean of views, as the memory asks for it; None without a gallery."""
    if people is None:
        return None
    metric = plugins.choose("metric", settings.recognition.metric, METRICS)
    limit, network = threshold(settings), network_key(settings)

    def match(vectors: np.ndarray, agreements: Sequence[float], factor: float) -> Sequence[Match]:
        lengths = np.linalg.norm(vectors, axis=1).tolist()
        allowed = [factor * tightened(limit, metric, *pair) for pair in zip(agreements, lengths, strict=True)]
        return people.match(vectors, metric, np.array(allowed), network)

    return match


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
    memory = Memory(settings.analysis, matcher(settings, people), edition, strangers, near)
    budget = LiveBudget() if pace is Pace.LIVE else FixedBudget(None if pace is Pace.STILLS else LOOKS_PER_FRAME)
    scheduler = Scheduler(settings.analysis, people is not None, budget)
    attention = Attention(looking, worker, memory, scheduler, settings.analysis.min_quality)
    tracker = plugins.backend("tracking", settings.tracking.tracker, "tracker").create(settings.tracking)
    finding = DetectAhead(_watching(settings), _watching(settings)) if pace.is_ahead else _watching(settings)
    schedule = DetectionSchedule(1 if pace is Pace.STILLS else settings.tracking.detect_every, budget)
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


def files(settings: Settings) -> list[Sink]:
    """The files that were asked for, each checked for being writable."""
    output, sinks = settings.output, []
    if output.video is not None:
        from streamface.sinks.video import VideoSink

        sinks.append(VideoSink(output.video))
    sinks += recorder(settings)
    if output.faces is not None:
        from streamface.sinks.faces import FacesSink

        sinks.append(FacesSink(output.faces))
    return sinks + events(settings) + housekeeping(settings)


def audit_pictures(settings: Settings) -> Path | None:
    """The folder of the faces of a kiosk's decisions; None where there is no record of them."""
    from streamface.kiosk.audit import pictures_of

    return None if settings.kiosk.audit is None else pictures_of(settings.kiosk.audit)


def housekeeping(settings: Settings) -> list[Sink]:
    """What deletes old pictures; none where they are kept for ever."""
    from streamface.sinks.housekeeping import Housekeeping

    output, days = settings.output, settings.privacy.keep_pictures_days
    wanted = (output.snapshots, visits_folder(settings), audit_pictures(settings))
    folders = [folder for folder in wanted if folder is not None]
    return [] if days is None else [Housekeeping(folders, days)]


def recorder(settings: Settings) -> list[Sink]:
    """What fills the folder of recordings; none where there is no such folder."""
    from streamface.sinks.recorder import PICTURES, RecorderSink, Recording

    folder, how = settings.output.recordings, settings.recording
    if folder is None:
        if how != RecordingSettings():
            raise SettingsError("there are options for recordings, but no folder: add --recordings DIR")
        return []
    if how.clip_on in ("named", "stranger") and settings.gallery.database is None:
        raise SettingsError(f"--clip-on {how.clip_on} needs to know who has a name: add --database DIR")
    return [
        RecorderSink(
            Recording(
                folder,
                PICTURES[how.record],
                how.segment_min * 60,
                how.clip_on,
                how.clip_before_s,
                how.clip_after_s,
                how.keep_gb,
                how.keep_days,
            )
        )
    ]


def events(settings: Settings) -> list[Sink]:
    """What tells events to everything that was asked to take them; none where nothing was."""
    from streamface.sinks.best_view import BestViews
    from streamface.sinks.events import EventsSink, to_file
    from streamface.sinks.visits import Visits

    output = settings.output
    named = dict.fromkeys([output.events, visits_file(settings)])
    outputs = [to_file(path) for path in named if path is not None]
    if output.mqtt is not None:
        from streamface.sinks.mqtt import Mqtt, broker

        outputs.append(Mqtt(broker(output.mqtt, output.mqtt_login), output.mqtt_topic))
    if output.webhook is not None:
        from streamface.sinks.webhook import Webhook

        outputs.append(Webhook(output.webhook, output.webhook_queue))
    if not outputs:
        if settings.privacy.keep_events_days is not None:
            raise SettingsError("--keep-events says how long events are kept, but none are: add --events FILE")
        return []
    folder = visits_folder(settings)
    views, keep_days = BestViews(folder) if folder else None, settings.privacy.keep_events_days
    return [EventsSink(outputs, Visits(output.leave_after_s, kept=0), views, keep_days=keep_days)]


def window(settings: Settings, notice: Callable[[np.ndarray, str], np.ndarray], stopped: Callable[[], bool]) -> Sink:
    """The window on the screen; raises `OutputError` where there is no screen."""
    from streamface.sinks.window import WindowSink

    return WindowSink("streamface", settings.output.snapshots, notice, stopped)
