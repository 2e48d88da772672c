import numpy as np
import pytest

from finstrat.credit.borrowers import Borrowers
from finstrat.credit.folds import kinship
from finstrat.credit.training import train
from finstrat.errors import DataError
from finstrat.risk.credit import calibration_slope, roc_auc


@pytest.fixture(scope="module")
def trained(known):
    return train(known, families=("logistic",), seed=1)


def test_unseen_borrowers_are_ranked_as_well_as_the_truth_allows(trained, known):
    chance = trained.judged["probability"].to_numpy()
    assert roc_auc(chance, known.defaulted) > 0.8
    assert calibration_slope(chance, known.defaulted) == pytest.approx(1.0, abs=0.25)
    assert chance.mean() == pytest.approx(known.defaulted.mean(), abs=0.03)


def test_rows_of_one_borrower_are_judged_together(trained, known):
    kin, fold = kinship(known), trained.judged["fold"].to_numpy()
    assert all(len(set(fold[kin == each])) == 1 for each in np.unique(kin))
    assert set(fold) == set(range(5))


def test_same_seed_gives_the_same_bits(trained, known):
    again = train(known, families=("logistic",), seed=1)
    assert again.judged.equals(trained.judged)
    assert again.model.candidate == trained.model.candidate


def test_outcome_of_the_judged_fold_changes_nothing_in_its_probabilities(trained, known):
    """The whole choice, calibration included, is made without the rows that it judges."""
    fold = trained.judged["fold"].to_numpy()
    here = fold == 0
    # Each borrower's two rows change places, so that the folds stay as they are.
    turned = np.where(here, known.defaulted.reshape(-1, 2)[:, ::-1].ravel(), known.defaulted)
    assert (turned != known.defaulted).sum() > 20
    other = train(
        Borrowers(known.features, turned, known.entity, None), families=("logistic",), seed=1
    )
    assert (other.judged["fold"].to_numpy() == fold).all()
    np.testing.assert_array_equal(
        other.judged["probability"].to_numpy()[here], trained.judged["probability"].to_numpy()[here]
    )


def test_noise_is_not_found_to_be_signal(known):
    rng = np.random.default_rng(0)
    shuffled = Borrowers(known.features, rng.permutation(known.defaulted), known.entity, None)
    found = train(shuffled, families=("logistic",), seed=0)
    chance = found.judged["probability"].to_numpy()
    assert abs(roc_auc(chance, shuffled.defaulted) - 0.5) < 0.07


@pytest.mark.slow
def test_the_winner_is_chosen_without_the_fold_it_is_judged_on(known):
    found = train(known, seed=0)
    for fold, rows in found.judged.groupby("fold"):
        family = rows["family"].iloc[0]
        np.testing.assert_array_equal(rows["probability"], found.families[family][rows.index])
        assert rows["family"].nunique() == 1, fold
    assert set(found.families) == {"logistic", "svm", "forest", "boosting"}


def test_too_few_defaults_are_refused(known):
    few = np.zeros(len(known), dtype=bool)
    few[:29] = True
    with pytest.raises(DataError, match="29 defaults are too few to train on; 30 are needed"):
        train(Borrowers(known.features, few, known.entity, None))
