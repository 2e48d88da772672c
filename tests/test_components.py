import inspect

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from finstrat.components import (
    KINDS,
    Component,
    Inputs,
    MarketSource,
    Optimizer,
    Settings,
    Signal,
    base_of,
)
from finstrat.data import Documents, Facts, Panel
from finstrat.errors import ConfigError, PluginError


class Scaled(Signal):
    name = "scaled"
    version = "1"

    class Config(Signal.Config):
        factor: float = 2.0

    def compute(self, inputs):
        return self.config.factor * inputs.prices()


@pytest.fixture
def inputs():
    times = np.array(["2024-01-02", "2024-01-03"], dtype="datetime64[D]")
    panel = Panel.from_fields(times, ("A", "B"), {"close": np.array([[1.0, 2.0], [3.0, np.nan]])})
    return Inputs(
        panel=panel,
        documents=Documents.empty(),
        facts=Facts.empty(),
        clock=None,
        device=torch.device("cpu"),
        features={"momentum.value": torch.zeros(2, 2)},
    )


def test_options_come_from_defaults_a_mapping_or_a_config():
    assert Scaled().config.factor == 2.0
    assert Scaled({"factor": 3}).config.factor == 3.0
    assert Scaled(Scaled.Config(factor=4)).config.factor == 4.0


def test_settings_of_another_class_are_checked_anew():
    class Other(Settings):
        factor: float = 5.0

    assert Scaled(Other()).config == Scaled.Config(factor=5.0)


def test_an_unknown_option_is_refused():
    with pytest.raises(ValidationError, match="faktor"):
        Scaled({"faktor": 3})


def test_options_cannot_be_changed_later():
    with pytest.raises(ValidationError, match="frozen"):
        Scaled().config.factor = 9.0


def test_a_base_without_its_method_cannot_be_made():
    with pytest.raises(TypeError, match="compute"):
        type("Nothing", (Signal,), {"name": "nothing", "version": "1"})()


def test_every_base_is_found_by_what_extends_it():
    assert base_of(Scaled) is Signal
    assert base_of(Component) is None
    assert all(base_of(base) is base for base in KINDS)
    assert all(inspect.isabstract(base) and base.kind for base in KINDS)
    assert base_of(type("Own", (MarketSource,), {})) is MarketSource


def test_a_signal_sees_prices_and_members_it_cannot_write_back(inputs):
    Scaled().compute(inputs)
    inputs.prices()[0, 0] = 99.0
    inputs.members()[0, 0] = False
    assert inputs.prices()[0, 0] == 1.0
    assert inputs.members().tolist() == [[True, True], [True, False]]
    assert inputs.shape == (2, 2)


def test_a_misspelt_feature_is_answered_with_the_nearest(inputs):
    with pytest.raises(ConfigError, match=r'no signal output "momentum\.valu"; did you mean "mom'):
        inputs.feature("momentum.valu")


def test_scores_without_documents_are_an_explained_error(inputs):
    with pytest.raises(PluginError, match="this run has no documents"):
        inputs.scores("lm-lexicon")


def test_many_problems_are_solved_as_each_alone():
    class First(Optimizer):
        name = "first"
        version = "1"

        def solve(self, problem):
            return np.eye(problem)[0]

    solved = First().solve_many([1, 2])
    assert [weights.tolist() for weights in solved] == [[1.0], [1.0, 0.0]]
