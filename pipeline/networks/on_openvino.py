"""Networks on the processor, run by OpenVINO in float32."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from openvino import Core, Model

from pipeline.networks import graph
from pipeline.networks.card import Card
from pipeline.networks.parts import Part
from pipeline.networks.plan import Tensors
from pipeline.parallel import threads


class OnOpenvino:
    """A network compiled for this processor at its first use, once for windows of all shapes.

    Args:
        card: of the weights.
        tensors: of the weights file, by name.
    """

    name = "openvino"
    ahead = 1

    def __init__(self, card: Card, tensors: Tensors) -> None:
        made = graph.haze if card.kind == "haze" else graph.unet
        self._graph = _Graph(lambda: made(card, tensors))

    def probabilities(self, inputs: NDArray[np.float32], wanted: Part) -> NDArray[np.float32]:
        """See `BackEnd`."""
        return self._graph.infer(*_given(inputs, wanted))[0][0]

    def score(self, inputs: NDArray[np.float32], valid: NDArray[np.bool_]) -> float:
        """See `BackEnd`."""
        return float(self._graph.infer(inputs[None], valid[None, None].astype(np.float32))[0][0, 0])

    def release(self) -> None:
        """See `BackEnd`."""
        self._graph.release()


class SideBySide:
    """U-Nets that work through one raster together, as one graph: they take turns in the same memory.

    Args:
        parts: card and tensors of each.
    """

    def __init__(self, parts: Sequence[tuple[Card, Tensors]]) -> None:
        self._graph = _Graph(lambda: graph.joined([graph.unet(*part) for part in parts]))

    def probabilities(
        self, inputs: Sequence[NDArray[np.float32]], wanted: Sequence[Part]
    ) -> list[NDArray[np.float32]]:
        """What each tells of its own window, see `BackEnd`."""
        given = [one for pair in zip(inputs, wanted, strict=True) for one in _given(*pair)]
        return [found[0] for found in self._graph.infer(*given)]

    def release(self) -> None:
        """See `BackEnd`."""
        self._graph.release()


class _Graph:
    """A graph that is compiled at its first use; safe in several threads at once."""

    def __init__(self, make: Callable[[], Model]) -> None:
        self._make = make
        self._compiled: Any = None
        self._request: Any = None
        # A request works on one window at a time.
        self._one = Lock()

    def infer(self, *inputs: NDArray[Any]) -> list[NDArray[np.float32]]:
        """All outputs."""
        with self._one:
            if self._compiled is None:
                self._compiled = compiled(self._make())
            if self._request is None:
                self._request = self._compiled.create_infer_request()
            found = self._request.infer(list(inputs), share_inputs=True, share_outputs=True)
            # The request writes its next answer over this one.
            return [found[output].copy() for output in range(len(found))]

    def release(self) -> None:
        """Give back what is kept from one window for the next."""
        with self._one:
            self._request = None
            if self._compiled is not None:
                self._compiled.release_memory()


def _given(inputs: NDArray[np.float32], wanted: Part) -> tuple[NDArray[Any], NDArray[Any]]:
    """What a U-Net's graph reads."""
    return np.ascontiguousarray(inputs)[None], graph.cuts(inputs.shape[1:], wanted)


def compiled(model: Model) -> Any:
    """A graph for this processor, with the threads of the numeric libraries."""
    options = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads(),
        "NUM_STREAMS": 1,
        # Threads held to cores would crowd on the first ones where several workers share a machine.
        "ENABLE_CPU_PINNING": False,
    }
    return Core().compile_model(model, "CPU", options)
