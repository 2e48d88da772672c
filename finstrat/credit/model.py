"""A trained credit model as it is kept: applied to rows, saved without pickle, and read back.

A directory of four files: `card.json` (what a reader wants to know), `model.json` and
`model.safetensors` (what the probabilities follow from), `judged.parquet` (every borrower's
probability by a model that hadn't seen it). It knows how to apply a model, not how to train one.
"""

from __future__ import annotations

import hashlib
import io
import json
import secrets
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from finstrat.credit.bands import bands
from finstrat.credit.borrowers import Columns
from finstrat.credit.calibration import Calibration
from finstrat.credit.encoding import Encoding
from finstrat.credit.machines import arrays_of, kind_of, machine_from
from finstrat.credit.reasons import reasons
from finstrat.data.frames import require_columns
from finstrat.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from finstrat.credit.borrowers import Borrowers
    from finstrat.credit.machines import Machine

    Floats = NDArray[np.float64]

FORMAT = 1
_CARD, _MODEL, _ARRAYS, _JUDGED = "card.json", "model.json", "model.safetensors", "judged.parquet"
_SEEN = "seen"


@dataclass(frozen=True, eq=False)
class CreditScorecard:
    """A calibrated model with its bands.

    Attributes:
        columns: which column of a table is what, the target included.
        encoding, machine, calibration: how a row becomes a probability.
        edges: of the bands.
        typical: each feature's usual value, for reasons.
        seen: a hash of every row it was trained on.
        judged: what training judged: see `training.Trained`, with the band.
        card: plain JSON data: name, what it was trained on, how it was chosen and how it fared.
    """

    columns: Columns
    encoding: Encoding
    machine: Machine
    calibration: Calibration
    edges: tuple[float, ...]
    typical: dict[str, float | str | None]
    seen: NDArray[np.uint64]
    judged: pd.DataFrame
    card: dict[str, Any]

    @property
    def features(self) -> tuple[str, ...]:
        """The columns it needs."""
        return tuple(column.name for column in self.encoding.columns)

    def probability(self, features: pd.DataFrame) -> Floats:
        """Default probabilities `[D]`; NaN for a row of which nothing is known."""
        found = self.calibration.probability(self.machine.margin(self.encoding.matrix(features)))
        return np.where(features.isna().all(axis=1).to_numpy(), np.nan, found)

    def assess(self, borrowers: Borrowers, *, where: str) -> pd.DataFrame:
        """One row a borrower: entity, as_of (where there are dates), probability, band, reasons.

        Reasons are a list of sentences' parts, the strongest first.

        Raises:
            DataError: a column is missing, or holds text where the model knows numbers.
        """
        features = self.fitting(borrowers, where=where)
        chance = self.probability(features)
        told = [
            [str(each) for each in row] for row in reasons(self.probability, features, self.typical)
        ]
        unknown = "nothing is known of this borrower"
        table = pd.DataFrame({"entity": borrowers.entity})
        if borrowers.as_of is not None:
            table["as_of"] = borrowers.as_of.astype("datetime64[ns]")
        return table.assign(
            probability=chance,
            band=bands(chance, self.edges),
            reasons=pd.Series(
                [
                    row if known else [unknown]
                    for row, known in zip(told, ~np.isnan(chance), strict=True)
                ],
                dtype=object,
            ),
        )

    def fitting(self, borrowers: Borrowers, *, where: str) -> pd.DataFrame:
        """The features that it needs, of the kinds that it learnt.

        Raises:
            DataError: a column is missing, or holds text where the model knows numbers.
        """
        require_columns(borrowers.features, self.features, where=where)
        features = borrowers.features[list(self.features)]
        for column in self.encoding.columns:
            cells = features[column.name]
            if column.levels is not None:
                if pd.api.types.is_numeric_dtype(cells):
                    words = cells.map(lambda cell: f"{cell:g}", na_action="ignore")
                    features = features.assign(**{column.name: words.astype(object)})
            elif not pd.api.types.is_numeric_dtype(cells):
                first = cells.dropna().iloc[0]
                raise DataError(
                    f"{where}: {column.name} holds text ({first!r}); the model was trained on "
                    "numbers there"
                )
        return features

    def unfamiliar(self, features: pd.DataFrame) -> dict[str, int]:
        """How many cells of each column hold a category that training never saw."""
        found = {}
        for column in self.encoding.columns:
            if column.levels is not None:
                cells = features[column.name].dropna()
                count = int((~cells.isin(column.levels)).sum())
                if count:
                    found[column.name] = count
        return found

    def save(self, directory: Path) -> None:
        """Write the four files into `directory`, which appears when all are in it.

        Raises:
            DataError: there is something already.
        """
        if directory.exists():
            raise DataError(f"{directory}: exists already; name another directory, or remove it")
        directory.parent.mkdir(parents=True, exist_ok=True)
        temporary = directory.with_name(f".{directory.name}.{secrets.token_hex(4)}.part")
        temporary.mkdir()
        try:
            model = {
                "format": FORMAT,
                "columns": vars(self.columns),
                "encoding": self.encoding.to_dict(),
                "machine": kind_of(self.machine),
                "calibration": vars(self.calibration),
                "edges": list(self.edges),
                "typical": self.typical,
            }
            for name, content in ((_CARD, self.card), (_MODEL, model)):
                text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
                (temporary / name).write_text(text + "\n", encoding="utf-8")
            arrays = {**arrays_of(self.machine), _SEEN: self.seen}
            (temporary / _ARRAYS).write_bytes(save_arrays(arrays))
            buffer = io.BytesIO()
            self.judged.to_parquet(buffer, index=False)
            (temporary / _JUDGED).write_bytes(buffer.getvalue())
            temporary.rename(directory)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def load_scorecard(directory: Path) -> CreditScorecard:
    """The model stored in `directory`.

    Raises:
        DataError: a file is missing or damaged, or was written by a newer finstrat.
    """
    try:
        model = json.loads((directory / _MODEL).read_text(encoding="utf-8"))
        card = json.loads((directory / _CARD).read_text(encoding="utf-8"))
        arrays = load_arrays((directory / _ARRAYS).read_bytes())
        judged = pd.read_parquet(directory / _JUDGED)
        if model["format"] != FORMAT:
            raise DataError(
                f"{directory}: written in format {model['format']}, this finstrat reads {FORMAT}"
            )
        columns: dict[str, Any] = {
            key: tuple(each) if isinstance(each, list) else each
            for key, each in model["columns"].items()
        }
        return CreditScorecard(
            columns=Columns(**columns),
            encoding=Encoding.from_dict(model["encoding"]),
            machine=machine_from(model["machine"], arrays),
            calibration=Calibration(**model["calibration"]),
            edges=tuple(model["edges"]),
            typical=dict(model["typical"]),
            seen=arrays[_SEEN],
            judged=judged,
            card=card,
        )
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{directory}: expected a credit model ({_CARD}, {_MODEL}, {_ARRAYS}, {_JUDGED}): "
            f"{error!r}; train one with `finstrat credit train`"
        ) from error


def row_hashes(features: pd.DataFrame) -> NDArray[np.uint64]:
    """A hash of every row's features, the same in any table and on any machine."""
    lines = features.astype(object).where(features.notna(), None).to_numpy().tolist()
    return np.array(
        [
            int.from_bytes(hashlib.blake2b(repr(line).encode(), digest_size=8).digest(), "little")
            for line in lines
        ],
        dtype=np.uint64,
    )
