"""The task that compares what could run a network, on one window inside a tile."""

import importlib.util
import io
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pipeline.networks import load
from pipeline.networks.network import Network
from pipeline.networks.on_torch import OnTorch
from pipeline.networks.parts import Part
from script.lib.bench.networks_task import seconds_of

Run = Callable[[], NDArray[np.float32]]


def back_ends(network: str, threads: int, rounds: int = 5) -> dict[str, Any]:
    """Seconds of one window by each back end that is installed, and how their classes differ."""
    asked = load(network, back_end="torch")
    window, reach = asked.window, asked.reach
    wanted = (slice(reach, reach + window),) * 2
    side = window + 2 * reach
    inputs = np.random.default_rng(0).standard_normal((len(asked.bands), side, side), np.float32)
    made = {"torch": lambda: asked.run(inputs, wanted), "openvino": _openvino(asked, inputs, wanted)}
    if importlib.util.find_spec("onnxruntime"):
        made["onnxruntime"] = _onnxruntime(asked, inputs, wanted, threads)
    first = made["torch"]().argmax(axis=0)
    found = {}
    for kind, run in made.items():
        classes = run().argmax(axis=0)
        taken = min(seconds_of(run) for _ in range(rounds))
        found[kind] = {"seconds": taken, "differ": float((classes != first).mean())}
    return {"seconds": found["torch"]["seconds"], "pixels": window * window, "back_ends": found}


def _openvino(asked: Network, inputs: NDArray[np.float32], wanted: Part) -> Run:
    network = Network(asked.card, asked.tensors, "openvino")
    return lambda: network.run(inputs, wanted)


class _Cut(nn.Module):
    """A U-Net whose wanted part is fixed, with its softmax."""

    def __init__(self, module: nn.Module, wanted: Part) -> None:
        super().__init__()
        self.module, self.wanted = module, wanted

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(self.module(x, self.wanted), dim=1)


def _onnxruntime(asked: Network, inputs: NDArray[np.float32], wanted: Part, threads: int) -> Run:
    import onnxruntime  # type: ignore[import-not-found]

    cut = _Cut(cast(OnTorch, asked.back_end).module, wanted).eval()
    graph, options = io.BytesIO(), onnxruntime.SessionOptions()
    torch.onnx.export(cut, torch.from_numpy(inputs[None]), graph, dynamo=False)
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(graph.getvalue(), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda: session.run(None, {name: inputs[None]})[0][0]
