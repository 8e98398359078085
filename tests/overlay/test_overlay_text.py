import logging
import unicodedata

import numpy as np
import pytest

from streamface.overlay.fonts import Font, FontBook, cjk_face, script_of
from streamface.overlay.text import BOLD, Typesetter, _shaped, cleaned, clusters
from streamface.overlay.theme import PAPER

NAMES = {
    "Latin": "Ágnes Ťéßtová",
    "Vietnamese": "Nguyễn Thị Hằng",
    "Cyrillic": "Владимир Щукин",
    "Greek": "Ελευθερία Παπαδοπούλου",
    "Arabic": "محمد بن علي",
    "Persian": "پژمان گودرزی",
    "Hebrew": "דוד לוי",
    "Devanagari": "श्रीकृष्ण",
    "Bengali": "রবীন্দ্রনাথ",
    "Tamil": "தமிழ்ச்செல்வி",
    "Thai": "สมชาย ใจดี",
    "Japanese": "山田 たろう",
    "Chinese": "王小明",
    "Korean": "김민수",
    "Georgian": "ქართული",
    "Armenian": "Հայերեն",
    "Amharic": "አማርኛ",
    "Khmer": "ខ្មែរ",
    "emoji": "Anna 😀",
}


@pytest.fixture(scope="module")
def text():
    return Typesetter()


def boxes_for_missing(text, line):
    """Glyphs number 0, which fonts draw as an empty box."""
    import uharfbuzz as hb

    found = 0
    for run in text.runs(line):
        buffer = hb.Buffer()
        buffer.add_str(run.text)
        buffer.guess_segment_properties()
        hb.shape(run.font.at(20, BOLD), buffer)
        found += sum(info.codepoint == 0 for info in buffer.glyph_infos)
    return found


@pytest.mark.parametrize("script", NAMES)
def test_a_name_of_each_script_is_drawn_with_real_glyphs(text, script):
    sprite = text.sprite(NAMES[script], 24, PAPER, BOLD)
    assert sprite.colour.max() > 200 and sprite.colour.shape[1] > 24
    assert boxes_for_missing(text, NAMES[script]) == 0


@pytest.mark.parametrize("script", NAMES)
def test_a_name_stays_within_its_width_and_line(text, script):
    sprite, width = text.sprite(NAMES[script], 24, PAPER, BOLD), text.width(NAMES[script], 24, BOLD)
    left, top = sprite.origin
    height, across = sprite.colour.shape[:2]
    assert left >= -3 and left + across <= width + 3
    assert top >= -round(24 * 1.3) and top + height <= round(24 * 0.65)


def glyphs(text, line):
    return [glyph for run in text.runs(line) for glyph, _ in _shaped(run, 40, BOLD)]


def test_arabic_letters_take_the_form_of_their_place_in_the_word(text):
    (alone,), joined = glyphs(text, "ه"), glyphs(text, "ههه")
    assert len({alone, *joined}) == 4


def test_arabic_runs_from_right_to_left(text):
    tall = (text.sprite("اب", 60, PAPER).colour[..., 0] > 60).sum(axis=0)
    assert tall.argmax() > tall.size / 2, "alef, the tall first letter, stands at the right"


def test_devanagari_marks_are_placed_before_their_letter(text):
    assert text.width("कि", 40) < text.width("क", 40) + text.width("ि", 40) + 20
    assert not np.array_equal(text.sprite("कि", 40, PAPER).colour, text.sprite("की", 40, PAPER).colour)


def test_a_mixed_line_uses_a_font_for_each_part(text):
    runs = text.runs("Ali علي 王")
    assert len({run.font.path for run in runs}) == 3
    assert [run.level for run in runs] == [0, 1, 0] or [run.level for run in runs] == [0, 1, 0, 0]


def test_latin_inside_hebrew_keeps_its_own_direction(text):
    runs = text.runs("דוד abc לוי")
    assert [run.text.strip() for run in runs if run.text.strip()] == ["לוי", "abc", "דוד"]


