import datetime as dt

import pytest

from finstrat.errors import ConfigError
from finstrat.toml_file import TomlFile

TEXT = """\
name = "demo"      # line 1

[universe]
assets = [
    ["A", "B"],
    ["C"],
]
after = 1

[signals.news]
use = "x"
"half life" = 3
deep.er = 4
"""


@pytest.fixture
def file():
    return TomlFile.parse(TEXT, shown_as="demo.toml")


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("name",), 1),
        (("universe",), 3),
        (("universe", "assets", 0, 1), 4),
        (("universe", "after"), 8),
        (("signals", "news", "use"), 11),
        (("signals", "news", "deep", "er"), 13),
        (("signals", "news", "absent"), 10),
    ],
)
def test_a_key_is_found_on_its_line_or_that_of_its_table(file, key, line):
    assert file.where(key) == f"demo.toml:{line}"


def test_a_key_of_no_table_is_in_the_file(file):
    assert file.where(("span",)) == "demo.toml"


def test_a_syntax_error_names_line_and_column():
    with pytest.raises(ConfigError, match=r"^demo\.toml:2:\d+: ") as caught:
        TomlFile.parse("a = 1\nb = \n", shown_as="demo.toml")
    assert "at line" not in str(caught.value)


def test_a_file_that_is_no_text_is_refused_by_name(tmp_path):
    path = tmp_path / "demo.toml"
    path.write_bytes(b'name = "\xff"')
    with pytest.raises(ConfigError, match=r"^demo\.toml: can't be read as UTF-8"):
        TomlFile.read(path, shown_as="demo.toml")


def test_assignments_are_toml_where_they_can_be_and_text_otherwise(file):
    changed = file.with_assignments(
        ["signals.news.use=lexicon", "universe.after=2.5", "span.end=2020-01-31", "name="]
    )
    assert changed.data["signals"]["news"]["use"] == "lexicon"
    assert changed.data["universe"]["after"] == 2.5
    assert changed.data["span"] == {"end": dt.date(2020, 1, 31)}
    assert changed.data["name"] == ""


def test_assignments_leave_the_file_as_it_was(file):
    file.with_assignments(["signals.news.use=lexicon"])
    assert file.data["signals"]["news"]["use"] == "x"


def test_an_assigned_key_stands_on_the_command_line(file):
    changed = file.with_assignments(["signals.news={}"])
    assert changed.where(("signals", "news", "use")) == "--set signals.news"
    assert changed.where(("signals", "newsroom")) == "demo.toml"


@pytest.mark.parametrize("wrong", ["name", "=3", "a..b=3", ".a=3"])
def test_an_assignment_of_another_form_is_refused(file, wrong):
    with pytest.raises(ConfigError, match=r"expected a\.b=value"):
        file.with_assignments([wrong])


def test_an_assignment_below_a_value_is_refused(file):
    with pytest.raises(ConfigError, match=r"^--set name\.first: name is a value, not a table"):
        file.with_assignments(["name.first=1"])


FORMULA = '''\
[signals]
plain = "rank(close)"
indented  =   'rank(close)'   # rank(close)
escaped = "rank(cl\\u006fse)"
long = """
rank(close)
"""
'''


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("plain", "f.toml:2:15"),
        ("indented", "f.toml:3:21"),
        ("escaped", "f.toml:4, column 6"),
        ("long", "f.toml:5, column 6"),
    ],
)
def test_a_column_within_a_string_is_that_of_the_file_where_it_can_be(key, place):
    file = TomlFile.parse(FORMULA, shown_as="f.toml")
    text = file.data["signals"][key]
    assert text.strip() == "rank(close)"
    assert file.within(("signals", key), text, 5) == place


def test_a_word_is_found_in_the_strings_of_a_table():
    file = TomlFile.parse('[signals.x]\nuse = "y"\nby = "a.bc + a.b"\n', shown_as="f.toml")
    assert file.mention(("signals", "x"), "a.b") == "f.toml:3:14"
    assert file.mention(("signals", "x", "by"), "a.b") == "f.toml:3:14"
    assert file.mention(("signals", "x"), "z") == "f.toml:1"
    changed = file.with_values({"signals.x.by": "1 + z"})
    assert changed.mention(("signals", "x"), "z") == "--set signals.x.by, column 5"
