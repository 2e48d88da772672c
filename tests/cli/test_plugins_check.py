"""`finstrat plugins check` on the small project: outcomes, exit codes, and what it is tried on."""

import pytest

LEAKY = """
import finstrat
from finstrat.components import Signal


class Scaled(Signal):
    \"\"\"Prices in units of their deviation over the whole sample.\"\"\"

    name = "scaled"
    version = "7"

    def compute(self, inputs):
        close = inputs.prices()
        return (close - close.mean(0)) / close.std(0)


class Quiet(Signal):
    \"\"\"No opinion.\"\"\"

    name = "quiet"
    version = "1"

    def compute(self, inputs):
        return inputs.prices() * float("nan")


class Falls(Signal):
    \"\"\"Raises.\"\"\"

    name = "falls"
    version = "1"

    def compute(self, inputs):
        return {}["nothing"]


class Flat(Signal):
    \"\"\"Forgets the assets.\"\"\"

    name = "flat"
    version = "1"

    def compute(self, inputs):
        return inputs.prices().mean(1)


@finstrat.hookimpl
def finstrat_components():
    return [Scaled, Quiet, Falls, Flat]
"""


@pytest.fixture
def leaky(project):
    (project / "plugins" / "leaky.py").write_text(LEAKY)
    return project


QUICK = ("--seconds", "0")


def test_an_honest_signal_passes_on_the_backtest_that_uses_it(finstrat, project):
    ended = finstrat("plugins", "check", "momentum", "--backtest", "small", *QUICK)
    assert ended.code == 0, ended
    assert (
        "tried on backtest small: 45 sessions from 2024-01-25 to 2024-03-28, 3 assets" in ended.out
    )
    assert "passed: nothing that was tried changed the past" in ended.out


def test_the_projects_own_backtest_and_its_options_come_first(finstrat, project):
    report = finstrat("plugins", "check", "momentum", "--json", *QUICK).json
    assert report["tried_on"].startswith("backtest small")
    start = next(each for each in report["checks"] if each["name"] == "start")
    assert "a warm-up of 5 sessions" in start["detail"]


def test_a_leak_ends_with_4_and_says_where_the_past_changed(finstrat, leaky):
    ended = finstrat("plugins", "check", "scaled", *QUICK)
    assert ended.code == 4
    assert 'error: signal "scaled", version 7 (plugins/leaky.py): prefix: failed: value on' in (
        ended.err
    )
    assert "and became" in ended.err
    assert "when the data ended with" in ended.err


def test_json_holds_the_place_and_both_values(finstrat, leaky):
    ended = finstrat("plugins", "check", "scaled", "--backtest", "small", "--json", *QUICK)
    assert ended.code == 4
    assert ended.json["outcome"] == "failed"
    assert ended.json["provider"]["file"] == "plugins/leaky.py"
    failed = {each["name"]: each["change"] for each in ended.json["checks"] if each["change"]}
    assert failed["prefix"]["asset"] == "A"
    assert failed["prefix"]["before"] != failed["prefix"]["after"]
    assert "rescaling" not in failed


def test_what_says_nothing_is_inconclusive_and_ends_with_5(finstrat, leaky):
    ended = finstrat("plugins", "check", "quiet", *QUICK)
    assert ended.code == 5
    assert "contract: inconclusive: value: unknown throughout on these data" in ended.err


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("falls", "contract: failed: it raised KeyError: 'nothing' (leaky.py:"),
        ("flat", 'contract: failed: gave shape (374,); scope "asset" with 1 output means'),
    ],
)
def test_a_broken_contract_ends_with_4(finstrat, leaky, name, said):
    ended = finstrat("plugins", "check", name, *QUICK)
    assert ended.code == 4
    assert said in ended.err


def test_a_source_is_asked_for_earlier_files(finstrat, project):
    ended = finstrat("plugins", "check", "files-prices", *QUICK, "--json")
    assert ended.code == 0, ended
    assert {each["name"]: each["outcome"] for each in ended.json["checks"]}["vintage"] == "passed"


def test_a_strategy_is_tried_on_the_signals_of_its_backtest(finstrat, project):
    ended = finstrat("plugins", "check", "top-k", *QUICK)
    assert ended.code == 0, ended


def test_what_cannot_be_checked_ends_with_2(refused, project):
    assert '"equal" is of kind optimizer' in refused(2, "plugins", "check", "equal")
    assert 'did you mean "momentum"?' in refused(2, "plugins", "check", "momentun")
    said = refused(2, "plugins", "check", "momentum", "--kind", "strategy")
    assert 'no strategy "momentum"; there is one of kind signal' in said


def test_options_are_checked_and_those_needed_are_asked_for(finstrat, project):
    (project / "backtests" / "small.toml").unlink()
    assert "plugins check" not in finstrat("plugins", "check", "momentum", "--set", "windw=3").out
    ended = finstrat("plugins", "check", "files-prices")
    assert ended.code == 2
    assert '"path" is missing; give options with --set, or --backtest one that uses it' in ended.err
