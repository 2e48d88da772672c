"""One line of mathematics over features, like `rank(zscore(sentiment, 20)) - rank(close)`.

The grammar is closed: numbers, names, + - * / **, and calls of the functions in `FUNCTIONS`.
Nothing is ever executed but those; what else Python could parse is an error that points at its
column. A subexpression that occurs twice is computed once.
"""

from __future__ import annotations

import ast
import inspect
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import torch

from finstrat.errors import ConfigError, FinstratError, did_you_mean
from finstrat.features import decay, market, neutral, pairs, rolling, section, shape

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

LONGEST = 1000
"""Characters in an expression: beyond them it is a program, and belongs into a signal's file."""


def zscore(x: torch.Tensor, window: int | None = None) -> torch.Tensor:
    """The z-score in time over `window` sessions, or, without one, among the session's assets."""
    return section.zscore(x) if window is None else rolling.rolling_zscore(x, window)


def _log(x: torch.Tensor) -> torch.Tensor:
    return torch.where(x > 0, x, math.nan).log()


_ELEMENTWISE: dict[str, Callable[..., torch.Tensor]] = {
    "abs": torch.abs,
    "exp": torch.exp,
    "log": _log,
    "sign": torch.sign,
    "sqrt": torch.sqrt,
}
_ARITHMETIC: dict[str, Callable[..., torch.Tensor]] = {
    "+": torch.add,
    "-": torch.sub,
    "*": torch.mul,
    "**": torch.pow,
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
)
FUNCTIONS: dict[str, Callable[..., torch.Tensor]] = {
    **_ELEMENTWISE,
    **{operation.__name__: operation for operation in _OPERATIONS},
}
"""Every function an expression may call."""

_EXPANDING = {"ewma", "ewm_std", "drawdown"}
_NUMBERS = {"window", "periods", "min_periods", "limit", "half_life", "q", "low", "high"} | {
    "buckets",
    "components",
}
_PRICE_RANGES = {"parkinson_volatility", "garman_klass_volatility"}  # their low and high are series


