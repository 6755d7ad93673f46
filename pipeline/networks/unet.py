"""The U-Net of the paper (2.4, Fig. 14): VGG16's 13 convolutions, two centre ones, a matching decoder."""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pipeline.networks.parts import Part, levels
from pipeline.networks.plan import CENTRE, STAGES
from pipeline.networks.plan import channels as channels_at


class Convolution(nn.Module):
    """A 3 x 3 convolution, batch normalisation and ReLU.

    Args:
        inputs: channels read.
        outputs: channels written.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features of `x`, of the same rows and columns."""
        return functional.relu(self.norm(self.conv(x)), inplace=True)

    def fuse(self) -> None:
        """Fold the batch normalisation into the convolution; for inference only."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.conv = fuse_conv_bn_eval(self.conv, self.norm)
            self.norm = nn.Identity()


class UNet(nn.Module):
    """Class scores per pixel from any number of bands.

    Args:
        bands: number of input bands.
        classes: number of output classes.
        width: factor on the paper's numbers of channels (1.0 is VGG16's).
    """

    def __init__(self, bands: int, classes: int, width: float = 1.0) -> None:
        super().__init__()
        channels = channels_at(tuple(count for count, _ in STAGES), width)
        self.encoder = nn.ModuleList()
        inputs = bands
        for outputs, (_, depth) in zip(channels, STAGES, strict=True):
            self.encoder.append(_chain(inputs, outputs, depth))
            inputs = outputs
        self.centre = _chain(inputs, inputs, CENTRE)
        self.reduce = nn.ModuleList()
        self.decoder = nn.ModuleList()
        for skip in reversed(channels):
            self.reduce.append(Convolution(inputs, skip))
            self.decoder.append(Convolution(2 * skip, skip))
            inputs = skip
        self.head = nn.Conv2d(inputs, classes, 1)

    def forward(self, x: Tensor, wanted: Part | None = None) -> Tensor:
        """Return class scores (batch, classes, rows, cols), before softmax.

        Args:
            x: float (batch, bands, rows, cols); rows and cols are multiples of `plan.STRIDE`.
            wanted: rows and columns whose scores alone are wanted; None = all. They are the same scores, for
                only what they do not depend on is left out of the decoder.
        """
        whole = slice(0, x.shape[2]), slice(0, x.shape[3])
        low, steps = levels(x.shape[2:], wanted or whole, len(STAGES))
        skips = []
        for stage, step in zip(self.encoder, reversed(steps), strict=True):
            x = stage(x)
            # A copy of the part, so that the whole is not kept until the decoder has come to it.
            skips.append(x[..., *step.skip].clone(memory_format=torch.preserve_format))
            x = functional.max_pool2d(x, 2)
        x = self.centre(x)[..., *low]
        for reduce, merge, step in zip(self.reduce, self.decoder, steps, strict=True):
            x = functional.interpolate(reduce(x)[..., *step.reduced], scale_factor=2, mode="nearest")
            x = merge(torch.cat((x[..., *step.raised], skips.pop()), dim=1))
            x = x[..., *step.merged]
        return self.head(x)

    def fuse(self) -> "UNet":
        """Fold every batch normalisation into its convolution; returns the network in inference mode."""
        self.eval()
        for module in self.modules():
            if isinstance(module, Convolution):
                module.fuse()
        return self


def _chain(inputs: int, outputs: int, depth: int) -> nn.Sequential:
    first = Convolution(inputs, outputs)
    return nn.Sequential(first, *(Convolution(outputs, outputs) for _ in range(depth - 1)))
