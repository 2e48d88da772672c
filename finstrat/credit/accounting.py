"""Altman's Z and Z'' and Ohlson's O: the classic distress scores, from one year's accounts.

Pure functions over arrays of any one shape. They don't know where the numbers come from, whether a
firm is of the kind a score was estimated on, or when a number became public.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def altman_z(
    *,
    working_capital: Floats,
    retained_earnings: Floats,
    ebit: Floats,
    market_equity: Floats,
    sales: Floats,
    total_assets: Floats,
    total_liabilities: Floats,
) -> Floats:
    """Altman's Z, high = safe: below 1.81 distress, above 2.99 safe, by its own 1968 sample.

    1.2 WC/TA + 1.4 RE/TA + 3.3 EBIT/TA + 0.6 ME/TL + 0.999 S/TA (Altman, 1968, equation I, with
    ratios as fractions). Estimated on listed American manufacturers. Amounts in one currency,
    earnings and sales of a year. NaN where an input is NaN or assets or liabilities aren't
    positive.
    """
    assets, liabilities = _positive(total_assets), _positive(total_liabilities)
    return (
        1.2 * working_capital / assets
        + 1.4 * retained_earnings / assets
        + 3.3 * ebit / assets
        + 0.6 * market_equity / liabilities
        + 0.999 * sales / assets
    )


def altman_z2(
    *,
    working_capital: Floats,
    retained_earnings: Floats,
    ebit: Floats,
    book_equity: Floats,
    total_assets: Floats,
    total_liabilities: Floats,
) -> Floats:
    """Altman's Z'', high = safe: below 1.10 distress, above 2.60 safe.

    6.56 WC/TA + 3.26 RE/TA + 6.72 EBIT/TA + 1.05 BE/TL (Altman, Hartzell and Peck, 1995, without
    the constant 3.25 of their emerging-market score). Made for firms that aren't manufacturers or
    aren't listed: no sales, no market value. NaN as in `altman_z`.
    """
    assets, liabilities = _positive(total_assets), _positive(total_liabilities)
    return (
        6.56 * working_capital / assets
        + 3.26 * retained_earnings / assets
        + 6.72 * ebit / assets
        + 1.05 * book_equity / liabilities
    )


def ohlson_o(
    *,
    total_assets: Floats,
    total_liabilities: Floats,
    current_assets: Floats,
    current_liabilities: Floats,
    net_income: Floats,
    net_income_before: Floats,
    funds_from_operations: Floats,
    price_index: float,
) -> Floats:
    """Ohlson's O, high = distressed: the log odds of bankruptcy within a year on 1970s data.

    −1.32 − 0.407 ln(TA/index) + 6.03 TL/TA − 1.43 WC/TA + 0.0757 CL/CA − 1.72 [TL > TA]
    − 2.37 NI/TA − 1.83 FFO/TL + 0.285 [a loss in both years] − 0.521 (NI − NI₋₁)/(|NI| + |NI₋₁|)
    (Ohlson, 1980, model 1). Assets in dollars, `price_index` the GNP deflator with 1968 = 100,
    `net_income_before` that of the year before. NaN where an input is NaN or a denominator isn't
    positive; a firm that earned exactly nothing in both years has no change (0).
    """
    assets, liabilities = _positive(total_assets), _positive(total_liabilities)
    earned = np.abs(net_income) + np.abs(net_income_before)
    change = np.where(earned == 0, 0.0, (net_income - net_income_before) / _positive(earned))
    lost_twice = (net_income < 0) & (net_income_before < 0)
    return (
        -1.32
        - 0.407 * np.log(assets / price_index)
        + 6.03 * total_liabilities / assets
        - 1.43 * (current_assets - current_liabilities) / assets
        + 0.0757 * current_liabilities / _positive(current_assets)
        - 1.72 * (total_liabilities > total_assets)
        - 2.37 * net_income / assets
        - 1.83 * funds_from_operations / liabilities
        + 0.285 * lost_twice
        - 0.521 * change
    )


def _positive(amounts: Floats) -> Floats:
    """The amounts as a denominator: NaN where they are none."""
    return np.where(amounts > 0, amounts, np.nan)
