import json

import pandas as pd
import pytest


@pytest.fixture
def ran(finstrat, project, monkeypatch):
    from finstrat import monitor

    monkeypatch.setattr(monitor, "DRAWS", 99)
    assert finstrat("run", "small").code == 0
    return project


def test_a_quiet_run_ends_with_0_and_a_page(finstrat, ran):
    ended = finstrat("monitor", "latest", "--since", "2024-03-01")
    assert ended.code == 0, ended
    assert "no alarm" in ended.out
    (page,) = (ran / "monitor").iterdir()
    assert "0 alarms" in page.read_text()


def test_a_passed_limit_ends_with_4(finstrat, ran):
    (ran / "limits.toml").write_text("signal_coverage = 1.0\nprice_coverage = 1.0\nflagged = 0.0\n")
    texts = pd.DataFrame(
        {
            "id": [str(i) for i in range(60)],
            "known_at": [f"2024-0{1 + i // 30}-{1 + i % 28:02}T12:00:00Z" for i in range(60)],
            "text": ["fine"] * 50 + [""] * 10,
        }
    )
    texts.to_csv(ran / "texts.csv", index=False)
    ended = finstrat(
        *("monitor", "lm-lexicon", "--texts", "texts.csv", "--since", "2024-02-01"),
        *("--limits", "limits.toml", "--json"),
    )
    assert ended.code == 4
    assert any(each.startswith("flagged texts") for each in json.loads(ended.out)["alarms"])


def test_a_date_with_too_little_around_it_is_refused(refused, ran):
    assert "at least 20" in refused(2, "monitor", "latest", "--since", "2024-03-27")
