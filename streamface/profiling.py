"""Where the time goes: milliseconds of every stage of every frame, as a table and as a plot."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from streamface.errors import MissingPackageError, OutputError

STAGES = ("decode", "detect", "refine", "track", "align", "embed", "match", "draw", "write", "wait")
"""The order in which stages are told; attributes, named by what one pass of a network answers, stand after 'embed'."""
IDLE = ("wait",)
"""What is no work: the loop waits for a frame."""
KEPT_FRAMES = 20_000
"""Frames whose stages are kept for a profile, the latest: some 13 minutes at 25/s, 30 MB."""
PLOT_COLUMNS = 400
"""Bars of the plot at most; of a longer run each bar is the mean of several frames."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What one stage took, in milliseconds per frame."""

    name: str
    mean_ms: float
    """Over all frames, also those on which it did not run."""
    p50_ms: float
    """Median over the frames on which it ran."""
    p95_ms: float
    share: float
    """Part of all work, 0..1; 0 for waiting, which is no work."""


class Profile:
    """Collects what each stage of each frame took; stages of one frame may come in several calls and threads.

    Args:
        kept: frames whose single times are kept for `stages` and `plot`; with 0 only the sums are.
    """

    def __init__(self, kept: int = 0) -> None:
        self._kept, self._lock = kept, threading.Lock()
        self._rows: OrderedDict[int, dict[str, float]] = OrderedDict()
        self.totals: Counter[str] = Counter()
        """Stage -> milliseconds in all."""

    def add(self, frame: int, spent_ms: Mapping[str, float]) -> None:
        """Note milliseconds of stages of frame number `frame`."""
        with self._lock:
            self.totals.update(spent_ms)
            if not self._kept:
                return
            row = self._rows.setdefault(frame, {})
            for stage, spent in spent_ms.items():
                row[stage] = row.get(stage, 0.0) + spent
            while len(self._rows) > self._kept:
                self._rows.popitem(last=False)

    @property
    def names(self) -> list[str]:
        """The stages that ran, in the order of a frame's way."""
        known = {name: place for place, name in enumerate(STAGES)}
        return sorted(self.totals, key=lambda name: (known.get(name, known["embed"] + 0.5), name))

    def stages(self) -> tuple[Stage, ...]:
        """Each stage over the frames that are kept."""
        table = self._table()
        work = sum(column.sum() for name, column in table.items() if name not in IDLE)
        return tuple(_stage(name, column, work) for name, column in table.items())

    def text(self) -> str:
        """The stages as a table for people."""
        lines = [f"{'stage':14s} {'mean':>8s} {'p50':>8s} {'p95':>8s} {'share':>7s}   milliseconds per frame"]
        for s in self.stages():
            share = f"{s.share:6.1%}" if s.name not in IDLE else "     -"
            lines.append(f"{s.name:14s} {s.mean_ms:8.2f} {s.p50_ms:8.2f} {s.p95_ms:8.2f} {share:>7s}")
        return "\n".join(lines)

    def plot(self, path: Path) -> None:
        """Write the time of each frame, stage upon stage, as a picture; raises `OutputError`.

        path: ends in .png, .svg or .pdf. Stages that run beside each other are stacked all the same, so a bar is the
        work of a frame and not the time from one frame to the next.
        """
        pyplot = _pyplot()
        table = {name: _bars(column) for name, column in self._table().items() if name not in IDLE}
        figure, axes = pyplot.subplots(figsize=(11, 4.5), layout="constrained")
        frames = _bars(np.array(list(self._rows), float))
        colours = pyplot.get_cmap("tab20").colors
        axes.stackplot(frames, *table.values(), labels=list(table), colors=colours, step="mid", linewidth=0)
        axes.set(xlabel="frame", ylabel="milliseconds of work", title="Work per frame, stage upon stage")
        axes.margins(x=0)
        handles, labels = axes.get_legend_handles_labels()
        axes.legend(handles[::-1], labels[::-1], loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
        try:
            figure.savefig(path, dpi=120)
        except (OSError, ValueError) as error:
            raise OutputError(f"cannot write the plot {path}: {error}; choose another place") from error
        finally:
            pyplot.close(figure)

    def _table(self) -> dict[str, np.ndarray]:
        """Stage -> (frames,) milliseconds, 0 where it did not run."""
        rows = list(self._rows.values())
        return {name: np.array([row.get(name, 0.0) for row in rows]) for name in self.names}


def check_plot(path: Path) -> None:
    """Raise `MissingPackageError` or `OutputError` before a run rather than after it."""
    _pyplot()
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise OutputError(f"{path}: a plot is written to .png, .svg or .pdf; end the name in one of them")


def _stage(name: str, column: np.ndarray, work_ms: float) -> Stage:
    ran = column[column > 0]
    p50, p95 = np.percentile(ran, (50, 95)) if len(ran) else (0.0, 0.0)
    share = 0.0 if name in IDLE or not work_ms else column.sum() / work_ms
    return Stage(name, float(column.mean()) if len(column) else 0.0, float(p50), float(p95), float(share))


def _bars(column: np.ndarray) -> np.ndarray:
    """The means of at most `PLOT_COLUMNS` groups of neighbours."""
    groups = np.array_split(column, min(len(column), PLOT_COLUMNS) or 1)
    return np.array([group.mean() if len(group) else 0.0 for group in groups])


def _pyplot():
    try:
        import matplotlib
    except ImportError as error:
        raise MissingPackageError("the plot of --profile", "matplotlib") from error
    matplotlib.use("Agg")  # needs no display
    from matplotlib import pyplot

    return pyplot
