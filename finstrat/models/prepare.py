"""From files of texts to parts that can be learnt from, developed on and tested on, without a leak.

Copies and near copies of a text never stand in two parts; every text that is left out is counted.
It knows no model; reading is `labelled`, splitting is `finstrat.validate.text_splits`.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from finstrat.data.frames import standard_name
from finstrat.errors import DataError, did_you_mean
from finstrat.models.labelled import Columns, Task, classes_of, moments, read_texts
from finstrat.text.near import SIMILARITY, near_groups
from finstrat.validate.text_splits import (
    PARTS,
    Shares,
    by_time,
    grouped,
    leaking,
    stratified,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

Way = Literal["stratified", "grouped", "time"]
REPORT = "data.json"
UNLABELLED = "unlabelled"
_ORIGIN = {"file": "from_file", "row": "from_row"}
_BANDS = 5  # of a regression's labels, each in every part


@dataclass(frozen=True)
class Plan:
    """How texts are divided.

    Attributes:
        way: by label, by whole groups, or by time.
        by: the column of the groups or of the times; a time's is found where it isn't named.
        shares: of the parts.
        similarity: from which two texts may not stand in two parts: see `finstrat.text.near`.
        seed: of the order in which texts or groups are dealt out.
    """

    way: Way = "stratified"
    by: str | None = None
    shares: Shares = field(default_factory=Shares)
    similarity: float = SIMILARITY
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Prepared:
    """Parts of a data set, by name (`unlabelled` among them, if any), and the report on them."""

    parts: dict[str, pd.DataFrame]
    report: dict[str, Any]

    def save(self, directory: Path) -> None:
        """Write `NAME.parquet` for each part, and `data.json`.

        File and row of a text become `from_file` and `from_row`: whoever reads a part adds its own.
        """
        for name, part in self.parts.items():
            buffer = io.BytesIO()
            part.rename(columns=_ORIGIN).to_parquet(buffer, index=False)
            (directory / f"{name}.parquet").write_bytes(buffer.getvalue())
        text = json.dumps(self.report, indent=1, ensure_ascii=False) + "\n"
        (directory / REPORT).write_text(text, encoding="utf-8")


def prepare(
    files: Sequence[Path], plan: Plan, *, task: Task = "classification", columns: Columns
) -> Prepared:
    """The parts of the texts in `files`.

    Texts without a label become `unlabelled`, less those near a text of validation or test, so
    that nothing trained on them has seen those. Where no text has a label, the parts hold texts
    alone, stratified by nothing.

    Raises:
        DataError: a file, row or label can't be used, a class is alone or rare, or a part is empty.
        ConfigError: a setting is out of range.
    """
    if plan.by is not None:
        plan = replace(plan, by=standard_name(plan.by))
    frame, counts = read_texts(files, task=task, columns=columns)
    labelled = frame["label"].notna().to_numpy()
    alone = not labelled.any()
    classes = classes_of(list(frame["label"][labelled])) if _by_class(task, alone) else ()
    groups = near_groups(list(frame["text"]), similarity=plan.similarity)
    mine = np.ones(len(frame), dtype=bool) if alone else labelled
    part = np.full(len(frame), -1, dtype=np.int64)
    part[mine] = _dealt(frame[mine], groups[mine], plan, task=task, alone=alone)
    leaks = np.zeros(len(frame), dtype=bool)
    leaks[mine] = leaking(part[mine], groups[mine])
    judged = groups[mine & (part > 0)]
    leaks |= ~mine & np.isin(groups, judged)
    counts = {**counts, "near_copies_across_parts": int(leaks.sum()), "kept": int((~leaks).sum())}
    parts = {
        name: frame[(part == number) & ~leaks].reset_index(drop=True)
        for number, name in enumerate(PARTS)
        if plan.shares.parts[number] > 0
    }
    for name, each in parts.items():
        if each.empty:
            raise DataError(
                f"the part {name} is empty: {len(frame)} texts in {len(set(groups[mine]))} groups "
                f"don't suffice for a {plan.way} split; change --shares or --split"
            )
    if classes:
        classes_of(list(parts["train"]["label"]))
    if not mine.all():
        parts[UNLABELLED] = frame[~mine & ~leaks].reset_index(drop=True)
    sizes = np.bincount(groups, minlength=1)
    return Prepared(
        parts={
            name: each.drop(columns="label") if alone or name == UNLABELLED else each
            for name, each in parts.items()
        },
        report={
            "files": [{"file": file.name, "sha256": _sha256(file)} for file in files],
            "task": task,
            "classes": list(classes),
            "counts": counts,
            "near_copies": {
                "similarity": plan.similarity,
                "groups": int((sizes > 1).sum()),
                "texts": int(sizes[sizes > 1].sum()),
            },
            "split": {
                "way": plan.way,
                "by": plan.by,
                "shares": list(plan.shares.parts),
                "seed": plan.seed,
            },
            "parts": {name: described(each, task=task) for name, each in parts.items()},
        },
    )


def described(part: pd.DataFrame, *, task: Task) -> dict[str, Any]:
    """Number, classes, lengths and period of some texts, as plain data."""
    words = np.array([len(text.split()) for text in part["text"]])
    letters = part["text"].str.len().to_numpy()
    told: dict[str, Any] = {
        "n": len(part),
        "words": _quantiles(words),
        "characters": _quantiles(letters),
    }
    labels = part["label"].dropna()
    if len(labels) and task == "classification":
        told["classes"] = {str(name): int(n) for name, n in labels.value_counts().items()}
    elif len(labels):
        told["labels"] = _quantiles(labels.to_numpy(dtype=np.float64))
    try:
        times = moments(part)
    except DataError:  # a column that is called like a time and holds none
        times = None
    if times is not None and len(times):
        told["first"] = f"{times.min():%Y-%m-%d}"
        told["last"] = f"{times.max():%Y-%m-%d}"
    return told


def _by_class(task: Task, alone: bool) -> bool:  # noqa: FBT001 - one condition, named
    return task == "classification" and not alone


def _dealt(
    frame: pd.DataFrame,
    groups: NDArray[np.int64],
    plan: Plan,
    *,
    task: Task,
    alone: bool,
) -> NDArray[np.int64]:
    """The part of each text."""
    if plan.way == "time":
        times = moments(frame, plan.by)
        if times is None:
            raise DataError(
                "a split by time needs a column of dates, like known_at; name it by --by"
            )
        return by_time(
            times.dt.tz_localize(None).to_numpy().astype("datetime64[ns]").astype(np.int64),
            plan.shares,
        )
    if plan.way == "grouped":
        if plan.by is None or plan.by not in frame:
            hint = did_you_mean(plan.by or "", [str(name) for name in frame if name != "text"])
            raise DataError(f"a grouped split needs --by with the column of the groups{hint}")
        if frame[plan.by].isna().any():
            at = frame.iloc[int(frame[plan.by].isna().to_numpy().argmax())]
            raise DataError(f"{at['file']}: row {at['row']}: {plan.by} is missing; groups need one")
        return grouped(list(frame[plan.by]), plan.shares, seed=plan.seed)
    stratum: Sequence[object] = list(frame["label"])
    if alone:
        stratum = [""] * len(frame)
    elif task == "regression":
        ranks = frame["label"].rank(method="first").to_numpy()
        stratum = [int(each) for each in np.ceil(ranks * _BANDS / len(frame))]
    return stratified(stratum, groups, plan.shares, seed=plan.seed)


def _quantiles(values: NDArray[Any]) -> dict[str, float]:
    if not len(values):
        return {}
    names = {"least": 0.0, "median": 0.5, "95 %": 0.95, "most": 1.0}
    return {name: round(float(np.quantile(values, at)), 4) for name, at in names.items()}


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
