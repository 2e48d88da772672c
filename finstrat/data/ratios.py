"""Ratios of a company's accounts: growth, margins, accruals, leverage, coverage, F and M scores.

Pure functions over arrays of any one shape, as published. They don't know where the numbers come
from or when they became public; `statements` puts the items of a year side by side. NaN where an
input is NaN or a denominator isn't positive, unless a function says otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Items = Mapping[str, Floats]
    """Items of one year by their names in `items`, all of one shape."""

FIRM_YEAR = (
    *("assets", "current_assets", "cash", "receivables", "property", "current_liabilities"),
    *("short_term_debt", "current_long_term_debt", "short_term_borrowings", "long_term_debt"),
    *("taxes_payable", "shares", "revenue_year", "cost_of_revenue_year", "gross_profit_year"),
    *("operating_income_year", "overhead_year", "depreciation_year", "interest_expense_year"),
    *("pretax_income_year", "continuing_income_year", "net_income_year"),
    "operating_cash_flow_year",
)
"""The items that the functions here read."""


def growth(now: Floats, before: Floats) -> Floats:
    """Now / before − 1."""
    return now / _positive(before) - 1.0


def share(part: Floats, whole: Floats) -> Floats:
    """Part / whole: a margin of revenue, debt over assets."""
    return part / _positive(whole)


def gross_profit(year: Items) -> Floats:
    """Gross profit as reported, else revenue less its cost."""
    return _first(year["gross_profit_year"], year["revenue_year"] - year["cost_of_revenue_year"])


def earnings_before_interest(year: Items) -> Floats:
    """Operating income as reported, else pretax income and interest expense together."""
    return _first(
        year["operating_income_year"], year["pretax_income_year"] + year["interest_expense_year"]
    )


def ordinary_income(year: Items) -> Floats:
    """Income from continuing operations where a company tells it apart, else net income."""
    return _first(year["continuing_income_year"], year["net_income_year"])


def short_term_debt(year: Items) -> Floats:
    """Debt due within a year as reported, else its parts, of which a missing one is none.

    Companies that have no such debt leave the line out; one that has neither part is unknown.
    """
    parts = (year["current_long_term_debt"], year["short_term_borrowings"])
    total = np.nan_to_num(parts[0]) + np.nan_to_num(parts[1])
    return _first(
        year["short_term_debt"], np.where(np.isnan(parts[0]) & np.isnan(parts[1]), np.nan, total)
    )


def leverage(year: Items) -> Floats:
    """Debt over assets; short-term debt counts where it is known."""
    debt = year["long_term_debt"] + np.nan_to_num(short_term_debt(year))
    return share(debt, year["assets"])


def coverage(year: Items) -> Floats:
    """How often a year's earnings before interest and taxes pay its interest."""
    return share(earnings_before_interest(year), year["interest_expense_year"])


def sloan_accruals(now: Items, before: Items) -> Floats:
    """Accruals over average assets: high = earnings that are not cash, and tend not to last.

    ((ΔCA − Δcash) − (ΔCL − ΔSTD − ΔTP) − depreciation) / average assets (Sloan, 1996, "Do Stock
    Prices Fully Reflect Information in Accruals and Cash Flows about Future Earnings?", Accounting
    Review 71(3)). Short-term debt and taxes payable that aren't reported in both years count as
    unchanged, since companies without them have no such line.
    """
    liquid = _change(now, before, "current_assets") - _change(now, before, "cash")
    debt = np.nan_to_num(short_term_debt(now) - short_term_debt(before))
    taxes = np.nan_to_num(_change(now, before, "taxes_payable"))
    owed = _change(now, before, "current_liabilities") - debt - taxes
    average = (now["assets"] + before["assets"]) / 2.0
    return (liquid - owed - now["depreciation_year"]) / _positive(average)


def cash_accruals(now: Items, before: Items) -> Floats:
    """(Income from continuing operations − cash from operations) / average assets.

    Accruals out of the cash flow statement, which mergers and translation don't blur (Hribar and
    Collins, 2002, "Errors in Estimating Accruals", Journal of Accounting Research 40(1)).
    """
    average = (now["assets"] + before["assets"]) / 2.0
    return (ordinary_income(now) - now["operating_cash_flow_year"]) / _positive(average)


