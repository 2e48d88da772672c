import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import finstrat
from finstrat.components import Decision, Optimizer, Strategy
from finstrat.config import load, resolve
from finstrat.errors import ConfigError, PluginError
from finstrat.ledger import Ledger
from finstrat.market import load_market
from finstrat.pipeline import run, with_exposure_of
from finstrat.portfolio.decision import CheckedDecision
from finstrat.toml_file import TomlFile


@pytest.fixture
def go(host, tmp_path):
    """Runs a backtest given as a mapping, in memory."""

    def go(config, **changes):
        file = TomlFile("test", "", config).with_values(changes)
        plan = resolve(load(file), host, file=file, root=tmp_path)
        return run(plan, load_market(plan), device="cpu")

    return go


def plant(path, *, known_at, asset="AAA"):
    """Add a very good text about one asset."""
    texts = pd.read_csv(path)
    row = {"id": "planted", "asset": asset, "event_at": known_at, "known_at": known_at}
    texts.loc[len(texts)] = {**row, "text": "excellent profit outperform gain"}
    texts.to_csv(path, index=False)


# 2015-03-18 closed at 20:00 UTC: New York keeps daylight saving time from 2015-03-08 on.
@pytest.mark.parametrize(
    ("known_at", "first_changed"),
    [
        ("2015-03-18T19:59:59Z", "2015-03-18"),
        ("2015-03-18T20:00:00Z", "2015-03-19"),
        ("2015-03-18T23:30:00Z", "2015-03-19"),
        ("2015-03-21T12:00:00Z", "2015-03-23"),
    ],
)
def test_document_counts_from_the_first_cutoff_after_it(
    go, world, tmp_path, known_at, first_changed
):
    before = go(world).targets
    plant(tmp_path / "texts.csv", known_at=known_at, asset="BBB")
    after = go(world).targets
    changed = before.index[(before != after).any(axis=1)]
    assert (changed >= pd.Timestamp(first_changed)).all()
    tone = {"strategy": {"use": "mood-overlay", "signal": "mood.level", "rebalance": "daily"}}
    mood = {"mood": {"use": "market-mood", "scorer": "lm-lexicon"}}
    overlay = {**world, **tone, "signals": mood, "optimizer": {"use": "equal"}, "limits": {}}
    with_text = go(overlay).targets
    texts = pd.read_csv(tmp_path / "texts.csv")
    texts[texts["id"] != "planted"].to_csv(tmp_path / "texts.csv", index=False)
    without = go(overlay).targets
    moved = with_text.index[(with_text != without).any(axis=1)]
    assert moved[0] == pd.Timestamp(first_changed)


def test_asset_order_and_row_order_change_nothing(go, world, tmp_path):
    first = go(world)
    for file in ("prices.csv", "texts.csv"):
        frame = pd.read_csv(tmp_path / file).sample(frac=1.0, random_state=3)
        frame[frame.columns[::-1]].to_csv(tmp_path / file, index=False)
    second = go(world, **{"universe.assets": ["DDD", "BBB", "AAA", "CCC"]})
    pd.testing.assert_frame_equal(first.targets, second.targets[first.targets.columns])
    pd.testing.assert_frame_equal(
        first.sessions.drop(columns="twin"), second.sessions.drop(columns="twin"), rtol=1e-12
    )


def test_later_prices_leave_earlier_targets_alone(go, world, tmp_path):
    config = {
        **world,
        "signals": {"momentum": {"use": "momentum", "window": 5, "skip": 1}},
        "strategy": {"use": "top-k", "signal": "momentum.value", "k": 2, "rebalance": "weekly"},
        "optimizer": {"use": "inverse-volatility", "window": 5},
        "limits": {},
    }
    before = go(config).targets
    prices = pd.read_csv(tmp_path / "prices.csv")
    later = prices["date"] > "2015-04-01"
    prices.loc[later, ["open", "high", "low", "close"]] *= np.where(
        prices["asset"] == "AAA", 3, 0.4
    )[later, None]
    prices.to_csv(tmp_path / "prices.csv", index=False)
    after = go(config).targets
    pd.testing.assert_frame_equal(before[:"2015-04-01"], after[:"2015-04-01"])
    assert not before.equals(after)


