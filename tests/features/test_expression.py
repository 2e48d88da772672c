from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from finstrat import features
from finstrat.errors import ConfigError
from finstrat.features import expression


@pytest.fixture
def series(sample) -> dict[str, torch.Tensor]:
    return {"close": 100 + sample.cumsum(0).abs(), "mood": sample, "vix": sample[:, 6].clone()}


def value(text, series):
    return expression.parse(text).evaluate(series)


def test_line_of_mathematics_is_what_the_functions_say(sample):
    series = {"sentiment": sample, "close": sample.abs() + 10}
    text = "rank(zscore(sentiment, 20)) - rank(volatility(close, 6, min_periods=3))"
    expected = features.rank(features.rolling_zscore(sample, 20)) - features.rank(
        features.volatility(series["close"], 6, min_periods=3)
    )
    assert_array_equal(value(text, series), expected)


def test_arithmetic_binds_as_in_mathematics(series):
    mood = series["mood"]
    assert_allclose(
        value("-mood ** 2 + 3 * (1 - mood) / 4", series),
        -(mood**2) + 3 * (1 - mood) / 4,
        rtol=1e-13,
    )
    assert_array_equal(value("abs(mood) * sign(mood)", series), mood.abs() * mood.sign())


def test_division_by_zero_and_log_of_zero_are_unknown():
    x = torch.tensor([[0.0, 4.0]], dtype=torch.float64)
    assert_array_equal(value("1 / x", {"x": x}), [[math.nan, 0.25]])
    assert_allclose(value("log(x)", {"x": x}), [[math.nan, math.log(4)]])


def test_market_series_meets_every_asset(series):
    expected = series["mood"] - series["vix"].unsqueeze(1)
    assert_array_equal(value("mood - vix", series), expected)
    assert_array_equal(value("vix - mood", series), -expected)


def test_common_subexpression_is_computed_once(series, monkeypatch):
    calls = []
    original = features.rolling_mean

    def counted(x, window, *, min_periods=None, out=None):
        calls.append(window)
        return original(x, window, min_periods=min_periods, out=out)

    text = "rolling_mean(mood, 5) - rank(rolling_mean(mood, 5)) + rolling_mean( mood, 6 )"
    parsed = expression.parse(text)
    monkeypatch.setitem(expression.FUNCTIONS, "rolling_mean", counted)
    parsed.evaluate(series)
    assert calls == [5, 6]


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("rank(cloze)", 6, 'no series "cloze"; did you mean "close"?'),
        ("rnak(close)", 1, 'no function "rnak"; did you mean "rank"?'),
        ("rank(close) + close.T", 15, 'no series "close.T"; did you mean "close"?'),
        ("rank(close) + news.tone.T", 15, "Attribute is no part of an expression"),
        ("rank(close)  # by size", 14, "# is no part of an expression"),
        ("  rank(cloze)", 8, 'no series "cloze"; did you mean "close"?'),
        ("rank(close) +\n rank(cloze)", 21, 'no series "cloze"; did you mean "close"?'),
        ("ｍood + é", 8, 'no series "é"'),
        ("rolling_mean(mood, 0) + 1", 1, "rolling_mean: window: expected a whole number >= 1"),
        ("mood + rolling_mean(mood, 2.5)", 8, "rolling_mean: window: expected a whole number"),
        ("winsorize(mood, 0.7)", 1, "winsorize: limit: expected a number between 0 and 0.5"),
        ("ewma(mood, -1)", 1, "ewma: half_life: expected a number between 0 and inf"),
        ("2 + 3", 1, "a number alone is no feature"),
        ("-" * 150 + "mood", 102, "more than 100 deep"),
        ("__import__('os')", 1, 'no function "__import__"'),
        ("(lambda: 1)()", 1, "Call is no part"),
        ("close[0]", 1, "Subscript is no part"),
        ("close if close else mood", 1, "IfExp is no part"),
        ("close > mood", 1, "Compare is no part"),
        ("rolling_mean(close)", 1, "rolling_mean: missing a required argument: 'window'"),
        ("rolling_mean(close, mood)", 21, "rolling_mean: window must be a number"),
        ("rank(3)", 6, "rank: x must be a series"),
        ("rank(close, out=mood)", 1, "only named options"),
        ("rank(*close)", 6, "Starred is no part"),
        ("abs(close, mood)", 1, "abs: expected one series, got 2"),
        ("close + 'a'", 9, "Constant is no part"),
        ("close + True", 9, "Constant is no part"),
        ("close + 9 ** 9 ** 9", 9, "9 ** 387420489 is no finite number"),
        ("close +", 8, "cannot be read: invalid syntax"),
        ("(" * 300 + "close" + ")" * 300, 0, "cannot be read"),
        ("close " + "+ close" * 400, 1001, "longer than 1000 characters"),
    ],
)
def test_mistake_is_shown_with_its_column(text, column, message):
    with pytest.raises(ConfigError) as caught:
        expression.parse(text, names=["close", "mood"])
    assert message in str(caught.value)
    if column:
        assert str(caught.value).startswith(f"column {column}: ")
        assert caught.value.column == column - 1
        mark = str(caught.value).splitlines()[-1]
        assert mark == " " * (4 + column - 1) + "^"


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("mood + group_mean(mood, close)", 8, "group_mean: groups: expected a series of whole"),
        ("mood + rank(vix)", 8, "rank: x: expected [time, asset], got a market-level series"),
        ("absent", 1, 'no series "absent"'),
    ],
)
def test_mistake_seen_only_with_data_is_shown_with_its_column(text, column, message, series):
    with pytest.raises(ConfigError) as caught:
        value(text, series)
    assert str(caught.value).startswith(f"column {column}: {message}")


