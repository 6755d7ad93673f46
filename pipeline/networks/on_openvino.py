"""Networks on the processor, run by OpenVINO in float32."""

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
    """A network compiled for this processor, once for windows of all shapes.

    Args:
        card: of the weights.
        tensors: of the weights file, by name.
    """

    name = "openvino"

    def __init__(self, card: Card, tensors: Tensors) -> None:
        made = graph.haze if card.kind == "haze" else graph.unet
        self._compiled = compiled(made(card, tensors))
        self._request: Any = None
        # A request works on one window at a time, and there may be several threads.
        self._one = Lock()

    def probabilities(self, inputs: NDArray[np.float32], wanted: Part) -> NDArray[np.float32]:
        """See `BackEnd`."""
        return self._infer(np.ascontiguousarray(inputs)[None], graph.cuts(inputs.shape[1:], wanted))[0]

    def score(self, inputs: NDArray[np.float32], valid: NDArray[np.bool_]) -> float:
        """See `BackEnd`."""
        return float(self._infer(inputs[None], valid[None, None].astype(np.float32))[0, 0])

    def release(self) -> None:
        """See `BackEnd`."""
        with self._one:
            self._request = None
            self._compiled.release_memory()

    def _infer(self, *inputs: NDArray[Any]) -> NDArray[np.float32]:
        with self._one:
            if self._request is None:
                self._request = self._compiled.create_infer_request()
            found = self._request.infer(list(inputs), share_inputs=True, share_outputs=True)
            # The request writes its next answer over this one.
            return found[0].copy()


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
