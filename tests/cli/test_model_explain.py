"""`finstrat model explain` from a file of texts to figures and a page."""

import json

import pytest

HOSTILE = '<script>alert(1)</script> Profit & loss: <b>sales</b> fell "a lot" 5 < 6'
ROWS = [
    HOSTILE,
    "Apple Inc raised its outlook and profit jumped.",
    "Shares of Apple plunged after a profit warning.",
    "Microsoft will hold its annual meeting on Tuesday.",
    "Boeing was fined for misleading investors.",
    "AMD reported record sales.",
    "AMD reported record sales.",
    "",
]


@pytest.fixture
def texts(tmp_path):
    file = tmp_path / "texts.jsonl"
    file.write_text("".join(json.dumps({"text": row}) + "\n" for row in ROWS), encoding="utf-8")
    return file


def test_page_and_data_are_written_and_a_hostile_text_stays_text(finstrat, texts, tmp_path):
    out = tmp_path / "out"
    found = finstrat(
        *("model", "explain", "minilm-sentiment", texts, "--out", out, "--explained", 3, "--json")
    ).json
    assert found == json.loads((tmp_path / "out" / "explanation.json").read_text(encoding="utf-8"))
    assert found["counts"] == {"rows": 8, "empty": 1, "duplicates": 1, "used": 6}
    assert len(found["texts"]) == 3
    assert found["swaps"]["texts"] >= 4
    page = (tmp_path / "out" / "explanation.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "<mark class=" in page
    assert "http://" not in page.split("<main")[1].split("<script")[0]


def test_scorer_without_gradients_is_still_put_to_names_and_changes(finstrat, texts):
    found = finstrat("model", "explain", "lm-context", texts, "--json").json
    assert found["texts"] is None
    assert found["deletion"] is None
    assert {each["kind"] for each in found["perturbations"]} >= {"typos", "negation"}


def test_file_without_text_is_refused(finstrat, tmp_path):
    file = tmp_path / "empty.csv"
    file.write_text('text\n""\n', encoding="utf-8")
    ended = finstrat("model", "explain", "lm-context", file)
    assert ended.code == 3
    assert "no text to explain" in ended.err
