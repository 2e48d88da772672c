"""Texts in a file, a batch of rows at a time; a row that can't be read is set aside.

Reads CSV, JSON lines and Parquet. It counts rows from 1, the header left out, looks at the text and
the id alone, and never guesses: what it can't decode or tell apart it says.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from finstrat.data.frames import SUFFIXES, standard_name
from finstrat.errors import ConfigError, DataError, did_you_mean

if TYPE_CHECKING:
    from _csv import Reader as CsvReader
    from collections.abc import Callable, Iterator
    from pathlib import Path

BATCH_ROWS = 16_384
BATCH_CHARACTERS = 32_000_000
"""A batch ends with whichever comes first, so that long documents don't fill the memory."""

_EXCERPT = 200
# How "surrogateescape" hands on a byte that isn't UTF-8.
_UNDECODED = re.compile("[\udc80-\udcff]")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins like UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class BadRow:
    """A row that can't be read: its number, why, and how it begins."""

    row: int
    reason: str
    excerpt: str


@dataclass
class TextRows:
    """Some rows of a file.

    Attributes:
        rows: their numbers.
        ids: their ids; None where there is none.
        texts: as they came; "" where there is none.
        bad: rows among them that can't be read, and aren't in the other lists.
        read: share of the file read with them, 0 to 1.
    """

    rows: list[int] = field(default_factory=list)
    ids: list[str | None] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    read: float = 0.0
    characters: int = 0

    def add(self, row: int, name: str | None, text: str) -> None:
        """One more row."""
        self.rows.append(row)
        self.ids.append(name)
        self.texts.append(text)
        self.characters += len(text)

    def refuse(self, row: int, reason: str, excerpt: str) -> None:
        """One more row that can't be read."""
        shown = excerpt[:_EXCERPT].encode("utf-8", "backslashreplace").decode()
        self.bad.append(BadRow(row, reason, shown))

    @property
    def full(self) -> bool:
        """Whether the batch should end here."""
        rows = len(self.rows) + len(self.bad)
        return rows >= BATCH_ROWS or self.characters >= BATCH_CHARACTERS