def piotroski_f(now: Items, before: Items, earlier: Items) -> Floats:
    """How many of nine signs of strength a company shows, 0 to 9 (Piotroski, 2000).

    Return on assets and cash flow above zero, return up, cash flow above income; long-term debt
    over average assets down, current ratio up, no new shares; gross margin and turnover up. Returns
    and turnover are on assets at the year's beginning, so two years back are needed. "No new
    shares" is that shares outstanding didn't rise; Piotroski had proceeds of issues. NaN where one
    of the nine is unknown.

    Source: "Value Investing: The Use of Historical Financial Statement Information to Separate
    Winners from Losers", Journal of Accounting Research 38.
    """
    income = [ordinary_income(year) for year in (now, before)]
    returns = income[0] / _positive(before["assets"]), income[1] / _positive(earlier["assets"])
    cash = now["operating_cash_flow_year"] / _positive(before["assets"])
    debt = (
        2.0 * now["long_term_debt"] / _positive(now["assets"] + before["assets"]),
        2.0 * before["long_term_debt"] / _positive(before["assets"] + earlier["assets"]),
    )
    liquid = [share(year["current_assets"], year["current_liabilities"]) for year in (now, before)]
    margin = [share(gross_profit(year), year["revenue_year"]) for year in (now, before)]
    turnover = (
        now["revenue_year"] / _positive(before["assets"]),
        before["revenue_year"] / _positive(earlier["assets"]),
    )
    signs = (
        _above(returns[0], 0.0),
        _above(cash, 0.0),
        _above(returns[0], returns[1]),
        _above(cash, returns[0]),
        _above(debt[1], debt[0]),
        _above(liquid[0], liquid[1]),
        1.0 - _above(now["shares"], before["shares"]),
        _above(margin[0], margin[1]),
        _above(turnover[0], turnover[1]),
    )
    total: Floats = np.sum(signs, axis=0)
    return total


def beneish_m(now: Items, before: Items) -> Floats:
    """How much a company's accounts look like those of manipulators, high = more.

    −4.84 + 0.920 DSRI + 0.528 GMI + 0.404 AQI + 0.892 SGI + 0.115 DEPI − 0.172 SGAI + 4.679 TATA
    − 0.327 LVGI (Beneish, 1999, "The Detection of Earnings Manipulation", Financial Analysts
    Journal 55(5); above −1.78 was his flag). TATA is (income from continuing operations − cash from
    operations) / assets, as in Beneish, Lee and Nichols (2013), Financial Analysts Journal 69(2).
    Estimated on US companies of 1982 to 1992, without financial ones.
    """
    receivables = [share(year["receivables"], year["revenue_year"]) for year in (now, before)]
    margin = [share(gross_profit(year), year["revenue_year"]) for year in (now, before)]
    soft = [
        1.0 - share(year["current_assets"] + year["property"], year["assets"])
        for year in (now, before)
    ]
    written = [
        share(year["depreciation_year"], year["depreciation_year"] + year["property"])
        for year in (now, before)
    ]
    overhead = [share(year["overhead_year"], year["revenue_year"]) for year in (now, before)]
    owed = [
        share(year["long_term_debt"] + year["current_liabilities"], year["assets"])
        for year in (now, before)
    ]
    accruals = share(ordinary_income(now) - now["operating_cash_flow_year"], now["assets"])
    return (
        -4.84
        + 0.920 * share(receivables[0], receivables[1])
        + 0.528 * share(margin[1], margin[0])
        + 0.404 * share(soft[0], soft[1])
        + 0.892 * share(now["revenue_year"], before["revenue_year"])
        + 0.115 * share(written[1], written[0])
        - 0.172 * share(overhead[0], overhead[1])
        + 4.679 * accruals
        - 0.327 * share(owed[0], owed[1])
    )


def _change(now: Items, before: Items, item: str) -> Floats:
    return now[item] - before[item]


def _above(value: Floats, other: Floats | float) -> Floats:
    """1 where `value` is the larger, 0 where it isn't, NaN where one is unknown."""
    unknown = np.isnan(value) | np.isnan(other)
    return np.where(unknown, np.nan, (value > other).astype(np.float64))


def _first(preferred: Floats, other: Floats) -> Floats:
    """`preferred` where it is known, else `other`."""
    return np.where(np.isnan(preferred), other, preferred)


def _positive(amounts: Floats) -> Floats:
    """The amounts as a denominator: NaN where they are none."""
    return np.where(amounts > 0, amounts, np.nan)
