"""Texts with labels, read from table files, cleaned, and refused where a label can't be trusted.

It reads and checks; what is left out is counted, never guessed. It knows nothing of models, nor
which text is to be learnt from: that is `prepare` and `finstrat.validate.text_splits`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from finstrat.data.frames import (
    numbers,
    read_table,
    require_columns,
    standard_name,
    with_standard_names,
)
from finstrat.errors import DataError, did_you_mean
from finstrat.text.clean import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

Task = Literal["classification", "regression"]

FEWEST = 5
"""Texts of a class below which nothing can be learnt of it, or said about it."""

POLARITY = ("negative", "neutral", "positive")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")
_SHOWN = 5
"""Labels that a message lists."""

_OURS = ("file", "row")
"""Columns that are added, for messages and for whoever looks a text up."""
_TIMES = ("known_at", "date", "event_at", "created_at", "time", "year")


@dataclass(frozen=True)
class Columns:
    """Where text and label stand, and what the labels mean.

    Attributes:
        text, label: names of columns.
        names: a label as it is written to the class that it means; all classes where given.
    """

    text: str = "text"
    label: str = "label"
    names: Mapping[str, str] = field(default_factory=dict)


def read_texts(
    files: Sequence[Path], *, task: Task, columns: Columns | None = None
) -> tuple[pd.DataFrame, dict[str, int]]:
    """The rows of all files, cleaned, and a count of those left out.

    The frame has `text`, `label` (a class's name, a float64 in a regression, None or NaN where
    there is none), `weight` (1 where there is none), `file`, `row`, and every other column of the
    files. Left out are rows that hold nothing to read (`empty`), later copies of a text
    (`duplicates`), and all copies of a text whose labels disagree (`conflicting`).

    Raises:
        DataError: a file or row can't be used: see `checked_labels`.
    """
    told = columns or Columns()
    tables = []
    for file in files:
        table = with_standard_names(read_table(file), where=str(file))
        renamed = {standard_name(told.text): "text", standard_name(told.label): "label"}
        wanted = [name for name in renamed if name != "label"]
        require_columns(table, wanted, where=str(file))
        table = table.rename(columns={old: new for old, new in renamed.items() if old in table})
        for name in (*renamed.values(), *_OURS):
            if list(table.columns).count(name) > (name not in _OURS):
                raise DataError(f"{file}: a column is called {name} that isn't meant; rename it")
        if "label" not in table:
            table["label"] = None
        table["label"] = checked_labels(table, task=task, names=told.names, where=str(file))
        table["weight"] = numbers(table, "weight", where=str(file)) if "weight" in table else 1.0
        if not (table["weight"] > 0).all():
            row = int(np.argmin((table["weight"] > 0).to_numpy())) + 1
            raise DataError(f"{file}: row {row}: weight: expected a number above 0")
        table["text"] = [clean(text if isinstance(text, str) else "") for text in table["text"]]
        tables.append(table.assign(file=file.name, row=np.arange(1, len(table) + 1)))
    frame = pd.concat(tables, ignore_index=True)
    rows = len(frame)
    frame = frame[frame["text"] != ""]
    read = len(frame)
    disagreeing = frame.groupby("text")["label"].nunique().gt(1)
    frame = frame[~frame["text"].map(disagreeing)]
    agreed = len(frame)
    # A copy that has a label goes before one that hasn't.
    frame = frame.iloc[np.argsort(frame["label"].isna().to_numpy(), kind="stable")]
    frame = frame.drop_duplicates("text").sort_index().reset_index(drop=True)
    counts = {
        "rows": rows,
        "empty": rows - read,
        "conflicting": read - agreed,
        "duplicates": agreed - len(frame),
    }
    return frame, counts


def checked_labels(
    table: pd.DataFrame, *, task: Task, names: Mapping[str, str], where: str
) -> pd.Series:
    """The labels as classes' names or as float64; None or NaN where there is none.

    Raises:
        DataError: numbers where classes are wanted, text where numbers are, or a label that isn't
            in `names`.
    """
    given = table["label"]
    if task == "regression":
        if given.isna().all():
            return given.astype("float64")
        try:
            return numbers(table, "label", where=where)
        except DataError as error:
            raise DataError(
                f"{error}; labels of a regression are numbers; --task classification takes names"
            ) from None
    labels = given.map(_plain, na_action="ignore").astype(object)
    labels = labels.where(labels.notna(), None)
    known = labels.dropna()
    if names:
        strange = known[~known.isin(list(names))]
        if len(strange):
            hint = did_you_mean(strange.iloc[0], names)
            raise DataError(
                f"{where}: row {strange.index[0] + 1}: label {strange.iloc[0]!r} isn't among those "
                f"named by --label{hint}"
            )
        return labels.map(names, na_action="ignore").astype(object).where(labels.notna(), None)
    if len(known) and all(_NUMBER.fullmatch(label) for label in known.unique()):
        few = sorted(known.unique(), key=float)[:3]
        named = " ".join(f"--label {label}=NAME" for label in few)
        raise DataError(
            f"{where}: the labels are numbers ({', '.join(few)}), which don't say what they mean; "
            f"name them ({named}), or take them as numbers by --task regression"
        )
    return labels


def classes_of(labels: Sequence[str]) -> tuple[str, ...]:
    """The classes in a fixed order: negative, neutral, positive first, the others by name.

    Raises:
        DataError: only one class, none, or one with fewer than five texts.
    """
    counts = pd.Series(labels, dtype=object).value_counts()
    if len(counts) < 2:
        only = f'only "{counts.index[0]}"' if len(counts) else "no label at all"
        raise DataError(f"expected texts of two or more classes, got {only}; nothing can be learnt")
    if counts.min() < FEWEST:
        rarest = counts.index[-1]
        raise DataError(
            f'label "{rarest}": expected at least {FEWEST} texts, got {counts.min()}; add some, '
            "or join the class to another by --label"
        )
    return ordered_classes(counts.index)


def ordered_classes(names: Iterable[str]) -> tuple[str, ...]:
    """Negative, neutral, positive first, the others by name; each once."""
    known = set(names)
    return (
        *(name for name in POLARITY if name in known),
        *sorted(name for name in known if name not in POLARITY),
    )


def moments(frame: pd.DataFrame, column: str | None = None) -> pd.Series | None:
    """When each text is of, `datetime64[ns, UTC]`, or None where no column says so.

    The column is the one asked for, or the first of known_at, date, event_at, created_at, time and
    year. A bare year counts as its last day.

    Raises:
        DataError: the column asked for isn't there, or holds something else than times.
    """
    if column is None:
        column = time_column(frame)
        if column is None:
            return None
    require_columns(frame, [column], where="--by")
    given = frame[column]
    if not pd.api.types.is_datetime64_any_dtype(given):
        text = given.map(_plain, na_action="ignore").astype(str)
        given = text.str.replace(r"^(\d{4})$", r"\1-12-31", regex=True)
    parsed = pd.to_datetime(given, utc=True, format="ISO8601", errors="coerce")
    unread = parsed.isna()
    if unread.any():
        place = int(unread.to_numpy().argmax())
        at = frame.iloc[place]
        where = f"{at['file']}: row {at['row']}" if "file" in frame else f"row {place + 1}"
        raise DataError(
            f"{where}: {column} {at[column]!r} is no date like 2015-03-02 "
            f"({int(unread.sum())} rows)"
        )
    return parsed.dt.as_unit("ns")


def time_column(frame: pd.DataFrame) -> str | None:
    """The first of known_at, date, event_at, created_at, time and year that `frame` has."""
    return next((name for name in _TIMES if name in frame), None)


def require_known(
    frame: pd.DataFrame, classes: Sequence[str], *, model: str, names: Mapping[str, str]
) -> None:
    """Refuse a label of `frame` that isn't among the `classes` of `model`.

    `names` are those that labels were given already (see `Columns`).

    Raises:
        DataError: file and row of the first such label, and what to say.
    """
    strange = frame[~frame["label"].isin(list(classes))]
    if strange.empty:
        return
    at = strange.iloc[0]
    given = names or {each: each for each in ordered_classes(frame["label"])}
    said = [f"--label {old}={new if new in classes else 'CLASS'}" for old, new in given.items()]
    shown = said[:_SHOWN] + ["…"] * (len(said) > _SHOWN)
    raise DataError(
        f"{at['file']}: row {at['row']}: label {at['label']!r} is no class of {model}; "
        f"say what labels mean: {' '.join(shown)}{did_you_mean(at['label'], classes)}"
    )


def require_apart(train: Sequence[str], other: Sequence[str], *, where: str) -> None:
    """Refuse texts to be judged by that were learnt from.

    Raises:
        DataError: a text of `other` is in `train` too.
    """
    known = set(train)
    common = [text for text in other if text in known]
    if common:
        raise DataError(
            f"{where}: {len(common)} of {len(other)} texts are in the training data too, like "
            f"{common[0][:80]!r}; `finstrat model prepare` makes parts without a common text"
        )


def _plain(value: object) -> str:
    """A label as it is written: 1.0 out of a table with holes is 1."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()
