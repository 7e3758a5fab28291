"""Pictures for papers: every plot in every format, the same bytes for the same case, inert with hostile texts."""

import sys
from datetime import datetime

import pytest
from conftest import NOON
from PIL import Image

from sna import Post
from sna.report.plots import PLOTS

TIMES = (datetime(1, 1, 1), datetime(9999, 12, 31), datetime(1969, 12, 31))


@pytest.mark.parametrize("what", PLOTS)
def test_each_plot_in_each_format(lune, tmp_path, run, what):
    etree = pytest.importorskip("lxml.etree")
    for suffix in ("svg", "png", "pdf"):
        ran = run("plot", what, tmp_path / f"o.{suffix}", case=lune)
        assert (ran.code, ran.out) == (0, f"{tmp_path / f'o.{suffix}'}\n")
    with Image.open(tmp_path / "o.png") as image:
        assert image.width > 1500
        assert len(image.convert("RGB").getcolors(1 << 24)) > 3
    assert (tmp_path / "o.pdf").read_bytes().startswith(b"%PDF")
    texts = etree.parse(str(tmp_path / "o.svg")).iterfind(".//{http://www.w3.org/2000/svg}text")
    words = " ".join("".join(text.itertext()) for text in texts)
    expected = {"network": "149 of 149 accounts", "timeline": "citizen report", "thread": "first poster: elio_pont5"}
    assert expected.get(what, "earliest collected from") in words


def test_the_same_case_gives_the_same_file(lune, tmp_path):
    for name in ("a.svg", "b.svg", "a.pdf", "b.pdf"):
        lune.plot(tmp_path / name, "network")
    for suffix in (".svg", ".pdf"):
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_a_thread_and_a_cascade_are_chosen_by_name(lune, tmp_path, run):
    thread = run("threads", "list", "--json", case=lune).json()["threads"][5]
    assert run("plot", "thread", tmp_path / "t.svg", "--of", f"{thread['source']}:{thread['top']}", case=lune).code == 0
    assert run("plot", "cascade", tmp_path / "c.svg", "--of", "#tramportlune", case=lune).code == 0
    assert "tramportlune" in (tmp_path / "c.svg").read_text("utf-8")
    assert run("plot", "cascade", tmp_path / "d.svg", "--of", "nothing", case=lune).code == 2


def test_pseudonyms_are_in_the_plot_and_the_export_in_the_register(lune, tmp_path, run):
    out = tmp_path / "n.svg"
    ran = run("plot", "network", out, "--pseudonymise", "--to", "a journal", "--json", case=lune)
    assert ran.json()["what"] == "network"
    assert "_phare" not in out.read_text("utf-8")
    last = run("retention", "exports", "--json", case=lune).json()["exports"][-1]
    assert (last["command"], last["pseudonymised"], last["recipient"]) == ("plot", True, "a journal")


def test_26_hostile_texts_are_inert(hostile, tmp_path):
    etree = pytest.importorskip("lxml.etree")
    hostile.ingest([Post("x", "math", "$x^{$", "$x^{$", "m", NOON, "a $\\frac{$ b", reply_to="0")])
    for what in ("network", "timeline", "thread"):
        hostile.plot(tmp_path / f"{what}.svg", what)
        tree = etree.parse(str(tmp_path / f"{what}.svg"))
        assert not tree.findall(".//{http://www.w3.org/2000/svg}script")
        assert not set((tmp_path / f"{what}.svg").read_text("utf-8")) & set("\x1b\x9b\u202e\u200b\u2028\ufffe")


def test_20_times_that_cannot_be_right_are_not_drawn(case, run, tmp_path):
    odd = [Post("x", str(n), str(n), created_at=time, reply_to="0") for n, time in enumerate(TIMES, 1)]
    case.ingest([Post("x", "0", "a", created_at=NOON), *odd])
    assert run("plot", "thread", tmp_path / "o.svg", case=case).code == 0
    assert "4 posts, first poster: a" in (tmp_path / "o.svg").read_text("utf-8")


def test_a_hashtag_with_a_dot_is_named_by_its_sign_and_long_names_are_cut(case, run, tmp_path):
    case.ingest([Post("x", str(n), str(n), "n" * 200, created_at=NOON, hashtags=("a.b",)) for n in range(2)])
    ran = run("plot", "cascade", tmp_path / "o.svg", "--of", "#a.b", case=case)
    assert ran.code == 0
    assert "Warning" not in ran.err
    assert f"{'n' * 40}…" in (tmp_path / "o.svg").read_text("utf-8")


def test_what_cannot_be_drawn_is_said_in_one_line(case, run, tmp_path, monkeypatch):
    for arguments, words in (
        (("network", tmp_path / "o.svg"), "no two accounts"),
        (("timeline", tmp_path / "o.svg"), "no post of the case has a usable time"),
        (("thread", tmp_path / "o.svg"), "no thread"),
        (("cascade", tmp_path / "o.svg"), "no link or hashtag"),
        (("network", tmp_path / "o.bmp"), "unknown suffix"),
        (("heatmap", tmp_path / "o.svg"), "there is no plot 'heatmap'"),
    ):
        ran = run("plot", *arguments, case=case)
        assert (ran.code, ran.err.count("\n")) == (2, 1)
        assert words in ran.err
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "pip install 'sna[plot]'" in run("plot", "network", tmp_path / "o.svg", case=case).err
    assert not list(tmp_path.glob("o.*"))
