"""What the pages show beside the pictures: visits, people and those without a name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypedDict

from streamface import build
from streamface.gallery.examine import Limits
from streamface.gallery.live import LiveGallery
from streamface.kiosk.sink import KioskSink
from streamface.settings import Settings
from streamface.web.enrolment import Enrolments
from streamface.web.people_desk import PeopleDesk
from streamface.web.traces import Traces
from streamface.web.visit_book import VisitBook


class Parts(TypedDict, total=False):
    """The parts of a `Site`."""

    visits: VisitBook | None
    enrolments: Enrolments | None
    strangers: Path | None
    traces: Traces | None
    kiosk: KioskSink | None


def parts(cameras: Sequence[Settings], known: LiveGallery | None) -> Parts:
    """The parts of a site for a stream of `cameras` with the gallery `known`."""
    settings = cameras[0]
    enrolments = None if known is None else _enrolments(settings, known)
    return {
        "visits": _visits(cameras, known),
        "enrolments": enrolments,
        "strangers": build.stranger_store(settings) if settings.strangers.strangers else None,
        "traces": None if enrolments is None else Traces(cameras, enrolments),
    }


def _visits(cameras: Sequence[Settings], known: LiveGallery | None) -> VisitBook | None:
    files = _each(cameras, build.visits_file)
    private = frozenset if known is None else lambda: known.private
    return VisitBook(files, _each(cameras, build.visits_folder), private) if files else None


def _each(cameras: Sequence[Settings], place: Callable[[Settings], Path | None]) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(path for camera in cameras if (path := place(camera)) is not None))


def _enrolments(settings: Settings, known: LiveGallery) -> Enrolments | None:
    folder = settings.gallery.database
    if folder is None:
        return None
    naming = build.threshold(settings)
    limits = Limits(settings.recognition.metric, naming, max(naming, build.threshold(settings, True)))
    desk = PeopleDesk(folder, build.store(settings), known, build.LazyEncoder(settings), limits)
    return Enrolments(desk, build.spec(settings), covered=settings.privacy.blur in ("unknown", "all"))
