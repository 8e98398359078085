"""From a command line and its configuration file to the settings of each camera."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from streamface.errors import SettingsError
from streamface.options import GROUPS, parser
from streamface.settings import OutputSettings, Settings

SHARED = ("gallery", "strangers", "recognition", "runtime")
"""Rooms whose settings all cameras have in common, because their networks and their gallery are."""
PLACE = "{camera}"
"""Stands for the camera's name in the name of a file or folder."""


def settings_from(arguments: Sequence[str]) -> Settings:
    """The settings that a command line for one camera asks for, its configuration file included.

    Raises `SettingsError` for an unknown option, a value out of range, a file that cannot be read, or several cameras.
    """
    cameras = cameras_from(arguments)
    if len(cameras) > 1:
        raise SettingsError(f"{len(cameras)} cameras are named where one is needed: leave the others out")
    return cameras[0]


def cameras_from(arguments: Sequence[str]) -> tuple[Settings, ...]:
    """One `Settings` for each camera that a command line and its configuration file name, in their order.

    `cameras:` in the file lists the options of each camera; beside it stand those of all. `--source` on the command
    line, once or more, takes the place of the file's cameras. Raises `SettingsError`, as `settings_from`.
    """
    given = _parsed(arguments)
    entries = _read(given["config"]) if "config" in given else {}
    listed, sources = _list_of_cameras(entries.pop("cameras", None)), given.get("capture.source")
    common = _parsed([*_as_arguments(entries), *arguments])
    common["capture.source"] = sources or common.get("capture.source")
    if listed and not sources:
        return _named([_settings({**common, **entry}) for entry in listed])
    every = [{**common, "capture.source": [source]} for source in common["capture.source"] or ()]
    return _named([_settings(entry) for entry in every or [common]])


def _parsed(arguments: Sequence[str]) -> dict[str, Any]:
    return vars(parser().parse_args(list(arguments)))


def _settings(given: Mapping[str, Any]) -> Settings:
    """Settings of parsed options, of which `capture.source` is a list of at most one, or None."""
    settings = Settings()
    for dest, value in given.items():
        room, _, name = dest.partition(".")
        if dest == "capture.source":
            value = value[0] if value else None
        if name and value is not None:
            settings = replace(settings, **{room: replace(getattr(settings, room), **{name: value})})
    return settings


def _list_of_cameras(value: object) -> list[dict[str, Any]]:
    """The parsed options of each entry of `cameras:`."""
    if value is None:
        return []
    if not isinstance(value, list) or not value or not all(isinstance(entry, dict) for entry in value):
        raise SettingsError("'cameras' must be a list whose entries hold lines of the form 'option: value'")
    return [_camera(number, entry) for number, entry in enumerate(value, 1)]


def _camera(number: int, entry: dict) -> dict[str, Any]:
    entry = dict(entry)
    name = entry.pop("name", None)
    if "source" not in entry:
        raise SettingsError(f"camera {name or number} has no 'source': say where its pictures come from")
    if inner := {"config", "cameras"} & set(entry):
        raise SettingsError(f"camera {name or number} holds {inner.pop()!r}: leave it out")
    for options in GROUPS.values():
        for option in options:
            if option.room in SHARED and {option.flag, option.flag.replace("-", "_")} & set(entry):
                raise SettingsError(f"{option.flag} is for all cameras: put it beside 'cameras', not into one of them")
    found = _parsed(_as_arguments(entry))
    return found if name is None else {**found, "capture.camera": str(name)}


def _named(cameras: Sequence[Settings]) -> tuple[Settings, ...]:
    """Each camera with a name of its own when there are several, and with it in the names of its files."""
    if len(cameras) == 1 and cameras[0].capture.camera is None and cameras[0].output.serve is None:
        return (_placed(cameras[0], "camera"),)
    named, taken = [], set()
    for settings in cameras:
        wanted = settings.capture.camera or _short_name(settings.capture.source)
        name, number = wanted, 2
        while name in taken:
            if settings.capture.camera:
                raise SettingsError(f"two cameras are named {name}: give each a name of its own")
            name, number = f"{wanted} {number}", number + 1
        taken.add(name)
        named.append(_placed(replace(settings, capture=replace(settings.capture, camera=name)), name))
    _check_files(named)
    return tuple(named)


def _short_name(source: str) -> str:
    """'camera 0' of a webcam, the host of an address, the stem of a file's name; never a password."""
    if source.strip().isdigit():
        return f"camera {source.strip()}"
    if "://" in source:
        rest = source.partition("://")[2]
        host = re.split(r"[/?#]|:\d*$|:\d*/", rest.rpartition("@")[2], maxsplit=1)[0]
        return host.strip("[]") or "camera"
    return Path(source).stem or source


def _placed(settings: Settings, name: str) -> Settings:
    """The settings with the camera's name in the place of `PLACE` in each of its files and folders."""
    safe = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "camera"
    changed = {
        option.name: Path(str(path).replace(PLACE, safe))
        for option in fields(OutputSettings)
        if isinstance(path := getattr(settings.output, option.name), Path) and PLACE in str(path)
    }
    return replace(settings, output=replace(settings.output, **changed)) if changed else settings


def _check_files(cameras: Sequence[Settings]) -> None:
    """Refuse one file that several cameras would write."""
    for option in ("video", "faces", "events", "profile"):
        files = [path for settings in cameras if (path := getattr(settings.output, option)) not in (None, Path("-"))]
        files = [path for path in files if path.suffix.lower() != ".sqlite"]  # a database takes them all
        if len(set(files)) < len(files):
            raise SettingsError(f"several cameras write {files[0]}: put {PLACE} into its name, for a file of each")


def _read(path: Path) -> dict[str, Any]:
    """The entries of a YAML file."""
    import yaml

    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0]
        raise SettingsError(f"cannot read the configuration {path}: {reason}") from error
    if entries is not None and not isinstance(entries, dict):
        raise SettingsError(f"{path} must hold lines of the form 'option: value', such as 'min-face: 60'")
    return entries or {}


def _as_arguments(entries: Mapping[object, object]) -> list[str]:
    """A YAML file's options as the command line has them."""
    arguments: list[str] = []
    for key, value in entries.items():
        flag = str(key).replace("_", "-")
        if isinstance(value, bool):
            arguments.append(f"--{flag}" if value else f"--no-{flag}")
        elif flag == "source" and isinstance(value, list):
            arguments += [f"--source={entry}" for entry in value]
        elif value is not None:
            arguments.append(f"--{flag}={_as_text(value)}")
    return arguments


def _as_text(value: object) -> str:
    """A list as `a,b`, a list of corners as `x,y x,y`."""
    if not isinstance(value, list):
        return str(value)
    pairs = all(isinstance(entry, list) for entry in value) and value
    return " ".join(",".join(map(str, entry)) for entry in value) if pairs else ",".join(map(str, value))
