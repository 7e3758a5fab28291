"""The report in a real Chromium: every panel, filtering, evidence, files of the view, and nothing from outside."""

import re

import networkx as nx
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from tests.browser import PANELS, Opened, chromium

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def start():
    with chromium() as starting:
        yield starting


@pytest.fixture(scope="module")
def browser(start):
    return start()


@pytest.fixture(scope="module")
def file(lune, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "lune.html"
    lune.report(path)
    return path


@pytest.fixture(scope="module")
def window(browser, file):
    """One window for all tests of this file, each of which opens the report in it anew."""
    opened = Opened(browser, file)
    yield opened
    opened.page.context.close()


@pytest.fixture
def report(window):
    window.anew()
    yield window
    assert window.told == []


def test_every_panel_is_found_and_filled(report):
    for panel in PANELS:
        assert report.page.locator(f"#{panel}").is_visible()
        assert report.count(f'nav a[href="#{panel}"]') == 1
        assert len(report.text(f"#{panel}")) > 100
    assert report.count("#timeline-plot rect[data-kind=reply]") > 10
    assert report.count("#timeline-plot .burst") > 0
    assert report.count("#actor-table tbody tr") == 25
    assert report.count("#tree li") > 5
    assert report.count("#cascade circle, #cascade path") > 10
    assert report.count("#pairs tr") > 10
    assert report.count("#map path") > 0
    assert report.count("#map circle, #map rect") > 3
    assert report.count("#gap-list li") > 2
    assert report.count("#method-list details") > 20
    assert "missing" in report.text("#gaps")
    report.picture("lune")


def test_the_head_tells_purpose_window_sources_and_expiry(report, lune):
    status = lune.status()
    head = report.text("header") + report.text("#summary")
    assert lune.policy.purpose in head
    for source in status.by_source:
        assert source in head
    expires = status.expires_first
    assert f"{expires:%B} {expires.day}, {expires.year}" in report.text("#expiry")


def test_what_is_shown_is_what_the_commands_say(report, lune, run):
    network = lune.interactions()
    assert report.drawn() == (network.nodes.height, network.edges.height)
    steps = run("timeline", "--json", case=lune).json()["steps"]
    drawn = report.page.evaluate("Object.values(data.timeline.series).flat().reduce((a, b) => a + b, 0)")
    assert drawn == sum(step["posts"] for step in steps)
    leader = run("actors", "--role", "speaks", "--limit", "1", "--json", case=lune).json()["actors"][0]
    assert report.page.locator("#actor-table button.name").first.inner_text() == leader["handle"]


def test_the_brush_changes_network_tables_and_threads(report):
    whole, threads = report.drawn(), report.count("#thread option")
    leaders = report.page.locator("#actor-table button.name").all_inner_texts()
    plot = report.page.locator("#timeline-plot > svg")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    report.page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 60)
    report.page.mouse.down()
    report.page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 60, steps=4)
    report.page.mouse.up()
    part = report.drawn()
    assert 0 < part[1] < whole[1]
    assert part[0] < whole[0]
    assert report.page.locator("#actor-table button.name").all_inner_texts() != leaders
    assert 0 < report.count("#thread option") < threads
    assert report.count("#tree li.faded") < report.count("#tree li")
    report.page.click("#all-time")
    assert report.drawn() == whole
    assert report.page.locator("#actor-table button.name").all_inner_texts() == leaders


def test_no_picture_needs_its_colours(report, lune):
    kinds = [kind for kind, posts in lune.status().by_kind.items() if posts]
    hatches = report.page.locator("#timeline-plot pattern path").evaluate_all("all => all.map(one => one.outerHTML)")
    assert len(hatches) == len(set(hatches)) == len(kinds)
    report.page.click("#timeline-plot summary")
    rows = report.page.locator("#timeline-plot tbody tr").all_inner_texts()
    assert sum(int(row.split("\t")[1]) for row in rows) == lune.status().posts
    assert sum("▼" in row for row in rows) > 0
    ways = report.page.locator("#cascade .key path").evaluate_all("all => all.map(one => one.getAttribute('d'))")
    assert len(ways) == len(set(ways)) > 1
    report.page.click("#communities summary")
    assert report.count("#communities tbody tr") > 3


