"""What every collector holds: nothing lost, nothing doubled, any page may be the last, every fault is survived."""

import hashlib
import logging
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

import sna
from sna.collectors.base import ServiceError
from sna.collectors.pace import Pace
from tests.servers.x import SPECIFICATION
from tests.worlds import WORLDS, World


@pytest.fixture(params=list(WORLDS))
def world(request, monkeypatch) -> Iterator[World]:
    if request.param == "x" and not SPECIFICATION.exists():
        pytest.skip("X's official OpenAPI file is not here; it belongs into ../shared/data/api-specs")
    make, posts = WORLDS[request.param]
    made = make()
    made.posts = posts
    for name, value in made.secrets.items():
        monkeypatch.setenv(name, value)
    yield made
    made.server.close()
    assert not getattr(made.server, "complaints", [])


def collect(case: sna.Case, world: World, **options):
    pace = Pace(first_wait=0.01, tries=options.pop("tries", 4))
    return case.collect(world.source, [world.ask(**options.pop("ask", {}))], world.settings, pace, **options)


def content(case: sna.Case) -> tuple:
    """All that a store says about posts, whenever and in whatever order it came in."""
    with case._reader() as store:
        posts = store.rows(
            """SELECT k.native_id, p.* EXCLUDE (post, actor, parent, parent_actor, quote_of, quote_actor, repost_of,
                      repost_actor, conversation, seen_at, batch, expires_at),
                      a.native_id, q.native_id, c.native_id, t.depth, t.root_status, h.native_id
               FROM post p JOIN post_key k USING (post) LEFT JOIN actor a ON a.actor = p.actor
               LEFT JOIN post_key q ON q.post = p.parent LEFT JOIN post_key c ON c.post = p.conversation
               LEFT JOIN thread_post t ON t.post = p.post LEFT JOIN post_key h ON h.post = t.top ORDER BY 1"""
        )
        return posts, store.rows("SELECT DISTINCT handle, name FROM actor_label ORDER BY ALL")


def test_all_of_it_is_gathered_and_accounted_for(world, case):
    gathered = collect(case, world)
    tally = gathered.tally
    assert case.status().posts == world.posts
    assert tally.stored == world.posts
    assert tally.read == tally.stored + tally.duplicates + tally.dropped + tally.quarantined
    assert tally.quarantined == 0
    assert gathered.is_complete
    assert gathered.pages > 1
    with case._reader() as store:
        pages = store.rows("SELECT request, bytes, sha256, stored, duplicates FROM page")
        assert len(pages) == gathered.pages
        assert sum(int(row[3]) for row in pages) == world.posts
        assert all(len(str(row[2])) == 64 and row[0] for row in pages)
        assert store.value("SELECT count(*) FROM collection WHERE finished_at IS NOT NULL") == 1


def test_each_page_is_kept_with_the_hash_of_its_very_bytes(world, case):
    sent = set()
    answer = world.server.answer

    def noted(request):
        given = answer(request)
        sent.add(hashlib.sha256(given.bytes()).hexdigest())
        return given

    world.server.answer = noted
    collect(case, world)
    with case._reader() as store:
        assert {str(row[0]) for row in store.rows("SELECT sha256 FROM page WHERE bytes > 0")} <= sent


def test_a_second_run_doubles_nothing(world, case):
    collect(case, world)
    first = content(case)
    again = collect(case, world)
    assert again.tally.stored == 0
    assert again.tally.read == again.tally.duplicates
    assert not again.resumed
    assert content(case) == first


@pytest.mark.long
def test_any_page_may_be_the_last_before_a_pause(world, tmp_path):
    whole = sna.new_case(tmp_path / "whole", "p", "b", 9)
    pages = collect(whole, world).pages
    for stop_after in range(1, pages):
        case = sna.new_case(tmp_path / f"case{stop_after}", "p", "b", 9)

        def stop(gathered, stop_after=stop_after):
            if gathered.pages == stop_after:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            collect(case, world, progress=stop)
        rest = collect(case, world)
        assert rest.resumed
        assert rest.pages <= pages - stop_after
        assert content(case) == content(whole)


@pytest.mark.parametrize(
    "faults",
    [
        ["503", "429"],
        ["cut"],
        *(pytest.param([fault], marks=pytest.mark.long) for fault in ("slow", "garbage")),
    ],
    ids="+".join,
)
def test_a_fault_of_the_service_is_survived(world, case, faults, monkeypatch):
    monkeypatch.setattr("sna.collectors.pace.TIMEOUT", 0.5)
    monkeypatch.setattr("sna.collectors.bluesky_client.TIMEOUT", 0.5)
    seen = 0

    def at_second(request):
        nonlocal seen
        seen += 1
        if seen == 2:
            world.server.faults.extend(faults)

    world.server.before = at_second
    gathered = collect(case, world)
    assert gathered.is_complete
    assert case.status().posts == world.posts
    assert gathered.tally.quarantined == 0
    assert not world.server.faults


def test_a_service_that_stays_away_is_told_and_nothing_is_lost(world, case):
    def after_first(request):
        if len(world.server.requests) == (3 if world.source == "reddit" else 2):
            world.server.faults.extend(["503"] * 40)

    world.server.before = after_first
    with pytest.raises(ServiceError, match="503"):
        collect(case, world, tries=2)
    world.server.before = lambda request: None
    world.server.faults.clear()
    collect(case, world)
    assert case.status().posts == world.posts


@pytest.mark.long
@pytest.mark.parametrize("fatal", [2, 3, 4])
def test_a_kill_while_a_page_is_asked_for_is_no_loss(world, case, tmp_path, fatal):
    whole = sna.new_case(tmp_path / "whole", "p", "b", 9)
    collect(whole, world)
    command = [sys.executable, "-m", "sna", "collect", world.source, *([world.query] if world.query else [])]
    command += ["--what", world.what.value]
    for name, value in world.settings.items():
        command += [f"--{name}", value]
    process = subprocess.Popen(
        command, env={**os.environ, "SNA_CASE": str(case.folder.path)}, stderr=subprocess.DEVNULL
    )
    first = len(world.server.requests)

    def kill(request):
        if len(world.server.requests) - first == fatal:
            process.kill()

    world.server.before = kill
    process.wait(timeout=60)
    world.server.before = lambda request: None
    collect(case, world)
    assert content(case) == content(whole)


def test_a_pause_after_the_first_page_is_no_loss(world, case):
    def stop(gathered):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collect(case, world, progress=stop)
    assert collect(case, world).resumed
    assert case.status().posts == world.posts


def test_a_limit_is_held_and_the_next_run_goes_on(world, case):
    from sna.collectors.base import Budget

    limited = collect(case, world, ask={"budget": Budget(posts=world.posts // 4)})
    assert 0 < limited.tally.stored < world.posts
    assert not limited.is_complete
    collect(case, world)
    assert case.status().posts == world.posts


def test_no_secret_is_written_anywhere(world, case, caplog, capfd):
    with caplog.at_level(logging.DEBUG):
        collect(case, world)
    secrets = [s for s in (*world.secrets.values(), "reddit-access-token") if s != "an-application"]
    files = b"".join(path.read_bytes() for path in case.folder.path.rglob("*") if path.is_file())
    told = caplog.text + "".join(capfd.readouterr())
    for secret in secrets:
        assert secret not in told
        assert secret.encode() not in files


def test_the_tool_says_its_name(world, case):
    collect(case, world)
    assert all(request.headers["user-agent"].startswith("sna/") for request in world.server.requests)
