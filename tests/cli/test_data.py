def test_the_data_of_a_backtest_are_described(finstrat, project):
    found = finstrat("data", "check", "small", "--json").json
    assert found["assets"] == 3
    assert found["fields"] == "close"
    assert found["first session"] == "2024-01-25"
    assert found["of which warm-up"] == 5
    assert found["findings"] == []
    assert "nothing to note" in finstrat("data", "check", "small").out


def test_findings_are_counted(finstrat, project):
    lines = (project / "prices.csv").read_text().splitlines()
    row = next(i for i, line in enumerate(lines) if line.startswith("2024-02-14,B"))
    lines[row] = "2024-02-14,B,-1"
    (project / "prices.csv").write_text("\n".join(lines))
    found = finstrat("data", "check", "prices.csv", "--json").json
    assert found["kind"] == "prices"
    assert found["dates"] == 61
    assert sum(each["count"] for each in found["findings"]) >= 1
    assert "severity" in finstrat("data", "check", "prices.csv").out


def test_documents_and_facts_are_told_by_their_columns(finstrat, project):
    (project / "news.csv").write_text(
        "id,known_at,event_at,text\n1,2024-01-03T10:00:00Z,2024-01-03T10:00:00Z,Up\n"
        "2,2024-01-02T10:00:00Z,2024-01-02T10:00:00Z,Down\n"
    )
    found = finstrat("data", "check", "news.csv", "--json").json
    assert (found["kind"], found["rows"]) == ("documents", 2)
    assert found["first known"] == "2024-01-02T10:00:00"
    (project / "facts.csv").write_text(
        "asset,item,value,period_end,known_at\nA,eps,1.5,2023-12-31,2024-01-30T21:00:00Z\n"
    )
    found = finstrat("data", "check", "facts.csv", "--json").json
    assert (found["kind"], found["items"]) == ("facts", "eps")


def test_refused_data_end_with_3(refused, project):
    assert "absent.csv" in refused(3, "data", "check", "absent.csv")
    (project / "naive.csv").write_text("id,known_at,event_at,text\n1,yesterday,yesterday,Up\n")
    assert "naive.csv" in refused(3, "data", "check", "naive.csv")


def test_a_misspelt_backtest_ends_with_2(refused, project):
    assert 'did you mean "small"' in refused(2, "data", "check", "smal")
