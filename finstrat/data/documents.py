"""Texts with their times: one row a document, an asset and a version.

The table is an Arrow one, so it streams and costs no Python object per row. Nothing here reads
the text; nothing here knows sessions (`align` does).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from finstrat.data.frames import require_columns, require_utc, require_values, whole_numbers
from finstrat.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from finstrat.data.clock import Span
    from finstrat.data.finding import Finding

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("asset", pa.string()),
        pa.field("event_at", pa.timestamp("ns", tz="UTC"), nullable=False),
        pa.field("known_at", pa.timestamp("ns", tz="UTC"), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("version", pa.int64(), nullable=False),
    ]
)


@dataclass(frozen=True, eq=False)
class AssetCodes:
    """Which of `names` each row is about, int64 `[D]`; -1 for the market."""

    codes: NDArray[np.int64]
    names: tuple[str, ...]


T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Wording:
    """Texts apart from their places, so that what they say is worked out once.

    Attributes:
        texts: the raw texts.
        places: which of them each document carries, int64 `[D]`.
        found: what was worked out from `texts`, by name.
    """

    texts: list[str]
    places: NDArray[np.int64]
    found: dict[str, Any] = field(default_factory=dict)

    def once(self, name: str, compute: Callable[[list[str]], T]) -> T:
        """`compute(texts)`, computed by the first who asks for `name`; not to be written to."""
        if name not in self.found:
            self.found[name] = compute(self.texts)
        result: T = self.found[name]
        return result


@dataclass(frozen=True, eq=False)
class Documents:
    """Documents ordered by `known_at`, then id, asset and version; D rows.

    `asset` is null for a text about the market as a whole. `version` rises where a document was
    corrected; the correction is known from its own `known_at`.
    """

    table: pa.Table
    findings: tuple[Finding, ...] = ()

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, *, where: str, findings: tuple[Finding, ...] = ()
    ) -> Documents:
        """Documents out of a frame with the columns of `SCHEMA`, checked.

        `asset`, `kind` and `version` may be absent (market-wide, "text", 1). `where` names the
        file or source in errors.

        Raises:
            DataError: a column or cell is missing, a stamp has no zone, or two rows share id,
                asset and version.
        """
        require_columns(frame, ("id", "event_at", "known_at", "text"), where=where)
        require_values(frame, ("id", "text"), where=where)
        full = pd.DataFrame(
            {
                "id": frame["id"].astype(str),
                "asset": None,
                "event_at": require_utc(frame, "event_at", where=where),
                "known_at": require_utc(frame, "known_at", where=where),
                "kind": "text",
                "text": frame["text"].astype(str),
                "version": 1,
            },
            index=frame.index,
        )
        if "asset" in frame:
            named = frame["asset"].notna()
            full["asset"] = frame["asset"].astype(str).astype(object).where(named, None)
        if "kind" in frame:
            require_values(frame, ("kind",), where=where)
            full["kind"] = frame["kind"].astype(str)
        if "version" in frame:
            full["version"] = whole_numbers(frame, "version", where=where)
        repeated = full.duplicated(["id", "asset", "version"])
        if repeated.any():
            row = int(np.argmax(repeated.to_numpy()))
            raise DataError(
                f'{where}: row {row + 1}: document "{full["id"].iloc[row]}" appears twice with the '
                "same asset and version; give a correction a higher version"
            )
        full = full.sort_values(["known_at", "id", "asset", "version"], kind="stable")
        table = pa.Table.from_pandas(full, schema=SCHEMA, preserve_index=False)
        return cls(table.replace_schema_metadata(None), findings)

    @classmethod
    def empty(cls) -> Documents:
        """No document at all."""
        return cls(SCHEMA.empty_table())

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def texts(self) -> list[str]:
        """The raw texts, D of them."""
        result: list[str] = self.table.column("text").to_pylist()
        return result

    @cached_property
    def wording(self) -> Wording:
        """The texts, shared by documents that `with_texts_of` made of these."""
        return Wording(self.texts, np.arange(len(self)))

    @cached_property
    def compared(self) -> dict[str, Any]:
        """What was worked out by comparing the texts about one asset, by name.

        Documents that `about_others` made share it, since their texts stay together.
        """
        return {}

    @cached_property
    def ids(self) -> list[str]:
        """The document ids, D of them."""
        result: list[str] = self.table.column("id").to_pylist()
        return result

    @cached_property
    def id_codes(self) -> NDArray[np.int64]:
        """The same as numbers, `[D]`: equal where the ids are."""
        encoded = self.table.column("id").combine_chunks().dictionary_encode()
        codes: NDArray[np.int64] = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        codes.flags.writeable = False
        return codes

    @cached_property
    def assets(self) -> list[str | None]:
        """The asset each row is about, None for the market; D of them."""
        result: list[str | None] = self.table.column("asset").to_pylist()
        return result

    @cached_property
    def asset_codes(self) -> AssetCodes:
        """The same as numbers, for arithmetic on many rows."""
        encoded = self.table.column("asset").combine_chunks().dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        codes.flags.writeable = False
        return AssetCodes(codes, tuple(encoded.dictionary.to_pylist()))

    @cached_property
    def kinds(self) -> list[str]:
        """What sort of text each row is, like "news" or "tweet"; D of them."""
        result: list[str] = self.table.column("kind").to_pylist()
        return result

    @cached_property
    def in_time(self) -> NDArray[np.int64]:
        """The rows in the order in which they became visible, int64 `[D]`.

        By the later of `event_at` and `known_at`, then `known_at`, id and version: whatever the
        order of the table.
        """
        # pandas sorts an object array of strings by Python's own order, without a copy of fixed
        # width for every id.
        frame = pd.DataFrame(
            {
                "visible": self.visible_at,
                "known_at": self.known_at,
                "id": self.ids,
                "version": self.table.column("version").to_numpy(),
            }
        )
        order = frame.sort_values(["visible", "known_at", "id", "version"], kind="stable").index
        result: NDArray[np.int64] = order.to_numpy(np.int64)
        return result

    @cached_property
    def event_at(self) -> NDArray[np.datetime64]:
        """When the event happened, `[D]` UTC `datetime64[ns]`."""
        return self._moments("event_at")

    @cached_property
    def known_at(self) -> NDArray[np.datetime64]:
        """When the text could first be read, `[D]` UTC `datetime64[ns]`."""
        return self._moments("known_at")

    @cached_property
    def visible_at(self) -> NDArray[np.datetime64]:
        """When each document may count, `[D]`: the later of `event_at` and `known_at`."""
        result: NDArray[np.datetime64] = np.maximum(self.event_at, self.known_at)
        result.flags.writeable = False
        return result

    def _moments(self, name: str) -> NDArray[np.datetime64]:
        whole = self.table.column(name).cast(pa.int64()).to_numpy()
        result: NDArray[np.datetime64] = whole.astype("datetime64[ns]")
        result.flags.writeable = False
        return result

    def frame(self) -> pd.DataFrame:
        """The rows as a pandas frame."""
        result: pd.DataFrame = self.table.to_pandas()
        return result

    def take(self, keep: NDArray[np.bool_]) -> Documents:
        """The rows where `keep` is True."""
        return Documents(self.table.filter(pa.array(keep)), self.findings)

    def within(self, span: Span, assets: Sequence[str] | None = None) -> Documents:
        """The documents known on the dates of `span`, in UTC.

        With `assets`, those about them or about the market; without, about anything.
        """
        days = self.known_at.astype("datetime64[D]")
        keep = (days >= np.datetime64(span.start)) & (days <= np.datetime64(span.end))
        if assets is not None:
            wanted = {None, *assets}
            keep &= np.fromiter((asset in wanted for asset in self.assets), bool, len(self))
        return self.take(keep)

    def visible_before(self, moment: np.datetime64) -> Documents:
        """The documents that may count at a cutoff: `max(event_at, known_at) < moment`."""
        return self.take(self.visible_at < moment)

    def with_texts(self, texts: Sequence[str]) -> Documents:
        """The same documents, the i-th carrying the i-th of `texts`."""
        return self._with_text_column(pa.chunked_array([pa.array(texts, pa.string())]))

    def with_texts_of(self, order: NDArray[np.int64]) -> Documents:
        """The same documents, the i-th carrying the text of the `order[i]`-th."""
        other = self._with_text_column(self.table.column("text").take(pa.array(order)))
        other.__dict__["wording"] = replace(self.wording, places=self.wording.places[order])
        return other

    def about_others(self, others: Mapping[str, str]) -> Documents:
        """The same documents, each about the asset that `others` names instead of its own.

        Rows stay where they are, so those of one document may no longer be ordered by asset.
        """
        own = self.asset_codes
        names = tuple(others.get(name, name) for name in own.names)
        # The code -1, the market, finds the null at the end.
        column = pa.array([*names, None], pa.string()).take(pa.array(own.codes % (len(names) + 1)))
        place = self.table.schema.get_field_index("asset")
        table = self.table.set_column(place, SCHEMA.field("asset"), column)
        other = Documents(table, self.findings)
        kept = _TEXTLESS - {"assets", "asset_codes"} | {"texts", "wording"}
        other.__dict__.update({name: vars(self)[name] for name in kept & set(vars(self))})
        other.__dict__.update(asset_codes=AssetCodes(own.codes, names), compared=self.compared)
        return other

    def _with_text_column(self, texts: pa.ChunkedArray) -> Documents:
        place = self.table.schema.get_field_index("text")
        table = self.table.set_column(place, SCHEMA.field("text"), texts)
        other = Documents(table, self.findings)
        # What was read off the other columns holds for these documents too.
        other.__dict__.update({name: self.__dict__[name] for name in _TEXTLESS & set(vars(self))})
        return other

    def digest(self) -> str:
        """A sha256 over every row."""
        sha = hashlib.sha256()
        for name in SCHEMA.names:
            column = self.table.column(name)
            if pa.types.is_timestamp(column.type):
                column = column.cast(pa.int64())
            # repr keeps "a","b" apart from "ab","" and None apart from "None".
            text = pc.cast(column, pa.string()).to_pylist()
            sha.update(repr((name, text)).encode("utf-8", "surrogatepass"))
        return sha.hexdigest()


_TEXTLESS = {
    "ids",
    "id_codes",
    "assets",
    "asset_codes",
    "kinds",
    "in_time",
    "event_at",
    "known_at",
    "visible_at",
}
"""Properties that say nothing of the text."""
