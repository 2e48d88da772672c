"""A small neural network that tells two classes apart: torch on the CPU, float64, and the same
weights for the same examples and seed.

It knows rows, sessions and classes, and nothing of markets.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finstrat.fitting import Examples

WIDTH = 16
"""Units of each of the two hidden layers."""

STEPS = 150
"""Steps over all examples at most."""

RATE, DECAY = 0.01, 0.01
"""AdamW's learning rate and weight decay (Loshchilov and Hutter, 2019)."""


@dataclass(frozen=True, eq=False)
class Network:
    """A fitted network.

    Attributes:
        layers: weights `[in, out]` and biases `[out]`, three pairs.
        steps: how long it was trained.
        loss: on the later stretch that chose `steps`, in nats; ln 2 is a coin's.
    """

    layers: tuple[torch.Tensor, ...]
    steps: int
    loss: float

    def probability(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probability of the first class for each row, `[R]`."""
        with torch.no_grad():
            found: NDArray[np.float64] = _logits(self.layers, torch.from_numpy(x)).sigmoid().numpy()
        return found


def fit_network(examples: Examples, first_class: NDArray[np.bool_]) -> Network:
    """A network trained on all examples, for as long as was best on the latest of them.

    It is trained twice from the same start: on the earlier four fifths of the sessions, to see
    after how many steps the last fifth is told best, and then on everything for so many.
    """
    x, y = torch.from_numpy(examples.x), torch.from_numpy(first_class.astype(np.float64))
    early, late = examples.folds(4)[-1]
    chosen = _trained(x[early], y[early], seed=examples.seed, judge=(x[late], y[late]))
    layers = _trained(x, y, seed=examples.seed, steps=chosen.steps).layers
    return Network(layers, chosen.steps, chosen.loss)


def _trained(
    x: torch.Tensor,
    y: torch.Tensor,
    *,
    seed: int,
    steps: int = STEPS,
    judge: tuple[torch.Tensor, torch.Tensor] | None = None,
) -> Network:
    """The network after `steps`, or after as many of them as were best by `judge`."""
    generator = torch.Generator().manual_seed(seed)
    sizes = (x.shape[1], WIDTH, WIDTH, 1)
    layers = [
        part
        for size, width in itertools.pairwise(sizes)
        for part in (
            torch.randn(size, width, generator=generator, dtype=torch.float64) / size**0.5,
            torch.zeros(width, dtype=torch.float64),
        )
    ]
    for part in layers:
        part.requires_grad_()
    optimizer = torch.optim.AdamW(layers, lr=RATE, weight_decay=DECAY)
    loss_of = torch.nn.functional.binary_cross_entropy_with_logits
    best = Network((), 0, float("inf"))
    for step in range(1, steps + 1):
        optimizer.zero_grad()
        loss = loss_of(_logits(tuple(layers), x), y)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if judge is not None:
            with torch.no_grad():
                judged = float(loss_of(_logits(tuple(layers), judge[0]), judge[1]))
            if judged < best.loss:
                best = Network((), step, judged)
    if judge is not None:
        return best
    return Network(tuple(part.detach() for part in layers), steps, float("nan"))


def _logits(layers: tuple[torch.Tensor, ...], x: torch.Tensor) -> torch.Tensor:
    for place in range(0, len(layers) - 2, 2):
        x = torch.tanh(x @ layers[place] + layers[place + 1])
    return (x @ layers[-2] + layers[-1]).squeeze(1)
