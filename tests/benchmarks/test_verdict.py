"""The script that counts wrong verdicts counts what it says; and few verdicts are wrong."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, spearmanr

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "verdict.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("wrong_verdicts", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def bench(script, shared_data, tmp_path_factory):
    prices = shared_data / "prices" / "us_daily_2010_2015.parquet"
    return script.Bench(prices, tmp_path_factory.mktemp("bench"), "tune")


def test_bounds_are_those_of_clopper_and_pearson(script):
    # At the bound, so few (so many) come up one time in twenty.
    assert binom.cdf(3, 100, script.upper(3, 100)) == pytest.approx(0.05)
    assert binom.sf(79, 100, script.lower(80, 100)) == pytest.approx(0.05)
    assert (script.upper(5, 5), script.lower(0, 5)) == (1.0, 0.0)


def test_no_two_draws_share_a_seed(script):
    kinds = [*script.NOISE, script.POWER[0]]
    seeds = [
        script.first_seed(half, kind, draw) + i
        for half in script.HALVES
        for kind in kinds
        for draw in range(20)
        for i in range(kind.tries)
    ]
    assert len(set(seeds)) == len(seeds)


@pytest.fixture(scope="module")
def opened(bench):
    return pd.read_parquet(bench.prices).pivot_table(index="date", columns="asset", values="open")


@pytest.mark.parametrize("half_life", [0.0, 5.0])
def test_notes_know_as_much_of_the_next_fill_as_they_should(bench, opened, half_life):
    from finstrat.components import TextSource

    notes = bench.host.get(TextSource, "planted-notes").component
    source = notes({"prices": bench.prices, "seed": 3, "ic": 0.1, "half_life": half_life})
    names = tuple(opened.columns)
    documents = source.all(names)
    tone = pd.DataFrame(
        {
            "tone": [float(text.split()[1]) for text in documents.texts],
            "asset": documents.assets,
            "date": documents.known_at.astype("datetime64[D]"),
        }
    ).pivot_table(index="date", columns="asset", values="tone")
    # Written on day t, filled at the open of t + 1, until the open of t + 2.
    ahead = opened.shift(-2) / opened.shift(-1) - 1
    ahead = ahead.reindex(tone.index)[tone.columns]
    pairs = zip(tone.to_numpy()[:-1], ahead.to_numpy()[:-1], strict=True)
    coefficients = [spearmanr(a, b).statistic for a, b in pairs]
    error = np.std(coefficients) / np.sqrt(len(coefficients))
    # The rank correlation of two normals lies 4 % below their correlation.
    assert abs(np.mean(coefficients) - 0.096) < 4 * error
    assert error < 0.01


@pytest.mark.slow
def test_verdict_supports_what_is_known_and_hardly_ever_noise(script, bench):
    kinds = {kind.name: kind for kind in (*script.NOISE, *script.POWER)}
    noise = [
        script.judge(bench, kinds[name], draw, placebos=99)
        for name in ("persistent, long-short", "persistent, long-only overlay")
        for draw in range(10)
    ]
    supported = sum(row["outcome"] == "supported" for row in noise)
    # At a rate of 5 %, more than three of twenty come up less than twice in a hundred times.
    assert supported <= 3
    planted = kinds["planted 0.05, half-life 5"]
    known = [script.judge(bench, planted, draw, placebos=99) for draw in range(3)]
    assert sum(row["outcome"] == "supported" for row in known) >= 2


@pytest.mark.slow
def test_script_goes_on_where_it_stopped(script, shared_data, tmp_path, monkeypatch, capsys):
    prices = shared_data / "prices" / "us_daily_2010_2015.parquet"
    call = ["verdict.py", str(prices), "--out", str(tmp_path), "--only", "persistent, long-short"]
    for signals in (1, 2):
        monkeypatch.setattr(sys, "argv", [*call, "--signals", str(signals), "--placebos", "19"])
        script.main()
    printed = capsys.readouterr()
    assert printed.err.count("persistent, long-short") == 2
    lines = (tmp_path / "verdicts-tune.jsonl").read_text().splitlines()
    assert [json.loads(line)["draw"] for line in lines] == [0, 1]
    assert "all noise" in printed.out
