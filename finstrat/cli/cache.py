"""`finstrat cache`: the scores that are kept, and looking after them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from finstrat.cli.state import State, print_json, print_table, shown_path

if TYPE_CHECKING:
    from finstrat.text.upkeep import CacheUpkeep, Scores

app = typer.Typer(no_args_is_help=True, help="Look after the cache of scores.")

_SHOWN = 12


@app.callback()
def cache() -> None:
    """Look after the cache of scores."""


@app.command("stats")
def stats(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What the project's cache holds, by scorer."""
    with _opened(ctx) as kept:
        contents = kept.contents()
        size = kept.size()
        where = shown_path(kept.path)
    rows = sum(each.rows for each in contents)
    if as_json:
        print_json({"path": where, "bytes": size, "rows": rows, "scorers": _described(contents)})
        return
    print_table(
        ["scorer", "fingerprint", "texts", "bytes a text", "last used"],
        [
            (
                each.label or "unknown",
                _short(each.fingerprint),
                f"{each.rows:,}",
                f"{each.value_bytes:g}",
                str(each.used_on or "unknown"),
            )
            for each in contents
        ],
        title=f"{where}: {rows:,} texts, {size / 1e6:,.1f} MB",
    )


@app.command("verify")
def verify(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read every row; delete the damaged ones, which will be scored again. Exit 4 if any was."""
    from finstrat.errors import CheckFailedError

    with _opened(ctx) as kept:
        damaged = kept.verify()
        sound = sum(each.rows for each in kept.contents())
        where = shown_path(kept.path)
    if as_json:
        print_json({"path": where, "sound": sound, "damaged": damaged})
    else:
        typer.echo(f"{where}: {sound:,} rows are sound, {damaged:,} were damaged")
    if damaged:
        raise CheckFailedError(
            f"{where}: {damaged:,} damaged rows were deleted; their texts will be scored again"
        )


@app.command("gc")
def gc(
    ctx: typer.Context,
    unused_days: Annotated[
        int, typer.Option(min=1, help="Forget scorers that nobody used for so many days.")
    ] = 90,
    scorer: Annotated[
        list[str] | None,
        typer.Option(help="Forget this one instead: the start of a fingerprint; may be repeated."),
    ] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Forget the scores of scorers no longer in use, and shrink the file.

    What an edited plugin, another model or another option left behind is never read again. A score
    that is forgotten can be computed again, at the scorer's price.
    """
    with _opened(ctx) as kept:
        going = _going(kept.contents(), unused_days=unused_days, starts=scorer)
        before = kept.size()
        if not dry_run:
            kept.forget(each.fingerprint for each in going)
            kept.compact()
        after = kept.size()
    for each in going:
        typer.echo(
            f"{'would forget' if dry_run else 'forgot'} {each.label or 'unknown'} "
            f"{_short(each.fingerprint)}: {each.rows:,} texts, last used {each.used_on}"
        )
    if not going:
        typer.echo("nothing to forget")
    if not dry_run:
        typer.echo(f"{before / 1e6:,.1f} MB before, {after / 1e6:,.1f} MB after")


def _opened(ctx: typer.Context) -> CacheUpkeep:
    """The project's cache; one is not made by looking at it."""
    from finstrat.errors import DataError
    from finstrat.text.upkeep import CacheUpkeep

    path = ctx.ensure_object(State).project().state / "scores.sqlite"
    if not path.is_file():
        raise DataError(f"{shown_path(path)}: no score cache here yet; scoring makes one")
    return CacheUpkeep(path)


def _going(contents: list[Scores], *, unused_days: int, starts: list[str] | None) -> list[Scores]:
    import datetime as dt

    from finstrat.errors import ConfigError

    if starts is None:
        limit = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=unused_days)
        return [each for each in contents if each.used_on is not None and each.used_on <= limit]
    chosen = []
    for start in starts:
        found = [each for each in contents if each.fingerprint.startswith(start)]
        if len(found) != 1:
            known = ", ".join(_short(each.fingerprint) for each in contents) or "none"
            raise ConfigError(
                f"--scorer {start}: {len(found)} scorers begin so; there are: {known}"
            )
        chosen += found
    return chosen


def _described(contents: list[Scores]) -> list[dict[str, object]]:
    return [
        {
            "fingerprint": each.fingerprint,
            "label": each.label,
            "rows": each.rows,
            "value_bytes": each.value_bytes,
            "used_on": str(each.used_on) if each.used_on else None,
        }
        for each in contents
    ]


def _short(fingerprint: str) -> str:
    """Enough of a fingerprint to tell scorers apart, and its precision."""
    digest, _, precision = fingerprint.partition(":fp16")
    short = digest if len(digest) <= _SHOWN else digest[:_SHOWN] + "…"
    return short + (" fp16" if precision or fingerprint.endswith(":fp16") else "")
