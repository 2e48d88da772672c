"""The training and development files of `minilm-sentiment`, made from permitted sources alone.

    python benchmarks/training/build.py OUT --tweets twitter_financial_news_train.parquet
        --vader vaderSentiment-3.3.2.tar.gz --filings FOLDER

writes `OUT/train.parquet` and one development file a source, with the columns text, label and
weight; docs/scoring.md says what to do with them and where the sources come from. Texts are cleaned
and their compared amounts marked, as the scorer does it. Which text is held out depends on the
text alone, so a source that grows keeps its split. It never reads an evaluation set.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import tarfile
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pandas as pd
from filings import filing_sentences, weak_label
from finstrat_plugins.scorers.minilm_amounts import with_directions
from press import press_sentences

from finstrat.data.frames import read_table, require_columns
from finstrat.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

CLASSES = ("negative", "neutral", "positive")
SENTENCES = Path(__file__).parent / "sentences"
READ = Path(__file__).parent / "filings_read.csv"
# How much a text of each source counts: more where labels are people's own and about companies.
WEIGHTS = {"tweets": 2.0, "written": 3.0, "filings": 1.0, "press": 1.0, "vader": 0.3}
HELD_OUT = {"tweets": 0.3, "written": 0.25, "vader": 0.05}
PRESS, VADER, NEUTRAL_FILINGS = 8000, 3000, 1500
SEED = 1

Row = tuple[str, str]  # label, text


def tweets(file: Path) -> list[Row]:
    """Financial tweets with the labels of their publisher."""
    frame = read_table(file)
    require_columns(frame, ("text", "label"), where=str(file))
    return list(zip(frame["label"].astype(str), frame["text"].astype(str), strict=True))


def vader(archive: Path) -> list[Row]:
    """Tweets and newspaper snippets that people rated for VADER, out of its source distribution.

    A mean valence of at most -0.5 is negative, above 0.5 positive, the rest neutral.
    """
    with tarfile.open(archive) as outer:
        name = next(each for each in outer.getnames() if each.endswith("hutto_ICWSM_2014.tar.gz"))
        packed = outer.extractfile(name)
        assert packed is not None
        inner = packed.read()
    found: list[Row] = []
    with tarfile.open(fileobj=io.BytesIO(inner)) as ratings:
        for kind in ("tweets", "nytEditorialSnippets"):
            file = ratings.extractfile(f"hutto_ICWSM_2014/{kind}_GroundTruth.txt")
            assert file is not None
            for line in file.read().decode("utf-8", errors="replace").splitlines():
                _, valence, text = line.split("\t", 2)
                score = float(valence)
                sign = "negative" if score <= -0.5 else "positive" if score > 0.5 else "neutral"
                found.append((sign, text))
    return found


def written() -> list[Row]:
    """The sentences of this folder's text files, one a line, one file a class."""
    return [
        (label, text)
        for label in CLASSES
        for text in (SENTENCES / f"{label}.txt").read_text(encoding="utf-8").splitlines()
    ]


def labels_read() -> dict[str, str]:
    """Labels that were given by reading, by the SHA-256 of a filing's sentence.

    The sentences themselves are the filings', so they aren't kept here.
    """
    return dict(read_table(READ).astype(str)[["sha256", "label"]].itertuples(index=False))


def read_by_hand(sentences: list[str]) -> list[Row]:
    """The sentences with a label in `labels_read`: the development set of the filings."""
    labels = labels_read()
    keys = ((hashlib.sha256(text.encode()).hexdigest(), text) for text in sentences)
    return [(labels[key], text) for key, text in keys if key in labels]


def filings(sentences: list[str], *, without: set[str], rng: Random) -> list[Row]:
    """Weakly labelled sentences of filings, with no more neutral ones than are useful."""
    labelled = [
        (label, text)
        for text in sentences
        if text not in without and (label := weak_label(text)) is not None
    ]
    neutral = [row for row in labelled if row[0] == "neutral"]
    directed = [row for row in labelled if row[0] != "neutral"]
    return directed + rng.sample(neutral, min(NEUTRAL_FILINGS, len(neutral)))


def held_out(text: str, share: float) -> bool:
    """Whether a text belongs to the development set, by its own hash."""
    digest = hashlib.sha256(f"split {text}".encode()).digest()
    return int.from_bytes(digest[:4], "big") < share * 2**32


def prepared(rows: Iterable[Row]) -> list[Row]:
    """The rows as the scorer reads them, without empty texts."""
    tidy = ((label, with_directions(clean(text))) for label, text in rows)
    return [(label, text) for label, text in tidy if text]


def write(file: Path, rows: Iterable[Row], *, weights: Iterable[float]) -> None:
    """One Parquet file of labelled texts."""
    frame = pd.DataFrame(list(rows), columns=["label", "text"])
    frame.assign(weight=list(weights)).to_parquet(file, index=False)
    print(f"{file}: {len(frame):,} texts, {frame['label'].value_counts().to_dict()}")


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--tweets", type=Path, required=True)
    parser.add_argument("--vader", type=Path, required=True)
    parser.add_argument("--filings", type=Path, required=True)
    told = parser.parse_args()

    rng = Random(SEED)
    sentences = list(filing_sentences(sorted(told.filings.glob("*.gz"))))
    real = read_by_hand(sentences)
    sources = {
        "tweets": prepared(tweets(told.tweets)),
        "vader": prepared(vader(told.vader)),
        "written": prepared(written()),
        "filings": prepared(filings(sentences, without={text for _, text in real}, rng=rng)),
        "press": prepared(press_sentences(PRESS, rng=rng)),
    }
    told.out.mkdir(parents=True, exist_ok=True)
    train: list[Row] = []
    weights: list[float] = []
    for name, rows in sources.items():
        share = HELD_OUT.get(name, 0.0)
        kept = [row for row in rows if not held_out(row[1], share)]
        if share:
            aside = [row for row in rows if held_out(row[1], share)]
            write(told.out / f"{name}.parquet", aside, weights=[1.0] * len(aside))
        if name == "vader":
            kept = rng.sample(kept, min(VADER, len(kept)))
        train += kept
        weights += [WEIGHTS[name]] * len(kept)
    write(told.out / "filings.parquet", prepared(real), weights=[1.0] * len(real))
    write(told.out / "train.parquet", train, weights=weights)


if __name__ == "__main__":
    main()
