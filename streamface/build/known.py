"""Who is known: the folder of people, strangers, and the match of a face with them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path

import numpy as np

from streamface import plugins
from streamface.build.networks import LazyEncoder, network_key, threshold
from streamface.build.places import store, stranger_store
from streamface.errors import GalleryError
from streamface.gallery.distances import tightened
from streamface.gallery.gallery import Gallery
from streamface.gallery.live import LiveGallery
from streamface.gallery.opening import open_gallery
from streamface.gallery.stranger_desk import StrangerDesk
from streamface.gallery.stranger_store import StrangerStore
from streamface.gallery.strangers import Limits, Strangers
from streamface.gallery.watch import Watcher
from streamface.naming import Matcher
from streamface.recognition.base import METRICS
from streamface.settings import Settings
from streamface.types import Match


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


def matcher(settings: Settings, people: LiveGallery | None) -> Matcher | None:
    """The gallery's answer for a mean of views, as the memory asks for it; None without a gallery."""
    if people is None:
        return None
    metric = plugins.choose("metric", settings.recognition.metric, METRICS)
    limit, network = threshold(settings), network_key(settings)

    def match(
        vectors: np.ndarray,
        agreements: Sequence[float],
        factor: float,
        without: Sequence[Collection[str]] | None = None,
    ) -> Sequence[Match]:
        lengths = np.linalg.norm(vectors, axis=1).tolist()
        allowed = [factor * tightened(limit, metric, *pair) for pair in zip(agreements, lengths, strict=True)]
        return people.match(vectors, metric, np.array(allowed), network, without)

    return match
