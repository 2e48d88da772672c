"""The definitions behind every reported number, by id, with the unit each comes in.

A figure is made through `known` or `unknown`, so that none can carry an id that isn't defined
here. The formulas, with their sources, stand in `docs/conventions.md`, which lists the same ids.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from finstrat.errors import DataError
from finstrat.risk.figure import Figure

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Convention:
    """What a reported number means, in one line, and its unit."""

    unit: str
    meaning: str


CONVENTIONS: dict[str, Convention] = {
    "return.total": Convention("fraction", "growth of the initial capital over the whole span"),
    "return.time-weighted": Convention(
        "fraction",
        "compounded return of the sessions, whatever money came or went; without flows the total",
    ),
    "return.cagr": Convention("fraction", "constant yearly growth that gives the total return"),
    "volatility.annualised": Convention(
        "fraction", "sample standard deviation of the returns times √(sessions a year)"
    ),
    "sharpe.arithmetic": Convention(
        "ratio",
        "mean over sample standard deviation of the excess returns, times √(sessions a year)",
    ),
    "sharpe.difference": Convention("ratio", "Sharpe ratio less the Sharpe ratio of the twin"),
    "sharpe.over-twin": Convention("ratio", "Sharpe ratio of the daily return less the twin's"),
    "sortino.arithmetic": Convention(
        "ratio", "mean excess return over its root mean square below zero, times √(sessions a year)"
    ),
    "sharpe.probabilistic": Convention(
        "probability",
        "that the true Sharpe ratio is above zero, allowing for skewness and kurtosis "
        "(Bailey and López de Prado, 2012)",
    ),
    "sharpe.sessions-needed": Convention(
        "sessions",
        "at this Sharpe ratio, until the former reaches 0.95 (Bailey and López de Prado, 2012)",
    ),
    "omega.zero": Convention(
        "ratio", "sum of the gains over the sum of the losses (Keating and Shadwick, 2002)"
    ),
    "payoff.sessions": Convention("ratio", "mean gain over mean loss of the sessions that moved"),
    "tail.ratio-95": Convention(
        "ratio", "95th percentile of the returns over the size of the 5th, both interpolated"
    ),
    "drawdown.maximum": Convention(
        "fraction", "deepest fall from the highest value so far, the initial capital included (≤ 0)"
    ),
    "drawdown.longest": Convention(
        "sessions", "most sessions in a row below the highest value so far"
    ),
    "calmar.maximum-drawdown": Convention("ratio", "yearly growth over the depth of the drawdown"),
    "skewness.population": Convention("ratio", "third standardised moment of the returns"),
    "kurtosis.excess": Convention("ratio", "fourth standardised moment less 3 (a normal has 0)"),
    "hit-rate.sessions": Convention(
        "fraction", "share of gains among the sessions whose return is not zero"
    ),
    "var.historical-95": Convention(
        "fraction", "one-session loss exceeded in at most 5 % of sessions (a loss is positive)"
    ),
    "es.historical-95": Convention(
        "fraction", "mean of the worst 5 % of one-session losses (a loss is positive)"
    ),
    "beta.ols": Convention("ratio", "slope of the excess returns on the benchmark's"),
    "alpha.ols-hac": Convention(
        "fraction", "intercept of the same regression times sessions a year; HAC interval"
    ),
    "correlation.pearson": Convention("ratio", "linear correlation with the benchmark's returns"),
    "factor.beta": Convention(
        "ratio", "slope on one factor, the others held, of the excess returns; HAC interval"
    ),
    "factor.return": Convention(
        "fraction", "that slope times the factor's mean return, times sessions a year"
    ),
    "factor.alpha": Convention(
        "fraction", "mean excess return that no factor explains, times sessions a year"
    ),
    "factor.r-squared": Convention("ratio", "share of the variance that the factors explain"),
    "volatility.of-holdings": Convention(
        "fraction", "yearly volatility of today's weights over the last sessions of those assets"
    ),
    "stress.market-fall": Convention(
        "fraction", "beta times a fall of the benchmark (a loss is negative)"
    ),
    "stress.reverse": Convention("fraction", "fall of the benchmark that costs so much, by beta"),
    "stress.correlation-one": Convention(
        "fraction", "yearly volatility of today's weights if all that is held moved together"
    ),
    "stress.correlated-volatility": Convention(
        "fraction",
        "yearly volatility of today's weights, their own volatilities kept, under other "
        "correlations",
    ),
    "stress.correlated-es-95": Convention(
        "fraction",
        "mean of the worst 5 % of one-session losses of the same by a normal law around 0 "
        "(a loss is positive)",
    ),
    "stress.reverse-distance": Convention(
        "ratio",
        "Mahalanobis length of the likeliest joint move that costs so much: loss over the standard "
        "deviation of 21 sessions (Breuer et al., 2009)",
    ),
    "stress.reverse-move": Convention(
        "fraction", "one factor's part of that move: -loss Σb / b'Σb, with its beta b"
    ),
    "stress.price-shock": Convention(
        "fraction", "weights times a move of their prices (a loss is negative)"
    ),
    "stress.factor-shock": Convention(
        "fraction",
        "beta times the factor's costliest move over 21 sessions so far (a loss is negative)",
    ),
    "capture.up": Convention(
        "ratio", "mean return over the benchmark's in the sessions in which it gained"
    ),
    "capture.down": Convention("ratio", "the same in the sessions in which it lost"),
    "advice.shortfall-month-95": Convention(
        "fraction",
        "mean loss in the worst 5 % of 21-session returns of the last ten years, one begun each "
        "week, of weights bought and held (a loss is positive)",
    ),
    "advice.bearable": Convention(
        "fraction", "the most of the former that a profile's risk and horizon allow"
    ),
    "advice.replay": Convention(
        "fraction",
        "deepest fall from the highest value on the way through a named fall, of weights bought "
        "on its first day and held (≥ 0)",
    ),
    "advice.expected-return": Convention(
        "fraction", "a year, above cash: an assumed premium by beta, and what shown skill adds"
    ),
    "advice.invested": Convention("fraction", "Σw of the stocks; the rest is cash"),
    "advice.cost": Convention("fraction", "expected cost of the trades over the account's value"),
    "ic.same-session": Convention(
        "ratio",
        "mean rank correlation of a signal with its own session's return; not tradable",
    ),
    "ic.next-session": Convention(
        "ratio",
        "mean rank correlation of a signal with the return from this close to the next",
    ),
    "ic.forward": Convention(
        "ratio",
        "mean rank correlation of a signal with the return over h sessions from the next fill",
    ),
    "signal.quantile-return": Convention(
        "fraction",
        "mean return over one session, from the next fill, of one fifth of the assets by a signal",
    ),
    "signal.spread": Convention(
        "fraction",
        "that of the highest fifth less that of the lowest",
    ),
    "signal.turnover": Convention(
        "fraction",
        "Σ|change of weight| a session of a portfolio in proportion to a signal's ranks, Σ|w| = 1",
    ),
    "signal.coverage": Convention(
        "fraction",
        "share of the members that have a value, mean over sessions",
    ),
    "signal.autocorrelation": Convention(
        "ratio",
        "rank correlation of a signal with itself a session before, mean over sessions",
    ),
    "signal.correlation": Convention(
        "ratio",
        "rank correlation of two signals, mean over sessions",
    ),
    "ic.over-time": Convention(
        "ratio",
        "rank correlation, over the sessions, of a market signal with the mean return "
        "of the members over h sessions from the next fill (of the session itself where "
        "it says so)",
    ),
    "signal.autocorrelation-over-time": Convention(
        "ratio",
        "rank correlation of a market signal with itself a session before, over the sessions",
    ),
    "signal.known": Convention(
        "fraction",
        "share of the sessions at which a market signal is known",
    ),
    "signal.session-quantile-return": Convention(
        "fraction",
        "mean return of the members over one session, from the next fill, after one "
        "fifth of the sessions by a market signal",
    ),
    "signal.session-spread": Convention(
        "fraction",
        "that after the highest fifth less that after the lowest",
    ),
    "excess.daily-mean": Convention(
        "fraction", "mean of the daily net return less that of the text-neutral twin"
    ),
    "holdout.daily-mean": Convention(
        "fraction",
        "the same over the sessions of the holdout; of the net return where no text is read",
    ),
    "difference.daily-mean": Convention(
        "fraction", "mean of one run's daily net return less another's, on common sessions"
    ),
    "turnover.annual": Convention(
        "per year", "traded value (bought plus sold) over net asset value, a year"
    ),
    "cost-drag.annual": Convention(
        "fraction", "mean gross less mean net return, times sessions a year"
    ),
    "costs.total": Convention(
        "currency", "fees, slippage, borrow fees or inference paid over the whole span"
    ),
    "cost.break-even": Convention(
        "basis points",
        "of turnover: trading cost at which the mean daily net return equals the twin's, who pays "
        "it too",
    ),
    "capital.break-even": Convention(
        "currency", "capital at which inference costs as much as the edge over the twin earns"
    ),
    "capital.nothing-left": Convention(
        "currency",
        "capital at which trading costs that grow with it leave nothing of the net return beyond "
        "the twin's (of the net return, where no text is read)",
    ),
    "exposure.average": Convention("fraction", "mean of Σ|w| held at the close"),
    "exposure.net-average": Convention("fraction", "mean of Σw held at the close"),
    "liquidity.days-to-exit": Convention(
        "sessions",
        "median, over sessions that held something, until 95 % of it is sold at a tenth of the "
        "median value traded over 21 sessions",
    ),
    "names.effective": Convention(
        "count", "mean of 1 / Σ(|w| / Σ|w|)² over the sessions that held anything"
    ),
    "concentration.herfindahl": Convention(
        "ratio",
        "mean of Σ(|w| / Σ|w|)² over the sessions that held anything: 1 with a single name, 1/N "
        "with N equal ones",
    ),
    "orders.count": Convention("count", "fills over the whole span"),
    "trials.total": Convention("count", "runs tried on this universe and span, this one included"),
    "tail.breach-rate": Convention(
        "fraction", "share of sessions whose loss exceeded the VaR forecast the session before"
    ),
    "tail.kupiec-p": Convention(
        "probability",
        "of a breach rate so far off or further, if the VaR is right (Kupiec, 1995)",
    ),
    "tail.independence-p": Convention(
        "probability", "of breaches so clustered or more, if they are not (Christoffersen, 1998)"
    ),
    "tail.coverage-p": Convention(
        "probability", "of such a rate and clustering together (Christoffersen, 1998)"
    ),
    "tail.shortfall-p": Convention(
        "probability",
        "of losses beyond the VaR so large or larger, if the ES is right (Acerbi and Székely, "
        "2014, test 2)",
    ),
    "return.daily-gross": Convention("fraction", "mean daily return before fees and slippage"),
    "event.before": Convention(
        "fraction",
        "cumulative mean abnormal return from ten sessions before an event to the close of its own",
    ),
    "event.after": Convention(
        "fraction", "cumulative mean abnormal return of the ten sessions after an event's own"
    ),
    "engines.apart": Convention(
        "fraction", "largest difference of net asset value between two engines, over that value"
    ),
    "luck.deflated-sharpe": Convention(
        "probability",
        "that the Sharpe ratio of the return less the twin's beats the best of as many trials "
        "without skill (Bailey and López de Prado, 2014)",
    ),
    "luck.independent-trials": Convention(
        "count", "groups of trials whose returns correlate by more than 0.5, and the unseen ones"
    ),
    "luck.overfitting": Convention(
        "probability",
        "that the configuration with the highest Sharpe ratio in one half of the time is no better "
        "than the median in the other (Bailey, Borwein, López de Prado and Zhu, 2017)",
    ),
    "luck.overfitting-loss": Convention("probability", "that it loses money in the other half"),
    "luck.minimum-length": Convention(
        "sessions",
        "from which the best of as many trials without skill has a lower Sharpe ratio than this",
    ),
    "luck.superior-p": Convention(
        "probability",
        "of a best so good or better, if no configuration beats the benchmark (Hansen, 2005)",
    ),
    "luck.superior-count": Convention(
        "count",
        "configurations that beat the benchmark, one too many with 5 % (Romano and Wolf, 2005)",
    ),
    "stability.same-sign": Convention(
        "fraction", "neighbouring values of one option whose mean has the sign of the run's own"
    ),
    "stability.place": Convention(
        "count", "1 for the highest Sharpe ratio among the run and its neighbours"
    ),
    "luck.placebo-p": Convention(
        "probability", "(1 + placebos that earned as much before costs) / (placebos + 1)"
    ),
    "fit.ic": Convention(
        "ratio",
        "mean rank correlation of what a model said of sessions it was not fitted on, and what "
        "followed",
    ),
    "fit.paths-ahead": Convention(
        "fraction",
        "share of the paths of a cross-validation on which what a model said went with what "
        "followed",
    ),
    "sessions.before-cutoff": Convention(
        "fraction", "share of sessions that a model's training data may reach into"
    ),
    "classification.accuracy": Convention(
        "fraction", "texts whose likeliest class is the true one; an unknown answer is wrong"
    ),
    "classification.difference": Convention(
        "fraction", "accuracy of one model less another's on the same texts"
    ),
    "classification.macro-f1": Convention(
        "fraction", "mean over the classes of F1, which is 0 where nothing of the class was found"
    ),
    "classification.mcc": Convention(
        "ratio", "Matthews correlation of answers and labels, for any number of classes"
    ),
    "classification.precision": Convention("fraction", "texts of the class among those said to be"),
    "classification.recall": Convention("fraction", "texts said to be of it among the class's own"),
    "classification.f1": Convention("fraction", "harmonic mean of precision and recall"),
    "classification.log-loss": Convention(
        "nats", "mean of -log of the true class's probability, among texts that have one"
    ),
    "classification.brier": Convention(
        "ratio", "mean squared distance of the probabilities from the true class, 0 to 2"
    ),
    "classification.ece": Convention(
        "fraction", "mean gap between confidence and share right, over ten bins of confidence"
    ),
    "regression.rmse": Convention(
        "label", "root of the mean squared distance of the stated number from the label"
    ),
    "regression.mae": Convention("label", "mean absolute distance of the number from the label"),
    "regression.bias": Convention("label", "mean of the stated numbers less that of the labels"),
    "regression.explained": Convention(
        "ratio",
        "1 less the squared errors over the squared distances of the labels from their mean",
    ),
    "regression.spearman": Convention(
        "ratio", "Spearman's correlation of the ranks, ties averaged"
    ),
    "regression.difference": Convention(
        "label²", "mean squared error of one model less another's on the same texts"
    ),
    "deletion.comprehensiveness": Convention(
        "ratio", "mean fall of the output when the tokens that count most are deleted"
    ),
    "deletion.sufficiency": Convention(
        "ratio", "mean fall of the output when only the tokens that count most are kept"
    ),
    "deletion.gain": Convention("ratio", "mean over texts, by how much random tokens do worse"),
    "swap.spread": Convention("ratio", "mean over texts of the range of the score over names"),
    "swap.effect": Convention("ratio", "mean score under a name less that over all names"),
    "swap.flips": Convention("fraction", "swaps after which the answer is another"),
    "perturbation.flips": Convention("fraction", "texts whose answer is another once changed"),
    "perturbation.movement": Convention("ratio", "mean absolute change of the score"),
    "mcnemar.p": Convention(
        "probability", "of a split as uneven, were both models right equally often (two-sided)"
    ),
    "memory.edge": Convention(
        "fraction",
        "mean over some of the sessions of the daily net return less the twin's, less the same "
        "with lm-lexicon in the models' place",
    ),
    "memory.gap": Convention(
        "fraction", "that edge over the sessions up to the cutoff, less that over those after it"
    ),
    "memory.masked": Convention(
        "fraction",
        "mean of the daily net return less the twin's when the models read texts without names, "
        "handles and dates",
    ),
    "memory.masked-loss": Convention(
        "fraction", "the same of the texts as they are, less that of the masked ones, paired"
    ),
    "memory.rank-correlation": Convention(
        "ratio", "rank correlation of the scores of texts as they are and masked, where they differ"
    ),
    "memory.direction": Convention(
        "ratio",
        "rank correlation of a language model's log odds of up against down, asked by name and "
        "date alone, and the return of that session",
    ),
    "memory.continuation": Convention(
        "fraction",
        "share of texts whose second half the model finds likelier after their own first half than "
        "after another text's",
    ),
    "memory.continuation-auc": Convention(
        "probability",
        "that a text from up to the cutoff gains more likelihood from its own first half than one "
        "from after it",
    ),
    "credit.roc-auc": Convention(
        "probability",
        "that a borrower who defaulted was ranked above one who paid, ties counting half",
    ),
    "credit.pr-auc": Convention(
        "fraction",
        "average precision: mean share of defaults among those ranked at or above each default",
    ),
    "credit.gini": Convention("ratio", "2 ROC-AUC − 1, the accuracy ratio"),
    "credit.ks": Convention(
        "fraction",
        "largest gap between the distributions of those who defaulted and those who paid",
    ),
    "credit.brier": Convention(
        "ratio", "mean squared distance of probability and outcome (Brier, 1950)"
    ),
    "credit.calibration-slope": Convention(
        "ratio",
        "slope of the outcome's log odds on the predicted ones (Cox, 1958); below 1 = too extreme",
    ),
    "credit.default-rate": Convention(
        "fraction", "share of borrowers that defaulted; Jeffreys interval"
    ),
    "credit.expected-rate": Convention("fraction", "mean default probability"),
    "credit.psi": Convention(
        "ratio", "population stability index: Σ (a − b) ln(a/b) over ten bins of the reference"
    ),
    "credit.count": Convention("count", "borrowers, or defaults among them"),
    "data.count": Convention("count", "rows, documents or texts that entered the run"),
}
"""Every definition, by the id that figures carry."""


def known(
    convention_id: str,
    value: float,
    *,
    n: int,
    ci: tuple[float, float] | None = None,
    method: str = "",
) -> Figure:
    """A figure of a defined convention, in its unit."""
    unit = CONVENTIONS[convention_id].unit
    return Figure(float(value), unit, convention_id, n, ci=ci, method=method)


def unknown(convention_id: str, *, n: int, reason: str) -> Figure:
    """A figure of a defined convention that can't be had, and why."""
    return Figure.null(CONVENTIONS[convention_id].unit, convention_id, n=n, reason=reason)


def observed(values: Floats) -> Floats:
    """The values that are known, in order; NaN = unknown and left out, so `n` says how many count.

    Raises:
        DataError: a value is infinite, which no account can earn.
    """
    array = np.asarray(values, dtype=np.float64)
    if np.isinf(array).any():
        row = int(np.argmax(np.isinf(array)))
        raise DataError(
            f"returns: row {row} is {array[row]}, expected a finite number or NaN for unknown; "
            "a return is infinite only where the value before it was 0"
        )
    return array[~np.isnan(array)]
