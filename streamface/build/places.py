"""The files and folders in which the program keeps what it knows, where none were named."""

from __future__ import annotations

from pathlib import Path

from streamface.gallery.opening import default_store
from streamface.runtime import cache
from streamface.settings import Settings


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


def audit_pictures(settings: Settings) -> Path | None:
    """The folder of the faces of a kiosk's decisions; None where there is no record of them."""
    from streamface.kiosk.audit import pictures_of

    return None if settings.kiosk.audit is None else pictures_of(settings.kiosk.audit)
