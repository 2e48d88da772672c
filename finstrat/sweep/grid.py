"""Every combination of a few values for a few keys of a backtest file, and the plans they give.

What may be varied is what is done with the data. The data themselves, and the time, are the same
for all: otherwise their returns could not be compared.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finstrat.config import load, resolve
from finstrat.errors import ConfigError
from finstrat.toml_file import toml_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from finstrat.config import Plan
    from finstrat.host import Host
    from finstrat.toml_file import TomlFile

VARIED = ("scorers", "signals", "strategy", "optimizer", "costs", "limits", "execution")
"""Tables of a backtest file whose keys a grid may name."""

ENGINE = "execution.engine"
"""The ledger keeps many accounts at once, so a sweep runs on it, whichever engine the file names;
where the other could keep the account, they agree to 1e-9."""


@dataclass(frozen=True)
class Grid:
    """The values to try, by dotted key, in the order given."""

    axes: dict[str, tuple[Any, ...]]

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Grid:
        """The grid out of texts like `strategy.k=3,5,8`.

        Raises:
            ConfigError: a text is no `key=values`, a key isn't one that may vary or occurs twice,
                or a value does.
        """
        axes: dict[str, tuple[Any, ...]] = {}
        for text in texts:
            key, sign, values = text.partition("=")
            key = key.strip()
            if not sign or not key or not values.strip():
                raise ConfigError(f"--grid {text}: expected key=value,value,…")
            if key.split(".")[0] not in VARIED or "." not in key or key == ENGINE:
                raise ConfigError(
                    f"--grid {key}: a sweep varies keys of {', '.join(VARIED)} (but {ENGINE}); "
                    "the data and the span are the same for all"
                )
            if key in axes:
                raise ConfigError(f"--grid {key}: given twice; put all its values in one list")
            parsed = tuple(toml_values(values))
            if "" in parsed:
                raise ConfigError(f"--grid {text}: a value is empty")
            if len({repr(each) for each in parsed}) < len(parsed):
                raise ConfigError(f"--grid {text}: a value occurs twice")
            axes[key] = parsed
        if not axes:
            raise ConfigError("sweep: no --grid; say what to vary, like --grid strategy.k=3,5,8")
        return cls(axes)

    def __len__(self) -> int:
        return math.prod(len(values) for values in self.axes.values())

    def combinations(self) -> Iterator[dict[str, Any]]:
        """Every combination, the last key varying fastest."""
        for values in itertools.product(*self.axes.values()):
            yield dict(zip(self.axes, values, strict=True))


@dataclass(frozen=True, eq=False)
class Configuration:
    """One combination: its place in the grid, its values, and its plan or why it has none."""

    place: int
    values: dict[str, Any]
    plan: Plan | None
    refusal: str = ""


def configurations(file: TomlFile, grid: Grid, *, host: Host, root: Path) -> list[Configuration]:
    """Every combination of `grid` over `file`, resolved; nothing is loaded or computed.

    A combination that the configuration refuses has no plan, since nothing can be tried.

    Raises:
        ConfigError: all are refused, so it isn't the combination that is wrong.
    """
    result = []
    first: ConfigError | None = None
    for place, values in enumerate(grid.combinations()):
        own = file.with_values({ENGINE: "ledger", **values})
        try:
            plan = resolve(load(own), host, file=own, root=root)
        except ConfigError as error:
            first = first or error
            result.append(Configuration(place, values, None, str(error)))
        else:
            result.append(Configuration(place, values, plan))
    if first is not None and all(each.plan is None for each in result):
        raise first
    return result
