"""Whether tweets or prices tell which way a stock goes the next day: StockNet by walk-forward.

    python benchmarks/stocknet_direction.py --stocknet DIR [--cache FILE]

At the close of session t every model says whether the adjusted close of t + 1 will be above that of
t. It is fitted anew every month, on all examples whose outcome was known by then
(`FittedSignal`). Tweets count that were known before the close of t. Judged are the stock-days from
2014-07-01 on with a tweet in the last five sessions:

- all days: up or not, which is what can be asked in advance;
- filtered days: only moves of at least +0.55 % or at most -0.5 %, as Xu and Cohen (2018) choose
  them. That choice looks at the outcome, so no one could have made it in advance.

Text features are the sentiment by MiniLM, new and fading with a half-life of two sessions, and
384-dimensional embeddings, fading (32 principal components, found in each fit). Intervals are
90 %, whole sessions drawn anew 1,000 times. The published figures are of October to December 2015,
which these data don't reach.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from finstrat import features
from finstrat.config import load, resolve
from finstrat.fitting import Examples, FittedSignal
from finstrat.host import Host
from finstrat.market import load_market
from finstrat.pipeline import inputs_over
from finstrat.signals import Scores
from finstrat.text import ScoreCache
from finstrat.toml_file import TomlFile

if TYPE_CHECKING:
    from finstrat.components import Inputs

UP, DOWN = 0.0055, -0.005
JUDGED_FROM = np.datetime64("2014-07-01")
LAGS = 5
DRAWS = 1000
MODELS = ("logistic", "boosting")
HALF_LIFE = 2.0
WIDTH, COMPONENTS = 384, 32


def prices_seen(inputs: Inputs) -> torch.Tensor:
    """Returns, their own and against the market's, ranges and volume, `[T, N, K]`."""
    close, opened = inputs.prices("close"), inputs.prices("open")
    high, low = inputs.prices("high"), inputs.prices("low")
    volume = inputs.prices("volume")
    columns = [features.returns(close, lag) for lag in (1, 2, 3, 5, 10, 20)]
    columns += [features.lag(columns[0], lag) for lag in (1, 2, 3, 4)]
    market = columns[0].nanmean(dim=1, keepdim=True).expand_as(close)
    average = features.rolling_mean(volume, 20, min_periods=5)
    columns += [
        market,
        columns[0] - market,
        close / opened - 1,
        (close - low) / (high - low + 1e-9),
        high / low - 1,
        features.volatility(close, 20),
        (volume / average).log().clip(-3, 3),
    ]
    return features.stack(columns).nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)


def texts_seen(inputs: Inputs, scores: torch.Tensor, *, new: bool) -> torch.Tensor:
    """The mean over a session's tweets of each column, new or fading.

    `scores` is `[D, K]`; `[T, N, K + 1]` with the logarithm of one plus their number. 0 = none.
    """
    rows, columns = inputs.document_sessions(), inputs.document_assets()
    sessions, assets = inputs.shape
    counts = (rows < sessions) & (columns >= 0) & ~scores.isnan().any(dim=1)
    place = rows[counts] * assets + columns[counts]
    total = torch.zeros(sessions * assets, scores.shape[1] + 1, dtype=torch.float64)
    total.index_add_(0, place, torch.nn.functional.pad(scores[counts].double(), (0, 1), value=1.0))
    total = total.view(sessions, assets, -1)
    if not new:
        keep = 0.5 ** (1 / HALF_LIFE)
        for row in range(1, sessions):
            total[row] += keep * total[row - 1]
    number = total[..., -1:]
    return torch.cat([total[..., :-1] / number.clamp(min=1.0), number.log1p()], dim=2)


@dataclass(frozen=True)
class Asked:
    """One question: what a model sees, what it is, and on which moves it is fitted and judged."""

    seen: str
    model: str
    filtered: bool


class Direction(FittedSignal):
    """The probability, less a half, that the next close is above this one."""

    name, version = "direction", "1"
    needs = ("close",)
    refit, horizon, window, memory = "monthly", 1, 120, "expanding"

    def __init__(self, asked: Asked, seen: torch.Tensor) -> None:
        super().__init__()
        self.asked, self.seen = asked, seen

    def observe(self, inputs: Inputs) -> torch.Tensor:  # noqa: ARG002 - made beforehand
        """What was made beforehand, each row of what its session knew."""
        return self.seen

    def target(self, inputs: Inputs) -> torch.Tensor:
        """The session's own return: of row t, the next session's is learnt."""
        return features.returns(inputs.prices("close"), 1)

    def fit(self, examples: Examples) -> Any:  # noqa: ANN401 - a classifier
        """A classifier of up or not."""
        moved = (examples.y >= UP) | (examples.y <= DOWN)
        kept = moved if self.asked.filtered else np.ones_like(moved)
        if self.asked.model == "logistic":
            model = make_pipeline(StandardScaler(), LogisticRegression(C=0.001, max_iter=500))
        else:
            model = HistGradientBoostingClassifier(
                max_iter=60,
                learning_rate=0.05,
                max_leaf_nodes=8,
                min_samples_leaf=200,
                early_stopping=False,
                random_state=examples.seed,
            )
        if examples.x.shape[1] > WIDTH:
            model = make_pipeline(Compressed(), model)
        return model.fit(examples.x[kept], examples.y[kept] > 0)

    def predict(self, model: Any, x: np.ndarray) -> np.ndarray:  # noqa: ANN401
        """The probability less a half."""
        return model.predict_proba(x)[:, 1] - 0.5


