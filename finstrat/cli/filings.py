"""`finstrat filings`: what is read out of a filing, and where it stands."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finstrat.cli.state import State, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from finstrat.text.filing import Filing, Item
    from finstrat.text.filing_change import Change

app = typer.Typer(no_args_is_help=True, help="Read items, tone and changes out of filings.")


@app.callback()
def filings() -> None:
    """Read items, tone and changes out of filings."""


@app.command("show")
def show(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A 10-K, 10-Q or 8-K: HTML, Markdown or text.")],
    *,
    against: Annotated[
        Path | None, typer.Option(help="An earlier filing to compare it with.")
    ] = None,
    scorer: Annotated[str, typer.Option(help="Who scores the tone.")] = "lm-lexicon",
    sentences: Annotated[int, typer.Option(min=0, help="Sentences of the summary.")] = 3,
    text_of: Annotated[
        str | None, typer.Option("--item", help="Print the text of this item, like 1A.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What a filing holds and where: its items with their tone and readability, and a summary.

    Offsets count the characters of the filing's visible text, which --item prints a part of.
    """
    from finstrat.errors import DataError, did_you_mean
    from finstrat.text.filing import parse_filing
    from finstrat.text.filing_change import change
    from finstrat.text.filing_files import filing_text
    from finstrat.text.filing_summary import filing_summary

    filing = parse_filing(filing_text(file))
    if text_of is not None:
        if text_of not in filing.by_key:
            hint = did_you_mean(text_of, filing.by_key)
            raise DataError(f"{file}: no item {text_of} in this {filing.form}{hint}")
        item = filing.by_key[text_of]
        typer.echo(filing.text[item.start : item.end])
        return
    changed = None
    if against is not None:
        earlier = parse_filing(filing_text(against))
        if earlier.form != filing.form:
            raise DataError(f"{against}: a {earlier.form}, but {file} is a {filing.form}")
        changed = change(filing, earlier)
    tones = _tones(ctx.ensure_object(State), scorer, filing)
    gist = filing_summary(filing, count=sentences)
    if as_json:
        print_json(_as_json(filing, tones, gist, changed))
    else:
        _show(file, filing, tones, gist, changed)


def _tones(state: State, name: str, filing: Filing) -> list[float]:
    """The scores of the whole filing and of each item below its heading, through the cache."""
    from finstrat.components import Scorer
    from finstrat.text.cache import ScoreCache
    from finstrat.text.scoring import score_documents

    scorer = state.host().get(Scorer, name).component()
    assert isinstance(scorer, Scorer)
    texts = [filing.text, *(filing.body(item.key) or "" for item in filing.items)]
    with ScoreCache(state.project().state / "scores.sqlite") as cache:
        scored = score_documents(scorer, texts, cache=cache)
    return [float(value) for value in scored.values[:, -1]]


def _text(filing: Filing, item: Item) -> str:
    return filing.text[item.start : item.end]


def _measures(text: str) -> dict[str, float | int | None]:
    """How a text is written; unknown is None."""
    from finstrat.text.readability import reading

    found = reading(text)
    return {
        "characters": found.characters,
        "words": found.words,
        "sentences": found.sentences,
        "fog": _known(found.fog),
        "uncertainty": _known(found.uncertainty),
        "litigiousness": _known(found.litigiousness),
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _as_json(
    filing: Filing, tones: Sequence[float], gist: str, changed: Change | None
) -> dict[str, Any]:
    whole, *each = tones
    return {
        "form": filing.form,
        "amended": filing.amended,
        "period_end": filing.period_end.isoformat() if filing.period_end else None,
        "file_characters": filing.size,
        "tone": _known(whole),
        **_measures(filing.text),
        "change": None
        if changed is None
        else {
            "cosine": _known(changed.cosine),
            "jaccard": _known(changed.jaccard),
            "risks_added": _known(changed.risks_added),
        },
        "summary": gist,
        "items": [
            {
                "item": item.key,
                "heading": item.heading,
                "start": item.start,
                "end": item.end,
                "tone": _known(tone),
                **_measures(_text(filing, item)),
            }
            for item, tone in zip(filing.items, each, strict=True)
        ],
    }


def _show(
    file: Path, filing: Filing, tones: Sequence[float], gist: str, changed: Change | None
) -> None:
    whole, *each = tones
    found = _measures(filing.text)
    form = filing.form + (" (amendment)" if filing.amended else "")
    rows = [
        ("form", form),
        ("period", filing.period_end.isoformat() if filing.period_end else "–"),
        ("characters", f"{found['characters']:,} visible of {filing.size:,}"),
        ("words, sentences", f"{found['words']:,}, {found['sentences']:,}"),
        ("fog", _shown(found["fog"], 1)),
        ("uncertainty", _shown(found["uncertainty"], 4)),
        ("litigiousness", _shown(found["litigiousness"], 4)),
        ("tone", _shown(_known(whole), 2)),
    ]
    if changed is not None:
        rows += [
            ("cosine to the other", _shown(_known(changed.cosine), 3)),
            ("Jaccard to the other", _shown(_known(changed.jaccard), 3)),
            ("risk factors added", _shown(_known(changed.risks_added), 3)),
        ]
    print_table([file.name, ""], rows)
    if filing.items:
        print_table(
            ["item", "heading", "start", "end", "length", "words", "fog", "uncertain", "tone"],
            [_row(filing, item, tone) for item, tone in zip(filing.items, each, strict=True)],
        )
    else:
        typer.echo("no items: neither a 10-K, a 10-Q nor an 8-K, or one without headings")
    if gist:
        typer.echo(gist)


def _row(filing: Filing, item: Item, tone: float) -> tuple[str, ...]:
    found = _measures(_text(filing, item))
    return (
        item.key,
        item.heading if len(item.heading) <= _WIDEST else item.heading[:_WIDEST] + "…",
        f"{item.start:,}",
        f"{item.end:,}",
        f"{item.length:,}",
        f"{found['words']:,}",
        _shown(found["fog"], 1),
        _shown(found["uncertainty"], 4),
        _shown(_known(tone), 2),
    )


_WIDEST = 60


def _shown(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
