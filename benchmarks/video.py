"""What recording costs: processor time and size for each preset of the encoder, at 1920x1080.

python benchmarks/video.py CLIP [--frames 60]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import av

from streamface.sinks import _h264, video
from streamface.types import Frame, FrameResult


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip")
    parser.add_argument("--frames", type=int, default=60)
    args = parser.parse_args()
    with av.open(args.clip) as container:
        frames = zip(range(args.frames), container.decode(video=0), strict=False)
        images = [frame.to_ndarray(format="bgr24") for _, frame in frames]
    with tempfile.TemporaryDirectory() as folder:
        for preset in ("ultrafast", "superfast", "veryfast"):
            _h264.ENCODER_OPTIONS["preset"] = preset
            path = Path(folder) / f"{preset}.mp4"
            start, spent = time.perf_counter(), time.process_time()
            with video.VideoSink(path, 25) as sink:
                for index, image in enumerate(images):
                    sink.write(FrameResult(Frame(image, index, 0.0, index / 25, "clip")), image)
            wall, spent = time.perf_counter() - start, time.process_time() - spent
            rate = path.stat().st_size * 8 / (len(images) / 25) / 1e6
            each = 1000 / len(images)
            print(f"{preset}: {spent * each:.1f} ms processor, {wall * each:.1f} ms wall a frame, {rate:.1f} Mbit/s")


if __name__ == "__main__":
    main()
