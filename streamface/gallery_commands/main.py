"""`streamface gallery add | list | remove | export | consent | check | ...`: from a command line to an exit code."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from streamface import build
from streamface.configuration import cameras_from
from streamface.errors import GalleryError, SettingsError
from streamface.gallery.base import Row
from streamface.gallery.consent import mark, not_consenting
from streamface.gallery.enroll import Report, enroll
from streamface.gallery.examine import Findings, Limits, examine
from streamface.gallery.joining import Joiner, Judged, checked_name, place_for, put, same_file
from streamface.gallery.scan import check_folder
from streamface.gallery.store import Store
from streamface.gallery_commands import text
from streamface.gallery_commands.export import export
from streamface.gallery_commands.removal import Removal
from streamface.gallery_commands.strangers import listed, name_stranger
from streamface.options import Parser
from streamface.settings import Settings

SHARED = {
    "database": "folder of people", "config": "YAML file of options, as for a stream", "model": "recognition network",
    "metric": "cosine, euclidean or euclidean_l2", "threshold": "largest distance that is the same person",
    "detector": "MTCNN, YuNet or Haar", "store": "SQLite file of the embeddings", "stranger-store": "of strangers",
    "events": "file of events to look through", "faces": "file of rows of faces to look through",
    "snapshots": "folder of pictures to look through", "event-pictures": "the same, of the best pictures of visits",
    "audit": "a kiosk's record of decisions, and the pictures beside it", "home": "folder of networks and stores",
}  # fmt: skip
"""Options of the stream that these commands take as well."""
FOUND = 2
"""Exit code of `check` and `remove` where something is left to mend."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Desk:
    """What a command works with."""

    settings: Settings
    cameras: tuple[Settings, ...]
    """Of every camera, for the files that they write."""
    say: Say
    as_json: bool

    @property
    def folder(self) -> Path:
        """The folder of people."""
        if self.settings.gallery.database is None:
            raise SettingsError("no folder of people: name it with --database DIR, or in --config FILE")
        return self.settings.gallery.database

    @property
    def limits(self) -> Limits:
        """What counts as alike."""
        naming = build.threshold(self.settings)
        return Limits(self.settings.recognition.metric, naming, max(naming, build.threshold(self.settings, True)))

    def enrolled(self) -> Report:
        """Everything that is in the folder, up to date."""
        check_folder(self.folder)
        encoders = [build.LazyEncoder(self.settings) for _ in range(2)]
        try:
            with Store(build.store(self.settings)) as store:
                return enroll(self.folder, store, encoders)
        finally:
            for encoder in encoders:
                encoder.close()

    def tell(self, value: dict, lines: Sequence[str]) -> None:
        """Print a result, as JSON where that was asked for."""
        if self.as_json:
            self.say(json.dumps(value, ensure_ascii=False, indent=2, default=str))
        else:
            for line in lines:
                self.say(line)


def main(argv: Sequence[str], say: Say, ask: Callable[[str], str] = input) -> int:
    """Run one command, with what follows `streamface gallery`; the exit code.

    say: prints a line; ask: shows a question and returns what is typed.
    """
    given = parser().parse_args(list(argv))
    shared = [f"--{name}={value}" for name in SHARED if (value := getattr(given, name.replace("-", "_"))) is not None]
    cameras = cameras_from(shared)
    build.prepare(cameras[0])
    desk = Desk(cameras[0], cameras, say, given.json)
    return _COMMANDS[given.command](desk, given, ask)


def parser() -> argparse.ArgumentParser:
    """The parser of these commands."""
    made = Parser("streamface gallery", description="The people who are known, and those who are not.")
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    for name, about in SHARED.items():
        common.add_argument(f"--{name}", help=about, metavar=name.upper())
    common.add_argument("--json", action="store_true", help="print one JSON object")
    adding = commands.add_parser("add", parents=[common], help="copy pictures of somebody into the folder")
    adding.add_argument("name")
    adding.add_argument("images", nargs="+", type=Path)
    adding.add_argument("--anyway", action="store_true", help="also pictures that show somebody else who is known")
    commands.add_parser("list", parents=[common], help="people, pictures, and those that are not used")
    removing = commands.add_parser("remove", parents=[common], help="forget somebody: pictures, embeddings, events")
    removing.add_argument("name")
    removing.add_argument("--yes", action="store_true", help="do not ask")
    exporting = commands.add_parser(
        "export", parents=[common], help="everything that is kept of somebody, as a ZIP file"
    )
    exporting.add_argument("name")
    exporting.add_argument("file", type=Path)
    consenting = commands.add_parser("consent", parents=[common], help="whether somebody may be recorded and named")
    consenting.add_argument("name")
    consenting.add_argument("answer", choices=("yes", "no"))
    commands.add_parser("check", parents=[common], help="find mixed up, repeated, poor and too similar pictures")
    commands.add_parser("strangers", parents=[common], help="people without a name who were seen")
    naming = commands.add_parser("name-stranger", parents=[common], help="make a stranger a named person")
    naming.add_argument("number", type=int)
    naming.add_argument("name")
    return made


def _add(desk: Desk, given: argparse.Namespace, ask: Callable) -> int:
    identity = checked_name(given.name)
    is_new = not desk.folder.exists()
    if is_new:
        try:
            desk.folder.mkdir()
        except OSError as error:
            raise GalleryError(f"cannot make {desk.folder} ({error.strerror}): make it first") from error
    encoder = build.LazyEncoder(desk.settings)
    try:
        joiner = Joiner(identity, desk.enrolled().rows, encoder, desk.limits, not_consenting(desk.folder))
        done = [_put_one(desk.folder, identity, source, joiner, given.anyway) for source in given.images]
    finally:
        encoder.close()
    if any(path for _, path in done):
        desk.enrolled()  # so that the next start finds all embedded
    elif is_new:
        with suppress(OSError):  # somebody else put something into it
            desk.folder.rmdir()
        is_new = False
    told = [
        {"source": j.source, "added": path, "refused": None if path else j.refused, "remarks": list(j.remarks)}
        for j, path in done
    ]
    made = [f"{desk.folder} was not there: a new folder of people"] if is_new else []
    desk.tell({"name": identity, "pictures": told}, [*made, *text.added(done)])
    return 0 if all(path for _, path in done) else FOUND


