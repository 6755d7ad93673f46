"""The encoder of a U-Net of width 1 gives what VGG16 gives, whichever file its weights come from."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from pipeline.errors import ModelError
from pipeline.networks.plan import STAGES
from pipeline.networks.unet import UNet
from pipeline.networks.vgg import load_vgg16


class Published(nn.Module):
    """VGG16's features as published: convolution (and normalisation), ReLU, and a pool after each stage."""

    def __init__(self, with_norms):
        super().__init__()
        layers, inputs = [], 3
        for channels, depth in STAGES:
            for _ in range(depth):
                norms = [nn.BatchNorm2d(channels)] if with_norms else []
                layers += [nn.Conv2d(inputs, channels, 3, padding=1), *norms, nn.ReLU()]
                inputs = channels
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)


@pytest.fixture(params=[False, True], ids=["vgg16", "vgg16_bn"])
def published(request):
    torch.manual_seed(3)
    network = Published(request.param)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.3, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.uniform_(module.bias, -0.3, 0.3)
        elif isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
            nn.init.uniform_(module.bias, -0.3, 0.3)
    return network.eval()


def encoded(unet, x):
    for stage in unet.eval().encoder:
        x = nn.functional.max_pool2d(stage(x), 2)
    return x


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_the_encoder_gives_what_vgg16_gives(tmp_path, published, suffix):
    path = tmp_path / f"weights{suffix}"
    weights = published.state_dict() | {"classifier.0.weight": torch.zeros(2, 2)}
    torch.save(weights, path) if suffix == ".pth" else save_file(weights, path)
    unet = UNet(3, 2)
    load_vgg16(unet, path)
    x = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        wanted = published.features(x)
        torch.testing.assert_close(encoded(unet, x), wanted, rtol=1e-3, atol=1e-3 * float(wanted.abs().max()))


def test_a_fourth_band_begins_with_the_mean_of_the_filters(tmp_path, published):
    torch.save(published.state_dict(), tmp_path / "weights.pth")
    unet = UNet(4, 2)
    load_vgg16(unet, tmp_path / "weights.pth")
    filters = unet.encoder[0][0].conv.weight
    torch.testing.assert_close(filters[:, 3], filters[:, :3].mean(dim=1))


def test_other_weights_and_other_widths_are_refused_with_words(tmp_path, published):
    path = tmp_path / "weights.pth"
    torch.save(published.state_dict(), path)
    with pytest.raises(ModelError, match="width 1 alone"):
        load_vgg16(UNet(3, 2, 0.25), path)
    torch.save({"features.0.weight": torch.zeros(64, 1, 3, 3)}, path)
    with pytest.raises(ModelError, match=r"features.0.weight has the shape \(64, 1, 3, 3\)"):
        load_vgg16(UNet(3, 2), path)
    path.write_bytes(b"no weights")
    with pytest.raises(ModelError, match="cannot be read as VGG16 weights"):
        load_vgg16(UNet(3, 2), path)


class Harmful:
    """What runs code when a pickle of it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_file_that_would_run_code_is_refused_and_runs_none(tmp_path):
    touched, path = tmp_path / "touched", tmp_path / "vgg16.pth"
    torch.save({"features.0.weight": Harmful(touched)}, path)
    with pytest.raises(ModelError, match="cannot be read as VGG16 weights"):
        load_vgg16(UNet(3, 2), path)
    assert not touched.exists()
