"""The options of the command line and of a configuration file, from one table."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from streamface.errors import SettingsError
from streamface.settings import Settings


def _actions(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    return () if names == ("none",) else names


@dataclass(frozen=True, slots=True)
class Option:
    """One option: where its value goes, and what `--help` says of it."""

    flag: str
    room: str
    field: str
    help: str
    type: Callable[[str], Any] = str
    metavar: str | None = None

    def add_to(self, group: argparse._ArgumentGroup) -> None:
        """Make argparse know it."""
        names = (f"--{self.flag}", "-s") if self.flag == "source" else (f"--{self.flag}",)
        if self.type is bool:
            kwargs: dict[str, Any] = {"action": argparse.BooleanOptionalAction}
        else:
            kwargs = {"type": self.type, "metavar": self.metavar or self.flag.upper()}
        group.add_argument(*names, dest=f"{self.room}.{self.field}", help=self.help, **kwargs)


GROUPS: dict[str, tuple[Option, ...]] = {
    "what to watch": (
        Option("source", "capture", "source", "'demo', a webcam's number, a video file, a folder of images, or an "
               "rtsp:// or http:// address (default: 0, the first webcam)", metavar="S"),
        Option("database", "gallery", "database", "folder of people: DIR/Person Name/*.jpg or DIR/Person Name.jpg",
               Path, "DIR"),
        Option("max-frames", "capture", "max_frames", "stop after N frames", int, "N"),
        Option("timeout", "capture", "timeout_s", "seconds a camera may take to answer (default: 10)", float, "S"),
    ),
    "what to write": (
        Option("output", "output", "video", "annotated video, H.264 in FILE.mp4", Path, "FILE"),
        Option("faces", "output", "faces", "one row per face per frame, FILE.jsonl or FILE.csv", Path, "FILE"),
        Option("events", "output", "events", "one row when a person appears, is recognised, changes or leaves, "
               "FILE.jsonl", Path, "FILE"),
        Option("display", "output", "display", "show a window: q quits, space pauses, s saves a picture (default: yes)",
               bool),
        Option("snapshots", "output", "snapshots", "folder for pictures saved with s", Path, "DIR"),
    ),
    "how to see": (
        Option("detector", "detection", "detector", "MTCNN, YuNet or Haar (default: MTCNN)", metavar="N"),
        Option("min-face", "detection", "min_face_px", "smallest face in pixels; larger is faster (default: 40)",
               float, "PX"),
        Option("min-score", "detection", "min_score", "least score of a face, 0 to 1 (default: the detector's own)",
               float, "X"),
        Option("detector-weights", "detection", "weights", "network file of the YuNet detector", Path, "FILE"),
        Option("detect-every", "tracking", "detect_every", "frames from one full detection to the next; between them "
               "each face is followed (default: 6)", int, "N"),
    ),
    "how to name": (
        Option("model", "recognition", "model", "recognition network, or auto (default: auto)", metavar="M"),
        Option("metric", "recognition", "metric", "cosine, euclidean or euclidean_l2 (default: cosine)", metavar="D"),
        Option("threshold", "recognition", "threshold", "largest distance that is the same person (default: the "
               "network's own)", float, "X"),
        Option("mirror", "recognition", "mirror", "average each face with its mirror image: a little more accurate, "
               "twice the time (default: no)", bool),
        Option("actions", "analysis", "actions", "what else to say of a face, of age,gender,emotion,race, or none "
               "(default: age,gender)", _actions, "A,B"),
        Option("store", "gallery", "store", "SQLite file that keeps the embeddings (default: in the cache folder)",
               Path, "FILE"),
    ),
    "how to draw and run": (
        Option("scale", "overlay", "scale", "size of text and lines (default: 1)", float, "X"),
        Option("thumbnails", "overlay", "thumbnails", "show the matched picture beside the name (default: yes)", bool),
        Option("threads", "runtime", "threads", "threads of one network (default: 1)", int, "N"),
    ),
}  # fmt: skip


class _Parser(argparse.ArgumentParser):
    """Raises instead of printing its usage."""

    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message} (see --help)")


def parser() -> argparse.ArgumentParser:
    """The parser of the command line; values that were not given are absent from its result."""
    from streamface import __version__

    made = _Parser(
        prog="streamface",
        usage="streamface --source S [--database DIR] [--output FILE] [--no-display] [options]",
        description="Watch video for faces: find, follow and name people, draw and record what is seen.",
        epilog="`streamface weights` lists, fetches and imports the published networks. "
        "Faces are personal data: ask the people you film, and keep what you record safe.",
        argument_default=argparse.SUPPRESS,
    )
    for title, options in GROUPS.items():
        group = made.add_argument_group(title)
        for option in options:
            option.add_to(group)
    made.add_argument("--config", type=Path, metavar="FILE", help="YAML file of these options, as 'min-face: 60'; "
                      "the command line wins")  # fmt: skip
    made.add_argument("--debug", action="store_true", help="show where a fault happened")
    made.add_argument("--version", action="version", version=f"streamface {__version__}")
    return made


def settings_from(arguments: Sequence[str]) -> Settings:
    """The settings that a command line asks for, its configuration file included.

    Raises `SettingsError` for an unknown option, a value out of range, or a file that cannot be read.
    """
    made = parser()
    given = made.parse_args(list(arguments))
    config = getattr(given, "config", None)
    if config is not None:
        given = made.parse_args([*_config_arguments(config), *arguments])
    settings = Settings()
    for dest, value in vars(given).items():
        room, _, name = dest.partition(".")
        if name:
            settings = replace(settings, **{room: replace(getattr(settings, room), **{name: value})})
    return settings


def _config_arguments(path: Path) -> list[str]:
    """A YAML file's options as the command line has them."""
    import yaml

    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0]
        raise SettingsError(f"cannot read the configuration {path}: {reason}") from error
    if entries is None:
        return []
    if not isinstance(entries, dict):
        raise SettingsError(f"{path} must hold lines of the form 'option: value', such as 'min-face: 60'")
    arguments: list[str] = []
    for key, value in entries.items():
        flag = str(key).replace("_", "-")
        if isinstance(value, bool):
            arguments.append(f"--{flag}" if value else f"--no-{flag}")
        elif value is not None:
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            arguments.append(f"--{flag}={text}")
    return arguments
