"""What the pages are about, handed to every route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from streamface.web.guard import Access
from streamface.web.views import View

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from streamface.kiosk.sink import KioskSink
    from streamface.web.enrolment import Enrolments
    from streamface.web.traces import Traces
    from streamface.web.visit_book import VisitBook


@dataclass(frozen=True, slots=True)
class Site:
    """The parts of a running stream that the pages show."""

    views: Mapping[str, View]
    """Of each camera by its name."""
    access: Access
    visits: VisitBook | None = None
    """Who was there; None where that is not kept."""
    enrolments: Enrolments | None = None
    """Who is being enrolled, and at whose desk; None without a folder of people."""
    strangers: Path | None = None
    """SQLite file of those without a name; None where they are not numbered."""
    traces: Traces | None = None
    """Exports and deletes everything about a person; None without a folder of people."""
    kiosk: KioskSink | None = None
    """Where it is one: then nothing else is served."""


def of(connection: HTTPConnection) -> Site:
    """The site that a request is for."""
    return connection.app.state.site
