"""Origins: the earliest collected carrier, ties, spread, and what may precede it."""

import pytest

import sna
from sna.graphs.origins import OriginFilter
from sna.graphs.urls import canonical_url
from tests.conftest import reply, tweet


def linked(post: str, author: str, second: int, url: str, **fields):
    at = f"2026-03-01T12:{second // 60:02}:{second % 60:02}Z"
    return (
        tweet(post, author, created_at=at, entities={"urls": [{"url": "https://t.co/x", "expanded_url": url}]}) | fields
    )


def repost(post: str, of: str, author: str, second: int):
    return tweet(
        post, author, created_at=f"2026-03-01T12:00:{second:02}Z", referenced_tweets=[{"type": "retweeted", "id": of}]
    )


@pytest.fixture
def spread(case, write):
    """Three spellings of one address in five posts, one of them a repost."""
    case.import_files(
        [
            write(
                tweet("1", "90", created_at="2026-03-01T11:00:00Z"),
                linked("2", "10", 0, "http://www.port-lune.example/avis/?utm_source=mail"),
                linked("3", "11", 30, "https://port-lune.example/avis"),
                linked("4", "12", 40, "https://Port-Lune.example/avis#top"),
                repost("5", "2", "13", 50),
                linked("6", "14", 59, "https://port-lune.example/AVIS"),
            )
        ]
    )
    return case


def test_the_origin_of_a_url_is_its_earliest_collected_post_in_any_spelling(spread):
    row = spread.origins("url").row(0, named=True)
    assert (row["item"], row["post"], row["actor"]) == ("https://port-lune.example/avis", "2", "10")
    assert (row["carriers"], row["reposts"], row["actors"], row["ties"]) == (4, 1, 4, 0)
    assert (row["seconds_to_second"], row["seconds_to_half"], row["seconds_to_tenth"]) == (30, 30, None)


def test_without_its_first_carrier_the_answer_is_the_earliest_collected_one(case, write):
    lines = [linked(str(n), str(n), n, "https://port-lune.example/a") for n in range(1, 6)]
    case.import_files([write(*lines[1:])])
    origin = case.origin("url", "https://port-lune.example/a")
    assert origin.claim == "earliest collected"
    assert (origin.figures["post"], origin.figures["carriers"]) == ("2", 4)
    assert any("not collected" in note for note in origin.before)


def test_a_known_older_post_that_is_missing_is_told(case, write):
    case.import_files(
        [write(linked("9", "1", 0, "https://a.example/x", referenced_tweets=[{"type": "quoted", "id": "1"}]))]
    )
    assert "it is older" in case.origin("url", "https://a.example/x").before[0]


def test_equal_times_are_a_tie_ordered_by_id(case, write):
    case.import_files([write(*(linked(n, n, 5, "https://a.example") for n in ("30", "20", "10")))])
    origin = case.origin("url", "https://a.example")
    assert (origin.figures["post"], origin.figures["ties"], origin.ties) == ("10", 2, ("20", "30"))


def test_a_post_with_a_suspect_time_is_never_an_origin(case, write):
    future = linked("1", "1", 0, "https://a.example") | {"created_at": "2093-01-01T00:00:00Z"}
    case.import_files([write(future, linked("2", "2", 9, "https://a.example"))])
    origin = case.origin("url", "https://a.example")
    assert (origin.figures["post"], origin.figures["undated"]) == ("2", 1)
    assert any("no usable time" in note for note in origin.before)


def test_hashtags_are_one_in_any_case(case, write):
    tags = [{"entities": {"hashtags": [{"tag": tag}]}} for tag in ("TramPortLune", "tramportlune")]
    case.import_files([write(tweet("1", "1") | tags[0], tweet("2", "2") | tags[1])])
    assert case.origin("hashtag", "#TRAMportlune").figures["carriers"] == 2


def test_near_duplicates_are_grouped_with_their_similarity(case, write):
    first = "the last tram of the evening leaves the harbour at ten from monday on says the notice"
    second = first.replace("evening", "night")
    words, changed = set(first.split()), set(second.split())
    other = "a quite different text about bread and butter and the price of flour in town"
    times = {"created_at": "2026-03-01T12:00:00Z"}, {"created_at": "2026-03-01T12:01:00Z"}
    case.import_files(
        [
            write(
                tweet("1", "1", text=first) | times[0],
                tweet("2", "2", text=f"@anna {second} https://t.co/x") | times[1],
                tweet("3", "3", text=other),
            )
        ]
    )
    origin = case.origin("text", "2")
    assert [carrier.post for carrier in origin.carriers] == ["1", "2"]
    assert origin.carriers[1].similarity == pytest.approx(len(words & changed) / len(words | changed), abs=1e-3)
    assert case.origins("text", OriginFilter(min_actors=1), threshold=1).height == 3


def test_a_chain_of_reposts_shows_its_path(spread):
    path = {
        carrier.post: (carrier.how, carrier.of)
        for carrier in spread.origin("url", "https://port-lune.example/avis").carriers
    }
    assert path["5"] == ("repost", "2")
    assert path["3"] == ("own", None)


@pytest.mark.parametrize("hostile", ["'; DROP TABLE post; --", "../../x", "[/foo]", "\x1b[31m", "\u202eevil"])
def test_hostile_values_are_values(case, write, run, hostile):
    case.import_files([write(tweet("1", "1") | {"entities": {"hashtags": [{"tag": hostile}]}}, reply("2", "1"))])
    assert run("origins", "hashtag", hostile, "--json", case=case).json()["figures"]["post"] == "1"
    shown = run("origins", "hashtag", hostile, case=case).out
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_an_unknown_kind_item_or_threshold_is_refused(case, run):
    for arguments in (
        ("moods",),
        ("url", "https://nowhere.example"),
        ("text", "no such words"),
        ("url", "--sort", "x"),
    ):
        assert run("origins", *arguments, case=case).code == 2
    with pytest.raises(sna.UsageError, match="threshold"):
        case.origins("text", threshold=0.1)


@pytest.mark.parametrize(
    ("raw", "form"),
    [
        ("HTTP://WWW.Example.com:80/a/?b=2&a=1&utm_medium=x#f", "https://example.com/a?a=1&b=2"),
        ("https://example.com", "https://example.com"),
        ("https://example.com/Path?Q=Z", "https://example.com/Path?Q=Z"),
        ("http://[::1", "http://[::1"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("not a url", "not a url"),
    ],
)
def test_urls_have_one_form(raw, form):
    assert canonical_url(raw) == form
    assert canonical_url(form) == form
