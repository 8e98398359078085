"""Changes to the folder of people while it is in use: in the folder, in the store and in the running stream at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from streamface.errors import GalleryError, ImageError
from streamface.gallery import consent, counter_examples, places
from streamface.gallery.base import EncodedFace, Photo, Row
from streamface.gallery.crew import look
from streamface.gallery.distances import distance
from streamface.gallery.embedding_file import SUFFIX
from streamface.gallery.enroll import embed
from streamface.gallery.examine import Limits
from streamface.gallery.joining import place_for, put
from streamface.gallery.live import LiveGallery
from streamface.gallery.store import Store
from streamface.gallery.thumbnails import square_crop
from streamface.images import read_image
from streamface.types import Match
from streamface.web.people_words import Likeness, Picture, UnknownPerson, checked, key_of, picture_of

MOST_PICTURES = 100
"""Of one person that are put there by the page, so that nobody fills the disk with them."""
FOLLOWED_S = 60.0
"""What a large gallery may take to follow a change."""
NOT_FOLLOWED = "the folder of people is not followed, so nothing can be changed here: leave --no-watch out"


class Encoder(Protocol):
    """As `gallery.base.Encoder`, with networks that are loaded when needed."""

    network: str

    def encode(self, image: np.ndarray) -> Sequence[EncodedFace]:
        """All faces of a picture."""

    def close(self) -> None:
        """Give back the networks."""


class PeopleDesk:
    """Looks up and changes people; threads may share it, and take turns.

    What was changed is in the folder and in the store when a method returns, and the stream's next frame goes by it.
    Raises `GalleryError` for what cannot be, in a line for the user. People who did not consent are nobody here: they
    are not found, told or changed, and nothing is put under their names.

    Args:
        folder, store: as `open_gallery` took them.
        known: the gallery in use.
        encoder: for this object alone.
        limits: what counts as alike.
    """

    def __init__(self, folder: Path, store: Path, known: LiveGallery, encoder: Encoder, limits: Limits) -> None:
        self.folder, self.known, self.limits = Path(folder), known, limits
        self._store, self._encoder = store, encoder
        self._lock, self._encoding = threading.RLock(), threading.RLock()

    @property
    def network(self) -> str:
        """Key of the embedding space."""
        return self._encoder.network

    def encoded(self, data: bytes) -> Picture:
        """What enrolment will make of a JPEG; raises `ImageError` for one without one clear face."""
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            raise ImageError("this is no picture")
        with self._encoding:
            row = look(Photo("", "", 0, 0), image, self._encoder)
        if not row.usable:
            raise ImageError(row.reason)
        return Picture(data, row)

    def rest(self) -> None:
        """Give back the networks; they are loaded again when needed."""
        with self._encoding:
            self._encoder.close()

    def likeness(self, vector: np.ndarray) -> Likeness | None:
        """The nearest known person, as long as the two may be taken for each other."""
        (match,) = self.known.match(vector[None], self.limits.metric, self.limits.alike, self.network)
        if match.identity is None:
            return None
        name = None if match.identity in self.known.private else match.identity
        return Likeness(name, match.distance, self.limits.naming)

    def match(self, vector: np.ndarray) -> Match:
        """The answer of the gallery, as for one view in the stream."""
        return self.known.match(vector[None], self.limits.metric, self.limits.naming, self.network)[0]

    def counts(self) -> dict[str, int]:
        """Name of everybody who may be named -> number of pictures, in order."""
        private = self.known.private
        return {name: count for name, count in self.known.gallery.counts.items() if name not in private}

    def distance_to(self, identity: str, vector: np.ndarray) -> float | None:
        """To the nearest picture of one person; None for nobody here."""
        rows = self._rows(identity)
        if not rows:
            return None
        return float(distance(vector, np.stack([row.vector for row in rows]), self.limits.metric).min())

    def pictures(self, identity: str) -> dict[str, Row]:
        """Key -> picture of one person."""
        return {key_of(row): row for row in self._rows(identity)}

    def counters(self, identity: str) -> dict[str, Row]:
        """Key -> counter-example of one person."""
        if identity in self.known.private:
            return {}
        return {key_of(row): row for row in self.known.gallery.counters if row.photo.identity == identity}

    def face(self, row: Row, size_px: int) -> np.ndarray | None:
        """(size_px, size_px, 3) of the face in a picture; None for an embedding without one, or one that is gone."""
        if row.photo.path.endswith(SUFFIX):
            return None
        try:
            return square_crop(read_image(self.folder / row.photo.path), row.box, size_px)
        except (ImageError, OSError):
            return None

    def add(self, name: str, pictures: Sequence[Picture]) -> list[str]:
        """Put pictures into a person's folder, a new one's too; their keys."""
        identity = self._free(name)
        with self._changing():
            if len(self.known.gallery.pictures_of(identity)) + len(pictures) > MOST_PICTURES:
                raise GalleryError(f"{identity} has {MOST_PICTURES} pictures already: remove some first")
            return self._put(place_for(self.folder, identity), identity, pictures)

    def add_counter(self, identity: str, picture: Picture) -> str:
        """Keep a picture of whom a person is not; its key."""
        self.check_known(identity)
        with self._changing():
            if len(self.counters(identity)) >= MOST_PICTURES:
                raise GalleryError(f"{identity} has {MOST_PICTURES} counter-examples already: remove some first")
            place = place_for(self.folder, identity) / counter_examples.FOLDER
            place.mkdir(exist_ok=True)
            return self._put(place, identity, [picture])[0]

    def turn_into_counter(self, identity: str, key: str) -> None:
        """Make a picture in a person's own folder a counter-example."""
        row = picture_of(self.pictures(identity), key)
        with self._changing():
            place = place_for(self.folder, identity) / counter_examples.FOLDER
            place.mkdir(exist_ok=True)
            moved = places.moved(self.folder / row.photo.path, place)
            self._take([self._under(moved, identity, row)], [row.photo.path])

    def remove_picture(self, identity: str, key: str) -> None:
        """Delete one picture, or counter-example, of a person."""
        row = picture_of({**self.pictures(identity), **self.counters(identity)}, key)
        with self._changing():
            self._take([], [row.photo.path], delete=[self.folder / row.photo.path])
        if counter_examples.is_counter(row.photo.path):
            self.known.take_back(identity)

    def rename(self, identity: str, name: str) -> str:
        """Call a person otherwise; the new name as it is written. Raises `GalleryError` for one that is taken."""
        self.check_known(identity)
        new = self._free(name)
        if new != identity and (self.known.gallery.pictures_of(new) or places.of_person(self.folder, new)):
            raise GalleryError(f"{new} is here already: merge the two, or choose another name")
        if new != identity:
            with self._changing():
                self._move_all(identity, new, ())
        return new

    def merge(self, identity: str, into: str) -> None:
        """Give all pictures of a person to another one; both are the same person.

        Counter-examples of the one that show the other are deleted: they were a mistake.
        """
        self.check_known(identity)
        self.check_known(into)
        if identity == into:
            raise GalleryError("these two are one already")
        with self._changing():
            mistaken = [*self._shown_in(identity, into), *self._shown_in(into, identity)]
            self._move_all(identity, into, mistaken)

    def remove(self, identity: str) -> None:
        """Delete a person's pictures, counter-examples and embeddings, and everything else in the folder."""
        self.check_known(identity)
        with self._changing():
            gone = [row.photo.path for row in (*self.known.gallery.pictures_of(identity), *self._counters(identity))]
            with Store(self._store) as store:
                gone += [row.photo.path for row in store.people(identity)]
            delete = [*places.of_person(self.folder, identity), self.folder / f"{identity}{consent.BESIDE}"]
            self._take([], list(dict.fromkeys(gone)), delete=delete)

    def erase(self, identity: str, carry_out: Callable[[], None]) -> None:
        """Have `carry_out` delete a person's pictures and embeddings, and everything else; known to nobody on return.

        While it works, nobody changes who is known.
        """
        with self._changing():
            rows = (*self.known.gallery.pictures_of(identity), *self._counters(identity))
            carry_out()
            self.known.follower.change([], [row.photo.path for row in rows])
            end = time.monotonic() + FOLLOWED_S
            while self.known.gallery.pictures_of(identity):  # a large gallery is read anew by its follower
                if time.monotonic() > end:
                    raise GalleryError(f"{identity} is deleted, but the running stream has not followed: restart it")
                time.sleep(0.05)

    def take_in(self, identity: str, make: Callable[[Path, Encoder], Iterable[Path]]) -> None:
        """Enrol files that `make` puts into a person's folder, given the folder of people and an encoder."""
        self._free(identity)
        with self._changing(), self._encoding:
            photos = [self._photo(path, identity) for path in make(self.folder, self._encoder)]
            with Store(self._store) as store:
                made = embed(self.folder, photos, store, [self._encoder], progress=False)
            self.known.follower.change([row for row in made.values() if row.usable])

    def _shown_in(self, identity: str, other: str) -> list[str]:
        """Paths of a person's counter-examples that show another one."""
        rows = self._counters(identity)
        return [row.photo.path for row in rows if (self.distance_to(other, row.vector) or 0.0) <= self.limits.naming]

    def _counters(self, identity: str) -> list[Row]:
        return list(self.counters(identity).values())

    def _move_all(self, identity: str, new: str, without: Sequence[str]) -> None:
        rows = [*self.known.gallery.pictures_of(identity), *self._counters(identity)]
        places.delete([self.folder / path for path in without])
        moves = places.move_person(self.folder, identity, new)
        self.known.take_back(identity, new)
        made = [self._under(moves[row.photo.path], new, row) for row in rows if row.photo.path in moves]
        self._take(made, [*(row.photo.path for row in rows), *without])

    def _put(self, place: Path, identity: str, pictures: Sequence[Picture]) -> list[str]:
        name = time.strftime("%Y-%m-%d_%H-%M-%S.jpg")
        made = [self._under(put(place, name, picture.data), identity, picture.row) for picture in pictures]
        self._take(made, [])
        return [key_of(row) for row in made]

    def _under(self, path: Path, identity: str, row: Row) -> Row:
        return replace(row, photo=self._photo(path, identity))

    def _photo(self, path: Path, identity: str) -> Photo:
        status = path.stat()
        return Photo(path.relative_to(self.folder).as_posix(), identity, status.st_size, status.st_mtime_ns)

    def _take(self, made: Sequence[Row], gone: Sequence[str], delete: Sequence[Path] = ()) -> None:
        """Bring the store and the running stream up to date; the embeddings go before the pictures that are deleted."""
        with Store(self._store) as store:
            store.forget(gone)
            places.delete(delete)
            if made:
                store.save(self.network, made)
        self.known.follower.change(made, gone)

    def _rows(self, identity: str) -> tuple[Row, ...]:
        return () if identity in self.known.private else self.known.gallery.pictures_of(identity)

    def _free(self, name: str) -> str:
        """A name as it is written, that is not one of somebody who did not consent."""
        identity = checked(name)
        self.known.read_consent(self.folder)
        if identity in self.known.private:
            raise GalleryError("this name cannot be used here: choose another one")
        return identity

    def check_known(self, identity: str) -> None:
        """Raise `UnknownPerson` for nobody who may be named."""
        self.known.read_consent(self.folder)  # a mark of this moment counts
        if not self._rows(identity):
            raise UnknownPerson(f"nobody here is named {identity}")

    @contextmanager
    def _changing(self):
        if self.known.follower is None:
            raise GalleryError(NOT_FOLLOWED)
        with self._lock:
            yield