def test_twin_of_an_overlay_has_the_same_mean_exposure_and_no_text(go, world):
    config = {
        **world,
        "signals": {"mood": {"use": "market-mood", "scorer": "lm-lexicon"}},
        "strategy": {"use": "mood-overlay", "signal": "mood.level", "rebalance": "daily"},
        "optimizer": {"use": "equal"},
        "limits": {},
    }
    result = go(config)
    assert result.sessions["twin"].notna().all()
    assert not np.allclose(result.sessions["twin"], result.sessions["net"])
    indifferent = go(config, **{"strategy.slope": 0.0})
    np.testing.assert_allclose(
        indifferent.sessions["twin"], indifferent.sessions["net"], atol=1e-15
    )


@pytest.mark.parametrize("seed", range(5))
def test_exposure_is_matched_in_the_mean_and_never_above_the_highest(seed):
    rng = np.random.default_rng(seed)
    own, its = (rng.uniform(0.25, 1.0, 300), rng.uniform(0.0, 1.0, 300) ** 3)
    plain = CheckedDecision(
        alpha=None,
        weights=None,
        eligible=np.ones((300, 2), dtype=bool),
        exposure=own,
        rebalance=rng.random(300) < 0.3,
    )
    scaled = with_exposure_of(plain, replace(plain, exposure=its), first=50)
    counted = plain.rebalance & (np.arange(300) >= 50)
    assert scaled.exposure[counted].mean() == pytest.approx(own[counted].mean(), rel=1e-6)
    assert scaled.exposure.max() <= own[counted].max()


def test_twin_of_a_long_short_book_holds_cash(go, world):
    assert (go(world).sessions["twin"] == 0).all()


def test_prices_alone_have_no_twin(go, world):
    config = {
        **world,
        "signals": {"momentum": {"use": "momentum", "window": 5, "skip": 0}},
        "strategy": {"use": "top-k", "signal": "momentum.value", "k": 2},
        "optimizer": {"use": "equal"},
        "limits": {},
    }
    assert go(config).sessions["twin"].isna().all()


def test_weights_together_with_an_optimizer_are_a_config_error(go, world):
    with pytest.raises(ConfigError, match=r"remove the \[optimizer\] table"):
        go({**world, "optimizer": {"use": "equal"}})


def test_unknown_weight_in_a_rebalance_row_is_refused(host, go, world, monkeypatch):
    class Unsure(Strategy):
        name, version = "unsure", "1"

        def decide(self, inputs):
            return Decision(weights=inputs.prices("close") * np.nan)

    found = host.get(Strategy, "top-k")
    monkeypatch.setitem(
        host.components, (Strategy, "unsure"), [type(found)(Unsure, found.provider)]
    )
    with pytest.raises(PluginError, match="weights on 2015-03-02 is not a finite number"):
        go({**world, "strategy": {"use": "unsure"}})


def test_optimizer_sees_nothing_after_its_decision_and_can_not_write(host, go, world, monkeypatch):
    seen = []

    class Curious(Optimizer):
        name, version = "curious", "1"
        window = 3

        def solve(self, problem):
            seen.append(problem)
            with pytest.raises(ValueError, match="read-only"):
                problem.returns[0, 0] = 1.0
            return np.full(len(problem.assets), 1 / len(problem.assets))

    found = host.get(Optimizer, "equal")
    monkeypatch.setitem(
        host.components, (Optimizer, "curious"), [type(found)(Curious, found.provider)]
    )
    config = {
        **world,
        "signals": {"momentum": {"use": "momentum", "window": 2, "skip": 0}},
        "strategy": {"use": "top-k", "signal": "momentum.value", "k": 3, "rebalance": "weekly"},
        "optimizer": {"use": "curious"},
        "limits": {},
    }
    result = go(config)
    close = result.targets.index
    assert len(seen) > 3
    for problem in seen:
        assert problem.returns.shape == (3, len(problem.assets))
        assert pd.Timestamp(problem.as_of) in close


def test_two_runs_agree_byte_for_byte_and_add_one_trial(world, bare_project, host):
    first = finstrat.run(world, project=bare_project, host=host)
    second = finstrat.run(world, project=bare_project, host=host)
    assert first.provenance["texts_scored"] > 0
    assert second.provenance["texts_scored"] == 0
    reports = []
    for result in (first, second):
        report = json.loads((result.path / "report.json").read_text())
        assert report.pop("provenance")
        reports.append(json.dumps(report))
    assert reports[0] == reports[1]
    assert first.path != second.path
    assert second.trials["recorded"] == 1
    third = finstrat.run(world, overrides={"costs.fee_bps": 7}, project=bare_project, host=host)
    assert third.trials["recorded"] == 2
    assert Ledger(bare_project.state / "trials.sqlite").path.is_file()


