"""Several processes that train one network together, as `torchrun` starts them.

Every sum over a batch (of a loss, of a normalisation's statistics, of gradients) is taken over all processes,
so that parts of a batch on several machines give the weights that the whole batch gives on one.
"""

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd import Function

CPU = torch.device("cpu")
PATIENCE = dt.timedelta(hours=12)
"""How long a process waits for the others, the drawing of simulated crops among it."""


@dataclass(frozen=True)
class Team:
    """One process among those that train together.

    Attributes:
        rank: its number.
        size: how many there are.
        device: what it computes on.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = CPU

    def part(self, count: int) -> range:
        """Return which of `count` crops of a batch this process works on."""
        return range(self.rank * count // self.size, (self.rank + 1) * count // self.size)


@contextmanager
def joined() -> Iterator[Team]:
    """Join the processes that torchrun started (WORLD_SIZE, RANK, LOCAL_RANK tell); else be alone.

    They talk over NCCL where each has a GPU of its own, else over gloo and work on the CPU.
    """
    size, local = (
        int(os.environ.get(name, default)) for name, default in (("WORLD_SIZE", 1), ("LOCAL_RANK", 0))
    )
    on_gpu = torch.cuda.device_count() >= int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    device = torch.device("cuda", local) if on_gpu else torch.device("cpu")
    if on_gpu:
        torch.cuda.set_device(device)
    if size == 1:
        yield Team(device=device)
        return
    dist.init_process_group("nccl" if on_gpu else "gloo", timeout=PATIENCE)
    try:
        yield Team(dist.get_rank(), size, device)
    finally:
        dist.destroy_process_group()


def together() -> bool:
    """Return whether there are other processes."""
    return dist.is_initialized() and dist.get_world_size() > 1


def wait() -> None:
    """Wait until all processes have come here."""
    if together():
        dist.barrier()


def pooled(part: Tensor) -> Tensor:
    """Return the sum over all processes of a part of the loss.

    Each process goes on to the same loss from it; the gradients that each then finds are those of its own
    part and are to be added (`add_gradients`).
    """
    return _Pooled.apply(part) if together() else part


def add_gradients(module: nn.Module) -> None:
    """Give every process the sum of all processes' gradients."""
    if not together():
        return
    gradients = [value.grad for value in module.parameters() if value.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    for gradient, summed in zip(gradients, flat.split([item.numel() for item in gradients]), strict=True):
        gradient.copy_(summed.view_as(gradient))


def shared_norms(module: nn.Module) -> nn.Module:
    """Replace the batch normalisations, in place, by such that know the whole batch; returns the module."""
    if together():
        for item in module.modules():
            if type(item) is nn.BatchNorm2d:
                item.__class__ = SharedNorm
    return module


class SharedNorm(nn.BatchNorm2d):
    """Batch normalisation over the batch of all processes; its state is that of `nn.BatchNorm2d`.

    PyTorch's own one of this kind works on GPUs only.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised features (batch, channels, rows, cols)."""
        if not self.training:
            return super().forward(x)
        exact = x if x.dtype == torch.float64 else x.float()
        count = torch.tensor([exact.numel() / exact.shape[1]], dtype=exact.dtype, device=x.device)
        sums = _Summed.apply(torch.cat([exact.sum(dim=(0, 2, 3)), count]))
        total = sums[-1].detach()
        mean = sums[:-1] / total
        centred = exact - mean[:, None, None]
        variance = _Summed.apply((centred**2).sum(dim=(0, 2, 3))) / total
        self._remember(mean.detach(), variance.detach() * total / (total - 1))
        gain = torch.rsqrt(variance + self.eps) * self.weight
        return (centred * gain[:, None, None] + self.bias[:, None, None]).to(x.dtype)

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)  # type: ignore[union-attr, arg-type]
            self.running_var.lerp_(variance, self.momentum)  # type: ignore[union-attr, arg-type]
            self.num_batches_tracked.add_(1)  # type: ignore[union-attr]


class _Pooled(Function):
    """The sum over all processes, from which all go on to the same loss."""

    @staticmethod
    def forward(_: Any, part: Tensor) -> Tensor:
        whole = part.clone()
        dist.all_reduce(whole)
        return whole

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        return gradient


class _Summed(_Pooled):
    """The sum over all processes, each of which goes on with it to a loss of its own."""

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        whole = gradient.contiguous().clone()
        dist.all_reduce(whole)
        return whole
