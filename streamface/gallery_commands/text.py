"""What the commands for the folder of people print for people to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamface.gallery.examine import Findings
    from streamface.gallery.joining import Judged
    from streamface.gallery.support import Support
    from streamface.gallery_commands.removal import Plan

SHOWN = 20
"""Entries of one kind that are printed; `--json` has all."""


def added(done: Sequence[tuple[Judged, Path | None]]) -> list[str]:
    """One line a picture, and remarks."""
    lines = []
    for judged, path in done:
        lines.append(f"added {judged.source} as {path}" if path else f"not added {judged.source}: {judged.refused}")
        lines += [f"    mind: {remark}" for remark in judged.remarks]
    if any(path is None and judged.row is not None for judged, path in done):
        lines.append("a picture that shows somebody else is added with --anyway")
    return lines


def people(found: Mapping[str, Mapping[str, list]]) -> list[str]:
    """One line a person, and one for each picture that is not used."""
    pictures = sum(len(entry["pictures"]) for entry in found.values())
    unusable = sum(len(entry["unusable"]) for entry in found.values())
    known = sum(bool(entry["pictures"]) for entry in found.values())
    lines = [f"{known} people, {pictures} pictures in use, {unusable} not"]
    for name, entry in found.items():
        lines.append(f"  {name}: {_count(len(entry['pictures']), 'picture')}")
        lines += [f"    not used: {picture['path']}: {picture['reason']}" for picture in entry["unusable"]]
    return lines


def unnamed(count: int) -> list[str]:
    """How many people are left out above."""
    return [f"{_count(count, 'person', 'people')} who did not consent: not named"] if count else []


def consent(name: str, answer: str, files: Sequence[Path]) -> list[str]:
    """What holds from now on."""
    marks = [f"  {'deleted' if answer == 'yes' else 'the mark is'} {path}" for path in files]
    if answer == "yes":
        return [f"{name} may be recorded and named", *marks]
    return [f"{name} is covered in everything that is shown, recorded or sent, and named nowhere", *marks]


def exported(file: Path, kinds: Mapping[str, int], unsearched: Sequence[Path]) -> list[str]:
    """What is in the archive."""
    lines = [f"wrote {file}: everything in it is of one person, keep it safe"]
    lines += [f"  {_count(count, 'file')} in {kind}/" for kind, count in kinds.items() if "." not in kind]
    return [*lines, *(f"Recordings are not looked through: {path}" for path in unsearched)]


def checked(found: Findings, unusable: Sequence[Mapping[str, str]], in_use: float) -> list[str]:
    """Everything that was found, each kind under its heading, and what the gallery supports."""
    kinds = (
        ("Not like the other pictures of the same person; is that somebody else?", _odd(found)),
        ("One person in two folders; put them together under one name:", _pairs(found.one_in_two)),
        ("Two people who will be taken for each other; better pictures may help:", _pairs(found.too_alike)),
        ("The same picture more than once; one is enough:", _copies(found)),
        ("Too poor to help (small, blurred, turned away or dark); better leave them out:", _poor(found)),
        ("Not used:", [f"{picture['path']}: {picture['reason']}" for picture in unusable]),
    )  # fmt: skip
    lines = []
    for heading, entries in kinds:
        if entries:
            lines += [heading, *(f"  {entry}" for entry in entries[:SHOWN])]
            lines += [f"  and {len(entries) - SHOWN} more (--json has all)"] if len(entries) > SHOWN else []
            lines.append("")
    lines += [] if lines else ["Nothing is wrong with these pictures.", ""]
    return lines + list(support(found.support, in_use))


def _odd(found: Findings) -> list[str]:
    return [
        f"{odd.path} (nearest of {odd.identity}'s: {odd.distance:.3f}"
        + (f"; looks like {odd.looks_like})" if odd.looks_like else ")")
        for odd in found.odd
    ]


def _pairs(pairs: Sequence) -> list[str]:
    return [
        f"{pair.one} and {pair.other}: {pair.distance:.3f} between {pair.paths[0]} and {pair.paths[1]}"
        for pair in pairs
    ]


def _copies(found: Findings) -> list[str]:
    same = {True: "the same file", False: "the same photograph"}
    return [f"{', '.join(copies.paths)} ({same[copies.same_bytes]})" for copies in found.copies]


def _poor(found: Findings) -> list[str]:
    return [f"{poor.path} ({'blurred' if poor.blurred else f'quality {poor.quality:.2f}'})" for poor in found.poor]


def support(found: Support, in_use: float) -> Iterator[str]:
    """Which threshold the gallery supports, and on what that rests."""
    rests = f"{_count(found.people, 'person', 'people')}, {_count(found.genuine, 'pair')} of pictures of one person, "
    rests += f"{_count(found.impostor, 'pair')} of two"
    if found.threshold is None:
        yield f"Threshold: too little to tell one from this gallery ({rests})."
        yield f"  It takes 10 people and {found.needed:,} pairs of two people. In use: {in_use:.3f}, the network's own."
        return
    yield f"Threshold that this gallery supports: {found.threshold:.3f}; in use: {in_use:.3f}."
    yield f"  At it one in {round(1 / found.rate):,} comparisons of two people is a false match. From {rests}."
    if found.accepted is None:
        yield "  Too few pairs of one person to say how many of them it accepts: add second pictures."
    else:
        yield f"  It accepts {found.accepted:.1%} of the pairs of one person."
    yield "  That is one picture against one: the nearest of many pictures is nearer, for strangers too."


def plan(found: Plan) -> list[str]:
    """What would be deleted."""
    lines = [f"Of {found.name} there are:"]
    lines += [f"  {_count(found.pictures, 'picture')} in {', '.join(map(str, found.places))}"] if found.places else []
    lines += [f"    with another file in it: {path}" for path in found.others]
    lines += [f"    {path} is a link: what it leads to stays" for path in found.places if path.is_symlink()]
    lines.append(f"  {_count(found.embeddings, 'embedding')}, of all networks")
    lines += [f"  a counter-example for somebody else: {path}" for path in found.counters]
    lines += [f"  stranger {number}, who looks like that" for number in found.strangers]
    lines += [f"  {_count(rows, 'row')} in {path}" for path, rows in found.rows.items() if rows]
    lines += [f"  a picture: {path} (others in it are lost with it)" for path in found.snapshots]
    lines += [f"  not looked through: the recordings in {path}" for path in found.unsearched]
    return lines


def left(found: Plan, still: Mapping[str, int]) -> list[str]:
    """What is left, looked for anew."""
    lines = [f"Looked again for {found.name}:"]
    lines += [f"  {kind}: {count or 'none'}" for kind, count in still.items()]
    some = any(still.values())
    lines.append("Something is left: see above." if some else "Nothing is left.")
    lines += [f"Recordings are not looked through: {path}" for path in found.unsearched]
    return lines


def strangers(rows: Sequence[Mapping], store: Path) -> list[str]:
    """One line each, and where they are kept."""
    if not rows:
        return ["no strangers are kept"]
    lines = []
    for row in rows:
        seen = f"{_count(row['visits'], 'visit')}, {row['first_seen']} to {row['last_seen']}"
        kept = f"{_count(row['embeddings'], 'embedding')}, {_count(row['pictures'], 'picture')}"
        alike = f"; looks like {row['looks_like']}" if row["looks_like"] else ""
        lines.append(f"stranger {row['number']}: {seen}; {kept}{alike}")
    return [*lines, f"kept in {store}: delete that file to forget all of them"]


def named(number: int, identity: str, made: Mapping[str, Sequence[str]]) -> list[str]:
    """What a stranger became."""
    lines = [f"stranger {number} is {identity} from now on"]
    lines += [f"  picture: {path}" for path in made["pictures"]]
    lines += [f"  embedding, since no usable picture was kept: {path}" for path in made["embeddings"]]
    return lines


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
