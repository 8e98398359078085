"""Visits and their pictures, for the pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from streamface.sinks.visit_log import VisitLog


class VisitBook:
    """Visits and the folders in which their pictures lie.

    Args:
        files: SQLite files of events.
        folders: where pictures of visits are; one elsewhere is not shown, whatever the file of events says.
    """

    def __init__(self, files: Sequence[Path], folders: Sequence[Path]) -> None:
        self.log = VisitLog(files)
        self._folders = tuple(folder.resolve() for folder in folders)

    def picture(self, visit: dict) -> Path | None:
        """The best picture of a visit; None where there is none, or it lies outside the folders."""
        if not visit["snapshot"]:
            return None
        path = Path(visit["snapshot"]).resolve()
        inside = any(path.is_relative_to(folder) for folder in self._folders)
        return path if inside and path.suffix == ".jpg" and path.is_file() else None
