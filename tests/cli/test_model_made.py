"""What a verb says of the model that it made."""

import pytest

from finstrat.cli.model_made import print_made

CARD = {
    "method": "lora",
    "texts": 1200,
    "files": {"head.safetensors": "…"},
    "training_cutoff": "2022-12-31",
}
CLASSES = {"n": 1500, "accuracy": 0.75, "macro_f1": 0.5, "ece": 0.0312, "confusion": [[1]]}
VALUES = {"n": 30, "rmse": 0.25, "mae": 0.125, "spearman": None}


def shown(capsys, tmp_path, **more):
    print_made({**CARD, **more}, tmp_path / "my model", data=[tmp_path], as_json=False)
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_figures_stand_with_their_texts_under_the_name_of_what_was_judged(capsys, tmp_path):
    (tmp_path / "test.parquet").touch()
    two = {"this model": CLASSES, "head alone": CLASSES}
    lines = shown(capsys, tmp_path, cross_validation=two, development={"validation": CLASSES})
    assert "lora, learnt from 1,200 texts" in lines
    assert "judged on texts accuracy macro-F1 calibration error" in lines
    for name in ("cross-validation: this model", "cross-validation: head alone", "validation"):
        assert f"{name} 1,500 0.7500 0.5000 0.0312" in lines
    stored = "head.safetensors, card.json; training cutoff 2022-12-31"
    assert f"{tmp_path}/my model: {stored}" in lines
    asked = f"finstrat model evaluate '{tmp_path}/my model' {tmp_path}/test.parquet"
    assert f"next: {asked}" in lines


@pytest.mark.parametrize("cutoff", [None, "2020-01-01"])
def test_numbers_have_their_own_figures(capsys, tmp_path, cutoff):
    lines = shown(
        capsys, tmp_path, task="regression", cross_validation=VALUES, training_cutoff=cutoff
    )
    assert "judged on texts RMSE MAE rank correlation" in lines
    assert "cross-validation 30 0.2500 0.1250 –" in lines
    assert lines[-2].endswith(f"training cutoff {cutoff or 'unknown'}")


def test_model_that_nothing_judged_says_so(capsys, tmp_path):
    assert shown(capsys, tmp_path)[0] == "lora, learnt from 1,200 texts; judged on none"
