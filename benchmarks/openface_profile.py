"""Where OpenFace's time goes in LiteRT: `python -m benchmarks.openface_profile`

First what the carried file has that XNNPACK does not run. Then the network cut off behind each stage: the difference
between two cuts is what a stage takes, beside the multiplications and additions of its convolutions. Random weights.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import numpy as np

from streamface.networks import openface as network
from streamface.recognition import openface
from streamface.runtime.session import Session
from training.common import to_litert

ROUNDS = 150
SAMPLE = np.random.default_rng(0).uniform(0, 255, (1, network.INPUT_PX, network.INPUT_PX, 3)).astype(np.float32)


def outside(model: Path) -> Counter[str]:
    """Operations that the interpreter runs itself, once XNNPACK has taken what it can."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(model), num_threads=1)
    interpreter.allocate_tensors()
    entries = interpreter._get_ops_details()  # those that were replaced stand in it too
    delegates = [entry for entry in entries if entry["op_name"] == "DELEGATE"]
    maker = {tensor: e for e in entries if e["op_name"] != "DELEGATE" for tensor in map(int, e["outputs"])}
    taken: set[int] = set()
    for delegate in delegates:
        known, open_ends = set(map(int, delegate["inputs"])), [*map(int, delegate["outputs"])]
        while open_ends:
            tensor = open_ends.pop()
            if tensor not in known and tensor in maker:
                known.add(tensor)
                taken.add(maker[tensor]["index"])
                open_ends += map(int, maker[tensor]["inputs"])
    return Counter(e["op_name"] for e in entries if e["op_name"] != "DELEGATE" and e["index"] not in taken)


def stages(model) -> dict[str, tuple]:
    """Stage -> the tensor behind it, and the layers that are done by then."""
    from keras import layers

    ends = {"conv1": layers.MaxPooling2D, **{name: layers.Concatenate for name, *_ in network.MODULES}}
    found, at, inner = {}, 0, model.layers
    for name, kind in ends.items():
        at = next(i for i in range(at, len(inner)) if isinstance(inner[i], kind)) + 1
        found[name] = inner[at - 1].output, inner[:at]
        if name == "conv1":  # conv2, conv3 and both normalisations end in the second of the stem's poolings
            at = next(i for i in range(at, len(inner)) if isinstance(inner[i], kind)) + 1
            found["conv2, conv3"] = inner[at - 1].output, inner[:at]
    return {**found, "dense": (model.output, inner)}


def operations(layers) -> float:
    """Millions of multiplications and additions in the convolutions of some layers."""
    from keras.layers import Conv2D

    return sum(2e-6 * np.prod(x.kernel.shape) * np.prod(x.output.shape[1:3]) for x in layers if isinstance(x, Conv2D))


def least_ms(sessions: list[Session]) -> np.ndarray:
    """The least time of each, taken in turns, so that what disturbs one disturbs all."""
    best = np.full(len(sessions), np.inf)
    for _ in range(ROUNDS):
        for index, session in enumerate(sessions):
            session.run(SAMPLE)
            began = perf_counter()
            session.run(SAMPLE)
            best[index] = min(best[index], (perf_counter() - began) * 1e3)
    return best


def main() -> None:
    """Print both."""
    import keras

    from benchmarks.networks import _random

    left = ", ".join(f"{count} {name}" for name, count in outside(openface.MODEL).items())
    print(f"{openface.MODEL.name}, {openface.MODEL.stat().st_size / 1e6:.1f} MB, outside XNNPACK: {left or 'nothing'}")
    model = _random(network.graph())
    cuts = stages(model)
    parts = {name: keras.Model(model.input, tensor) for name, (tensor, _) in cuts.items()}
    spent = {
        kind: least_ms([Session(to_litert(part, kind)) for part in parts.values()]) for kind in ("float32", "int8")
    }
    work = [operations(done) for _, done in cuts.values()]
    print("| stage | MFLOP | float32, ms | GFLOP/s | int8, ms |\n|---|---|---|---|---|")
    columns = [[0.0, *column] for column in (work, spent["float32"], spent["int8"])]
    for name, flops, slow, fast in zip(parts, *map(pairwise, columns), strict=True):
        (flops, slow, fast) = (after - before for before, after in (flops, slow, fast))
        print(f"| {name} | {flops:.0f} | {slow:.2f} | {flops / max(slow, 1e-3):.0f} | {fast:.2f} |")
    total = work[-1], spent["float32"][-1], spent["int8"][-1]
    print(f"| all | {total[0]:.0f} | {total[1]:.2f} | {total[0] / total[1]:.0f} | {total[2]:.2f} |")


if __name__ == "__main__":
    main()
