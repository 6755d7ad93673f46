import io

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from pipeline.errors import UsageError
from pipeline.training.loop import Plan, best_precision, learning_rate, train
from pipeline.training.watch import Watch

PLAN = Plan(steps=40, highest_rate=0.01, weight_decay=0.0, save_every=10)


def problem(seed=0):
    """A small regression whose batches depend on the step alone."""
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))

    def batch_at(step):
        x = torch.from_numpy(np.random.default_rng(step).normal(size=(16, 3)).astype(np.float32))
        return {"x": x, "y": x.sum(dim=1, keepdim=True)}

    return module, batch_at, lambda m, b: ((m(b["x"]) - b["y"]) ** 2).mean()


def quiet(**changes):
    return Watch(tell=lambda line: None, every=5, **changes)


def run(module, batch_at, loss_of, checkpoint, plan=PLAN, **changes):
    return train(module, batch_at, loss_of, plan, checkpoint, **{"watch": quiet(), **changes})


def same(one, two):
    return all(torch.equal(value, two.state_dict()[key]) for key, value in one.state_dict().items())


def test_interrupted_training_goes_on_to_the_same_weights(tmp_path):
    whole, batch_at, loss_of = problem()
    run(whole, batch_at, loss_of, tmp_path / "whole.safetensors")

    def interrupted(step):
        if step == 27:
            raise KeyboardInterrupt
        return batch_at(step)

    first = problem()[0]
    with pytest.raises(KeyboardInterrupt):
        run(first, interrupted, loss_of, tmp_path / "parts.safetensors")
    second = problem(seed=9)[0]
    assert run(second, batch_at, loss_of, tmp_path / "parts.safetensors").step == 40
    assert same(whole, second)


def test_the_checkpoint_of_another_run_is_refused(tmp_path):
    module, batch_at, loss_of = problem()
    run(module, batch_at, loss_of, tmp_path / "run.safetensors", run="one")
    with pytest.raises(UsageError, match="other settings"):
        run(module, batch_at, loss_of, tmp_path / "run.safetensors", run="two")


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    (tmp_path / "run.safetensors").write_bytes(b"\x80\x04 a pickle, perhaps")
    with pytest.raises(UsageError, match="no checkpoint"):
        run(*problem(), tmp_path / "run.safetensors")


def test_training_lowers_the_loss(tmp_path):
    module, batch_at, loss_of = problem()
    before = float(loss_of(module, batch_at(100)).detach())
    run(module, batch_at, loss_of, tmp_path / "run.safetensors")
    assert float(loss_of(module, batch_at(100)).detach()) < before / 2


@pytest.mark.parametrize("loaders", [1, 4])
def test_batches_made_by_several_threads_come_in_their_order(tmp_path, loaders):
    module, batch_at, loss_of = problem()
    plan = Plan(steps=40, highest_rate=0.01, loaders=loaders)
    run(module, batch_at, loss_of, tmp_path / "run.safetensors", plan)
    other = problem()[0]
    run(other, batch_at, loss_of, tmp_path / "other.safetensors", Plan(steps=40, highest_rate=0.01))
    assert same(module, other)


class Scores:
    """A validation whose scores are given; remembers the weights that it saw."""

    def __init__(self, *scores):
        self.scores, self.seen = list(scores), []

    def __call__(self, module):
        assert not module.training
        self.seen.append({key: value.clone() for key, value in module.state_dict().items()})
        return {"score": self.scores[len(self.seen) - 1]}


def test_training_ends_once_the_validation_has_not_become_better_for_long(tmp_path):
    module, batch_at, loss_of = problem()
    validate = Scores(0.1, 0.4, 0.3, 0.4, 0.9)
    plan = Plan(steps=40, highest_rate=0.01, validate_every=5, patience=2)
    progress = run(module, batch_at, loss_of, tmp_path / "run.safetensors", plan, validate=validate)
    assert (progress.step, progress.best_step, progress.best_score) == (20, 10, 0.4)
    for key, value in validate.seen[1].items():
        assert torch.equal(value, module.state_dict()[key])


