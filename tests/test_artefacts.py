import pytest

from finstrat.artefacts import find, fingerprint, keep, log_of, standing
from finstrat.errors import ConfigError, DataError


def test_a_document_is_found_by_the_beginning_of_its_hash(bare_project):
    kept = keep({"kind": "targets", "weights": {"A": 0.5}}, project=bare_project)
    assert kept.name == f"targets {kept.sha256[:12]}"
    assert find(kept.id, project=bare_project) == kept
    assert keep({"weights": {"A": 0.5}, "kind": "targets"}, project=bare_project) == kept


def test_a_document_changed_on_disk_is_refused(bare_project):
    kept = keep({"kind": "targets", "weights": {"A": 0.5}}, project=bare_project)
    (file,) = (bare_project.state / "artefacts").iterdir()
    file.write_text(file.read_text().replace("0.5", "0.6"))
    with pytest.raises(DataError, match="changed since"):
        find(kept.id, project=bare_project)


def test_an_unknown_artefact_is_named(bare_project):
    with pytest.raises(ConfigError, match='no artefact "abcdef"'):
        find("abcdef", project=bare_project)


def test_the_fingerprint_of_a_directory_knows_names_and_contents(tmp_path):
    folder = tmp_path / "run"
    (folder / "checks").mkdir(parents=True)
    (folder / "a.txt").write_text("1")
    (folder / "checks" / "b.txt").write_text("2")
    before = fingerprint(folder)
    (folder / ".half-written").write_text("x")
    assert fingerprint(folder) == before
    (folder / "a.txt").rename(folder / "c.txt")
    renamed = fingerprint(folder)
    (folder / "checks" / "b.txt").write_text("3")
    assert len({before, renamed, fingerprint(folder)}) == 3


def test_an_empty_directory_is_nothing_to_decide_on(tmp_path):
    with pytest.raises(DataError, match="no file"):
        fingerprint(tmp_path)


def test_standing_says_who_approved_and_follows_the_last_decision(bare_project):
    kept = keep({"kind": "advice", "x": 1}, project=bare_project)
    assert standing(kept, project=bare_project) == f"not approved · {kept.name}"
    log = log_of(bare_project)
    log.record("approved", artefact=kept.name, sha256=kept.sha256, by="Ada", reason="fine")
    assert standing(kept, project=bare_project).startswith("approved by Ada on 2")
    log.record("rejected", artefact=kept.name, sha256=kept.sha256, by="Bob", reason="stale")
    assert standing(kept, project=bare_project).startswith("not approved: rejected by Bob on 2")


def test_nothing_stands_on_a_log_that_was_changed(bare_project):
    kept = keep({"kind": "advice", "x": 1}, project=bare_project)
    log = log_of(bare_project)
    log.record("approved", artefact=kept.name, sha256=kept.sha256, by="Ada", reason="fine")
    log.path.write_bytes(log.path.read_bytes().replace(b"Ada", b"Eve"))
    with pytest.raises(DataError, match="not in order"):
        standing(kept, project=bare_project)
