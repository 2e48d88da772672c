from pathlib import Path

import pytest

from finstrat.config import load, resolve
from finstrat.errors import ConfigError
from finstrat.host import Host
from finstrat.project import Project
from finstrat.toml_file import TomlFile


@pytest.fixture(scope="module")
def host():
    return Host.load()


@pytest.fixture
def planned(project, host):
    """Resolves the small backtest with lines added or replaced."""

    def plan(*assignments, replace=None, append=""):
        path = project / "backtests" / "small.toml"
        text = path.read_text()
        if replace is not None:
            assert replace[0] in text
            text = text.replace(*replace)
        path.write_text(text + append)
        file = Project.find(project).backtest("small").with_assignments(assignments)
        return resolve(load(file), host, file=file, root=project)

    return plan


def refused(planned, *assignments, **changes):
    with pytest.raises(ConfigError) as caught:
        planned(*assignments, **changes)
    return str(caught.value)


def test_a_misspelt_component_names_file_line_key_and_the_nearest(planned):
    message = refused(planned, replace=('use = "momentum"', 'use = "momentun"'))
    assert message == (
        'backtests/small.toml:12: signals.momentum.use: no signal "momentun"; '
        'did you mean "momentum" (finstrat 0.1.0)?'
    )


def test_a_misspelt_option_names_file_line_key_and_the_nearest(planned):
    message = refused(planned, replace=("window = 5", "windw = 5"))
    assert message == (
        'backtests/small.toml:13: signals.momentum.windw: no such key "windw"; '
        'did you mean "window"?'
    )


def test_several_mistakes_are_listed_together(planned):
    message = refused(
        planned,
        replace=("start = 2024-02-01\n", ""),
        append="[market]\nbenchmrk = 'A'\nlatency_minutes = -1\n",
    )
    lines = message.splitlines()
    assert lines[0] == 'backtests/small.toml:3: span.start: "start" is missing'
    assert lines[1].startswith("backtests/small.toml:28: market.latency_minutes: ")
    assert lines[1].endswith("(got -1)")
    assert lines[2] == (
        'backtests/small.toml:27: market.benchmrk: no such key "benchmrk"; '
        'did you mean "benchmark"?'
    )
    assert len(lines) == 3


def test_a_wrong_type_says_what_arrived(planned):
    message = refused(planned, replace=("k = 1", 'k = "one"'))
    assert message.startswith(
        "backtests/small.toml:19: strategy.k: Input should be a valid integer"
    )
    assert message.endswith("(got 'one')")


def test_a_mistake_on_the_command_line_is_shown_there(planned):
    message = refused(planned, "strategy.k=0")
    assert message.startswith("--set strategy.k: strategy.k: ")
    assert message.endswith("(got 0)")


def test_a_missing_table_is_named(planned):
    message = refused(planned, replace=("[prices]", "[elsewhere]"))
    assert '"prices" is missing' in message
    assert 'no such key "elsewhere"' in message


def test_a_misspelt_scorer_of_a_signal_is_pointed_at_where_it_is_named(planned):
    message = refused(
        planned, append='[signals.mood]\nuse = "market-mood"\nscorer = "lm-lexikon"\n'
    )
    assert message == (
        'backtests/small.toml:29: signals.mood.scorer: no scorer "lm-lexikon"; '
        'did you mean "lm-lexicon" (finstrat 0.1.0)?'
    )


def test_a_scorer_that_a_signal_names_needs_no_table_of_its_own(planned):
    plan = planned(append='[signals.mood]\nuse = "market-mood"\nscorer = "lm-lexicon"\n')
    assert list(plan.scorers) == ["lm-lexicon"]
    assert plan.resolved["scorers"]["lm-lexicon"]["use"] == "lm-lexicon"


def test_the_resolved_configuration_writes_out_every_default(planned):
    plan = planned()
    assert plan.resolved["market"]["calendar"] == "XNYS"
    assert plan.resolved["costs"] == {"use": "proportional", "fee_bps": 5.0, "slippage_bps": 5.0}
    assert plan.resolved["execution"]["cash_buffer"] == 0.01
    assert plan.resolved["span"] == {"start": "2024-02-01", "end": "2024-03-28"}


def test_relative_paths_start_at_the_project_and_are_recorded_as_written(planned, project):
    plan = planned()
    assert plan.prices.config.path == project / "prices.csv"
    assert plan.resolved["prices"]["path"] == "prices.csv"


def test_absolute_paths_stay(planned, tmp_path):
    other = tmp_path / "other.csv"
    assert planned(f"prices.path={other}").prices.config.path == Path(other)


def test_every_component_has_its_provenance(planned):
    components = planned().components
    assert set(components) == {"prices", "signals.momentum", "strategy", "optimizer", "costs"}
    for each in components.values():
        assert each["distribution"] == "finstrat"
        assert each["distribution_version"]
        assert len(each["sha256"]) == 64


@pytest.mark.parametrize("name", ["market_mood", "momentum", "stocknet_sentiment"])
def test_the_bundled_backtests_are_valid(name, host, tmp_path):
    file = Project.find(tmp_path).backtest(name)
    if name == "stocknet_sentiment":
        file = file.with_assignments(["prices.path=data", "documents.stocknet.path=data"])
    plan = resolve(load(file), host, file=file, root=tmp_path)
    assert plan.config.name == name


def test_a_name_that_could_not_be_a_directory_is_refused():
    with pytest.raises(ConfigError, match=r"^x\.toml:1: name: "):
        load(TomlFile.parse('name = "../up"\n', shown_as="x.toml"))


def test_a_span_that_ends_before_it_starts_is_pointed_at(planned):
    message = refused(planned, "span.start=2030-01-01")
    assert "the end 2024-03-28 does not lie after the start 2030-01-01" in message
