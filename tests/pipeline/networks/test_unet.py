import pytest
import torch
from torch import nn

from pipeline.networks.unet import STRIDE, UNet

VGG16 = [
    (64, 3), (64, 64),
    (128, 64), (128, 128),
    (256, 128), (256, 256), (256, 256),
    (512, 256), (512, 512), (512, 512),
    (512, 512), (512, 512), (512, 512),
]  # fmt: skip


def encoder_convolutions(network):
    return [m for m in network.encoder.modules() if isinstance(m, nn.Conv2d)]


def test_encoder_at_full_width_has_the_thirteen_convolutions_of_vgg16():
    shapes = [tuple(conv.weight.shape) for conv in encoder_convolutions(UNet(3, 2, width=1.0))]
    assert shapes == [(outputs, inputs, 3, 3) for outputs, inputs in VGG16]


def test_centre_has_two_convolutions():
    assert sum(isinstance(m, nn.Conv2d) for m in UNet(3, 2).centre.modules()) == 2


@pytest.mark.parametrize(("bands", "classes", "width"), [(3, 2, 0.0625), (4, 3, 0.125), (9, 6, 0.125)])
def test_any_number_of_bands_classes_and_width(bands, classes, width):
    network = UNet(bands, classes, width).eval()
    assert network(torch.zeros(1, bands, STRIDE, 2 * STRIDE)).shape == (1, classes, STRIDE, 2 * STRIDE)


def test_fused_network_gives_the_same_scores():
    torch.manual_seed(0)
    network = UNet(4, 3, 0.125)
    x = torch.randn(2, 4, 64, 64)
    for _ in range(3):
        network(x)
    network.eval()
    with torch.no_grad():
        before = network(x)
        after = network.fuse()(x)
    assert torch.allclose(before, after, atol=1e-5)
