"""What a model's answers rest on and what they stand, as plain data, and the page of that alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from finstrat.models.intervals import LEAST
from finstrat.report.block import Block, Table
from finstrat.report.document import Document, Opening, Part, Passage
from finstrat.report.model import card_block, figure_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from finstrat.models.deletion import Faithfulness
    from finstrat.models.integrated import Attribution
    from finstrat.models.perturb import Robustness
    from finstrat.models.swaps import Swaps
    from finstrat.text.card import ModelCard

SHOWN = 24
"""Texts that the page shows with their tokens; the data hold all."""
EXAMPLES = 8
MARKED = 0.1
"""Tokens with less of the text's largest effect than this aren't marked."""
_LEVELS = (0.33, 0.66)


def explanation_json(
    card: ModelCard,
    *,
    model: str,
    files: Sequence[str],
    counts: dict[str, int],
    seed: int,
    output: str,
    attributions: Sequence[Attribution] | None,
    faithfulness: Faithfulness | None,
    swaps: Swaps | None,
    robustness: Sequence[Robustness],
) -> dict[str, Any]:
    """Every part as plain data; None where the model or the texts don't allow one."""
    return {
        "model": model,
        "card": card.model_dump(mode="json"),
        "files": list(files),
        "counts": counts,
        "seed": seed,
        "output": output,
        "texts": None if attributions is None else [_attribution(each) for each in attributions],
        "deletion": None
        if faithfulness is None
        else {
            name: [[label, figure.to_dict()] for label, figure in figures]
            for name, figures in faithfulness.by_answer.items()
        },
        "swaps": None if swaps is None else _swaps(swaps),
        "perturbations": [_robustness(each) for each in robustness],
    }


def _attribution(found: Attribution) -> dict[str, Any]:
    tokens = found.tokens
    return {
        "text": tokens.text,
        "tokens": [
            {"start": start, "end": end, "effect": effect}
            for (start, end), effect, own in zip(
                tokens.spans, found.effects, tokens.own, strict=True
            )
            if not own
        ],
        "output": found.output,
        "value": found.value,
        "without_tokens": found.blank,
        "residual": found.residual,
        "residual_share": found.share,
        "steps": found.steps,
        "complete": found.complete,
        "cut": tokens.cut,
    }


def _swaps(found: Swaps) -> dict[str, Any]:
    return {
        "texts": found.texts,
        "names": list(found.names),
        "spread": found.spread.to_dict(),
        "flips": found.flips.to_dict(),
        "effects": [[name, figure.to_dict()] for name, figure in found.effects],
        "examples": [
            {
                "text": each.text,
                "name": each.name,
                "other": each.other,
                "before": each.before,
                "after": each.after,
            }
            for each in found.examples[:EXAMPLES]
        ],
    }


def _robustness(found: Robustness) -> dict[str, Any]:
    example = found.example
    return {
        "kind": found.kind,
        "should_move": found.should_move,
        "texts": found.texts,
        "undone_by_cleaning": found.undone,
        "flips": found.flips.to_dict(),
        "flips_of_polar": found.polar.to_dict(),
        "movement": found.movement.to_dict(),
        "example": None
        if example is None
        else dict(zip(("text", "changed", "before", "after"), example, strict=True)),
    }


def summary(told: dict[str, Any]) -> list[str]:
    """What was found, a sentence a part."""
    found = []
    if told["texts"] is not None:
        texts = told["texts"]
        wrong = sum(not each["complete"] for each in texts)
        largest = max(abs(each["residual"]) for each in texts)
        found.append(
            f"Tokens of {len(texts):,} texts: attributions sum to the output's change but for at "
            f"most {largest:.4f}; {wrong:,} are not complete."
        )
    if told["deletion"] is not None:
        figures = [each for _, each in told["deletion"]["all texts"]]
        gains = [figures[2], figures[5]]
        if all(each["ci"] for each in gains):
            found.append(
                f"Deletion: {_number(figures[0])} against {_number(figures[1])} of random tokens; "
                + (
                    "attributions beat chance."
                    if all(each["ci"][0] > 0 for each in gains)
                    else "attributions don't beat chance in both tests."
                )
            )
    if told["swaps"] is not None and told["swaps"]["spread"]["ci"]:
        swaps = told["swaps"]
        biased = [name for name, each in swaps["effects"] if each["ci"] and not _holds_zero(each)]
        found.append(
            f"Names: the score ranges over {_number(swaps['spread'])} within a text, "
            f"{swaps['flips']['value']:.1%} of swaps change the answer; "
            + (
                f"apart from all others: {', '.join(biased)}."
                if biased
                else "no name is told apart from all others."
            )
        )
    changes = [each for each in told["perturbations"] if each["flips"]["value"] is not None]
    if changes:
        parts = [f"{each['kind']} {each['flips']['value']:.1%}" for each in changes]
        found.append(f"Answers changed by {', '.join(parts)}.")
    return found


