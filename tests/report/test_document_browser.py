"""Pages of advice in a browser: quiet, self-contained, narrow enough, and their reasons lead on."""

import shutil

import pytest

from finstrat.advice.advise import advise
from finstrat.advice.profile import read_profile
from finstrat.job import prepare
from finstrat.project import Project
from finstrat.report.advice import document_of
from finstrat.report.document import page
from finstrat.text.cache import ScoreCache

playwright = pytest.importorskip(
    "playwright.sync_api", reason="needs playwright, of the extra dev, to open a browser"
)
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH"),
]


@pytest.fixture(scope="module")
def advice_file(tmp_path_factory, host):
    folder = tmp_path_factory.mktemp("advice")
    project = Project.find(folder)
    profile, file = read_profile("balanced")
    backtest = project.backtest("momentum").with_values({"span.start": "2022-01-03"})
    with ScoreCache(project.state / "scores.sqlite") as cache:
        told = advise(
            profile,
            prepare(backtest, project=project, host=host).plan,
            project=project,
            file=file,
            cache=cache,
        )
    path = folder / "advice.html"
    path.write_text(page(document_of(told, standing="not approved · <b>advice</b>")))
    return path


@pytest.fixture
def opened(advice_file):
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        tab = browser.new_page(viewport={"width": 390, "height": 844})
        tab.set_default_timeout(60_000)
        tab.said, tab.asked = [], []
        tab.on("console", lambda message: tab.said.append(message.text))
        tab.on("pageerror", lambda error: tab.said.append(str(error)))
        tab.on("request", lambda request: tab.asked.append(request.url))
        tab.goto(advice_file.as_uri())
        tab.wait_for_selector("[data-chart] svg")
        yield tab
        browser.close()


def test_advice_is_quiet_narrow_and_its_reasons_open_their_sources(opened, advice_file):
    assert opened.locator(".standing").inner_text() == "not approved · <b>advice</b>"
    for scheme in ("light", "dark"):
        opened.emulate_media(color_scheme=scheme)
        opened.wait_for_timeout(200)
        wide, window = opened.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= window
    link = opened.locator(".reasons a", has_text="momentum.value").first
    target = link.get_attribute("href")
    link.click()
    opened.wait_for_function(f"document.querySelector('{target}').matches(':target')")
    source = opened.locator(target)
    assert "momentum" in source.inner_text()
    assert opened.said == []
    assert opened.asked == [advice_file.as_uri()]
