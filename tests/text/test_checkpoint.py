import shutil

import pytest

from finstrat.errors import ConfigError, DataError
from finstrat.text.checkpoint import Pretrained, checkpoint_digest

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub_cache(classifier_directory, tmp_path, monkeypatch):
    """A local Hugging Face cache that holds one commit of one model."""
    from huggingface_hub import constants

    snapshot = tmp_path / "models--someone--tone" / "snapshots" / COMMIT
    snapshot.parent.mkdir(parents=True)
    shutil.copytree(classifier_directory, snapshot)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    return snapshot


def test_hub_model_is_found_in_the_local_cache_at_its_commit(hub_cache):
    found = Pretrained(hub="someone/tone", revision=COMMIT).checkpoint()
    assert found.samefile(hub_cache)
    assert checkpoint_digest(found)


@pytest.mark.parametrize("revision", [None, "main", COMMIT[:12]])
def test_hub_model_without_a_commit_is_refused(hub_cache, revision):
    with pytest.raises(ConfigError, match="40 hexadecimal digits of a commit"):
        Pretrained(hub="someone/tone", revision=revision).checkpoint()


def test_hub_model_that_is_not_here_is_not_fetched(hub_cache):
    with pytest.raises(DataError, match="works offline; set HF_HUB_OFFLINE=0"):
        Pretrained(hub="someone/other", revision=COMMIT).checkpoint()


def test_id_that_no_hub_can_have_is_a_mistake_in_the_configuration(hub_cache):
    with pytest.raises(ConfigError, match="hub model"):
        Pretrained(hub="a/b/c", revision=COMMIT).checkpoint()


def test_exactly_one_of_path_and_hub_is_needed(tmp_path):
    with pytest.raises(ConfigError, match="which model"):
        Pretrained().checkpoint()
    with pytest.raises(ConfigError, match="give one of them"):
        Pretrained(path=tmp_path, hub="someone/tone", revision=COMMIT).checkpoint()
    with pytest.raises(ConfigError, match="a local path has none"):
        Pretrained(path=tmp_path, revision=COMMIT).checkpoint()
    with pytest.raises(DataError, match="no such directory"):
        Pretrained(path=tmp_path / "absent").checkpoint()
    assert Pretrained().checkpoint(default=tmp_path) == tmp_path


def test_digest_changes_with_any_file_that_is_read_and_no_other(classifier_directory, tmp_path):
    directory = tmp_path / "model"
    shutil.copytree(classifier_directory, directory)
    first = checkpoint_digest(directory)
    assert first == checkpoint_digest(classifier_directory)
    (directory / "README.md").write_text("about")
    (directory / "card.json").write_text("{}")
    assert checkpoint_digest(directory) == first
    (directory / "config.json").write_text((directory / "config.json").read_text() + "\n")
    assert checkpoint_digest(directory) != first
