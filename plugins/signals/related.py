"""What another signal says of the companies that an asset is related to."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path  # noqa: TC003 - pydantic reads the annotation at run time

import torch
from pydantic import Field

from finstrat.components import Inputs, Signal
from finstrat.data.entities import Entities
from finstrat.data.relations import PEER, Relations


class Related(Signal):
    """The weighted mean of another signal's output over the assets related to each.

    News travels slowly along supply chains and within industries: Cohen and Frazzini (2008) for
    customers, Menzly and Ozbas (2010) for both directions, Moskowitz and Grinblatt (1999) for the
    momentum of industries.
    """

    name = "related"
    version = "1"

    class Config(Signal.Config):
        """Which output, and whose."""

        signal: str = Field(description='output of another signal, like "news.tone"')
        relation: str = Field(PEER, description="which edges: peer, supplier, customer, …")
        relations: Path | None = Field(
            None,
            description="table of asset, related, relation, known_at and, if you like, weight and "
            "end; or of asset, company, sector, for peers; by default the bundled table of names",
        )

    config: Config

    @property
    def needs(self) -> tuple[str, ...]:  # type: ignore[override]
        """The signal whose output is carried over."""
        return (self.config.signal,)

    @cached_property
    def _relations(self) -> Relations:
        if self.config.relations is None:
            return Relations.of_groups(Entities.bundled())
        return Relations.read(self.config.relations)

    def compute(self, inputs: Inputs) -> torch.Tensor:
        """`[T, N]`; NaN for an asset without a related one of which something is known."""
        own = inputs.feature(self.config.signal)
        members = inputs.members()
        known = members & ~own.isnan()
        values = torch.where(known, own, 0.0)
        result = torch.full_like(own, torch.nan)
        panel = inputs.panel
        for each in self._relations.stretches(self.config.relation, panel.assets, panel.times):
            rows = slice(each.start, each.stop)
            weights = torch.from_numpy(each.weights).to(own.device).T
            total = known[rows].to(own.dtype) @ weights
            mean = values[rows] @ weights / total
            result[rows] = torch.where(total > 0, mean, torch.nan)
        return result
