"""Visits and their pictures, for the pages."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from streamface.sinks.visit_log import VisitLog, Wanted


class VisitBook:
    """Visits and the folders in which their pictures lie.

    Args:
        files: SQLite files of events.
        folders: where pictures of visits are; one elsewhere is not shown, whatever the file of events says.
        private: people who did not consent: their visits, of before, are not told.
    """

    def __init__(
        self, files: Sequence[Path], folders: Sequence[Path], private: Callable[[], Collection[str]] = frozenset
    ) -> None:
        self._log, self._private = VisitLog(files), private
        self._folders = tuple(folder.resolve() for folder in folders)

    def visits(self, wanted: Wanted) -> list[dict]:
        """As `VisitLog.visits`."""
        return self._log.visits(replace(wanted, without=self._private()))

    def visit(self, number: str) -> dict | None:
        """One visit by its id."""
        found = self._log.visit(number)
        return None if found is None or found["person"] in self._private() else found

    def names(self) -> dict[str, list[str]]:
        """As `VisitLog.names`."""
        found, private = self._log.names(), self._private()
        return {**found, "people": [name for name in found["people"] if name not in private]}

    def rename(self, old: str, new: str) -> int:
        """As `VisitLog.rename`."""
        return self._log.rename(old, new)

    def picture(self, visit: dict) -> Path | None:
        """The best picture of a visit; None where there is none, or it lies outside the folders."""
        if not visit["snapshot"]:
            return None
        path = Path(visit["snapshot"]).resolve()
        inside = any(path.is_relative_to(folder) for folder in self._folders)
        return path if inside and path.suffix == ".jpg" and path.is_file() else None
