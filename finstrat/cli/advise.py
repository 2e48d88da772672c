"""`finstrat advise`: what one person should hold, why, and what is not known."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from finstrat.cli.run import progress_bars
from finstrat.cli.state import State, print_table, shown_path

if TYPE_CHECKING:
    from finstrat.project import Project


def advise(
    ctx: typer.Context,
    profile: Annotated[
        str,
        typer.Argument(
            metavar="PROFILE", help="A .toml file, or one of cautious, balanced and bold."
        ),
    ],
    *,
    ask: Annotated[
        bool, typer.Option("--ask", help="Ask a few questions and write PROFILE first.")
    ] = False,
    asof: Annotated[
        dt.datetime | None,
        typer.Option(
            "--asof",
            formats=["%Y-%m-%d"],
            help="The session to decide at. [the last of the backtest]",
        ),
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option(help="Where tensors live.")
    ] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Where the page goes. [advice/ in the project]")
    ] = None,
) -> None:
    """Advise one person on the decision of a backtest: stocks, reasons, trades, past falls.

    It is research output and no promise; the first line says whether anybody approved it.
    """
    from finstrat import artefacts
    from finstrat.advice.advise import advise as advised
    from finstrat.advice.profile import read_profile
    from finstrat.job import prepare
    from finstrat.report.advice import document_of
    from finstrat.report.document import page
    from finstrat.store import write_atomically
    from finstrat.text.cache import ScoreCache

    state = ctx.ensure_object(State)
    project = state.project()
    if ask:
        _ask(Path(profile), project)
    person, file = read_profile(profile)
    plan = prepare(project.backtest(person.backtest), project=project, host=state.host()).plan
    with ScoreCache(project.state / "scores.sqlite") as cache, progress_bars() as progress:
        content = advised(
            person,
            plan,
            project=project,
            file=file,
            as_of=asof.date() if asof else None,
            device=device,
            cache=cache,
            progress=progress,
        )
    artefact = artefacts.keep(content, project=project)
    first = artefacts.standing(artefact, project=project)
    if as_json:
        typer.echo(artefacts.as_json(content, artefact, first=first), nl=False)
        return
    path = out or project.root / "advice" / f"{Path(profile).stem}-{content['as_of']}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, page(document_of(content, standing=first)).encode())
    typer.echo(first)
    _print(content)
    typer.echo(f"page: {shown_path(path.resolve())}")
    if first.startswith("not approved"):
        typer.echo(f"to approve it: finstrat approve {artefact.id} --by NAME --reason TEXT")


def _ask(path: Path, project: Project) -> None:
    """Write a profile out of a person's answers; one that is there is never overwritten."""
    from finstrat.advice.profile import asked
    from finstrat.errors import ConfigError
    from finstrat.store import write_atomically

    if path.suffix != ".toml":
        raise ConfigError(f"--ask writes the profile, so {path} must end in .toml")
    if path.exists():
        raise ConfigError(f"{path} is there already; edit it, or name another file")
    text = asked(lambda question, default: str(typer.prompt(question, default)), project.names())
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.encode())
    typer.echo(f"written: {shown_path(path.resolve())}")


def _print(told: dict[str, Any]) -> None:
    """The advice for a terminal."""
    from finstrat.report.advice import summary

    money, figures = told["currency"], told["figures"]
    typer.echo(f"{told['profile']['name']}: {summary(told)}; data up to {told['as_of']}")
    typer.echo(f"the backtest it stands on: {told['verdict']['sentence']}")
    typer.echo(
        f"mean loss in the worst 5 % of months {figures['shortfall']:.2%}, of "
        f"{figures['bearable']:.2%} that you can bear; assumed return above cash "
        f"{figures['expected_return']:.2%} a year"
    )
    print_table(
        ["asset", "weight", f"value {money}", "now"],
        [
            (
                row["asset"],
                f"{row['weight']:.2%}",
                f"{row['weight'] * told['value']:,.0f}",
                f"{row['weight_now']:.2%}",
            )
            for row in told["allocation"]
        ],
        title="what to hold",
    )
    for asset, reasons in told["reasons"].items():
        typer.echo(f"{asset}")
        for each in reasons:
            typer.echo(f"  - {each['text']} [{each['source']}]")
    trades = told["trades"]
    print_table(
        ["asset", "order", "price", f"value {money}", "cost"],
        [
            (
                row["asset"],
                f"{row['side']} {row['shares']:,.10g}",
                f"{row['price']:,.2f}",
                f"{row['value']:,.2f}",
                f"{row['cost']:,.2f}",
            )
            for row in trades["rows"]
        ],
        title=f"what to trade: costs {trades['costs']:,.2f} {money}",
    )
    print_table(
        ["fall", "from", "to", "lost", "deepest"],
        [
            (
                each["name"],
                each["start"],
                each["end"],
                "–" if each["loss"] is None else f"{each['loss']:.1%}",
                each["reason_if_null"] or f"{each['deepest']:.1%}",
            )
            for each in told["falls"]
        ],
        title="what it would have lost, bought on the first day and held; a minus is a gain",
    )
    print_table(
        ["year", "bearable", "in stocks"],
        [
            (
                f"{each['year']:g}",
                f"{each['bearable']:.2%}",
                "–" if each["invested"] is None else f"{each['invested']:.1%}",
            )
            for each in told["glide_path"]
        ],
        title="the years to come",
    )
    for title, sentences in (("not known", told["unknown"]), ("limits", told["limits"])):
        typer.echo(f"{title}:")
        for each in sentences:
            typer.echo(f"  - {each}")
