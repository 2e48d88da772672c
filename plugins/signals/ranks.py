"""Outputs of other signals, named in a list and ranked: what signals made of signals start from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import torch
from pydantic import AfterValidator

from finstrat import features

if TYPE_CHECKING:
    from collections.abc import Sequence

    from finstrat.components import Inputs


def _outputs(signals: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what names no output, and the same output twice."""
    for name in signals:
        table, dot, output = name.partition(".")
        if not (table and dot and output):
            raise ValueError(f'"{name}" names no output; write it like momentum.value')
    if len(set(signals)) < len(signals):
        raise ValueError("one output is named twice")
    return signals


OutputNames = Annotated[tuple[str, ...], AfterValidator(_outputs)]
"""Names of other signals' outputs, like "momentum.value", each once."""


def centred_ranks(inputs: Inputs, names: Sequence[str]) -> torch.Tensor:
    """Each output ranked among the members of its session, from −½ to ½: `[T, N, K]`.

    NaN = unknown, or no member.
    """
    members = inputs.members()
    ranked = [features.rank(inputs.feature(name), mask=members) - 0.5 for name in names]
    return torch.stack(ranked, dim=2)


def filled(ranks: torch.Tensor) -> torch.Tensor:
    """The same with the middle, 0, for what is unknown of an asset of which something is known."""
    known = ~ranks.isnan().all(dim=2, keepdim=True)
    return torch.where(ranks.isnan() & known, 0.0, ranks)
