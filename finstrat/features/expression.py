"""One line of mathematics over features, like `rank(zscore(sentiment, 20)) - rank(close)`.

The grammar is closed: numbers, names (`close`, `news.tone`), + - * / **, and calls of the functions
in `FUNCTIONS`. Nothing is ever executed but those; what else Python could parse is an error that
points at its column. A subexpression that occurs twice is computed once.
"""

from __future__ import annotations

import ast
import inspect
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import torch

from finstrat.errors import ConfigError, FinstratError, did_you_mean
from finstrat.features.functions import ELEMENTWISE, FUNCTIONS, applied, lookback, takes_number

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

LONGEST = 1000
"""Characters in an expression: beyond them it is a program, and belongs into a signal's file."""
DEEPEST = 100
"""Calls and operators inside one another."""


class ExpressionError(ConfigError):
    """A mistake in an expression, shown with a mark under its column.

    Attributes:
        column: characters before the mistake.
        problem: what is wrong there, and the expression with the mark.
    """

    def __init__(self, text: str, column: int, problem: str) -> None:
        line = text[:LONGEST]
        self.column = min(column, len(line))
        self.problem = f"{problem}\n    {line}\n    {' ' * self.column}^"
        super().__init__(f"column {self.column + 1}: {self.problem}")


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

    def evaluate(
        self, series: Mapping[str, torch.Tensor], *, members: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The value over `series`, each `[T, N]`, or `[T]` for the market; NaN = unknown.

        Dividing by zero and the logarithm of what isn't positive are unknown. With `members` (bool
        `[T, N]`) assets are compared with members only, unless the expression says `mask=`. Row t
        uses rows up to t only.

        Raises:
            ExpressionError: for a name that `series` lacks, and arguments that a function refuses.
        """
        result = _Evaluation(self.text, series, members).value(self.root)
        assert isinstance(result, torch.Tensor)
        return result

    def mistake(self, name: str, problem: str) -> ExpressionError:
        """An error that points at the first place of the series `name`."""
        return ExpressionError(self.text, min(_columns(self.root, name)), problem)


@dataclass(frozen=True)
class _Evaluation:
    """The values of an expression's nodes over some series, each computed once."""

    text: str
    series: Mapping[str, torch.Tensor]
    members: torch.Tensor | None
    known: dict[Node, torch.Tensor | float] = field(default_factory=dict)

    def value(self, node: Node) -> torch.Tensor | float:
        if node not in self.known:
            self.known[node] = self._computed(node)
        return self.known[node]

    def _computed(self, node: Node) -> torch.Tensor | float:
        if not node.called:
            if not isinstance(node.value, str):
                return node.value
            if node.value not in self.series:
                hint = did_you_mean(node.value, self.series)
                raise ExpressionError(self.text, node.column, f'no series "{node.value}"{hint}')
            return self.series[node.value]
        given = [(name, self.value(part)) for name, part in node.arguments]
        try:
            return applied(str(node.value), given, members=self.members)
        except ExpressionError:
            raise
        except FinstratError as error:
            raise ExpressionError(self.text, node.column, f"{node.value}: {error}") from error