def test_a_stored_run_loads_as_it_was(world, bare_project, host):
    from finstrat.store import load as load_run

    result = finstrat.run(world, project=bare_project, host=host)
    again = load_run(result.path)
    pd.testing.assert_frame_equal(again.sessions, result.sessions, check_freq=False)
    pd.testing.assert_frame_equal(again.targets, result.targets, check_freq=False)
    assert again.config == result.config
    assert again.cards == result.cards
    assert {path.name for path in result.path.iterdir()} == {
        *("manifest.json", "report.json", "report.html"),
        *("sessions.parquet", "targets.parquet", "holdings.parquet", "orders.parquet"),
        "asset_returns.parquet",
    }


class Scored(Strategy):
    name = "scored"
    version = "1"

    def decide(self, inputs):
        # Tomorrow's closes, to have skill for sure; what counts here is when it is known.
        close = inputs.prices("close")
        return Decision(alpha=close.roll(-2, 0) / close.roll(-1, 0))


def test_expected_returns_wait_for_labels_that_were_known(world, host, tmp_path, monkeypatch):
    from finstrat_plugins.optimizers.mean_variance import MeanVariance

    seen = []
    solve = MeanVariance.solve_many

    def watch(self, problems):
        seen.extend(problems)
        return solve(self, problems)

    monkeypatch.setattr(MeanVariance, "solve_many", watch)
    monkeypatch.setattr("finstrat.portfolio.alpha.LEAST", 25)
    config = {
        **world,
        "signals": {},
        "strategy": {"use": "top-k", "signal": "none"},
        "optimizer": {"use": "mean-variance", "window": 20},
        "execution": {"fill": "next-close"},
        "limits": {},
    }
    file = TomlFile("test", "", config)
    plan = replace(resolve(load(file), host, file=file, root=tmp_path), strategy=Scored())
    market = load_market(plan)
    run(plan, market, device="cpu")
    first = next(i for i, each in enumerate(seen) if each.views is not None)
    # The label of decision k is known with the fill of the one after it, in session k + 2, and
    # counts from the session after that: 25 of them in session 27.
    assert seen[first].as_of == np.datetime64(market.panel.times[27])
    assert first > 0
    assert all(each.views is None and each.confidence == 0 for each in seen[:first])
    assert all(each.views is not None for each in seen[first:])
    assert 0 < seen[first].confidence <= 1
    assert seen[first].views.argmax() == seen[first].alpha.argmax()


@pytest.fixture
def overlaid(world):
    """A world whose weights come from an optimizer."""
    return {
        **world,
        "signals": {"momentum": {"use": "momentum", "window": 5, "skip": 1}},
        "strategy": {"use": "top-k", "signal": "momentum.value", "k": 3, "rebalance": "weekly"},
        "optimizer": {"use": "min-variance", "window": 20},
        "limits": {},
    }


def test_infeasible_dates_hold_on_and_are_recorded(go, overlaid):
    result = go(overlaid, limits={"net": [0.8, 1.0], "max_weight": 0.2})
    recorded = result.manifest["fallbacks"]
    assert [each["used"] for each in recorded] == ["hold"] * len(recorded)
    assert len(recorded) > 3
    assert "net exposure" in recorded[0]["reasons"][0]
    assert result.targets.isna().all().all()
    (found,) = [each for each in result.findings if each.check == "no weights from the optimizer"]
    assert found.count == len(recorded)


def test_declared_chain_stands_in_and_the_report_shows_the_dates(go, overlaid):
    from finstrat_plugins.sections.exposure import ExposureSection

    # From cash, no rebalance can invest so much at once.
    limits = {"net": [0.9, 1.0], "turnover": 0.3}
    chain = {"use": "min-variance", "window": 20, "fallback": ["equal", "cash"]}
    result = go(overlaid, limits=limits, optimizer=chain)
    recorded = result.manifest["fallbacks"]
    at = next(i for i, each in enumerate(recorded) if len(each["reasons"]) > 1)
    told = [reason.partition(":")[0] for reason in recorded[at]["reasons"]]
    assert told[:2] == ["min-variance", "equal"]
    assert result.config["optimizer"]["fallback"] == ["equal", "cash"]
    tables = {table.title: table for table in ExposureSection().build(result).tables}
    rows = tables["Rebalances without the optimizer's weights"].rows
    assert rows[at][0] == recorded[at]["session"]
    assert "limits.turnover = 0.3" in rows[at][2]


