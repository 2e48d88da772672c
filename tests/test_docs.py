import re
from pathlib import Path

import pytest

import finstrat
from finstrat.components import KINDS, Section, Signal
from finstrat.config import Backtest
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


@pytest.mark.parametrize("name", [kind.__name__ for kind in KINDS])
def test_every_kind_of_component_is_documented(name):
    assert f"`{name}`" in (ROOT / "docs/plugins.md").read_text()


def test_the_documented_backtest_file_runs(tmp_path):
    (text,) = blocks("docs/backtest-file.md", "toml backtest")
    (tmp_path / "winners.toml").write_text(text)
    result = finstrat.run(tmp_path / "winners.toml", project=Project.find(tmp_path))
    assert len(result.orders) > 10


def test_every_key_of_a_backtest_file_is_documented():
    text = (ROOT / "docs/backtest-file.md").read_text(encoding="utf-8")
    for key, field in Backtest.model_fields.items():
        assert f"`{key}`" in text or f"`[{key}" in text, key
        if key in {"market", "limits"}:
            assert all(f"`{name}`" in text for name in field.annotation.model_fields), key


def test_every_section_is_documented():
    text = (ROOT / "docs/report.md").read_text(encoding="utf-8")
    sections = Host.load().all(Section)
    assert {f"| `{each.component.name}` |" for each in sections} <= set(
        re.findall(r"\| `[a-z-]+` \|", text)
    )


BUNDLED = [
    each.component.name
    for each in Host.load().all(Signal)
    if each.component.__module__.startswith("finstrat_plugins")
]


@pytest.mark.parametrize("name", BUNDLED)
def test_every_bundled_signal_has_a_page_with_its_warm_up_and_limits(name):
    pages = [page.read_text(encoding="utf-8").lower() for page in ROOT.glob("docs/*.md")]
    telling = [page for page in pages if f"`{name}`" in page or f'use = "{name}"' in page]
    assert any("warm-up" in page and "limits" in page for page in telling)


@pytest.mark.parametrize("name", sorted({*BUNDLED} - {"expression"}))
def test_every_bundled_signal_is_used_by_a_bundled_backtest(name):
    files = [path.read_text(encoding="utf-8") for path in ROOT.glob("backtests/*.toml")]
    assert any(f'use = "{name}"' in text for text in files)


@pytest.mark.parametrize("document", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/*.md")))
def test_links_between_documents_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#:]+\.md)[^)]*\)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).is_file(), target
