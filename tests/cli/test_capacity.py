import pandas as pd
import pytest

SIZED = ("--set", "costs.use=detailed", "--set", "costs.impact=1", "--set", "costs.window=5")


@pytest.fixture
def traded(project):
    """The small project, its prices with volume."""
    prices = pd.read_csv(project / "prices.csv")
    prices.assign(volume=10_000).to_csv(project / "prices.csv", index=False)
    return project


def test_more_capital_costs_more_and_leaves_no_trace(finstrat, traded):
    ended = finstrat(
        "capacity",
        "small",
        *SIZED,
        "--set",
        "execution.engine=ledger",
        "--capital",
        "1e6",
        "--capital",
        "1e4",
        "--json",
    )
    rows = ended.json
    assert [row["capital"] for row in rows] == [1e4, 1e6]
    assert 0 < rows[0]["cost"] < rows[1]["cost"]
    assert not (traded / "runs").exists()
    assert not (traded / ".finstrat" / "trials.sqlite").exists()


def test_a_table_in_the_currency_of_the_run(finstrat, traded):
    ended = finstrat("capacity", "small", *SIZED, "--set", "execution.engine=ledger")
    assert "1,000,000,000 USD" in ended.out


def test_size_that_matters_nowhere_is_refused(refused, traded):
    assert "nothing here depends on size" in refused(2, "capacity", "small")


def test_an_engine_without_impact_is_refused_with_the_remedy(refused, traded):
    assert 'set execution.engine = "ledger"' in refused(1, "capacity", "small", *SIZED)
