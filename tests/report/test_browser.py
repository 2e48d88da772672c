import shutil

import numpy as np
import pandas as pd
import pytest

from finstrat.components import Section
from finstrat.host import Host
from finstrat.report.build import build_report
from finstrat.report.html import render_html

playwright = pytest.importorskip(
    "playwright.sync_api", reason="needs playwright, of the extra dev, to open a browser"
)
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH"),
]
WAIT_MS = 60_000


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield opened
        opened.close()


@pytest.fixture
def page_file(make_result, tmp_path):
    random = np.random.default_rng(3)
    days = pd.DatetimeIndex(pd.bdate_range("2015-01-02", periods=600), name="session")
    result = make_result(random.normal(0.0005, 0.01, 600), days=days)
    sections = [each.component() for each in Host.load().all(Section)]
    path = tmp_path / "report.html"
    path.write_text(render_html(build_report(result, sections)), encoding="utf-8")
    return path


@pytest.fixture
def page(browser, page_file):
    opened = browser.new_page(viewport={"width": 1200, "height": 900})
    opened.set_default_timeout(WAIT_MS)
    opened.said, opened.asked = [], []
    opened.on("console", lambda message: opened.said.append(message.text))
    opened.on("pageerror", lambda error: opened.said.append(str(error)))
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.goto(page_file.as_uri())
    opened.wait_for_selector("[data-chart] svg")
    yield opened
    opened.close()


def test_page_asks_the_network_for_nothing_and_logs_no_error(page, page_file):
    charts = page.locator("[data-chart]").count()
    assert charts >= 4
    page.wait_for_function(f"document.querySelectorAll('[data-chart] svg').length === {charts}")
    assert page.said == []
    assert page.asked == [page_file.as_uri()]


def test_table_sorts_by_value_both_ways_from_the_keyboard(page):
    table = page.locator("table", has=page.locator("caption", has_text="Deepest drawdowns"))
    head = table.locator("thead th", has_text="Depth")
    place = head.evaluate("cell => cell.cellIndex")

    def depths():
        cells = table.locator(f"tbody tr > :nth-child({place + 1})")
        return [float(cell.get_attribute("data-value")) for cell in cells.all()]

    assert len(depths()) > 2
    head.locator("button").press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert depths() == sorted(depths())
    head.locator("button").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert depths() == sorted(depths(), reverse=True)


def test_shift_and_wheel_look_closer_at_a_stretch_of_time(page):
    chart = page.locator("[data-chart=performance-0]")
    chart.scroll_into_view_if_needed()
    labels = "[...document.querySelectorAll('[data-chart=performance-0] .role-axis-label text')]"
    before = page.evaluate(f"{labels}.map(text => text.textContent).join()")
    box = chart.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.keyboard.down("Shift")
    for _ in range(5):
        page.mouse.wheel(0, -240)
    page.keyboard.up("Shift")
    page.wait_for_function(f"{labels}.map(text => text.textContent).join() !== '{before}'")
    assert page.said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_narrow_page_never_scrolls_sideways(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(300)
    wide, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= window
