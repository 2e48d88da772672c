"""`finstrat model explain` reads what every other verb of `finstrat model` makes."""

import pandas as pd
import pytest

from finstrat.models.trained import load_trained

pytestmark = pytest.mark.slow

ABOUT = """
summary = "a sample"
training_data = ["financial tweets"]
licence = "MIT"
"""
SMALL = ("--layers", 1, "--width", 32, "--vocab", 300, "--batch", 16)
MADE = {
    "few": ("few", "learnt", "--steps", 3),
    "int8": ("compress", "--method", "int8"),
    "distil": ("compress", "--method", "distil", "--epochs", 1),
    "adapter": ("tune", "learnt", "--method", "adapter", "--epochs", 1),
    "prefix": ("tune", "learnt", "--method", "prefix", "--epochs", 1),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, shared_data, finstrat):
    """Sixty real tweets to learn, twelve others; a head on MiniLM and one on a new encoder."""
    folder = tmp_path_factory.mktemp("explained")
    (folder / "about.toml").write_text(ABOUT)
    tweets = pd.read_parquet(shared_data / "sentiment/twitter_financial_news_train.parquet")
    drawn = tweets.groupby("label").sample(24, random_state=0)
    drawn.groupby("label").head(20).to_parquet(folder / "learnt.parquet", index=False)
    drawn.groupby("label").tail(4).to_parquet(folder / "others.parquet", index=False)
    learnt = folder / "learnt.parquet"
    about = ("--about", folder / "about.toml")
    encoder = folder / "encoder"
    calls = (
        ("head", learnt, *about, "--out", folder / "head"),
        ("pretrain", learnt, "--from-scratch", *SMALL, "--out", encoder),
        ("head", learnt, *about, "--encoder", encoder, "--out", folder / "pretrained"),
    )
    for call in calls:
        ended = finstrat("model", *call)
        assert ended.code == 0, ended
    return folder


@pytest.mark.parametrize("made", [*MADE, "pretrained"])
def test_tokens_of_a_model_explain_what_it_answers(finstrat, folder, made):
    encoder = folder / "encoder" if made == "pretrained" else None
    if made in MADE:
        verb, *options = MADE[made]
        if verb == "compress":
            given = (folder / "head", "--data", folder / "others.parquet")
            if made != "int8":
                given = (*given, "--texts", folder / "learnt.parquet")
        else:
            given = (folder / f"{options.pop(0)}.parquet", "--about", folder / "about.toml")
        ended = finstrat("model", verb, *given, *options, "--out", folder / made)
        assert ended.code == 0, ended
    call = ("model", "explain", folder / made, folder / "others.parquet", "--explained", 2)
    more = ("--most", 6, *(() if encoder is None else ("--encoder", encoder)))
    ended = finstrat(*call, *more, "--json")
    assert ended.code == 0, ended
    model = load_trained(folder / made, encoder=encoder, dtype="fp32")
    for each in ended.json["texts"]:
        assert each["complete"]
        assert any(token["effect"] for token in each["tokens"])
        chances = model.probabilities([each["text"]])[0]
        said = chances[model.classes.index(each["output"])]
        assert each["value"] == pytest.approx(float(said), abs=1e-3)
    assert ended.json["deletion"] is not None
