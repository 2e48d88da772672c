"""The texts of an update, what models say of those that nobody learnt, and the card of the result.

Old and new are told apart by date: what is of the first day of the new texts or later is new.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from finstrat.errors import DataError
from finstrat.models.cutoff import Cutoff, latest
from finstrat.models.forgetting import Every, judged, periods
from finstrat.models.labelled import moments, read_texts, require_apart, require_known
from finstrat.models.seen import require_unseen as require_new_to
from finstrat.models.update import Lesson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    import torch
    from numpy.typing import NDArray

    from finstrat.models.labelled import Columns
    from finstrat.models.trained import Trained
    from finstrat.models.update import Settings

_FIGURES = ("training", "cross_validation", "development", "evaluation", "update", "files")
"""What a card says of the model as it was, and not of what became of it."""


@dataclass(frozen=True, eq=False)
class Period:
    """Labelled texts of some files.

    Attributes:
        frame: with `text`, `label`, `file`, and the files' own columns.
        lesson: the same to learn from.
        days: each text's date, `datetime64[D]`, None where there is no column of dates.
        files: names and SHA-256.
    """

    frame: pd.DataFrame
    lesson: Lesson
    days: NDArray[np.datetime64] | None
    files: dict[str, str]

    @property
    def last(self) -> dt.date | None:
        """The last date, None where there are none."""
        return None if self.days is None else self.days.max().astype(dt.date)


def read_period(files: Sequence[Path], *, columns: Columns, model: Trained) -> Period:
    """The labelled texts of all files; their labels must be classes of `model`.

    Raises:
        DataError: a file can't be used, or a label isn't a class of the model.
    """
    frame, _ = read_texts(files, task="classification", columns=columns)
    frame = frame[frame["label"].notna()].reset_index(drop=True)
    classes = model.classes
    require_known(frame, classes, model=str(model.directory), names=columns.names)
    if frame.empty:
        raise DataError(f"{', '.join(map(str, files))}: no text with a label")
    times = moments(frame)
    numbers = {name: code for code, name in enumerate(classes)}
    return Period(
        frame=frame,
        lesson=Lesson(
            texts=list(frame["text"]),
            targets=np.array([numbers[each] for each in frame["label"]], dtype=np.int64),
        ),
        days=(
            None if times is None else times.dt.tz_localize(None).to_numpy().astype("datetime64[D]")
        ),
        files={each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in files},
    )


def require_unseen(unseen: Period, *learnt: Period, before: Path) -> None:
    """Refuse texts to be judged by that the update learns, or that the model `before` learnt.

    Raises:
        DataError: a text is in both.
    """
    require_new_to(before, unseen.lesson.texts)
    for each in learnt:
        require_apart(each.lesson.texts, unseen.lesson.texts, where="--judge")


def changes(
    said: Mapping[str, torch.Tensor], unseen: Period, new: Period, *, every: Every, seed: int
) -> list[dict[str, Any]]:
    """The figures of each model by period, plain data; "old" and "new" come last.

    `said` are probabilities `[D, K]`, those of the model as it was first.
    """
    names = {name: each.numpy().argmax(axis=1) for name, each in said.items()}
    truth = unseen.lesson.targets
    classes = next(iter(said.values())).shape[1]
    of = np.array(periods(unseen.frame, every))
    groups = {name: of == name for name in sorted(set(of))}
    if unseen.days is not None and new.days is not None:
        fresh = unseen.days >= new.days.min()
        groups |= {"old": ~fresh, "new": fresh}
    return [
        asdict(
            judged(
                {model: each[rows] for model, each in names.items()},
                truth[rows],
                name,
                classes=classes,
                seed=seed,
            )
        )
        for name, rows in groups.items()
        if rows.any()
    ]


def updated_card(
    before: Trained,
    new: Period,
    old: Period | None,
    settings: Settings,
    *,
    found: list[dict[str, Any]],
    licence: str | None,
) -> dict[str, Any]:
    """What is known of an updated model, as plain data.

    The training cutoff is the latest of the model's own and of the texts', None where one isn't
    known. Figures of the model as it was are left out: they are no longer its.
    """
    told = {key: value for key, value in before.head.card.items() if key not in _FIGURES}
    known = before.card(name=before.directory.name, version="")
    parts = [
        Cutoff(known.training_cutoff, known.cutoff_reason),
        *(
            Cutoff(each.last, "the last date of the texts that it was updated on")
            if each.last
            else Cutoff(None, "texts that it was updated on have no date")
            for each in (new, old)
            if each is not None
        ),
    ]
    cutoff = latest(parts)
    files = {**new.files, **(old.files if old else {})}
    return {
        **told,
        "summary": f"{known.summary}; updated on {', '.join(new.files)}",
        "training_data": [
            *known.training_data,
            *(f"{name}, sha256 {digest}" for name, digest in files.items()),
        ],
        "licence": licence or known.licence,
        "training_cutoff": cutoff.date.isoformat() if cutoff.date else None,
        "cutoff_reason": cutoff.reason,
        "limits": list(known.limits),
        "parent": {"name": before.directory.name, "sha256": before.fingerprint},
        "update": {
            **asdict(settings),
            "texts": {"new": len(new.lesson.texts), "old": len(old.lesson.texts) if old else 0},
            "periods": found,
        },
    }
