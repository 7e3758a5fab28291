"""The rights of a person: everything is found, what is erased stays away, pseudonyms lead nobody back."""

import hmac
import json
import re
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from conftest import reply, tweet
from hypothesis import given, settings
from hypothesis import strategies as st

import sna
from sna.privacy.keys import case_key
from sna.privacy.pseudonyms import pseudonyms_of
from sna.privacy.register import Handover
from sna.privacy.subject import Subject
from sna.store.erasure import keyed_hash, remember_erased
from sna.store.opening import Store
from sna.store.terms import Terms

HANDLE, ID = "anna_planted7", "424242424242"
ANNA = Subject("x", HANDLE)


def by_anna(post: str, **fields: object) -> dict[str, object]:
    return tweet(post, **fields) | {"author_id": ID, "author": {"id": ID, "username": HANDLE, "name": "Anna P."}}


def posts() -> list[dict[str, object]]:
    mention = {"mentions": [{"id": ID, "username": HANDLE}]}
    return [
        by_anna("1", text="alpha words of hers"),
        reply("2", "1", text=f"@{HANDLE} an answer", entities=mention, in_reply_to_user_id=ID),
        tweet("3", "5", text=f"see https://x.com/{HANDLE}/status/1 and ask {HANDLE}.", entities=mention),
        tweet("4", "6", text="again", referenced_tweets=[{"type": "retweeted", "id": "1", "author_id": ID}]),
        tweet("5", "6", text="look", referenced_tweets=[{"type": "quoted", "id": "1", "author_id": ID}]),
        by_anna("6", text="beta words of hers", referenced_tweets=[{"type": "replied_to", "id": "3"}]),
        tweet("7", "5", text="nothing of this is about anybody"),
        reply("8", "2", "9", text="deeper"),
    ]


@pytest.fixture
def town(case, write) -> sna.Case:
    case.import_files([write(*posts())])
    return case


def test_access_finds_everything_that_was_planted_in_every_table_and_export(town, tmp_path):
    town.export(tmp_path / "named.gexf")
    (town.folder.exports / "notes.txt").write_text(f"about {HANDLE}")
    (town.folder.exports / "others.txt").write_text(f"about {HANDLE}x")
    with duckdb.connect(str(town.folder.store)) as db:
        tables = db.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        planted = {}
        for (table,) in tables:
            if table in ("meta", "erased", "request"):
                continue
            columns = db.execute(
                """SELECT column_name, data_type FROM duckdb_columns()
                   WHERE table_name = ? AND data_type LIKE 'VARCHAR%'""",
                [table],
            ).fetchall()
            for column, kind in columns:
                if column == "source":
                    continue
                others = db.execute(
                    """SELECT column_name, data_type FROM duckdb_columns()
                       WHERE table_name = ? AND NOT is_nullable AND column_name <> ?""",
                    [table, column],
                ).fetchall()
                filler = {
                    "VARCHAR": "'f'",
                    "TIMESTAMP": "TIMESTAMP '2026-01-01'",
                    "BLOB": "''::BLOB",
                    "BOOLEAN": "false",
                }
                values = [f"{filler.get(k, '99999')} AS {c}" for c, k in others if c != "expires_at"]
                values += ["TIMESTAMP '2099-01-01' AS expires_at" for c, _ in others if c == "expires_at"]
                value = f"'see {HANDLE}, she'" if kind == "VARCHAR" else f"['{HANDLE}']"
                db.execute(f"INSERT INTO {table} BY NAME SELECT {', '.join([*values, f'{value} AS {column}'])}")
                planted[table] = planted.get(table, 0) + 1
        db.execute("INSERT INTO raw_page VALUES (99999, 1, 'f', ?)", [f'{{"by": "{HANDLE}"}}'.encode()])
        planted["raw_page"] = planted.get("raw_page", 0) + 1
    held = town.held_about(ANNA)
    assert ID in held.accounts
    for table, count in planted.items():
        assert held.tables[table].height >= count, table
    ids = set(held.tables["post"]["post_id"].drop_nulls())
    assert {"1", "2", "3", "4", "5", "6"} <= ids
    assert "7" not in ids
    assert {Path(str(row["file"])).name for row in held.exports} == {"named.gexf", "notes.txt"}


