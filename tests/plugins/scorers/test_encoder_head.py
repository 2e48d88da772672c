import json
import shutil
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from finstrat.cli import app
from finstrat.errors import DataError
from finstrat.models.heads import load_head

ABOUT = """
summary = "Three made-up classes of sentence."
training_data = ["sentences of this test"]
licence = "Apache-2.0"
training_cutoff = 2020-01-01
cutoff_reason = "chosen for this test"
limits = []
"""


def test_head_for_another_encoder_is_read_by_encoder_head(tmp_path, classifier_directory):
    from finstrat_plugins.scorers.encoder_head import EncoderHead

    said = {
        "negative": "The loss widened to {} million.",
        "neutral": "The meeting is in room {}.",
        "positive": "Profit rose to {} million.",
    }
    rows = [f"{said[label].format(n)},{label}" for n in range(8) for label in said]
    (tmp_path / "data.csv").write_text("\n".join(["text,label", *rows]))
    (tmp_path / "about.toml").write_text(ABOUT)
    call = ["model", "head", str(tmp_path / "data.csv"), "--about", str(tmp_path / "about.toml")]
    call += ["--out", str(tmp_path / "head"), "--json", "--encoder", str(classifier_directory)]
    ended = CliRunner().invoke(app, call)
    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.stdout)["cross_validation"]["accuracy"] == 1.0
    assert load_head(tmp_path / "head").weight.shape == (3, 384)
    with pytest.raises(DataError, match="trained on the encoder classifier"):
        EncoderHead({"head": tmp_path / "head"})  # MiniLM, with vectors of the same length
    scorer = EncoderHead({"head": tmp_path / "head", "path": classifier_directory})
    assert scorer.score(["Profit rose to 50 million.", "The loss widened."])[
        :, -1
    ].sign().tolist() == [1, -1]
    assert scorer.card.training_cutoff.isoformat() == "2020-01-01"


def test_adapter_beside_the_head_is_merged(tmp_path):
    from finstrat_plugins.scorers import minilm
    from finstrat_plugins.scorers.encoder_head import EncoderHead

    tuned = Path(minilm.__file__).parent / "minilm_sentiment"
    texts = ["Profit rose sharply.", "The company filed for bankruptcy.", "The meeting is today."]
    with_adapter = EncoderHead({"head": tuned})
    # Without amounts to compare, the bundled scorer is this very model.
    assert torch.equal(with_adapter.score(texts), minilm.MiniLMSentiment().score(texts))
    bare = tmp_path / "bare"
    shutil.copytree(tuned, bare, ignore=shutil.ignore_patterns("adapter_*"))
    without = EncoderHead({"head": bare})
    assert without.fingerprint != with_adapter.fingerprint
    assert not torch.equal(without.score(texts), with_adapter.score(texts))