@dataclass(frozen=True)
class Node:
    """A number, a name, or a call of an operator or function; equal where it means the same."""

    value: float | str
    arguments: tuple[tuple[str, Node], ...] = ()
    called: bool = False
    column: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Expression:
    """A parsed expression.

    Attributes:
        text: what was parsed.
        names: the series it reads, in alphabetical order.
        warmup: sessions before the first that counts, as a signal declares it.
        memory: "expanding" where a row depends on all before it.
    """

    text: str
    root: Node
    names: tuple[str, ...]
    warmup: int
    memory: Literal["finite", "expanding"]

    def evaluate(self, series: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The value over `series`, each `[T, N]`, or `[T]` for the market; NaN = unknown.

        Dividing by zero and the logarithm of what isn't positive are unknown. Row t uses rows up
        to t only.

        Raises:
            ConfigError: for a name that `series` lacks, and for arguments that a function refuses.
        """
        values: dict[Node, torch.Tensor | float] = {}
        result = self._value(self.root, series, values)
        if not isinstance(result, torch.Tensor):
            raise _mistake(self.text, self.root.column, "a number alone is no feature")
        return result

    def _value(
        self,
        node: Node,
        series: Mapping[str, torch.Tensor],
        values: dict[Node, torch.Tensor | float],
    ) -> torch.Tensor | float:
        if node in values:
            return values[node]
        if not node.called:
            if isinstance(node.value, str):
                if node.value not in series:
                    hint = did_you_mean(node.value, series)
                    raise _mistake(self.text, node.column, f'no series "{node.value}"{hint}')
                return series[node.value]
            return node.value
        given = [(name, self._value(part, series, values)) for name, part in node.arguments]
        try:
            value = _applied(str(node.value), given)
        except FinstratError as error:
            raise _mistake(self.text, node.column, f"{node.value}: {error}") from error
        values[node] = value
        return value


def _applied(name: str, given: list[tuple[str, torch.Tensor | float]]) -> torch.Tensor:
    if name in FUNCTIONS:
        function = FUNCTIONS[name]
        return function(**dict(given)) if given[0][0] else function(given[0][1])
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
    if name == "/":
        return torch.where(b == 0, math.nan, a / b)
    return _ARITHMETIC[name](a, b)


def parse(text: str, *, names: Collection[str] | None = None) -> Expression:
    """The expression that `text` spells, checked but for the series' shapes.

    Args:
        text: one line.
        names: the series that will be there; default: any.

    Raises:
        ConfigError: naming the column, what stands there, and the nearest valid name.
    """
    if len(text) > LONGEST:
        raise _mistake(text, LONGEST, f"longer than {LONGEST} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval")
        root = _Parser(text.strip(), names).node(tree.body)
    except SyntaxError as error:
        column = (error.offset or len(text) + 1) - 1
        raise _mistake(text, column, f"cannot be read: {error.msg}") from error
    except (RecursionError, MemoryError, ValueError) as error:
        reason = str(error) or "nested too deeply"
        raise _mistake(text, 0, f"cannot be read: {reason}") from error
    lookback, expanding = _lookback(root)
    return Expression(
        text=text.strip(),
        root=root,
        names=tuple(sorted(_names(root))),
        warmup=lookback,
        memory="expanding" if expanding else "finite",
    )


class _Parser:
    """From Python's syntax tree to nodes, refusing all that isn't in the grammar."""

    operators: dict[type[ast.operator], str] = {  # noqa: RUF012 - a constant table
        ast.Add: "+",
        ast.Sub: "-",
        ast.Mult: "*",
        ast.Div: "/",
        ast.Pow: "**",
    }

    def __init__(self, text: str, names: Collection[str] | None) -> None:
        self.text = text
        self.names = names

    def node(self, tree: ast.expr) -> Node:
        at = tree.col_offset
        match tree:
            case ast.Constant(value=int() | float() as number) if type(number) is not bool:
                return Node(number, column=at)
            case ast.Name(id=name):
                if self.names is not None and name not in self.names:
                    raise _mistake(
                        self.text, at, f'no series "{name}"{did_you_mean(name, self.names)}'
                    )
                return Node(name, column=at)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self.node(operand)
                if isinstance(inner.value, str):
                    return Node("*", (("", Node(-1.0)), ("", inner)), called=True, column=at)
                return Node(-inner.value, column=at)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in self.operators:
                return self.operation(self.operators[type(op)], left, right, at)
            case ast.Call(func=ast.Name(id=name)):
                return self.call(name, tree)
        raise _mistake(self.text, at, f"{type(tree).__name__} is no part of an expression")

    def operation(self, name: str, left: ast.expr, right: ast.expr, at: int) -> Node:
        a, b = self.node(left), self.node(right)
        if isinstance(a.value, str) or isinstance(b.value, str):
            return Node(name, (("", a), ("", b)), called=True, column=at)
        numbers = torch.tensor([a.value, b.value], dtype=torch.float64)
        value = _applied(name, [("", numbers[0]), ("", numbers[1])]).item()
        if not math.isfinite(value):
            raise _mistake(self.text, at, f"{a.value} {name} {b.value} is no finite number")
        return Node(value, column=at)

    def call(self, name: str, tree: ast.Call) -> Node:
        at = tree.col_offset
        if name not in FUNCTIONS:
            raise _mistake(self.text, at, f'no function "{name}"{did_you_mean(name, FUNCTIONS)}')
        arguments = [self.node(argument) for argument in tree.args]
        options = {str(word.arg): self.node(word.value) for word in tree.keywords if word.arg}
        if len(options) != len(tree.keywords) or "out" in options:
            raise _mistake(self.text, at, f"{name}: only named options may follow the series")
        if name in _ELEMENTWISE:
            if len(arguments) != 1 or options:
                raise _mistake(self.text, at, f"{name}: expected one series, got {len(arguments)}")
            bound = {"": arguments[0]}
        else:
            try:
                bound = inspect.signature(FUNCTIONS[name]).bind(*arguments, **options).arguments
            except TypeError as error:
                raise _mistake(self.text, at, f"{name}: {error}") from error
        for parameter, part in bound.items():
            literal = not isinstance(part.value, str)
            wanted = parameter in _NUMBERS and not (
                name in _PRICE_RANGES and parameter in {"low", "high"}
            )
            if literal != wanted:
                kind = "a number" if wanted else "a series"
                raise _mistake(self.text, part.column, f"{name}: {parameter or 'x'} must be {kind}")
        return Node(name, tuple(bound.items()), called=True, column=at)


def _lookback(node: Node) -> tuple[int, bool]:
    """How many rows before its own a row depends on, and whether on all of them."""
    below = [_lookback(part) for _, part in node.arguments]
    rows = max((rows for rows, _ in below), default=0)
    expanding = any(expands for _, expands in below)
    if node.called:
        options = {name: part.value for name, part in node.arguments}
        window, periods = options.get("window", 1), options.get("periods", 1)
        rows += int(window) - 1 + (node.value == "volatility")
        rows += int(periods) if node.value in {"lag", "diff", "returns", "log_returns"} else 0
        if node.value == "forward_fill":
            rows += int(options.get("limit", 0))
            expanding |= "limit" not in options
        expanding |= node.value in _EXPANDING
    return rows, expanding


def _names(node: Node) -> set[str]:
    if node.called:
        return set().union(*(_names(part) for _, part in node.arguments))
    return {node.value} if isinstance(node.value, str) else set()


def _mistake(text: str, column: int, problem: str) -> ConfigError:
    """An error that shows the expression with a mark under the column."""
    line = text.strip().replace("\n", " ")[:LONGEST]
    mark = " " * min(column, len(line)) + "^"
    return ConfigError(f"column {column + 1}: {problem}\n    {line}\n    {mark}")
