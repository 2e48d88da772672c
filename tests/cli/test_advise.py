from importlib import resources

import pytest
from typer.testing import CliRunner

from finstrat.cli import app

PROFILE = """
name = "Jo"
backtest = "short"
risk = "balanced"
horizon_years = 12
capital = 10000
"""


@pytest.fixture
def person(tmp_path, monkeypatch):
    """A profile on the bundled momentum backtest over one year."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "finstrat.toml").write_text('[project]\nname = "t"\n')
    (tmp_path / "backtests").mkdir()
    source = resources.files("finstrat_backtests").joinpath("momentum.toml").read_text()
    (tmp_path / "backtests" / "short.toml").write_text(
        source.replace("2000-01-03", "2022-01-03").replace('"momentum"\ndesc', '"short"\ndesc')
    )
    (tmp_path / "p.toml").write_text(PROFILE)
    return tmp_path


def test_advice_is_approved_by_its_hash(finstrat, person):
    said = finstrat("advise", "p.toml")
    assert said.code == 0, said
    first = said.out.splitlines()[0]
    assert first.startswith("not approved · advice ")
    page = person / "advice" / "p-2022-12-28.html"
    assert first in page.read_text()
    artefact = first.rsplit(" ", 1)[1]
    assert finstrat("approve", artefact, "--by", "Ada", "--reason", "read").code == 0
    again = finstrat("advise", "p.toml")
    assert again.out.startswith("approved by Ada on ")
    told = finstrat("advise", "p.toml", "--json")
    assert told.out.startswith('{"approval": "approved by Ada')
    assert told.json["content"]["kind"] == "advice"


def test_questions_write_a_profile_and_never_overwrite_one(person, refused):
    given = "Jo\nbold\n20\n5000\nAAPL 2\nXOM\n30\n5\nshort\n"
    ended = CliRunner().invoke(app, ["advise", "new.toml", "--ask"], input=given)
    assert ended.exit_code == 0, ended.output
    assert "written: new.toml" in ended.output
    assert 'risk = "bold"' in (person / "new.toml").read_text()
    assert "is there already" in refused(2, "advise", "new.toml", "--ask")
    assert "must end in .toml" in refused(2, "advise", "new", "--ask")


def test_a_mistake_in_a_profile_has_its_line(person, refused):
    (person / "p.toml").write_text(PROFILE + 'exclude = ["XON"]\n')
    assert 'p.toml:7: the backtest has no asset "XON"; did you mean "XOM"?' in refused(
        2, "advise", "p.toml"
    )
