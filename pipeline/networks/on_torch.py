"""Networks run by torch: on the GPU where there is one, else on the processor."""

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.networks.card import Card
from pipeline.networks.modules import filled
from pipeline.networks.parts import Part
from pipeline.networks.plan import Tensors
from pipeline.networks.unet import UNet


class OnTorch:
    """A network as a torch module, in float32 with channels last.

    Args:
        card: of the weights.
        tensors: of the weights file, by name.
    """

    name = "torch"

    def __init__(self, card: Card, tensors: Tensors) -> None:
        self._temperature = card.temperature
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        module = filled(card, tensors)
        if isinstance(module, UNet):
            module = module.fuse()
        module = module.eval().to(self.device)
        self.module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        torch.backends.cudnn.deterministic = True

    def probabilities(self, inputs: NDArray[np.float32], wanted: Part) -> NDArray[np.float32]:
        """See `BackEnd`."""
        with torch.inference_mode():
            batch = torch.from_numpy(np.ascontiguousarray(inputs))[None].to(self.device)
            scores = self.module(batch.contiguous(memory_format=torch.channels_last), wanted)
            # Softmax over the classes of plain arrays takes a third of the time, with the same bits.
            scores = scores.contiguous() / self._temperature
            return torch.softmax(scores, dim=1)[0].cpu().numpy()

    def score(self, inputs: NDArray[np.float32], valid: NDArray[np.bool_]) -> float:
        """See `BackEnd`."""
        with torch.inference_mode():
            batch = torch.from_numpy(inputs)[None].to(self.device)
            mask = torch.from_numpy(valid.astype(np.float32))[None, None].to(self.device)
            return float(torch.sigmoid(self.module(batch, mask) / self._temperature)[0])

    def release(self) -> None:
        """See `BackEnd`; torch keeps nothing between two windows."""
