"""The tasks that `networks` measures; torch is loaded only where it runs a network, for it costs memory."""

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from pipeline.networks import graph as graphs
from pipeline.networks import load, predict
from pipeline.networks.card import Card
from pipeline.networks.network import Network
from pipeline.networks.normalise import valid_pixels
from pipeline.networks.parts import Part
from pipeline.networks.plan import Tensors, shapes

Inputs = tuple[NDArray[np.float32], Part]
Work = Callable[[], Any]
PREVIEW = 343


def speed(network: str, width: float | None, rows: int, cols: int, back_end: str = "") -> dict[str, Any]:
    """Seconds of tiled inference over random pixels in memory, and of its forward passes alone.

    Args:
        network: one that ships, a U-Net.
        width: of an untrained network of the same bands and classes instead; None = the one that ships.
        rows, cols: of the raster.
        back_end: what runs it; empty = as in the product.
    """
    asked = _network(network, width, back_end)
    pixels = np.random.default_rng(0).random((4, rows, cols), np.float32) / 2

    def read(window: Window) -> NDArray[np.float32]:
        return pixels[(slice(None), *window.toslices())]

    def tiled() -> None:
        for _ in predict(asked, read, (rows, cols)):
            pass

    tiled()
    seconds = seconds_of(tiled)
    peak, on_gpu = peak_mib(), gpu_mib(asked)
    with recorded(asked) as given:
        tiled()
    return {
        "seconds": seconds,
        "bare": seconds_of(_passes(asked, given)),
        "pixels": rows * cols,
        "windows": len(given),
        "back_end": asked.back_end.name,
        "peak_mib": peak,
        "gpu_mib": on_gpu,
    }


def previews(network: str, count: int) -> dict[str, Any]:
    """The same of random previews, each looked at as in stage 1; a preview has `PREVIEW` rows and columns."""
    asked = load(network)
    size = (PREVIEW, PREVIEW)
    pictures = np.random.default_rng(0).random((count, 3, *size), np.float32) / 2
    work = asked.score if asked.card.kind == "haze" else asked.probabilities

    def looked_at() -> None:
        for picture in pictures:
            work(picture)

    looked_at()
    seconds = seconds_of(looked_at)
    peak = peak_mib()
    if asked.card.kind == "haze":
        ready = [(asked.normalised(one), valid_pixels(one, None)) for one in pictures]
        bare = seconds_of(lambda: [asked.back_end.score(*one) for one in ready])
    else:
        with recorded(asked) as given:
            looked_at()
        bare = seconds_of(_passes(asked, given))
    return {"seconds": seconds, "bare": bare, "pixels": count * PREVIEW**2, "windows": count,
            "back_end": asked.back_end.name, "peak_mib": peak}  # fmt: skip


def _network(name: str, width: float | None, back_end: str) -> Network:
    if width is None:
        return load(name, back_end=back_end)
    card = replace(load(name).card, width=width)
    return Network(card, untrained(card), back_end)


def untrained(card: Card) -> Tensors:
    """Random tensors whose features keep their size from layer to layer."""
    rng = np.random.default_rng(0)
    found = {}
    for name, shape in shapes(card).items():
        if len(shape) > 1:
            spread = np.sqrt(2 / np.prod(shape[1:]))
            found[name] = (rng.standard_normal(shape) * spread).astype(np.float32)
        else:
            ones = name.endswith(("norm.weight", "running_var"))
            found[name] = np.full(shape, ones, np.float32 if shape else np.int64)
    return found


@contextmanager
def recorded(network: Network) -> Iterator[list[Inputs]]:
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


def _passes(network: Network, given: list[Inputs]) -> Work:
    """The forward passes alone, without softmax, on what the network was given; one was made already."""
    passes = _on_torch(network, given) if network.back_end.name == "torch" else _on_openvino(network, given)
    passes[0]()
    return lambda: [one() for one in passes]


def _on_torch(network: Network, given: list[Inputs]) -> list[Work]:
    import torch

    from pipeline.networks.on_torch import OnTorch

    back_end = cast(OnTorch, network.back_end)
    of_shape: dict[tuple[int, ...], torch.Tensor] = {}

    def ready(inputs: NDArray[np.float32]) -> torch.Tensor:
        tensor = torch.from_numpy(inputs)[None].to(back_end.device)
        return tensor.contiguous(memory_format=back_end.layout)

    def of(inputs: NDArray[np.float32], wanted: Part) -> Work:
        # A GPU may not hold all windows of a tile; one of each shape takes as long.
        if not back_end.on_gpu or inputs.shape not in of_shape:
            of_shape[inputs.shape] = ready(inputs)
        tensor = of_shape[inputs.shape]

        def forward() -> None:
            with torch.inference_mode():
                back_end.module(tensor, wanted)

        return forward

    passes = [of(*one) for one in given]
    return [*passes, torch.cuda.synchronize] if back_end.on_gpu else passes


def _on_openvino(network: Network, given: list[Inputs]) -> list[Work]:
    from pipeline.networks.on_openvino import compiled

    model = graphs.unet(network.card, network.tensors, softmax=False)
    request = compiled(model).create_infer_request()

    def of(inputs: NDArray[np.float32], wanted: Part) -> Work:
        ready = [inputs[None], graphs.cuts(inputs.shape[1:], wanted)]
        return lambda: request.infer(ready, share_inputs=True, share_outputs=True)

    return [of(*one) for one in given]


def gpu_mib(network: Network) -> float:
    """The most memory of the GPU that torch held for this process, 0 where there is none."""
    if network.back_end.name != "torch":
        return 0.0
    import torch

    return torch.cuda.max_memory_reserved() / 2**20 if torch.cuda.is_available() else 0.0


def peak_mib() -> float:
    """The most memory that this process held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def seconds_of(work: Work) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
