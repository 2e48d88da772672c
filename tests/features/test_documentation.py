"""docs/features.md says what there is, and nothing else; its examples run."""

import inspect
import re
from pathlib import Path

import pytest
import torch

import finstrat
from finstrat import features
from finstrat.config import load, resolve
from finstrat.errors import ConfigError
from finstrat.features import expression
from finstrat.project import Project
from finstrat.toml_file import TomlFile

TEXT = (Path(__file__).parents[2] / "docs" / "features.md").read_text(encoding="utf-8")
HEADER = "| operation | value | unknown where | cost | source |"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def listed():
    """Every row of the tables of operations: call, value, unknown, cost, source."""
    for table in TEXT.split(HEADER)[1:]:
        for line in table.split("\n\n")[0].splitlines()[2:]:
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


ROWS = list(listed())
CALLS = {row[0].strip("`").partition("(")[0]: row[0].strip("`") for row in ROWS}


def test_list_and_code_are_equal():
    assert len(ROWS) == len(CALLS)
    assert set(CALLS) == set(features.__all__) - {"Moments"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_operation_has_formula_unknowns_cost_and_source(row):
    assert len(row) == 5
    assert all(row)


@pytest.mark.parametrize("name", CALLS)
def test_arguments_are_those_of_the_code(name):
    parameters = inspect.signature(getattr(features, name)).parameters
    shown = re.findall(r"\w+", CALLS[name].partition("(")[2])
    common = {"mask", "out", "min_periods"}
    assert shown == [parameter for parameter in parameters if parameter not in common]


def test_functions_of_expressions_are_those_listed():
    said = TEXT.partition("Beyond the operations above")[2].partition("\n\n")[0]
    known, _, not_known = said.partition("Not\nfor expressions")
    words = set(re.findall(r"`(\w+)", known))
    without = set(re.findall(r"`(\w+)", not_known))
    assert set(CALLS) - set(expression.FUNCTIONS) == without
    assert set(expression.FUNCTIONS) - set(CALLS) <= words


def test_examples_run(capsys):
    namespace: dict[str, object] = {}
    for code in blocks("python"):
        exec(code, namespace)
    said = capsys.readouterr().out.splitlines()
    assert said == re.findall(r"print\(.*\)  # (.*)", TEXT)
    assert isinstance(namespace["value"], torch.Tensor)


def test_documented_line_trades(tmp_path):
    (text,) = blocks("toml backtest")
    (tmp_path / "quiet_winners.toml").write_text(text)
    result = finstrat.run(tmp_path / "quiet_winners.toml", project=Project.find(tmp_path))
    assert len(result.orders) > 10


def test_documented_mistake_is_what_is_said(host, tmp_path):
    (text,) = blocks("toml backtest")
    wrong = text.replace("volatility(close", "volatility(cloze")
    file = TomlFile.parse(wrong, shown_as="quiet_winners.toml")
    with pytest.raises(ConfigError) as caught:
        resolve(load(file), host, file=file, root=tmp_path)
    assert str(caught.value) == blocks("text")[0].rstrip("\n")
