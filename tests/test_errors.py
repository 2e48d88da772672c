import pytest

from finstrat import errors
from finstrat.errors import FinstratError, did_you_mean


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("FinstratError", 1),
        ("ConfigError", 2),
        ("DataError", 3),
        ("PluginError", 1),
        ("SimulationError", 1),
        ("CheckFailedError", 4),
        ("InconclusiveError", 5),
    ],
)
def test_each_error_fixes_its_exit_code(name, code):
    error = getattr(errors, name)
    assert issubclass(error, FinstratError)
    assert error.exit_code == code


def test_a_misspelt_name_is_answered_with_the_nearest():
    assert did_you_mean("news-sentimant", ["momentum", "news-sentiment"]) == (
        '; did you mean "news-sentiment"?'
    )


def test_a_name_unlike_any_is_answered_with_all_of_them():
    assert did_you_mean("zzz", ["momentum", "mood"]) == "; known: momentum, mood"


def test_a_name_among_none_says_so():
    assert did_you_mean("zzz", []) == "; none is known"
