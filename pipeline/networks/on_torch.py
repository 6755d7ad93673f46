"""Networks run by torch: on the GPU where there is one, else on the processor."""

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.networks.card import Card
from pipeline.networks.modules import filled
from pipeline.networks.parts import Part
from pipeline.networks.plan import Tensors
from pipeline.networks.unet import UNet

AHEAD_OF_GPU = 3
"""Windows made ready while a GPU works on one: a thread takes some three times as long for one as the GPU."""


class OnTorch:
    """A network as a torch module, in float32: channels last on a processor, first on a GPU.

    Args:
        card: of the weights.
        tensors: of the weights file, by name.
    """

    name = "torch"

    def __init__(self, card: Card, tensors: Tensors) -> None:
        self._temperature = card.temperature
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.on_gpu = self.device.type == "cuda"
        self.ahead = AHEAD_OF_GPU if self.on_gpu else 1
        # In float32 a GPU is faster with channels first.
        self.layout = torch.contiguous_format if self.on_gpu else torch.channels_last
        module = filled(card, tensors)
        if isinstance(module, UNet):
            module = module.fuse()
        module = module.eval().to(self.device)
        self.module = module.to(memory_format=self.layout)  # type: ignore[call-overload]
        torch.backends.cudnn.deterministic = True
        # torch lets a GPU round what convolutions read to ten bits, which changes classes.
        torch.backends.cudnn.allow_tf32 = False

    def probabilities(self, inputs: NDArray[np.float32], wanted: Part) -> NDArray[np.float32]:
        """See `BackEnd`."""
        with torch.inference_mode():
            batch = self._moved(np.ascontiguousarray(inputs))[None]
            scores = self.module(batch.contiguous(memory_format=self.layout), wanted)
            # Softmax over the classes of plain arrays takes a third of the time, with the same bits.
            scores = scores.contiguous() / self._temperature
            return torch.softmax(scores, dim=1)[0].cpu().numpy()

    def score(self, inputs: NDArray[np.float32], valid: NDArray[np.bool_]) -> float:
        """See `BackEnd`."""
        with torch.inference_mode():
            batch = self._moved(inputs)[None]
            mask = self._moved(valid.astype(np.float32))[None, None]
            return float(torch.sigmoid(self.module(batch, mask) / self._temperature)[0])

    def _moved(self, values: NDArray[np.float32]) -> torch.Tensor:
        """An array in the memory of the device."""
        held = torch.from_numpy(values)
        # From pinned memory, which torch keeps for the next array, a GPU reads five times as fast.
        return held.pin_memory().to(self.device, non_blocking=True) if self.on_gpu else held

    def release(self) -> None:
        """See `BackEnd`: what torch keeps of a GPU's memory, which other workers may want."""
        if self.on_gpu:
            torch.cuda.empty_cache()
