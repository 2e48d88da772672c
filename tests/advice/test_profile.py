import re
import tomllib
from pathlib import Path

import pytest

from finstrat.advice.profile import RISKS, Profile, Wishes, asked, read_profile
from finstrat.errors import ConfigError

LEAST = {
    "name": "Jo",
    "backtest": "momentum",
    "risk": "balanced",
    "horizon_years": 12,
    "capital": 1000,
}


@pytest.mark.parametrize("name", sorted(RISKS))
def test_bundled_profiles_can_be_read(name):
    profile, file = read_profile(name)
    assert profile.risk == profile.name == name
    assert file.shown_as == f"profiles/{name}.toml"


def test_what_can_be_borne_falls_with_the_years_to_go():
    profile = Profile.model_validate(LEAST)
    assert profile.bearable_with(30) == profile.bearable_with(10) == 0.05
    assert profile.bearable_with(5) == pytest.approx(0.03)
    assert profile.bearable_with(0) == pytest.approx(0.01)
    stated = Profile.model_validate({**LEAST, "worst_month": 0.1})
    assert stated.bearable == 0.1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('risk = "reckless"', ":3: risk: "),
        ("horizon_years = 0", "horizon_years: "),
        ("capital = -1", "capital: "),
        ("hobby = 1", 'no such key "hobby"'),
        ("[constraints]\nmax_wieght = 0.1", 'did you mean "max_weight"'),
        ('[constraints.groups.a]\nassets = ["X"]\nlow = 0.5\nhigh = 0.1', "low 0.5 exceeds"),
        ("[holdings]\nAAPL = -5", "holdings.AAPL"),
    ],
)
def test_a_mistake_is_answered_with_its_key(tmp_path, line, said):
    keys = {**LEAST}
    keys.pop(line.split(" ", maxsplit=1)[0], None)
    text = ["# a profile", f"name = {keys.pop('name')!r}"] if "name" in keys else []
    text += [line] if not line.startswith("[") else []
    text += [f"{key} = {value!r}" for key, value in keys.items()]
    text += [line] if line.startswith("[") else []
    (tmp_path / "p.toml").write_text("\n".join(text))
    with pytest.raises(ConfigError) as error:
        read_profile(str(tmp_path / "p.toml"))
    assert said in str(error.value)


def test_an_absent_profile_says_how_to_write_one(tmp_path):
    with pytest.raises(ConfigError, match="--ask` writes one"):
        read_profile(str(tmp_path / "p.toml"))
    with pytest.raises(ConfigError, match='did you mean "balanced"'):
        read_profile("balance")


def answers(*given):
    told = iter(given)
    questions = []

    def ask(question, default):
        questions.append(question)
        answer = next(told)
        return default if answer is None else answer

    return ask, questions


def test_answers_become_a_profile():
    ask, _ = answers("Jo", "bold", "20", "5000", "AAPL 20, KO 1.5", "XOM, CVX", "15%", "5", None)
    profile = Profile.model_validate(tomllib.loads(asked(ask, ["momentum"])))
    assert profile.risk == "bold"
    assert profile.holdings == {"AAPL": 20.0, "KO": 1.5}
    assert profile.exclude == ("XOM", "CVX")
    assert profile.constraints.max_weight == 0.15
    assert profile.constraints.min_cash == 0.05
    assert profile.backtest == "momentum"


def test_defaults_make_a_profile_too():
    ask, _ = answers(*[None] * 9)
    profile = Profile.model_validate(tomllib.loads(asked(ask, ["momentum"])))
    assert profile.holdings == {}
    assert profile.exclude == ()


def test_an_answer_that_makes_no_sense_is_asked_again():
    ask, questions = answers(
        "", "Jo", "mad", "bold", "0", "9", "-1", "1", "20", "none", *[None] * 4
    )
    asked(ask, ["momentum"])
    assert questions[1].startswith("Something is needed. A name")
    assert questions[3].startswith("Expected one of cautious, balanced, bold. In the worst")
    assert questions[5].startswith("Expected a number above 0. In how many")
    assert questions[7].startswith("Expected a number, 0 or more. How much money")
    assert questions[9].startswith("Expected a stock and its shares, like AAPL 20. Which shares")


def test_the_documented_profile_can_be_read_and_names_every_key():
    text = (Path(__file__).parents[2] / "docs/decisions.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    profile = Profile.model_validate(tomllib.loads(block))
    assert profile.constraints.minimum == {"JNJ": 0.05}
    assert all(f"{key}" in block for key in (*Profile.model_fields, *Wishes.model_fields))
