"""What a training run keeps so that it goes on after it was killed: one file, whole or not there."""

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from pipeline.errors import UsageError
from pipeline.storage import whole_file


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        step: steps done.
        seconds: worked on them, over all starts.
        best_score: of the validations so far.
        best_step: the step of that one.
        best: the weights of that one; empty before the first validation.
        scaler: state of the gradient scaler of float16.
    """

    step: int = 0
    seconds: float = 0.0
    best_score: float = float("-inf")
    best_step: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    scaler: dict[str, Any] = field(default_factory=dict)


def save(
    path: Path, module: nn.Module, optimiser: torch.optim.Optimizer, progress: Progress, run: str = ""
) -> None:
    """Write the weights, the best ones, the optimiser's moments and the progress to one safetensors file.

    Args:
        path: the file; the one before stays until the new one is whole on the disk.
        module: what is trained.
        optimiser: its optimiser.
        progress: how far it has come.
        run: what tells this run from others (`Config.fingerprint`).
    """
    tensors = {f"module.{key}": value for key, value in module.state_dict().items()}
    tensors |= {f"best.{key}": value for key, value in progress.best.items()}
    for index, moments in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{key}": value for key, value in moments.items()}
    kept = {item.name: getattr(progress, item.name) for item in fields(progress) if item.name != "best"}
    for stale in path.parent.glob(f".{path.stem}.*.part{path.suffix}"):
        stale.unlink()
    with whole_file(path) as beside:
        whole = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
        save_file(whole, beside, metadata={"progress": json.dumps(kept), "run": run})


def restore(path: Path, module: nn.Module, optimiser: torch.optim.Optimizer, run: str = "") -> Progress:
    """Load a checkpoint into module and optimiser, where there is one; returns how far it had come.

    Raises:
        UsageError: it is of another run, or no checkpoint at all.
    """
    if not path.is_file():
        return Progress()
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise UsageError(f"{path} is no checkpoint of a training run: {error}.", "out") from error
    if about.get("run") != run:
        raise UsageError(
            f"{path} is the checkpoint of a run with other settings: give another --out, or remove it.", "out"
        )
    module.load_state_dict(_under("module.", tensors))
    state = optimiser.state_dict()
    for key, value in _under("optimiser.", tensors).items():
        index, name = key.split(".")
        state["state"].setdefault(int(index), {})[name] = value
    optimiser.load_state_dict(state)
    return Progress(**json.loads(about["progress"]), best=_under("best.", tensors))


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
