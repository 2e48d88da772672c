import pytest


@pytest.fixture
def note(project):
    (project / "note.txt").write_text("buy nothing")
    return project / "note.txt"


def test_approving_and_rejecting_a_file_is_shown_and_verified(finstrat, note):
    said = finstrat("approve", "note.txt", "--by", "Ada", "--reason", "read it")
    assert said.code == 0
    assert "approved: note.txt by Ada (entry 1)" in said.out
    finstrat("reject", "note.txt", "--by", "Bob", "--reason", "changed my mind")
    shown = finstrat("log", "show", "--json").json
    assert [each["decision"] for each in shown] == ["approved", "rejected"]
    head = shown[-1]["hash"]
    assert finstrat("log", "verify", "--head", head).code == 0
    assert head in finstrat("log", "show").out


def test_a_changed_log_ends_with_exit_code_4(finstrat, note, project):
    finstrat("approve", "note.txt", "--by", "Ada", "--reason", "read it")
    file = project / ".finstrat" / "approvals.sqlite"
    file.write_bytes(file.read_bytes().replace(b"read it", b"read if"))
    ended = finstrat("log", "verify")
    assert ended.code == 4
    assert "entry 1 was changed" in ended.out
    assert finstrat("log", "verify", "--json").json["problems"]


def test_an_empty_log_says_so(finstrat, project):
    assert "nothing was approved" in finstrat("log", "show").out
    assert finstrat("log", "verify").code == 0


def test_what_is_not_there_can_not_be_approved(refused, project):
    err = refused(2, "approve", "nothing", "--by", "Ada", "--reason", "x")
    assert 'no artefact "nothing"' in err


def test_a_model_directory_says_how_it_stands(finstrat, project):
    (project / "head").mkdir()
    (project / "head" / "card.json").write_text("{}")
    assert finstrat("log", "show", "head").out.startswith("not approved · head")
    finstrat("approve", "head", "--by", "Ada", "--reason", "measured")
    shown = finstrat("log", "show", "head").out
    assert shown.startswith("approved by Ada on ")
    (project / "head" / "card.json").write_text("{ }")
    assert finstrat("log", "show", "head").out.startswith("not approved · head")
    assert finstrat("log", "show", "head", "--json").json == []