def _put_one(folder: Path, identity: str, source: Path, joiner: Joiner, anyway: bool) -> tuple[Judged, Path | None]:
    """What was found in a picture, and where it was copied to, None for one that was not."""
    judged = joiner.judge(source, anyway)
    if judged.refused is not None:
        return judged, None
    data, place = source.read_bytes(), place_for(folder, identity)
    there = same_file(place, data)
    if there is not None:
        return Judged(source, None, f"it is there already, as {there}"), None
    return judged, put(place, source.name, data)


def _list(desk: Desk, given: argparse.Namespace, ask: Callable) -> int:
    report = desk.enrolled()
    people: dict[str, dict[str, list]] = {}
    for row in report.rows:
        people.setdefault(row.photo.identity, {"pictures": [], "unusable": []})["pictures"].append(row.photo.path)
    for skipped in report.skipped:
        entry = {"path": skipped.path, "reason": skipped.reason}
        people.setdefault(skipped.identity, {"pictures": [], "unusable": []})["unusable"].append(entry)
    unnamed = not_consenting(desk.folder) & set(people)
    people = {name: found for name, found in sorted(people.items()) if name not in unnamed}
    value = {"folder": desk.folder, "network": report.network, "people": people, "did_not_consent": len(unnamed)}
    desk.tell(value, [*text.people(people), *text.unnamed(len(unnamed))])
    return 0


def _check(desk: Desk, given: argparse.Namespace, ask: Callable) -> int:
    report, unnamed = desk.enrolled(), not_consenting(desk.folder)
    rows = [row for row in report.rows if row.photo.identity not in unnamed]
    findings: Findings = examine(desk.folder, rows, desk.limits)
    skipped = [picture for picture in report.skipped if picture.identity not in unnamed]
    unusable = [{"path": picture.path, "reason": picture.reason} for picture in skipped]
    value = {**asdict(findings), "unusable": unusable, "threshold_in_use": desk.limits.naming,
             "did_not_consent": len(unnamed)}  # fmt: skip
    desk.tell(value, [*text.checked(findings, unusable, desk.limits.naming), *text.unnamed(len(unnamed))])
    return FOUND if findings.faults or unusable else 0


def _remove(desk: Desk, given: argparse.Namespace, ask: Callable) -> int:
    removal = Removal(desk.cameras, checked_name(given.name), desk.limits)
    plan = removal.plan()
    if not desk.as_json:
        for line in text.plan(plan):
            desk.say(line)
    if not given.yes:
        if desk.as_json:
            raise SettingsError("with --json nobody is asked: say --yes to remove")
        if not _agreed(plan.name, ask):
            desk.say("nothing was deleted")
            return FOUND
    removal.carry_out(plan)
    left = removal.left(plan)
    removed = {kind: value for kind, value in asdict(plan).items() if kind != "remembered"}
    desk.tell({"removed": removed, "left": left}, text.left(plan, left))
    return FOUND if any(left.values()) else 0


def _agreed(name: str, ask: Callable[[str], str]) -> bool:
    try:
        return ask(f"Delete all this for good? Type {name} to go on: ").strip() == name
    except EOFError:
        raise SettingsError("nobody is there to type the name: say --yes to remove") from None


def _export(desk: Desk, given: argparse.Namespace, ask: Callable) -> int:
    removal = Removal(desk.cameras, checked_name(given.name), desk.limits)
    desk.enrolled()
    plan = removal.plan()
    kinds = export(removal, plan, given.file)
    value = {"file": given.file, "entries": kinds, "unsearched": plan.unsearched}
    desk.tell(value, text.exported(given.file, kinds, plan.unsearched))
    return 0


def _consent(desk: Desk, given: argparse.Namespace, ask: Callable) -> int:
    check_folder(desk.folder)
    name = checked_name(given.name)
    files = mark(desk.folder, name, given.answer == "yes")
    desk.tell(
        {"name": name, "consents": given.answer == "yes", "files": files}, text.consent(name, given.answer, files)
    )
    return 0


def _strangers(desk: Desk, given: argparse.Namespace, ask: Callable) -> int:
    known: Sequence[Row] = ()
    if desk.settings.gallery.database:
        unnamed = not_consenting(desk.folder)
        known = [row for row in desk.enrolled().rows if row.photo.identity not in unnamed]
    rows = listed(desk.settings, known, desk.limits)
    desk.tell(
        {"store": build.stranger_store(desk.settings), "strangers": rows},
        text.strangers(rows, build.stranger_store(desk.settings)),
    )
    return 0


def _name_stranger(desk: Desk, given: argparse.Namespace, ask: Callable) -> int:
    identity = checked_name(given.name)
    check_folder(desk.folder)
    named = name_stranger(desk.settings, desk.folder, given.number, identity)
    desk.enrolled()
    desk.tell({"number": given.number, "name": identity, **named}, text.named(given.number, identity, named))
    return 0


_COMMANDS = {
    "add": _add, "list": _list, "remove": _remove, "export": _export, "consent": _consent, "check": _check,
    "strangers": _strangers, "name-stranger": _name_stranger,
}  # fmt: skip
