"""What the settings of a training do to a step, on a line through a few points."""

import numpy as np
import pytest
import torch

from finstrat.models.steps import Judge, Pace, train

pytest.importorskip("accelerate")

X = torch.linspace(-1, 1, 16).unsqueeze(1)
Y = 3 * X + 1
ROWS = np.arange(16)


def line():
    torch.manual_seed(0)
    return torch.nn.Linear(1, 1)


def trained(work, model, batches, *, judge=None, sgd=None, **pace):
    settings = {"learning_rate": 0.1, "warmup": 0.0, "schedule": "constant", "precision": "fp32"}
    optimizer = torch.optim.SGD(model.parameters(), lr=sgd) if sgd else None
    return train(
        model,
        batches,
        made=lambda _, rows: {"x": X[rows], "y": Y[rows]},
        loss=lambda m, batch: ((m(batch["x"]) - batch["y"]) ** 2).mean(),
        pace=Pace(**{**settings, **pace}),
        seed=0,
        work=work,
        plan={},
        optimizer=optimizer,
        judge=judge,
    )


def weights(model):
    return torch.cat([each.detach().flatten() for each in model.parameters()])


def test_two_batches_a_step_are_one_of_twice_the_size(tmp_path):
    whole, halves = line(), line()
    trained(tmp_path / "whole", whole, [ROWS] * 3, sgd=0.1, clip=1e9)
    course = trained(
        tmp_path / "halves", halves, [ROWS[:8], ROWS[8:]] * 3, sgd=0.1, clip=1e9, accumulate=2
    )
    assert course.steps == 3
    assert torch.allclose(weights(whole), weights(halves), atol=1e-6)


def test_a_step_of_gradient_descent_is_the_rate_times_the_gradient(tmp_path):
    model, before = line(), line()
    loss = ((before(X) - Y) ** 2).mean()
    loss.backward()
    gradient = torch.cat([each.grad.flatten() for each in before.parameters()])
    trained(tmp_path, model, [ROWS], sgd=0.1, clip=1e9)
    assert torch.allclose(weights(model), weights(before) - 0.1 * gradient, atol=1e-6)


def test_a_clipped_gradient_keeps_its_direction_and_has_the_norm_asked_for(tmp_path):
    model, before, free = line(), line(), line()
    trained(tmp_path / "clipped", model, [ROWS], sgd=1.0, clip=0.01)
    trained(tmp_path / "free", free, [ROWS], sgd=1.0, clip=1e9)
    moved, whole = weights(model) - weights(before), weights(free) - weights(before)
    assert moved.norm().item() == pytest.approx(0.01, rel=1e-3)
    assert torch.cosine_similarity(moved, whole, dim=0).item() == pytest.approx(1.0, abs=1e-4)


def test_patience_ends_a_training_that_gets_worse_and_keeps_the_best(tmp_path):
    model, told, seen = line(), [0.3, 0.2, 0.4, 0.5, 0.1, 0.0], []

    def measure():
        seen.append(weights(model).clone())
        return {"loss": told[len(seen) - 1]}

    judge = Judge(measure, "loss", greater=False, patience=2)
    course = trained(tmp_path, model, [ROWS] * 6, judge=judge, checkpoint=1)
    assert course.steps == 4  # the second look was best, and two more weren't better
    assert course.best == 2
    assert [look["loss"] for look in course.looks] == told[:4]
    assert torch.equal(weights(model), seen[1])


def test_a_metric_of_which_more_is_better_is_kept_at_its_most(tmp_path):
    model, told = line(), iter([0.5, 0.9, 0.7])
    judge = Judge(lambda: {"accuracy": next(told)}, "accuracy", greater=True)
    course = trained(tmp_path, model, [ROWS] * 3, judge=judge, checkpoint=1)
    assert (course.steps, course.best) == (3, 2)


def test_the_rate_warms_up_and_goes_to_zero(tmp_path):
    # Each step's own movement under plain descent on a constant slope is the rate itself.
    slope, moves = torch.nn.Parameter(torch.zeros(1)), []
    model = torch.nn.Module()
    model.slope = slope
    last = [0.0]

    def noted(_):
        moves.append(last[0] - slope.item())
        last[0] = slope.item()

    train(
        model,
        [ROWS] * 10,
        made=lambda _, rows: {"x": X[rows]},
        loss=lambda m, _: m.slope.sum(),
        pace=Pace(1.0, warmup=0.2, schedule="linear", clip=1e9, precision="fp32"),
        seed=0,
        work=tmp_path,
        plan={},
        optimizer=torch.optim.SGD([slope], lr=1.0),
        after_step=noted,
    )
    assert moves == pytest.approx([0, 0.5, 1.0, *(1 - k / 8 for k in range(1, 8))], abs=1e-6)