def test_the_same_line_is_drawn_once():
    text = Typesetter()
    first = text.sprite("Ann", 20, PAPER)
    assert text.sprite("Ann", 20, PAPER) is first
    assert (text.cache.hits, text.cache.misses) == (1, 1)
    assert text.sprite("Ann", 21, PAPER) is not first


def test_names_of_folders_on_macos_are_composed():
    assert cleaned(unicodedata.normalize("NFD", "Zoë 김")) == "Zoë 김"
    assert cleaned(" a\n\tb\x00 ") == "a b"


def test_clusters_keep_letters_and_marks_together():
    assert clusters("ก่อน") == ["ก่", "อ", "น"]
    assert clusters("👩\u200d🔬a") == ["👩\u200d🔬", "a"]


@pytest.mark.parametrize("name", ["Zoë Łukasiewicz-Fernández de la Cruz", "محمد بن عبد الله بن علي", "ก่ก่ก่ก่ก่ก่ก่ก่ก่ก่ก่"])
def test_a_long_name_is_shortened_to_its_width(text, name):
    shown = text.fitted(name, 20, BOLD, 120)
    assert shown.endswith("…") and text.width(shown, 20, BOLD) <= 120
    assert text.fitted("Ann", 20, BOLD, 120) == "Ann"
    assert unicodedata.category(shown.rstrip("…")[-1])[0] in "LMN"


def test_empty_and_blank_lines_draw_nothing(text):
    for line in ("", " ", "\u200b"):
        image = np.full((40, 40, 3), 9, np.uint8)
        text.sprite(line, 20, PAPER).put(image, 10, 20)
        assert (image == 9).all()


def test_a_letter_that_no_font_has_becomes_a_question_mark_and_is_reported_once(monkeypatch, caplog):
    monkeypatch.setattr("streamface.overlay.fonts._system_fonts", lambda code_point: iter(()))
    text, odd = Typesetter(), "\U0001d800"  # a sign of SignWriting
    with caplog.at_level(logging.WARNING):
        runs = text.runs(f"A{odd}{odd}")
        text.runs(f"B{odd}")
    assert "".join(run.text for run in runs) == "A??"
    assert len(caplog.records) == 1 and "pip install" in caplog.text


def test_on_a_machine_without_packages_the_system_is_asked(monkeypatch):
    carried = FontBook().carried[0]
    monkeypatch.setattr("streamface.overlay.fonts.CARRIED", ())
    monkeypatch.setattr("streamface.overlay.fonts._system_fonts", lambda code_point: iter((Font(carried.path),)))
    assert FontBook().find("A").path == carried.path


def test_a_broken_font_of_the_system_is_passed_over(monkeypatch, tmp_path):
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"not a font")
    good = FontBook().carried[0].path
    monkeypatch.setattr("streamface.overlay.fonts.CARRIED", ())
    fonts = [Font(tmp_path / "gone.ttf"), Font(broken), Font(good)]
    monkeypatch.setattr("streamface.overlay.fonts._system_fonts", lambda code_point: iter(fonts))
    assert FontBook().find("A").path == good


def test_without_any_font_nothing_is_drawn_and_it_is_said(monkeypatch, caplog):
    monkeypatch.setattr("streamface.overlay.fonts.CARRIED", ())
    monkeypatch.setattr("streamface.overlay.fonts._system_fonts", lambda code_point: iter(()))
    text = Typesetter()
    assert text.width("Ann", 20) == 0 and text.sprite("Ann", 20, PAPER).colour.size == 0
    assert "pip install manimgx-fonts" in caplog.text


@pytest.mark.parametrize(("line", "face"), [("山田 たろう", 0), ("김 山", 1), ("王小明", 2), ("Ann", 2)])
def test_chinese_characters_take_the_shapes_of_the_language_around_them(line, face):
    assert cjk_face(line) == face


def test_script_of():
    assert [script_of(c) for c in "aи王김ก\x01"] == ["LATIN", "CYRILLIC", "CJK", "HANGUL", "THAI", ""]
