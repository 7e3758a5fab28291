"""`sna show`: the findings of a case on a few screens."""

import sna


def test_the_findings_are_on_screens_of_80_columns(lune, run):
    ran = run("show", case=lune)
    assert ran.code == 0
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "\x1b" not in ran.out
    for head in ("When", "Who (score", "Conversations", "earliest collected", "same together", "belongs", "missing"):
        assert head in ran.out
    assert "First poster:" in ran.out


def test_of_a_large_thread_the_beginning_is_shown_and_how_to_see_the_rest(case, run):
    case.ingest([sna.Post("x", "0", "a", text="start")])
    case.ingest([sna.Post("x", str(n), f"b{n}", text=f"answer {n}", reply_to="0") for n in range(1, 60)])
    shown = run("show", case=case).out
    assert shown.count("  answer ") == 24
    assert "… 35 more lines: sna threads show x:0" in shown


def test_the_findings_are_those_of_the_commands(lune, run):
    shown = run("show", "--json", "--limit", "3", case=lune).json()
    assert shown["status"] == run("status", "--json", case=lune).json()
    assert shown["threads"] == run("threads", "list", "--json", "--limit", "3", case=lune).json()["threads"]
    assert [row["posts"] for row in shown["timeline"]] == [
        row["posts"] for row in run("timeline", "--json", case=lune).json()["steps"]
    ]
    for role, rows in shown["roles"].items():
        alone = run("actors", "--role", role, "--limit", "3", "--json", case=lune).json()["actors"]
        assert [row["id"] for row in rows] == [row["id"] for row in alone]
    assert shown["communities"] == run("communities", "--limit", "3", "--json", case=lune).json()["communities"]
    assert shown["thread"]["top"] == shown["threads"][0]["top"]


def test_an_empty_case_has_findings_too(case, run):
    ran = run("show", case=case)
    assert ran.code == 0
    assert "0 posts" in ran.out
    assert "silence here is not silence there" in " ".join(ran.out.split())
    assert run("show", "--json", case=case).json()["thread"] is None


def test_26_hostile_texts_are_inert(case, run):
    bad = "[red]\x1b[31m\u202e<b>"
    case.ingest([
        sna.Post("x", "1", f"a{bad}", bad, bad, text=bad, hashtags=(bad,)),
        sna.Post("x", "2", "b", text=bad, reply_to="1", hashtags=(bad,)),
    ])  # fmt: skip
    shown = run("show", case=case).out
    assert "[red]" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
