import numpy as np
import pandas as pd

from finstrat.report.chart import MOST_POINTS, bar_chart, line_chart, lying_bars, rows, thinned


def frame(n, **columns):
    index = pd.bdate_range("2000-01-03", periods=n, name="session")
    return pd.DataFrame(
        {name: np.asarray(values, float) for name, values in columns.items()}, index
    )


def test_long_spans_are_thinned_but_keep_the_last_session():
    long = frame(10_000, value=np.arange(10_000))
    short = thinned(long, keep="last")
    assert len(short) <= MOST_POINTS
    assert short.index[-1] == long.index[-1]
    assert short["value"].iloc[-1] == 9_999


def test_thinning_a_drawdown_keeps_its_depth():
    fall = np.zeros(10_000)
    fall[5_001] = -0.9
    assert thinned(frame(10_000, value=fall), keep="lowest")["value"].min() == -0.9


def test_unknown_values_break_a_line_and_unknown_series_are_left_out():
    chart = line_chart(
        frame(3, known=[1, np.nan, 3], unknown=[np.nan] * 3),
        title="t",
        alt="a",
        axis="x",
        number=".2f",
    )
    assert [row["known"] for row in chart.spec["data"]["values"]] == [1.0, None, 3.0]
    assert chart.spec["transform"] == [{"fold": ["known"], "as": ["series", "value"]}]
    assert chart.spec["encoding"]["color"]["legend"] is None


def test_two_series_have_a_legend_whose_symbols_can_be_seen():
    both = frame(3, one=[1, 2, 3], two=[3, 2, 1])
    options = {"title": "t", "alt": "a", "axis": "x"}
    line = line_chart(both, number=".2f", **options).spec["encoding"]["color"]["legend"]
    bar = bar_chart(both, number=".0%", unit="year", **options).spec["encoding"]["color"]["legend"]
    # A bar's colour fills its symbol, which a mere stroke would not show.
    assert (line["symbolType"], bar["symbolType"]) == ("stroke", "square")


def test_rows_are_whole_days_and_six_digits():
    assert rows(frame(1, value=[1.23456789])) == [{"session": "2000-01-03", "value": 1.23457}]


def test_lying_bars_keep_their_order_leave_out_the_unknown_and_draw_where_they_should_end():
    values = {"b": {"x": 1.0, "y": None}, "a": {"x": 2.0, "y": 3.0}}
    chart = lying_bars(values, title="t", alt="a", axis="x", number=".1f", mark=1.0)
    found = [(row["group"], row["series"], row["value"]) for row in chart.spec["data"]["values"]]
    assert found == [("b", "x", 1.0), ("a", "x", 2.0), ("a", "y", 3.0)]
    bars, rule = chart.spec["layer"]
    assert bars["encoding"]["y"]["sort"] == ["b", "a"]
    assert rule["encoding"]["x"] == {"datum": 1.0}
    one = lying_bars({"a": {"x": 1.0}}, title="t", alt="a", axis="x", number=".1f")
    assert len(one.spec["layer"]) == 1
    assert one.spec["layer"][0]["encoding"]["color"]["legend"] is None
