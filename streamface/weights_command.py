"""The commands for published weights: `streamface weights list | get NAME | path | import FILE`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from streamface import plugins
from streamface.errors import UnknownNameError, WeightsError
from streamface.options import Parser
from streamface.runtime import cache, weights
from streamface.runtime.weights import WeightFile

ROOMS = ("recognition", "attributes")


def catalogue() -> tuple[WeightFile, ...]:
    """Every weights file that a backend states in its `WEIGHTS`, each once."""
    modules = [module for room in ROOMS for module in plugins.backends(room).values()]
    return tuple(dict.fromkeys(file for module in modules for file in getattr(module, "WEIGHTS", ())))


def listing() -> list[tuple[WeightFile, Path | None, str]]:
    """Each file, where it lies (None: not here), and what is wrong with it ('' for nothing)."""
    rows = []
    for file in catalogue():
        try:
            rows.append((file, weights.find(file), ""))
        except WeightsError as error:
            rows.append((file, None, str(error)))
    return rows


def get(name: str) -> list[Path]:
    """Download, where they are not here, the files of a network, or one file by its name; raises `WeightsError`."""
    return [weights.obtain(file) for file in named(name)]


def named(name: str) -> list[WeightFile]:
    """The files that a file's name, a network's name or 'all' means; raises `UnknownNameError`."""
    files = catalogue()
    if name == "all":
        return list(files)
    by_file = [file for file in files if name in (file.filename, Path(file.filename).stem)]
    modules = {public: module for room in ROOMS for public, module in plugins.backends(room).items()}
    by_network = [
        file
        for public, module in modules.items()
        if plugins.normalised(public) == plugins.normalised(name)
        for file in getattr(module, "WEIGHTS", ())
    ]
    if not by_file + by_network:
        known = [public for public, module in modules.items() if getattr(module, "WEIGHTS", ())]
        raise UnknownNameError("weights", name, (*known, *(file.filename for file in files), "all"))
    return by_file or by_network


def import_file(path: Path) -> Path:
    """Check a file that came some other way, and keep a copy under its published name; raises `WeightsError`."""
    return weights.install(weights.identify(path, catalogue()), path)


def parser() -> Parser:
    """The parser of what follows `streamface weights`."""
    made = Parser("streamface weights", description="The published weights on this machine.")
    made.add_argument("--home", type=Path, metavar="DIR", help="the folder of everything kept, as for the stream")
    commands = made.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="every file: is it here, its licence and source")
    commands.add_parser("get", help="download").add_argument("name", help="a network, a file, or 'all'")
    commands.add_parser("path", help="the folder where the files are kept")
    commands.add_parser("import", help="take a file that came some other way").add_argument("file", type=Path)
    return made


def main(argv: Sequence[str], say: Callable[[str], None]) -> int:
    """Run one command, with what follows `streamface weights`; `say` prints a line. Returns the exit code."""
    arguments = parser().parse_args(list(argv))
    cache.use(arguments.home)
    if arguments.command == "list":
        for row in listing():
            say(_line(*row))
    elif arguments.command == "path":
        say(str(weights.folder()))
    elif arguments.command == "get":
        for path in get(arguments.name):
            say(str(path))
    else:
        say(str(import_file(arguments.file)))
    return 0


def _line(file: WeightFile, path: Path | None, fault: str) -> str:
    where = fault or f"not here, about {file.about_bytes / 1e6:.0f} MB to fetch"
    if path is not None:
        where = f"{path.stat().st_size / 1e6:.1f} MB in {path.parent}"
    return f"{file.filename}\n    {where}\n    {file.licence}; {file.source}\n    {file.urls[0]}"
