"""The command line: options -> Settings -> run. The only place that prints.

Exit codes: 0 the run ended well; 1 a fault in streamface itself; 2 something that the user can mend.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from streamface import process_list
from streamface.capture._address import without_credentials
from streamface.configuration import cameras_from
from streamface.errors import SettingsError, StreamfaceError

if TYPE_CHECKING:
    from streamface.cameras import Cameras
    from streamface.gallery.gallery import Gallery
    from streamface.gallery.live import LiveGallery
    from streamface.kiosk.sink import KioskSink
    from streamface.monitoring import Reading
    from streamface.settings import Settings
    from streamface.sinks.base import Sink
    from streamface.stream import Summary

log = logging.getLogger("streamface")

SHOWN_VISITS = 30
"""Visits listed at the end of a run; the latest ones of a longer list."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    process_list.hide(without_credentials)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
    try:
        if arguments[:1] == ["weights"]:
            from streamface import weights_command

            return _listed(weights_command.main, arguments[1:])
        if arguments[:1] == ["gallery"]:
            from streamface.gallery_commands import main as gallery_main

            return _listed(gallery_main.main, arguments[1:])
        if arguments == ["password"]:
            return _hash_password()
        if arguments[:1] == ["serve"]:
            arguments = ["--serve", "8000", "--no-display", *arguments[1:]]
        if arguments[:1] == ["kiosk"]:
            arguments = ["--kiosk", "--serve", "8000", "--no-visits", "--no-display", *arguments[1:]]
        if arguments[:1] == ["bench"]:
            from streamface import bench_command

            return bench_command.main(arguments[1:], print)
        return _run(cameras_from(arguments))
    except StreamfaceError as error:
        _complain(str(error))
        return error.exit_code
    except ImportError as error:
        _complain(_missing(error))
        return 2
    except KeyboardInterrupt:
        _complain("stopped")
        return 130
    except Exception as error:  # a fault of ours: one line for the user, the rest on request
        if "--debug" in arguments:
            raise
        _complain(f"fault: {type(error).__name__}: {error} (run again with --debug, and report it)")
        return 1


def _listed(command: Callable[[Sequence[str], Callable], int], arguments: Sequence[str]) -> int:
    try:
        code = command(arguments, print)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has left, as `head` does; nor is there anything to flush at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _complain(text: str) -> None:
    print(f"streamface: {' '.join(text.split())}", file=sys.stderr)


def _missing(error: ImportError) -> str:
    """What to install for a package, or for a library of the system, that is not there."""
    if ".so" in str(error):
        return f"{error}: on Debian or Ubuntu, apt-get install libgl1 libglib2.0-0 libxcb1"
    return f"{error}: pip install --upgrade streamface brings what it needs"


def _run(cameras: Sequence[Settings]) -> int:
    from streamface.runtime import heap

    heap.use_one_arena()
    if cameras[0].kiosk.kiosk:
        from streamface import kiosk_parts

        cameras = kiosk_parts.adapted(cameras)
    served = cameras[0].output.serve is not None
    with heap.tidied():
        return _run_one(cameras[0]) if len(cameras) == 1 and not served else _run_several(cameras)


def _hash_password() -> int:
    """Ask for a password, twice where somebody types it, and print its hash."""
    from getpass import getpass

    from streamface.web import passwords

    if sys.stdin.isatty():
        password = getpass("Password: ")
        if password != getpass("Once more: "):
            raise SettingsError("the two are not the same: try again")
    else:
        password = sys.stdin.readline().rstrip("\n")
    print(passwords.hashed(password))
    return 0


def _run_one(settings: Settings) -> int:
    from streamface import build
    from streamface.stream import Stream

    sinks = build.files(settings)  # first of all: a file that cannot be written is soon said
    _check_plot(settings)
    with (
        Stream(settings) as stream,
        _monitored(settings, lambda: [stream.reading()]),
        _kiosk(settings, stream.people) as kiosk,
    ):
        log.info("%s: %s", stream.source.name, _what_runs(settings, stream.gallery))
        window = [kiosk.over(shown, stream.overlay.notice) if kiosk else shown for shown in stream.window()]
        summary = stream.run([*sinks, *([kiosk] if kiosk else []), *window])
    _say_what_was_seen(summary)
    _say_profile(settings, summary)
    return 2 if summary.failures else 0


