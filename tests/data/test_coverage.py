import numpy as np
import pandas as pd

from finstrat.data import Documents, Panel
from finstrat.data.coverage import coverage_findings, survivors


def documents(counts):
    """So many texts of each asset in each month from January 2014, spread evenly over it."""
    rows = [
        (asset, month + (i + 0.5) * pd.Timedelta(days=28) / count)
        for asset, by_month in counts.items()
        for month, count in zip(
            pd.date_range("2014-01-01", periods=24, freq="MS", tz="UTC"), by_month, strict=False
        )
        for i in range(count)
    ]
    frame = pd.DataFrame(rows, columns=["asset", "known_at"])
    frame = frame.assign(event_at=frame["known_at"], text="said")
    return Documents.from_frame(frame.assign(id=[f"n{i}" for i in frame.index]), where="f")


def found(counts):
    return {each.check: each for each in coverage_findings(documents(counts), source="s")}


def test_even_coverage_gives_no_finding():
    assert found({name: [10] * 12 for name in "ABCDE"}) == {}


def test_a_month_with_a_third_of_the_usual_is_counted_and_the_edges_are_not():
    by_month = [1, 10, 10, 10, 3, 10, 10, 10, 10, 10, 10, 1]
    (finding,) = found(dict.fromkeys("ABCDE", by_month)).values()
    assert (finding.check, finding.count) == ("coverage differs by month", 1)
    assert finding.detail.endswith(
        "the usual 50 documents: a gap or a change in collecting, or "
        "seasons; don't use counts; first: 2014-05 with 15"
    )


def test_few_documents_a_month_tell_nothing():
    assert found({"A": [10, 10, 10, 3, 10, 10, 10, 10]}) == {}


def test_three_of_ten_assets_written_about_three_times_as_much_later_drift():
    even, rising = [10] * 12, [3] * 6 + [15] * 6
    counts = {f"A{i}": rising if i < 3 else even for i in range(10)}
    (finding,) = found(counts).values()
    assert (finding.check, finding.count) == ("coverage drifts", 3)
    assert "first: A0 with 18, then 90" in finding.detail
    assert found({**counts, "A0": even}) == {}


def test_assets_first_written_about_late_are_counted_from_a_fifth_of_them_on():
    early, late = [10] * 24, [0] * 8 + [15] * 16
    counts = {f"A{i:02}": late if i < 3 else early for i in range(15)}
    finding = found(counts)["assets that appear late"]
    assert finding.count == 3
    assert "first: A00 on 2014-09-" in finding.detail
    assert "assets that appear late" not in found({**counts, "A15": early})


def test_a_stream_about_the_market_may_rise_and_fall():
    frame = documents({"A": [1, 100] * 12}).frame().assign(asset=None)
    assert coverage_findings(Documents.from_frame(frame, where="f"), source="s") == ()


def panel(assets, years, *, ended=0):
    """Closes at the start of each quarter; the last three of `ended` assets' are unknown."""
    times = pd.date_range("2010-01-01", periods=4 * years + 6, freq="QS").to_numpy()
    close = np.full((len(times), assets), 10.0)
    close[-5:, :ended] = np.nan
    return Panel.from_fields(
        times.astype("datetime64[D]"), list(map(str, range(assets))), {"close": close}
    )


def test_twenty_names_of_four_years_that_all_survive_were_chosen_afterwards():
    # 20 names times 5.25 years times 4 % are 4.2 expected to leave; 10 of them 2.1.
    finding = survivors(panel(20, 4), source="s")
    assert (finding.check, finding.count, finding.severity) == ("survivors only", 20, "warning")
    assert "about 4 of 20" in finding.detail
    assert survivors(panel(20, 4, ended=1), source="s") is None
    assert survivors(panel(10, 4), source="s") is None
