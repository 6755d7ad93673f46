"""A loaded network: weights, card and what runs them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.networks.back_end import back_end, together
from pipeline.networks.card import Card
from pipeline.networks.inference import predict
from pipeline.networks.normalise import valid_pixels
from pipeline.networks.parts import Part
from pipeline.networks.plan import STRIDE, Tensors


class Network:
    """Weights with their card, ready to run.

    Args:
        card: the card of the weights.
        tensors: of the weights file, by name.
        asked: the back end, see `back_end`.

    Raises:
        ModelError: there is no such back end.
    """

    stride = STRIDE

    def __init__(self, card: Card, tensors: Tensors, asked: str = "") -> None:
        self.card = card
        self.tensors = tensors
        self.back_end = back_end(card, tensors, asked)

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
        # The loops over pixels take five times as long on a part cut out of a larger array.
        chosen = np.ascontiguousarray(reflectance[: len(indices)]) if first else reflectance[indices]
        return self.card.normalisation.apply(chosen, valid_pixels(chosen, valid))

    def run(self, inputs: NDArray[np.float32], wanted: Part | None = None) -> NDArray[np.float32]:
        """Return probabilities (classes, rows, cols) of a normalised window; sides: multiples of `stride`.

        Args:
            inputs: (bands, rows, cols).
            wanted: rows and columns whose probabilities are returned; None = all.
        """
        whole = slice(0, inputs.shape[1]), slice(0, inputs.shape[2])
        return self.back_end.probabilities(inputs, wanted or whole)

    def release(self) -> None:
        """Give back the memory that is kept from one window for the next."""
        self.back_end.release()

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
        return self.back_end.score(self.card.normalisation.apply(preview, valid), valid)


class Together:
    """Networks that work through one raster side by side.

    Args:
        networks: U-Nets.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        self.networks = tuple(networks)
        self._joint = together([(one.card, one.tensors, one.back_end) for one in networks])

    def run(self, inputs: Sequence[NDArray[np.float32]], wanted: Sequence[Part]) -> list[NDArray[np.float32]]:
        """Return what each tells of its window, see `Network.run`."""
        if self._joint:
            return self._joint.probabilities(inputs, wanted)
        each = zip(self.networks, inputs, wanted, strict=True)
        return [network.run(given, part) for network, given, part in each]

    def release(self) -> None:
        """Give back the memory that is kept from one window for the next."""
        for one in (self._joint,) if self._joint else self.networks:
            one.release()
