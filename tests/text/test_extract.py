import datetime as dt
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from finstrat_plugins.scorers.lexicon import LoughranMcDonald
from finstrat_plugins.scorers.minilm_embedding import MiniLMEmbedding

from finstrat import text
from finstrat.components import Inputs, Signal
from finstrat.data import Clock, Documents, Facts, Panel, Span
from finstrat.data.entities import Entities
from finstrat.host import Host
from finstrat.text import score_documents
from finstrat.text.extract import extract

ROOT = Path(__file__).parents[2]
HOOK = """

import finstrat


@finstrat.hookimpl
def finstrat_components():
    return [FreshTone]
"""
ROWS = [
    ("1", "AAPL", "2015-03-02T15:00:00Z", "Apple profit rises. Apple sells phones. It rains."),
    ("2", "AAPL", "2015-03-03T15:00:00Z", "Apple profit rises. Apple sells phones. It rains."),
    ("3", "AAPL", "2015-03-03T22:00:00Z", "Apple sued over patents by Microsoft"),
    ("4", None, "2015-03-04T15:00:00Z", "Pfizer and Acme Corp merge; Range Resources too"),
    ("5", "AAPL", "2015-03-04T16:00:00Z", ""),
]


def scored(scorer, texts):
    found = score_documents(scorer, texts)
    return found.values  # noqa: PD011 - a tensor


@pytest.fixture(scope="module")
def documents():
    frame = pd.DataFrame(ROWS, columns=["id", "asset", "known_at", "text"])
    frame["known_at"] = pd.to_datetime(frame["known_at"])
    return Documents.from_frame(frame.assign(event_at=frame["known_at"]), where="test")


@pytest.fixture(scope="module")
def inputs(documents):
    clock = Clock.build("XNYS", Span(dt.date(2015, 3, 2), dt.date(2015, 3, 6)))
    close = np.ones((len(clock), 2))
    scorers = {"lm-lexicon": LoughranMcDonald(), "minilm-embedding": MiniLMEmbedding()}
    return Inputs(
        panel=Panel.from_fields(clock.sessions, ("AAPL", "PFE"), {"close": close}),
        documents=documents,
        facts=Facts.empty(),
        clock=clock,
        device=torch.device("cpu"),
        scorer=lambda name: scored(scorers[name], documents.texts),
    )


def test_a_row_a_document_with_everything_in_it(documents):
    found = extract(documents, entities=Entities.bundled(), keywords=2, sentences=1)
    frame = found.frame.set_index("id")
    assert frame["novelty"].tolist()[:4] == [1.0, 0.0, pytest.approx(8 / 9), 1.0]
    assert np.isnan(frame["novelty"]["5"])
    assert frame["nearest"].dropna().to_dict() == {"2": "1", "3": "1"}
    assert frame["assets"].tolist() == [["AAPL"], ["AAPL"], ["AAPL", "MSFT"], ["PFE", "RRC"], []]
    assert frame["unmapped"]["4"] == ["Acme Corp"]
    assert frame["events"]["3"] == ["litigation"]
    assert frame["summary"]["1"] == "Apple profit rises."
    assert frame["summary"]["5"] == ""
    assert frame["keywords"]["3"] == ["microsoft", "patents"]
    assert found.coverage["documents_unmapped"] == 1


def test_by_meaning_paraphrase_is_less_new_than_by_words(documents):
    scorer = MiniLMEmbedding()
    found = extract(
        documents,
        entities=Entities.bundled(),
        embed=lambda texts: scored(scorer, texts).numpy(),
        sentences=1,
    ).frame.set_index("id")
    assert found["novelty"]["2"] == pytest.approx(0.0, abs=1e-5)
    assert 0.1 < found["novelty"]["3"] < 8 / 9
    assert any("patents" in each for each in found["keywords"]["3"])
    assert found["keywords"]["5"] == []
    assert np.isnan(found["novelty"]["5"])


def test_signals_read_novelty_terms_events_and_links(inputs):
    assert text.novelty_of(inputs)[:2].tolist() == [1.0, 0.0]
    assert text.novelty_of(inputs, encoder="minilm-embedding")[1].item() == pytest.approx(
        0, abs=1e-5
    )
    weights = text.term_weights_of(inputs, ["patents", "profit"])
    assert weights.shape == (5, 2)
    # Both texts of 2 March and of 3 March's session came before the third's session.
    assert weights[2, 0].item() == pytest.approx(1 + np.log(3))
    assert weights[4].isnan().all()
    assert text.events_of(inputs)[2].sum() == 1
    links = text.links_of(inputs, Entities.bundled())
    assert links.documents.tolist() == [0, 1, 2, 3]
    assert links.assets.tolist() == [0, 0, 0, 1]


def test_embedding_is_a_unit_vector_that_depends_on_its_text_alone():
    scorer = MiniLMEmbedding()
    alone = scorer.score(["Profit rose."])
    assert torch.equal(scorer.score(["Loss widened.", "Profit rose.", "Up we go"])[1:2], alone)
    assert alone.shape == (1, len(scorer.outputs))
    assert alone.norm().item() == pytest.approx(1.0, abs=1e-5)
    assert scorer.card.training_cutoff is not None


def test_the_documented_signal_reads_each_story_once(inputs, tmp_path):
    (code,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs/extraction.md").read_text(), flags=re.DOTALL
    )
    (tmp_path / "fresh.py").write_text(code + HOOK)
    signal = Host.load([tmp_path], blocked=["bundled", "strategies"]).get(Signal, "fresh-tone")
    values = signal.component().compute(inputs)
    assert values.shape == inputs.shape
    assert values[0, 0].item() == values[1, 0].item()
    assert values[:, 1].isnan().all()


def test_the_documented_table_of_names_is_read(tmp_path):
    (table,) = re.findall(
        r"```csv entities\n(.*?)```", (ROOT / "docs/extraction.md").read_text(), flags=re.DOTALL
    )
    (tmp_path / "names.csv").write_text(table)
    assert Entities.read(tmp_path / "names.csv").assets == ("AAPL", "MSFT")
