import pytest

from finstrat.errors import ConfigError
from finstrat.sweep.grid import Grid
from finstrat.sweep.memory import parse_bytes, plan_memory


def test_last_key_varies_fastest_and_values_are_those_of_toml():
    grid = Grid.parse(["strategy.k=3,5", "strategy.rebalance=monthly,weekly", "costs.fee_bps=1.5"])
    assert len(grid) == 4
    assert [tuple(each.values()) for each in grid.combinations()] == [
        (3, "monthly", 1.5),
        (3, "weekly", 1.5),
        (5, "monthly", 1.5),
        (5, "weekly", 1.5),
    ]


def test_values_may_be_lists_of_their_own():
    (values,) = Grid.parse(['signals.c.signals=["a.x","b.x"],["a.x"]']).axes.values()
    assert values == (["a.x", "b.x"], ["a.x"])


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "no --grid; say what to vary"),
        (["strategy.k"], "expected key=value,value"),
        (["strategy.k="], "expected key=value,value"),
        (["span.start=2010-01-01"], "the data and the span are the same for all"),
        (["execution.engine=ledger"], "the data and the span are the same for all"),
        (["strategy.k=3", "strategy.k=5"], "given twice"),
        (["strategy.k=3,3"], "a value occurs twice"),
    ],
)
def test_grid_that_means_nothing_is_refused(texts, message):
    with pytest.raises(ConfigError, match=message):
        Grid.parse(texts)


@pytest.mark.parametrize(
    ("text", "size"), [("4GB", 4_000_000_000), ("500 MB", 500_000_000), ("1.5kb", 1500)]
)
def test_sizes_are_read(text, size):
    assert parse_bytes(text) == size


def test_other_sizes_are_refused():
    with pytest.raises(ConfigError, match='expected a size like "4GB"'):
        parse_bytes("much")


SHAPE = {"configurations": 1000, "sessions": 2520, "evaluated": 2520, "assets": 500}


def test_a_budget_bounds_how_many_accounts_are_kept_at_once():
    small = plan_memory(2_000_000_000, **SHAPE, accounts_each=1, used=300_000_000)
    large = plan_memory(16_000_000_000, **SHAPE, accounts_each=1, used=300_000_000)
    assert 1 <= small.together < large.together <= 128
    account = 2520 * (2 * 500 + 16) * 8
    assert small.together * account < 2_000_000_000


def test_budget_too_small_for_one_says_how_much_it_takes():
    with pytest.raises(ConfigError, match=r"need at least [\d,]+ MB, --memory allows 400"):
        plan_memory(400_000_000, **SHAPE, accounts_each=1, used=300_000_000)