@pytest.mark.parametrize(
    ("text", "warmup", "memory"),
    [
        ("close", 0, "finite"),
        ("rank(close)", 0, "finite"),
        ("lag(close, 3)", 3, "finite"),
        ("returns(close)", 1, "finite"),
        ("zscore(returns(close, 5), 20) - lag(close)", 24, "finite"),
        ("volatility(close, 60)", 60, "finite"),
        ("forward_fill(close, 4)", 4, "finite"),
        ("forward_fill(close)", 0, "expanding"),
        ("rank(ewma(close, 3))", 0, "expanding"),
    ],
)
def test_warmup_and_memory_follow_from_the_text(text, warmup, memory):
    parsed = expression.parse(text)
    assert (parsed.warmup, parsed.memory, parsed.names) == (warmup, memory, ("close",))


@pytest.mark.parametrize("name", sorted(set(expression.FUNCTIONS)))
def test_every_function_of_one_series_can_be_called(name, series):
    options = {
        "stack": "close, mood",
        "clip": "-1, 1",
        "winsorize": "0.1",
        "quantile_buckets": "3",
        "rolling_quantile": "5, 0.5",
        "pca_residual": "5, 1",
        "ewma": "5",
        "ewm_std": "5",
        "realized_volatility": "5",
        "volatility": "5",
    }
    two = {"rolling_cov", "rolling_corr", "rolling_beta", "rolling_residual"}
    if name in two:
        text = f"{name}(mood, close, 5)"
    elif name.startswith("group_"):
        text = f"{name}(mood, sector)"
    elif name == "mask":
        text = "mask(mood, member)"
    elif name in {"amihud_illiquidity", "share_turnover", "parkinson_volatility"}:
        text = f"{name}(mood, close, 5)"
    elif name == "garman_klass_volatility":
        text = f"{name}(open=mood, high=close, low=mood, close=close, window=5)"
    elif name.startswith("rolling_") and name not in options:
        text = f"{name}(mood, 5)"
    else:
        text = f"{name}(mood{', ' + options[name] if name in options else ''})"
    series["sector"] = torch.arange(9) % 3
    series["member"] = torch.ones(60, 9, dtype=torch.bool)
    assert value(text, series).shape == ((60, 9, 3) if name == "stack" else (60, 9))


def test_unknown_stays_unknown_in_arithmetic():
    x = torch.tensor([[math.nan, 0.0, 2.0]], dtype=torch.float64)
    for text in ("x ** 0", "1 ** x", "sign(x)", "abs(x)", "0 * x", "x / x"):
        assert value(text, {"x": x})[0, 0].isnan(), text
    assert_array_equal(value("x ** -1", {"x": x}), [[math.nan, math.nan, 0.5]])


def test_whole_numbers_may_be_computed(series):
    assert_array_equal(
        value("rolling_mean(mood, 2 * 3 - 1)", series), features.rolling_mean(series["mood"], 5)
    )


def test_comparisons_are_among_members_unless_told_otherwise(series):
    members = torch.ones(60, 9, dtype=torch.bool)
    members[:, 6] = False
    series["odd"] = torch.arange(9.0).expand(60, 9) % 2
    parsed = expression.parse("rank(mood)")
    expected = features.rank(series["mood"], mask=members)
    assert_array_equal(parsed.evaluate(series, members=members), expected)
    assert_array_equal(parsed.evaluate(series), features.rank(series["mood"]))
    odd = expression.parse("rank(mood, mask=odd)").evaluate(series, members=members)
    assert_array_equal(odd, features.rank(series["mood"], mask=series["odd"] > 0))


def test_groups_and_styles_may_be_any_series(series):
    sector = torch.tensor([0.0, 0, 0, 1, 1, 1, 2, 2, math.nan], dtype=torch.float64)
    series["sector"] = sector.expand(60, 9)
    found = value("neutralize(mood, groups=sector, styles=stack(close, lag(mood)))", series)
    expected = features.neutralize(
        series["mood"],
        groups=sector.nan_to_num(-1).long(),
        styles=features.stack([series["close"], features.lag(series["mood"])]),
    )
    assert_array_equal(found, expected)


def test_mistake_about_a_name_points_at_its_first_place():
    parsed = expression.parse("close + rank(news.tone) - news.tone")
    assert parsed.names == ("close", "news.tone")
    assert str(parsed.mistake("news.tone", "it is late")).startswith("column 14: it is late\n")


@settings(max_examples=200, deadline=None)
@given(st.text("rank(close,5)+-*/ .#x[]{}'\"=:\n\\", max_size=40))
def test_any_text_is_an_expression_or_a_mistake_with_a_column(text):
    mistake = None
    try:
        expression.parse(text)
    except expression.ExpressionError as error:
        mistake = error
    assert mistake is None or 0 <= mistake.column <= len(text)
