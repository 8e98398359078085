"""Finding a backend by its name: one file in a room's folder is one backend, and states its public name."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType

from streamface.errors import UnknownNameError


def normalised(name: str) -> str:
    """`name` as names are compared: without case, '-', '_' and spaces, so 'VGG-Face' equals 'vgg_face'."""
    return "".join(c for c in str(name).casefold() if c not in "-_ ")


def choose(kind: str, name: str, known: tuple[str, ...]) -> str:
    """The member of `known` that `name` means; raises `UnknownNameError` with the list otherwise."""
    for candidate in known:
        if normalised(candidate) == normalised(name):
            return candidate
    raise UnknownNameError(kind, name, known)


@cache
def backends(room: str) -> dict[str, ModuleType]:
    """Public name -> module of every backend in `streamface.<room>`, in order of file name.

    A backend is a module that states `NAME`; `base.py` and names that begin with '_' are no backends.
    """
    package = importlib.import_module(f"streamface.{room}")
    files = sorted(m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_"))
    modules = [importlib.import_module(f"streamface.{room}.{file}") for file in files]
    return {module.NAME: module for module in modules if hasattr(module, "NAME")}


def backend(room: str, name: str, kind: str | None = None) -> ModuleType:
    """The module of the backend that `name` means, by its public name or its file's; raises `UnknownNameError`."""
    found = backends(room)
    for public, module in found.items():
        if normalised(name) in (normalised(public), normalised(module.__name__.rpartition(".")[2])):
            return module
    raise UnknownNameError(kind or room, name, tuple(found))
