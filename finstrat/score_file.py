"""A file of texts to a file of scores, in memory for one batch of rows.

The file of scores appears when it is complete. It follows from the texts, the scorer and the code
alone: a job that was killed and run again writes the same bytes as one that ran through, and scores
nothing twice but what it had in flight, because finished scores lie in the cache.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from finstrat import __version__
from finstrat.errors import ConfigError, DataError
from finstrat.store import canonical_json, written_whole
from finstrat.text import CLEAN_VERSION, Cleaned, cleaned, language, raw_digest, score_documents
from finstrat.text.language import language_tagger

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from finstrat.components import Scorer
    from finstrat.data.text_files import BadRow, TextFile, TextRows
    from finstrat.text import ScoreCache

METADATA_KEY = b"finstrat"
"""Under which the Parquet file says where its scores come from, as JSON."""

CHANGES = Cleaned._fields[1:]
"""What cleaning counts; columns are called `clean_` and this."""


Progress = Callable[[float, int], None]
"""Told the share of the file that is done, 0 to 1, and the number of rows."""


@dataclass
class FileCounts:
    """What became of a file's rows.

    Attributes:
        rows: in the file.
        written: in the file of scores; the others are quarantined.
        quarantined: rows that couldn't be read.
        empty: rows with nothing to read after cleaning; their scores are NaN.
        changed: rows that cleaning changed (more than white space).
        scored, cached: distinct texts of each batch that were scored now, or found in the cache.
    """

    rows: int = 0
    written: int = 0
    quarantined: int = 0
    empty: int = 0
    changed: int = 0
    scored: int = 0
    cached: int = 0


def quarantine_path(out: Path) -> Path:
    """Where the rows are listed that couldn't be read: beside the scores."""
    return out.with_name(f"{out.stem}.quarantine.jsonl")


def score_file(
    source: TextFile,
    scorer: Scorer,
    out: Path,
    *,
    cache: ScoreCache,
    progress: Progress = lambda _share, _rows: None,
) -> FileCounts:
    """Write the scores of every row of `source` to the Parquet file `out`.

    Its columns: row, id, the scorer's outputs (float32, NaN = unknown), language, text_sha256 (of
    the raw text) and the counts of cleaning. Rows that can't be read are listed beside it.

    Raises:
        DataError: the source can't be read, or none of its rows can.
        ConfigError: `out` can't be written, or an output has the name of another column.
    """
    schema = _schema(scorer)
    counts = FileCounts()
    before = 0.0
    with ExitStack() as opened:
        # Closed in the opposite order: the scores appear last.
        file = opened.enter_context(_writable(out))
        writer = opened.enter_context(pq.ParquetWriter(file, schema, compression="zstd"))
        quarantine: BinaryIO | None = None
        for rows in source.batches():
            if rows.bad and quarantine is None:
                quarantine = opened.enter_context(_writable(quarantine_path(out)))
            for bad in rows.bad:
                assert quarantine is not None
                quarantine.write(_line(bad))
            counts.quarantined += len(rows.bad)
            counts.rows += len(rows.bad)
            if rows.rows:
                told = _progress_within(rows, progress, share=before, rows_before=counts.rows)
                writer.write_table(
                    _scored(rows, scorer, schema, cache=cache, counts=counts, progress=told)
                )
                counts.rows += len(rows.rows)
                counts.written += len(rows.rows)
            before = rows.read
            progress(before, counts.rows)
        if counts.written == 0:
            raise DataError(f"{source.path}: none of its {counts.rows} rows could be read")
        writer.add_key_value_metadata({METADATA_KEY: _provenance(source, scorer, counts)})
        if quarantine is None:
            quarantine_path(out).unlink(missing_ok=True)
    return counts


def _schema(scorer: Scorer) -> pa.Schema:
    fields = [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("id", pa.string()),
        *(pa.field(name, pa.float32(), nullable=False) for name in scorer.outputs),
        pa.field("language", pa.string()),
        pa.field("text_sha256", pa.string(), nullable=False),
        *(pa.field(f"clean_{name}", pa.int32(), nullable=False) for name in CHANGES),
    ]
    names = [each.name for each in fields]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(
            f'scorer "{scorer.name}": its output {", ".join(twice)} has the name of another column'
        )
    return pa.schema(fields)


def _progress_within(
    rows: TextRows, progress: Progress, *, share: float, rows_before: int
) -> Callable[[int, int], None]:
    """What scoring tells of its distinct texts, as progress through the file."""

    def told(done: int, total: int) -> None:
        part = done / total if total else 1.0
        progress(share + (rows.read - share) * part, rows_before + int(len(rows.rows) * part))

    return told


def _scored(
    rows: TextRows,
    scorer: Scorer,
    schema: pa.Schema,
    *,
    cache: ScoreCache,
    counts: FileCounts,
    progress: Callable[[int, int], None],
) -> pa.Table:
    """The rows' part of the file of scores."""
    clean = [cleaned(text) for text in rows.texts]
    texts = [each.text for each in clean]
    # Cleaning what is clean changes nothing, and costs little beside the rest.
    scored = score_documents(scorer, texts, cache=cache, progress=progress)
    counts.empty += scored.empty
    counts.scored += scored.scored
    counts.cached += scored.cached
    counts.changed += sum(each.changed for each in clean)
    languages = {text: language(text) for text in set(texts)}
    columns = [
        pa.array(rows.rows, pa.int64()),
        pa.array(rows.ids, pa.string()),
        *(pa.array(column) for column in scored.values.T.numpy()),
        pa.array([languages[text] for text in texts], pa.string()),
        pa.array([raw_digest(text).hex() for text in rows.texts], pa.string()),
        *(
            pa.array(map(int, counted), pa.int32())
            for counted in list(zip(*clean, strict=True))[1:]
        ),
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _provenance(source: TextFile, scorer: Scorer, counts: FileCounts) -> bytes:
    """What the scores follow from; nothing that two runs on the same machine could differ in."""
    with source.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    made_of = {
        "finstrat": __version__,
        "source": {
            "name": source.path.name,
            "sha256": digest,
            "text": source.text_column,
            "id": source.id_column or "id",
            "encoding": source.encoding,
        },
        "scorer": {
            "name": scorer.name,
            "version": scorer.version,
            "fingerprint": scorer.fingerprint,
            "precision": scorer.precision,
            "config": scorer.config.model_dump(mode="json"),
            "card": scorer.card.model_dump(mode="json"),
        },
        "cleaning": CLEAN_VERSION,
        "languages": language_tagger(),
        "counts": {
            name: number
            for name, number in asdict(counts).items()
            if name not in {"scored", "cached"}  # these tell of this run, not of the file
        },
    }
    return canonical_json(made_of)


def _line(bad: BadRow) -> bytes:
    return f"{json.dumps(asdict(bad), ensure_ascii=False)}\n".encode()


@contextmanager
def _writable(path: Path) -> Iterator[BinaryIO]:
    """`written_whole`, its errors in a sentence."""
    try:
        with written_whole(path) as file:
            yield file
    except OSError as error:
        raise ConfigError(f"{path}: can't be written: {error}") from None
