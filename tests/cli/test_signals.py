"""`finstrat signals report`: tearsheets from the command line."""


def test_a_tearsheet_puts_same_session_beside_next(finstrat, project):
    ended = finstrat("signals", "report", "momentum")
    assert ended.code == 0, ended
    assert "momentum.value in backtest small" in ended.out
    for words in ("same session (not tradable)", "21 sessions from the next fill", "fifth 5"):
        assert words in ended.out


def test_json_holds_figures_with_their_definitions(finstrat, project):
    report = finstrat("signals", "report", "momentum", "--backtest", "momentum", "--json").json
    sheet = report["outputs"]["momentum.value"]
    assert sheet["forward"]["1"]["convention_id"] == "ic.forward"
    assert sheet["forward"]["1"]["n"] > 5000
    assert sheet["coverage"]["value"] == 1.0
    assert abs(sheet["forward"]["1"]["value"]) < 0.05


def test_what_cannot_be_reported_says_why(refused, project):
    assert 'did you mean "momentum" (finstrat' in refused(2, "signals", "report", "momentun")
    said = refused(2, "signals", "report", "momentum.rank")
    assert '"momentum" has no output "rank"' in said
    said = refused(2, "signals", "report", "market-mood")
    assert '"market-mood" is about the market as a whole' in said
    said = refused(2, "signals", "report", "news-sentiment", "--backtest", "small")
    assert 'backtest small has no signal "news-sentiment"' in said
