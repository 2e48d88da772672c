"""Until when all of a model may have read."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest

from finstrat.errors import DataError
from finstrat.models.cutoff import Cutoff, encoder_cutoff, latest

if TYPE_CHECKING:
    from pathlib import Path

MAY, JUNE = (Cutoff(dt.date(2020, month, 1), "told") for month in (5, 6))


def test_the_latest_of_all_counts_and_one_unknown_makes_it_unknown() -> None:
    unknown = Cutoff(None, "nobody knows")
    assert latest([JUNE, MAY]) is JUNE
    assert latest([JUNE, unknown, MAY]) is unknown


def test_an_encoders_card_says_its_cutoff_and_one_that_says_none_leaves_it_unknown(
    tmp_path: Path,
) -> None:
    card = tmp_path / "card.json"
    assert encoder_cutoff(tmp_path) is None
    card.write_text(json.dumps({"training_cutoff": "2020-05-01", "cutoff_reason": "its texts"}))
    assert encoder_cutoff(tmp_path) == Cutoff(
        dt.date(2020, 5, 1), "the encoder under it: its texts"
    )
    card.write_text(json.dumps({"task": "classification"}))
    assert encoder_cutoff(tmp_path) == Cutoff(None, "the encoder under it: not stated by its card")


@pytest.mark.parametrize("text", ["[]", "{", '{"training_cutoff": "May 2020"}'])
def test_a_card_that_cant_be_read_is_refused_by_its_path(tmp_path: Path, text: str) -> None:
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(DataError, match=r"card\.json: expected the card of an encoder"):
        encoder_cutoff(tmp_path)
