"""`finstrat explain`: from a position of a run back to the texts behind it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from finstrat.cli.run import progress_bars
from finstrat.cli.runs import find_run
from finstrat.cli.state import State, print_json, print_table, shown_path


def explain(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(help='A run\'s id, the beginning of one, or "latest".')],
    *,
    asset: Annotated[str, typer.Option("--asset", metavar="ID", help="Which position.")],
    date: Annotated[
        dt.datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="On which day.")
    ],
    device: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option(help="Where tensors live.")
    ] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Where the page goes. [explanations/ in the project]")
    ] = None,
) -> None:
    """Trace a position: order, weight, optimizer, signals, documents, words.

    The decision in force on the day is explained, with what the run itself computed then.
    """
    from finstrat.audit import reopen
    from finstrat.lineage import explain as explained
    from finstrat.report.document import page
    from finstrat.report.explanation import document_of
    from finstrat.store import load, write_atomically
    from finstrat.text.cache import ScoreCache

    state = ctx.ensure_object(State)
    project = state.project()
    result = load(find_run(state, run))
    with ScoreCache(project.state / "scores.sqlite") as cache, progress_bars() as progress:
        case = reopen(
            result,
            project=project,
            host=state.host(),
            cache=cache,
            device=device,
            progress=progress,
        )
        told = explained(case, asset, date.date())
    if as_json:
        print_json(told)
        return
    days = result.sessions.index
    span = {
        "start": f"{days[0]:%Y-%m-%d}",
        "end": f"{days[-1]:%Y-%m-%d}",
        "sessions": len(days),
    }
    path = out or project.root / "explanations" / f"{told['run']}-{asset}-{date:%Y-%m-%d}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    standing = "An explanation of a backtest, not a recommendation"
    write_atomically(path, page(document_of(told, standing=standing, span=span)).encode())
    _print(told)
    typer.echo(f"page: {shown_path(path.resolve())}")


def _print(told: dict[str, Any]) -> None:
    """The steps from the order inwards, for a terminal."""
    from finstrat.report.explanation import summary

    typer.echo(summary(told))
    typer.echo(f"verdict of the run: {told['verdict']['sentence']}")
    for order in told["orders"]:
        typer.echo(
            f"order: {order['side']} {order['shares']:,.4f} at {order['price']:,.4f} "
            f"on {order['session']}"
        )
    if not told["orders"]:
        typer.echo("order: none; what was held was enough")
    weight, sized = told["weight"], told["optimizer"]
    typer.echo(
        f"weight: {weight['held_before']:.2%} before, {weight['target']:.2%} wanted, "
        f"{weight['held_after_fill']:.2%} after the fill"
    )
    by = sized["optimizer"]["use"] if sized["optimizer"] else "the strategy itself"
    without = sized["target_with_text_replaced"]
    typer.echo(
        f"optimizer: {by}, {sized['held_assets']} of {sized['eligible_assets']} eligible assets "
        f"held, exposure {sized['exposure']:.3f}"
        + ("" if without is None else f"; without what was read {without:.2%}")
    )
    for signal in told["signals"]:
        _print_signal(signal)
    past = ", ".join(
        f"{key}: {'–' if each is None else f'{each:+.2%}'}"
        for key, each in told["prices"]["past_returns"].items()
    )
    typer.echo(f"past returns by sessions: {past}")


def _print_signal(signal: dict[str, Any]) -> None:
    value = "unknown" if signal["value"] is None else f"{signal['value']:+.4f}"
    if signal["scope"] == "asset":
        place = f"{signal['higher_assets']} of {signal['known_assets']} assets are higher"
    else:
        share = signal["share_of_past_year_below"]
        place = "" if share is None else f"higher than on {share:.0%} of the past year's sessions"
    typer.echo(f"signal {signal['output']}: {value}; {place}")
    for fact in signal.get("facts", ()):
        typer.echo(f"  fact {fact['item']}: {fact['value']} ({fact['period_end']})")
    if "documents" not in signal:
        return
    typer.echo(f"  {signal['documents_counted']} documents counted ({signal['documents_method']})")
    print_table(
        ["effect", "score", "document", "text", "words"],
        [
            (
                f"{each['effect']:+.4f}",
                "–" if not each.get("scores") else _score(each["scores"]),
                f"{each['id']} {each['known_at'][:10]}",
                each["text"],
                ", ".join(
                    f"{each['text'][word['start'] : word['end']]} {word['effect']:+.2f}"
                    for word in sorted(each.get("words", ()), key=lambda w: -abs(w["effect"]))[:5]
                ),
            )
            for each in signal["documents"]
        ],
    )


def _score(scores: dict[str, float | None]) -> str:
    last = list(scores.values())[-1]
    return "–" if last is None else f"{last:+.3f}"
