"""Integrated gradients: how much of an output each token of a text is there for.

Attributions are relative to the same text with every token replaced by one that says nothing, and
sum to the difference of the two outputs; by how much they don't is the residual, which says whether
enough steps were taken. They share out what the model computes and say nothing of why the world is
so. Source: Sundararajan, Taly and Yan (2017), "Axiomatic Attribution for Deep Networks", equations
1 to 3.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from finstrat.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from finstrat.text.differentiable import Differentiable, Tokens

ANSWER = "answer"
"""Instead of an output's name: the class that the model answers with, for each text its own."""

STEPS = 32
MOST_STEPS = 512
_ROWS = 32  # steps that are computed together

CLOSE, CLOSE_SHARE = 0.005, 0.05
"""A residual is small enough below the first, or below the second of the outputs' difference."""


@dataclass(frozen=True)
class Attribution:
    """What the tokens of one text are there for.

    Attributes:
        tokens: the text as the model reads it.
        effects: L numbers, in units of the output; 0 for the model's own tokens.
        output: name of the output that is explained.
        value: the output. blank: the same without the text's tokens.
        residual: sum of the effects less (value - blank).
        steps: of the integral.
    """

    tokens: Tokens
    effects: tuple[float, ...]
    output: str
    value: float
    blank: float
    residual: float
    steps: int

    @property
    def share(self) -> float | None:
        """The residual as a share of the outputs' difference; None where they are equal."""
        gap = abs(self.value - self.blank)
        return abs(self.residual) / gap if gap else None

    @property
    def complete(self) -> bool:
        """Whether the residual is small enough to be read past."""
        return abs(self.residual) <= max(CLOSE, CLOSE_SHARE * abs(self.value - self.blank))


def attributions(
    model: Differentiable,
    texts: Sequence[str],
    *,
    output: str = ANSWER,
    steps: int = STEPS,
    progress: Callable[[int, int], None] | None = None,
) -> list[Attribution]:
    """The attributions of clean `texts`, in their order.

    Steps are doubled, up to `MOST_STEPS`, until an attribution is complete; one that isn't then
    says so. Of a text longer than one input of the model the beginning is explained, and its
    `tokens.cut` says so.

    Raises:
        ConfigError: the model has no such output, or captum isn't installed.
    """
    if importlib.util.find_spec("captum") is None:
        raise ConfigError('explaining tokens needs captum: pip install "finstrat[train]"')
    names = class_outputs(model.outputs)
    if output != ANSWER and output not in model.outputs:
        raise ConfigError(
            f"no output {output!r}; expected {ANSWER} or one of {', '.join(model.outputs)}"
            f"{did_you_mean(output, model.outputs)}"
        )
    found = []
    for done, text in enumerate(texts, start=1):
        tokens = model.read(text)
        place = model.outputs.index(output) if output != ANSWER else None
        if place is None:
            place = int(model.values([tokens.ids])[0, : len(names)].argmax())
        taken = steps
        each = _attribution(model, tokens, place=place, steps=taken)
        while not each.complete and 2 * taken <= MOST_STEPS:
            taken *= 2
            each = _attribution(model, tokens, place=place, steps=taken)
        found.append(each)
        if progress is not None:
            progress(done, len(texts))
    return found


def class_outputs(outputs: Sequence[str]) -> tuple[str, ...]:
    """The outputs that are classes: all but a "score" after others."""
    return tuple(outputs[:-1] if len(outputs) > 1 and outputs[-1] == "score" else outputs)


def _attribution(model: Differentiable, tokens: Tokens, *, place: int, steps: int) -> Attribution:
    from captum.attr import LayerIntegratedGradients

    ids = torch.tensor([tokens.ids])
    own = torch.tensor([tokens.own])
    blank = torch.where(own, ids, model.blank)
    mask = torch.ones_like(ids)
    effects = LayerIntegratedGradients(model, model.embeddings).attribute(
        ids,
        baselines=blank,
        target=place,
        additional_forward_args=(mask,),
        n_steps=steps,
        internal_batch_size=_ROWS,
    )
    each = effects[0].detach().double().sum(dim=1)
    with torch.inference_mode():
        value, without = model(torch.cat([ids, blank]), torch.cat([mask, mask]))[:, place].tolist()
    made = Attribution(
        tokens=tokens,
        effects=tuple(each.tolist()),
        output=model.outputs[place],
        value=value,
        blank=without,
        residual=0.0,
        steps=steps,
    )
    return replace(made, residual=float(each.sum()) - (value - without))
