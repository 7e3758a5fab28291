"""Broken and hostile input: what is refused, quarantined, flagged or kept; numbers are those of the catalogue."""

import gzip
import json

import pytest
import zstandard
from conftest import reply, tweet

import sna
from sna.formats import stream, units
from sna.formats.units import read_chunks


def imported(case: sna.Case, *files, **plan):
    tally = case.import_files(files, sna.ImportPlan(**plan) if plan else None)
    assert tally.read == tally.stored + tally.duplicates + tally.dropped + tally.quarantined
    return tally


def quarantined(case: sna.Case, write, line, form: dict | None = None) -> dict[str, int]:
    """Import a good line, the given one and a good line; both good ones must get through."""
    tally = imported(case, write(tweet("1"), line, tweet("2")), **(form or {}))
    assert tally.stored == 2
    assert case.status().quarantined == tally.quarantined
    return tally.reasons


def test_1_a_cut_last_line_is_quarantined_and_a_later_whole_file_adds_it(case, write):
    whole = json.dumps(tweet("2"))
    cut = write(tweet("1"), whole[:-9], name="cut.jsonl", end=b"")
    assert imported(case, cut).reasons == {"incomplete": 1}
    tally = imported(case, write(tweet("1"), whole, name="whole.jsonl"))
    assert (tally.stored, tally.duplicates) == (1, 1)
    [(file, offset, reason, digest)] = case.quarantine()
    assert (file, offset, reason, len(digest)) == (str(cut), len(json.dumps(tweet("1"))) + 1, "incomplete", 64)


def test_2_invalid_utf_8_is_never_replaced(case, write):
    assert quarantined(case, write, json.dumps(tweet("3")).encode().replace(b"text 3", b"te\xfft")) == {
        "invalid UTF-8": 1
    }


def test_3_a_byte_order_mark_is_accepted(case, write):
    assert imported(case, write(b"\xef\xbb\xbf" + json.dumps(tweet("1")).encode(), tweet("2"))).stored == 2
    table = write(b"\xef\xbb\xbfid,text", "a,b", name="t.csv")
    assert imported(case, table, format="table", mapping={"id": "id"}).stored == 1


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ('{"id": 1}'.encode("utf-16"), "UTF-16"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\x00\x01\x02binary", "binary"),
        (b"PK\x03\x04zip", "ZIP"),
    ],
)
def test_4_what_is_no_text_is_refused_at_once(case, write, run, content, what):
    ran = run("import", write(content, name="odd"), case=case)
    assert ran.code == 4
    assert what in ran.err
    assert ran.err.count("\n") == 1
    assert case.status().posts == 0


def test_5_escaped_nul_is_removed_and_flagged(case, write):
    line = json.dumps(tweet("3", text="a\u0000b \\u0000"))
    assert imported(case, write(tweet("1"), line)).stored == 2
    assert case.thread("3").nodes[0].text == "ab \\u0000"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a\tb", "raw control byte"),
        ('\\ud800"', None),
        ("a\x00b", "raw control byte"),
    ],
)
def test_6_raw_control_bytes_and_lone_surrogates(case, write, text, reason):
    line = f'{{"id": "3", "author_id": "1", "created_at": "2026-03-01T12:00:00Z", "text": "{text}"}}'
    line = line.replace('""', '"')
    assert quarantined(case, write, line) == {reason or "lone surrogate": 1}


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_6_numbers_that_json_does_not_have(case, write, value):
    line = json.dumps(tweet("3"))[:-1] + f', "x": {value}}}'
    assert quarantined(case, write, line) == {f"{value} is no JSON number": 1}


def test_7_ids_stay_exact_and_rounded_ones_are_quarantined(case, write):
    big = "99999999999999999999"
    line = json.dumps(tweet("x")).replace('"x"', big)
    assert quarantined(case, write, json.dumps(tweet("x")).replace('"x"', "1e18")) == {"the id is a rounded number": 1}
    assert imported(case, write(line, reply("5", big), name="big.jsonl")).stored == 2
    assert case.trace("5").top == big


@pytest.mark.parametrize(
    "line",
    [
        '{"id": "3", "id": "4", "text": "a", "author_id": "1"}',
        '{"id": "3", "text": "a", "author_id": "1", "author": {"id": "1", "id": "2"}}',
    ],
)
def test_8_a_doubled_key_is_quarantined(case, write, line):
    assert quarantined(case, write, line) == {"the same key twice": 1}


def test_9_long_lines_and_deep_nesting_are_quarantined(case, write):
    deep = json.dumps(tweet("3"))[:-1] + ', "x": ' + "[" * 101 + "]" * 101 + "}"
    assert quarantined(case, write, deep) == {"nested deeper than 100": 1}
    long = json.dumps(tweet("4", text="x" * (units.MAX_UNIT + 1)))
    assert imported(case, write(tweet("5"), long, tweet("6"), name="long.jsonl")).reasons == {"longer than 4 MB": 1}
    assert case.status().posts == 4


