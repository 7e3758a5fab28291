"""What a report gives away and what it refuses: hostile texts, pseudonyms, no text, expired cases, its size."""

import json
import random
import re
import tomllib
from datetime import datetime, timedelta
from importlib.resources import files
from itertools import product

import pytest
from conftest import NOON, reply, tweet

import sna
from sna import Post
from sna.report.words import LANGUAGES, catalogue, in_words_of
from tests.browser import Opened, chromium

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def browser():
    with chromium() as start:
        yield start()


def opened(browser, case, tmp_path, **options) -> Opened:
    path = tmp_path / "report.html"
    case.report(path, **options)
    return Opened(browser, path)


def data_of(path) -> dict:
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text("utf-8"))[1]
    )


def test_26_hostile_texts_stay_texts(hostile, browser, tmp_path):
    report = opened(browser, hostile, tmp_path)
    assert report.count("#graph script, #tree script, table script, body > script[src]") == 0
    assert report.count("img, iframe, object, embed, link, form[action]") == 0
    assert "<script>alert(1)</script>" in report.text("#actor-table")
    for row in range(report.count("#actor-table button.name")):
        report.page.locator("#actor-table button.name").nth(row).click()
        report.page.keyboard.press("Escape")
    for value in report.page.locator("#thread option").evaluate_all("all => all.map(one => one.value)"):
        report.page.select_option("#thread", value)
    shown = report.page.evaluate("document.documentElement.innerText")
    assert not set(shown) & set("\x00\x1b\x7f\x9b\u202e\u200b\u2028\ufffe\uffff")
    with report.page.expect_download() as download:
        report.page.click("#save-svg")
    download.value.save_as(tmp_path / "view.svg")
    assert "<script" not in (tmp_path / "view.svg").read_text("utf-8")
    assert report.told == []


def test_hostile_addresses_lead_nowhere(case, browser, tmp_path):
    case.ingest([
        Post("x", "1", "a", created_at=NOON, text="one", link="javascript:alert(1)"),
        Post("x", "2", "b", created_at=NOON, text="two", reply_to="1", link="https://example.org/2"),
    ])  # fmt: skip
    report = opened(browser, case, tmp_path)
    assert report.page.locator("#tree a").evaluate_all("all => all.map(one => one.href)") == ["https://example.org/2"]
    assert "noopener" in report.page.get_attribute("#tree a", "rel")


def test_the_policy_of_the_page_allows_nothing_from_outside(town, browser, tmp_path):
    report = opened(browser, town, tmp_path)
    policy = report.page.get_attribute('meta[http-equiv="Content-Security-Policy"]', "content")
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert report.told == []
    report.page.evaluate("""() => {
        const script = document.createElement("script"), image = document.createElement("img");
        script.textContent = "document.title = 'taken'";
        image.src = "https://example.org/pixel.png";
        document.body.append(script, image);
        return fetch("https://example.org/").catch(() => null);
    }""")
    assert report.page.title() != "taken"
    assert len(report.told) > 1
    assert all("Content Security Policy" in told for told in report.told)


def test_pseudonyms_and_no_text_leave_nothing_behind(case, write, browser, tmp_path, run):
    lines = [tweet("1", "11", text="word of mouth @carla #fair https://example.org/a")]
    lines += [reply(str(n), "1", str(10 + n), text=f"secret{n} @carla #fair") for n in range(2, 9)]
    users = {
        "includes": {
            "users": [{"id": str(10 + n), "username": f"handle{n}", "name": f"handle{n}"} for n in range(1, 9)]
        }
    }
    case.import_files([write({"data": lines} | users)])
    plain, veiled = tmp_path / "plain.html", tmp_path / "veiled.html"
    assert run("report", plain, case=case).code == 0
    assert "secret2" in plain.read_text("utf-8")
    assert "handle2" in plain.read_text("utf-8")
    assert run("report", veiled, "--pseudonymise", "--no-text", "--to", "a colleague", case=case).code == 0
    text = veiled.read_text("utf-8")
    content = json.dumps({k: v for k, v in data_of(veiled).items() if k not in ("words", "outlines", "methods")})
    for told in ("secret", "handle", "carla", "word of mouth", "x.com"):
        assert told not in content
    assert not re.search(r'"1[1-8]"', content)
    report = Opened(browser, veiled)
    assert report.count("#actor-table tbody tr") == 8
    report.page.locator("#actor-table button.name").first.click()
    assert report.told == []
    assert "secret" not in text
    exports = run("retention", "exports", "--json", case=case).json()["exports"]
    assert [(one["command"], one["pseudonymised"]) for one in exports] == [("report", False), ("report", True)]
    assert exports[1]["recipient"] == "a colleague"


