"""A real broker on a free port, and a client that keeps what it hears."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager

import pytest


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


@contextmanager
def broker(folder, port, login=None):
    """mosquitto until the block ends; the test is skipped where it is not installed."""
    path = os.environ["PATH"] + os.pathsep + "/usr/sbin"
    program = shutil.which("mosquitto", path=path)
    if program is None:
        pytest.skip("no broker here: apt-get install mosquitto")
    lines = [f"listener {port} 127.0.0.1", f"allow_anonymous {'false' if login else 'true'}", "user root"]
    if login:
        subprocess.run([shutil.which("mosquitto_passwd", path=path), "-b", "-c", folder / "users", *login], check=True)
        lines.append(f"password_file {folder / 'users'}")
    (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
    command = [program, "-c", str(folder / "mosquitto.conf")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            until(lambda: answers(port))
            yield running
        finally:
            running.terminate()


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


class Listener:
    """Subscribes to everything."""

    def __init__(self, port, login=None):
        from paho.mqtt import client as mqtt

        self.heard = []
        """(topic, text, retained) in order."""
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda client, data, m: self.heard.append((m.topic, m.payload.decode(), m.retain))
        self.client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        if login:
            self.client.username_pw_set(*login)
        subscribed = []
        self.client.on_subscribe = lambda *_: subscribed.append(True)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        until(lambda: subscribed)

    def __enter__(self):
        return self

    def __exit__(self, *info):
        self.client.disconnect()
        self.client.loop_stop()
        self.client.on_message = self.client.on_connect = self.client.on_subscribe = None  # they hold the client

    def last(self, topic):
        """The newest text of a topic, or None."""
        return next((text for heard, text, _ in reversed(self.heard) if heard == topic), None)

    def every(self, topic):
        """All of a topic, read as JSON."""
        return [json.loads(text) for heard, text, _ in list(self.heard) if heard == topic]