def test_turnover_of_every_rebalance_keeps_its_limit(go, overlaid):
    result = go(overlaid, limits={"turnover": 0.4}, optimizer={"use": "equal"})
    assert result.manifest["fallbacks"] == []
    targets = result.targets.dropna(how="all").to_numpy()
    held = np.zeros(targets.shape[1])
    returns = (1 + result.asset_returns.fillna(0.0)).to_numpy()
    rows = np.flatnonzero(~result.targets.isna().all(axis=1))
    for i, row in enumerate(rows):
        if i:
            grown = targets[i - 1] * returns[rows[i - 1] + 1 : row + 1].prod(axis=0)
            held = grown / (1 - targets[i - 1].sum() + grown.sum())
        stays = targets[i] != 0
        assert np.abs(targets[i] - held)[stays].sum() <= 0.4 + 1e-9
    assert next(row.sum() for row in targets if row.any()) == pytest.approx(0.4)


def test_strategys_own_weights_are_brought_within_further_limits(go, world):
    free = go(world).targets.dropna(how="all")
    limits = {"groups": {"some": {"assets": ["AAA"], "low": -0.1, "high": 0.1}}}
    config = {**world, "limits": {**world.get("limits", {}), **limits}}
    held = go(config).targets.dropna(how="all")
    assert free["AAA"].abs().max() == 0.25
    assert held["AAA"].abs().max() == pytest.approx(0.1, abs=1e-9)


def test_unknown_stand_in_is_named(go, overlaid):
    with pytest.raises(ConfigError, match=r'optimizer\.fallback: no optimizer "equl"'):
        go(overlaid, **{"optimizer.fallback": ["equl"]})


def test_weighing_trading_costs_saves_what_the_account_is_charged(go, overlaid):
    def charged(**options):
        optimizer = {"use": "black-litterman", "window": 20, "covariance": "sample", **options}
        # Without skill it holds its prior, equal weights, of which prices drift away; trading
        # back is hardly worth a high price.
        result = go(
            overlaid,
            optimizer=optimizer,
            costs={"fee_bps": 30},
            strategy={**overlaid["strategy"], "k": 4},
        )
        assert result.manifest["fallbacks"] == []
        return result.sessions["turnover"].sum()

    assert charged(cost_aversion=1.0) < charged()


def test_rule_holds_a_score_before_any_signal_sees_it_and_its_use_is_recorded(go, world, tmp_path):
    plant(tmp_path / "texts.csv", known_at="2015-03-18T15:00:00Z")
    never = {"name": "no praise", "pattern": "outperform", "value": 0.0}
    free, held = go(world), go(world, rules=[never])
    assert free.manifest["rules"] == {}
    (usage,) = held.manifest["rules"].values()
    assert usage["no praise"]["met"] >= 1
    assert usage["no praise"]["changed"] >= 1
    assert "rules" not in free.config  # an old trial keeps its hash
    assert held.config["rules"][0]["name"] == "no praise"
    assert not free.targets.equals(held.targets)


def test_rule_for_a_scorer_that_no_signal_reads_is_named(go, world):
    stray = {"name": "r", "kind": "news", "scorer": "lm-lexico", "veto": True}
    with pytest.raises(ConfigError, match='no signal reads a scorer "lm-lexico"; did you mean'):
        go(world, rules=[stray])


def test_declared_price_of_reading_comes_out_of_the_net_return(world, bare_project, host):
    priced = {**world, "inference": {"lm-lexicon": {"per_1000_documents": 1000.0}}}
    free, paying = (
        finstrat.run(each, project=bare_project, host=host).sessions for each in (world, priced)
    )
    assert "inference" not in free
    # 13 days of four texts, a unit of currency each; the first day's count at its own close.
    assert paying["inference"].sum() == 4 * 13
    assert paying["inference"].iloc[0] == 4
    assert paying["equity"].iloc[0] == pytest.approx(free["equity"].iloc[0] - 4)
    assert paying["net"].mean() < free["net"].mean()
    pd.testing.assert_series_equal(paying["twin"], free["twin"])


def test_price_of_a_scorer_that_nobody_reads_is_refused(world, bare_project, host):
    priced = {**world, "inference": {"lm-lexikon": {"per_1000_documents": 1.0}}}
    with pytest.raises(ConfigError, match='did you mean "lm-lexicon"'):
        finstrat.run(priced, project=bare_project, host=host)
