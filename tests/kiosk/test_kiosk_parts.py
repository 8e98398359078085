"""From options to a kiosk, and a whole run of one."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from streamface import api, kiosk_parts
from streamface.configuration import cameras_from
from streamface.errors import OutputError, SettingsError
from streamface.gallery.gallery import Gallery
from streamface.gallery.live import LiveGallery

ROOT = Path(__file__).resolve().parents[2]


def settings(arguments: str = ""):
    return kiosk_parts.adapted(cameras_from(shlex.split(f"-s demo --kiosk --database database {arguments}")))[0]


def kiosk(arguments: str = ""):
    return kiosk_parts.kiosk(settings(arguments), LiveGallery(Gallery((), "Fake/1")))


def test_people_are_looked_at_often_and_their_faces_for_smiles():
    made = settings("--actions age").analysis
    assert made.identity_refresh_s == made.attribute_refresh_s == 0.1 and made.actions == ("age", "emotion")
    assert settings("--actions none --liveness 0").analysis.actions == ()


@pytest.mark.parametrize(
    "arguments, told",
    [
        ("-s demo --kiosk", "add --database"),
        ("-s demo -s 0 --kiosk --database d", "one camera, not 2"),
        ("-s demo --kiosk --database d --detector haar", "Haar"),
        ("-s demo --kiosk --database d --strictness loose", "relaxed, normal, strict"),
        ("-s demo --kiosk --database d --liveness 7", "between 0 and 6"),
    ],
)
def test_what_makes_no_kiosk_is_said(arguments, told):
    with pytest.raises(SettingsError, match=told):
        kiosk_parts.adapted(cameras_from(arguments.split()))


def test_what_cannot_be_told_is_said_before_the_run(tmp_path):
    with pytest.raises(SettingsError, match="--on-reject names no program"):
        kiosk("--on-reject no-such-program-anywhere")
    with pytest.raises(OutputError, match=".jsonl"):
        kiosk(f"--audit {tmp_path}/audit.csv")
    with pytest.raises(SettingsError, match="--webhook"):
        kiosk("--webhook ftp://x")


def test_decisions_for_a_webhook_wait_while_its_queue_cannot_be_written(tmp_path):
    with kiosk(f"--webhook http://127.0.0.1:1/ --webhook-queue {tmp_path}/q.sqlite") as made:
        (output,) = made._told.outputs
        queue = output._output._outbox._db
        queue.execute("PRAGMA max_page_count = 1")
        for number in range(200):
            output.add([{"id": f"{number:032x}", "event": "check"}])
        assert "full" in made.failures[0] and output.waiting["webhook"] < 200
        queue.execute("PRAGMA max_page_count = 100000")
        output._outage._retry_at = 0.0
        output.add([])
        assert output.waiting["webhook"] == 200


def test_strictness_goes_by_the_network_in_use():
    dlib, openface = (kiosk_parts.limits(settings(f"--strictness strict {more}")) for more in ("", "--model OpenFace"))
    assert 0 < openface.distance < dlib.distance and dlib.views == openface.views == 4
    assert np.isclose(kiosk_parts.limits(settings("--threshold 0.1")).distance, 0.1)


def test_a_program_is_sent_to_the_command_line():
    with pytest.raises(SettingsError, match="streamface kiosk"):
        api.stream("database", source="demo", kiosk=True, display=False)


def test_a_run_without_a_screen_decides_records_and_calls(tmp_path):
    keep = f"import os; open({str(tmp_path / 'called')!r}, 'w').write(os.environ['STREAMFACE_PERSON'])"
    command = [sys.executable, "-m", "streamface", "--kiosk", "--no-display", "--source", "demo",
               "--database", "database", "--liveness", "0", "--kiosk-face", "0.12", "--max-frames", "60",
               "--on-accept", shlex.join([sys.executable, "-c", keep]), "--audit",
               tmp_path / "audit.jsonl"]  # fmt: skip
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "kiosk: accepted (Eileen Collins)" in done.stderr
    row = json.loads((tmp_path / "audit.jsonl").read_text().splitlines()[0])
    assert row["person"] == "Eileen Collins" and row["took_s"] < 1.5 and Path(row["snapshot"]).is_file()
    assert (tmp_path / "called").read_text() == "Eileen Collins"
