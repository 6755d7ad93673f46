"""A loaded network: weights, card and how to run it. Imports torch, so it is itself imported late."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pipeline.networks.card import Card
from pipeline.networks.haze import HazeNet
from pipeline.networks.inference import predict
from pipeline.networks.normalise import valid_pixels
from pipeline.networks.parts import Part
from pipeline.networks.unet import STRIDE, UNet


def build(card: Card) -> nn.Module:
    """Return the untrained module that a card describes."""
    if card.kind == "haze":
        return HazeNet(len(card.bands), card.width)
    return UNet(len(card.bands), len(card.classes), card.width)


class Network:
    """Weights with their card, ready to run on the GPU where there is one, else on the CPU.

    Args:
        card: the card of the weights.
        module: the module with the weights in it; it is put into inference mode.
    """

    stride = STRIDE

    def __init__(self, card: Card, module: nn.Module) -> None:
        self.card = card
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if isinstance(module, UNet):
            module = module.fuse()
        module = module.eval().to(self.device)
        self.module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        torch.backends.cudnn.deterministic = True

    name = property(lambda self: self.card.name, doc="The network's name.")
    version = property(lambda self: self.card.version, doc="Version of the weights.")
    bands = property(lambda self: self.card.bands, doc="Names of the bands read, in order.")
    classes = property(lambda self: self.card.classes, doc="Names of the classes, in order.")
    window = property(lambda self: self.card.window, doc="Side of a window in pixels, margin not counted.")
    margin = property(lambda self: self.card.margin, doc="Pixels reflected around the raster.")
    reach = property(lambda self: self.card.reach or self.card.margin, doc="Pixels read around a window.")
    sha256 = property(lambda self: self.card.sha256, doc="Hash of the weights file.")

    def normalised(
        self, reflectance: NDArray[np.floating], valid: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float32]:
        """Return the network's input from R, G, B (, NIR) reflectance; no data becomes the middle value."""
        indices = list(self.card.band_indices)
        first = indices == list(range(len(indices)))
        chosen = reflectance[: len(indices)] if first else reflectance[indices]
        return self.card.normalisation.apply(chosen, valid_pixels(chosen, valid))

    def run(self, inputs: NDArray[np.float32], wanted: Part | None = None) -> NDArray[np.float32]:
        """Return probabilities (classes, rows, cols) of a normalised window; sides: multiples of `stride`.

        Args:
            inputs: (bands, rows, cols).
            wanted: rows and columns whose probabilities are returned; None = all.
        """
        with torch.inference_mode():
            batch = torch.from_numpy(np.ascontiguousarray(inputs))[None].to(self.device)
            scores = self.module(batch.contiguous(memory_format=torch.channels_last), wanted)
            # Softmax over the classes of plain arrays takes a third of the time, with the same bits.
            scores = scores.contiguous() / self.card.temperature
            return torch.softmax(scores, dim=1)[0].cpu().numpy()

    def probabilities(
        self, reflectance: NDArray[np.floating], valid: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float32]:
        """Return class probabilities of an array of any size, worked through in windows.

        Args:
            reflectance: (bands, rows, cols) in the order R, G, B, NIR; NIR may be missing where it is not
                read. NaN marks no data.
            valid: (rows, cols), False where there is no data besides the NaN.

        Returns:
            float32 (classes, rows, cols), summing to 1; what stands where there is no data means nothing.
        """
        shape = reflectance.shape[1:]
        holes = reflectance if valid is None else np.where(valid, reflectance, np.nan)
        out = np.empty((len(self.classes), *shape), np.float32)
        for window, part, _ in predict(self, lambda w: holes[(slice(None), *w.toslices())], shape):
            out[(slice(None), *window.toslices())] = part
        return out

    def score(self, preview: NDArray[np.floating]) -> float:
        """Return the probability that a preview is hazy, 0..1.

        Args:
            preview: (3, rows, cols) reflectance of R, G, B, NaN where there is no data.
        """
        valid = valid_pixels(preview, None)
        inputs = self.card.normalisation.apply(preview, valid)
        with torch.inference_mode():
            batch = torch.from_numpy(inputs)[None].to(self.device)
            mask = torch.from_numpy(valid.astype(np.float32))[None, None].to(self.device)
            return float(torch.sigmoid(self.module(batch, mask) / self.card.temperature)[0])