def test_access_gives_computed_figures_a_page_and_json(town, run, tmp_path):
    page, document = tmp_path / "a.html", tmp_path / "a.json"
    for out in (page, document):
        assert run("subject", "access", "--source", "x", "--handle", f"@{HANDLE}", "--out", out, case=town).code == 0
    told = json.loads(document.read_text())
    assert told["computed"]["measures"][0]["posts"] == 2
    assert {row["from"] for row in told["computed"]["interactions"]} >= {"x:2", "x:5"}
    assert told["processing"]["legal_basis"] == town.policy.legal_basis
    html = page.read_text()
    assert "alpha words of hers" in html
    assert "Content-Security-Policy" in html
    assert not re.search(r"(?:src|href)\s*=", html)
    assert page.stat().st_mode & 0o077 == 0
    assert run("subject", "access", "--source", "x", "--id", ID, "--json", case=town).json()["accounts"] == [ID]


def test_hostile_texts_are_inert_in_the_page(case, run, tmp_path):
    case.ingest([sna.Post("x", "1", "9", "anna", "<script>alert(1)</script>", text='<img src=x onerror="x">\u202e')])
    out = tmp_path / "a.html"
    run("subject", "access", "--source", "x", "--handle", "anna", "--out", out, case=case)
    assert "<script" not in out.read_text()
    assert "<img" not in out.read_text()
    assert "\u202e" not in out.read_text()


def test_erase_leaves_no_byte_and_no_later_import_or_stream_brings_anything_back(town, run, write):
    ran = run("subject", "erase", "--source", "x", "--handle", HANDLE, "--json", case=town).json()
    assert (ran["posts"], ran["accounts"]) == (3, 1)
    content = town.folder.store.read_bytes()
    for trace in (HANDLE, ID, "alpha words", "beta words", "Anna P."):
        assert trace.encode() not in content, trace
    assert town.held_about(ANNA).rows == 0
    left = {row["id"]: row for row in json.loads(run("threads", "show", "2", "--json", case=town).out)["posts"]}
    assert "█████" in left["2"]["text"]
    before = town.status().posts
    tally = town.import_files([write(*posts(), name="again.jsonl")])
    assert (tally.stored, tally.dropped) == (0, 3)
    streamed = [
        by_anna("90", text="new words of hers"),
        tweet("91", "6", text="x", referenced_tweets=[{"type": "retweeted", "id": "90", "author_id": ID}]),
        tweet("92", "6", text=f"hello @{HANDLE}, {HANDLE}!", entities={"mentions": [{"id": ID, "username": HANDLE}]}),
    ]
    tally = town.import_files([write(*streamed, name="stream.jsonl")])
    assert (tally.stored, tally.dropped) == (1, 2)
    assert town.status().posts == before + 1
    assert town.held_about(ANNA).rows == 0
    assert HANDLE.encode() not in town.folder.store.read_bytes()


def test_the_thread_of_an_erased_post_shows_it_as_missing(town):
    town.erase(ANNA)
    thread = town.thread("8")
    assert thread.root_status == "missing"
    assert str(thread.missing_parent).startswith("erased:")


def test_an_account_that_never_came_is_kept_out_when_it_comes(case, write):
    assert case.erase(ANNA)["posts"] == 0
    assert case.import_files([write(*posts())]).dropped == 3
    assert case.held_about(ANNA).rows == 0


def test_one_who_was_only_mentioned_is_kept_out_when_they_come(case, write):
    mention = sna.Mention(handle=HANDLE)
    case.ingest([sna.Post("x", "50", "5", text=f"ask @{HANDLE}", mentions=(mention,))])
    assert case.erase(ANNA)["mentions"] == 1
    assert case.import_files([write(*posts())]).dropped == 3
    assert case.held_about(ANNA).rows == 0


def test_an_answer_to_a_post_of_one_who_objected_leads_to_the_same_missing_parent(town, write):
    town.stop_processing(ANNA)
    town.import_files([write(reply("80", "1"), name="later.jsonl")])
    assert town.thread("80").missing_parent == town.thread("2").missing_parent
    town.purge()
    assert ID.encode() not in town.folder.store.read_bytes()


def test_objection_hides_at_once_and_the_next_purge_takes_the_bytes(town, run):
    assert run("subject", "object", "--source", "x", "--id", ID, case=town).code == 0
    assert town.held_about(Subject("x", id=ID)).tables.keys() <= {"due", "export_range"}
    assert town.status().posts == 5
    assert run("retention", "check", case=town).code == 1
    town.purge()
    assert b"alpha words" not in town.folder.store.read_bytes()


def test_rectify_replaces_what_was_wrong_in_the_bytes_too(town, run):
    ran = run("subject", "rectify", "--source", "x", "--id", ID, "--name", "Anna Right", case=town)
    assert ran.code == 0
    assert "Anna Right" in town.held_about(ANNA).tables["actor_handle"]["name"].to_list()
    assert b"Anna P." not in town.folder.store.read_bytes()
    assert run("subject", "rectify", "--source", "x", "--id", "1", case=town).code == 2


