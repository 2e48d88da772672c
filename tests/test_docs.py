import re
from pathlib import Path

import pytest

import finstrat
from finstrat import hookspecs
from finstrat.components import KINDS, Signal
from finstrat.host import Host
from finstrat.project import Project

ROOT = Path(__file__).parents[1]


def blocks(name, language):
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_readme_signal_runs_in_a_backtest_of_at_most_20_lines(tmp_path):
    (code,) = blocks("README.md", "python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 20
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "reversal.py").write_text(code)
    (tmp_path / "finstrat.toml").write_text('[project]\nname = "t"\nplugins = ["plugins"]\n')
    template = ROOT / "finstrat/templates/project/backtests/reversal.toml.txt"
    (tmp_path / "reversal.toml").write_text(template.read_text())
    project = Project.find(tmp_path)
    host = Host.load(project.plugins, root=project.root)
    assert host.get(Signal, "reversal").provider.file == "plugins/reversal.py"
    result = finstrat.run(
        tmp_path / "reversal.toml",
        overrides={"span.end": "2015-03-31"},
        project=project,
        host=host,
    )
    assert len(result.orders) > 0
    assert (result.path / "report.html").is_file()


def test_readme_and_template_hold_the_same_signal():
    (code,) = blocks("README.md", "python")
    template = ROOT / "finstrat/templates/project/plugins/reversal.py.txt"
    assert code == template.read_text()


@pytest.mark.parametrize("name", [kind.__name__ for kind in KINDS])
def test_every_kind_of_component_is_documented(name):
    assert f"`{name}`" in (ROOT / "docs/plugins.md").read_text()


def test_every_hook_is_documented_and_the_example_loads(tmp_path, capsys):
    hooks = [name for name in vars(hookspecs) if name.startswith("finstrat_")]
    text = (ROOT / "docs/plugins.md").read_text()
    assert len(hooks) == 4
    assert all(f"`{hook}(" in text for hook in hooks)
    for i, code in enumerate(blocks("docs/plugins.md", "python")):
        (tmp_path / f"example{i}.py").write_text(code)
    host = Host.load([tmp_path])
    assert host.failures == []
    from finstrat.store import RunInfo

    host.run_finished(RunInfo("demo", {}), ValueError("x"))
    assert "demo failed" in capsys.readouterr().out


@pytest.mark.parametrize("document", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/*.md")))
def test_links_between_documents_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#:]+\.md)[^)]*\)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).is_file(), target
