"""The record of decisions."""

import json
import math
import stat
from pathlib import Path

import cv2
import numpy as np
import pytest

from streamface.errors import OutputError
from streamface.gallery_commands.erase import rows_of
from streamface.kiosk.audit import Audit, Circumstances, record
from streamface.kiosk.screen import Decision
from streamface.sinks.event_file import EventFile
from streamface.sinks.housekeeping import OURS
from streamface.types import Box

IMAGE = np.full((200, 300, 3), 90, np.uint8)
BOX = Box(100, 50, 160, 130)
ID, TIME = "0123456789abcdef0123456789abcdef", "2026-01-01T12:30:00.250Z"


def decided(person="Anna", **changes):
    values = {"at": 5.0, "track": 1, "accepted": True, "person": person, "claimed": None, "reason": None,
              "distances": (0.04, 0.05), "others": math.inf, "took_s": 0.7123456}  # fmt: skip
    return Decision(**{**values, **changes})


def made(number, snapshot=None, **changes):
    where = Circumstances(f"id{number}", "2026-01-01T00:00:00.000Z", "door", "strict", 0.06)
    return record(decided(**changes), where, snapshot)


def test_a_decision_is_a_line_with_all_that_it_rests_on(tmp_path):
    audit = Audit(tmp_path / "audit.jsonl", pictures=True)
    snapshot = audit.keep(IMAGE, BOX, ID, TIME)
    audit.write(made(1, snapshot))
    audit.write(made(2, accepted=False, reason="unknown", person=None, distances=(math.inf,)))
    audit.close()
    first, second = map(json.loads, (tmp_path / "audit.jsonl").read_text().splitlines())
    assert first["decision"] == "accepted" and first["person"] == "Anna" and first["distances"] == [0.04, 0.05]
    assert (first["distance"], first["others"], first["level"], first["threshold"]) == (0.05, None, "strict", 0.06)
    assert first["took_s"] == 0.712 and second["reason"] == "unknown" and second["distance"] is None
    face = cv2.imread(first["snapshot"])
    assert face.shape == (144, 108, 3)  # the face and some of what is around it, not the whole picture
    assert OURS.fullmatch(Path(first["snapshot"]).name)  # so that `--keep-pictures` deletes it when it is old


def test_records_and_pictures_are_for_this_user_alone(tmp_path):
    audit = Audit(tmp_path / "audit.jsonl", pictures=True)
    snapshot = audit.keep(IMAGE, BOX, ID, TIME)
    audit.write(made(1, snapshot))
    audit.close()
    for path in (tmp_path / "audit.jsonl", tmp_path / "audit-pictures", snapshot):
        assert stat.S_IMODE((tmp_path / path).stat().st_mode) & 0o077 == 0


def test_a_record_is_private_before_anything_is_in_it(tmp_path, monkeypatch):
    path, modes = tmp_path / "audit.jsonl", []
    add = EventFile.add
    monkeypatch.setattr(EventFile, "add", lambda *call: (modes.append(path.stat().st_mode & 0o077), add(*call)))
    path.write_text("")
    path.chmod(0o644)
    audit = Audit(path, pictures=False)
    audit.write(made(1))
    audit.close()
    assert modes == [0] and len(path.read_text().splitlines()) == 1


def test_a_record_that_is_moved_away_is_begun_anew_and_private(tmp_path):
    path, audit = tmp_path / "audit.jsonl", Audit(tmp_path / "audit.jsonl", pictures=False)
    audit.write(made(1))
    path.rename(tmp_path / "old.jsonl")
    audit.write()
    assert not path.exists()
    audit.write(made(2))
    audit.close()
    assert path.stat().st_mode & 0o077 == 0 and json.loads(path.read_text())["id"] == "id2"


def test_pictures_may_be_switched_off(tmp_path):
    audit = Audit(tmp_path / "audit.jsonl", pictures=False)
    assert audit.keep(IMAGE, BOX, ID, TIME) is None
    audit.close()
    assert not list(tmp_path.iterdir())


def test_a_run_adds_to_what_is_there(tmp_path):
    for number in range(2):
        audit = Audit(tmp_path / "audit.jsonl", pictures=False)
        audit.write(made(number))
        audit.close()
    assert len((tmp_path / "audit.jsonl").read_text().splitlines()) == 2


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="choose another place"):
        Audit(tmp_path / "file" / "audit.jsonl", pictures=True)
    audit = Audit(tmp_path / "audit.jsonl", pictures=True)
    (tmp_path / "audit-pictures").write_text("in the way")
    with pytest.raises(OutputError, match="audit-pictures"):
        audit.keep(IMAGE, BOX, ID, TIME)
    audit.close()


@pytest.mark.parametrize("changes", [{}, {"person": "Berta", "claimed": "Anna", "accepted": False}])
def test_a_person_who_is_removed_goes_from_the_record_too(tmp_path, changes):
    path = tmp_path / "audit.jsonl"
    audit = Audit(path, pictures=True)
    snapshot = audit.keep(IMAGE, BOX, ID, TIME)
    audit.write(made(1, snapshot, **changes))
    audit.write(made(2, person="Carla"))
    audit.close()
    found = rows_of(path, "Anna", delete=True)
    assert found.rows == 1 and [str(picture) for picture in found.pictures] == [snapshot]
    assert [json.loads(line)["person"] for line in path.read_text().splitlines()] == ["Carla"]
