"""From settings to a kiosk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from streamface import build, plugins
from streamface.errors import OutputError, SettingsError
from streamface.gallery.live import LiveGallery
from streamface.kiosk.attempt import Rules
from streamface.kiosk.audit import Audit
from streamface.kiosk.hooks import Hooks, command
from streamface.kiosk.levels import LEVELS, Limits
from streamface.kiosk.lock import Lock
from streamface.kiosk.looking import Looking
from streamface.kiosk.machine import Kiosk
from streamface.kiosk.sink import KioskSink, Told
from streamface.settings import KioskSettings, Settings
from streamface.sinks._patient import Patient
from streamface.sinks.event_output import EventOutput

OFTEN_S = 0.1
"""Seconds between two looks at whoever is checked."""


def adapted(cameras: Sequence[Settings]) -> list[Settings]:
    """Settings of a stream that serves a kiosk: people are looked at often, and for what prompts need.

    Raises `SettingsError` where a kiosk cannot work with them.
    """
    if len(cameras) > 1:
        raise SettingsError(f"a kiosk has one camera, not {len(cameras)}: start another for each")
    settings = cameras[0]
    if settings.gallery.database is None:
        raise SettingsError("a kiosk has to know people: add --database DIR")
    if plugins.normalised(settings.detection.detector) == "haar":
        raise SettingsError("a kiosk needs to see eyes, nose and mouth, which Haar does not find: leave --detector out")
    actions = tuple(dict.fromkeys((*settings.analysis.actions, "emotion")))
    actions = actions if settings.kiosk.liveness else settings.analysis.actions
    analysis = replace(settings.analysis, identity_refresh_s=OFTEN_S, attribute_refresh_s=OFTEN_S, actions=actions)
    return [replace(settings, analysis=analysis)]


def limits(settings: Settings) -> Limits:
    """The chosen level for the network and metric of the settings."""
    return Limits.of(LEVELS[settings.kiosk.strictness], build.threshold(settings))


def rules(settings: Settings) -> Rules:
    """What a check demands."""
    return Rules(limits(settings), settings.kiosk.liveness, settings.kiosk.time_limit_s)


def kiosk(settings: Settings, people: LiveGallery | None) -> KioskSink:
    """The kiosk for a stream; raises `SettingsError` for a command, `OutputError` for a file that will not do."""
    wanted = settings.kiosk
    hooks = _hooks(wanted)
    audit = None if wanted.audit is None else _audit(wanted)
    looking = Looking(people, settings.recognition.metric, build.network_key(settings))
    machine = Kiosk(rules(settings), Lock(wanted.lock_after, wanted.lock_s), wanted.kiosk_face, wanted.ask_name)
    outputs = [] if settings.output.webhook is None else [_webhook(settings)]
    told = Told(wanted.strictness, limits(settings).distance, audit, hooks, outputs, settings.privacy.keep_events_days)
    return KioskSink(machine, looking, told)


def _audit(wanted: KioskSettings) -> Audit:
    if wanted.audit.suffix.lower() != ".jsonl":
        raise OutputError(f"{wanted.audit}: the record of decisions is written to .jsonl; end the name in it")
    return Audit(wanted.audit, wanted.audit_pictures)


def _hooks(wanted: KioskSettings) -> Hooks | None:
    texts = {"--on-accept": wanted.on_accept, "--on-reject": wanted.on_reject}
    accepted, refused = (None if text is None else command(text, option) for option, text in texts.items())
    return Hooks(accepted, refused) if accepted or refused else None


def _webhook(settings: Settings) -> EventOutput:
    from streamface.sinks.webhook import Webhook

    return Patient(Webhook(settings.output.webhook, settings.output.webhook_queue))
