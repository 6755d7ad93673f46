"""The small network that tells hazy previews (paper, 2.1 c): three convolutions and a pooled answer."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.networks.plan import HAZE
from pipeline.networks.plan import channels as channels_at


class HazeNet(nn.Module):
    """One score per preview from its pixels that hold data.

    Args:
        bands: number of input bands.
        width: factor on 32, 64 and 64 channels.
    """

    def __init__(self, bands: int = 3, width: float = 0.5) -> None:
        super().__init__()
        channels = channels_at(HAZE, width)
        inputs = [bands, *channels[:-1]]
        self.convs = nn.ModuleList(
            nn.Conv2d(i, o, 3, stride=2, padding=1, bias=False) for i, o in zip(inputs, channels, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(count) for count in channels)
        self.head = nn.Linear(2 * channels[-1], 1)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        """Return one logit per preview (batch,); positive means hazy.

        Args:
            x: normalised bands (batch, bands, rows, cols).
            valid: 1 where a pixel holds data, else 0 (batch, 1, rows, cols).
        """
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = functional.relu(norm(conv(x)))
        weight = functional.adaptive_avg_pool2d(valid, (x.shape[2], x.shape[3]))
        total = weight.sum(dim=(2, 3)).clamp(min=1e-3)
        mean = (x * weight).sum(dim=(2, 3)) / total
        variance = ((x - mean[:, :, None, None]) ** 2 * weight).sum(dim=(2, 3)) / total
        features = torch.cat((mean, (variance + 1e-6).sqrt()), dim=1)
        return self.head(features)[:, 0]
