"""The task that `networks` measures."""

import importlib.util
import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rasterio.windows import Window
from torch import Tensor, nn

from pipeline.networks import load, predict
from pipeline.networks.network import Network, build
from pipeline.networks.parts import Part

Inputs = tuple[NDArray[np.float32], Part]
BACK_ENDS = ("torch", "openvino", "onnxruntime")


def speed(network: str, width: float | None, rows: int, cols: int) -> dict[str, Any]:
    """Seconds of tiled inference over random pixels in memory, and of its forward passes alone.

    Args:
        network: one that ships.
        width: of an untrained network of the same bands and classes instead; None = the one that ships.
        rows, cols: of the raster.
    """
    asked = _network(network, width)
    pixels = np.random.default_rng(0).random((4, rows, cols), np.float32) / 2

    def read(window: Window) -> NDArray[np.float32]:
        return pixels[(slice(None), *window.toslices())]

    with _recorded(asked) as given:
        list(predict(asked, read, (rows, cols)))
    bare = _seconds(lambda: [_forward(asked, tensor, wanted) for tensor, wanted in _tensors(given)])
    tiled = _seconds(lambda: list(predict(asked, read, (rows, cols))))
    return {"seconds": tiled, "bare": bare, "pixels": rows * cols, "windows": len(given)}


def back_ends(network: str, threads: int, rounds: int = 5) -> dict[str, Any]:
    """Seconds of one window by each back end that is installed, and how their classes differ."""
    asked = load(network)
    window, reach = asked.window, asked.reach
    wanted = (slice(reach, reach + window),) * 2
    side = window + 2 * reach
    inputs = np.random.default_rng(0).standard_normal((1, len(asked.bands), side, side), np.float32)
    cut = _Cut(asked.module, wanted).eval()
    runs = {kind: _MADE[kind](cut, inputs, threads) for kind in BACK_ENDS if importlib.util.find_spec(kind)}
    first = runs["torch"]()
    found = {}
    for kind, run in runs.items():
        classes = run().argmax(axis=1)
        taken = min(_seconds(run) for _ in range(rounds))
        found[kind] = {"seconds": taken, "differ": float((classes != first.argmax(axis=1)).mean())}
    return {"seconds": found["torch"]["seconds"], "pixels": window * window, "back_ends": found}


def _network(name: str, width: float | None) -> Network:
    if width is None:
        return load(name)
    card = replace(load(name).card, width=width)
    torch.manual_seed(0)
    return Network(card, build(card))


@contextmanager
def _recorded(network: Network) -> Iterator[list[Inputs]]:
    """Keep what a network is given while it runs."""
    given: list[Inputs] = []
    run = network.run

    def kept(inputs: NDArray[np.float32], wanted: Part | None = None) -> NDArray[np.float32]:
        assert wanted is not None
        given.append((inputs, wanted))
        return run(inputs, wanted)

    network.run = kept  # type: ignore[method-assign]
    try:
        yield given
    finally:
        del network.run  # type: ignore[method-assign]


def _tensors(given: list[Inputs]) -> Iterator[tuple[Tensor, Part]]:
    for inputs, wanted in given:
        yield torch.from_numpy(inputs)[None].contiguous(memory_format=torch.channels_last), wanted


def _forward(network: Network, tensor: Tensor, wanted: Part) -> None:
    with torch.inference_mode():
        network.module(tensor, wanted)


def _seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


class _Cut(nn.Module):
    """A U-Net whose wanted part is fixed, with its softmax."""

    def __init__(self, module: nn.Module, wanted: Part) -> None:
        super().__init__()
        self.module, self.wanted = module, wanted

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(self.module(x, self.wanted), dim=1)


def _torch(cut: _Cut, inputs: NDArray[np.float32], threads: int) -> Callable[[], NDArray[np.float32]]:
    def run() -> NDArray[np.float32]:
        with torch.inference_mode():
            return cut(torch.from_numpy(inputs).contiguous(memory_format=torch.channels_last)).numpy()

    return run


def _openvino(cut: _Cut, inputs: NDArray[np.float32], threads: int) -> Callable[[], NDArray[np.float32]]:
    import openvino  # type: ignore[import-not-found]

    graph = openvino.convert_model(cut, example_input=torch.from_numpy(inputs), input=[inputs.shape])
    options = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    request = openvino.Core().compile_model(graph, "CPU", options).create_infer_request()
    return lambda: request.infer([inputs], share_inputs=True)[0]


def _onnxruntime(cut: _Cut, inputs: NDArray[np.float32], threads: int) -> Callable[[], NDArray[np.float32]]:
    import onnxruntime  # type: ignore[import-not-found]

    graph, options = io.BytesIO(), onnxruntime.SessionOptions()
    torch.onnx.export(cut, torch.from_numpy(inputs), graph, dynamo=False)
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(graph.getvalue(), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda: session.run(None, {name: inputs})[0]


_MADE = {"torch": _torch, "openvino": _openvino, "onnxruntime": _onnxruntime}
