"""`finstrat text`: what can be read off documents."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finstrat.cli.state import State, print_json, print_table, shown_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from finstrat.data import Documents
    from finstrat.signals import Progress
    from finstrat.text.cache import ScoreCache
    from finstrat.text.extract import Embed, Extraction

app = typer.Typer(no_args_is_help=True, help="Read keywords, entities, novelty off documents.")


@app.callback()
def text() -> None:
    """Read keywords, entities, novelty off documents."""


@app.command("extract")
def extract(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Documents, in a form that docs/data.md shows.")],
    *,
    entities: Annotated[
        Path | None,
        typer.Option(help="Table of names: asset, alias. Default: the 20 stocks of `sp500`."),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(help="Go by meaning: a scorer that gives vectors, like minilm-embedding."),
    ] = None,
    keywords: Annotated[int, typer.Option(min=0, help="Keywords a document, at most.")] = 5,
    sentences: Annotated[int, typer.Option(min=0, help="Sentences a summary, at most.")] = 2,
    days: Annotated[float, typer.Option(min=0.001, help="Back to which novelty looks.")] = 7.0,
    calendar: Annotated[str, typer.Option(help="Exchange whose days bare dates mean.")] = "XNYS",
    show: Annotated[int, typer.Option(min=0, help="Documents to show in the terminal.")] = 10,
    out: Annotated[Path | None, typer.Option(help="Write all of it to this .parquet file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Keywords, named assets, novelty, event types and a summary of each document."""
    from finstrat.cli.run import progress_bars
    from finstrat.data.entities import Entities
    from finstrat.errors import ConfigError
    from finstrat.text.cache import ScoreCache
    from finstrat.text.extract import extract as extracted

    state = ctx.ensure_object(State)
    if out is not None and (out.suffix != ".parquet" or not out.parent.is_dir()):
        raise ConfigError(f"--out {out}: expected a .parquet file in a directory that exists")
    documents = _documents(state, file, calendar)
    table = Entities.bundled() if entities is None else Entities.read(entities)
    with ScoreCache(state.project().state / "scores.sqlite") as cache, progress_bars() as progress:
        found = extracted(
            documents,
            entities=table,
            embed=None if encoder is None else _embed(state, encoder, cache, progress),
            keywords=keywords,
            sentences=sentences,
            days=days,
        )
    if out is not None:
        _write(found, out)
    if as_json:
        print_json({"coverage": found.coverage, "documents": _rows(found)})
    else:
        _show(found, first=show)
    if out is not None:
        typer.echo(f"{len(found.frame):,} rows in {shown_path(out)}", err=as_json)


@app.command("entities")
def entities_table(
    file: Annotated[
        Path, typer.Argument(help="One row an asset: ticker, company, and sector if known.")
    ],
    out: Annotated[Path, typer.Option(help="CSV file for the table of names.")],
) -> None:
    """Write a table of names from a list of companies, to be checked and added to by hand."""
    from finstrat.data.entities import Entities
    from finstrat.store import write_atomically

    table = Entities.read(file)
    write_atomically(out, table.frame().to_csv(index=False).encode())
    typer.echo(f"{len(table.aliases):,} names of {len(table.assets):,} assets in {shown_path(out)}")


def _documents(state: State, file: Path, calendar: str) -> Documents:
    """The file as the source `files-documents` reads it."""
    import datetime as dt

    from finstrat.components import TextSource
    from finstrat.data import Span, Universe

    source = state.host().get(TextSource, "files-documents").component({"path": file})
    assert isinstance(source, TextSource)
    always = Span(dt.date(1900, 1, 1), dt.date(2200, 1, 1))
    return source.load(Universe(calendar=calendar), always)


def _embed(state: State, name: str, cache: ScoreCache, progress: Progress) -> Embed:
    """Texts to vectors through the cache, by a scorer that gives them."""
    from finstrat.components import Scorer
    from finstrat.errors import ConfigError
    from finstrat.text.scoring import score_documents

    scorer = state.host().get(Scorer, name).component()
    assert isinstance(scorer, Scorer)
    if len(scorer.outputs) < 8:  # no text lies in so few dimensions
        raise ConfigError(
            f"--encoder {name}: gives {', '.join(scorer.outputs)}, which is no vector to compare "
            "texts by; use minilm-embedding or another encoder"
        )
    done = 0

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        nonlocal done
        scored = score_documents(
            scorer,
            texts,
            cache=cache,
            progress=lambda now, total: progress("texts embedded", done + now, done + total),
        )
        done += scored.unique
        return scored.values.numpy()

    return embed


def _write(found: Extraction, out: Path) -> None:
    import io

    from finstrat.store import write_atomically

    buffer = io.BytesIO()
    found.frame.to_parquet(buffer, index=False)
    write_atomically(out, buffer.getvalue())


def _rows(found: Extraction) -> list[dict[str, Any]]:
    """The table as JSON values: unknown is null, moments are ISO 8601."""
    import json

    rows: list[dict[str, Any]] = json.loads(
        found.frame.to_json(orient="records", date_format="iso", date_unit="s")
    )
    return rows


def _show(found: Extraction, *, first: int) -> None:
    """The coverage, and the first documents."""
    counted = [
        (key.replace("_", " "), f"{value:.1%}" if isinstance(value, float) else f"{value}")
        for key, value in found.coverage.items()
        if value is not None
    ]
    print_table(["named assets", ""], counted)
    shown = [
        (
            row["id"],
            f"{row['novelty']:.2f}",
            ", ".join((*row["assets"], *(f"{name}?" for name in row["ambiguous"]))),
            ", ".join(row["events"]),
            ", ".join(row["keywords"]),
            row["summary"],
        )
        for row in found.frame.head(first).to_dict("records")
    ]
    print_table(["id", "novelty", "assets", "events", "keywords", "summary"], shown)
    if len(found.frame) > first:
        typer.echo(f"{len(found.frame) - first:,} more; --out or --json gives all of them")
