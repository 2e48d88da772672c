import subprocess
import sys

import pytest

from finstrat.project import Project


@pytest.mark.slow
def test_a_new_project_runs_and_passes_its_own_test(finstrat, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = finstrat("init", "mine")
    assert made.code == 0
    assert "next: cd mine && finstrat run reversal" in made.out
    project = tmp_path / "mine"
    assert sorted(str(path.relative_to(project)) for path in project.rglob("*.*")) == [
        ".gitignore",
        "README.md",
        "backtests/reversal.toml",
        "finstrat.toml",
        "plugins/reversal.py",
        "tests/test_reversal.py",
    ]
    assert 'name = "mine"' in (project / "finstrat.toml").read_text()
    assert not any("{{" in path.read_text() for path in project.rglob("*.*"))

    monkeypatch.chdir(project)
    ended = finstrat("run", "reversal", "--set", "span.start=2019-01-02")
    assert ended.code == 0, ended
    assert "runs/reversal-" in ended.out
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout
    assert "2 passed" in tested.stdout


def test_a_project_can_be_made_where_one_stands(finstrat, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "next: finstrat run reversal" in finstrat("init").out
    assert Project.find().root == tmp_path


def test_nothing_that_is_there_is_overwritten(refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").write_text("mine")
    assert "README.md already there; nothing was written" in refused(2, "init", ".")
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


@pytest.mark.parametrize("name", ['a "quoted" name', "back\\slash"])
def test_any_name_of_a_directory_makes_a_valid_project(finstrat, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert finstrat("init", name).code == 0
    assert Project.find(tmp_path / name).root == tmp_path / name