class TextFile:
    """A file with a text in each row.

    Attributes:
        path: CSV, JSON lines (both may be gzipped) or Parquet, as the suffix says.
        text_column: of the text, found by its standard name too.
        id_column: of the id; by default "id" where there is one.
        encoding: of CSV and JSON lines; by default what the byte-order mark says, else UTF-8.

    Raises:
        DataError: the file is absent, empty, of another kind, or can't be read as what it claims.
        ConfigError: it lacks a column that was asked for.
    """

    def __init__(
        self,
        path: Path,
        *,
        text_column: str = "text",
        id_column: str | None = None,
        encoding: str | None = None,
    ) -> None:
        if not path.name.lower().endswith(SUFFIXES):
            raise DataError(f"{path}: unknown kind of file; supported: {', '.join(SUFFIXES)}")
        if not path.is_file():
            raise DataError(f"{path}: no such file")
        if path.stat().st_size == 0:
            raise DataError(f"{path}: the file is empty")
        self.path = path
        self.text_column = text_column
        self.id_column = id_column
        self.kind = path.name.lower().removesuffix(".gz").rpartition(".")[2]
        self.encoding = None if self.kind == "parquet" else encoding or self._detected()

    def batches(self) -> Iterator[TextRows]:
        """The rows, in the file's order.

        Raises:
            DataError: from some row on nothing can be told apart.
            ConfigError: a column isn't there.
        """
        reader = {"csv": self._csv, "jsonl": self._json_lines, "parquet": self._parquet}[self.kind]
        try:
            yield from reader()
        except UnicodeError as error:
            raise DataError(f"{self.path}: not {self.encoding}: {error}") from None
        except (pa.ArrowException, OSError, EOFError) as error:
            raise DataError(f"{self.path}: can't be read as {self.kind}: {error}") from None

    def _csv(self) -> Iterator[TextRows]:
        batch = TextRows()
        with self._lines() as (lines, share):
            records = self._records(csv.reader(lines, strict=True))
            header = next(records)
            assert not isinstance(header, str)
            text, name = self._columns(header)
            for row, cells in enumerate(records, start=1):
                if isinstance(cells, str):
                    batch.refuse(row, cells, "")
                elif len(cells) != len(header):
                    problem = f"{len(cells)} cells, the header has {len(header)}"
                    batch.refuse(row, problem, ",".join(cells))
                else:
                    known_as = "" if name is None else cells[name]
                    undecoded = _undecoded(cells[text]) or _undecoded(known_as)
                    if undecoded:
                        batch.refuse(row, undecoded, cells[text])
                    else:
                        batch.add(row, known_as or None, cells[text])
                if batch.full:
                    batch.read = share()
                    yield batch
                    batch = TextRows()
        batch.read = 1.0
        yield batch

    def _records(self, reader: CsvReader) -> Iterator[list[str] | str]:
        """The cells of the header and of each row, or what is wrong with the row."""
        csv.field_size_limit(sys.maxsize)
        at_header = True
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                if at_header:
                    raise DataError(f"{self.path}: the file is blank") from None
                return
            except csv.Error as error:
                if at_header:
                    raise DataError(f"{self.path}: the header can't be read: {error}") from None
                if "unexpected end" in str(error):
                    raise DataError(
                        f"{self.path}: a quote is opened on line {line} or after it and never "
                        "closed, so that no row from there on can be told apart"
                    ) from None
                yield f"line {line}: {str(error).partition(' - ')[0]}"
                continue
            if cells:  # the reader's answer to a blank line is an empty row
                yield cells
                at_header = False

    def _json_lines(self) -> Iterator[TextRows]:
        batch = TextRows()
        row = 0
        with self._lines() as (lines, share):
            for line in lines:
                if not line.strip():
                    continue
                row += 1
                try:
                    batch.add(row, *self._of_object(line))
                except ValueError as error:  # those of JSON and of Unicode are of this kind too
                    batch.refuse(row, str(error), line)
                if batch.full:
                    batch.read = share()
                    yield batch
                    batch = TextRows()
        batch.read = 1.0
        yield batch

    def _of_object(self, line: str) -> tuple[str | None, str]:
        """Id and text of one line of JSON; a ValueError says what is wrong."""
        if undecoded := _undecoded(line):
            raise _UnreadableError(undecoded)
        try:
            given = json.loads(line)
        except RecursionError:
            raise _UnreadableError("nested too deeply") from None
        if not isinstance(given, dict):
            raise _UnreadableError(f"expected an object, got {_kind(given)}")
        text = _member(given, self.text_column)
        if text is _ABSENT:
            raise _UnreadableError(f'no "{self.text_column}"')
        name = _member(given, self.id_column or "id")
        if name is _ABSENT:
            name = None
        if text is not None and not isinstance(text, str):
            raise _UnreadableError(f'"{self.text_column}" is {_kind(text)}, expected a string')
        if name is not None and (isinstance(name, bool) or not isinstance(name, str | int)):
            raise _UnreadableError(
                f'"{self.id_column or "id"}" is {_kind(name)}, expected a string or an integer'
            )
        if name is not None:
            name = str(name)
            name.encode()
        return name, text or ""

    def _parquet(self) -> Iterator[TextRows]:
        with pq.ParquetFile(self.path) as file:
            schema = file.schema_arrow
            text, name = self._columns(schema.names)
            wanted = [schema.names[text], *([] if name is None else [schema.names[name]])]
            if not _holds_strings(schema.field(wanted[0]).type):
                kind = schema.field(wanted[0]).type
                raise DataError(f"{self.path}: column {wanted[0]} holds {kind}, expected strings")
            batch = TextRows()
            row = 0
            total = max(1, file.metadata.num_rows)
            for part in file.iter_batches(batch_size=1_024, columns=wanted):
                texts = part.column(wanted[0])
                names: list[str | None] = [None] * len(part)
                if name is not None:
                    names = _strings(part.column(wanted[1]))
                for text_of_row, name_of_row in zip(_bytes_of(texts), names, strict=True):
                    row += 1
                    try:
                        batch.add(row, name_of_row, text_of_row.decode())
                    except UnicodeDecodeError as error:
                        batch.refuse(row, f"not UTF-8: {error.reason}", repr(text_of_row))
                if batch.full:
                    batch.read = row / total
                    yield batch
                    batch = TextRows()
        batch.read = 1.0
        yield batch

    def _columns(self, names: list[str]) -> tuple[int, int | None]:
        """Where text and id stand among the columns."""
        standard = [standard_name(name) for name in names]

        def place(wanted: str) -> int | None:
            for known, asked in ((names, wanted), (standard, standard_name(wanted))):
                if known.count(asked) > 1:
                    raise DataError(f"{self.path}: {known.count(asked)} columns are called {asked}")
                if asked in known:
                    return known.index(asked)
            return None

        text, name = place(self.text_column), place(self.id_column or "id")
        for wanted, found, option in (
            (self.text_column, text, "--text"),
            (self.id_column, name, "--id"),
        ):
            if wanted is not None and found is None:
                hint = did_you_mean(wanted, names)
                raise ConfigError(f"{self.path}: no column {wanted}{hint} (choose by {option})")
        assert text is not None
        return text, name

    def _detected(self) -> str:
        """The encoding that the file's beginning shows."""
        try:
            with gzip.open(self.path) if self._zipped else self.path.open("rb") as file:
                start = file.read(1_024)
        except (OSError, EOFError) as error:
            raise DataError(f"{self.path}: can't be read: {error}") from None
        for mark, encoding in _MARKS:
            if start.startswith(mark):
                return encoding
        if start.count(0) > len(start) / 4:
            order = "le" if start[1::2].count(0) > start[::2].count(0) else "be"
            raise DataError(
                f"{self.path}: looks like UTF-16 without a byte-order mark; "
                f"try --encoding utf-16-{order}"
            )
        return "utf-8"

    @property
    def _zipped(self) -> bool:
        return self.path.name.lower().endswith(".gz")

    def _lines(self) -> _Lines:
        assert self.encoding is not None
        return _Lines(self.path, self.encoding, zipped=self._zipped)


