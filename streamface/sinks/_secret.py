"""Addresses and passwords that must not stand on a command line, where every user of the machine can read them."""

from __future__ import annotations

from pathlib import Path

from streamface.errors import SettingsError


def resolved(text: str, option: str) -> str:
    """`text`, or the first line of FILE where it is '@FILE'; raises `SettingsError` when that cannot be read."""
    if not text.startswith("@"):
        return text
    path = Path(text[1:])
    try:
        lines = path.read_text(encoding="utf-8").split("\n", 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise SettingsError(f"cannot read {path}, which {option} names: {reason}") from error
    if not lines[0].strip():
        raise SettingsError(f"{path}, which {option} names, begins with an empty line: put the value there")
    return lines[0].strip()
