"""Finding a font that has the letters of a name, in any script.

Fonts come from Python packages first, so that every machine draws the same, then from the system: from
fontconfig where it is installed, else from the usual folders. Nothing is opened before a text needs it.
"""

from __future__ import annotations

import importlib.util
import logging
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path

import uharfbuzz as hb

log = logging.getLogger(__name__)

CARRIED = (("manimgx_fonts", "."), ("manimgx_fonts_cjk", "."), ("matplotlib", "mpl-data/fonts/ttf"))
"""(package, folder in it): Noto Sans for 20 scripts and emoji, Noto Sans CJK, DejaVu Sans."""
PRIMARY = "NotoSans[wght].ttf"
"""Looked into before all others, so that Latin, Cyrillic and Greek have one look."""
UNUSABLE = ("LastResort", "AdobeBlank", "ColorEmoji", "Italic", "Oblique", "STIX", "cmex", "cmsy", "Mono")
"""Fonts that 'have' every letter as a box, have pictures in place of outlines, or have the wrong look."""
FOLDERS = {
    "win32": ("C:/Windows/Fonts",),
    "darwin": ("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
    "linux": ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts"),
}
CJK_FACES = {"HIRAGANA": 0, "KATAKANA": 0, "HANGUL": 1}
"""Which face of Noto Sans CJK a text with such letters takes; Chinese characters alone take the third."""


class Font:
    """One face of a font file."""

    def __init__(self, path: Path, index: int = 0) -> None:
        self.path, self.index = path, index

    @cached_property
    def face(self) -> hb.Face:
        """The opened face; the file is mapped, not read."""
        return hb.Face(hb.Blob.from_file_path(str(self.path)), self.index)

    @cached_property
    def _letters(self) -> hb.Set:
        return self.face.unicodes

    def has(self, text: str) -> bool:
        """True when there is a glyph for every visible character of `text`."""
        return all(ord(c) in self._letters or invisible(c) for c in text)

    @lru_cache(maxsize=32)  # noqa: B019 - fonts live as long as the program
    def at(self, size_px: int, weight: int) -> hb.Font:
        """The face at a size in pixels (64 units each) and a weight of 100..900 where the file has weights."""
        font = hb.Font(self.face)
        font.scale = (size_px * 64, size_px * 64)
        font.set_variations({"wght": weight})
        return font


def invisible(char: str) -> bool:
    """True for characters that need no glyph: joiners, variation selectors, direction marks."""
    return unicodedata.category(char) == "Cf" or 0xFE00 <= ord(char) <= 0xFE0F


class FontBook:
    """All fonts of this machine, asked one text at a time."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], Font | None] = {}
        self._reported: set[str] = set()

    @cached_property
    def carried(self) -> tuple[Font, ...]:
        """Fonts of installed Python packages, the primary ones first."""
        files = [path for package, folder in CARRIED for path in _package_fonts(package, folder)]
        files.sort(key=lambda path: path.name != PRIMARY)
        return tuple(Font(path) for path in files)

    @cached_property
    def primary(self) -> Font | None:
        """The font of the look; None on a machine without any."""
        return self.find("A")

    def find(self, cluster: str, cjk_face: int = 2) -> Font | None:
        """A font with every glyph of `cluster` (a letter with its marks), or None, which is logged once a script.

        cjk_face: which face of a collection of CJK faces to prefer: 0 Japanese, 1 Korean, 2 Chinese.
        """
        key = (cluster, cjk_face)
        if key not in self._known:
            self._known[key] = self._search(cluster, cjk_face)
            if self._known[key] is None:
                self._report(cluster)
        return self._known[key]

    def _search(self, cluster: str, cjk_face: int) -> Font | None:
        for font in self.carried:
            if font.has(cluster):
                return self._collection(font.path, cjk_face) if font.path.suffix == ".ttc" else font
        return next((font for font in _system_fonts(ord(cluster[0])) if _usable(font, cluster)), None)

    @lru_cache(maxsize=8)  # noqa: B019 - one book a program
    def _collection(self, path: Path, index: int) -> Font:
        return Font(path, index)

    def _report(self, cluster: str) -> None:
        script = script_of(cluster[0])
        if script not in self._reported:
            self._reported.add(script)
            cjk = script in {"CJK", "HANGUL", "HIRAGANA", "KATAKANA"}
            package = "manimgx-fonts-cjk" if cjk else "manimgx-fonts"
            log.warning("no font has the letter %r (%s): pip install %s", cluster, script.title(), package)


def script_of(char: str) -> str:
    """First word of a character's Unicode name: 'LATIN', 'ARABIC', 'CJK', 'HANGUL' ...; '' for none."""
    return unicodedata.name(char, "").partition(" ")[0].partition("-")[0]


def cjk_face(text: str) -> int:
    """Which face of a CJK collection suits a whole text: 0 Japanese, 1 Korean, 2 Chinese."""
    return next((CJK_FACES[s] for s in map(script_of, text) if s in CJK_FACES), 2)


def _package_fonts(package: str, folder: str) -> list[Path]:
    spec = importlib.util.find_spec(package)
    places = (spec.submodule_search_locations or ()) if spec else ()
    return [path for place in places for path in _font_files(Path(place) / folder)]


def _font_files(folder: Path) -> list[Path]:
    files = [p for p in folder.rglob("*") if p.suffix.lower() in {".ttf", ".otf", ".ttc", ".otc"}]
    return sorted(p for p in files if not any(word in p.name for word in UNUSABLE))


def _usable(font: Font, cluster: str) -> bool:
    """True for a font that opens, has the cluster and draws it as an outline."""
    try:
        if not font.has(cluster):
            return False
        glyph = font.at(16, 400).get_nominal_glyph(ord(cluster[0]))
        return cluster.isspace() or hb.RasterDraw().draw_glyph_or_fail(font.at(16, 400), glyph)
    except (hb.HarfBuzzError, OSError, ValueError):
        return False


def _system_fonts(code_point: int) -> Iterator[Font]:
    """Fonts of the system that may have a character: those that fontconfig names, else all in the usual folders."""
    if shutil.which("fc-list"):
        ask = ["fc-list", f":charset={code_point:x}:scalable=true", "--format=%{file}\t%{index}\n"]
        answer = subprocess.run(ask, capture_output=True, text=True, timeout=20).stdout
        for line in sorted(answer.splitlines(), key=lambda line: ("Sans" not in line, line)):
            path, _, index = line.partition("\t")
            if not any(word in path for word in UNUSABLE):
                yield Font(Path(path), int(index or 0) & 0xFFFF)  # the upper half numbers named variations
        return
    for folder in FOLDERS.get(sys.platform, ()):
        for path in _font_files(Path(folder).expanduser()):
            yield Font(path)
