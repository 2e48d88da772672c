import pytest


@pytest.fixture
def ran(finstrat, project):
    assert finstrat("run", "small").code == 0
    return project


def test_explain_prints_the_way_and_writes_a_page(finstrat, ran):
    said = finstrat("explain", "latest", "--asset", "A", "--date", "2024-03-12")
    assert said.code == 0, said
    assert "decided at the close of 2024-03-11" in said.out
    assert "signal momentum.value" in said.out
    (page,) = (ran / "explanations").iterdir()
    assert page.name.endswith("-A-2024-03-12.html")
    assert "Signal momentum.value" in page.read_text()


def test_explain_as_json_writes_nothing(finstrat, ran):
    told = finstrat("explain", "latest", "--asset", "B", "--date", "2024-03-12", "--json").json
    assert told["kind"] == "explanation"
    assert not (ran / "explanations").exists()


def test_an_unknown_asset_is_refused(refused, ran):
    assert 'no asset "Z"' in refused(2, "explain", "latest", "--asset", "Z", "--date", "2024-03-12")