def _run_several(settings: Sequence[Settings]) -> int:
    from streamface import build
    from streamface.cameras import Cameras

    for camera in settings:
        _check_plot(camera)
    with (
        Cameras(settings) as cameras,
        _monitored(settings[0], cameras.readings),
        _kiosk(settings[0], cameras.shared.people) as kiosk,
        _served(cameras, kiosk) as views,
    ):
        people, beside = cameras.shared.people, [kiosk] if kiosk else []
        log.info("%s: %s", ", ".join(cameras.streams), _what_runs(settings[0], people and people.gallery))
        summaries = cameras.run(lambda camera: [*build.files(camera), *beside, *views.get(camera.capture.camera, ())])
    for camera, (name, summary) in zip(settings, summaries.items(), strict=True):
        print(f"{name}:", end=" ")
        _say_what_was_seen(summary)
        _say_profile(camera, summary)
    return 2 if any(summary.failures for summary in summaries.values()) else 0


def _plot(settings: Settings) -> Path | None:
    """Where the plot of the profile goes; None for no plot."""
    return None if settings.output.profile in (None, Path("-")) else settings.output.profile


def _check_plot(settings: Settings) -> None:
    if (plot := _plot(settings)) is not None:
        from streamface.profiling import check_plot

        check_plot(plot)


def _say_profile(settings: Settings, summary: Summary) -> None:
    """The table of `--profile`, and its plot."""
    if settings.output.profile is not None and summary.frames:
        print(summary.profile.text())
        if (plot := _plot(settings)) is not None:
            summary.profile.plot(plot)


def _monitored(settings: Settings, readings: Callable[[], Sequence[Reading]]) -> AbstractContextManager:
    """Answers questions about the run on a port, when that was asked for."""
    from streamface.monitoring import Monitor

    return nullcontext() if settings.output.metrics is None else Monitor(settings.output.metrics, readings)


@contextmanager
def _kiosk(settings: Settings, people: LiveGallery | None) -> Iterator[KioskSink | None]:
    """The kiosk where one is wanted, closed at the end."""
    if not settings.kiosk.kiosk:
        yield None
        return
    from streamface import kiosk_parts

    with kiosk_parts.kiosk(settings, people) as kiosk:
        yield kiosk


@contextmanager
def _served(cameras: Cameras, kiosk: KioskSink | None) -> Iterator[dict[str, list[Sink]]]:
    """The sinks through which each camera's results reach the pages, while these are served; none without pages."""
    settings = [stream.settings for stream in cameras.streams.values()]
    output = settings[0].output
    if output.serve is None:
        yield {}
        return
    from streamface.web.parts import parts
    from streamface.web.serving import serving

    beside = parts(settings, cameras.shared.people) if kiosk is None else {"kiosk": kiosk}
    with serving(output, tuple(cameras.streams), **beside) as served:
        log.info("pages on %s", served.url)
        _say_visits(settings)
        yield {name: [view] for name, view in served.views.items()}


def _say_visits(cameras: Sequence[Settings]) -> None:
    """Where visits are kept."""
    from streamface import build

    for settings in cameras:
        file, folder = build.visits_file(settings), build.visits_folder(settings)
        if file is not None:
            pictures = f", their pictures in {folder}" if folder else ""
            log.info("%s: visits are kept in %s%s", settings.capture.camera, file, pictures)


def _what_runs(settings: Settings, people: Gallery | None) -> str:
    from streamface import build
    from streamface.runtime import device

    known = "no database: everybody is unknown"
    if people is not None and settings.gallery.database is not None:
        known = f"{len(people.identities)} known, {len(people)} pictures"
    facts, metric = build.spec(settings), settings.recognition.metric
    network = f"{facts.name} network" + (f" with {facts.weights} weights" if facts.weights else "")
    limit, detector = build.threshold(settings), settings.detection.detector
    where = {"cpu": "processor", "gpu": "GPU"}[device.chosen(settings.runtime.device)]
    return f"{network} on the {where}, {metric} distance up to {limit:.3f}, {detector} detector, {known}"


def _skipped(summary: Summary) -> str:
    """What there was no time for."""
    skipped = {
        "frames dropped": summary.dropped,
        "looks postponed": summary.postponed.looks,
        "detections postponed": summary.postponed.detections,
    }
    return "".join(f", {count} {what}" for what, count in skipped.items() if count)


def _say_what_was_seen(summary: Summary) -> None:
    print(f"{summary.frames} frames in {summary.elapsed_s:.1f} s ({summary.fps:.1f} frames/s){_skipped(summary)}")
    if len(summary.visits) > SHOWN_VISITS:
        print(f"{len(summary.visits)} visits, the latest {SHOWN_VISITS}:")
    for visit in summary.visits[-SHOWN_VISITS:]:
        who = visit.identity or ("unknown" if visit.stranger is None else f"stranger {visit.stranger}")
        print(f"  {visit.start_s:8.2f} to {visit.end_s:8.2f} s  track {visit.track:<4d} {who}")
    if not summary.frames:  # a camera that never came
        return
    stages = ", ".join(
        f"{stage} {spent / summary.frames:.1f}" for stage, spent in summary.profile.totals.items() if stage != "wait"
    )
    print(f"milliseconds per frame: {stages}")
