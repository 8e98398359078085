"""What takes results: files, recordings, events, the window."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from streamface.build.places import audit_pictures, visits_file, visits_folder
from streamface.errors import SettingsError
from streamface.settings import RecordingSettings, Settings
from streamface.sinks.base import Sink


def files(settings: Settings) -> list[Sink]:
    """The files that were asked for, each checked for being writable."""
    output, sinks = settings.output, []
    if output.video is not None:
        from streamface.sinks.video import VideoSink

        sinks.append(VideoSink(output.video))
    sinks += recorder(settings)
    if output.faces is not None:
        from streamface.sinks.faces import FacesSink

        sinks.append(FacesSink(output.faces))
    return sinks + events(settings) + housekeeping(settings)


def housekeeping(settings: Settings) -> list[Sink]:
    """What deletes old pictures; none where they are kept for ever."""
    from streamface.sinks.housekeeping import Housekeeping

    output, days = settings.output, settings.privacy.keep_pictures_days
    wanted = (output.snapshots, visits_folder(settings), audit_pictures(settings))
    folders = [folder for folder in wanted if folder is not None]
    return [] if days is None else [Housekeeping(folders, days)]


def recorder(settings: Settings) -> list[Sink]:
    """What fills the folder of recordings; none where there is no such folder."""
    from streamface.sinks.recorder import PICTURES, RecorderSink, Recording

    folder, how = settings.output.recordings, settings.recording
    if folder is None:
        if how != RecordingSettings():
            raise SettingsError("there are options for recordings, but no folder: add --recordings DIR")
        return []
    if how.clip_on in ("named", "stranger") and settings.gallery.database is None:
        raise SettingsError(f"--clip-on {how.clip_on} needs to know who has a name: add --database DIR")
    return [
        RecorderSink(
            Recording(
                folder,
                PICTURES[how.record],
                how.segment_min * 60,
                how.clip_on,
                how.clip_before_s,
                how.clip_after_s,
                how.keep_gb,
                how.keep_days,
            )
        )
    ]


def events(settings: Settings) -> list[Sink]:
    """What tells events to everything that was asked to take them; none where nothing was."""
    from streamface.sinks._patient import Patient
    from streamface.sinks.best_view import BestViews
    from streamface.sinks.events import EventsSink, to_file
    from streamface.sinks.visits import Visits

    output, outputs = settings.output, []
    if output.webhook is not None:
        from streamface.sinks.webhook import Webhook

        # Queued before it stands in a file: after a kill between the two, no event of the file is missing there.
        outputs.append(Patient(Webhook(output.webhook, output.webhook_queue)))
    named = dict.fromkeys([output.events, visits_file(settings)])
    outputs += [Patient(to_file(path)) for path in named if path is not None]
    if output.mqtt is not None:
        from streamface.sinks.mqtt import Mqtt, broker

        outputs.append(Mqtt(broker(output.mqtt, output.mqtt_login), output.mqtt_topic))
    if not outputs:
        if settings.privacy.keep_events_days is not None:
            raise SettingsError("--keep-events says how long events are kept, but none are: add --events FILE")
        return []
    folder = visits_folder(settings)
    views, keep_days = BestViews(folder) if folder else None, settings.privacy.keep_events_days
    return [EventsSink(outputs, Visits(output.leave_after_s, kept=0), views, keep_days=keep_days)]


def window(settings: Settings, notice: Callable[[np.ndarray, str], np.ndarray], stopped: Callable[[], bool]) -> Sink:
    """The window on the screen; raises `OutputError` where there is no screen."""
    from streamface.sinks.window import WindowSink

    return WindowSink("streamface", settings.output.snapshots, notice, stopped)