def test_training_that_ended_early_does_not_go_on_when_started_again(tmp_path):
    module, batch_at, loss_of = problem()
    plan = Plan(steps=40, highest_rate=0.01, validate_every=5, patience=1)
    run(module, batch_at, loss_of, tmp_path / "run.safetensors", plan, validate=Scores(0.5, 0.4))
    again = problem(seed=4)[0]
    progress = run(again, batch_at, loss_of, tmp_path / "run.safetensors", plan, validate=Scores())
    assert progress.step == 10
    assert same(module, again)


def test_without_patience_the_last_weights_are_kept(tmp_path):
    module, batch_at, loss_of = problem()
    validate = Scores(0.9, *[0.1] * 7)
    plan = Plan(steps=40, highest_rate=0.01, validate_every=5)
    assert run(module, batch_at, loss_of, tmp_path / "a.safetensors", plan, validate=validate).step == 40
    other = problem()[0]
    run(other, batch_at, loss_of, tmp_path / "b.safetensors", Plan(steps=40, highest_rate=0.01))
    assert same(module, other)


def test_learning_rate_rises_to_its_highest_and_falls_to_zero():
    rates = [learning_rate(step, 100, 0.01) for step in range(101)]
    assert max(rates) == pytest.approx(0.01)
    assert rates[0] < rates[5] < rates[10] > rates[50] > rates[99]
    assert rates[100] == pytest.approx(0)


def test_a_processor_computes_in_float32():
    assert best_precision(torch.device("cpu")) == "float32"


def test_bfloat16_trains_too_and_keeps_float32_weights(tmp_path):
    module, batch_at, loss_of = problem()
    exact = problem()[0]
    run(exact, batch_at, loss_of, tmp_path / "exact.safetensors")
    plan = Plan(steps=40, highest_rate=0.01, weight_decay=0.0, precision="bfloat16")
    run(module, batch_at, loss_of, tmp_path / "half.safetensors", plan)
    assert module[0].weight.dtype == torch.float32
    assert not same(module, exact)
    assert torch.allclose(module[0].weight, exact[0].weight, atol=0.05)


def test_lines_are_told_where_there_is_no_terminal(tmp_path):
    lines = []
    module, batch_at, loss_of = problem()
    run(module, batch_at, loss_of, tmp_path / "run.safetensors", watch=Watch(lines.append, every=20))
    assert [line.split("  ")[0] for line in lines] == ["step 20/40", "step 40/40"]


def test_a_bar_goes_on_where_the_run_had_come_to(tmp_path, monkeypatch):
    module, batch_at, loss_of = problem()
    path = tmp_path / "run.safetensors"
    run(module, batch_at, loss_of, path, Plan(steps=40, highest_rate=0.01))
    seen = io.StringIO()
    monkeypatch.setattr("sys.stderr", seen)
    run(module, batch_at, loss_of, path, Plan(steps=60, highest_rate=0.01), watch=quiet(bar=True))
    assert "40/60" in seen.getvalue()
    assert "60/60" in seen.getvalue()
    assert "loss=" in seen.getvalue()


def test_logs_of_a_resumed_run_hold_each_step_once(tmp_path):
    module, batch_at, loss_of = problem()

    def interrupted(step):
        if step == 27:
            raise KeyboardInterrupt
        return batch_at(step)

    plan = Plan(steps=40, highest_rate=0.01, save_every=10, validate_every=20)
    words = {"plan": plan, "validate": Scores(0.1, 0.2, 0.3)}
    with pytest.raises(KeyboardInterrupt):
        run(module, interrupted, loss_of, tmp_path / "r.safetensors", watch=quiet(logs=tmp_path), **words)
    run(module, batch_at, loss_of, tmp_path / "r.safetensors", watch=quiet(logs=tmp_path), **words)
    logs = EventAccumulator(str(tmp_path)).Reload()
    assert [event.step for event in logs.Scalars("training/loss")] == [5, 10, 15, 20, 25, 30, 35, 40]
    assert [event.step for event in logs.Scalars("validation/score")] == [20, 40]
    assert "training/rate" in logs.Tags()["scalars"]