def test_9_a_line_longer_than_a_chunk_is_skipped_whole(write):
    path = write("a" * 50, "b" * 500, "c", name="x")
    with stream.open_stream(path) as opened:
        chunks = [(c.text.to_pylist(), c.overlong) for c in read_chunks(opened, size=100, layout=units.Layout.LINES)]
    assert [line.strip() for lines, _ in chunks for line in lines] == [b"a" * 50, b"c"]
    assert [offset for _, offsets in chunks for offset in offsets] == [51]


@pytest.mark.parametrize("content", [b"", b"\n\n  \n\r\n", b"[]", b"{}"])
def test_10_empty_files_and_blank_lines_are_fine(case, write, content):
    assert imported(case, write(content, name="empty")).read == 0
    assert imported(case, write(gzip.compress(content), name="empty.gz", end=b"")).read == 0


def test_10_empty_tables_are_fine(case, write):
    for content in (b"", b"\n", b"id,text"):
        assert imported(case, write(content, name="t.csv"), format="table", mapping={"id": "id"}).read == 0


def test_a_table_without_its_format_is_told_at_once(case, write, run):
    ran = run("import", write("id,text", "1,a", name="t.csv"), case=case)
    assert (ran.code, ran.err.count("\n")) == (4, 1)
    assert "--format table" in ran.err


def test_10_crlf_line_ends_are_fine(case, tmp_path):
    path = tmp_path / "crlf"
    path.write_bytes(b"\r\n".join(json.dumps(tweet(str(n))).encode() for n in range(3)) + b"\r\n\r\n")
    tally = imported(case, path)
    assert (tally.stored, tally.quarantined) == (3, 0)


@pytest.mark.parametrize("indent", [None, 1])
def test_11_arrays_and_pages_over_several_lines_are_read_as_streams(case, write, indent):
    array = write(
        json.dumps([tweet("1", text='brackets ]}[{ and "quotes" \\'), tweet("2")], indent=indent), name="a.json"
    )
    page = write(
        json.dumps({"data": [tweet("3")], "includes": {}, "errors": [{"title": "Not Found Error"}]}, indent=indent),
        name="p.json",
    )
    assert imported(case, array, page).stored == 3


def test_11_a_stream_cut_anywhere_gives_the_same_units(write):
    text = json.dumps([{"a": '"]\\'}, {"b": [1, {"c": "\\\\"}]}, {"d": "é\\u00e9,"}])
    path = write(text, name="a.json")
    for size in range(1, 40):
        with stream.open_stream(path) as opened:
            found = [
                json.loads(t)
                for c in read_chunks(opened, size=size, layout=units.Layout.ARRAY)
                for t in c.text.to_pylist()
            ]
        assert found == json.loads(text), size


def test_11_an_array_that_is_cut_off_keeps_what_is_whole(case, write):
    tally = imported(case, write(json.dumps([tweet("1"), tweet("2")])[:-20], name="cut.json"))
    assert (tally.stored, tally.reasons) == (1, {"incomplete": 1})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("5", "not a JSON object"),
        ('"text"', "not a JSON object"),
        ("null", "not a JSON object"),
        (tweet("3", text={"a": 1}), "the text is no text"),
        ({"__proto__": 1, "constructor": 2}, "no known kind of post"),
        (tweet("", text="x"), "no id"),
        (tweet("3") | {"id": None}, "no id"),
        (tweet("3") | {"id": {"a": 1}}, "the id is no text"),
    ],
)
def test_12_scalars_wrong_types_and_unknown_objects(case, write, line, reason):
    assert quarantined(case, write, line) == {reason: 1}


def test_12_unknown_keys_are_ignored(case, write):
    assert imported(case, write(tweet("1", **{"__proto__": {"x": 1}, "'; DROP TABLE post; --": 2}))).stored == 1


@pytest.mark.parametrize("pack", [lambda b: gzip.compress(b, 9), lambda b: zstandard.ZstdCompressor(19).compress(b)])
def test_13_bombs_are_refused(case, tmp_path, monkeypatch, run, pack):
    monkeypatch.setattr(stream, "RATIO_AFTER", 1 << 20)
    (tmp_path / "bomb").write_bytes(pack(b" " * (64 << 20)))
    ran = run("import", tmp_path / "bomb", case=case)
    assert ran.code == 4
    assert "200 times" in ran.err


