"""A signal in one line of a backtest file."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from finstrat.components import Signal
from finstrat.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import torch

    from finstrat.components import Inputs
    from finstrat.features.expression import Expression as Parsed

PRICES = ("open", "high", "low", "close", "volume")
SERIES = (*PRICES, "traded_value", "member")
"""The names without a dot that a formula may read."""


class Expression(Signal):
    """A formula over prices, facts and other signals, like `rank(returns(close, 20))`.

    Under `[signals]`, `fast = "rank(returns(close, 20))"` is the whole of it. A formula reads
    `open`, `high`, `low`, `close` (adjusted) and `volume`; `traded_value`, which is recorded close
    times volume; `member`, 1 for members of the universe; `NAME.output` of another signal; and
    `facts.ITEM`, the latest known value of a fact. What compares assets compares members, unless it
    says `mask=`. docs/features.md lists the functions.
    """

    name = "expression"
    version = "1"

    class Config(Signal.Config):
        """The formula."""

        formula: str = Field(description="one line of mathematics")
        scope: Literal["asset", "market"] = Field(
            "asset", description='"market" for a formula that reads market-level signals only'
        )

        @field_validator("formula")
        @classmethod
        def _readable(cls, formula: str) -> str:
            """Refuse what is no formula, and name the column where it stops being one."""
            from finstrat.features.expression import ExpressionError, parse

            try:
                parsed = parse(formula)
                for name in parsed.names:
                    if "." not in name and name not in SERIES:
                        hint = did_you_mean(name, SERIES)
                        raise parsed.mistake(name, f'no series "{name}"{hint}')
            except ExpressionError as error:
                raise PydanticCustomError(
                    "expression",
                    "{problem}",
                    {"problem": error.problem, "column": error.column},
                ) from None
            return formula

    config: Config

    @cached_property
    def _parsed(self) -> Parsed:
        from finstrat.features.expression import parse

        return parse(self.config.formula)

    @property
    def scope(self) -> Literal["asset", "market"]:  # type: ignore[override]
        """As the file says."""
        return self.config.scope

    @property
    def needs(self) -> tuple[str, ...]:  # type: ignore[override]
        """What the formula reads."""
        needs: list[str] = []
        for name in self._parsed.names:
            if name == "traded_value":
                needs += ["close", "volume"]
            elif name.startswith("facts."):
                needs.append("facts")
            elif name != "member":
                needs.append(name)
        return tuple(dict.fromkeys(needs))

    @property
    def warmup(self) -> int:  # type: ignore[override]
        """Sessions that the formula looks back."""
        return self._parsed.warmup

    @property
    def memory(self) -> Literal["finite", "expanding"]:  # type: ignore[override]
        """Whether a row of the formula depends on all before it."""
        return self._parsed.memory

    def compute(self, inputs: Inputs) -> torch.Tensor:
        """`[T, N]`, or `[T]` where the scope is "market"; in the formula's own unit."""
        series = {name: self._series(name, inputs) for name in self._parsed.names}
        value = self._parsed.evaluate(series, members=inputs.members())
        if value.dim() == 1 and self.scope == "asset":
            raise DataError(
                f'"{self.config.formula.strip()}" reads market-level series only: say '
                'scope = "market" in its table, beside use = "expression" and formula'
            )
        return value

    def _series(self, name: str, inputs: Inputs) -> torch.Tensor:
        import torch

        from finstrat.data import align

        if name in PRICES:
            return inputs.prices(name)
        if name == "member":
            return inputs.members().double()
        if name == "traded_value":
            # Adjusted prices would not do: their past shrinks with every later dividend.
            traded = inputs.panel.field("close") * inputs.panel.field("volume")
            return torch.from_numpy(traded).to(inputs.device)
        table, _, item = name.partition(".")
        if table != "facts":
            return inputs.feature(name)
        items = inputs.facts.frame["item"].unique().tolist()
        if item not in items:
            raise DataError(f'no fact "{item}"{did_you_mean(item, items)}')
        values = align.facts_as_of(
            inputs.facts, item, clock=inputs.clock, assets=inputs.panel.assets
        )
        return torch.from_numpy(values).to(inputs.device)
