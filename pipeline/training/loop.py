"""The training loop: seeded, resumable, alone or in a team of processes."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from pipeline.training.checkpoint import Progress, restore, save
from pipeline.training.team import Team, add_gradients, shared_norms
from pipeline.training.watch import Silent, Watch

Batch = dict[str, Tensor]
Validate = Callable[[nn.Module], Mapping[str, float]]
SCORE = "score"
"""Of the figures of a validation, the one that is to be high."""

TYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Plan:
    """How long and how fast.

    Attributes:
        steps: optimiser steps in all.
        highest_rate: peak of the learning rate.
        weight_decay: of AdamW.
        save_every: steps between checkpoints.
        validate_every: steps between validations.
        patience: validations without a better score after which training ends; 0 = never.
        precision: "float32", "bfloat16" or "float16" of the products; weights are float32.
        loaders: threads that make the coming batches.
    """

    steps: int
    highest_rate: float
    weight_decay: float = 1e-4
    save_every: int = 500
    validate_every: int = 500
    patience: int = 0
    precision: str = "float32"
    loaders: int = 1


def learning_rate(step: int, steps: int, highest: float) -> float:
    """Return the rate at a step: a linear rise over the first tenth, then half a cosine down to 0."""
    rise = max(1, steps // 10)
    if step < rise:
        return highest * (step + 1) / rise
    return highest * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def best_precision(device: torch.device) -> str:
    """Return what pays on a device: bfloat16 where a GPU has it, else float16; float32 on CPUs."""
    if device.type != "cuda":
        return "float32"
    return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"


def train(
    module: nn.Module,
    batch_at: Callable[[int], Batch],
    loss_of: Callable[[nn.Module, Batch], Tensor],
    plan: Plan,
    checkpoint: Path,
    *,
    validate: Validate | None = None,
    watch: Watch | None = None,
    team: Team | None = None,
    run: str = "",
) -> Progress:
    """Train a module, going on from the checkpoint where there is one.

    Args:
        module: what is trained, in place. Where the plan has patience it ends with the weights of the best
            validation, else with the last ones.
        batch_at: the batch of a step, or this process's part of it; a function of the step alone, so that a
            resumed run equals a whole one.
        loss_of: the loss of the whole batch from the part of it.
        plan: how long and how fast.
        checkpoint: the file to go on from and to write.
        validate: gives the figures of the validation places, "score" among them.
        watch: what is told of it.
        team: the processes that train together.
        run: what tells this run from others.

    Returns:
        How far it came.

    Raises:
        UsageError: the checkpoint is of another run.
    """
    team = team or Team()
    watch = (watch or Watch()) if team.rank == 0 else Silent()
    module.to(team.device)
    optimiser = torch.optim.AdamW(module.parameters(), lr=plan.highest_rate, weight_decay=plan.weight_decay)
    stepper = _Stepper(shared_norms(module), optimiser, loss_of, plan, team.device)
    progress = stepper.restore(checkpoint, run)
    watch.start(progress.step, plan.steps)
    try:
        _go_on(stepper, batch_at, progress, checkpoint, validate, watch, team, run)
        if plan.patience and progress.best:
            watch.say(f"The best validation was after step {progress.best_step}; its weights are kept.")
            module.load_state_dict(progress.best)
    finally:
        watch.end()
    return progress


def _go_on(
    stepper: "_Stepper",
    batch_at: Callable[[int], Batch],
    progress: Progress,
    checkpoint: Path,
    validate: Validate | None,
    watch: Watch,
    team: Team,
    run: str,
) -> None:
    """Do the steps that are left, with validations and checkpoints between them; see `train`."""
    plan, since = stepper.plan, time.monotonic()
    for step, batch in _ahead(batch_at, progress.step, plan):
        if _is_over(progress, plan):
            break
        watch.step(step + 1, *stepper.step(step, batch))
        progress.step = step + 1
        last = progress.step == plan.steps
        if validate and (last or progress.step % plan.validate_every == 0):
            watch.validation(progress.step, _validated(stepper.module, validate, progress))
        if team.rank == 0 and (last or progress.step % plan.save_every == 0 or _is_over(progress, plan)):
            now = time.monotonic()
            progress.seconds, since = progress.seconds + now - since, now
            stepper.save(checkpoint, progress, run)


class _Stepper:
    """Module, optimiser and gradient scaler."""

    def __init__(
        self,
        module: nn.Module,
        optimiser: torch.optim.Optimizer,
        loss_of: Callable[[nn.Module, Batch], Tensor],
        plan: Plan,
        device: torch.device,
    ) -> None:
        self.module, self.optimiser, self.loss_of = module, optimiser, loss_of
        self.plan, self.device = plan, device
        self.scaler = torch.amp.GradScaler(device.type, enabled=plan.precision == "float16")
        module.train()

    def step(self, step: int, batch: Batch) -> tuple[Tensor, float]:
        """Do a step; returns its loss and its learning rate."""
        rate = learning_rate(step, self.plan.steps, self.plan.highest_rate)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        there = {key: value.to(self.device, non_blocking=True) for key, value in batch.items()}
        kind = TYPES[self.plan.precision]
        with torch.autocast(self.device.type, kind, enabled=kind != torch.float32):
            loss = self.loss_of(self.module, there)
        self.scaler.scale(loss).backward()
        add_gradients(self.module)
        self.scaler.unscale_(self.optimiser)
        nn.utils.clip_grad_norm_(self.module.parameters(), 1.0)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        return loss.detach(), rate

    def restore(self, checkpoint: Path, run: str) -> Progress:
        """Load the checkpoint where there is one."""
        progress = restore(checkpoint, self.module, self.optimiser, run)
        if progress.scaler:
            self.scaler.load_state_dict(progress.scaler)
        return progress

    def save(self, checkpoint: Path, progress: Progress, run: str) -> None:
        """Write the checkpoint."""
        progress.scaler = self.scaler.state_dict()
        save(checkpoint, self.module, self.optimiser, progress, run)


def _validated(module: nn.Module, validate: Validate, progress: Progress) -> Mapping[str, float]:
    """Validate, and keep the weights where they are the best so far; returns the figures."""
    module.eval()
    with torch.inference_mode():
        figures = validate(module)
    module.train()
    if figures[SCORE] > progress.best_score:
        progress.best_score, progress.best_step = figures[SCORE], progress.step
        progress.best = {key: value.detach().cpu().clone() for key, value in module.state_dict().items()}
    return figures


def _is_over(progress: Progress, plan: Plan) -> bool:
    waited = (progress.step - progress.best_step) // plan.validate_every
    return bool(plan.patience and progress.best and waited >= plan.patience)


def _ahead(batch_at: Callable[[int], Batch], start: int, plan: Plan) -> Iterator[tuple[int, Batch]]:
    """Yield the steps that are left with their batches, the coming ones made in threads meanwhile."""
    with ThreadPoolExecutor(plan.loaders) as pool:
        coming: deque[Future[Batch]] = deque()
        asked = start
        try:
            for step in range(start, plan.steps):
                while asked < plan.steps and asked <= step + plan.loaders:
                    coming.append(pool.submit(batch_at, asked))
                    asked += 1
                yield step, coming.popleft().result()
        finally:
            for future in coming:
                future.cancel()
