"""What an expression may call, how its arguments are taken, and how far each call looks back.

It knows operations and their parameters; how a line of text becomes calls is not its business.
"""

from __future__ import annotations

import inspect
import math
from typing import TYPE_CHECKING

import torch

from finstrat.errors import DataError
from finstrat.features import decay, market, neutral, pairs, rolling, section, shape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def zscore(
    x: torch.Tensor, window: int | None = None, *, mask: torch.Tensor | None = None
) -> torch.Tensor:
    """The z-score in time over `window` sessions, or, without one, among the session's assets."""
    return section.zscore(x, mask=mask) if window is None else rolling.rolling_zscore(x, window)


def stack(
    first: torch.Tensor,
    second: torch.Tensor,
    third: torch.Tensor | None = None,
    fourth: torch.Tensor | None = None,
) -> torch.Tensor:
    """Two to four series as one with features, like the styles of `neutralize`."""
    return shape.stack([part for part in (first, second, third, fourth) if part is not None])


def _sign(x: torch.Tensor) -> torch.Tensor:
    # torch's own sign of NaN is 0.
    return torch.where(x.isnan(), math.nan, x.sign())


def _log(x: torch.Tensor) -> torch.Tensor:
    return torch.where(x > 0, x, math.nan).log()


def _ratio(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.where(b == 0, math.nan, a / b)


def _power(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    # IEEE 754 has NaN ** 0 = 1 ** NaN = 1: here what is unknown stays so.
    unknown = a.isnan() | b.isnan() | ((a == 0) & (b < 0))
    return torch.where(unknown, math.nan, torch.pow(a, b))


ELEMENTWISE: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "abs": torch.abs,
    "exp": torch.exp,
    "log": _log,
    "sign": _sign,
    "sqrt": torch.sqrt,
}
_ARITHMETIC: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "+": torch.add,
    "-": torch.sub,
    "*": torch.mul,
    "/": _ratio,
    "**": _power,
}
_OPERATIONS: tuple[Callable[..., torch.Tensor], ...] = (
    shape.lag,
    shape.diff,
    shape.returns,
    shape.log_returns,
    shape.forward_fill,
    shape.mask,
    rolling.rolling_sum,
    rolling.rolling_mean,
    rolling.rolling_var,
    rolling.rolling_std,
    rolling.rolling_skew,
    rolling.rolling_kurt,
    rolling.rolling_max,
    rolling.rolling_min,
    rolling.rolling_argmax,
    rolling.rolling_argmin,
    rolling.rolling_median,
    rolling.rolling_quantile,
    rolling.rolling_rank,
    rolling.rolling_zscore,
    pairs.rolling_cov,
    pairs.rolling_corr,
    pairs.rolling_beta,
    pairs.rolling_residual,
    pairs.rolling_slope,
    pairs.rolling_r2,
    decay.ewma,
    decay.ewm_std,
    market.drawdown,
    market.realized_volatility,
    market.volatility,
    market.parkinson_volatility,
    market.garman_klass_volatility,
    market.amihud_illiquidity,
    market.share_turnover,
    section.rank,
    section.demean,
    section.robust_zscore,
    section.winsorize,
    section.clip,
    section.quantile_buckets,
    section.group_mean,
    section.group_rank,
    section.group_zscore,
    neutral.neutralize,
    neutral.pca_residual,
    zscore,
    stack,
)
FUNCTIONS: dict[str, Callable[..., torch.Tensor]] = {
    **ELEMENTWISE,
    **{operation.__name__: operation for operation in _OPERATIONS},
}
"""Every function an expression may call."""

_NUMBERS = frozenset(
    ("window", "periods", "min_periods", "limit", "half_life", "q", "low", "high", "buckets")
) | {"components"}
_PRICE_RANGES = {"parkinson_volatility", "garman_klass_volatility"}  # their low and high are series
_LAGGED = {"lag", "diff", "returns", "log_returns"}
_EXPANDING = {"ewma", "ewm_std", "drawdown"}


def takes_number(name: str, parameter: str) -> bool:
    """Whether that parameter of the function `name` is a number; all others are series."""
    return parameter in _NUMBERS and not (name in _PRICE_RANGES and parameter in {"low", "high"})


def _codes(groups: torch.Tensor) -> torch.Tensor:
    """A series of whole numbers as int64 codes of groups, -1 where unknown."""
    if not groups.dtype.is_floating_point:
        return groups.to(torch.int64)
    known = ~groups.isnan()
    codes = torch.where(known, groups, -1.0)
    if (codes != codes.floor()).any():
        raise DataError("groups: expected a series of whole numbers, one a group")
    return codes.to(torch.int64)


def _flags(members: torch.Tensor) -> torch.Tensor:
    """A series as yes or no: yes where it is known and not 0."""
    return (members != 0) & ~members.isnan()


_AS_WANTED = {"groups": _codes, "mask": _flags, "members": _flags}
"""What functions want instead of float64 as some of their arguments."""


def applied(
    name: str,
    given: Sequence[tuple[str, torch.Tensor | float]],
    *,
    members: torch.Tensor | None = None,
) -> torch.Tensor:
    """The value of the operator or function `name`.

    Args:
        name: a key of `FUNCTIONS`, or one of + - * / **.
        given: parameters and arguments; an operator's have no names.
        members: who is compared by a function that takes a `mask` and is given none.

    Raises:
        FinstratError: the function refuses an argument.
    """
    if name in ELEMENTWISE:
        (series,) = [part for _, part in given if isinstance(part, torch.Tensor)]
        return ELEMENTWISE[name](series)
    if name in FUNCTIONS:
        options: dict[str, torch.Tensor | float | None] = dict(given)
        if members is not None and "mask" in inspect.signature(FUNCTIONS[name]).parameters:
            options.setdefault("mask", members)
        for parameter, as_wanted in _AS_WANTED.items():
            if isinstance(part := options.get(parameter), torch.Tensor):
                options[parameter] = as_wanted(part)
        return FUNCTIONS[name](**options)
    parts = [part for _, part in given]
    tensors = [part for part in parts if isinstance(part, torch.Tensor)]
    widest = max(part.dim() for part in tensors)
    # A market-level series meets every asset: [T] stands for [T, 1].
    a, b = (
        part.reshape((*part.shape, *[1] * (widest - part.dim())))
        if isinstance(part, torch.Tensor)
        else torch.tensor(part, dtype=torch.float64, device=tensors[0].device)
        for part in parts
    )
    return _ARITHMETIC[name](a, b)


def lookback(name: str, numbers: Mapping[str, float]) -> tuple[int, bool]:
    """How many rows before its own the function's row depends on, and whether on all of them."""
    rows = int(numbers.get("window", 1)) - 1 + (name == "volatility")
    if name in _LAGGED:
        rows += int(numbers.get("periods", 1))
    if name == "forward_fill":
        return int(numbers.get("limit", 0)), "limit" not in numbers
    return rows, name in _EXPANDING
