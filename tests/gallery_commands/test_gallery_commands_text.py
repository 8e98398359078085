"""What `gallery check` prints of each kind of finding, and of the threshold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamface.gallery.examine import Alike, Copies, Findings, Odd, Poor
from streamface.gallery.support import Support
from streamface.gallery_commands import text

SUPPORT = Support(people=40, genuine=120, impostor=50_000, needed=3000, rate=1e-3, threshold=0.0512, accepted=0.875)
NOTHING = Findings((), (), (), (), (), SUPPORT)
EACH = {
    "odd": (Odd("Ann", "Ann/9.jpg", "Bob", 0.31), "Not like the other", "Ann/9.jpg (nearest of Ann's: 0.310; looks"),
    "one_in_two": (Alike("Ann", "Anna", 0.02, ("Ann/1.jpg", "Anna/1.jpg"), 1.0), "in two folders", "Ann and Anna: 0.0"),
    "too_alike": (Alike("Cyd", "Dee", 0.06, ("Cyd/1.jpg", "Dee/1.jpg"), 0.1), "taken for each other", "Cyd and Dee: 0"),
    "copies": (Copies(("Eve/1.jpg", "Eve/2.jpg"), True), "more than once", "Eve/1.jpg, Eve/2.jpg (the same file)"),
    "poor": (Poor("Fay/1.jpg", 0.11, False), "Too poor", "Fay/1.jpg (quality 0.11)"),
}


@pytest.mark.parametrize("kind", EACH)
def test_every_kind_of_finding_is_counted_and_printed_under_its_heading(kind):
    found, heading, line = EACH[kind]
    findings = replace(NOTHING, **{kind: (found,)})
    assert findings.faults == 1
    lines = text.checked(findings, (), 0.04)
    assert heading in lines[0] and lines[1].startswith(f"  {line}") and "Nothing is wrong" not in "".join(lines)


def test_the_threshold_that_is_supported_is_told_with_what_it_rests_on():
    told = "\n".join(text.checked(NOTHING, (), 0.04))
    assert told.startswith("Nothing is wrong")
    for part in ("supports: 0.051; in use: 0.040", "one in 1,000", "40 people, 120 pairs", "50,000 pairs", "87.5%"):
        assert part in told
    little = "\n".join(text.support(Support(5, 12, 900, 3000), 0.04))
    assert "too little" in little and "5 people" in little and "3,000" in little and "In use: 0.040" in little
