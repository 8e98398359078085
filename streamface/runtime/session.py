"""A network ready to run, through LiteRT."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from streamface.errors import WeightsError


class Session:
    """One LiteRT network; not thread-safe, one thread at a time. Releases the interpreter lock while it runs.

    Args:
        model: the network, as a file or its bytes.
        threads: threads for one run.
    """

    def __init__(self, model: Path | bytes, threads: int = 1) -> None:
        from ai_edge_litert.interpreter import Interpreter

        where = {"model_content": model} if isinstance(model, bytes) else {"model_path": str(model)}
        try:
            self._interpreter = Interpreter(num_threads=threads, **where)
        except ValueError as error:
            name = "the network" if isinstance(model, bytes) else model
            raise WeightsError(
                f"{name} is not a LiteRT network that this version can run: delete it and try again"
            ) from error
        self._input = self._interpreter.get_input_details()[0]
        self._outputs = sorted(self._interpreter.get_output_details(), key=lambda d: d["name"])
        self._shape: tuple[int, ...] | None = None

    @property
    def shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Of the input and of the first output, as the file states them."""
        return tuple(self._input["shape"].tolist()), tuple(self._outputs[0]["shape"].tolist())

    def run(self, batch: np.ndarray) -> list[np.ndarray]:
        """All outputs, in order of their names, for one batch of the network's input type.

        Each call with another shape than the last sets the network up anew (some 0.1 ms and more), so keep
        one session per shape where shapes alternate. The arrays are the caller's own.
        """
        if batch.shape != self._shape:
            self._interpreter.resize_tensor_input(self._input["index"], batch.shape, strict=False)
            self._interpreter.allocate_tensors()
            self._shape = batch.shape
        self._interpreter.set_tensor(self._input["index"], batch)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(output["index"]) for output in self._outputs]
