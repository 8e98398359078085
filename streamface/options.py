"""The options of the command line and of a configuration file, in one table, and their parser."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from streamface.errors import SettingsError


def _actions(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    return () if names == ("none",) else names


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def corners(text: str) -> tuple[tuple[float, float], ...]:
    """(x, y) pairs of "0,0.5 1,0.5 1,1"; raises `ValueError`."""
    corners = tuple(tuple(float(share) for share in corner.split(",")) for corner in text.split())
    if any(len(corner) != 2 for corner in corners):
        raise ValueError
    return corners


@dataclass(frozen=True, slots=True)
class Option:
    """One option: where its value goes, and what `--help` says of it."""

    flag: str
    room: str
    field: str
    help: str
    type: Callable[[str], Any] = str
    metavar: str | None = None
    alone: str | None = None
    """What the option means without a value; None where it needs one."""

    def add_to(self, group: argparse._ArgumentGroup) -> None:
        """Make argparse know it."""
        names = (f"--{self.flag}", "-s") if self.flag == "source" else (f"--{self.flag}",)
        if self.type is bool:
            kwargs: dict[str, Any] = {"action": argparse.BooleanOptionalAction}
        elif self.flag == "source":
            kwargs = {"action": "append", "metavar": self.metavar}
        else:
            kwargs = {"type": self.type, "metavar": self.metavar or self.flag.upper()}
            if self.alone is not None:
                kwargs.update(nargs="?", const=self.type(self.alone))
        group.add_argument(*names, dest=f"{self.room}.{self.field}", help=self.help, **kwargs)


GROUPS: dict[str, tuple[Option, ...]] = {
    "what to watch": (
        Option("source", "capture", "source", "'demo', a webcam's number, a video file, a folder of images, or an "
               "rtsp:// or http:// address (default: 0, the first webcam); may be given more than once", metavar="S"),
        Option("database", "gallery", "database", "folder of people: DIR/Person Name/*.jpg or DIR/Person Name.jpg",
               Path, "DIR"),
        Option("loop", "capture", "loop", "play a file like a camera, at its own speed and over and over (default: no)",
               bool),
        Option("max-frames", "capture", "max_frames", "stop after N frames", int, "N"),
        Option("timeout", "capture", "timeout_s", "seconds a camera may take to answer (default: 10)", float, "S"),
        Option("rtsp-transport", "capture", "transport", "tcp or udp (default: tcp)", metavar="T"),
        Option("wait", "capture", "wait", "start also without the camera, and show it when it comes (default: no)",
               bool),
        Option("give-up-after", "capture", "give_up_s", "end when the camera gave no picture for S seconds (default: "
               "never, once it has given one)", float, "S"),
        Option("frozen-after", "capture", "frozen_s", "seconds without a change after which a picture is said to be "
               "frozen (default: 10)", float, "S"),
    ),
    "what to write": (
        Option("output", "output", "video", "annotated video, H.264 in FILE.mp4", Path, "FILE"),
        Option("faces", "output", "faces", "one row per face per frame, FILE.jsonl or FILE.csv", Path, "FILE"),
        Option("events", "output", "events", "one row when a person appears, is recognised, changes or leaves, or a "
               "camera is lost or back: FILE.jsonl, .csv or .sqlite, added to what is there", Path, "FILE"),
        Option("event-pictures", "output", "event_pictures", "folder for the best picture of each visit", Path, "DIR"),
        Option("webhook", "output", "webhook", "post every event as JSON to URL; @FILE reads the address from a file",
               metavar="URL"),
        Option("webhook-queue", "output", "webhook_queue", "SQLite file of events that wait for the receiver (default: "
               "in the cache folder)", Path, "FILE"),
        Option("mqtt", "output", "mqtt", "publish events and presence to the MQTT broker, for Home Assistant too; user "
               "and password: STREAMFACE_MQTT_USER, STREAMFACE_MQTT_PASSWORD", metavar="HOST[:PORT]"),
        Option("mqtt-login", "output", "mqtt_login", "file with 'user:password' for the broker", Path, "FILE"),
        Option("mqtt-topic", "output", "mqtt_topic", "what its topics begin with (default: streamface)", metavar="T"),
        Option("leave-after", "output", "leave_after_s", "seconds out of sight after which a person has left "
               "(default: 5)", float, "S"),
        Option("recordings", "output", "recordings", "folder for recordings, in files of --segment minutes or clips; "
               "goes on for months", Path, "DIR"),
        Option("display", "output", "display", "show a window: q quits, space pauses, s saves a picture (default: yes)",
               bool),
        Option("metrics", "output", "metrics", "answer /healthz and, for Prometheus, /metrics on this port", str,
               "[HOST:]PORT"),
        Option("serve", "output", "serve", "show everything on pages for a browser; on this computer alone, or with a "
               "password on HOST:PORT (docs/web.md)", str, "[HOST:]PORT"),
        Option("serve-names", "output", "serve_names", "further names of this computer for browsers", _names, "A,B"),
        Option("password-file", "output", "password_file", "what `streamface password` printed", Path, "FILE"),
        Option("visits", "output", "visits", "with --serve, keep visits and their best pictures, in the cache folder "
               "where --events and --event-pictures name no other place (default: yes)", bool),
        Option("snapshots", "output", "snapshots", "folder for pictures saved with s", Path, "DIR"),
    ),
    "how to fill the folder of recordings": (
        Option("record", "recording", "record", "annotated, raw or both (default: annotated)", metavar="WHAT"),
        Option("segment", "recording", "segment_min", "minutes of video in one file (default: 10)", float, "MIN"),
        Option("clip-on", "recording", "clip_on", "record only while somebody is in view: person (anybody), named or "
               "stranger (default: always)", metavar="WHO"),
        Option("clip-before", "recording", "clip_before_s", "seconds of a clip before that (default: 5)", float, "S"),
        Option("clip-after", "recording", "clip_after_s", "seconds of a clip after it (default: 5)", float, "S"),
        Option("keep-gb", "recording", "keep_gb", "delete the oldest recordings when all take more (default: never)",
               float, "GB"),
        Option("keep-days", "recording", "keep_days", "delete recordings that are older (default: never)", float, "N"),
    ),
    "whose face may be seen, and for how long": (
        Option("blur", "privacy", "blur", "make faces unrecognisable in everything that is shown, recorded or sent: "
               "those of unknown or known people, or all (default: of people who did not consent; docs/privacy.md)",
               metavar="WHO"),
        Option("keep-events", "privacy", "keep_events_days", "delete events and visits that are older (default: never)",
               float, "DAYS"),
        Option("keep-pictures", "privacy", "keep_pictures_days", "delete pictures of --event-pictures and --snapshots "
               "that are older (default: never)", float, "DAYS"),
    ),
    "how to see": (
        Option("detector", "detection", "detector", "MTCNN, YuNet or Haar (default: MTCNN)", metavar="N"),
        Option("min-face", "detection", "min_face_px", "smallest face in pixels; larger is faster (default: 40)",
               float, "PX"),
        Option("min-score", "detection", "min_score", "least score of a face, 0 to 1 (default: the detector's own)",
               float, "X"),
        Option("zone", "detection", "zone", "corners of the part of the picture in which faces count, in shares of it: "
               "'0,0.5 1,0.5 1,1 0,1' is the lower half", corners, "X,Y.."),
        Option("detector-weights", "detection", "weights", "network file of the YuNet detector", Path, "FILE"),
        Option("detect-every", "tracking", "detect_every", "frames from one full detection to the next; between them "
               "each face is followed (default: 4)", int, "N"),
    ),
    "how to name": (
        Option("model", "recognition", "model", "recognition network, or auto (default: auto)", metavar="M"),
        Option("weights", "recognition", "weights", "of OpenFace: carried, published (downloaded) or a file (default: "
               "carried)", metavar="W"),
        Option("metric", "recognition", "metric", "cosine, euclidean or euclidean_l2 (default: cosine)", metavar="D"),
        Option("threshold", "recognition", "threshold", "largest distance that is the same person (default: the "
               "network's own)", float, "X"),
        Option("mirror", "recognition", "mirror", "average each face with its mirror image: a little more accurate, "
               "twice the time (default: no)", bool),
        Option("actions", "analysis", "actions", "what else to say of a face, of age,gender,emotion,race, or none "
               "(default: age,gender,emotion)", _actions, "A,B"),
        Option("attributes", "analysis", "attributes", "whose networks tell the actions: bundled, or published "
               "(deepface's, downloaded, large and slow; default: bundled)", metavar="F"),
        Option("watch", "gallery", "watch", "follow the folder of people while the stream runs (default: for cameras)",
               bool),
        Option("store", "gallery", "store", "SQLite file that keeps the embeddings (default: in the cache folder)",
               Path, "FILE"),
    ),
    "people without a name": (
        Option("strangers", "strangers", "strangers", "give them numbers, and know them when they come again (default: "
               "no, since it keeps embeddings of people who were not asked)", bool),
        Option("stranger-days", "strangers", "stranger_days", "forget whoever was not seen for N days (default: 30)",
               float, "N"),
        Option("stranger-limit", "strangers", "stranger_limit", "keep at most N, the latest seen (default: 1000)", int,
               "N"),
        Option("stranger-pictures", "strangers", "stranger_pictures", "keep the best picture of each visit too "
               "(default: no)", bool),
        Option("stranger-store", "strangers", "stranger_store", "SQLite file that keeps them (default: beside the "
               "people's)", Path, "FILE"),
    ),
    "the kiosk: who stands in front of the camera (docs/kiosk.md)": (
        Option("kiosk", "kiosk", "kiosk", "check whoever steps in front of the camera; `streamface kiosk` does it on a "
               "page", bool),
        Option("strictness", "kiosk", "strictness", "relaxed, normal or strict (default: normal)", metavar="LEVEL"),
        Option("ask-name", "kiosk", "ask_name", "ask for a name first, typed or as a QR code, and check that one alone "
               "(default: no)", bool),
        Option("liveness", "kiosk", "liveness", "prompts to follow, against photographs and recordings; 0 for none "
               "(default: 3)", int, "N"),
        Option("kiosk-face", "kiosk", "kiosk_face", "least height of a face in shares of the picture (default: 0.22)",
               float, "X"),
        Option("time-limit", "kiosk", "time_limit_s", "seconds for one check (default: 30)", float, "S"),
        Option("lock-after", "kiosk", "lock_after", "failures in a row that lock it; 0 for never (default: 5)", int,
               "N"),
        Option("lock", "kiosk", "lock_s", "seconds locked, the first time (default: 60)", float, "S"),
        Option("on-accept", "kiosk", "on_accept", "command to run when somebody was accepted; it gets the record in "
               "STREAMFACE_PERSON and other variables", metavar="CMD"),
        Option("on-reject", "kiosk", "on_reject", "command to run when somebody was refused", metavar="CMD"),
        Option("audit", "kiosk", "audit", "record every decision, with the face, in FILE.jsonl", Path, "FILE"),
        Option("audit-pictures", "kiosk", "audit_pictures", "keep the faces too (default: yes)", bool),
    ),
    "how to draw and run": (
        Option("scale", "overlay", "scale", "size of text and lines (default: 1)", float, "X"),
        Option("thumbnails", "overlay", "thumbnails", "show the matched picture beside the name (default: yes)", bool),
        Option("home", "runtime", "home", "folder of weights, prepared networks and stores (default: STREAMFACE_HOME, "
               "else ~/.cache/streamface)", Path, "DIR"),
        Option("profile", "output", "profile", "say at the end what every stage of a frame takes; with FILE.png also "
               "plot it", Path, "FILE", alone="-"),
        Option("threads", "runtime", "threads", "threads of one network (default: 1)", int, "N"),
        Option("device", "runtime", "device", "where recognition runs: cpu, gpu, or auto, a GPU where there is one "
               "that TensorFlow can use (default: auto)", metavar="D"),
    ),
}  # fmt: skip


class Parser(argparse.ArgumentParser):
    """Raises instead of printing its usage."""

    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message} (see --help)")


def parser() -> argparse.ArgumentParser:
    """The parser of the command line; values that were not given are absent from its result."""
    from streamface import __version__

    made = Parser(
        prog="streamface",
        usage="streamface --source S [--database DIR] [--output FILE] [--no-display] [options]",
        description="Watch video for faces: find, follow and name people, draw and record what is seen.",
        epilog="`streamface weights` lists, fetches and imports the published networks; "
        "`streamface bench CLIP` measures this machine; "
        "`streamface gallery` adds, lists, checks and removes people. "
        "Faces are personal data: ask the people you film, and keep what you record safe.",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,  # in a file an abbreviation would be a typing error that is not noticed
    )
    for title, options in GROUPS.items():
        group = made.add_argument_group(title)
        for option in options:
            option.add_to(group)
    made.add_argument("--config", type=Path, metavar="FILE", help="YAML file of these options, as 'min-face: 60', "
                      "and of several cameras (docs/cameras.md); the command line wins")  # fmt: skip
    made.add_argument("--debug", action="store_true", help="show where a fault happened")
    made.add_argument("--version", action="version", version=f"streamface {__version__}")
    return made