def test_a_handle_that_is_a_word_stays_a_word(case, write):
    case.ingest([
        sna.Post("x", "1", "9", "police", text="ours"),
        sna.Post("x", "2", "8", "b", text="the police said, @police: see x.com/police/status/1"),
    ])  # fmt: skip
    done = case.erase(Subject("x", "police"))
    text = case.thread("2").nodes[0].text
    assert text == "the police said, @█████: see x.com/█████/status/1"
    assert done["bare_words_left"] == 1


def test_a_handle_of_several_accounts_needs_an_id(case, run):
    case.ingest([sna.Post("x", "1", "9", "same"), sna.Post("x", "2", "8", "same")])
    ran = run("subject", "erase", "--source", "x", "--handle", "same", case=case)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert run("subject", "erase", "--source", "x", "--id", "9", case=case).code == 0
    assert case.status().posts == 1
    assert run("subject", "erase", "--source", "x", case=case).code == 2
    assert run("subject", "erase", "--source", "x", "--id", "9", "--handle", "h", case=case).code == 2


def test_the_register_has_due_dates_of_one_month(town, run):
    subject = ("--source", "x", "--handle", HANDLE)
    assert run("subject", "note", "erase", *subject, "--received", "2026-01-31", case=town).code == 0
    listed = run("subject", "list", "--json", case=town)
    assert listed.code == 1
    (row,) = json.loads(listed.out)["requests"]
    assert (row["due_at"][:10], row["overdue"]) == ("2026-02-28", True)
    run("subject", "erase", *subject, case=town)
    row = run("subject", "list", "--json", case=town).json()["requests"][0]
    assert (row["outcome"], row["overdue"]) == ("3 posts", False)
    assert HANDLE not in row["subject"]
    assert run("subject", "note", "forget", *subject, case=town).code == 2
    assert run("subject", "note", "erase", *subject, "--received", "2126-01-31", case=town).code == 2


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8), st.binary(min_size=32, max_size=100))
def test_the_hashes_of_columns_are_those_of_rfc_2104(tmp_path_factory, names, key):
    folder = tmp_path_factory.mktemp("hashes")
    with Store(folder / "s.duckdb", folder / "spill", terms=Terms(key=lambda: key)) as store:
        remember_erased(store, "post", names, "erased", datetime(2026, 1, 1))
        found = {bytes(row[0]) for row in store.rows("SELECT hash FROM erased")}
    assert found == {keyed_hash(key, "post", *name) for name in names}
    source, name = names[0]
    assert hmac.new(key, f"post\x1f{source}\x1f{name}".encode(), "sha256").digest() in found


FORMS = ("gexf", "graphml", "json", "csv", "parquet")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("network", ["interactions", "posts", "hashtags"])
def test_pseudonyms_hide_every_name_in_every_export(town, tmp_path, form, network):
    out = tmp_path / "out"
    out.mkdir()
    town.export(out / f"n.{form}", network, handover=Handover(pseudonymised=True))
    content = b"".join(path.read_bytes() for path in out.iterdir())
    assert content
    for name in (HANDLE, ID, "Anna P."):
        assert name.encode() not in content


def test_pseudonyms_are_the_same_in_a_case_and_others_elsewhere(town, tmp_path, write):
    other = sna.new_case(tmp_path / "other", "p", "b", 9)
    other.import_files([write(*posts(), name="o.jsonl")])
    names = []
    for case in (town, town, other):
        with case._reader() as store:
            names.append(pseudonyms_of(store, case_key(case.folder)))
    first, second, elsewhere = (p.of("x", ID) for p in names)
    assert first == second != elsewhere
    told = str(names[0].in_text(f"@{HANDLE} and @Somebody_Else met {HANDLE} at https://x.com/{HANDLE}"))
    assert HANDLE not in told
    assert "Somebody_Else" not in told
    assert told.count(first) == 2
    assert "x.com" not in told


@pytest.mark.parametrize(
    ("handle", "text"),
    [
        ("zzsky.example.social", "zzsky.example.social: see https://bsky.app/profile/zzsky.example.social/post/1."),
        ("zz-red-dash", "u/zz-red-dash said (zz-red-dash) at https://news.example/by/zz-red-dash"),
        ("zzélodie", "@zzélodie et zzélodie, l'amie de Zzélodie"),
        ("zzmast@zzhost.example", "zzmast@zzhost.example and @zzmast@zzhost.example, https://zzhost.example/@zzmast"),
        ("plain", "https://x.com/zzunknown/status/777 https://t.me/zzunknown/5 at://did:plc:zz/x"),
        ("zzplain", ".".join(["word"] * 40) + ".zzplain." + "." * 200_000),
        ("plain", "https://zzunknown.tumblr.com/ https://nitter.net/zzunknown/status/4 @zzunknown did:plc:zzother"),
    ],
)
def test_no_kind_of_handle_is_left_in_a_text_or_a_link(case, handle, text):
    case.ingest([sna.Post("x", "1", "id-of-zz", handle, text=text)])
    with case._reader() as store:
        names = pseudonyms_of(store, case_key(case.folder))
    for told in (names.in_text(text), names.in_link(f"https://news.example/{handle}?by={handle}")):
        assert "zz" not in told.lower()
    quiet = "a quiet day, see https://news.example/tram-2.html and https://t.co/a1 (10:30)"
    assert names.in_text(quiet) == quiet


