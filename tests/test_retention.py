"""Retention: what is due is hidden at once and told; checks at the sources; cases that are closed or past their end."""

import time
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
from conftest import expire, tweet

import sna
from sna.collectors.pace import Pace
from sna.privacy.register import Handover
from tests.worlds import mastodon_world


def test_34_a_damaged_log_beside_the_store_is_refused(case, run):
    case.ingest([sna.Post("x", "1", "a")])
    (case.folder.path / "store.duckdb.wal").write_bytes(b"no log")
    ran = run("status", case=case)
    assert (ran.code, ran.err.count("\n")) == (3, 1)
    assert "is damaged" in ran.err


def test_37_a_clock_that_was_set_back_keeps_no_post_alive(case, write, run, monkeypatch):
    case.import_files([write(tweet("1"))])
    expire(case, "true")
    with duckdb.connect(str(case.folder.store)) as db:
        db.execute("UPDATE post SET expires_at = now()::TIMESTAMP + INTERVAL 1 HOUR")
        db.execute("INSERT INTO meta VALUES ('latest_time', (now()::TIMESTAMP + INTERVAL 2 HOUR)::VARCHAR)")
    ran = run("status", "--json", case=case)
    assert ran.json()["posts"] == 0
    assert "clock" in run("status", case=case).err


def test_retention_is_by_source_and_kind_the_shorter_wins(tmp_path):
    duties = sna.Duties(days_by_source={"x": 10}, days_by_kind={"reply": 3, "original": 20})
    case = sna.new_case(tmp_path / "c", "p", "b", 30, duties=duties)
    case.ingest([
        sna.Post("x", "1", "a", text="t"),
        sna.Post("x", "2", "a", text="t", reply_to="1"),
        sna.Post("mastodon", "1", "a", text="t"),
        sna.Post("mastodon", "2", "a", text="t", repost_of="1"),
    ])  # fmt: skip
    with duckdb.connect(str(case.folder.store), read_only=True) as db:
        rows = db.execute(
            "SELECT round(date_diff('hour', seen_at, expires_at) / 24) FROM post JOIN post_key k USING (post)"
            " ORDER BY k.source, k.native_id"
        )
        assert [int(row[0]) for row in rows.fetchall()] == [20, 30, 10, 3]


def test_an_expired_post_is_in_no_query_from_that_second_on(case, run, tmp_path):
    case.ingest([sna.Post("x", "1", "a", text="gone #soon"), sna.Post("x", "2", "b", text="stays", reply_to="1")])
    with duckdb.connect(str(case.folder.store)) as db:
        db.execute("UPDATE post SET expires_at = now()::TIMESTAMP + INTERVAL 1 SECOND WHERE text LIKE 'gone%'")
    time.sleep(1.1)
    for command in (["status"], ["actors"], ["threads", "show", "2"], ["threads", "list"], ["timeline"]):
        assert "gone" not in run(*command, "--json", case=case).out
    assert case.export(tmp_path / "o.json")[0].nodes.height <= 2
    ran = run("retention", "check", case=case)
    assert ran.code == 1
    assert "expired" in ran.out
    assert run("retention", "purge", "--dry-run", "--json", case=case).json()["posts"] == 1
    assert run("retention", "purge", case=case).code == 0
    assert run("retention", "check", case=case).code == 0
    status = run("retention", "status", "--json", case=case).json()
    assert (status["due_now"], status["due_in_30_days"]) == ({}, {"x": 1})


def test_a_closed_case_takes_nothing_in_and_its_key_is_gone(town, run, tmp_path, write):
    town.export(tmp_path / "o.csv", handover=Handover(pseudonymised=True))
    key = Path(town.policy.duties.key_file)
    assert key.exists()
    assert run("case", "close", case=town).code == 0
    assert not key.exists()
    closed = sna.open_case(town.folder.path)
    assert closed.status().posts == 0
    assert b"mark0000" not in closed.folder.store.read_bytes()
    ran = run("import", write(tweet("1"), name="b.jsonl"), case=closed)
    assert (ran.code, ran.err.count("\n")) == (3, 1)
    assert "closed" in ran.err


def test_a_sealed_case_can_be_read_and_takes_nothing_in(town, run, write):
    assert run("case", "close", "--seal", case=town).code == 0
    sealed = sna.open_case(town.folder.path)
    assert sealed.status().posts == 30
    assert run("import", write(tweet("1"), name="b.jsonl"), case=sealed).code == 3
    assert run("case", "show", "--json", case=sealed).json()["sealed"] is True


def test_a_case_past_its_end_takes_nothing_in_and_gives_nothing_out(tmp_path, run, write):
    case = sna.new_case(tmp_path / "c", "p", "b", 30, sna.Bounds(end=datetime(2026, 1, 1)))
    case.import_files([write(tweet("1"))])
    toml = (case.folder.path / "case.toml").read_text()
    year = str(datetime.now().year)
    (case.folder.path / "case.toml").write_text(toml.replace(f"created_at = {year}", "created_at = 2020"))
    expired = sna.open_case(tmp_path / "c")
    assert run("import", write(tweet("2"), name="b.jsonl"), case=expired).code == 3
    assert run("graph", "export", tmp_path / "o.gexf", case=expired).code == 3
    assert not (tmp_path / "o.gexf").exists()


def test_posts_that_await_a_check_block_exports(tmp_path, run):
    world = mastodon_world()
    case = sna.new_case(tmp_path / "c", "p", "b", 30)
    case.collect(world.source, [world.ask()], world.settings)
    old = timedelta(hours=30)
    with duckdb.connect(str(case.folder.store)) as db:
        db.execute("UPDATE post SET seen_at = seen_at - ?", [old])
    ran = run("graph", "export", tmp_path / "o.gexf", case=case)
    assert ran.code == 3
    assert "retention sync" in ran.err
    assert run("retention", "check", case=case).code == 1
    posts = case.status().posts
    world.server.close()
    down = case.recheck(pace=Pace(tries=1, first_wait=0.01))
    assert list(down.unknown) == ["mastodon"]
    assert case.status().posts == posts


def test_a_check_hides_what_is_gone_at_the_source(tmp_path, run):
    world = mastodon_world()
    case = sna.new_case(tmp_path / "c", "p", "b", 30)
    case.collect(world.source, [world.ask()], world.settings)
    posts = case.status().posts
    gone = sorted(world.server.statuses)[5]
    del world.server.statuses[gone]
    ran = run("retention", "sync", "--within", "24", "--json", case=case).json()
    assert (ran["unknown"], ran["deleted"]) == ({}, 1)
    assert case.status().posts == posts - 1
    assert case.retention().by_reason == {"not found": 1}
    assert run("retention", "sync", case=case).out.startswith("0 posts checked")
    case.purge()
    assert case.status().posts == posts - 1
    world.server.close()
