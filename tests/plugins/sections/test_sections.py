import json

import pytest
from finstrat_plugins.sections.costs import CostsSection
from finstrat_plugins.sections.data_quality import DataQualitySection
from finstrat_plugins.sections.drawdown import DrawdownSection
from finstrat_plugins.sections.exposure import ExposureSection
from finstrat_plugins.sections.models import ModelsSection
from finstrat_plugins.sections.monthly_returns import MonthlyReturnsSection
from finstrat_plugins.sections.performance import PerformanceSection
from finstrat_plugins.sections.provenance import ProvenanceSection
from finstrat_plugins.sections.risk_figures import RiskSection
from finstrat_plugins.sections.verdict import VerdictSection

import finstrat

SECTIONS = [
    *(CostsSection, DataQualitySection, DrawdownSection, ExposureSection, ModelsSection),
    *(MonthlyReturnsSection, PerformanceSection, ProvenanceSection, RiskSection, VerdictSection),
]


@pytest.mark.parametrize("section", SECTIONS)
def test_section_says_something_of_a_run_with_text(section, world, bare_project, host):
    result = finstrat.run(world, project=bare_project, host=host)
    block = section().build(result)
    assert block.title
    assert block.text or block.figures or block.tables or block.charts
    for chart in block.charts:
        assert chart.alt
        json.dumps(chart.spec, allow_nan=False)