def test_the_policy_makes_pseudonyms_the_default(tmp_path, run, write):
    made = run(
        "case", "new", tmp_path / "c", "--purpose", "p", "--legal-basis", "b", "--keep-days", "9", "--pseudonymise",
        "--controller", "City of Lune", "--contact", "dpo@lune.example", "--keep", "x=5", "--keep", "reply=2",
    )  # fmt: skip
    assert made.code == 0
    case = sna.open_case(tmp_path / "c")
    case.import_files([write(*posts())])
    run("graph", "export", tmp_path / "a.gexf", case=case)
    assert HANDLE not in (tmp_path / "a.gexf").read_text()
    run("graph", "export", tmp_path / "b.gexf", "--names", "--to", "the court", case=case)
    assert HANDLE in (tmp_path / "b.gexf").read_text()
    record = run("case", "show", "--json", case=case).json()
    assert (record["controller"], record["recipients"]) == ("City of Lune", ["the court"])
    assert (record["keep_days_by_source"], record["keep_days_by_kind"]) == ({"x": 5}, {"reply": 2})
    markdown = run("case", "show", "--markdown", case=case).out
    assert "## Time limits (f)" in markdown
    assert "dpo@lune.example" in markdown
    key = Path(sna.open_case(tmp_path / "c").policy.duties.key_file)
    assert key.stat().st_mode & 0o077 == 0
    assert not key.is_relative_to(tmp_path / "c")


def test_a_lost_or_open_key_is_told_and_never_replaced(town, run, tmp_path):
    town.erase(ANNA)
    key = Path(sna.open_case(town.folder.path).policy.duties.key_file)
    kept = key.read_bytes()
    key.chmod(0o644)
    assert "0600" in run("subject", "access", "--source", "x", "--handle", "b", case=town).err
    key.unlink()
    ran = run("import", tmp_path / "x.jsonl", case=town)
    assert ran.code != 0
    assert "key" in run("subject", "erase", "--source", "x", "--handle", "b", case=town).err
    assert not key.exists()
    key.write_bytes(kept)
    key.chmod(0o600)
    assert run("subject", "erase", "--source", "x", "--handle", "b", case=town).code == 0


def test_x_batch_compliance_files_are_imported(town, write):
    lines = [
        {"id": "7", "action": "delete", "created_at": "2026-03-02T00:00:00.000Z", "reason": "deleted"},
        {"id": ID, "action": "delete", "created_at": "2026-03-02T00:00:00.000Z", "reason": "suspended"},
    ]
    town.import_files([write(*lines, name="compliance.jsonl")])
    assert town.status().posts == 5
    assert town.purge()["by_reason"] == {"account suspended": 2, "deleted": 1}
    assert town.import_files([write(*posts(), name="again.jsonl")]).stored == 0


def test_every_file_that_leaves_the_case_is_registered(town, run, tmp_path):
    posts = [sna.Post("x", f"r{n}{a}", str(600 + a), text="same", repost_of="7") for n in range(3) for a in range(4)]
    town.ingest(posts)
    run("graph", "export", tmp_path / "n.csv", "--to", "a reader", case=town)
    run("coordination", "--by", "repost", "--out", tmp_path / "c.gexf", "--pseudonymise", case=town)
    run("subject", "access", "--source", "x", "--id", ID, "--out", tmp_path / "a.html", case=town)
    rows = run("retention", "exports", "--json", case=town).json()["exports"]
    told = {Path(row["file"]).name: (row["command"], row["recipient"], row["pseudonymised"]) for row in rows}
    assert told == {
        "n.nodes.csv": ("graph export", "a reader", False),
        "n.edges.csv": ("graph export", "a reader", False),
        "c.gexf": ("coordination export", None, True),
        "a.html": ("subject access", "the person it is about", False),
    }
    assert all(row["sha256"] and row["posts"] for row in rows)
    assert HANDLE not in (tmp_path / "c.gexf").read_text()
    assert all(len(line) <= 80 for line in run("retention", "exports", case=town).out.splitlines())
