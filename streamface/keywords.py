"""Settings from keyword arguments: each by its own name, the command line's, or that of the still-image functions."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from streamface.errors import SettingsError
from streamface.options import GROUPS
from streamface.settings import Settings, option_names

FUNCTION_NAMES = {
    "db_path": ("gallery", "database"),
    "model_name": ("recognition", "model"),
    "distance_metric": ("recognition", "metric"),
    "detector_backend": ("detection", "detector"),
}
"""The names that `verify` and `find` have for settings of a stream -> (room, field)."""


def settings_from(**options: object) -> Settings:
    """Settings with what is given; an option that is None keeps its default.

    Paths may be text, `actions` a list or 'age,gender', `source` a webcam's number. Raises `SettingsError` for an
    unknown option, one that is given twice, or a value of another kind or out of range.
    """
    changes: dict[str, dict[str, Any]] = {}
    for name, value in options.items():
        room, field = _place(name)
        if value is None:
            continue
        if field in changes.setdefault(room, {}):
            raise SettingsError(f"{name} is given twice, under two names: leave one out")
        changes[room][field] = _converted(name, value, _KINDS[room, field])
    settings = Settings()
    return replace(settings, **{room: replace(getattr(settings, room), **new) for room, new in changes.items()})


def _place(name: str) -> tuple[str, str]:
    places = _places()
    if name not in places:
        raise SettingsError(f"unknown option {name!r}: the options are {', '.join(sorted(places))}")
    return places[name]


@cache
def _places() -> dict[str, tuple[str, str]]:
    """Every name of an option -> (room, field)."""
    flags = {
        option.flag.replace("-", "_"): (option.room, option.field) for group in GROUPS.values() for option in group
    }
    return {**option_names(), **flags, **FUNCTION_NAMES}


_KINDS = {
    (room.name, option.name): option.type.partition(" |")[0]
    for room in fields(Settings)
    for option in fields(room.default_factory)
}
"""(room, field) -> what its value is: 'str', 'float', 'int', 'bool', 'Path' or 'tuple[str, ...]'."""


def _converted(name: str, value: Any, kind: str) -> Any:
    try:
        return _CONVERSIONS[kind](value)
    except (TypeError, ValueError):
        wanted = _WANTED.get(kind, f"a {kind}")
        raise SettingsError(f"{name} is {value!r}: it must be {wanted}") from None


def _number(value: object) -> float:
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        raise TypeError
    return float(value)


def _whole_number(value: object) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError
    return value.__index__()


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, os.PathLike)):
        raise TypeError
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


def _names(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [] if value == "none" else value.split(",")
    return tuple(_text(entry).strip() for entry in value)


def _corners(value: Any) -> tuple[tuple[float, float], ...]:
    return tuple((_number(x), _number(y)) for x, y in value)


_CONVERSIONS = {"str": _text, "float": _number, "int": _whole_number, "bool": _flag, "Path": Path,
                "tuple[str, ...]": _names, "tuple[tuple[float, float], ...]": _corners}  # fmt: skip
_WANTED = {
    "tuple[str, ...]": "a list of names",
    "tuple[tuple[float, float], ...]": "a list of corners (x, y)",
    "float": "a number",
    "int": "a whole number",
    "bool": "True or False",
    "Path": "a path",
    "str": "text",
}
