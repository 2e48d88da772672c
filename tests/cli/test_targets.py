import json

import pytest

WEEKDAY = "2024-03-11"


def test_targets_say_whether_they_are_approved_on_their_first_line(finstrat, project):
    said = finstrat("targets", "small", "--asof", WEEKDAY, "--out", "targets.json")
    assert said.code == 0
    first = said.out.splitlines()[0]
    assert first.startswith("not approved · targets ")
    artefact = first.rsplit(" ", 1)[1]
    assert (project / "targets.json").read_text().startswith('{"approval": "not approved')
    assert finstrat("approve", artefact, "--by", "Ada", "--reason", "checked").code == 0
    again = finstrat("targets", "small", "--asof", WEEKDAY)
    assert again.out.splitlines()[0].startswith("approved by Ada on ")
    assert again.out.splitlines()[0].endswith(artefact)
    csv = finstrat("targets", "small", "--asof", WEEKDAY, "--csv")
    assert csv.out.splitlines()[0].startswith("# approved by Ada")


def test_targets_as_json_hold_the_decision_and_leave_no_trial(finstrat, project):
    told = finstrat("targets", "small", "--asof", WEEKDAY, "--json").json
    assert told["content"]["kind"] == "targets"
    assert told["content"]["rebalance"]
    assert sum(row["weight_target"] for row in told["content"]["targets"]) == pytest.approx(1.0)
    assert not (project / "runs").exists()
    assert not (project / ".finstrat" / "trials.sqlite").exists()
    kept = json.loads((project / f".finstrat/artefacts/{told['artefact']}.json").read_text())
    assert kept == told["content"]


def test_other_holdings_make_another_artefact(finstrat, project):
    (project / "held.csv").write_text("asset,shares\nA,10\nCASH,1000\n")
    told = finstrat("targets", "small", "--asof", WEEKDAY, "--json").json
    other = finstrat("targets", "small", "--asof", WEEKDAY, "--holdings", "held.csv", "--json").json
    assert told["artefact"] != other["artefact"]
    assert other["content"]["account"]["source"] == "holdings"


def test_a_file_name_without_a_known_ending_is_refused(refused, project):
    assert ".json or .csv" in refused(
        2, "targets", "small", "--asof", WEEKDAY, "--out", "targets.xlsx"
    )


def test_a_closed_day_is_refused(refused, project):
    assert "was closed" in refused(2, "targets", "small", "--asof", "2024-03-10")