def test_13_a_broken_archive_is_told(case, tmp_path, run):
    (tmp_path / "cut.gz").write_bytes(gzip.compress(json.dumps(tweet("1")).encode() * 99)[:-20])
    ran = run("import", tmp_path / "cut.gz", case=case)
    assert ran.code == 4
    assert "broken archive" in ran.err


def metrics(likes: int):
    return {"like_count": likes, "retweet_count": 0, "reply_count": 0, "quote_count": 0}


def test_14_newer_metrics_win_whatever_the_order_of_imports(case, write):
    def page(day: int, likes: int):
        return {
            "data": [tweet("1", public_metrics=metrics(likes))],
            "__twarc": {"retrieved_at": f"2026-03-0{day}T00:00:00Z"},
        }

    for day, likes, expected in ((2, 5, 5), (4, 9, 9), (3, 7, 9)):
        imported(case, write(page(day, likes), name=f"{day}.jsonl"))
        with case._reader() as store:
            assert store.value("SELECT likes FROM post") == expected


def test_14_edits_update_the_text_and_contradictions_are_logged(case, write):
    first = {
        "id": "1",
        "created_at": "2026-03-01T12:00:00Z",
        "content": "old",
        "account": {"id": "1", "acct": "a"},
        "edited_at": None,
        "tags": [{"name": "one"}],
    }
    edited = first | {"content": "new", "edited_at": "2026-03-01T13:00:00Z", "tags": [{"name": "two"}]}
    other = edited | {"account": {"id": "2", "acct": "b"}}
    tally = imported(case, write(first, edited, edited, other))
    assert (tally.stored, tally.duplicates, tally.conflicts) == (1, 3, 1)
    [node] = case.thread("1").nodes
    assert (node.text, node.actor) == ("new", "1")
    assert case.network("hashtags").nodes["label"].to_list() == ["a", "two"]


def test_14_importing_the_same_file_twice_changes_nothing(case, write):
    path = write(tweet("1"), reply("2", "1"), reply("3", "9"), "broken")
    imported(case, path)
    before, threads = case.status(), case.threads().rows()
    tally = imported(case, path)
    assert (tally.stored, tally.duplicates, tally.updated, tally.quarantined) == (0, 3, 0, 1)
    after = case.status()
    assert (after.posts, after.threads, after.missing_parents) == (before.posts, before.threads, before.missing_parents)
    assert case.threads().rows() == threads


def test_14_a_referenced_post_becomes_collected_and_gains_its_parent(case, write):
    stub = {k: v for k, v in tweet("2").items() if k != "created_at"}
    imported(case, write({"data": [reply("3", "2")], "includes": {"tweets": [stub]}}, name="a.jsonl"))
    assert case.trace("3").top == "2"
    imported(case, write(reply("2", "1"), name="b.jsonl"))
    assert case.trace("3").root_status == "missing"
    assert case.status().referenced == 0
    imported(case, write(tweet("1"), name="c.jsonl"))
    assert case.trace("3").path == ("3", "2", "1")


def test_14_a_later_copy_brings_the_mentions_that_a_first_one_lacked(case, write):
    full = tweet("1", entities={"mentions": [{"username": "bob", "id": "2"}], "hashtags": [{"tag": "a"}]})
    imported(case, write(tweet("1"), name="a.jsonl"))
    for _ in range(2):
        imported(case, write(full, name="b.jsonl"))
        assert case.interactions().edges["mention"].to_list() == [1]


def test_20_times_that_cannot_be_are_flagged_and_never_an_origin(case, write):
    lines = [
        tweet("1", created_at="2999-01-01T00:00:00Z"),
        tweet("2", created_at="1900-01-01T00:00:00Z"),
        tweet("3", created_at="0000-01-01T00:00:00Z"),
        tweet("4", created_at="99999-01-01T00:00:00Z"),
        tweet("5"),
        tweet("6", created_at="2026-13-45T00:00:00Z"),
        tweet("7", created_at="yesterday"),
    ]
    tally = imported(case, write(*lines))
    assert (tally.stored, tally.reasons) == (5, {"impossible time": 2})
    status = case.status()
    assert status.time_suspect == 4
    assert status.window["first"] == status.window["last"]
    assert {case.thread(str(n)).nodes[0].id for n in range(1, 6)} == {"1", "2", "3", "4", "5"}


