"""The one table of reported items: finstrat's plain names, and the XBRL tags that mean them.

Whatever reads facts (ratios, default-risk scores, signals, formulas) uses these names. The table
knows names only: `reported` reads values by it, `statements` puts them side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SPANS = {"quarter": (80, 100), "half": (170, 195), "nine_months": (260, 290), "year": (350, 380)}
"""The lengths of time that flows are kept for, in days, both included: 52- and 53-week years fit.

A flow's item is named with its length: `revenue_year`, `revenue_quarter`.
"""


@dataclass(frozen=True)
class Item:
    """One line of a financial statement.

    Attributes:
        name: plain English with underscores.
        kind: a "stock" holds at a date; a "flow" is counted over one of `SPANS`.
        unit: "money" (the run's currency), "shares", or "money/shares".
        tags: names in us-gaap or dei; a filing that uses several is read by the first.
        meaning: one line for the documentation.
    """

    name: str
    kind: Literal["stock", "flow"]
    unit: Literal["money", "shares", "money/shares"]
    tags: tuple[str, ...]
    meaning: str


def _stock(name: str, meaning: str, *tags: str) -> Item:
    return Item(name, "stock", "money", tags, meaning)


def _flow(name: str, meaning: str, *tags: str) -> Item:
    return Item(name, "flow", "money", tags, meaning)


_PRETAX = "IncomeLossFromContinuingOperationsBeforeIncomeTaxes"

ITEMS: tuple[Item, ...] = (
    _stock("assets", "total assets", "Assets"),
    _stock("current_assets", "total current assets", "AssetsCurrent"),
    _stock(
        "cash",
        "cash and cash equivalents",
        "CashAndCashEquivalentsAtCarryingValue",
        "CashCashEquivalentsRestrictedCashAndRestrictedCashEquivalents",
    ),
    _stock(
        "short_term_investments",
        "securities held as current assets",
        "ShortTermInvestments",
        "MarketableSecuritiesCurrent",
        "AvailableForSaleSecuritiesDebtSecuritiesCurrent",
        "AvailableForSaleSecuritiesCurrent",
    ),
    _stock(
        "receivables",
        "trade receivables, net",
        "AccountsReceivableNetCurrent",
        "ReceivablesNetCurrent",
    ),
    _stock("inventory", "inventories", "InventoryNet"),
    _stock(
        "property",
        "property, plant and equipment, net",
        "PropertyPlantAndEquipmentNet",
        "PropertyPlantAndEquipmentAndFinanceLeaseRightOfUseAsset"
        "AfterAccumulatedDepreciationAndAmortization",
    ),
    _stock("liabilities", "total liabilities", "Liabilities"),
    _stock("current_liabilities", "total current liabilities", "LiabilitiesCurrent"),
    _stock(
        "short_term_debt",
        "debt due within a year, the current part of long-term debt included",
        "DebtCurrent",
    ),
    _stock(
        "current_long_term_debt",
        "the part of long-term debt that is due within a year",
        "LongTermDebtCurrent",
        "LongTermDebtAndCapitalLeaseObligationsCurrent",
    ),
    _stock(
        "short_term_borrowings",
        "debt taken up for less than a year",
        "ShortTermBorrowings",
        "CommercialPaper",
    ),
    _stock(
        "long_term_debt",
        "debt due after a year",
        "LongTermDebtNoncurrent",
        "LongTermDebtAndCapitalLeaseObligations",
    ),
    _stock(
        "taxes_payable",
        "income taxes payable, current",
        "TaxesPayableCurrent",
        "AccruedIncomeTaxesCurrent",
    ),
    _stock("retained_earnings", "retained earnings", "RetainedEarningsAccumulatedDeficit"),
    _stock(
        "equity",
        "equity of the shareholders, minorities left out where told apart",
        "StockholdersEquity",
        "StockholdersEquityIncludingPortionAttributableToNoncontrollingInterest",
    ),
    _stock(
        "total_equity",
        "equity, minorities included",
        "StockholdersEquityIncludingPortionAttributableToNoncontrollingInterest",
        "StockholdersEquity",
    ),
    Item(
        "shares",
        "stock",
        "shares",
        ("CommonStockSharesOutstanding",),
        "common shares outstanding at the end of the period",
    ),
    Item(
        "shares_on_cover",
        "stock",
        "shares",
        ("EntityCommonStockSharesOutstanding",),
        "common shares outstanding on the date that a filing's cover states",
    ),
    _flow(
        "revenue",
        "sales or revenues",
        "Revenues",
        "RevenueFromContractWithCustomerExcludingAssessedTax",
        "SalesRevenueNet",
        "RevenueFromContractWithCustomerIncludingAssessedTax",
        "SalesRevenueGoodsNet",
        "SalesRevenueServicesNet",
    ),
    _flow(
        "cost_of_revenue",
        "cost of goods and services sold",
        "CostOfRevenue",
        "CostOfGoodsAndServicesSold",
        "CostOfGoodsSold",
        "CostOfServices",
    ),
    _flow("gross_profit", "revenue less its cost", "GrossProfit"),
    _flow("operating_income", "operating income or loss", "OperatingIncomeLoss"),
    _flow(
        "overhead",
        "selling, general and administrative expense",
        "SellingGeneralAndAdministrativeExpense",
        "GeneralAndAdministrativeExpense",
    ),
    _flow("research", "research and development", "ResearchAndDevelopmentExpense"),
    _flow(
        "depreciation",
        "depreciation and amortisation",
        "DepreciationDepletionAndAmortization",
        "DepreciationAmortizationAndAccretionNet",
        "DepreciationAndAmortization",
        "Depreciation",
    ),
    _flow(
        "interest_expense",
        "interest expense",
        "InterestExpense",
        "InterestExpenseNonoperating",
        "InterestExpenseDebt",
        "InterestAndDebtExpense",
    ),
    _flow(
        "pretax_income",
        "income from continuing operations before taxes",
        _PRETAX + "ExtraordinaryItemsNoncontrollingInterest",
        _PRETAX + "MinorityInterestAndIncomeLossFromEquityMethodInvestments",
        _PRETAX,
    ),
    _flow("income_tax", "income taxes", "IncomeTaxExpenseBenefit"),
    _flow(
        "continuing_income",
        "income from continuing operations after taxes",
        "IncomeLossFromContinuingOperations",
        "IncomeLossFromContinuingOperationsIncludingPortionAttributableToNoncontrollingInterest",
    ),
    _flow("net_income", "net income of the shareholders", "NetIncomeLoss", "ProfitLoss"),
    _flow(
        "operating_cash_flow",
        "cash from operations",
        "NetCashProvidedByUsedInOperatingActivities",
        "NetCashProvidedByUsedInOperatingActivitiesContinuingOperations",
    ),
    _flow(
        "capital_expenditure",
        "payments for property, plant and equipment",
        "PaymentsToAcquirePropertyPlantAndEquipment",
        "PaymentsToAcquireProductiveAssets",
    ),
    _flow(
        "stock_issued",
        "proceeds from issuing common stock",
        "ProceedsFromIssuanceOfCommonStock",
    ),
    Item(
        "diluted_shares",
        "flow",
        "shares",
        ("WeightedAverageNumberOfDilutedSharesOutstanding",),
        "diluted shares, averaged over the period",
    ),
    Item(
        "diluted_earnings",
        "flow",
        "money/shares",
        ("EarningsPerShareDiluted",),
        "earnings a share, diluted",
    ),
)

BY_NAME = {item.name: item for item in ITEMS}


def item_name(name: str, span: str) -> str:
    """How a fact of this item is named: a stock by itself, a flow with its span's length."""
    return name if BY_NAME[name].kind == "stock" else f"{name}_{span}"
