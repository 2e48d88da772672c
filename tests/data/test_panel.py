import numpy as np
import pytest

from finstrat.data import Panel
from finstrat.errors import DataError

TIMES = np.array(["2015-03-02", "2015-03-03", "2015-03-04"], dtype="datetime64[D]")
CLOSE = np.array([[10.0, 20.0], [11.0, np.nan], [5.5, 22.0]])


def panel(**fields):
    return Panel.from_fields(TIMES, ["A", "B"], {"close": CLOSE, **fields})


def test_nothing_can_be_written_to_a_panel():
    prices = panel(adj_factor=np.ones((3, 2)))
    for array in (
        prices.values,
        prices.member,
        prices.times,
        prices.field("close"),
        prices.adjusted("close"),
        prices.returns(),
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.setflags(write=True)


def test_writing_to_the_arrays_it_was_made_from_changes_no_panel():
    values = CLOSE[:, :, None].copy()
    member = np.ones((3, 2), dtype=bool)
    prices = Panel(TIMES, ("A", "B"), ("close",), values, member)
    values[:] = 1.0
    member[:] = False
    assert prices.field("close")[0].tolist() == [10.0, 20.0]
    assert prices.member.all()


def test_writing_to_a_tensor_or_frame_of_it_changes_no_panel():
    prices = panel()
    prices.tensor("close")[0, 0] = 99.0
    frame = prices["close"]
    frame.iloc[0, 0] = 99.0
    assert prices.field("close")[0, 0] == 10.0


def test_one_field_is_contiguous():
    assert panel(open=CLOSE).field("open").flags.c_contiguous


def test_adjusted_price_is_raw_times_factor():
    # A 2-for-1 split before the last session: the past counts half.
    factor = np.array([[0.5, 1.0], [0.5, 1.0], [1.0, 1.0]])
    prices = panel(adj_factor=factor, open=CLOSE, volume=CLOSE)
    assert prices.adjusted("close")[:, 0].tolist() == [5.0, 5.5, 5.5]
    assert prices.adjusted("open")[:, 0].tolist() == [5.0, 5.5, 5.5]
    assert prices.adjusted("volume")[:, 0].tolist() == [10.0, 11.0, 5.5]
    np.testing.assert_allclose(prices.returns()[:, 0], [np.nan, 0.1, 0.0], atol=1e-15)


def test_return_next_to_an_unknown_price_is_unknown():
    assert np.isnan(panel().returns()[1:, 1]).all()


def test_whoever_has_a_close_is_a_member_by_default():
    assert panel().member.tolist() == [[True, True], [True, False], [True, True]]


def test_digest_sees_values_labels_members_and_currency():
    base = panel()
    other = Panel.from_fields(TIMES, ["A", "B"], {"close": CLOSE}, currency="EUR")
    member = Panel.from_fields(TIMES, ["A", "B"], {"close": CLOSE}, member=np.ones((3, 2), bool))
    renamed = Panel.from_fields(TIMES, ["A", "C"], {"close": CLOSE})
    digests = {p.digest() for p in (base, other, member, renamed, base.slice(0, 2))}
    assert len(digests) == 5
    assert panel().digest() == base.digest()


def test_digest_is_blind_to_a_nans_bits():
    flipped = CLOSE.copy()
    flipped[1, 1] = -np.nan
    assert np.signbit(flipped[1, 1]) != np.signbit(CLOSE[1, 1])
    assert Panel.from_fields(TIMES, ["A", "B"], {"close": flipped}).digest() == panel().digest()


def test_slice_is_the_past_alone():
    part = panel().slice(0, 2)
    assert part.times.tolist() == TIMES[:2].tolist()
    assert part.field("close").shape == (2, 2)
    # No view through which the later rows could be reached.
    assert part.values.base.size == part.values.size


def test_select_orders_the_columns():
    part = panel().select(["B", "A"])
    assert part.assets == ("B", "A")
    assert part.field("close")[0].tolist() == [20.0, 10.0]


def test_unknown_asset_or_field_names_the_nearest():
    with pytest.raises(DataError, match='no asset "AA"; did you mean "A"'):
        panel().select(["AA"])
    with pytest.raises(DataError, match='no field "closed"; did you mean "close"'):
        panel().field("closed")


@pytest.mark.parametrize("price", [0.0, -1.0, np.inf])
@pytest.mark.parametrize("name", ["open", "adj_factor"])
def test_impossible_price_is_refused_by_name_and_place(name, price):
    values = np.ones((3, 2))
    values[1, 1] = price
    with pytest.raises(DataError, match=f"{name} of B on 2015-03-03"):
        panel(**{name: values})


def test_infinite_volume_is_refused_but_none_is_fine():
    volume = np.array([[0.0, 1.0], [1.0, np.inf], [1.0, 1.0]])
    with pytest.raises(DataError, match="volume of B on 2015-03-03 is inf; it must be finite"):
        panel(volume=volume)
    assert panel(volume=np.zeros((3, 2))).field("volume").sum() == 0


@pytest.mark.parametrize(
    ("times", "assets", "names", "message"),
    [
        (TIMES[[0, 0, 1]], ("A", "B"), ("close",), "repeats"),
        (TIMES[[1, 0, 2]], ("A", "B"), ("close",), "back in time"),
        (TIMES, ("A", "A"), ("close",), "same asset"),
        (TIMES, ("A", "B"), ("open",), "no close"),
        (TIMES[:2], ("A", "B"), ("close",), "shape"),
    ],
)
def test_inconsistent_labels_are_refused(times, assets, names, message):
    with pytest.raises(DataError, match=message):
        Panel(times, assets, names, CLOSE[:, :, None], np.ones((3, 2), dtype=bool))
