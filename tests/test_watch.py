"""Watches, gaps of several sources, secrets, the policy's bounds, and collectors of other packages."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import keyring
import keyring.backend
import pytest

import sna
from sna.case import Bounds
from sna.collectors import registry
from sna.collectors.base import Ask, What
from tests.servers import mastodon
from tests.servers.jetstream import Jetstream, post_event


@pytest.fixture
def server():
    made = mastodon.MastodonServer(
        [mastodon.status(1000 + n, 1 + n % 4, 1000 + n - 1 if n else None) for n in range(60)]
    )
    yield made
    made.close()


def plan(write, jetstream: Jetstream, server: mastodon.MastodonServer):
    return write(
        f'''commit_seconds = 0.3
[[stream]]
source = "bluesky"
settings = {{ stream = "{jetstream.address}" }}
[[search]]
source = "mastodon"
what = "hashtag"
query = "flood"
every = "1s"
settings = {{ instance = "{server.address}" }}
''',
        name="watch.toml",
        end=b"",
    )


def test_a_watch_stops_cleanly_on_a_signal_and_others_read_meanwhile(case, write, server, run):
    jetstream = Jetstream([post_event(n, "did:plc:a", f"post {n}") for n in range(30)])
    command = [sys.executable, "-m", "sna", "watch", str(plan(write, jetstream, server)), "--json"]
    env = {**os.environ, "SNA_CASE": str(case.folder.path)}
    watching = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 30
        while case.status().posts < 90:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        second = run("collect", "mastodon", "flood", "--instance", server.address, case=case)
        assert (second.code, second.err.count("\n")) == (3, 1)
        assert "another process is collecting" in second.err
    finally:
        watching.send_signal(signal.SIGTERM)
        out, err = watching.communicate(timeout=20)
    jetstream.close()
    told = json.loads(out)
    assert (watching.returncode, told["failures"]) == (0, [])
    assert err.startswith("audit ")
    assert err.count("\n") == 1
    assert told["read"] == told["stored"] + told["duplicates"] + told["dropped"] + told["quarantined"]
    assert case.status().posts == 90
    assert run("status", "--json", case=case).json()["missing_parents"] == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no [[stream]]"),
        ("[[stream]]\nsource = 'x'\nquerry = 'a'", "querry"),
        ("[[search]]\nsource = 'x'\nquery = 'a'\nevery = 'often'", "every"),
        ("[[search]]\nsource = 'x'\nwhat = 'everything'\nevery = '1h'", "what is one of"),
        ("[stream]\nsource = 'x'", "two brackets"),
        ("commit_seconds = 0\n[[stream]]\nsource = 'x'", "commit_seconds"),
        ("[[stream", "cannot be read"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_with_the_place(case, run, write, text, told):
    failed = run("watch", write(text, name="watch.toml", end=b""), case=case)
    assert (failed.code, failed.err.count("\n")) == (2, 1)
    assert told in failed.err


def test_the_policy_bounds_what_is_collected(tmp_path, server, run):
    bounds = Bounds(("mastodon",), ("flood", "#storm*"))
    case = sna.new_case(tmp_path / "bounded", "p", "b", 9, bounds)
    asked = ("collect", "mastodon", "--instance", server.address)
    assert run(*asked, "FLOOD", case=case).code == 0
    assert run(*asked, "#storm2026", case=case).code == 0
    refused = run(*asked, "election", case=case)
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "none of the criteria" in refused.err
    assert run("collect", "bluesky", "flood", case=case).code == 2
    # What the case knows already may be followed.
    assert run("collect", "mastodon", "1001", "--what", "thread", "--instance", server.address, case=case).code == 0
    shown = run("case", "show", "--json", case=case).json()
    assert (shown["sources"], shown["criteria"]) == (["mastodon"], ["flood", "#storm*"])


def test_a_window_outside_the_policy_is_refused(tmp_path, run):
    case = run(
        "case", "new", tmp_path / "c", "--purpose", "p", "--legal-basis", "b", "--keep-days", 9,
        "--start", "2026-03-01", "--end", "2026-04-01",
    )  # fmt: skip
    assert case.code == 0
    opened = sna.open_case(tmp_path / "c")
    asked = ("collect", "mastodon", "flood", "--instance", "m.test", "--since", "2026-05-01")
    assert run(*asked, case=opened).code == 2


class Ring(keyring.backend.KeyringBackend):
    """A keyring in memory: no machine's own is touched."""

    priority = 1  # type: ignore[assignment]

    def __init__(self):
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service, username):
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self.kept[service, username] = password

    def delete_password(self, service, username):
        if (service, username) not in self.kept:
            raise keyring.errors.PasswordDeleteError
        del self.kept[service, username]