def test_the_report_of_an_expired_case_is_not_made(tmp_path, write, run):
    case = sna.new_case(tmp_path / "c", "p", "b", 30, sna.Bounds(end=datetime(2026, 1, 1)))
    case.import_files([write(tweet("1"))])
    policy = case.folder.path / "case.toml"
    policy.write_text(re.sub(r"created_at = \d{4}", "created_at = 2020", policy.read_text("utf-8")), "utf-8")
    expired = sna.open_case(tmp_path / "c")
    for command in (("report", tmp_path / "o.html"), ("plot", "timeline", tmp_path / "o.svg")):
        ran = run(*command, case=expired)
        assert (ran.code, ran.err.count("\n")) == (3, 1)
        assert "past the end of its retention" in ran.err
    assert not list(tmp_path.glob("o.*"))


def test_an_empty_case_has_a_report_too(case, browser, tmp_path):
    report = opened(browser, case, tmp_path)
    assert "no posts yet" in report.text("#summary")
    assert not report.page.locator("#search, #thread, #item").locator("visible=true").count()
    assert report.told == []


def test_a_thread_with_a_missing_start_and_a_deep_chain(case, browser, tmp_path):
    case.ingest([
        Post("x", str(n), f"a{n % 9}", created_at=NOON + timedelta(minutes=n), text=f"text {n}", reply_to=str(n - 1))
        for n in range(1, 60)
    ])  # fmt: skip
    report = opened(browser, case, tmp_path)
    assert "not collected" in report.text("#thread-head")
    assert report.count("#tree li:visible") < 10
    assert "0: not collected" in report.text("#tree .missing")
    report.page.click("#tree .unfold")
    assert report.count("#tree li[data-depth]:visible") == 59
    report.page.locator("#tree button.fold").first.click()
    assert report.count("#tree li[data-depth]:visible") == 1
    report.page.locator("#tree button.fold").first.click()
    assert report.count("#tree li[data-depth]:visible") == 59
    assert report.told == []


def test_ids_that_look_alike_stay_apart(case, browser, tmp_path):
    posts = [Post("x", "1", "a\u200bb", created_at=NOON, text="t"), Post("x", "2", "a\\u200bb", text="t", reply_to="1")]
    case.ingest([*posts, Post("x", "3", "a\u200bb", text="t", reply_to="2"), Post("x", "4", "__proto__", reply_to="3")])
    report = opened(browser, case, tmp_path)
    assert report.told == []
    assert report.drawn() == (3, 3)


def test_a_cycle_has_no_parent_missing_and_folds_and_unfolds(case, browser, tmp_path):
    case.ingest([
        Post("x", str(n), f"u{n}", created_at=NOON + timedelta(minutes=n), text="t", reply_to=str((n + 1) % 3))
        for n in range(3)
    ])  # fmt: skip
    report = opened(browser, case, tmp_path)
    assert "answer each other" in report.text("#thread-head")
    assert "parent missing" not in report.text("#tree")
    for button in reversed(report.page.locator("#tree button.fold").all()):
        button.click()
    assert report.count("#tree li:visible") > 0


def test_what_has_no_time_has_no_origin_and_is_told(case, browser, tmp_path):
    case.ingest([Post("x", str(n), f"u{n % 3}", text="t", hashtags=("a",)) for n in range(6)])
    report = opened(browser, case, tmp_path)
    assert "6 posts have no time" in report.text("#gaps")
    assert "No link or hashtag" in report.text("#cascade")
    assert report.told == []