def document_of(told: dict[str, Any]) -> Document:
    """The page of what `explanation_json` told."""
    counts = told["counts"]
    return Document(
        kind="model explanation",
        name=told["model"],
        kicker="Explanation of a model",
        standing="What a model's answers rest on; it says nothing of returns",
        span={"start": "", "end": "", "texts": counts["used"]},
        opening=Opening(
            "inconclusive",
            f"{counts['used']:,} texts of {', '.join(told['files'])}",
            (
                *summary(told),
                "Attributions share out what the model computes; they are no causes.",
            ),
        ),
        blocks=(
            _tokens(told),
            _deletion(told),
            _names(told),
            _changes(told),
            card_block(told["card"], id="card", title="Model card"),
        ),
        passages={
            "tokens": tuple(
                _passage(each, number) for number, each in enumerate((told["texts"] or [])[:SHOWN])
            )
        },
        provenance={"seed": told["seed"], "texts": counts},
    )


def _tokens(told: dict[str, Any]) -> Block:
    texts = told["texts"]
    if texts is None:
        return Block(
            id="tokens",
            title="Tokens",
            text=("This model has no gradients, so its tokens can't be told apart by them.",),
            status="not run",
        )
    wrong = sum(not each["complete"] for each in texts)
    cut = sum(each["cut"] for each in texts)
    shown = min(SHOWN, len(texts))
    text = [
        (
            f"Integrated gradients of {_explained(told['output'])}, from the same text with blank "
            "tokens. Blue, underlined: raises it; orange, dashed: lowers it; the darker, the more."
        ),
        f"The first {shown} of {len(texts):,} texts, as the model reads them.",
    ]
    if wrong:
        text.append(f"{wrong:,} attributions don't sum up: doubt them, or raise --steps.")
    if cut:
        text.append(f"{cut:,} texts are longer than one input; their beginning is explained.")
    return Block(
        id="tokens", title="Tokens", text=tuple(text), status="warning" if wrong else "pass"
    )


def _explained(output: str) -> str:
    if output == "answer":
        return "the probability of the class that the model answers"
    return f"the output {output}"


def _passage(each: dict[str, Any], number: int) -> Passage:
    """A text with its tokens coloured, and how well they sum up."""
    text, parts, at = each["text"], [], 0
    most = max((abs(token["effect"]) for token in each["tokens"]), default=0.0)
    for token in each["tokens"]:
        start, end, effect = token["start"], token["end"], token["effect"]
        if start < at or abs(effect) < MARKED * most or not effect:
            continue
        parts += [Part(text[at:start]), Part(text[start:end], effect, _level(abs(effect) / most))]
        at = end
    parts.append(Part(text[at:]))
    share = each["residual_share"]
    residual = f"{abs(each['residual']):.4f}" + ("" if share is None else f" ({share:.1%})")
    return Passage(
        id=f"text-{number}",
        parts=tuple(part for part in parts if part.text),
        source=f"{each['output']} {each['value']:+.3f}, without tokens "
        f"{each['without_tokens']:+.3f} · residual {residual} in {each['steps']} steps"
        + ("" if each["complete"] else " · NOT COMPLETE")
        + (" · the text goes on" if each["cut"] else ""),
    )


def _level(share: float) -> Literal[1, 2, 3]:
    if share < _LEVELS[0]:
        return 1
    return 2 if share < _LEVELS[1] else 3


def _deletion(told: dict[str, Any]) -> Block:
    if told["deletion"] is None:
        return Block(
            id="deletion",
            title="Deletion test",
            text=("It needs the attributions of tokens.",),
            status="not run",
        )
    everything = told["deletion"]["all texts"]
    gains = [figure for label, figure in everything if label == "gain"]
    known = all(each["ci"] for each in gains)
    faithful = known and all(each["ci"][0] > 0 for each in gains)
    rows = tuple(
        (
            name,
            figures[0][1]["n"],
            *(_rounded(figures[place][1]["value"]) for place in (0, 1)),
            _interval(figures[2][1]),
            *(_rounded(figures[place][1]["value"]) for place in (3, 4)),
            _interval(figures[5][1]),
        )
        for name, figures in told["deletion"].items()
    )
    return Block(
        id="deletion",
        title="Deletion test",
        text=(
            (
                "Without the tokens that count most the output should fall more than without as "
                "many random ones (comprehensiveness), and with those alone less (sufficiency). A "
                "gain above 0 means that the attributions beat chance."
            ),
        ),
        tables=(
            Table(
                "Mean fall of the output, over 1 to 50 % of the tokens",
                (
                    *("Texts answered", "n", "without best", "without random", "gain, 90 %"),
                    *("best alone", "random alone", "gain, 90 % "),
                ),
                rows,
                note="A class that the model falls back to without any text, often the neutral "
                "one, has little to lose, and its row says little.",
            ),
        ),
        status="pass" if faithful else "warning" if known else "not run",
    )


