"""A YAML file of options, as the command line would have them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from streamface.errors import SettingsError
from streamface.options import GROUPS

SWITCHES = frozenset(option.flag for options in GROUPS.values() for option in options if option.type is bool)


def read(path: Path) -> dict[str, Any]:
    """The entries of a file; raises `SettingsError`, without a line of the file, since one may hold a password."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, yaml.SafeLoader)
        entries = yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SettingsError(f"cannot read the configuration {path}: {_reason(error)}") from error
    if entries is not None and not isinstance(entries, dict):
        raise SettingsError(f"{path} must hold lines of the form 'option: value', such as 'min-face: 60'")
    for key in _twins(node):
        name, line = key.value, key.start_mark.line + 1
        raise SettingsError(f"{path}, line {line}: {name} stands there a second time: leave one, or begin a new '- '")
    return entries or {}


def as_arguments(entries: Mapping[object, object]) -> list[str]:
    """Options of a file as the command line has them; raises `SettingsError` for what it could not have."""
    arguments: list[str] = []
    for key, value in entries.items():
        flag = str(key).replace("_", "-")
        if isinstance(value, bool):
            arguments.append(f"--{flag}" if value else f"--no-{flag}")
        elif flag in SWITCHES and value is not None:
            raise SettingsError(f"{flag} must be true or false, without quotes")
        elif isinstance(value, dict):
            raise SettingsError(f"{flag} holds lines of its own: it takes one value, or a list")
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


def _reason(error: Exception) -> str:
    """What is wrong and where."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return getattr(error, "strerror", None) or str(error).splitlines()[0]
    problem = " ".join(str(error.problem).split())
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem} (a value with : # @ or {{ needs quotes)"


def _twins(node: Any, known: frozenset[int] = frozenset()) -> Iterator[Any]:
    """Keys that stand a second time in one mapping: YAML would drop the first without a word."""
    if node is None or id(node) in known or isinstance(node.value, str):
        return
    known, taken = known | {id(node)}, set()
    for entry in node.value:
        key, *values = entry if isinstance(entry, tuple) else (None, entry)
        if key is not None:
            name = str(key.value).replace("_", "-")
            if name in taken and name != "<<":
                yield key
            taken.add(name)
        for value in values:
            yield from _twins(value, known)
