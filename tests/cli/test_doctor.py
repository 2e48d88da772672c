import pytest

from finstrat.host import PluginWarning


def test_a_sound_installation_passes_every_check(finstrat, project):
    ended = finstrat("doctor", "--json")
    status = {each["check"]: each["status"] for each in ended.json}
    assert set(status.values()) == {"ok"}, ended.out
    assert {"python", "torch", "vectorbt", "text encoder", "plugins", "project"} <= set(status)
    assert ended.code == 0


def test_a_plugin_that_does_not_load_is_found(finstrat, project):
    (project / "plugins" / "bad.py").write_text("raise RuntimeError('no luck')")
    with pytest.warns(PluginWarning):
        ended = finstrat("doctor")
    assert ended.code == 1
    assert "RuntimeError: no luck" in ended.out
