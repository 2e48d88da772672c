"""A folder of filings with the SEC as documents, each from the moment EDGAR showed it.

It reads files that the user has. Who filed one, and when, is told by an index, by EDGAR's header of
a whole submission, or by the file's name; a file that none of them tells about is left out.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - pydantic reads the annotation at run time
from typing import TYPE_CHECKING

import pandas as pd

from finstrat.components import Component, TextSource
from finstrat.data import Documents, Finding
from finstrat.data.edgar import Companies, company_assets, disseminated, name_of
from finstrat.data.frames import (
    read_table,
    require_columns,
    require_utc,
    require_values,
    with_standard_names,
)
from finstrat.errors import DataError
from finstrat.text.filing import parse_filing
from finstrat.text.filing_files import SUFFIXES, filing_text, is_filing_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from finstrat.data import Span, Universe

_HEADER = 8_000
_ACCEPTED = re.compile(r"<ACCEPTANCE-DATETIME>\s*(\d{14})")
_FILED = re.compile(r"FILED AS OF DATE:\s*(\d{8})")
_COMPANY = re.compile(r"CENTRAL INDEX KEY:\s*(\d{1,10})")
_NAMED = re.compile(
    r"(?P<asset>[A-Za-z][A-Za-z0-9.]*)-(?:10-?[KQ]|8-?K)(?:[-_]?A)?-(?P<day>\d{4}-\d{2}-\d{2})\.",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Filed:
    """One file: whose it is and since when it is known; None where that isn't told."""

    assets: tuple[str, ...]
    known_at: pd.Timestamp | None


class Filings(TextSource):
    """Filings of the kinds "10-K", "10-K/A", "10-Q", "10-Q/A", "8-K", "8-K/A" and "filing".

    A document's text is the filing's visible text, a line for each paragraph, heading or row of a
    table; its id is the file's name. Who filed it and when is told, in this order, by

    - `index`, a table with the columns `file`, `asset` and `known_at` (a moment with its zone, or a
      date, which is over when that day is);
    - the header of a whole submission as EDGAR has it: acceptance in Eastern time to the second,
      and the company's number, which `companies` turns into assets;
    - a name like `aapl-10-k-2024-11-01.html.gz`: ticker, form and date of filing.

    An index speaks for the folder: files that it doesn't list aren't read.
    """

    name = "filings"
    version = "1"

    class Config(Component.Config):
        """Which files, and whose they are.

        Attributes:
            path: of a folder with .html, .htm, .xhtml, .md or .txt files, each also as .gz.
            index: of a table file.
            companies: which company is which asset: a table `{ AAPL = 320193 }`, or the path of a
                file with the columns `asset` and `cik`.
        """

        path: Path
        index: Path | None = None
        companies: Companies | None = None

    config: Config

    def load(self, universe: Universe, span: Span) -> Documents:
        """The filings of the universe known within `span` (dates in UTC).

        Raises:
            DataError: the folder or a listed file is missing, or one can't be read.
        """
        folder = self.config.path
        if not folder.is_dir():
            raise DataError(f"{folder}: no such folder")
        files = self._indexed(universe) if self.config.index else self._told(folder, universe)
        first = pd.Timestamp(span.start, tz="UTC")
        after = pd.Timestamp(span.end, tz="UTC") + pd.Timedelta(days=1)
        rows, untold = [], []
        for name, filed in files.items():
            if filed.known_at is None or not filed.assets:
                untold.append(name)
                continue
            wanted = [
                asset
                for asset in filed.assets
                if universe.assets is None or asset in universe.assets
            ]
            if not wanted or not first <= filed.known_at < after:
                continue
            filing = parse_filing(filing_text(folder / name))
            kind = "filing" if filing.form == "other" else filing.form
            rows += [
                {
                    "id": name,
                    "asset": asset,
                    "event_at": filed.known_at,
                    "known_at": filed.known_at,
                    "kind": f"{kind}/A" if filing.amended else kind,
                    "text": filing.text,
                }
                for asset in wanted
            ]
        findings: tuple[Finding, ...] = ()
        if untold:
            detail = f"left out (first: {untold[0]}); an index can tell whose they are and when"
            findings = (
                Finding(self.name, "filing of nobody knows when", len(untold), detail, "warning"),
            )
        if not rows:
            return Documents(Documents.empty().table, findings)
        frame = pd.DataFrame(rows)
        for name in ("event_at", "known_at"):
            frame[name] = frame[name].astype("datetime64[ns, UTC]")
        return Documents.from_frame(frame, where=str(folder), findings=findings)

    def _indexed(self, universe: Universe) -> dict[str, _Filed]:
        """The files that the index lists."""
        assert self.config.index is not None
        where = str(self.config.index)
        table = with_standard_names(read_table(self.config.index), where=where)
        require_columns(table, ("file", "asset", "known_at"), where=where)
        require_values(table, ("file", "asset"), where=where)
        known_at = require_utc(table, "known_at", where=where, end_of_day=universe.end_of_day)
        found: dict[str, _Filed] = {}
        for name, asset, moment in zip(table["file"], table["asset"], known_at, strict=True):
            if not (self.config.path / name).is_file():
                raise DataError(f"{where}: lists {name}, which {self.config.path} hasn't")
            others = found[name].assets if name in found else ()
            found[name] = _Filed((*others, str(asset)), moment)
        return found

    def _told(self, folder: Path, universe: Universe) -> dict[str, _Filed]:
        """Every filing of the folder, by its header or its name."""
        paths = sorted(path for path in folder.iterdir() if is_filing_file(path))
        if not paths:
            raise DataError(f"{folder}: holds no file that ends in {', '.join(SUFFIXES)} (or .gz)")
        companies = company_assets(self.config.companies)
        by_number: dict[int, list[str]] = {}
        if companies is not None:
            for asset, cik in zip(companies["asset"], companies["cik"], strict=True):
                by_number.setdefault(int(cik), []).append(str(asset))
        found = {}
        for path in paths:
            if named := _NAMED.match(path.name):
                found[path.name] = _by_name(named, universe)
            else:
                found[path.name] = _by_header(filing_text(path)[:_HEADER], by_number)
        return found


def _by_name(named: re.Match[str], universe: Universe) -> _Filed:
    """What a name tells."""
    try:
        day = dt.date.fromisoformat(named["day"])
    except ValueError:
        return _Filed((), None)
    known_at = universe.end_of_day(pd.Series([pd.Timestamp(day)])).iloc[0]
    return _Filed((named["asset"].upper(),), known_at)


def _by_header(head: str, by_number: Mapping[int, Sequence[str]]) -> _Filed:
    """What the header of a whole submission tells."""
    accepted, filed, company = (each.search(head) for each in (_ACCEPTED, _FILED, _COMPANY))
    if accepted is None or company is None:
        return _Filed((), None)
    stamps = pd.to_datetime(pd.Series([accepted[1]]), format="%Y%m%d%H%M%S", errors="coerce")
    days = pd.to_datetime(
        pd.Series([filed[1] if filed else None], dtype=object), format="%Y%m%d", errors="coerce"
    )
    shown = disseminated(stamps, days).iloc[0]
    number = int(company[1])
    assets = by_number.get(number, () if by_number else (name_of(number),))
    return _Filed(tuple(assets), None if pd.isna(shown) else shown)