@pytest.mark.parametrize(
    ("raw", "utc"),
    [
        ("1772366400", "2026-03-01T12:00:00"),
        ("1772366400000", "2026-03-01T12:00:00"),
        ("1772366400000000", "2026-03-01T12:00:00"),
        ("1772366400.5", "2026-03-01T12:00:00.500000"),
        ("2026-03-01T14:00:00+02:00", "2026-03-01T12:00:00"),
        ("2026-03-01 12:00:00 UTC", "2026-03-01T12:00:00"),
        ("2026-03-01T12:00Z", "2026-03-01T12:00:00"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59"),
        ("2026-03-01", "2026-03-01T00:00:00"),
        ("Sun Mar 01 14:00:00 +0200 2026", "2026-03-01T12:00:00"),
        ("2026-03-01T12:00:00.123456789Z", "2026-03-01T12:00:00.123456"),
    ],
)
def test_21_times_in_every_writing(case, write, raw, utc):
    path = write(json.dumps({"id": "1", "t": raw}))
    assert imported(case, path, format="table", mapping={"id": "id", "created_at": "t"}).reasons == {}
    assert case.thread("1").nodes[0].created_at.isoformat() == utc


def test_21_a_time_without_a_zone_needs_one(case, write):
    path = write("id,t", "1,2026-07-01 12:00:00", name="t.csv")
    mapping = {"id": "id", "created_at": "t"}
    assert imported(case, path, format="table", mapping=mapping).reasons == {"time without a zone (give --timezone)": 1}
    imported(case, path, format="table", mapping=mapping, timezone="Europe/Paris")
    assert case.thread("1").nodes[0].created_at.isoformat() == "2026-07-01T10:00:00"
    with pytest.raises(sna.UsageError, match="time zone"):
        imported(case, path, format="table", mapping=mapping, timezone="Mars/Olympus")


def test_24_an_actor_is_the_native_id_and_its_latest_handle_is_shown(case, write):
    def page(day: int, user: str, handle: str):
        return {
            "data": [tweet(f"{day}{user}", user)],
            "includes": {"users": [{"id": user, "username": handle, "name": "N"}]},
            "__twarc": {"retrieved_at": f"2026-03-0{day}T00:00:00Z"},
        }

    imported(case, write(page(2, "7", "new_name"), page(1, "7", "old_name"), page(3, "8", "old_name")))
    assert case.status().actors == 2
    assert dict(case.actors().select("id", "handle").rows()) == {"7": "new_name", "8": "old_name"}


def test_27_sql_and_paths_are_values_like_any_other(case, write):
    evil = "x'); DROP TABLE post; --"
    imported(case, write(tweet("../../x", entities={"hashtags": [{"tag": evil}]}), reply("2", "../../x")))
    assert case.trace("2").top == "../../x"
    assert case.status().posts == 2
    assert evil.lower() in case.network("hashtags").nodes["label"]


def test_28_a_pattern_in_the_text_filter_is_plain_text(case, write):
    imported(case, write(tweet("1", text="aaaaaaaaaaaaaaaaaaaaaaaa!"), reply("2", "1")))
    assert case.threads(sna.ThreadFilter(text="(a+)+$")).height == 0


def test_36_protected_posts_are_dropped_and_counted(case, write):
    line = tweet("3") | {"author": {"id": "1", "username": "a", "protected": True}}
    tally = imported(case, write(tweet("1"), line))
    assert (tally.stored, tally.dropped) == (1, 1)


def test_csv_rows_with_too_many_columns_are_quarantined(case, write):
    path = write("id,text", "1,a", "2,b,c", "3,d", b"4,\xff", "5", name="t.csv", end=b"")
    tally = imported(case, path, format="table", mapping={"id": "id", "text": "text"})
    assert tally.stored == 2
    assert tally.reasons == {"3 columns instead of 2": 1, "invalid UTF-8": 1, "incomplete": 1}
    assert {offset for _, offset, _, _ in case.quarantine()} == {12, 22, 26}


def test_quarantine_keeps_no_text(case, write):
    imported(case, write(tweet("1"), '{"id": "3", "text": "a secret thing"'))
    with case._reader() as store:
        assert "secret" not in str(store.rows("SELECT * FROM quarantine"))


def test_records_are_checked_as_lines_are(case):
    from datetime import datetime, timedelta, timezone

    zone = timezone(timedelta(hours=2))
    posts = [
        sna.Post("x", "1", "a", text="a\0b", created_at=datetime(2026, 3, 1, 14, tzinfo=zone)),
        sna.Post("x", "2", "a", text="\ud800"),
        sna.Post("x", "3", "a", hashtags=("\udfff",)),
        sna.Post("x", "", "a"),
        sna.Post("x", "4", "a", created_at=datetime(2999, 1, 1)),
        sna.Post("x", "5", "a", protected=True),
    ]
    tally = case.ingest(posts)
    assert (tally.stored, tally.dropped, tally.reasons) == (2, 1, {"lone surrogate": 2, "no id": 1})
    node = case.thread("1").nodes[0]
    assert (node.text, node.created_at) == ("ab", datetime(2026, 3, 1, 12))
    assert case.status().time_suspect == 1
