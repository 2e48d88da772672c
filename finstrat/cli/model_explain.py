"""`finstrat model explain`: what a model's answers rest on, and which changes they stand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finstrat.cli.model_inputs import EncoderUnder, TextColumn, require_no_file
from finstrat.cli.model_page import hand_over
from finstrat.cli.models_named import named_scorer
from finstrat.cli.run import progress_bars
from finstrat.cli.state import State, print_table

if TYPE_CHECKING:
    from finstrat.components import Scorer
    from finstrat.signals import Progress


def explain(
    ctx: typer.Context,
    model: Annotated[
        str, typer.Argument(help="Directory of a trained model, or the name of a scorer.")
    ],
    data: Annotated[list[Path], typer.Argument(help="CSV, JSON lines or Parquet: a text a row.")],
    *,
    out: Annotated[
        Path | None, typer.Option(help="Directory for explanation.json and explanation.html.")
    ] = None,
    output: Annotated[
        str,
        typer.Option(help='What tokens explain: an output like score; "answer" = the class.'),
    ] = "answer",
    steps: Annotated[
        int,
        typer.Option(min=2, help="Of each text's integral; doubled where they are too few."),
    ] = 32,
    most: Annotated[int, typer.Option(min=1, help="Texts drawn of the files, at most.")] = 3_000,
    explained: Annotated[
        int,
        typer.Option(min=1, help="Of these, how many have tokens explained: 0.5 s each."),
    ] = 200,
    entities: Annotated[
        Path | None,
        typer.Option(help="Table of asset and alias: names to swap  [default: bundled]"),
    ] = None,
    encoder: EncoderUnder = None,
    text: TextColumn = "text",
    seed: Annotated[int, typer.Option(help="Seed of all that is drawn.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print explanation.json.")] = False,
) -> None:
    """Explain a model: tokens, their deletion, names swapped, typos and negations.

    Tokens need a model with gradients; the rest holds for any scorer. Texts that the model was
    trained on are refused.
    """
    from finstrat.data.entities import Entities
    from finstrat.models.perturb import robustness
    from finstrat.models.seen import require_unseen
    from finstrat.models.swaps import swaps
    from finstrat.report.model_explanation import document_of, explanation_json
    from finstrat.text.clean import clean

    require_no_file(out)
    state = ctx.ensure_object(State)
    table = Entities.bundled() if entities is None else Entities.read(entities)
    scorer = named_scorer(state, model, encoder=encoder)
    drawn = _drawn(data, column=text, most=most, seed=seed)
    read = [clean(each) for each in drawn.texts]
    if Path(model).is_dir():
        require_unseen(Path(model), read)
    with progress_bars() as progress:
        names = swaps(
            scorer,
            drawn.texts,
            table,
            seed=seed,
            progress=lambda done, total: progress("names", done, total),
        )
        changes = robustness(
            scorer,
            drawn.texts,
            seed=seed,
            progress=lambda done, total: progress("changes", done, total),
        )
        told = explanation_json(
            scorer.card,
            model=model,
            files=[each.name for each in data],
            counts=drawn.counts,
            seed=seed,
            output=output,
            swaps=names,
            robustness=changes,
            **_tokens(
                scorer, read[:explained], output=output, steps=steps, seed=seed, progress=progress
            ),
        )
    hand_over(told, document_of, name="explanation", out=out, as_json=as_json, show=_print)


@dataclass(frozen=True)
class _Drawn:
    """Raw texts in random order, and how many were left out of what there is."""

    texts: list[str]
    counts: dict[str, int]


def _drawn(data: list[Path], *, column: str, most: int, seed: int) -> _Drawn:
    """At most `most` texts that differ once cleaned, drawn at random.

    Raises:
        DataError: there is none, or a row can't be read.
    """
    import numpy as np

    from finstrat.data.text_files import TextFile
    from finstrat.errors import DataError
    from finstrat.text.clean import clean

    found: dict[str, str] = {}
    rows = empty = 0
    for file in data:
        for batch in TextFile(file, text_column=column).batches():
            if batch.bad:
                bad = batch.bad[0]
                raise DataError(f"{file}: row {bad.row}: {bad.reason}: {bad.excerpt!r}")
            for raw in batch.texts:
                rows += 1
                if read := clean(raw):
                    found.setdefault(read, raw)
                else:
                    empty += 1
    if not found:
        raise DataError(f"{data[0]}: no text to explain in the column {column}")
    texts = list(found.values())
    chosen = np.random.default_rng(seed).permutation(len(texts))[:most]
    used = [texts[place] for place in chosen.tolist()]
    counts = {"rows": rows, "empty": empty, "duplicates": rows - empty - len(texts)}
    return _Drawn(used, {**counts, "used": len(used)})


def _tokens(
    scorer: Scorer, texts: list[str], *, output: str, steps: int, seed: int, progress: Progress
) -> dict[str, Any]:
    """Attributions and their deletion test; None each for a scorer without gradients."""
    from finstrat.models.deletion import faithfulness
    from finstrat.models.integrated import attributions

    network = scorer.differentiable()
    if network is None:
        return {"attributions": None, "faithfulness": None}
    found = attributions(
        network,
        texts,
        output=output,
        steps=steps,
        progress=lambda done, total: progress("tokens", done, total),
    )
    tested = faithfulness(
        network,
        found,
        seed=seed,
        progress=lambda done, total: progress("deletion", done, total),
    )
    return {"attributions": found, "faithfulness": tested}


def _print(told: dict[str, Any]) -> None:
    """A sentence a part, the changes as a table, and the tokens behind the first texts."""
    from finstrat.report.html import figure_text, interval_text

    for each in told["texts"][:5] if told["texts"] else ():
        best = sorted(each["tokens"], key=lambda token: -abs(token["effect"]))[:5]
        words = ", ".join(
            f"{each['text'][token['start'] : token['end']]} {token['effect']:+.2f}"
            for token in best
        )
        typer.echo(f"{each['output']} {each['value']:.3f}  {each['text'][:80]}")
        typer.echo(f"  {words}; residual {each['residual']:+.4f} in {each['steps']} steps")
    if told["texts"] is None:
        typer.echo("tokens: this model has no gradients")
    for name, figures in (told["deletion"] or {}).items():
        print_table(
            [f"deletion, {name}", "value", "90 % interval"],
            [(label, figure_text(each), interval_text(each)) for label, each in figures],
        )
    if told["swaps"] is None:
        typer.echo("names: no text names an asset of the table; see --entities")
    else:
        print_table(
            ["name", "effect on the score", "90 % for all at once"],
            [
                (name, figure_text(each), interval_text(each))
                for name, each in told["swaps"]["effects"]
            ],
            title=f"{told['swaps']['texts']:,} texts that name an asset",
        )
    print_table(
        ["change", "texts", "undone", "other answer", "90 % interval", "of polar", "movement"],
        [
            (
                each["kind"],
                f"{each['texts']:,}",
                f"{each['undone_by_cleaning']:,}",
                figure_text(each["flips"]),
                interval_text(each["flips"]),
                figure_text(each["flips_of_polar"]),
                figure_text(each["movement"]),
            )
            for each in told["perturbations"]
        ],
    )
    from finstrat.report.model_explanation import summary

    for sentence in summary(told):
        typer.echo(sentence)
