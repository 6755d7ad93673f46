"""The training loop: seeded, resumable, with plain lines of progress."""

import json
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

Batch = dict[str, Tensor]


def learning_rate(step: int, steps: int, highest: float) -> float:
    """Return the rate at a step: a linear rise over the first tenth, then half a cosine down to 0."""
    rise = max(1, steps // 10)
    if step < rise:
        return highest * (step + 1) / rise
    return highest * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def train(
    module: nn.Module,
    batch_at: Callable[[int], Batch],
    loss_of: Callable[[nn.Module, Batch], Tensor],
    *,
    steps: int,
    highest_rate: float,
    weight_decay: float,
    checkpoint: Path,
    tell: Callable[[str], None] = print,
    every: int = 100,
    save_every: int = 500,
) -> float:
    """Train a module, going on from the checkpoint where there is one.

    Args:
        module: what is trained, in place.
        batch_at: the batch of a step; a function of the step alone, so that a resumed run equals a whole one.
        loss_of: the loss of a batch.
        steps: optimiser steps in all.
        highest_rate: peak of the learning rate.
        weight_decay: of AdamW.
        checkpoint: written here (safetensors, and the step beside it as JSON).
        tell: takes a line of progress.
        every: steps between lines.
        save_every: steps between checkpoints.

    Returns:
        The mean loss over the last `every` steps.
    """
    optimiser = torch.optim.AdamW(module.parameters(), lr=highest_rate, weight_decay=weight_decay)
    start = restore(module, optimiser, checkpoint)
    module.train()
    recent: list[float] = []
    since = time.monotonic()
    with ThreadPoolExecutor(max_workers=1) as pool:
        coming = pool.submit(batch_at, start)
        for step in range(start, steps):
            batch = coming.result()
            coming = pool.submit(batch_at, step + 1)
            recent.append(_step(module, optimiser, loss_of, batch, learning_rate(step, steps, highest_rate)))
            if (step + 1) % every == 0 or step + 1 == steps:
                rate = len(recent[-every:]) / max(time.monotonic() - since, 1e-9)
                recent, since = recent[-every:], time.monotonic()
                tell(f"step {step + 1}/{steps}  loss {sum(recent) / len(recent):.4f}  {rate:.1f} steps/s")
            if (step + 1) % save_every == 0 or step + 1 == steps:
                save(module, optimiser, step + 1, checkpoint)
    return sum(recent) / max(1, len(recent))


def _step(
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    loss_of: Callable[[nn.Module, Batch], Tensor],
    batch: Batch,
    rate: float,
) -> float:
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.zero_grad(set_to_none=True)
    loss = loss_of(module, batch)
    loss.backward()
    nn.utils.clip_grad_norm_(module.parameters(), 1.0)
    optimiser.step()
    return float(loss.detach())


def save(module: nn.Module, optimiser: torch.optim.Optimizer, step: int, path: Path) -> None:
    """Write weights and the optimiser's moments as safetensors, and the step as JSON beside them."""
    tensors = {f"module.{key}": value.contiguous() for key, value in module.state_dict().items()}
    for index, moments in optimiser.state_dict()["state"].items():
        for key, value in moments.items():
            tensors[f"optimiser.{index}.{key}"] = value.contiguous()
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    save_file(tensors, beside, metadata={"step": str(step)})
    beside.replace(path)
    path.with_suffix(".json").write_text(json.dumps({"step": step}) + "\n", encoding="utf-8")


def restore(module: nn.Module, optimiser: torch.optim.Optimizer, path: Path) -> int:
    """Load a checkpoint where there is one; returns the step to go on with."""
    if not path.is_file():
        return 0
    tensors = load_file(path)
    prefix = "module."
    module.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
    state = optimiser.state_dict()
    for key, value in tensors.items():
        if key.startswith("optimiser."):
            _, index, name = key.split(".")
            state["state"].setdefault(int(index), {})[name] = value
    optimiser.load_state_dict(state)
    return int(json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["step"])
