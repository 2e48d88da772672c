import numpy as np
import pytest
from finstrat_strategies.screen import Screen
from pydantic import ValidationError

NAN = np.nan


def kept(seen, score, **options):
    score = np.array(score, dtype=float)[:, None]
    inputs = seen(np.full(score.shape, 10.0), **{"risk.p": score})
    decision = Screen({"signal": "risk.p", "level": 0.1} | options).decide(inputs)
    return decision.eligible[:, 0].int().tolist()


def test_a_score_beyond_the_level_excludes(seen):
    assert kept(seen, [0.05, 0.2, 0.1]) == [1, 0, 1]
    assert kept(seen, [0.05, 0.2, 0.1], exclude="below") == [0, 1, 1]


def test_an_excluded_name_comes_back_only_once_it_is_good_enough(seen):
    assert kept(seen, [0.2, 0.08, 0.04, 0.08], readmit=0.05) == [0, 0, 1, 1]
    assert kept(seen, [1, 3, 4.5, 3], level=2, exclude="below", readmit=4) == [0, 0, 1, 1]


def test_an_unknown_score_leaves_a_name_as_it_was_or_excludes_it(seen):
    assert kept(seen, [NAN, 0.2, NAN, 0.0, NAN]) == [1, 0, 0, 1, 1]
    assert kept(seen, [NAN, 0.2, NAN, 0.0, NAN], unknown="exclude") == [0, 0, 0, 1, 0]


def test_readmission_on_the_excluded_side_is_refused():
    with pytest.raises(ValidationError, match="readmit 0.2 lies on the excluded side"):
        Screen({"signal": "risk.p", "level": 0.1, "readmit": 0.2})
