def test_audit_by_name_runs_first_and_ends_with_the_exit_code_of_its_verdict(finstrat, project):
    ended = finstrat("audit", "small", "--placebos", "19")
    assert ended.code == 5
    assert "uses nothing from the future" in ended.out
    assert len(list((project / "runs").glob("*/checks/causality.json"))) == 1


def test_audit_of_a_stored_run_as_json(finstrat, project):
    assert finstrat("run", "small").code == 0
    checks = finstrat("audit", "latest", "--json").json["checks"]
    assert checks["causality"]["status"] == "pass"
    assert checks["placebo"]["status"] == "not applicable"


def test_audit_of_nothing_is_a_usage_error(refused, project):
    assert 'no run "nosuch"' in refused(2, "audit", "nosuch")
