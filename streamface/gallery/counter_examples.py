"""Pictures of whom somebody is not: a face that was taken for a person and was found to be another's.

They lie in a hidden folder inside the person's own, which older versions and file managers leave alone, and are
enrolled as all pictures are. A face that is nearer to one of them than to every picture of the person does not get the
person's name (`gallery.search`).
"""

from __future__ import annotations

from collections.abc import Iterable

from streamface.gallery.base import Row

FOLDER = ".not-this-person"
"""Name of the folder in a person's folder."""


def is_counter(path: str) -> bool:
    """Whether a path below the folder of people, as in `Photo.path`, is that of a counter-example."""
    return path.split("/", 2)[1:2] == [FOLDER] and path.count("/") > 1


def split(rows: Iterable[Row]) -> tuple[list[Row], list[Row]]:
    """The usable ones of `rows` that show the person, and those that show whom the person is not."""
    found: tuple[list[Row], list[Row]] = ([], [])
    for row in rows:
        if row.usable:
            found[is_counter(row.photo.path)].append(row)
    return found
