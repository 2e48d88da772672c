"""`finstrat model export`: a model as a file of ONNX, checked against the model itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from finstrat.cli.model_compress import MEASURES, judging_texts, print_comparison
from finstrat.cli.model_inputs import EncoderUnder, LabelColumn, LabelMeanings, TextColumn, pairs
from finstrat.cli.state import print_json, shown_path


def export(
    model: Annotated[Path, typer.Argument(help="Directory of a trained model.")],
    *,
    data: Annotated[list[Path], typer.Option(help="Labelled texts to check the file by.")],
    out: Annotated[Path, typer.Option(help="Directory for model.onnx, tokenizer and card.")],
    encoder: EncoderUnder = None,
    tolerance: Annotated[
        float, typer.Option(help="Largest difference of a probability from the model's in fp32.")
    ] = 1e-4,
    int8: Annotated[
        bool, typer.Option("--int8", help="Round to int8 products: smaller and faster than fp32.")
    ] = False,
    changed: Annotated[
        float, typer.Option(min=0, max=1, help="Share of answers that --int8 may change.")
    ] = 0.05,
    text: TextColumn = "text",
    label_column: LabelColumn = "label",
    label: LabelMeanings = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Export a model to ONNX, to be served elsewhere; nothing is written if it answers otherwise.

    The file is run by onnxruntime on the texts of --data, and measured beside the model.
    """
    import json

    from rich.console import Console

    from finstrat.models.compared import comparison, measured, timed
    from finstrat.models.compress import require_compressible
    from finstrat.models.cutoff import CARD
    from finstrat.models.export import (
        ONNX,
        Exported,
        require_equal,
        require_same_answers,
        round_to_int8,
    )
    from finstrat.models.export import export as exported_to
    from finstrat.models.labelled import Columns
    from finstrat.models.trained import load_trained
    from finstrat.store import directory_written_whole, require_replaceable
    from finstrat.text.checkpoint import file_digest

    require_replaceable(out, mark=CARD, made_of=model)
    given = load_trained(model, encoder=encoder)
    require_compressible(given)
    columns = Columns(text, label_column, pairs(label or [], "--label"))
    lines, truth = judging_texts(given, data, columns)
    exact = load_trained(model, encoder=encoder, dtype="fp32")
    with (
        directory_written_whole(out, mark=CARD) as directory,
        Console(stderr=True).status("exporting and checking"),
    ):
        exported_to(exact, directory)
        served = Exported.load(directory)
        gap = require_equal(exact, served, lines, tolerance=tolerance)
        rounding: dict[str, float] = {}
        if int8:
            round_to_int8(directory)
            served = Exported.load(directory)
            share = require_same_answers(exact, served, lines, changed=changed)
            rounding = {"answers_changed_by_int8": share}
        after = timed(served.probabilities, lines, truth, files=[directory / ONNX])
        told = {
            "of": given.fingerprint,
            "texts_cut": int(served.cut(lines).sum()),
            "largest_difference_in_fp32": gap,
            **rounding,
            **comparison(measured(given, lines, truth), after),
        }
        card = {key: value for key, value in given.head.card.items() if key not in MEASURES}
        known = given.card(name=model.name, version="1")
        date = known.training_cutoff
        card |= {
            "classes": list(given.classes),
            "training_cutoff": date.isoformat() if date else None,
            "cutoff_reason": known.cutoff_reason,
            "export": told,
            "files": {ONNX: file_digest(directory / ONNX)},
        }
        text_of_card = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
        (directory / "card.json").write_text(text_of_card, encoding="utf-8")
    if as_json:
        print_json(told)
        return
    print_comparison(told, title="ONNX, int8" if int8 else "ONNX")
    typer.echo(
        f"{shown_path(out / ONNX)}: within {gap:.1g} of the model in fp32"
        f"{' before it was rounded' if int8 else ''}; "
        f"{told['texts_cut']:,} texts were longer than its input and cut"
    )
