"""The store on disk: private, locked, resumable, and clear about what is wrong with it."""

import json
import os
import random
import signal
import stat
import subprocess
import sys
import time

import pytest
from conftest import reply, tweet

import sna
from sna.formats import units
from sna.store import Store


def run_process(*arguments: object, case: sna.Case, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "sna", *map(str, arguments)], env=os.environ | {"SNA_CASE": str(case.folder.path)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def test_a_case_is_private(case, write):
    case.import_files([write(tweet("1"))])
    assert stat.S_IMODE(case.folder.path.stat().st_mode) == 0o700
    for path in case.folder.path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert {path.name for path in case.folder.path.iterdir()} == {
        "case.toml",
        "store.duckdb",
        "audit.jsonl",
        "audit.lock",
        "exports",
    }


@pytest.mark.parametrize(("purpose", "basis", "days"), [("", "b", 1), ("p", "  ", 1), ("p", "b", 0), ("p", "b", -3)])
def test_35_a_case_needs_purpose_basis_and_retention(tmp_path, purpose, basis, days):
    with pytest.raises(sna.UsageError):
        sna.new_case(tmp_path / "c", purpose, basis, days)
    assert not (tmp_path / "c").exists()


def test_a_case_is_not_made_over_other_files(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(sna.CaseError, match="not an empty folder"):
        sna.new_case(tmp_path, "p", "b", 1)


@pytest.mark.parametrize(
    "toml",
    [
        "",
        "purpose = ",
        'purpose = ""\nlegal_basis = "b"\nkeep_days = 3',
        'purpose = "p"\nlegal_basis = "b"\nkeep_days = 0\ncreated_at = 2026-01-01T00:00:00Z',
    ],
)
def test_a_broken_policy_is_refused(case, toml):
    (case.folder.path / "case.toml").write_text(toml)
    with pytest.raises(sna.CaseError, match=r"case\.toml"):
        sna.open_case(case.folder.path)


def test_a_closed_case_takes_nothing_in(case):
    with (case.folder.path / "case.toml").open("a") as policy:
        policy.write("closed_at = 2026-01-01T00:00:00Z\n")
    with pytest.raises(sna.CaseError, match="closed"):
        sna.open_case(case.folder.path).ingest([sna.Post("x", "1")])


def test_every_row_says_when_it_expires_and_whence_it_came(case, write):
    case.import_files([write(tweet("1"), "broken")])
    with case._reader() as store:
        for table in ("post", "quarantine"):
            rows = store.rows(f"SELECT expires_at, batch FROM {table}")
            assert len(rows) == 1
            assert all(expires is not None and batch == 1 for expires, batch in rows)
        assert store.rows("SELECT name, length(sha256), finished FROM import_file")[0][1:] == (64, True)


def test_32_a_second_process_gets_one_line_and_exit_code_3(case):
    case.ingest([sna.Post("x", "1", "a")])
    with Store(case.folder.store, case.folder.spill):
        process = run_process("status", case=case)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert out == ""
    assert f"in use by process {os.getpid()}" in err
    assert err.count("\n") == 1


def test_34_a_store_of_a_newer_version_is_refused_untouched(case, run):
    case.ingest([sna.Post("x", "1", "a")])
    with Store(case.folder.store, case.folder.spill) as store:
        store.db.execute("UPDATE meta SET value = '99' WHERE name = 'schema_version'")
    before = case.folder.store.read_bytes()
    for call in (["status"], ["import", __file__]):
        ran = run(*call, case=case)
        assert ran.code == 3
        assert "schema version 99" in ran.err
    assert case.folder.store.read_bytes() == before


@pytest.mark.parametrize("flips", [6, pytest.param(40, marks=pytest.mark.long)])
def test_34_a_damaged_store_gives_a_clear_line(case, run, flips):
    case.ingest([sna.Post("x", str(n), "a", text="some text " * 20) for n in range(3000)])
    content = case.folder.store.read_bytes()
    case.folder.store.write_bytes(b"nonsense")
    assert run("status", case=case).code == 3
    luck = random.Random(5)
    for _ in range(flips):
        place = luck.randrange(len(content))
        case.folder.store.write_bytes(content[:place] + bytes([content[place] ^ 16]) + content[place + 1 :])
        ran = run("status", case=case)
        assert ran.code in (0, 3)
        assert "Traceback" not in ran.err
        assert ran.err.count("\n") == 1
        assert ran.err.startswith("audit " if ran.code == 0 else "sna: ")


def test_the_environment_bounds_the_threads_of_the_store(case, run, monkeypatch):
    monkeypatch.setenv("SNA_THREADS", "1")
    with Store(case.folder.store, case.folder.spill) as store:
        assert store.value("SELECT current_setting('threads')") == 1
    for wrong in ("0", "many", "-1"):
        monkeypatch.setenv("SNA_THREADS", wrong)
        ran = run("status", case=case)
        assert (ran.code, ran.err) == (2, "sna: SNA_THREADS must be a whole number above 0\n")


def test_33_a_store_that_was_never_finished_is_made_anew(case):
    import duckdb

    duckdb.connect(str(case.folder.store)).close()
    assert case.status().posts == 0
    case.folder.store.unlink()
    duckdb.connect(str(case.folder.store)).close()
    assert case.ingest([sna.Post("x", "1")]).stored == 1


def test_31_a_full_disk_is_told_and_nothing_is_lost_or_doubled(tmp_path, write, run):
    """Needs a file system of its own, and so the right to mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("this user may not mount a small disk; run the tests as root to fill one up")
    try:
        case = sna.new_case(disk / "case", "p", "b", 1)
        luck = random.Random(3)
        path = write(*(tweet(str(n), text=luck.randbytes(300).hex()) for n in range(20_000)))
        ran = run("import", path, case=case)
        assert ran.code == 3
        assert "full" in ran.err
        assert ran.err.count("\n") == 1
        subprocess.run(["mount", "-o", "remount,size=200m", disk], check=True)
        kept = case.status().posts
        tally = case.import_files([path])
        assert tally.stored + kept == 20_000
        assert case.status().posts == 20_000
    finally:
        subprocess.run(["umount", disk], check=True)


def test_sql_cannot_reach_beyond_the_case(case, tmp_path):
    import duckdb

    (tmp_path / "secret.csv").write_text("a\n1\n")
    with case._writer() as store:
        for statement in (
            f"SELECT * FROM '{tmp_path}/secret.csv'",
            f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
            "INSTALL httpfs",
            "SET enable_external_access = true",
            f"ATTACH '{tmp_path}/x.duckdb'",
        ):
            with pytest.raises(duckdb.Error):
                store.db.execute(statement)


def chunked(monkeypatch, size: int) -> None:
    read = units.read_chunks
    monkeypatch.setattr(
        "sna.formats.importer.read_chunks", lambda stream, skip_to: read(stream, skip_to=skip_to, size=size)
    )


def test_an_import_in_many_chunks_equals_one_in_a_single_chunk(case, write, monkeypatch, tmp_path):
    lines = [
        tweet("0"),
        *(reply(str(n), str(n // 3)) for n in range(1, 300)),
        "broken",
        *(reply(str(n), "7") for n in range(9)),
    ]
    path = write(*lines)
    whole = case.import_files([path])
    chunked(monkeypatch, 3000)
    other = sna.new_case(tmp_path / "other", "p", "b", 1)
    parts = other.import_files([path])
    assert (parts.stored, parts.duplicates, parts.quarantined) == (whole.stored, whole.duplicates, whole.quarantined)
    assert other.threads().equals(case.threads())
    assert [q[1:] for q in other.quarantine()] == [q[1:] for q in case.quarantine()]


def test_a_stopped_import_keeps_what_is_finished_and_goes_on_from_there(case, write, monkeypatch):
    path = write(*(reply(str(n), str(n - 1)) for n in range(1, 200)), tweet("0"))
    chunked(monkeypatch, 2000)
    taken = []

    def stop_after_three(count, size, tally):
        taken.append(tally.stored)
        if len(taken) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        case.import_files([path], progress=stop_after_three)
    kept = case.status()
    assert 0 < kept.posts < 200
    assert kept.threads == 1
    rest = case.import_files([path])
    assert rest.duplicates == 0
    assert rest.stored == 200 - kept.posts
    assert case.trace("199").depth == 199


def check_whole(case: sna.Case, count: int) -> None:
    status = case.status()
    assert status.posts == count
    assert case.trace(str(count - 1)).depth == count - 1
    assert {path.name for path in case.folder.path.iterdir()} <= {
        "case.toml",
        "store.duckdb",
        "audit.jsonl",
        "exports",
        "audit.lock",
        "spill",
    }


def kill_and_repeat(case: sna.Case, path, count: int, luck: random.Random, kills: int) -> None:
    for _ in range(kills):
        process = run_process("import", path, case=case, start_new_session=True)
        time.sleep(luck.uniform(0.3, 1.6))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if case.folder.store.exists():
            status = case.status()
            assert status.posts <= count
            assert status.replies == status.replies_with_parent + status.orphan_replies
    assert run_process("import", path, case=case).communicate(timeout=120)[1].count("Traceback") == 0
    check_whole(case, count)


def test_33_kills_during_an_import_lose_and_double_nothing(case, tmp_path):
    path = tmp_path / "many.jsonl"
    count = 20_000
    path.write_text(
        "".join(json.dumps(tweet("0") if n == 0 else reply(str(n), str(n - 1))) + "\n" for n in range(count))
    )
    kill_and_repeat(case, path, count, random.Random(1), kills=4)


@pytest.mark.long
def test_33_a_hundred_kills(tmp_path):
    path = tmp_path / "many.jsonl"
    count = 20_000
    path.write_text(
        "".join(json.dumps(tweet("0") if n == 0 else reply(str(n), str(n - 1))) + "\n" for n in range(count))
    )
    luck = random.Random(2)
    for round_number in range(10):
        case = sna.new_case(tmp_path / f"case{round_number}", "p", "b", 1)
        kill_and_repeat(case, path, count, luck, kills=10)


def test_ctrl_c_stops_an_import_with_one_line(case, tmp_path):
    path = tmp_path / "many.jsonl"
    path.write_text("".join(json.dumps(reply(str(n), str(n - 1))) + "\n" for n in range(1, 200_000)))
    process = run_process("import", path, case=case, start_new_session=True)
    while not case.folder.store.exists() and process.poll() is None:
        time.sleep(0.02)
    time.sleep(0.4)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode in (0, 130)
    assert "Traceback" not in err
    if process.returncode == 130:
        assert err == "sna: stopped; what was finished is kept, and the same command goes on from there\n"
    assert case.status().posts in (0, 199_999)


def test_31_a_case_that_may_not_be_written_is_told(case, run):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere; run the tests as another user to check read-only folders")
    case.ingest([sna.Post("x", "1")])
    case.folder.store.chmod(0o400)
    assert run("import", __file__, case=case).code == 3
