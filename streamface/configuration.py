"""From a command line and its configuration file to the settings of each camera."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from streamface import configuration_file
from streamface.capture._address import without_credentials
from streamface.configuration_file import as_arguments
from streamface.errors import SettingsError
from streamface.options import GROUPS, parser
from streamface.settings import OutputSettings, Settings
from streamface.sinks.mqtt import slug_of

SHARED = ("gallery", "strangers", "recognition", "runtime")
"""Rooms whose settings all cameras have in common, because their networks and their gallery are."""
PROGRAM = ("display", "metrics", "serve", "serve_names", "password_file")
"""Settings of the outputs that a program has once, whatever it watches."""
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
    entries = configuration_file.read(given["config"]) if "config" in given else {}
    listed, sources = _list_of_cameras(entries.pop("cameras", None)), given.get("capture.source")
    if "name" in entries:
        raise SettingsError("'name' is of one camera: put it with its 'source' into a list, 'cameras', even of one")
    common = _parsed([*as_arguments(entries), *arguments])
    common["capture.source"] = sources or common.get("capture.source")
    if listed and not sources:
        return _named([_of_one(common, entry, number) for number, entry in enumerate(listed, 1)])
    every = [{**common, "capture.source": [source]} for source in common["capture.source"] or ()]
    return _named([_settings(entry) for entry in every or [common]])


def _parsed(arguments: Sequence[str]) -> dict[str, Any]:
    found, unknown = parser().parse_known_args(list(arguments))
    if unknown:
        raise SettingsError(_unknown(unknown[0]))
    return vars(found)


def _unknown(argument: str) -> str:
    """What is wrong with an argument that is no option; without its value, which may hold a password."""
    flag = argument.partition("=")[0]
    if not flag.startswith("-"):
        return "there is something on the command line without an option before it, such as --source (see --help)"
    known = [f"--{option.flag}" for options in GROUPS.values() for option in options]
    near = get_close_matches(flag, known, 1)
    return f"there is no option {flag}: " + (f"did you mean {near[0]}?" if near else "see --help")


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
            is_shared = option.room in SHARED or option.field in PROGRAM
            if is_shared and {option.flag, option.flag.replace("-", "_")} & set(entry):
                raise SettingsError(f"{option.flag} is for all cameras: put it beside 'cameras', not into one of them")
    with _said_of(name or number):
        found = _parsed(as_arguments(entry))
    return found if name is None else {**found, "capture.camera": str(name)}


def _of_one(common: dict[str, Any], entry: dict[str, Any], number: int) -> Settings:
    """The settings of one entry of `cameras:`."""
    with _said_of(entry.get("capture.camera", number)):
        return _settings({**common, **entry})


@contextmanager
def _said_of(camera: object) -> Iterator[None]:
    """Whose mistake it is."""
    try:
        yield
    except SettingsError as error:
        raise SettingsError(f"camera {camera}: {error}") from error


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
    _check_topics(named)
    return tuple(named)


def _short_name(source: str) -> str:
    """'camera 0' of a webcam, the host of an address, the stem of a file's name; never a password."""
    if source.strip().isdigit():
        return f"camera {source.strip()}"
    if "://" in source:
        rest = source.partition("://")[2]
        host = re.split(r"[/?#]|:\d*$|:\d*/", rest.rpartition("@")[2], maxsplit=1)[0]
        return host.strip("[]") or "camera"
    return Path(without_credentials(source)).stem or "camera"


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
        shared = next((path for path in files if files.count(path) > 1), None)
        if shared is not None:
            raise SettingsError(
                f"several cameras write {shared}: put {PLACE} into its name, for a file of each, and give them names "
                "that differ in letters or digits"
            )


def _check_topics(cameras: Sequence[Settings]) -> None:
    """Refuse two cameras that one broker could not tell apart."""
    taken: dict[tuple[str, str, str], str] = {}
    for settings in cameras:
        output, name = settings.output, settings.capture.camera
        if output.mqtt is None:
            continue
        other = taken.setdefault((output.mqtt, output.mqtt_topic, slug_of(name)), name)
        if other != name:
            raise SettingsError(
                f"cameras {other} and {name} have the same MQTT topic, {output.mqtt_topic}/{slug_of(name)}: give them "
                "names that differ in letters or digits"
            )
