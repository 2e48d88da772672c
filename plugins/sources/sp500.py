"""Twenty large US stocks, 1990-2022, out of the skfolio package; nothing is downloaded.

The data hold adjusted closes only, so a run can fill at closes but not at opens. The twenty are
today's survivors: a backtest over them flatters any long-only strategy.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from finstrat.components import MarketSource
from finstrat.data.prices import panel_from_table
from finstrat.errors import DataError

if TYPE_CHECKING:
    from finstrat.data import Panel, Span, Universe


class Sp500(MarketSource):
    """Adjusted closes of twenty stocks, those of skfolio's `load_sp500_dataset`."""

    name = "sp500"
    version = "1"

    def load(self, universe: Universe, span: Span) -> Panel:
        """The single field `close`, on the adjusted basis of the package's own date (2022)."""
        file = _package_folder() / "datasets" / "data" / "sp500_dataset.csv.gz"
        if not file.is_file():
            raise DataError(f"sp500: skfolio has no {file.name}; install skfolio 0.9 or later")
        wide = pd.read_csv(file).rename(columns={"Date": "date"})
        table = wide.melt("date", var_name="asset", value_name="close").dropna(subset="close")
        return panel_from_table(
            table.assign(currency="USD"), universe, span=span, source=self.name, where=self.name
        )


def _package_folder() -> Path:
    # Importing skfolio takes seconds; its folder is enough.
    found = importlib.util.find_spec("skfolio")
    if found is None or not found.submodule_search_locations:
        raise DataError("sp500: the package skfolio is missing; pip install skfolio")
    return Path(found.submodule_search_locations[0])
