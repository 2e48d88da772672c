"""What companies reported to the SEC, point in time: company facts (JSON) and statement data sets.

Both read files that the user has downloaded from sec.gov. They arrange a file's rows; which tags
mean what, and what is a restatement, is `finstrat.data.reported`'s to say.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import re
import zipfile
from pathlib import Path  # noqa: TC003 - pydantic reads the annotation at run time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from finstrat.components import Component, FactSource
from finstrat.data import Finding
from finstrat.data.edgar import Companies, company_assets, disseminated, name_of
from finstrat.data.frames import read_table, require_columns, whole_numbers
from finstrat.data.items import ITEMS
from finstrat.data.reported import COLUMNS, facts_from_reports
from finstrat.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from finstrat.data import Facts, Span, Universe

PER_SHARE = tuple(item for item in ITEMS if item.unit == "money/shares")

SUB = ("adsh", "cik", "filed", "accepted")
NUM = ("adsh", "tag", "version", "ddate", "qtrs", "uom", "coreg", "value")
"""What is read of a data set's two tables; `segments` too, where a data set has it."""


class Reports(Component.Config):
    """Files, and whose they are.

    Attributes:
        path: of a file, or of a folder of them.
        companies: which company is which asset: a table `{ AAPL = 320193 }`, or the path of a
            file with the columns `asset` and `cik`. Without it an asset is "CIK0000320193".
    """

    path: Path
    companies: Companies | None = None


class SecCompanyFacts(FactSource):
    """XBRL company facts, one JSON file a company, as data.sec.gov gives them.

    The files state the date of filing alone: a fact is known at the end of that day in the
    exchange's zone.
    """

    name = "sec-company-facts"
    version = "1"

    class Config(Reports):
        """Which files."""

    config: Config

    def load(self, universe: Universe, span: Span) -> Facts:
        """The facts known until the end of `span`, under the names of `finstrat.data.items`.

        Raises:
            DataError: there is no such file, or one isn't what it claims to be.
        """
        assets = company_assets(self.config.companies)
        parts, undated = [], 0
        for path in _files(self.config.path, ("CIK*.json", "CIK*.json.gz")):
            cik, rows = _company(path, universe.currency)
            filed = pd.to_datetime(rows["filed"], format="%Y-%m-%d", errors="coerce")
            rows["known_at"] = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[ns, UTC]")
            undated += int(filed.isna().sum())
            rows.loc[filed.notna(), "known_at"] = universe.end_of_day(filed[filed.notna()])
            parts.append(_of_assets(rows.assign(cik=cik), assets))
        return _facts(parts, self.name, self.config, universe, span)


class SecStatements(FactSource):
    """The SEC's Financial Statement Data Sets, by the quarter.

    A fact is known from the filing's acceptance, stamped in Eastern time to the second. What EDGAR
    accepts after 17:30 carries a later filing date and counts from six in the morning of that day,
    when it is disseminated. Breakdowns (`segments`) and single registrants of a joint filing
    (`coreg`) are left out: an item is the whole company's.
    """

    name = "sec-statements"
    version = "1"

    class Config(Reports):
        """Which files."""

    config: Config

    def load(self, universe: Universe, span: Span) -> Facts:
        """The facts known until the end of `span`, under the names of `finstrat.data.items`.

        `path` is a data set's ZIP file, or a folder of ZIP files or of tables called `sub` and
        `num` (`2010q1.sub.parquet`, `num.txt`, …). Ends of periods are month ends, as the data
        sets round them.

        Raises:
            DataError: there is no such file, or a table or column is missing.
        """
        assets = company_assets(self.config.companies)
        parts = [
            _of_assets(_statements(sub, num, universe.currency), assets)
            for sub, num in _data_sets(self.config.path)
        ]
        return _facts(parts, self.name, self.config, universe, span)


def _company(path: Path, currency: str) -> tuple[int, pd.DataFrame]:
    """A company's number, and a row for each value in its file that may mean an item."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            given = json.load(file)
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"{path}: can't be read as JSON: {error}") from None
    try:
        cik, facts = int(given["cik"]), given["facts"]
        rows = [
            (tag, unit, *map(row.get, ("start", "end", "val", "accn", "filed")))
            for taxonomy in ("us-gaap", "dei")
            for tag, told in facts.get(taxonomy, {}).items()
            for unit, listed in told["units"].items()
            for row in listed
        ]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise DataError(
            f'{path}: expected company facts as data.sec.gov gives them ("cik", "facts", and by '
            'tag "units" with "end", "val", "accn" and "filed")'
        ) from None
    names = ["tag", "unit", "start", "period_end", "value", "filing", "filed"]
    frame = pd.DataFrame(rows, columns=names)
    frame["unit"] = _units(frame["unit"], currency)
    start, end = (
        pd.to_datetime(frame[name], format="%Y-%m-%d", errors="coerce").astype("datetime64[ns]")
        for name in ("start", "period_end")
    )
    # Both days belong to the period.
    days = ((end - start).dt.days + 1).where(frame["start"].notna(), 0)
    return cik, frame.assign(period_end=end, days=days)


def _statements(sub: pd.DataFrame, num: pd.DataFrame, currency: str) -> pd.DataFrame:
    """A row for each whole-company value of one data set."""
    whole = num["coreg"].isna()
    if "segments" in num:
        whole &= num["segments"].isna()
    standard = num["version"].astype(str).str.startswith(("us-gaap/", "dei/"))
    rows = num[whole & standard].merge(sub, on="adsh")
    quarters = pd.to_numeric(rows["qtrs"], errors="coerce")
    unit = _units(rows["uom"], currency)
    # The data sets give amounts a share in the currency alone.
    a_share = rows["tag"].isin([tag for item in PER_SHARE for tag in item.tags])
    return rows.assign(
        filing=rows["adsh"],
        unit=unit.mask(a_share & (unit == "money"), "money/shares"),
        days=quarters.map({0: 0, 1: 91, 2: 182, 3: 273, 4: 365}).fillna(-1),
        period_end=pd.to_datetime(
            rows["ddate"].astype(str), format="%Y%m%d", errors="coerce"
        ).astype("datetime64[ns]"),
        known_at=disseminated(
            pd.to_datetime(rows["accepted"].astype(str), format="ISO8601", errors="coerce"),
            pd.to_datetime(rows["filed"].astype(str), format="%Y%m%d", errors="coerce"),
        ),
    )


def _units(given: pd.Series, currency: str) -> pd.Series:
    """Units as `items` spells them; missing for another currency and for anything else."""
    known = {currency: "money", "shares": "shares", f"{currency}/shares": "money/shares"}
    return given.map(known)


def _of_assets(rows: pd.DataFrame, assets: pd.DataFrame | None) -> pd.DataFrame:
    """The rows under their assets' names; two assets of one company have the same facts."""
    if assets is None:
        named = rows.assign(asset=rows["cik"].map(name_of))
    else:
        named = rows.merge(assets, on="cik")
    return named[list(COLUMNS)]


