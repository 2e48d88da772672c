import pytest
import typer

from finstrat.cli import app

PROFILE = """
name = "Jo"
backtest = "small"
risk = "balanced"
horizon_years = 12
capital = 10000
"""
VERBS = {
    ("run",): ("run", "small"),
    ("audit",): ("audit", "small"),
    ("capacity",): ("capacity", "small"),
    ("sweep",): ("sweep", "small", "--grid", "strategy.k=1,2"),
    ("targets",): ("targets", "small", "--asof", "2024-03-20"),
    ("advise",): ("advise", "p.toml", "--asof", "2024-03-20"),
    ("monitor",): ("monitor", "latest", "--since", "2024-03-01"),
    ("explain",): ("explain", "latest", "--asset", "A", "--date", "2024-03-20"),
    ("plugins", "check"): ("plugins", "check", "momentum", "--backtest", "small"),
    ("signals", "report"): ("signals", "report", "momentum", "--backtest", "small"),
    ("data", "check"): ("data", "check", "small"),
}
UNLOADING = {("report",), ("runs", "show"), ("runs", "compare")}
"""What reads a stored run and never its data."""


def verbs(command, path=()):
    """Every verb with its parameters."""
    for name, each in getattr(command, "commands", {}).items():
        yield from verbs(each, (*path, name))
    if not getattr(command, "commands", {}):
        yield path, command.params


def takes_a_backtest(parameter):
    names_a_run = parameter.name == "run" or "RUN" in (parameter.metavar or "")
    told = (getattr(parameter, "help", "") or "").lower()
    return names_a_run or (parameter.name != "assign" and "backtest" in told)


def test_every_verb_that_takes_a_backtest_or_a_run_is_walked():
    taking = {
        path
        for path, parameters in verbs(typer.main.get_command(app))
        if any(takes_a_backtest(each) for each in parameters)
    }
    assert taking - UNLOADING == set(VERBS)


@pytest.fixture
def locked(finstrat, project):
    """A run over the whole span, and a holdout that is declared afterwards."""
    assert finstrat("run", "small").code == 0
    (project / "p.toml").write_text(PROFILE)
    with (project / "finstrat.toml").open("a") as marker:
        marker.write("\n[holdout]\nstart = 2024-03-11\n")
    return project


def test_no_verb_gets_past_a_locked_holdout(refused, locked):
    for path, arguments in VERBS.items():
        said = refused(3, *arguments)
        assert "reaches into the holdout 2024-03-11" in said, path
        assert "finstrat.toml:6" in said, path
        assert "finstrat holdout open --by NAME --reason TEXT" in said, path


def test_opening_is_logged_shown_and_counted(finstrat, refused, locked):
    shown = finstrat("holdout", "show").out
    assert "locked" in shown
    assert "--reason is empty" in refused(2, "holdout", "open", "--by", "Ada", "--reason", " ")
    assert "no holdout from 2023-01-01 on; there is 2024-03-11 to" in refused(
        *(2, "holdout", "open", "2023-01-01", "--by", "Ada", "--reason", "x")
    )
    opened = finstrat("holdout", "open", "--by", "Ada", "--reason", "the paper is written")
    assert opened.out.startswith("opened: holdout 2024-03-11 to the end of time by Ada (entry 1)")
    assert "opened" in finstrat("log", "show").out
    assert finstrat("log", "verify").code == 0
    assert "was opened on" in refused(2, "holdout", "open", "--by", "Bo", "--reason", "again")
    for arguments in (VERBS["run",], VERBS["targets",], VERBS["sweep",]):
        assert finstrat(*arguments).code == 0
    (told,) = finstrat("holdout", "show", "--json").json
    # The sweep's two configurations run on the other engine: two looks beside the run's own.
    assert (told["by"], told["reason"], len(told["looks"])) == ("Ada", "the paper is written", 3)


def test_without_a_holdout_it_says_how_to_declare_one(finstrat, refused, project):
    assert "no holdout is declared" in finstrat("holdout", "show").out
    assert "no holdout" in refused(2, "holdout", "open", "--by", "Ada", "--reason", "x")
