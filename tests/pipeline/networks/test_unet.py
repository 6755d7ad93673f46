import pytest
import torch
from torch import nn

from pipeline.networks.plan import REACH, STRIDE
from pipeline.networks.unet import UNet

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


PARTS = [((0, 64), (0, 64)), ((32, 64), (0, 31)), ((61, 62), (95, 96)), ((13, 50), (40, 41))]


@pytest.mark.parametrize(("rows", "cols"), PARTS)
def test_a_part_has_the_scores_that_it_has_in_the_whole(rows, cols):
    torch.manual_seed(0)
    network = UNet(4, 3, 0.125).eval()
    x = torch.randn(1, 4, 64, 96)
    wanted = slice(*rows), slice(*cols)
    with torch.no_grad():
        whole = network(x)
        part = network(x, wanted)
    assert part.shape[2:] == (rows[1] - rows[0], cols[1] - cols[0])
    assert torch.allclose(part, whole[..., *wanted], atol=1e-5)


def test_the_scores_of_a_window_depend_on_nothing_beyond_the_reach():
    torch.manual_seed(0)
    network = UNet(1, 2, 0.0625).double().eval()
    first, side = 320, STRIDE
    x = torch.rand(1, 1, 672, STRIDE, dtype=torch.float64).requires_grad_()
    network(x)[..., first : first + side, :].sum().backward()
    rows = x.grad.abs().sum(dim=(0, 1, 3)).nonzero().ravel()
    assert first - REACH <= rows.min() < first - REACH + STRIDE
    assert first + side + REACH - STRIDE < rows.max() + 1 <= first + side + REACH
