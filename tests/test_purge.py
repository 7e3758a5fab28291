"""The purge: what had to go is in no byte of the case; it is whole or not at all, whatever ends it."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
from conftest import expire, reply, tweet

import sna
from benchmarks.purging import after_delete_alone, expire_half, fill_case, lay_uncompressed, recoverable
from sna.privacy import purge as purging
from sna.privacy.audit import verify_chain
from sna.store import ingest

NOON = datetime(2026, 3, 1, 12)


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def rows_of(case: sna.Case) -> dict[str, list]:
    """Return every row of every table that holds posts or people."""
    with duckdb.connect(str(case.folder.store), read_only=True) as db:
        return {
            table: sorted(map(str, db.execute(f"FROM {table}").fetchall()))
            for table in ("post", "post_key", "actor", "actor_handle", "mention", "thread_post", "span")
        }


def leftovers(case: sna.Case) -> set[str]:
    usual = {"case.toml", "store.duckdb", "audit.jsonl", "audit.lock", "purge.lock", "exports", "receipts"}
    return {path.name for path in case.folder.path.iterdir()} - usual


def purge_and_look(tmp_path: Path, posts: int, length: int, patch: pytest.MonkeyPatch, *, compressed: bool) -> None:
    case = fill_case(tmp_path / f"c{length}{compressed}", posts, length)
    if not compressed:
        lay_uncompressed(case)
    marks = expire_half(case)
    assert len(marks) == posts // 2
    assert after_delete_alone(case.folder.store, marks)[1] == posts // 2, "the search itself finds nothing"
    case.retention()
    spill = case.folder.spill
    spill.mkdir()
    (spill / "left.tmp").write_text(marks[0])
    log = case.folder.path / "store.duckdb.wal"
    patch.setattr(purging, "step", lambda name: log.write_text(marks[1]) if name == "verified" else None)
    with duckdb.connect(str(case.folder.path / "kept.duckdb")) as db:
        db.execute(f"ATTACH '{case.folder.store}' AS s (READ_ONLY)")
        kept = db.execute("SELECT count(*), bit_xor(hash(p)) FROM s.post p").fetchall()
    (case.folder.path / "kept.duckdb").unlink()
    receipt = case.purge()
    assert (receipt["posts"], receipt["by_reason"]) == (posts // 2, {"expired": posts // 2})
    assert recoverable(case.folder.path, marks) == (0, 0)
    with duckdb.connect(str(case.folder.store), read_only=True) as db:
        assert db.execute("SELECT count(*), bit_xor(hash(p)) FROM post p").fetchall() == kept
    assert leftovers(case) == set()
    shutil.rmtree(case.folder.path)


@pytest.mark.parametrize("compressed", [True, False])
def test_nothing_of_purged_posts_can_be_recovered(tmp_path, monkeypatch, compressed):
    purge_and_look(tmp_path, 6_000, 240, monkeypatch, compressed=compressed)


@pytest.mark.long
@pytest.mark.parametrize("length", [20, 240, 2_000])
@pytest.mark.parametrize("compressed", [True, False])
def test_nothing_of_a_hundred_thousand_purged_posts_can_be_recovered(tmp_path, monkeypatch, length, compressed):
    purge_and_look(tmp_path, 200_000, length, monkeypatch, compressed=compressed)


def test_two_cases_that_differ_in_purged_posts_alone_are_equal_afterwards(tmp_path, write, monkeypatch):
    monkeypatch.setattr("sna.case.token_hex", lambda size: "same")
    monkeypatch.setattr("secrets.token_bytes", lambda size: bytes(size))
    # The time of a run is no trace of a post.
    for module in [module for name, module in sys.modules.items() if name.startswith("sna.")]:
        if getattr(module, "now", None) is ingest.now and module is not ingest:
            monkeypatch.setattr(module, "now", lambda: datetime(2026, 6, 1))
    monkeypatch.setattr(ingest, "now", lambda: datetime(2026, 6, 1))

    def purged(name: str, secret: str) -> bytes:
        kept = [tweet(str(n), text=f"kept {n}") for n in range(0, 100, 2)]
        doomed = [tweet(str(n), str(10 + n % 3), text=f"{secret} {n}") for n in range(1, 100, 2)]
        posts = [line for pair in zip(kept, doomed, strict=True) for line in pair]
        case = sna.new_case(tmp_path / name, "p", "b", 30)
        path = write(*posts)
        os.utime(path, (1_780_000_000, 1_780_000_000))
        case.import_files([path])
        expire(case, "text NOT LIKE 'kept%'")
        case.purge()
        return case.folder.store.read_bytes()

    same = [purged(f"same{n}", "first") for n in range(3)]
    other = purged("other", "another secret")
    assert {len(content) for content in (*same, other)} == {len(other)}

    def differing(one: bytes, two: bytes) -> set[int]:
        return {n for n in range(len(one)) if one[n] != two[n]}

    noise = differing(same[0], same[1]) | differing(same[0], same[2]) | differing(same[1], same[2])
    assert len(noise) < 1_000
    # A block's checksum follows its padding, whose bytes nobody sets: eight bytes, and never more in a row.
    beyond = differing(same[0], other) - noise
    assert len(beyond) < 200
    assert not any(set(range(n, n + 9)) <= beyond for n in beyond)
    assert b"another secret" not in other


class StoppedError(BaseException):
    """Stands for the end of the process."""


STEPS = (
    "journal written",
    "new file begun",
    "survivors copied",
    "new file synced",
    "verified",
    "old file filled with zeros",
    "renamed",
    "spill emptied",
    "receipt written",
    "told",
)


@pytest.mark.parametrize("where", STEPS)
def test_a_purge_that_ends_between_two_steps_is_finished_by_the_next_command(town, monkeypatch, where):
    with duckdb.connect(str(town.folder.store), read_only=True) as db:
        doomed = [row[0] for row in db.execute("SELECT text[:13] FROM post WHERE post % 2 = 0").fetchall()]
    town.retention()
    kept = rows_of(town)
    reached = []

    def stop(name: str) -> None:
        reached.append(name)
        if name == where:
            raise StoppedError

    # A killed process tidies nothing up.
    monkeypatch.setattr(purging, "_forget", lambda *_: None)
    monkeypatch.setattr(purging, "step", stop)
    with pytest.raises(StoppedError):
        town.purge()
    assert reached[-1] == where
    monkeypatch.undo()
    again = sna.open_case(town.folder.path)
    assert len(list((town.folder.path / "receipts").iterdir())) == 1
    assert leftovers(again) == set()
    after = rows_of(again)
    assert after["post"] == kept["post"]
    assert recoverable(again.folder.path, doomed) == (0, 0)
    assert again.retention().due_now == {}


def test_every_step_is_failed_by_the_test_above(town, monkeypatch):
    reached = []
    monkeypatch.setattr(purging, "step", reached.append)
    town.purge()
    assert tuple(reached) == STEPS


def test_ctrl_c_in_the_copy_leaves_the_store_as_it_was(town, monkeypatch):
    town.retention()
    kept = rows_of(town)

    def stop(name: str) -> None:
        if name == "survivors copied":
            raise KeyboardInterrupt

    monkeypatch.setattr(purging, "step", stop)
    with pytest.raises(KeyboardInterrupt):
        town.purge()
    monkeypatch.undo()
    assert rows_of(town) == kept
    assert not (town.folder.path / "receipts").exists()
    assert leftovers(town) == set()


def kill_purges(folder: Path, posts: int, kills: int, seed: int) -> None:
    """Kill purges at random moments, each of a fresh copy, and let the next command finish them."""
    case = fill_case(folder / "source", posts, 240)
    marks = expire_half(case)
    case.retention()
    luck = random.Random(seed)
    started = 0
    for n in range(kills):
        copy = folder / f"copy{n}"
        shutil.copytree(case.folder.path, copy)
        command = [sys.executable, "-m", "sna", "retention", "purge", "--case", str(copy)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        deadline = time.monotonic() + 60
        # The moments that matter are those after the journal is there; a few kills come before.
        while n % 10 and process.poll() is None and not (copy / "purge.json").exists():
            assert time.monotonic() < deadline
            time.sleep(0.005)
        time.sleep(luck.uniform(0, 0.5 if n % 10 else 1.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        started += (copy / "purge.json").exists()
        again = sna.open_case(copy)
        if not (copy / "receipts").exists():
            again.purge()
        receipts = list((copy / "receipts").iterdir())
        assert len(receipts) == 1
        assert json.loads(receipts[0].read_text())["posts"] == posts // 2
        assert leftovers(again) == set()
        assert again.status().posts == posts // 2
        assert recoverable(copy, marks)[0] == 0
        assert verify_chain(copy).is_sound
        shutil.rmtree(copy)
    assert started or kills < 20


@pytest.mark.skipif(os.name != "posix", reason="kills by signal")
def test_killed_purges_are_finished(tmp_path):
    kill_purges(tmp_path, 4_000, 2, 1)


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="kills by signal")
def test_a_hundred_killed_purges_are_finished(tmp_path):
    kill_purges(tmp_path, 15_000, 100, 2)


def test_a_purge_refuses_before_it_touches_anything_when_the_disk_is_short(town, run, monkeypatch):
    town.retention()
    before = rows_of(town)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(1, 1, 1_000_000))
    ran = run("retention", "purge", case=town)
    assert ran.code == 4, ran.err
    assert "MB free" in ran.err
    assert ran.err.count("\n") == 1
    assert rows_of(town) == before
    assert leftovers(town) == set()
    assert town.retention().due_now == {"x": 30}


def test_a_second_process_gets_one_line_while_a_purge_runs(town, run, monkeypatch):
    def look(name: str) -> None:
        if name == "survivors copied":
            command = [sys.executable, "-m", "sna", "status", "--case", str(town.folder.path)]
            ran.append(subprocess.run(command, capture_output=True, text=True, check=False))

    ran: list = []
    monkeypatch.setattr(purging, "step", look)
    town.purge()
    assert ran[0].returncode == 3
    assert ran[0].stderr.count("\n") == 1


def test_threads_show_a_purged_parent_as_missing(case, write):
    case.import_files([write(tweet("1", text="the uppermost"), reply("2", "1"), reply("3", "2"))])
    assert case.status().missing_parents == 0
    expire(case, "text = 'the uppermost'")
    assert case.status().missing_parents == 1
    case.purge()
    thread = case.thread("3")
    assert case.status().missing_parents == 1
    assert (thread.root_status, thread.missing_parent) == ("missing", "1")
    assert b"uppermost" not in case.folder.store.read_bytes()


def test_what_expired_and_was_purged_does_not_come_back_with_its_file(town, write):
    town.purge()
    lines = [tweet("0", text="mark000000000 first")]
    lines += [reply(str(n), str(n // 2), str(n % 7), text=f"mark{n:09} text") for n in range(1, 60)]
    before = town.status().posts
    tally = town.import_files([write(*lines, name="again.jsonl")])
    assert (tally.read, tally.stored, tally.dropped) == (60, 0, 30)
    assert town.status().posts == before


def test_the_receipt_names_the_exports_that_still_hold_purged_posts(town, tmp_path, run):
    with duckdb.connect(str(town.folder.store)) as db:
        db.execute("UPDATE post SET expires_at = TIMESTAMP '2099-01-01'")
    out = tmp_path / "town.gexf"
    assert run("graph", "export", out, "--to", "the press", case=town).code == 0
    expire(town, "post % 2 = 0")
    receipt = town.purge()
    (held,) = receipt["exports_that_still_hold_them"]
    assert (held["file"], held["recipient"], held["posts"], held["still_there"]) == (str(out), "the press", 30, True)
    assert len(held["sha256"]) == 64
    out.unlink()
    expire(town, "post % 3 = 0")
    assert town.purge()["exports_that_still_hold_them"][0]["still_there"] is False


def test_raw_pages_go_with_any_of_their_posts(tmp_path):
    from tests.worlds import mastodon_world

    world = mastodon_world()
    case = sna.new_case(tmp_path / "c", "p", "b", 30, duties=sna.Duties(keep_raw=True))
    case.collect(world.source, [world.ask()], world.settings)
    with duckdb.connect(str(case.folder.store)) as db:
        pages = db.execute("SELECT count(*), sum(octet_length(body)) FROM raw_page").fetchall()[0]
        text = db.execute("SELECT text FROM post WHERE length(text) > 5 ORDER BY post LIMIT 1").fetchall()[0][0]
    assert pages[0] > 1
    expire(case, "post = 1")
    case.purge()
    with duckdb.connect(str(case.folder.store), read_only=True) as db:
        left = db.execute("SELECT count(*) FROM raw_page").fetchall()[0][0]
        orphans = db.execute("SELECT count(*) FROM raw_post WHERE post NOT IN (SELECT post FROM post)").fetchall()
    assert orphans == [(0,)]
    assert 0 < left < pages[0]
    assert text
    world.server.close()
