"""`finstrat score`: a file of texts to a file of scores."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from finstrat.cli.state import State, print_json, shown_path, usage_line

if TYPE_CHECKING:
    from finstrat.components import Scorer
    from finstrat.score_file import Progress

_EVERY_S = 30.0


def score(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV, JSON lines or Parquet; may be gzipped.")],
    *,
    scorer: Annotated[str, typer.Option(metavar="NAME", help="Which scorer.")],
    out: Annotated[Path, typer.Option(help="The Parquet file of scores to write.")],
    text: Annotated[str, typer.Option(help="The column of the text.")] = "text",
    id_column: Annotated[
        str | None, typer.Option("--id", help='The column of the id  [default: "id", if any]')
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(help="Of CSV and JSON lines  [default: by byte-order mark, else UTF-8]"),
    ] = None,
    assign: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="key=value", help="An option of the scorer; repeatable."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 3 where a row couldn't be read.")
    ] = False,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option(help="Where the scorer computes.")
    ] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Score every text of a file.

    Finished scores go to the project's cache at once; a run that was stopped goes on where it was
    when it is started again. The file of scores appears when it is complete.
    """
    from finstrat.data.text_files import TextFile
    from finstrat.errors import ConfigError, DataError
    from finstrat.score_file import quarantine_path, score_file
    from finstrat.text.cache import ScoreCache

    state = ctx.ensure_object(State)
    if out.suffix != ".parquet":
        raise ConfigError(f"--out {out}: expected a name that ends in .parquet")
    if out.exists() and out.samefile(file):
        raise ConfigError(f"--out {out}: that is the file to be scored")
    source = TextFile(file, text_column=text, id_column=id_column, encoding=encoding)
    chosen = _chosen(state, scorer, assign or [], device)
    began = time.perf_counter()
    with ScoreCache(state.project().state / "scores.sqlite") as cache, _shown() as progress:
        try:
            counts = score_file(source, chosen, out, cache=cache, progress=progress)
        except KeyboardInterrupt:
            typer.echo("stopped; finished scores are kept: run it again to go on", err=True)
            raise typer.Exit(130) from None
        dropped = cache.dropped
    seconds = time.perf_counter() - began
    if as_json:
        told = {"out": shown_path(out.absolute()), **asdict(counts), "cache_dropped": dropped}
        print_json({**told, "usage": chosen.usage} if chosen.usage else told)
    else:
        typer.echo(
            f"{shown_path(out.absolute())}: {counts.written:,} rows in {seconds:,.1f} s "
            f"({counts.rows / seconds:,.0f}/s); {counts.empty:,} empty, "
            f"{counts.changed:,} cleaned; "
            f"texts: {counts.scored:,} scored, {counts.cached:,} from the cache"
        )
        if dropped:
            typer.echo(f"{dropped:,} damaged rows of the cache were dropped and scored again")
        if chosen.usage:
            typer.echo(usage_line(chosen.name, chosen.usage))
    if counts.quarantined:
        where = shown_path(quarantine_path(out).absolute())
        said = f"{counts.quarantined:,} of {counts.rows:,} rows couldn't be read; see {where}"
        if strict:
            raise DataError(f"{file}: {said}")
        typer.echo(f"warning: {said}", err=True)


def _chosen(state: State, name: str, assignments: list[str], device: str) -> Scorer:
    """The scorer of this name with its options, on its device."""
    from pydantic import ValidationError

    from finstrat.components import Scorer
    from finstrat.pipeline import pick_device
    from finstrat.toml_file import TomlFile, config_error

    component = state.host().get(Scorer, name).component
    options = TomlFile(f"scorer {name}", "", {}).with_assignments(assignments)
    try:
        made = component(options.data)
    except ValidationError as error:
        raise config_error(error, options, (), component.Config) from None
    assert isinstance(made, Scorer)
    made.to(pick_device(device))
    return made


@contextlib.contextmanager
def _shown() -> Iterator[Progress]:
    """Share done, rate and time left on standard error: a bar, or in a log a line now and then."""
    if sys.stderr.isatty():
        with _bar() as bar:
            yield bar
        return
    began = last = time.monotonic()

    def progress(share: float, rows: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < _EVERY_S or share == 0:
            return
        last = now
        spent = now - began
        left = spent * (1 - share) / share
        typer.echo(
            f"{share:.1%}: {rows:,} rows, {rows / spent:,.0f}/s, about {left / 60:,.1f} min left",
            err=True,
        )

    yield progress


@contextlib.contextmanager
def _bar() -> Iterator[Progress]:
    from rich import progress as bars
    from rich.console import Console

    columns = (
        bars.TextColumn("scoring"),
        bars.BarColumn(),
        bars.TaskProgressColumn(),
        bars.TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]:,.0f}/s,"),
        bars.TimeRemainingColumn(),
        bars.TextColumn("left"),
    )
    began = time.monotonic()
    with bars.Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task("", total=1.0, rows=0, rate=0.0)

        def progress(share: float, rows: int) -> None:
            rate = rows / max(time.monotonic() - began, 1e-9)
            shown.update(task, completed=share, rows=rows, rate=rate)

        yield progress
