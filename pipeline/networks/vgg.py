"""VGG16's published weights for the encoder of a U-Net of width 1 (paper, 2.4)."""

from pathlib import Path
from pickle import UnpicklingError
from typing import cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from pipeline.errors import ModelError
from pipeline.networks.plan import STAGES
from pipeline.networks.unet import Convolution, UNet

PREFIX = "features."
PLAIN = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
"""Where the 13 convolutions stand among the `features` of torchvision's `vgg16`."""

NORMALISED = (0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40)
"""The same of `vgg16_bn`, whose batch normalisations stand right behind them."""

Weights = dict[str, Tensor]


def load_vgg16(unet: nn.Module, path: Path) -> None:
    """Fill the encoder of a U-Net, in place, from a file of ImageNet weights that a user has.

    The encoder then gives what VGG16's features give: the bias of each convolution is kept by the batch
    normalisation behind it. Bands beyond three begin with the mean of the three filters.

    Args:
        unet: of width 1, untrained; its decoder is left as it is.
        path: torchvision's `vgg16` or `vgg16_bn`, as a .pth or a .safetensors file.

    Raises:
        ModelError: the file cannot be read or holds something else, or the network is no U-Net of width 1.
    """
    if not isinstance(unet, UNet):
        raise ModelError(f"VGG16's weights fit a U-Net alone, not {type(unet).__name__}.")
    weights = _read(Path(path))
    convolutions = [module for module in unet.encoder.modules() if isinstance(module, Convolution)]
    with_norms = f"{PREFIX}{NORMALISED[0] + 1}.running_mean" in weights
    places = NORMALISED if with_norms else PLAIN
    _check(unet, weights, places, path)
    for convolution, place in zip(convolutions, places, strict=True):
        _fill(convolution, weights, place, with_norms)


def _read(path: Path) -> Weights:
    """All tensors of a file by name."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        # A .pth is a pickle, which could run anything; `weights_only` takes tensors alone out of it.
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, RuntimeError, ValueError, EOFError, UnpicklingError) as error:
        raise ModelError(f"{path} cannot be read as VGG16 weights: {error}.") from error
    if not isinstance(found, dict):
        raise ModelError(f"{path} holds no weights by name, but a {type(found).__name__}.")
    return found


def _check(unet: UNet, weights: Weights, places: tuple[int, ...], path: Path) -> None:
    """Refuse weights of another shape, and a U-Net of another width, with words."""
    outputs = [channels for channels, depth in STAGES for _ in range(depth)]
    inputs = [3, *outputs[:-1]]
    for place, count, channels in zip(places, inputs, outputs, strict=True):
        name = f"{PREFIX}{place}.weight"
        found = tuple(weights[name].shape) if name in weights else None
        if found != (channels, count, 3, 3):
            raise ModelError(
                f"{path} is not VGG16: {name} has the shape {found}, not {(channels, count, 3, 3)}."
            )
    first = next(module for module in unet.encoder.modules() if isinstance(module, Convolution))
    if first.conv.out_channels != outputs[0]:
        raise ModelError(
            f"VGG16's weights fit a U-Net of width 1 alone, whose first convolution gives {outputs[0]} "
            f"channels, not {first.conv.out_channels}."
        )


def _fill(convolution: Convolution, weights: Weights, place: int, with_norms: bool) -> None:
    """Put one convolution's filters in place, and its bias and normalisation behind it."""
    norm = cast(nn.BatchNorm2d, convolution.norm)
    mean, variance = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)
    filters, bias = weights[f"{PREFIX}{place}.weight"], weights[f"{PREFIX}{place}.bias"]
    bands = convolution.conv.in_channels
    if filters.shape[1] < bands:
        more = filters.mean(dim=1, keepdim=True).expand(-1, bands - filters.shape[1], -1, -1)
        filters = torch.cat((filters, more), dim=1)
    with torch.no_grad():
        convolution.conv.weight.copy_(filters[:, :bands])
        if with_norms:
            behind = f"{PREFIX}{place + 1}."
            norm.weight.copy_(weights[f"{behind}weight"])
            norm.bias.copy_(weights[f"{behind}bias"])
            mean.copy_(weights[f"{behind}running_mean"] - bias)
            variance.copy_(weights[f"{behind}running_var"])
        else:
            norm.weight.fill_(1)
            norm.bias.copy_(bias)
            mean.zero_()
            variance.fill_(1 - norm.eps)