def _facts(
    parts: Iterable[pd.DataFrame], source: str, config: Reports, universe: Universe, span: Span
) -> Facts:
    """The facts of all files together, about the universe's assets."""
    rows = pd.concat(list(parts), ignore_index=True)
    findings: tuple[Finding, ...] = ()
    if universe.assets is not None:
        found = set(rows["asset"])
        lacking = [name for name in universe.assets if name not in found]
        if len(lacking) == len(universe.assets):
            raise DataError(
                f"{config.path}: holds facts about none of the universe's assets "
                f"({', '.join(lacking[:3])}, …); say which company is which asset in the "
                f"source's option companies, like {{ {lacking[0]} = 320193 }}"
            )
        if lacking:
            detail = f"unknown throughout (first: {', '.join(lacking[:3])})"
            findings = (Finding(source, "asset without facts", len(lacking), detail, "warning"),)
        rows = rows[rows["asset"].isin(universe.assets)]
    facts = facts_from_reports(rows, source=source, where=str(config.path))
    known = dataclasses.replace(facts, findings=findings + facts.findings)
    return known.until(span.end, universe.assets)


def _files(path: Path, patterns: tuple[str, ...]) -> list[Path]:
    """The file itself, or the files of a folder that match, by name."""
    if path.is_dir():
        found = sorted({file for pattern in patterns for file in path.glob(pattern)})
        if found:
            return found
        raise DataError(f"{path}: holds no file like {' or '.join(patterns)}")
    if not path.is_file():
        raise DataError(f"{path}: no such file or folder")
    return [path]


def _data_sets(path: Path) -> Iterable[tuple[pd.DataFrame, pd.DataFrame]]:
    """The tables `sub` and `num` of every data set at `path`."""
    if not path.is_dir():
        yield _zipped(_files(path, ())[0])
        return
    names = re.compile(r"(?:(?P<set>.+)\.)?(?P<table>sub|num)\.(?:txt|tsv|parquet)")
    found: dict[str, dict[str, Path]] = {}
    zips = sorted(path.glob("*.zip"))
    for file in sorted(path.iterdir()):
        if match := names.fullmatch(file.name):
            found.setdefault(match["set"] or "", {})[match["table"]] = file
    if not zips and not found:
        raise DataError(f"{path}: holds no ZIP file and no tables called sub and num")
    for file in zips:
        yield _zipped(file)
    for name, tables in found.items():
        if len(tables) < len(("sub", "num")):
            only = next(iter(tables.values()))
            raise DataError(f"{only}: stands alone; a data set ({name}) has both sub and num")
        yield _read(tables["sub"], SUB), _read(tables["num"], NUM)


def _zipped(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The two tables in a data set's ZIP file."""
    try:
        with zipfile.ZipFile(path) as archive:
            tables = [
                _tab_separated(archive.open(name), f"{path}: {name}", columns)
                for name, columns in (("sub.txt", SUB), ("num.txt", NUM))
            ]
    except KeyError as error:
        raise DataError(f"{path}: not a financial statement data set: {error.args[0]}") from None
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{path}: can't be read as a ZIP file: {error}") from None
    return tables[0], tables[1]


def _read(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """One table that lies in a folder."""
    if path.suffix != ".parquet":
        return _tab_separated(path, str(path), columns)
    table = read_table(path)
    require_columns(table, columns, where=str(path))
    return _numbered(table, where=str(path))


def _tab_separated(file: Any, where: str, columns: tuple[str, ...]) -> pd.DataFrame:  # noqa: ANN401 - a path, or an open member
    """A table of the kind that the SEC writes: tabs, no quoting."""
    wanted: Callable[[str], bool] = {*columns, "segments"}.__contains__
    try:
        table = pd.read_csv(
            file, sep="\t", dtype=str, quoting=3, usecols=wanted, na_values=[""], encoding="utf-8"
        )
    except (ValueError, pd.errors.ParserError) as error:
        raise DataError(f"{where}: can't be read as tab-separated text: {error}") from None
    require_columns(table, columns, where=where)
    return _numbered(table, where=where)


def _numbered(table: pd.DataFrame, *, where: str) -> pd.DataFrame:
    """The table with companies as numbers, where it has companies."""
    if "cik" not in table:
        return table
    return table.assign(cik=whole_numbers(table, "cik", where=where).astype(np.int64))
