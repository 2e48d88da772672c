import pandas as pd
import pytest

from finstrat.text import clean
from finstrat.text.language import language, language_tagger

pytestmark = pytest.mark.skipif(
    language_tagger() is None, reason="pycld2 isn't installed on this kind of machine"
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Profit rose sharply in the third quarter.", "en"),
        ("Der Gewinn stieg im dritten Quartal deutlich.", "de"),
        ("Le bénéfice a augmenté au troisième trimestre.", "fr"),
        ("公司第三季度净利润同比增长", "zh"),
        ("第3四半期の利益は大幅に増加した。", "ja"),
        ("Прибыль выросла в третьем квартале.", "ru"),
        ("", None),
        ("$AAPL", None),
        ("\ufffe\U0001f680", None),
    ],
)
def test_a_language_is_named_or_unknown(text, code):
    assert language(text) == code


def test_real_headlines_are_told_apart(shared_data):
    english = pd.read_parquet(shared_data / "reuters/headlines.parquet")["headline"]
    chinese = pd.read_parquet(shared_data / "sentiment/chinese_titles.parquet")["标题"]
    tags = pd.Series([language(clean(str(text))) for text in english])
    assert (tags == "en").mean() > 0.99
    assert (pd.Series([language(clean(str(text))) for text in chinese]) == "zh").mean() > 0.98
