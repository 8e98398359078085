"""An RTSP camera by GStreamer, for the system's own Python: run as `gst_camera.py FOLDER CLIP FPS [USER PASSWORD]`.

A clip is a file of H.264 access units, each behind its length (4 bytes, little-endian), with its headers before every
key frame; it is sent without end, at the pace of a clock. Prints `port N`, and `start T` when the pace begins, in
seconds of time.time(): access unit k goes out at T + k / fps; and `late S` when the machine is too busy for that.
Commands on standard input, a line each:

    clip NAME FPS    go on with another clip, from its start
    jump S           let the camera's clock jump by S seconds
    pause / resume   send nothing, with the connection standing
"""

import sys
import threading
import time
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

LAUNCH = (
    "( appsrc name=src is-live=true format=time max-bytes=0 caps=video/x-h264,stream-format=byte-stream,alignment=au "
    "! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
)


def units(path):
    """The access units of a clip."""
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "little")
        found.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return found


class Camera:
    def __init__(self, folder, clip, fps):
        self.folder, self.sources = Path(folder), []
        self.units, self.fps = units(self.folder / clip), fps
        self.offset_ns, self.paused, self.changed, self.late = 0, False, True, 0.0

    def configure(self, factory, media):
        source = media.get_element().get_by_name_recurse_up("src"), time.monotonic()
        self.sources.append(source)
        media.connect("unprepared", lambda media: self.sources.remove(source))

    def run(self):
        number, start = 0, time.time()
        while True:
            if self.changed:
                self.changed, number, start = False, 0, time.time() + 0.05
                print(f"start {start}", flush=True)
            time.sleep(max(0.0, start + number / self.fps - time.time()))
            late = time.time() - start - number / self.fps
            if abs(late - self.late) > 0.02:
                self.late = late
                print(f"late {late}", flush=True)
            if not self.paused:
                self.push(self.units[number % len(self.units)])
            number += 1

    def push(self, unit):
        for source, since in list(self.sources):
            self.do_not_wait(source)
            buffer = Gst.Buffer.new_wrapped(unit)
            buffer.pts = max(0, int((time.monotonic() - since) * Gst.SECOND) + self.offset_ns)
            source.emit("push-buffer", buffer)

    def do_not_wait(self, source):
        """Send each picture at once: else the server waits for its time, which is late where it was slow to start."""
        top = source
        while top.get_parent() is not None:
            top = top.get_parent()
        found = top.iterate_sinks()
        while (step := found.next())[0] == Gst.IteratorResult.OK:
            if step[1].get_property("sync"):
                step[1].set_property("sync", False)

    def obey(self):
        for line in sys.stdin:
            words = line.split()
            if words[0] == "clip":
                self.units, self.fps, self.changed = units(self.folder / words[1]), float(words[2]), True
            elif words[0] == "jump":
                self.offset_ns += int(float(words[1]) * Gst.SECOND)
            else:
                self.paused = words[0] == "pause"


def guard(server, factory, user, password):
    """Let in only who knows the password."""
    auth, token = GstRtspServer.RTSPAuth(), GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    for right in ("media.factory.access", "media.factory.construct"):
        permissions.add_permission_for_role("user", right, True)
    factory.set_permissions(permissions)


def main():
    Gst.init(None)
    camera = Camera(sys.argv[1], sys.argv[2], float(sys.argv[3]))
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(LAUNCH)
    factory.set_shared(True)
    factory.connect("media-configure", camera.configure)
    server.get_mount_points().add_factory("/live", factory)
    if len(sys.argv) > 4:
        guard(server, factory, *sys.argv[4:6])
    loop = GLib.MainLoop()
    server.attach(None)
    print(f"port {server.get_bound_port()}", flush=True)
    threading.Thread(target=camera.run, daemon=True).start()
    threading.Thread(target=lambda: (camera.obey(), loop.quit()), daemon=True).start()
    loop.run()


main()
