"""The documents are run: every shell and Python block of README and docs, in order, in one scratch folder."""

import re
import shlex
from pathlib import Path

import pytest

import sna

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    "README.md",
    "docs/guide.md",
    "docs/formats.md",
    "docs/json.md",
    "docs/collecting.md",
    "docs/findings.md",
    "docs/language.md",
    "docs/compliance.md",
    "docs/report.md",
]


def blocks(page: str) -> list[tuple[str, str]]:
    text = (ROOT / page).read_text("utf-8")
    return re.findall(r"^```(console|python)\n(.*?)^```", text, re.M | re.S)


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_the_page_work(page, run, own_lune, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "posts.jsonl").write_bytes((tmp_path / "demo-case/material/bluesky-jetstream.jsonl").read_bytes())
    (tmp_path / "forum.csv").write_bytes((tmp_path / "demo-case/material/forum.csv").read_bytes())
    done = 0
    for kind, text in blocks(page):
        if kind == "python":
            exec(compile(text, page, "exec"), {})
            done += 1
            continue
        for line in text.replace("\\\n", " ").splitlines():
            if line.startswith("$ sna "):
                arguments = shlex.split(line.removeprefix("$ sna "))
                ran = run(*arguments)
                assert ran.code == 0, (line, ran.err)
                done += 1
    assert done, f"{page} has no example"


def test_readme_names_the_commands_that_set_up_and_test():
    text = (ROOT / "README.md").read_text("utf-8")
    assert "./demo" in text
    assert "./check" in text
    assert "./check" in (ROOT / ".ci/run").read_text("utf-8")


def test_no_document_names_a_machine():
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("sna/**/*.py"), ROOT / "pyproject.toml"]:
        assert not re.search(r"/(?:home|root|work|Users)/\w", path.read_text("utf-8")), path


def test_links_between_documents_lead_somewhere():
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text("utf-8")):
            assert (path.parent / target).exists(), (path.name, target)


def test_floors_import_only_downward():
    floors = [
        "errors",
        "post",
        "case",
        "store",
        "privacy",
        "formats",
        "collectors",
        "secrets",
        "language",
        "graphs",
        "exports",
        "report",
        "keeping",
        "outgoing",
        "api",
        "demo",
        "render",
        "progress",
        "options",
        "commands",
        "cli",
        "reference",
    ]
    for path in (ROOT / "sna").rglob("*.py"):
        home = path.relative_to(ROOT / "sna").parts[0].removesuffix(".py")
        if home not in floors:
            continue
        for target in re.findall(r"^\s*(?:from|import) sna\.(\w+)", path.read_text("utf-8"), re.M):
            assert floors.index(target) <= floors.index(home), (path, target)


def test_no_module_is_longer_than_400_lines():
    for path in [*(ROOT / "sna").rglob("*.py"), *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]:
        assert len(path.read_text("utf-8").splitlines()) <= 400, path


def test_the_version_is_told_once():
    assert f"## {sna.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert f"version: {sna.__version__}" in (ROOT / "CITATION.cff").read_text("utf-8")


def test_the_page_of_methods_is_the_register():
    from sna.graphs.methods import as_markdown

    assert (ROOT / "docs/methods.md").read_text("utf-8") == as_markdown(), "run python -m sna.graphs.methods"