class Compressed:
    """The last 384 columns by their first principal components; the others as they are."""

    def fit(self, x: np.ndarray, y: np.ndarray) -> Compressed:  # noqa: ARG002 - scikit-learn's form
        """Find the components."""
        self.pca = PCA(COMPONENTS, svd_solver="covariance_eigh").fit(x[:, -WIDTH:])
        return self

    def transform(self, x: np.ndarray) -> np.ndarray:
        """The other columns and the components."""
        return np.hstack([x[:, :-WIDTH], self.pca.transform(x[:, -WIDTH:])])

    def fit_transform(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Both."""
        return self.fit(x, y).transform(x)


def measures(counts: np.ndarray) -> np.ndarray:
    """Accuracy and Matthews' correlation from counts (…, 4) of hits up, hits down, misses each."""
    tp, tn, fp, fn = np.moveaxis(counts.astype(float), -1, 0)
    scale = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    mcc = np.where(scale > 0, (tp * tn - fp * fn) / np.where(scale > 0, scale, 1.0), 0.0)
    return np.stack([(tp + tn) / (tp + tn + fp + fn), mcc], axis=-1)


def judged(said: np.ndarray, truth: np.ndarray, days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Accuracy and MCC of `said` up against `truth`, and their 5 and 95 % bounds over sessions."""
    kinds = np.stack([said & truth, ~said & ~truth, said & ~truth, ~said & truth], axis=1)
    _, day = np.unique(days, return_inverse=True)
    by_day = np.zeros((day.max() + 1, 4))
    np.add.at(by_day, day, kinds)
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(by_day), size=(DRAWS, len(by_day)))
    draws = measures(by_day[drawn].sum(axis=1))
    return measures(by_day.sum(axis=0)), np.quantile(draws, [0.05, 0.95], axis=0)


def loaded(folder: Path, cache: ScoreCache) -> tuple[Inputs, dict[str, torch.Tensor]]:
    """The market as a signal sees it, and what each kind of model sees of it."""
    host = Host.load()
    described: dict[str, object] = {
        "name": "stocknet-direction",
        "span": {"start": "2014-01-02", "end": "2015-09-30"},
        "market": {"benchmark": "none"},
        "prices": {"use": "stocknet-prices", "path": str(folder)},
        "documents": {"tweets": {"use": "stocknet-tweets", "path": str(folder)}},
        "scorers": {name: {"use": name} for name in ("minilm-sentiment", "minilm-embedding")},
        "strategy": {"use": "top-k", "signal": "none.value", "k": 5},
        "optimizer": {"use": "equal"},
    }
    file = TomlFile("stocknet-direction", "", described)
    plan = resolve(load(file), host, file=file, root=Path.cwd())
    market = load_market(plan)
    scores = Scores(
        plan, market.documents, cache=cache, device=torch.device("cpu"), progress=lambda *_: None
    )
    inputs = inputs_over(plan, market, scores)
    sentiment, embedding = (inputs.scores(name) for name in described["scorers"])
    tone = [texts_seen(inputs, sentiment, new=new) for new in (True, False)]
    meaning = texts_seen(inputs, embedding, new=False)[..., :WIDTH]
    price, text = prices_seen(inputs), torch.cat([*tone, meaning], dim=2)
    seen = {"text": text, "price": price, "both": torch.cat([price, text], dim=2)}
    return replace(inputs, scorer=None), seen


def main() -> None:
    """Ask every question, and print the answers beside the published ones."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--stocknet", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path(".finstrat/scores.sqlite"))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    options = parser.parse_args()
    with ScoreCache(options.cache) as cache:
        inputs, seen = loaded(options.stocknet, cache)
    move = np.full(inputs.shape, np.nan)
    move[:-1] = features.returns(inputs.prices("close"), 1).numpy()[1:]
    number = seen["text"][..., 4].expm1().numpy()
    lately = np.stack([np.roll(number, lag, axis=0) for lag in range(LAGS)]).sum(axis=0) > 0
    known = lately & ~np.isnan(move) & (inputs.clock.sessions >= JUDGED_FROM)[:, None]
    own = features.returns(inputs.prices("close"), 1).numpy() > 0
    print(f"{'':26}{'accuracy':>22}{'MCC':>26}{'stock-days':>12}")
    for filtered in (False, True):
        there = known & ((move >= UP) | (move <= DOWN)) if filtered else known
        days, truth = np.nonzero(there)[0], move[there] > 0
        print("filtered days" if filtered else "all days")
        _print("always up", judged(np.ones_like(truth), truth, days), len(truth))
        _print("as today", judged(own[there], truth, days), len(truth))
        for kind, model in [(k, m) for k in seen for m in options.models]:
            said = Direction(Asked(kind, model, filtered), seen[kind]).compute(inputs)[..., 0]
            values = said.numpy()[there]
            assert not np.isnan(values).any(), "every stock-day is spoken about"
            _print(f"{kind}, {model}", judged(values > 0, truth, days), len(truth))
    print("published, Oct-Dec 2015, filtered: StockNet 0.5823, 0.081; Adv-ALSTM 0.572, 0.148")


def _print(name: str, found: tuple[np.ndarray, np.ndarray], count: int) -> None:
    (accuracy, mcc), (low, high) = found
    print(
        f"  {name:24}{accuracy:8.4f} ({low[0]:.4f} … {high[0]:.4f})"
        f"{mcc:+10.4f} ({low[1]:+.4f} … {high[1]:+.4f}){count:9,}",
        flush=True,
    )


if __name__ == "__main__":
    main()
