"""The command line: exit codes, one-line errors, JSON that scripts rely on, help with examples, pages in step."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from conftest import reply, tweet

import sna
from sna.cli import app
from sna.reference import command_reference

ROOT = Path(__file__).resolve().parents[1]
COMMAND = typer.main.get_command(app)


def commands(group=COMMAND, path=("sna",)):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


@pytest.fixture
def small(case, write) -> sna.Case:
    users = [{"id": "1", "username": "ann", "name": "Ann"}, {"id": "2", "username": "bob", "name": "Bob"}]
    page = {"data": [tweet("1"), reply("2", "1"), reply("3", "9", conversation_id="9")], "includes": {"users": users}}
    case.import_files([write(page, "broken")])
    return case


def test_every_command_has_help_and_an_example():
    found = list(commands())
    assert len(found) >= 10
    for path, command in found:
        assert command.help, path
        assert f"Example: {' '.join(path)}" in command.epilog, path


def test_the_reference_page_is_in_step_with_the_commands():
    assert (ROOT / "docs" / "cli.md").read_text("utf-8") == command_reference(), (
        "run: python -m sna.reference > docs/cli.md"
    )


def test_version_and_completion(run):
    assert run("--version").out == f"sna {sna.__version__}\n"
    shown = subprocess.run(
        [sys.executable, "-m", "sna", "--show-completion", "bash"], capture_output=True, text=True, check=False
    )
    assert "complete" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["status", "--no-such"], 2, "--no-such"),
        (["nonsense"], 2, "nonsense"),
        (["threads", "list", "--sort", "colour"], 2, "posts, actors, depth, start"),
        (["threads", "list", "--since", "yesterday"], 2, "yesterday"),
        (["threads", "list", "--root-status", "x"], 2, "observed, missing, cycle"),
        (["threads", "show", "404"], 2, "no such post"),
        (["actors", "--sort", "danger"], 2, "replies_received"),
        (["import", "absent.json"], 4, "absent.json"),
        (["import", ".", "--format", "auto"], 4, "directory"),
        (["import", __file__, "--format", "fancy"], 2, "table"),
        (["import", __file__, "--map", "id=a"], 2, "--format table"),
        (["import", __file__, "--format", "table", "--map", "id"], 2, "FIELD=COLUMN"),
        (["import", __file__, "--format", "table", "--map", "idd=x"], 2, "idd"),
        (["import", __file__, "--format", "table", "--map", "text=x"], 2, "id=COLUMN"),
        (["graph", "export", "o.gexf", "--network", "friends"], 2, "interactions"),
        (["graph", "export", "o.gexf", "--kind", "like"], 2, "reply, mention, quote, repost"),
        (["graph", "export", "o.gexf", "--since", "2026-02-01", "--until", "2026-01-01"], 2, "before"),
    ],
)
def test_errors_are_one_line_with_an_exit_code(small, run, arguments, code, said):
    ran = run(*arguments, case=small)
    assert ran.code == code
    assert ran.out == ""
    assert said in ran.err
    assert ran.err.count("\n") == 1
    assert "Traceback" not in ran.err


def test_without_a_case_a_line_says_how_to_make_one(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for arguments in (["status"], ["import", __file__], ["actors"], ["graph", "export", "o.gexf"], ["case", "show"]):
        ran = run(*arguments)
        assert ran.code == 3
        assert "sna case new DIR --purpose ... --legal-basis ... --keep-days N" in ran.err
    assert run("status", "--case", tmp_path / "x").code == 3


def test_a_case_is_found_by_option_variable_or_folder(small, run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert run("status", "--json", "--case", small.folder.path).json()["posts"] == 3
    assert run("--case", small.folder.path, "status", "--json").json()["posts"] == 3
    assert run("status", "--json", case=small).json()["posts"] == 3
    monkeypatch.chdir(small.folder.path)
    assert run("status", "--json").json()["posts"] == 3


def test_status_json(small, run):
    status = run("status", "--json", case=small).json()
    expected = {
        "posts": 3, "actors": 2, "by_source": {"x": 3}, "replies": 2, "replies_with_parent": 1, "missing_parents": 1,
        "orphan_replies": 1, "threads": 1, "true_roots": 1, "max_depth": 1, "quarantined": 1, "duplicates": 0,
        "by_kind": {"original": 1, "reply": 2, "quote": 0, "repost": 0, "report": 0},
        "window": {"first": "2026-03-01T12:00:00Z", "last": "2026-03-01T12:00:00Z"},
    }  # fmt: skip
    assert {name: status[name] for name in expected} == expected


def test_threads_list_json(small, run):
    [thread] = run("threads", "list", "--json", case=small).json()["threads"]
    assert thread == {
        "source": "x", "top": "1", "root_status": "observed", "first_poster": "1", "first_poster_handle": "ann",
        "conversation": None, "fragments": 1, "posts": 2, "actors": 2, "depth": 1,
        "started_at": "2026-03-01T12:00:00Z", "last_at": "2026-03-01T12:00:00Z",
    }  # fmt: skip
    threads = run("threads", "list", "--json", "--min-posts", 1, "--limit", 0, case=small).json()["threads"]
    assert [(t["top"], t["first_poster"]) for t in threads] == [("1", "1"), ("3", None)]


def test_threads_trace_json(small, run):
    assert run("threads", "trace", "2", "--json", case=small).json() == {
        "source": "x", "post": "2", "path": ["2", "1"], "top": "1", "depth": 1, "root_status": "observed",
        "first_poster": "1",
        "first_poster_handle": "ann", "claimed_conversation": None, "missing_parent": None,
    }  # fmt: skip
    trace = run("threads", "trace", "x:3", "--json", case=small).json()
    assert (trace["first_poster"], trace["claimed_conversation"], trace["missing_parent"]) == (None, "9", "9")


def test_actors_json(small, run):
    actors = run("actors", "--json", "--sort", "posts", "--limit", 1, case=small).json()["actors"]
    assert {
        "source",
        "id",
        "handle",
        "posts",
        "replies_sent",
        "replies_received",
        "reposts_sent",
        "reposts_received",
        "quotes_received",
        "mentions_received",
        "threads_started",
        "pagerank",
        "core",
        "community",
    } <= set(actors[0])
    assert (actors[0]["id"], actors[0]["replies_sent"]) == ("2", 2)


def test_every_command_prints_one_json_document(small, run, write, tmp_path):
    calls = [
        ["case", "new", tmp_path / "n", "--purpose", "p", "--legal-basis", "b", "--keep-days", 1], ["case", "show"],
        ["import", write(tweet("7"), name="seven.jsonl")], ["status"], ["status", "--quarantine"], ["threads", "list"],
        ["threads", "list", "--conversations"], ["threads", "show", "1"], ["threads", "trace", "1"], ["actors"],
        ["graph", "export", tmp_path / "o.gexf"],
    ]  # fmt: skip
    for call in calls:
        ran = run(*call, "--json", case=small)
        assert isinstance(json.loads(ran.out), dict), call


def test_tables_and_trees_fit_80_columns(small, run):
    wide = "w" * 70
    small.ingest([sna.Post("x", wide, wide, wide, text="long " * 60, reply_to="2")])
    for call in (
        ["status"],
        ["threads", "list"],
        ["threads", "list", "--conversations"],
        ["threads", "show", "1"],
        ["threads", "trace", "2"],
        ["actors"],
        ["actors", "--sort", "betweenness"],
    ):
        ran = run(*call, case=small)
        assert ran.code == 0
        assert max(map(len, ran.out.splitlines()), default=0) <= 80, call


def test_long_chains_are_folded_and_shown_in_full_on_request(case, run):
    case.ingest(
        [
            sna.Post("x", "0", "a", text="start"),
            *(sna.Post("x", str(n), "a", text=f"step {n}", reply_to=str(n - 1)) for n in range(1, 41)),
        ]
    )
    folded, full = run("threads", "show", "7", case=case).out, run("threads", "show", "7", "--full", case=case).out
    assert "37 more posts down this chain" in folded
    assert len(folded.splitlines()) < 10
    assert all(f"step {n}" in full for n in range(1, 41))
    assert "… 29 more" in run("threads", "trace", "40", case=case).out


def test_hostile_text_cannot_write_to_the_terminal(case, run):
    case.ingest(
        [
            sna.Post("x", "1", "a\x1b[2J", "h\u202eevil", text="[bold]x[/bold] \x1b]0;title\x07 \x9b2J"),
            sna.Post("x", "2", "b", reply_to="1"),
        ]
    )
    for call in (["threads", "list"], ["threads", "show", "1"], ["actors"]):
        out = run(*call, case=case).out
        assert not set(out) & set("\x1b\x9b\x07\u202e")
    assert "[bold]x[/bold]" in run("threads", "show", "1", case=case).out


def test_errors_name_no_post_and_no_handle(small, run):
    assert "secret_handle" not in run("threads", "show", "secret_handle", case=small).err


def test_data_goes_to_stdout_and_talk_to_stderr(small, run, write):
    ran = run("import", write(tweet("8"), name="e.jsonl"), case=small)
    assert ran.out == ""
    assert "1 posts read = 1 stored + 0 duplicates + 0 quarantined" in ran.err


def test_people_see_a_screenful_and_scripts_see_everything(case, run):
    posts = [
        sna.Post("x", f"{kind}{n}", "a", reply_to=f"a{n}" if kind == "b" else None) for n in range(25) for kind in "ab"
    ]
    case.ingest(posts)
    assert len(run("threads", "list", "--json", case=case).json()["threads"]) == 25
    assert len(run("threads", "list", "--json", "--limit", 3, case=case).json()["threads"]) == 3
    assert len(run("threads", "list", case=case).out.splitlines()) == 2 + 20
    assert len(run("threads", "list", "--limit", 0, case=case).out.splitlines()) == 2 + 25


def test_the_graph_is_handed_to_networkx_with_its_attributes(small):
    graph = sna.open_case(small.folder.path).interactions(kinds=["reply"]).to_networkx()
    assert graph.edges["x:2", "x:1"]["weight"] == 1
    assert graph.edges["x:2", "x:1"]["reply"] == 1
    assert graph.nodes["x:1"]["handle"] == "ann"