def test_every_group_is_told_with_its_members_though_its_pairs_are_cut(case, browser, tmp_path):
    posts = [Post("x", f"{g}-{n}", f"star{g}", created_at=NOON, text="t") for g in range(2) for n in range(6)]
    for g, n, u in product(range(2), range(6), range(9)):
        at = NOON + timedelta(hours=n, seconds=u)
        posts.append(Post("x", f"r{g}-{n}-{u}", f"g{g}u{u:02}", created_at=at, repost_of=f"{g}-{n}"))
    case.ingest(posts)
    report = opened(browser, case, tmp_path)
    assert report.count("#pairs tbody tr") == 50
    words = report.text("#groups")
    assert all(f"g{g}u{u:02}" in words for g in range(2) for u in range(9))


def test_a_report_that_could_not_be_written_is_in_no_register(lune, tmp_path, run):
    before = run("retention", "exports", "--json", case=lune).json()["exports"]
    (tmp_path / "folder.html").mkdir()
    for out in (tmp_path / "nowhere" / "o.html", tmp_path / "folder.html", tmp_path / ("y" * 250 + ".html")):
        ran = run("report", out, case=lune)
        assert (ran.code, ran.err.count("\n")) == (4, 1)
    assert run("retention", "exports", "--json", case=lune).json()["exports"] == before


@pytest.mark.long
def test_a_network_of_two_thousand_is_whole_small_and_quick(case, browser, tmp_path):
    linked(case, actors=2_000, links=10_000)
    report = opened(browser, case, tmp_path)
    assert report.drawn() == (2_000, 10_000)
    assert "All" in report.text("#network-told")
    assert (tmp_path / "report.html").stat().st_size < 5_000_000
    assert report.told == []


@pytest.mark.long
def test_what_is_beyond_is_left_out_and_said(case, browser, tmp_path):
    linked(case, actors=2_600, links=12_000)
    report = opened(browser, case, tmp_path)
    assert "of 2,600 accounts" in report.text("#network-told")
    nodes, links = report.drawn()
    assert nodes <= 2_000
    assert links <= 10_000
    assert report.told == []


def linked(case: sna.Case, actors: int, links: int) -> None:
    """Fill a case with so many accounts, each pair of which that interacts does so by one reply."""
    chance = random.Random(1)
    pairs = {(n, (n + 1) % actors) for n in range(actors)}
    while len(pairs) < links:
        one, other = chance.randrange(actors), chance.randrange(actors)
        if one != other:
            pairs.add((one, other))
    starts = [Post("x", str(n), f"actor{n}", created_at=NOON, text=f"start {n}") for n in range(actors)]
    replies = [
        Post(
            "x", f"{one}-{other}", f"actor{one}", created_at=NOON + timedelta(minutes=n), text="a", reply_to=str(other)
        )
        for n, (one, other) in enumerate(sorted(pairs))
    ]
    case.ingest([*starts, *replies])


def test_a_map_of_the_world_has_outlines_and_one_of_a_town_a_small_map_beside_it(case, browser, tmp_path):
    near = [Post("x", str(n), "a", created_at=NOON, latitude=48.0 + n / 1000, longitude=2.0) for n in range(3)]
    case.ingest(near)
    report = opened(browser, case, tmp_path)
    assert (report.count("#map > svg > .land"), report.count("#map .locator .land")) == (0, 1)
    case.ingest([Post("x", "far", "b", created_at=NOON, latitude=-33.0, longitude=151.0)])
    report = opened(browser, case, tmp_path)
    assert (report.count("#map > svg > .land"), report.count("#map .locator")) == (1, 0)
    assert report.count("#map circle") == 4
    assert report.told == []


def test_every_language_says_every_method(lune, tmp_path):
    lune.report(tmp_path / "en.html")
    shown = data_of(tmp_path / "en.html")["methods"]
    for lang in set(LANGUAGES) - {"en"}:
        for english, own in zip(shown, in_words_of(lang, shown), strict=True):
            for name in ("title", "definition", "formula", "limits"):
                assert english[name] in ("-", "PageRank") or own[name] != english[name]


def test_every_language_says_everything():
    english = catalogue("en")
    places = {key: set(re.findall(r"\{\w+\}", words)) for key, words in english.items()}
    for lang in LANGUAGES:
        assert set(catalogue(lang)) == set(english)
        assert {key: set(re.findall(r"\{\w+\}", words)) for key, words in catalogue(lang).items()} == places
        raw = tomllib.loads((files("sna.report") / "lang" / f"{lang}.toml").read_text("utf-8"))
        assert all(isinstance(group, dict) for group in raw.values())