def parse(text: str, *, names: Collection[str] | None = None) -> Expression:
    """The expression that `text` spells, checked but for the series' shapes.

    Args:
        text: one line.
        names: the series that will be there; default: any.

    Raises:
        ExpressionError: naming the column, what stands there, and the nearest valid name.
    """
    # Blanks instead of line ends, and in front: then every column is one of `text`.
    line = "".join(" " if character.isspace() else character for character in text)
    if len(line) > LONGEST:
        raise ExpressionError(line, LONGEST, f"longer than {LONGEST} characters")
    if "#" in line:
        raise ExpressionError(line, line.index("#"), "# is no part of an expression")
    before = len(line) - len(line.lstrip())
    try:
        tree = ast.parse(line.strip(), mode="eval")
        root = _Parser(line, before, names).node(tree.body)
    except SyntaxError as error:
        column = before + (error.offset or len(line.strip()) + 1) - 1
        raise ExpressionError(line, column, f"cannot be read: {error.msg}") from error
    except (RecursionError, MemoryError, ValueError) as error:
        reason = str(error) or "nested too deeply"
        raise ExpressionError(line, 0, f"cannot be read: {reason}") from error
    series = _names(root)
    # Over no session at all every function still says whether it takes these numbers.
    nothing = torch.empty((0, 1), dtype=torch.float64)
    if not isinstance(
        _Evaluation(line, dict.fromkeys(series, nothing), None).value(root), torch.Tensor
    ):
        raise ExpressionError(line, root.column, "a number alone is no feature")
    rows, expanding = _lookback(root)
    return Expression(
        text=line,
        root=root,
        names=tuple(sorted(series)),
        warmup=rows,
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

    def __init__(self, text: str, before: int, names: Collection[str] | None) -> None:
        self.text = text
        self.before = before
        self.names = names

    def column(self, tree: ast.expr) -> int:
        """The column of `tree` in the text; Python counts bytes, and from the first letter."""
        encoded = self.text[self.before :].encode()
        return self.before + len(encoded[: tree.col_offset].decode())

    def node(self, tree: ast.expr, depth: int = 0) -> Node:
        at = self.column(tree)
        if depth > DEEPEST:
            raise ExpressionError(
                self.text, at, f"more than {DEEPEST} deep; use a signal of its own"
            )
        match tree:
            case ast.Constant(value=int() | float() as number) if type(number) is not bool:
                found = Node(number, column=at)
            case ast.Name(id=name):
                found = self.series(name, at)
            case ast.Attribute(value=ast.Name(id=table), attr=output):
                found = self.series(f"{table}.{output}", at)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                found = self.negative(self.node(operand, depth + 1), at)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in self.operators:
                a, b = self.node(left, depth + 1), self.node(right, depth + 1)
                found = self.operation(self.operators[type(op)], a, b, at)
            case ast.Call(func=ast.Name(id=name)):
                found = self.call(name, tree, depth + 1)
            case _:
                problem = f"{type(tree).__name__} is no part of an expression"
                raise ExpressionError(self.text, at, problem)
        return found

    def series(self, name: str, at: int) -> Node:
        if self.names is not None and name not in self.names:
            hint = did_you_mean(name, self.names)
            raise ExpressionError(self.text, at, f'no series "{name}"{hint}')
        return Node(name, column=at)

    def negative(self, inner: Node, at: int) -> Node:
        if isinstance(inner.value, str):
            return Node("*", (("", Node(-1.0)), ("", inner)), called=True, column=at)
        return Node(-inner.value, column=at)

    def operation(self, name: str, a: Node, b: Node, at: int) -> Node:
        if isinstance(a.value, str) or isinstance(b.value, str):
            return Node(name, (("", a), ("", b)), called=True, column=at)
        numbers = torch.tensor([a.value, b.value], dtype=torch.float64)
        value = applied(name, [("", numbers[0]), ("", numbers[1])]).item()
        if not math.isfinite(value):
            raise ExpressionError(self.text, at, f"{a.value} {name} {b.value} is no finite number")
        whole = isinstance(a.value, int) and isinstance(b.value, int) and value == int(value)
        return Node(int(value) if whole else value, column=at)

    def call(self, name: str, tree: ast.Call, depth: int) -> Node:
        at = self.column(tree)
        if name not in FUNCTIONS:
            raise ExpressionError(
                self.text, at, f'no function "{name}"{did_you_mean(name, FUNCTIONS)}'
            )
        arguments = [self.node(argument, depth) for argument in tree.args]
        options = {
            str(word.arg): self.node(word.value, depth) for word in tree.keywords if word.arg
        }
        if len(options) != len(tree.keywords) or "out" in options:
            raise ExpressionError(
                self.text, at, f"{name}: only named options may follow the series"
            )
        if name in ELEMENTWISE:
            if len(arguments) != 1 or options:
                raise ExpressionError(
                    self.text, at, f"{name}: expected one series, got {len(arguments)}"
                )
            bound = {"": arguments[0]}
        else:
            try:
                bound = inspect.signature(FUNCTIONS[name]).bind(*arguments, **options).arguments
            except TypeError as error:
                raise ExpressionError(self.text, at, f"{name}: {error}") from error
        for parameter, part in bound.items():
            literal = not isinstance(part.value, str)
            wanted = takes_number(name, parameter)
            if literal != wanted:
                kind = "a number" if wanted else "a series"
                raise ExpressionError(
                    self.text, part.column, f"{name}: {parameter or 'x'} must be {kind}"
                )
        return Node(name, tuple(bound.items()), called=True, column=at)


def _lookback(node: Node) -> tuple[int, bool]:
    """How many rows before its own a row depends on, and whether on all of them."""
    below = [_lookback(part) for _, part in node.arguments]
    numbers = {name: part.value for name, part in node.arguments if not isinstance(part.value, str)}
    rows, expanding = lookback(str(node.value), numbers) if node.called else (0, False)
    return (
        rows + max((further for further, _ in below), default=0),
        expanding or any(expands for _, expands in below),
    )


def _columns(node: Node, name: str) -> set[int]:
    """Where the series `name` stands."""
    if node.called:
        return set().union(*(_columns(part, name) for _, part in node.arguments))
    return {node.column} if node.value == name else set()


def _names(node: Node) -> set[str]:
    if node.called:
        return set().union(*(_names(part) for _, part in node.arguments))
    return {node.value} if isinstance(node.value, str) else set()
