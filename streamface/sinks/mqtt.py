"""Events and presence over MQTT, in topics that Home Assistant finds by itself."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from streamface.errors import MissingPackageError, SettingsError
from streamface.sinks import _home_assistant
from streamface.sinks._secret import resolved
from streamface.sinks.event_output import EventOutput, Row
from streamface.sinks.visit_events import CAMERA_BACK, CAMERA_LOST, LEFT

NAME = "mqtt"
USER, PASSWORD = "STREAMFACE_MQTT_USER", "STREAMFACE_MQTT_PASSWORD"
"""Environment variables."""
KEEPALIVE_S = 20
"""A program that is gone without a word is 'offline' after one and a half times as long."""
LONGEST_PAUSE_S = 20
"""From one try to connect to the next, at most."""
CONNECT_S = 3.0
"""How long the broker may take to accept a connection."""
MOST_WAITING = 1000
"""Events kept in memory while the broker is away; of more, the newest are given up."""
FAREWELL_S = 1.0
"""At the end of the run, how long the last messages may take."""
LONGEST_TEXT = 250
"""Home Assistant takes no state longer than 255 characters."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Broker:
    """Where to connect, and as whom."""

    host: str
    port: int
    tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def broker(address: str, login: Path | None = None) -> Broker:
    """The broker at 'HOST', 'HOST:PORT', 'mqtt://..' or, with TLS, 'mqtts://..'.

    login: file whose first line is 'user:password'; None: from the environment, where it is set. Raises
    `SettingsError`.
    """
    try:
        parts = urlsplit(address if "://" in address else f"mqtt://{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if "@" in address:
        raise SettingsError(
            f"--mqtt holds a user or password, which others could read: put them into {USER} and {PASSWORD}, or into a "
            "file for --mqtt-login"
        )
    if not host or parts.scheme not in ("mqtt", "mqtts") or parts.path.strip("/") or parts.query:
        raise SettingsError("--mqtt must be HOST or HOST:PORT, or mqtts://HOST with TLS")
    tls = parts.scheme == "mqtts"
    if login is not None:
        user, _, password = resolved(f"@{login}", "--mqtt-login").partition(":")
    else:
        user, password = os.environ.get(USER, ""), os.environ.get(PASSWORD, "")
    return Broker(host, port or (8883 if tls else 1883), tls, user or None, password or None)


class Mqtt(EventOutput):
    """Keeps the retained topics of one camera up to date, and publishes every event; never waits for the broker.

    Below `topic/CAMERA`: `status` (online, offline; by last will when the program dies), `camera` (online, offline),
    `presence` (ON, OFF), `people`, `last_seen` and `event` (JSON; not retained). While the broker is away the newest
    state and some events are kept, in memory.

    Args:
        to: see `broker`.
        topic: what all topics begin with, apart from those for Home Assistant.

    Raises `MissingPackageError` without paho-mqtt.
    """

    def __init__(self, to: Broker, topic: str = "streamface") -> None:
        try:
            from paho.mqtt import client
        except ImportError as error:
            raise MissingPackageError("MQTT", "paho-mqtt") from error
        self._mqtt, self._to, self._topic = client, to, topic.strip("/")
        self._client: Any = None
        self._lock = threading.Lock()
        self._base = ""
        self._people: dict[str, Row] = {}
        self._retained: dict[str, str] = {}
        self._troubled = self._full = self._closed = False

    def begin(self, camera: str) -> None:
        """Connect, in a thread beside the work."""
        slug = slug_of(camera)
        self._base = f"{self._topic}/{slug}"
        for topic, message in _home_assistant.discovery(camera, slug, self._base).items():
            self._retained[topic] = json.dumps(message, ensure_ascii=False)
        self._retained |= {
            f"{self._base}/status": "online",
            f"{self._base}/camera": "online",
            **self._presence(),
        }
        self._client = self._connecting()

    def add(self, rows: Sequence[Row]) -> None:
        """Publish events and what follows from them."""
        for row in rows:
            state = self._after(row)
            self._keep(state)
            message = {"event_type": row["event"], **row}
            self._publish(f"{self._base}/event", json.dumps(message, ensure_ascii=False, allow_nan=False))

    def forget(self, people: Collection[str], visits: Sequence[str]) -> None:
        """Take people out of what stays at the broker."""
        last = f"{self._base}/last_seen"
        told = json.loads(self._retained.get(last, "{}"))
        for visit, row in list(self._people.items()):
            if visit in visits or row["person"] in people:
                del self._people[visit]
        state = self._presence()
        if told.get("person") in people:
            state[last] = json.dumps({**told, "person": None, "stranger": None, "snapshot": None})
        was_there = self._client.is_connected()
        self._keep(state)
        if not was_there and not self._closed:
            self._drop_waiting()

    def _keep(self, state: dict[str, str]) -> None:
        """Change what stays at the broker: nothing older is said after it, by the library's thread neither."""
        with self._lock:
            self._retained |= state
            for topic, text in state.items():
                self._publish(topic, text, retain=True)

    def _drop_waiting(self) -> None:
        """Begin anew with the broker: what waits for it in the library's memory cannot be taken out one by one."""
        before, self._client = self._client, self._connecting()
        before.disconnect()
        _ending(before)

    def close(self) -> None:
        """Say that nobody watches any more, and disconnect."""
        if self._closed or self._client is None:
            return
        self._closed = True
        if self._client.is_connected():
            last = self._client.publish(f"{self._base}/status", "offline", qos=1, retain=True)
            try:
                last.wait_for_publish(FAREWELL_S)
            except (RuntimeError, ValueError) as error:  # the connection broke, or its queue is full
                log.debug("the last message did not go: %s", error)
        self._client.disconnect()
        _ending(self._client).join(FAREWELL_S)

    def _connecting(self) -> Any:
        mqtt = self._mqtt
        made = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        made.on_connect, made.on_disconnect, made.on_message = self._connected, self._disconnected, self._told
        made.on_connect_fail = lambda *_: self._say_trouble("no connection")
        made.connect_timeout = CONNECT_S
        made.max_queued_messages_set(MOST_WAITING)
        made.reconnect_delay_set(1, LONGEST_PAUSE_S)
        made.will_set(f"{self._base}/status", "offline", qos=1, retain=True)
        if self._to.user is not None:
            made.username_pw_set(self._to.user, self._to.password)
        if self._to.tls:
            made.tls_set()
        made.connect_async(self._to.host, self._to.port, KEEPALIVE_S)
        made.loop_start()
        return made

    def _connected(self, client: Any, data: object, flags: object, reason: Any, properties: object) -> None:
        """Called by the library's thread: say everything that stays."""
        if reason.is_failure:
            self._say_trouble(str(reason).lower())
            return
        if self._troubled:
            self._troubled = False
            log.info("MQTT broker %s:%s is back", self._to.host, self._to.port)
        client.subscribe(_home_assistant.BIRTH)
        self._say_all(client)

    def _disconnected(self, client: Any, data: object, flags: object, reason: Any, properties: object) -> None:
        if not self._closed:
            self._say_trouble("the connection broke")

    def _told(self, client: Any, data: object, message: Any) -> None:
        """Home Assistant has started."""
        if message.payload == b"online" and not message.retain:
            self._say_all(client)

    def _say_all(self, client: Any) -> None:
        with self._lock:
            for topic, text in self._retained.items():
                client.publish(topic, text, qos=1, retain=True)

    def _say_trouble(self, what: str) -> None:
        if not self._troubled:
            self._troubled = True
            log.warning("MQTT broker %s:%s: %s; it is tried again", self._to.host, self._to.port, what)

    def _publish(self, topic: str, text: str, retain: bool = False) -> None:
        """Send now, or when the broker is there; what is retained is said anyway when it is."""
        if retain and not self._client.is_connected():
            return
        sent = self._client.publish(topic, text, qos=1, retain=retain)
        full = sent.rc == self._mqtt.MQTT_ERR_QUEUE_SIZE
        if full and not self._full:
            log.error("MQTT broker %s:%s: %d events wait: newer ones are given up", self._to.host, self._to.port,
                      MOST_WAITING)  # fmt: skip
        self._full = full

    def _after(self, row: Row) -> dict[str, str]:
        """Topic -> text of what an event changes."""
        if row["event"] in (CAMERA_LOST, CAMERA_BACK):
            return {f"{self._base}/camera": "offline" if row["event"] == CAMERA_LOST else "online"}
        if row["visit"] is None:
            return {}
        if row["event"] == LEFT:
            self._people.pop(str(row["visit"]), None)
        else:
            self._people[str(row["visit"])] = row
        seen = {name: row[name] for name in ("person", "stranger", "snapshot")}
        time = row["ended_at"] if row["event"] == LEFT else row["time"]
        return {**self._presence(), f"{self._base}/last_seen": json.dumps({"time": time, **seen}, ensure_ascii=False)}

    def _presence(self) -> dict[str, str]:
        here = list(self._people.values())
        names = sorted({str(row["person"]) for row in here if row["person"] is not None})
        unknown = sum(row["person"] is None for row in here)
        told = [*names, *([f"{unknown} unknown"] if unknown else [])]
        text = ", ".join(told) or "nobody"
        if len(text) > LONGEST_TEXT:
            text = text[: LONGEST_TEXT - 1] + "…"
        people = {"text": text, "count": len(here), "names": names, "unknown": unknown}
        return {
            f"{self._base}/presence": "ON" if here else "OFF",
            f"{self._base}/people": json.dumps(people, ensure_ascii=False),
        }


def _ending(client: Any) -> threading.Thread:
    """Ends the library's thread, beside the work: it may be waiting for a connection."""

    def end() -> None:
        client.loop_stop()
        # Else client and output hold each other, and its sockets stay open until both are found to be garbage.
        client.on_connect = client.on_disconnect = client.on_message = client.on_connect_fail = None

    thread = threading.Thread(target=end, name="streamface-mqtt", daemon=True)
    thread.start()
    return thread


def slug_of(camera: str) -> str:
    """The camera's name in a topic: letters, digits, _ and -; names that differ in other letters stay apart."""
    slug = re.sub(r"[^A-Za-z0-9_-]+", "_", camera).strip("_") or "camera"
    return slug if camera.isascii() else f"{slug}_{hashlib.sha256(camera.encode()).hexdigest()[:6]}"