def test_the_sliders_do_what_the_brush_does(report):
    whole = report.drawn()
    report.page.focus("#from")
    for _ in range(20):
        report.page.keyboard.press("ArrowRight")
    assert 0 < report.drawn()[1] < whole[1]
    report.page.focus("#until")
    report.page.keyboard.press("Home")
    assert report.page.input_value("#from") == report.page.input_value("#until") == "0"


def test_the_network_is_filtered_by_kind_community_and_weight(report):
    page, whole = report.page, report.drawn()
    for box in page.locator("#kinds input").all()[1:]:
        box.uncheck()
    one_kind = report.drawn()
    assert 0 < one_kind[1] < whole[1]
    for box in page.locator("#kinds input").all()[1:]:
        box.check()
    page.fill("#weight", "3")
    assert 0 < report.drawn()[1] < whole[1]
    page.fill("#weight", "1")
    page.select_option("#community", index=1)
    assert 0 < report.drawn()[0] < whole[0]
    page.select_option("#community", index=0)
    assert report.drawn() == whole
    page.select_option("#size", "pagerank")
    page.select_option("#colour", "in_degree")
    assert "in-degree" in report.text("#legend").lower()


def test_a_click_on_an_account_shows_the_posts_behind_its_figures(report):
    page = report.page
    name = page.locator("#actor-table button.name").first
    label = name.inner_text()
    name.click()
    assert page.locator("#evidence").is_visible()
    assert label in report.text("#evidence-head")
    figures = page.locator("#evidence details")
    figures.first.locator("summary").click()
    assert figures.first.locator("blockquote").count() > 0
    assert page.evaluate("data.actors.rows.every(row => data.actors.explained[row.id])")
    page.keyboard.press("Escape")
    assert not page.locator("#evidence").is_visible()


def test_search_finds_an_account_and_a_click_in_the_picture_opens_it(report):
    page = report.page
    label = page.evaluate("data.network.nodes.reduce((a, b) => (a.strength > b.strength ? a : b)).label")
    page.fill("#search", label[:-1])
    assert report.text("#network-about").startswith(f"{label}: ")
    page.wait_for_timeout(600)
    page.locator("#graph").scroll_into_view_if_needed()
    box = page.locator("#graph").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 + 1, box["y"] + box["height"] / 2)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector("#evidence[open]", timeout=3000)
    assert label in report.text("#evidence-head")


def test_the_table_sorts_by_any_column_from_the_keyboard(report):
    page = report.page
    page.focus('[data-sort="in_degree"]')
    page.keyboard.press("Enter")
    assert page.get_attribute("#actor-table th[aria-sort]", "aria-sort") == "descending"
    column = [*page.locator("#actor-table thead th").all_inner_texts()]
    place = next(i for i, name in enumerate(column) if "▼" in name)
    cells = page.locator(f"#actor-table tbody tr > :nth-child({place + 1})").all_inner_texts()
    figures = [float(cell.replace(",", "")) for cell in cells]
    assert figures == sorted(figures, reverse=True)
    page.keyboard.press("Enter")
    assert page.get_attribute("#actor-table th[aria-sort]", "aria-sort") == "ascending"


def test_the_view_is_saved_as_svg_png_and_gexf(report, lune, tmp_path):
    saved = {}
    for name in ("svg", "png", "gexf"):
        with report.page.expect_download() as download:
            report.page.click(f"#save-{name}")
        download.value.save_as(saved.setdefault(name, tmp_path / f"view.{name}"))
    graph, whole = nx.read_gexf(saved["gexf"], version="1.3"), lune.interactions()
    assert (graph.number_of_nodes(), graph.number_of_edges()) == (whole.nodes.height, whole.edges.height)
    assert "<script" not in saved["svg"].read_text("utf-8")
    with Image.open(saved["png"]) as image:
        assert len(image.convert("RGB").getcolors(1 << 24)) > 10


