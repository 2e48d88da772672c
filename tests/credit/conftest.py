import numpy as np
import pandas as pd
import pytest

from finstrat.credit.borrowers import Columns, borrowers


@pytest.fixture(scope="session")
def loans():
    """600 invented loans: debt and job decide who defaults, age doesn't; some debts unknown."""
    rng = np.random.default_rng(4)
    debt, age = rng.normal(0, 1, 600), rng.uniform(20, 70, 600)
    job = rng.choice(["fixed", "freelance"], 600)
    odds = -1.5 + 1.6 * debt + 1.0 * (job == "freelance")
    return pd.DataFrame(
        {
            "name": [f"B{i // 2}" for i in range(600)],
            "debt": np.where(rng.random(600) < 0.05, np.nan, debt),
            "age": age,
            "job": job,
            "outcome": np.where(rng.random(600) < 1 / (1 + np.exp(-odds)), "bad", "good"),
        }
    )


@pytest.fixture(scope="session")
def known(loans):
    """The same loans, read."""
    columns = Columns(target="outcome", bad="bad", entity="name")
    return borrowers(loans, columns, where="loans")
