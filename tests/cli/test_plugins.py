import pytest

from finstrat.host import PluginWarning


def test_components_are_listed_by_kind_with_their_provider(finstrat, project):
    listed = finstrat("plugins", "list", "--json").json
    assert listed["failures"] == []
    momentum = next(each for each in listed["components"] if each["name"] == "momentum")
    assert momentum["kind"] == "signal"
    assert momentum["provider"]["distribution"] == "finstrat"
    assert momentum["summary"].startswith("Total return over")
    assert "momentum" in finstrat("plugins", "list").out


def test_one_kind_can_be_listed(finstrat, project):
    listed = finstrat("plugins", "list", "--kind", "optimizer", "--json").json
    assert {each["kind"] for each in listed["components"]} == {"optimizer"}


def test_a_misspelt_kind_ends_with_2(refused, project):
    said = refused(2, "plugins", "list", "--kind", "optimiser")
    assert '--kind: no kind "optimiser"; did you mean "optimizer"?' in said


def test_a_plugin_that_failed_is_in_the_list(finstrat, project):
    (project / "plugins" / "bad.py").write_text("raise RuntimeError('no luck')")
    with pytest.warns(PluginWarning, match=r"plugin bad \(plugins/bad\.py\) was not loaded"):
        listed = finstrat("plugins", "list", "--json").json
    [failure] = listed["failures"]
    assert failure == {
        "plugin": "bad",
        "provider": "plugins/bad.py",
        "error": "RuntimeError: no luck (line 1)",
    }


def test_a_component_is_shown_with_its_options(finstrat, project):
    [shown] = finstrat("plugins", "show", "momentum", "--json").json
    assert shown["options"]["window"]["default"] == 231
    assert shown["scope"] == "asset"
    text = finstrat("plugins", "show", "momentum").out
    assert "signal momentum, version 1" in text
    assert "231" in text


def test_every_component_can_be_shown(finstrat, project):
    listed = finstrat("plugins", "list", "--json").json["components"]
    for each in listed:
        assert finstrat("plugins", "show", each["name"]).code == 0, each["name"]
        assert each["summary"], each["name"]


def test_a_misspelt_component_ends_with_2(refused, project):
    said = refused(2, "plugins", "show", "momentun")
    assert 'no component "momentun"; did you mean "momentum"?' in said


def test_a_plugin_can_be_left_out_before_the_verb(finstrat, project):
    listed = finstrat("-p", "no:bundled", "plugins", "list", "--json").json["components"]
    assert {each["provider"]["plugin"] for each in listed} == {"strategies"}


def test_leaving_out_has_one_form(refused, project):
    assert "expected no:NAME" in refused(2, "-p", "bundled", "plugins", "list")


COMMAND = """
import finstrat
from finstrat.errors import DataError


@finstrat.hookimpl
def finstrat_commands(app):
    @app.command("greet")
    def greet(name: str = "world") -> None:
        if name == "nobody":
            raise DataError("nobody is there")
        print(f"hello {name}")
"""


def test_a_plugin_adds_a_verb(finstrat, refused, project):
    (project / "plugins" / "greet.py").write_text(COMMAND)
    assert finstrat("greet", "--name", "you").out == "hello you\n"
    assert refused(3, "greet", "--name", "nobody") == "error: nobody is there\n"


def test_another_directory_can_be_scanned(finstrat, project, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "greet.py").write_text(COMMAND)
    assert finstrat("--plugins-dir", tmp_path / "more", "greet").out == "hello world\n"


def test_a_plugin_left_out_adds_no_verb(refused, project):
    (project / "plugins" / "greet.py").write_text(COMMAND)
    assert "No such command 'greet'" in refused(2, "-p", "no:greet", "greet")
    assert "expected no:NAME" in refused(2, "-p", "greet", "greet")


def test_a_verb_that_nobody_provides_ends_with_2(refused, project):
    assert "No such command 'greet'" in refused(2, "greet")
