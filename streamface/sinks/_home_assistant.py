"""What Home Assistant is told of a camera, so that it shows its sensors by itself (MQTT discovery).

As https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery has it: a retained JSON message for each entity
under `homeassistant/<kind>/<device>/<entity>/config`.
"""

from __future__ import annotations

from streamface import __version__

PREFIX = "homeassistant"
"""Where Home Assistant looks unless it was told otherwise."""
BIRTH = f"{PREFIX}/status"
"""Home Assistant says 'online' here when it has started."""
PEOPLE_EVENTS = ("appeared", "recognised", "changed", "left")
CAMERA_EVENTS = (
    "camera_lost", "camera_back", "camera_live", "camera_connecting", "camera_stalled", "camera_frozen",
    "camera_frozen_over", "camera_black", "camera_black_over", "camera_garbled", "camera_garbled_over",
    "camera_resized", "camera_rate", "camera_clock",
)  # fmt: skip


def discovery(camera: str, slug: str, base: str) -> dict[str, dict]:
    """Topic -> message for every entity of a camera whose own topics begin with `base`."""
    node = f"streamface_{slug}"
    running = {"topic": f"{base}/status"}
    seeing = [running, {"topic": f"{base}/camera"}]
    common = {
        "device": {"identifiers": [node], "name": camera, "manufacturer": "streamface", "sw_version": __version__},
        "origin": {"name": "streamface", "sw_version": __version__},
        "availability_mode": "all",
    }
    entities = {
        "binary_sensor/presence": {
            "name": "Presence",
            "device_class": "occupancy",
            "state_topic": f"{base}/presence",
            "availability": seeing,
        },
        "sensor/people": {
            "name": "People",
            "icon": "mdi:account-group",
            "state_topic": f"{base}/people",
            "value_template": "{{ value_json.text }}",
            "json_attributes_topic": f"{base}/people",
            "availability": seeing,
        },
        "sensor/last_seen": {
            "name": "Last seen",
            "device_class": "timestamp",
            "state_topic": f"{base}/last_seen",
            "value_template": "{{ value_json.time }}",
            "json_attributes_topic": f"{base}/last_seen",
            "availability": [running],
        },
        "event/event": {
            "name": "Event",
            "event_types": [*PEOPLE_EVENTS, *CAMERA_EVENTS],
            "state_topic": f"{base}/event",
            "availability": [running],
        },
    }
    found = {}
    for place, entity in entities.items():
        kind, _, name = place.partition("/")
        found[f"{PREFIX}/{kind}/{node}/{name}/config"] = {**entity, "unique_id": f"{node}_{name}", **common}
    return found