def test_saved_gexf_is_valid(report, tmp_path, data):
    etree = pytest.importorskip("lxml.etree")
    schema = etree.XMLSchema(etree.parse(str(data("schemas") / "gexf-1.3" / "gexf.xsd")))
    report.page.fill("#weight", "2")
    with report.page.expect_download() as download:
        report.page.click("#save-gexf")
    download.value.save_as(tmp_path / "view.gexf")
    schema.assertValid(etree.parse(str(tmp_path / "view.gexf")))
    assert nx.read_gexf(tmp_path / "view.gexf", version="1.3").number_of_edges() == report.drawn()[1]


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_it_is_for_everyone(browser, file, scheme):
    opened = Opened(browser, file, color_scheme=scheme)
    for state in ("page", "evidence"):
        if state == "evidence":
            opened.page.locator("#actor-table button.name").first.click()
            opened.page.locator("#evidence summary").first.click()
        found = Axe().run(opened.page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    assert opened.told == []
    opened.page.context.close()


def test_a_narrow_screen_scrolls_in_one_direction(browser, file):
    opened = Opened(browser, file, viewport={"width": 400, "height": 800})
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 400
    opened.page.context.close()


def test_every_control_is_reached_by_keyboard(report):
    page = report.page
    reached = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.dataset.sort"))
    wanted = "from until all-time search community weight size colour zoom-in zoom-out zoom-all save-svg save-png"
    assert {*wanted.split(), "save-gexf", "pagerank", "more-actors"} <= reached


def test_it_prints(report, tmp_path):
    report.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert report.count("#graph-print circle") == report.drawn()[0]
    assert report.count("#method-list details:not([open])") == 0
    report.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert report.count("#graph-print svg, #method-list details[open]") == 0
    report.page.pdf(path=tmp_path / "report.pdf", format="A4")
    pdf = (tmp_path / "report.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 40


def test_without_webgl_the_network_is_drawn_all_the_same(start, file):
    opened = Opened(start("--disable-gpu", "--disable-3d-apis"), file)
    assert opened.count("#fallback circle") == opened.drawn()[0]
    opened.page.click("#zoom-in")
    opened.page.locator("#fallback circle").last.dispatch_event("click")
    assert opened.page.locator("#evidence").is_visible()
    assert opened.told == []


def test_french_with_numbers_and_dates_by_locale(browser, lune, tmp_path, run):
    out = tmp_path / "fr.html"
    assert run("report", out, "--lang", "fr", case=lune).code == 0
    opened = Opened(browser, out)
    assert opened.page.get_attribute("html", "lang") == "fr"
    assert "mars 2026" in opened.text("#summary")
    assert "Qui interagit avec qui" in opened.text("nav")
    assert "Rôle : organise" in opened.text("#methods")
    assert opened.told == []
    opened.page.context.close()
    assert "en, fr" in run("report", out, "--lang", "xx", case=lune).err


@pytest.mark.long
def test_the_report_of_real_conversations(browser, case, tmp_path, data, run):
    case.import_files([data("twitter_v1_rumoureval2017") / "tweets_v1.jsonl.gz"])
    out = tmp_path / "rumoureval.html"
    made = run("report", out, "--json", case=case).json()
    assert made["bytes"] == out.stat().st_size < 5_000_000
    opened = Opened(browser, out)
    assert f"{case.status().posts:,} posts" in opened.text("#facts")
    assert opened.drawn() == (made["network"]["nodes"], made["network"]["edges"])
    for panel in PANELS:
        assert opened.page.locator(f"#{panel}").is_visible()
    opened.picture("rumoureval")
    whole = opened.drawn()
    opened.page.focus("#until")
    for _ in range(30):
        opened.page.keyboard.press("ArrowLeft")
    assert 0 < opened.drawn()[1] < whole[1]
    opened.page.locator("#actor-table button.name").first.click()
    assert opened.count("#evidence details") > 3
    assert opened.told == []
    opened.page.context.close()
