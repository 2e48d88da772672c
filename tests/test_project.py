import pytest

from finstrat.errors import ConfigError
from finstrat.project import Project


def test_the_project_is_found_from_any_directory_below(project):
    (project / "deep" / "er").mkdir(parents=True)
    found = Project.find(project / "deep" / "er")
    assert found == Project.find(project)
    assert found.root == project
    assert found.plugins == (project / "plugins",)
    assert found.runs == project / "runs"
    assert found.state == project / ".finstrat"


def test_without_a_project_only_packaged_backtests_have_names(tmp_path):
    (tmp_path / "momentum.toml").write_text("name = 'mine'\n")
    bare = Project.find(tmp_path)
    assert bare.plugins == ()
    assert bare.runs == tmp_path / "runs"
    assert bare.backtest("momentum").shown_as == "finstrat_backtests/momentum.toml"
    assert {"market_mood", "momentum", "stocknet_sentiment"} <= set(bare.names())


def test_a_projects_backtest_wins_over_the_packaged_one_of_its_name(project):
    (project / "backtests" / "momentum.toml").write_text("name = 'mine'\n")
    found = Project.find(project).backtest("momentum")
    assert found.shown_as == "backtests/momentum.toml"
    assert found.data == {"name": "mine"}


def test_a_backtest_is_found_by_its_path(project):
    assert Project.find(project).backtest("backtests/small.toml").data["name"] == "small"


def test_a_misspelt_backtest_is_answered_with_the_nearest(project):
    with pytest.raises(ConfigError, match='no backtest "smal"; did you mean "small"'):
        Project.find(project).backtest("smal")


def test_a_path_that_is_not_there_is_refused(project):
    with pytest.raises(ConfigError, match=r"no backtest file absent\.toml"):
        Project.find(project).backtest("absent.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r'^finstrat\.toml: project\.name: "name" is missing'),
        (
            '[project]\nname = "x"\nplugin = []\n',
            r'^finstrat\.toml:3: project\.plugin: no such key "plugin"; did you mean "plugins"',
        ),
        ('[project]\nname = "x"\nruns = 3\n', r"^finstrat\.toml:3: project\.runs: .*\(got 3\)"),
        ("project = 3\n", r"^finstrat\.toml:1: project: "),
        ("[project\n", r"^finstrat\.toml:1:\d+: "),
    ],
)
def test_a_mistake_in_the_projects_file_is_pointed_at(tmp_path, text, message):
    (tmp_path / "finstrat.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        Project.find(tmp_path)