def _names(told: dict[str, Any]) -> Block:
    swaps = told["swaps"]
    if swaps is None:
        return Block(
            id="names",
            title="Names",
            text=(
                (
                    "No text names an asset of the table, or the table has a single one; name "
                    "another by --entities."
                ),
            ),
            status="not run",
        )
    biased = any(each["ci"] and not _holds_zero(each) for _, each in swaps["effects"])
    enough = swaps["spread"]["value"] is not None
    return Block(
        id="names",
        title="Names",
        text=(
            (
                f"{swaps['texts']:,} texts name an asset of the table; each was scored under each "
                f"of {len(swaps['names'])} names. What is left is what the model holds for or "
                "against a name."
            ),
        ),
        figures=(
            ("Range of the score within a text", figure_of(swaps["spread"])),
            ("Swaps that change the answer", figure_of(swaps["flips"])),
        ),
        tables=(
            Table(
                "Score under a name, less the mean over all",
                ("Name", "Effect", "From", "To", "Says"),
                tuple(
                    (name, _rounded(each["value"]), *_bounds(each), _says(each))
                    for name, each in swaps["effects"]
                ),
                note="Intervals hold for all names at once (90 %).",
            ),
            Table(
                "Swaps that change the answer, the largest first",
                ("Text", "Name", "Instead", "Before", "After"),
                tuple(
                    (
                        *(each[key] for key in ("text", "name", "other")),
                        *(_rounded(each[key]) for key in ("before", "after")),
                    )
                    for each in swaps["examples"]
                ),
            ),
        ),
        status="not run" if not enough else "warning" if biased else "pass",
    )


def _changes(told: dict[str, Any]) -> Block:
    return Block(
        id="changes",
        title="Changes of the text",
        text=(
            (
                "The raw text is changed, then cleaned as for scoring. Typos, look-alike letters, "
                "invisible signs and capitals should leave the answer; a negation should change it "
                "where it is positive or negative."
            ),
        ),
        tables=(
            Table(
                "Answers that change, and how far the score moves",
                (
                    *("Change", "Should", "Texts", "Undone by cleaning", "Other answer %"),
                    *("90 %", "of polar %", "90 % ", "Movement", "90 %  "),
                ),
                tuple(
                    (
                        each["kind"],
                        "move" if each["should_move"] else "stay",
                        each["texts"],
                        each["undone_by_cleaning"],
                        _percent(each["flips"]),
                        _interval(each["flips"], scale=100.0),
                        _percent(each["flips_of_polar"]),
                        _interval(each["flips_of_polar"], scale=100.0),
                        _rounded(each["movement"]["value"]),
                        _interval(each["movement"]),
                    )
                    for each in told["perturbations"]
                ),
            ),
            Table(
                "The text that moved most, by change",
                ("Change", "As it was", "Changed", "Before", "After"),
                tuple(
                    (
                        each["kind"],
                        *(each["example"][key] for key in ("text", "changed")),
                        *(_rounded(each["example"][key]) for key in ("before", "after")),
                    )
                    for each in told["perturbations"]
                    if each["example"]
                ),
            ),
        ),
    )


def _says(figure: dict[str, Any]) -> str:
    if figure["ci"] is None:
        return f"fewer than {LEAST} texts"
    if _holds_zero(figure):
        return "not told apart"
    return "raises" if figure["value"] > 0 else "lowers"


def _holds_zero(figure: dict[str, Any]) -> bool:
    low, high = figure["ci"]
    return bool(low <= 0 <= high)


def _bounds(figure: dict[str, Any]) -> tuple[float | None, float | None]:
    low, high = figure["ci"] or (None, None)
    return _rounded(low), _rounded(high)


def _rounded(value: float | None) -> float | None:
    return None if value is None or value != value else round(value, 3)  # noqa: PLR0124 - NaN


def _percent(figure: dict[str, Any]) -> float | None:
    return None if figure["value"] is None else round(100 * figure["value"], 1)


def _interval(figure: dict[str, Any], *, scale: float = 1.0) -> str:
    if figure["ci"] is None:
        return "–"
    digits = 3 if scale == 1.0 else 1
    low, high = (f"{scale * each:.{digits}f}".replace("-", "\u2212") for each in figure["ci"])
    return f"{low} to {high}"


def _number(figure: dict[str, Any]) -> str:
    return "–" if figure["value"] is None else f"{figure['value']:.3f}"
