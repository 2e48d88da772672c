import numpy as np
import pandas as pd
import pytest
from finstrat_plugins.credit.scorecard import Scorecard

from finstrat.credit.borrowers import Columns
from finstrat.credit.calibration import Calibration
from finstrat.credit.encoding import Column, Encoding
from finstrat.credit.machines import Linear
from finstrat.credit.model import CreditScorecard
from finstrat.data import Facts
from finstrat.errors import DataError


def column(name, levels=None):
    return Column(name, levels, np.zeros(1), np.zeros(1), 0.0, flagged=False)


def model(path, *columns):
    """Log odds are the sum of the columns."""
    CreditScorecard(
        columns=Columns(features=tuple(each.name for each in columns)),
        encoding=Encoding("plain", columns),
        machine=Linear(np.ones(len(columns)), np.zeros(1)),
        calibration=Calibration(1.0, 0.0),
        edges=(0.5,),
        typical={each.name: 0.0 for each in columns},
        seen=np.zeros(1, dtype=np.uint64),
        judged=pd.DataFrame({"probability": [0.5]}),
        card={"name": "sum", "horizon_years": 2.0},
    ).save(path)
    return Scorecard({"path": path})


def facts(*rows):
    names = ["asset", "item", "value", "period_end", "known_at", "version"]
    frame = pd.DataFrame(rows, columns=names)
    return Facts.from_frame(frame.assign(known_at=pd.to_datetime(frame["known_at"])), where="t")


FACTS = facts(
    ("A", "debt", 1.0, "2014-12-31", "2015-02-01T12:00Z", 1),
    ("A", "loss", 0.5, "2014-12-31", "2015-02-01T12:00Z", 1),
    ("A", "debt", 2.0, "2014-12-31", "2015-05-01T12:00Z", 2),
    ("A", "debt", 9.0, "2013-12-31", "2015-06-01T12:00Z", 2),
    ("B", "debt", -1.0, "2015-03-31", "2015-03-01T12:00Z", 1),
    ("A", "other", 5.0, "2014-12-31", "2015-07-01T12:00Z", 1),
)


def test_assessments_follow_what_became_known(tmp_path):
    found = model(tmp_path / "m", column("debt"), column("loss")).assess(FACTS)
    assert list(found.columns) == [
        *("entity", "as_of", "probability", "horizon_years", "band", "reasons")
    ]
    told = [(each.entity, str(each.as_of)[:10]) for each in found.itertuples()]
    # B's fact is stamped before its period's end, and counts from there; an old year's
    # restatement and another item displace nothing.
    assert told == [
        ("A", "2015-02-01"),
        ("B", "2015-03-31"),
        ("A", "2015-05-01"),
        ("A", "2015-06-01"),
    ]
    odds = np.log(found["probability"] / (1 - found["probability"]))
    assert odds.iloc[[0, 2, 3]].tolist() == pytest.approx([1.5, 2.5, 2.5])
    assert found["band"].iloc[0] == "2"
    assert (found["horizon_years"] == 2.0).all()


def test_cutting_the_facts_changes_no_earlier_assessment(tmp_path):
    scorecard = model(tmp_path / "m", column("debt"))
    whole = scorecard.assess(FACTS)
    cut = scorecard.assess(FACTS.visible_before(np.datetime64("2015-04-01")))
    pd.testing.assert_frame_equal(cut, whole.head(len(cut)))


def test_model_of_categories_or_of_other_items_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"reads categories \(job\)"):
        model(tmp_path / "a", column("job", ("x",))).assess(FACTS)
    with pytest.raises(DataError, match="facts hold none of the model's items"):
        model(tmp_path / "b", column("sales")).assess(FACTS)
