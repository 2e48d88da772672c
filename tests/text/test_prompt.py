import pytest
from finstrat_plugins.scorers.prompts import SIX_SHOT

from finstrat.errors import DataError
from finstrat.text.prompt import read_prompt


@pytest.fixture
def edited(tmp_path):
    """The bundled prompt with one piece of its text replaced."""

    def make(old, new):
        text = SIX_SHOT.read_text(encoding="utf-8")
        assert old in text
        path = tmp_path / "prompt.toml"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return path

    return make


def test_bundled_prompt_solves_two_examples_a_label_and_ends_before_the_text():
    prompt = read_prompt(SIX_SHOT)
    labels = [example.label for example in prompt.examples]
    assert sorted(labels) == sorted([*prompt.labels] * 2)
    assert prompt.prefix.startswith(prompt.instruction)
    assert prompt.prefix.endswith("Sentiment: neutral\n\nNews: ")


def test_digest_covers_what_is_read_and_nothing_else(edited):
    digest = read_prompt(SIX_SHOT).digest
    assert read_prompt(edited("on Tuesday", "on Monday")).digest != digest
    assert read_prompt(edited('after = "\\nS', 'after = "\\n\\nS')).digest != digest
    assert read_prompt(edited("source = ", 'source = "x" # ')).digest == digest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('label = "negative"', 'label = "bad"', 'labelled "bad", which is not in `labels`'),
        ("instruction =", "instructions =", "instruction: Field required"),
        ("written = 2026-11-25", 'written = "soon"', "written: "),
        ("[[examples]]", "[[examples", "expected a prompt in TOML"),
    ],
)
def test_mistake_in_a_prompt_is_named(edited, old, new, message):
    with pytest.raises(DataError, match="prompt.toml: ") as caught:
        read_prompt(edited(old, new))
    assert message in str(caught.value)


def test_missing_prompt_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.toml: expected a prompt in TOML"):
        read_prompt(tmp_path / "none.toml")
