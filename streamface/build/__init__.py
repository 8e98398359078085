"""From settings to ready objects: the only place where a name becomes a backend."""

from streamface.build.known import gallery, matcher, people, stranger_desk
from streamface.build.networks import (
    LazyEncoder,
    analysis,
    answers,
    attribute_chip,
    detector,
    model_module,
    network_key,
    predictors,
    prepare,
    spec,
    threshold,
    unanswered,
)
from streamface.build.outputs import files, window
from streamface.build.places import (
    audit_pictures,
    store,
    stranger_store,
    visit_pictures,
    visit_store,
    visits_file,
    visits_folder,
)
from streamface.build.stages import Shared, pace, pipeline, privacy, shared, source

__all__ = [
    "LazyEncoder",
    "Shared",
    "analysis",
    "answers",
    "attribute_chip",
    "audit_pictures",
    "detector",
    "files",
    "gallery",
    "matcher",
    "model_module",
    "network_key",
    "pace",
    "people",
    "pipeline",
    "predictors",
    "prepare",
    "privacy",
    "shared",
    "source",
    "spec",
    "store",
    "stranger_desk",
    "stranger_store",
    "threshold",
    "unanswered",
    "visit_pictures",
    "visit_store",
    "visits_file",
    "visits_folder",
    "window",
]
