"""The parts of a risk report, one to a file, in the order a committee reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finstrat.components import Section


def bundled_sections() -> list[type[Section]]:
    """Every section that comes with finstrat; one that isn't named here doesn't exist."""
    from finstrat_plugins.sections.attribution import AttributionSection
    from finstrat_plugins.sections.capacity import CapacitySection
    from finstrat_plugins.sections.costs import CostsSection
    from finstrat_plugins.sections.credit_calibration import CreditCalibrationSection
    from finstrat_plugins.sections.credit_ranking import CreditRankingSection
    from finstrat_plugins.sections.credit_stability import CreditStabilitySection
    from finstrat_plugins.sections.data_quality import DataQualitySection
    from finstrat_plugins.sections.drawdown import DrawdownSection
    from finstrat_plugins.sections.exposure import ExposureSection
    from finstrat_plugins.sections.models import ModelsSection
    from finstrat_plugins.sections.monthly_returns import MonthlyReturnsSection
    from finstrat_plugins.sections.performance import PerformanceSection
    from finstrat_plugins.sections.provenance import ProvenanceSection
    from finstrat_plugins.sections.risk_figures import RiskSection
    from finstrat_plugins.sections.rolling import RollingSection
    from finstrat_plugins.sections.signal_tearsheet import SignalTearsheetSection
    from finstrat_plugins.sections.stability import StabilitySection
    from finstrat_plugins.sections.stress import StressSection
    from finstrat_plugins.sections.tail_forecasts import TailForecastsSection
    from finstrat_plugins.sections.timing import TimingSection
    from finstrat_plugins.sections.verdict import VerdictSection

    return [
        AttributionSection,
        CapacitySection,
        CostsSection,
        CreditCalibrationSection,
        CreditRankingSection,
        CreditStabilitySection,
        DataQualitySection,
        DrawdownSection,
        ExposureSection,
        ModelsSection,
        MonthlyReturnsSection,
        PerformanceSection,
        ProvenanceSection,
        RiskSection,
        RollingSection,
        StabilitySection,
        SignalTearsheetSection,
        StressSection,
        TailForecastsSection,
        TimingSection,
        VerdictSection,
    ]
