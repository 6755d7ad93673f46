"""What a training run tells: a bar on a terminal, plain lines elsewhere, and logs for TensorBoard."""

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor
from tqdm import tqdm

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class Watch:
    """Takes the losses of a run and tells them now and then.

    Args:
        tell: takes a line of progress.
        every: steps between lines.
        logs: folder for TensorBoard; None = none.
        bar: whether to draw a bar; by default on a terminal.
    """

    def __init__(
        self,
        tell: Callable[[str], None] = print,
        every: int = 100,
        logs: Path | None = None,
        bar: bool | None = None,
    ) -> None:
        self.tell, self.every, self.logs = tell, every, logs
        self.with_bar = sys.stderr.isatty() if bar is None else bar
        self.bar: tqdm | None = None
        self.writer: SummaryWriter | None = None
        self.losses: list[Tensor] = []
        self.since = time.monotonic()
        self.loss = 0.0

    def start(self, step: int, steps: int) -> None:
        """Begin, or go on, at a step; what the logs have of later ones is hidden."""
        self.steps, self.since = steps, time.monotonic()
        if self.with_bar:
            self.bar = tqdm(total=steps, initial=step, unit="step")
        if self.logs:
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(str(self.logs), purge_step=step + 1)

    def step(self, step: int, loss: Tensor, rate: float) -> None:
        """Take the loss of a step and the learning rate that it was done with."""
        self.losses.append(loss)
        if self.bar:
            self.bar.update()
        if step % self.every and step != self.steps:
            return
        self.loss = sum(float(value) for value in self.losses) / len(self.losses)
        speed = len(self.losses) / max(time.monotonic() - self.since, 1e-9)
        self.losses, self.since = [], time.monotonic()
        self._log(
            step, {"training/loss": self.loss, "training/rate": rate, "training/steps_per_second": speed}
        )
        if self.bar:
            self.bar.set_postfix(loss=f"{self.loss:.4f}")
        else:
            self.tell(f"step {step}/{self.steps}  loss {self.loss:.4f}  {speed:.1f} steps/s")

    def validation(self, step: int, figures: Mapping[str, float]) -> None:
        """Take the figures of the validation places after a step."""
        self._log(step, {f"validation/{key}": value for key, value in figures.items()})
        words = "  ".join(f"{key.replace('_', ' ')} {value:.4f}" for key, value in figures.items())
        self.say(f"step {step}/{self.steps}  validation: {words}")

    def say(self, line: str) -> None:
        """Tell a line, above the bar where there is one."""
        if self.bar:
            self.bar.clear()
        self.tell(line)

    def end(self) -> None:
        """Close the bar and the logs."""
        if self.bar:
            self.bar.close()
        if self.writer:
            self.writer.close()

    def _log(self, step: int, values: Mapping[str, float]) -> None:
        if self.writer:
            for key, value in values.items():
                self.writer.add_scalar(key, value, step)


class Silent(Watch):
    """Tells nothing: the watch of all processes but the first."""

    def __init__(self) -> None:
        super().__init__(tell=lambda line: None, bar=False)