class _UnreadableError(ValueError):
    """What is wrong with a row."""


class _Lines:
    """The lines of a file, and the share of it that is read, as a context manager.

    A line ends with a line feed. A carriage return alone, where a writer forgot its quotes, then
    spoils its row instead of cutting the text short.
    """

    def __init__(self, path: Path, encoding: str, *, zipped: bool) -> None:
        self._size = path.stat().st_size
        # Bytes that aren't UTF-8 spoil their row; in other encodings the rest of the file.
        errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise ConfigError(f'--encoding: "{encoding}" is unknown') from None
        self._raw = path.open("rb")
        binary = gzip.GzipFile(fileobj=self._raw) if zipped else self._raw
        self._text = io.TextIOWrapper(binary, encoding=encoding, errors=errors, newline="\n")

    def __enter__(self) -> tuple[Iterator[str], Callable[[], float]]:
        return iter(self._text), lambda: min(1.0, self._raw.tell() / self._size)

    def __exit__(self, *_error: object) -> None:
        self._text.close()
        self._raw.close()


_ABSENT = object()


def _member(given: dict[str, Any], name: str) -> Any:  # noqa: ANN401 - any JSON value
    """A member by its name, or by a name of the same meaning."""
    if name in given:
        return given[name]
    wanted = standard_name(name)
    return next((value for key, value in given.items() if standard_name(key) == wanted), _ABSENT)


def _undecoded(text: str) -> str | None:
    """What is wrong with a text that held a byte which isn't UTF-8."""
    found = None if text.isascii() else _UNDECODED.search(text)
    return f"not UTF-8: byte 0x{ord(found[0]) - 0xDC00:02x}" if found else None


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a string" if isinstance(value, str) else "a number")


def _holds_strings(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _bytes_of(column: pa.Array) -> Iterator[bytes]:
    """The texts as they lie in the file: Parquet's writer need not have checked them."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    for value in column.cast(pa.large_binary()).to_pylist():
        yield value or b""


def _strings(column: pa.Array) -> list[str | None]:
    """Ids as strings; integers keep every digit."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not (pa.types.is_integer(column.type) or _holds_strings(column.type)):
        raise DataError(f"ids are of type {column.type}; expected strings or integers")
    found: list[str | None] = column.cast(pa.string()).to_pylist()
    return found
