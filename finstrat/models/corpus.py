"""Texts without labels to pretrain on: read, cleaned, dated, and some of them held out.

What is known of time is kept, since it decides what a model may be believed about: the first and
last date of all that was read. It knows no model.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from finstrat.data.frames import (
    read_table,
    require_columns,
    standard_name,
    with_standard_names,
)
from finstrat.errors import ConfigError, DataError
from finstrat.models.labelled import moments, time_column
from finstrat.text.clean import clean
from finstrat.text.near import near_groups

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from pathlib import Path

_FEWEST = 20
"""Texts below which there is nothing to learn, or to hold out."""


@dataclass(frozen=True, eq=False)
class Corpus:
    """Texts to learn from, and texts to judge by that no near copy of them was learnt from.

    Attributes:
        texts, held_out: cleaned, each once.
        first, last: dates of everything read, held out or not; None where a text has no date.
        undated: texts without a date.
        counts: rows that were read, and why some were left out.
        files: names and SHA-256 of what was read.
    """

    texts: list[str]
    held_out: list[str]
    first: dt.date | None
    last: dt.date | None
    undated: int
    counts: dict[str, int]
    files: dict[str, str]


def read_corpus(
    files: Sequence[Path], *, text: str = "text", by: str | None = None, share: float, seed: int
) -> Corpus:
    """The texts of all files; a `share` of the groups of near copies is held out.

    The dates are those of column `by`, or of the first of known_at, date, event_at, created_at,
    time and year. One text without a date leaves the corpus without bounds, since any text may be
    the latest.

    Raises:
        DataError: a file can't be used, a date can't be read, or fewer than 20 texts are there.
        ConfigError: the share isn't above 0 and below 1.
    """
    if not 0 < share < 1:
        raise ConfigError(f"held-out share {share}: expected more than 0 and less than 1")
    read = pd.concat([_dated(file, text=text, by=by) for file in files], ignore_index=True)
    full = read[read["text"] != ""]
    # Every copy's date counts: the latest is when the text was last written down.
    dates, undated = full["date"], int(full["date"].isna().sum())
    kept = full.drop_duplicates("text")
    if len(kept) < _FEWEST:
        raise DataError(
            f"{', '.join(map(str, files))}: expected at least {_FEWEST} different texts, got "
            f"{len(kept)}; nothing can be learnt"
        )
    groups = near_groups(list(kept["text"]))
    order = np.random.default_rng(seed).permutation(np.unique(groups))
    held = np.isin(groups, order[: max(1, round(share * len(order)))])
    if held.all():
        raise DataError("all texts are near copies of one another; nothing is left to judge by")
    return Corpus(
        texts=list(kept["text"][~held]),
        held_out=list(kept["text"][held]),
        first=None if undated else dates.min().date(),
        last=None if undated else dates.max().date(),
        undated=undated,
        counts={
            "rows": len(read),
            "empty": len(read) - len(full),
            "duplicates": len(full) - len(kept),
            "texts": int((~held).sum()),
            "held_out": int(held.sum()),
        },
        files={file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files},
    )


def read_distinct(files: Sequence[Path], *, text: str = "text") -> pd.DataFrame:
    """The texts of all files in their order, cleaned, each once, blank ones left out.

    The columns are `text` and `date`: when the last copy was written down, NaT where a copy doesn't
    say.

    Raises:
        DataError: a file can't be used, or no text is there.
    """
    read = pd.concat([_dated(file, text=text, by=None) for file in files], ignore_index=True)
    full = read[read["text"] != ""]
    if full.empty:
        raise DataError(f"{', '.join(map(str, files))}: no text to read")
    latest = full.sort_values("date", kind="stable", na_position="last")
    dates = latest.drop_duplicates("text", keep="last").set_index("text")["date"]
    once = full[["text"]].drop_duplicates()
    return once.assign(date=once["text"].map(dates)).reset_index(drop=True)


def _cleaned(given: pd.Series) -> list[str]:
    return [clean(each) if isinstance(each, str) else "" for each in given]


def _dated(file: Path, *, text: str, by: str | None) -> pd.DataFrame:
    """The columns `text`, cleaned, "" where there is none, and `date`, NaT where there is none."""
    table = with_standard_names(read_table(file), where=str(file))
    text, by = standard_name(text), standard_name(by) if by else time_column(table)
    require_columns(table, [text] if by is None else [text, by], where=str(file))
    dates = pd.Series(pd.NaT, index=table.index, dtype="datetime64[ns, UTC]")
    if by is not None:
        known = table.assign(file=file.name, row=np.arange(1, len(table) + 1))
        known = known[known[by].notna()]
        if len(known):
            dates[known.index] = moments(known, by)
    return pd.DataFrame({"text": _cleaned(table[text]), "date": dates})