def test_secrets_are_kept_in_the_keyring_and_never_shown(run, monkeypatch, case):
    import io

    before, ring = keyring.get_keyring(), Ring()
    keyring.set_keyring(ring)
    monkeypatch.delenv("SNA_X_BEARER_TOKEN", raising=False)
    try:
        needs = run("collect", "x", "flood", case=case)
        assert (needs.code, needs.err.count("\n")) == (2, 1)
        assert "sna secrets set x" in needs.err
        monkeypatch.setattr("sys.stdin", io.StringIO("a-very-secret-token\n"))
        kept = run("secrets", "set", "x")
        assert kept.code == 0
        listed = run("secrets", "list", "--json")
        place = next(row for row in listed.json()["secrets"] if row["source"] == "x")
        assert place["from"] == "keyring"
        assert "a-very-secret-token" not in kept.out + kept.err + listed.out
        assert ring.kept == {("sna", "x.bearer-token"): "a-very-secret-token"}
        assert "1 taken out" in run("secrets", "forget", "x").out
        assert not ring.kept
    finally:
        keyring.set_keyring(before)


def test_a_second_secret_or_an_unknown_source_is_told(run):
    assert run("secrets", "set", "nowhere").code == 2


def test_every_collector_is_listed_with_what_it_can_do_and_needs(run):
    listed = {row["source"]: row for row in run("collect", "--list", "--json").json()["collectors"]}
    assert set(listed) >= {"x", "bluesky", "mastodon", "reddit", "open311"}
    assert "SNA_X_BEARER_TOKEN" in listed["x"]["secrets"]
    for name, row in listed.items():
        shown = run("collect", name, "--help").out
        assert max(map(len, shown.splitlines())) <= 80, name
        assert all(what in shown for what in row["can"])
        assert all(variable in shown for variable in row["secrets"])


RIGHTS = ("due", "erased", "checked", "export", "export_range", "request", "raw_page", "raw_post")


def test_the_store_of_an_older_version_is_brought_up_to_date(case, write):
    from sna.store import schema

    tweet = {"id": "1", "author_id": "7", "text": "t", "created_at": "2026-03-01T12:00:00Z"}
    case.import_files([write(tweet)])
    with case._writer() as store:
        for table in ("post_alias", "suppressed_actor", "collection", "page", "gap", "post_language", "span", *RIGHTS):
            store.db.execute(f"DROP TABLE {table}")
        store.db.execute("DROP VIEW timed_post")
        for table, columns in {
            "suppressed": ("reason", "to_purge"),
            "post": ("media", "latitude", "longitude", "state"),
        }.items():
            for column in columns:
                store.db.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        store.db.execute("UPDATE meta SET value = '1' WHERE name = 'schema_version'")
    assert case.status().posts == 1
    with case._writer() as store:
        assert store.value("SELECT value::INTEGER FROM meta WHERE name = 'schema_version'") == schema.VERSION
    assert case.import_files([write(tweet | {"id": "2"}, name="b.jsonl")]).stored == 1


def test_a_collector_of_another_package_that_is_broken_does_not_harm_the_others(monkeypatch):
    from importlib.metadata import EntryPoint

    registry._paths.cache_clear()
    broken = EntryPoint("broken", "no_such_module:Thing", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [broken])
    try:
        assert "broken" in registry.collector_names()
        with pytest.raises(sna.UsageError, match="cannot be loaded"):
            registry.collector("broken")
        assert registry.collector("x").about.name == "x"
    finally:
        registry._paths.cache_clear()


def test_the_documented_collector_is_found_by_its_entry_point(tmp_path, monkeypatch, run, case):
    page = (Path(__file__).parents[1] / "docs/collecting.md").read_text("utf-8")
    code = re.search(r"```python\n(.*?)\nadd\(Board\)", page, re.S)[1]
    (tmp_path / "site").mkdir()
    (tmp_path / "site/my_board.py").write_text(code)
    info = tmp_path / "site/my_board-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-board\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[sna.collectors]\nboard = my_board:Board\n")
    command = [sys.executable, "-m", "sna", "collect", "board", "tram", "--json"]
    env = {**os.environ, "SNA_CASE": str(case.folder.path), "PYTHONPATH": str(tmp_path / "site")}
    ran = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout)["stored"] == 3
    assert case.thread("board:3").first_poster == "ada"


def test_what_a_source_cannot_do_is_refused(case, run):
    assert run("collect", "reddit", "x", "--what", "stream", case=case).code == 2
    assert Ask(What.SEARCH).budget.is_used_up is False
