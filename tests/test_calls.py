"""Calls to action, measured on sentences of our own: one half to tune the rules on, the other to judge them by."""

import hashlib
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from sna.language.pipeline import Pipeline
from sna.language.rules import read_rules

SENTENCES = Path(__file__).with_name("calls.tsv")
PRECISION, RECALL = 0.9, 0.75
# The sentences are read once for all of them.
pytestmark = pytest.mark.xdist_group("calls")


@cache
def sentences(half: str) -> list[tuple[str, str, str]]:
    """Return (language, call or none, text) of the half to `tune` on or to `judge` by, told apart by a hash."""
    rows = [tuple(line.split("\t")) for line in SENTENCES.read_text("utf-8").splitlines()]
    is_tuned = {row: hashlib.sha256(row[2].encode()).digest()[0] % 2 == 0 for row in rows}
    return [row for row in rows if is_tuned[row] == (half == "tune")]


@cache
def judged(half: str) -> list[tuple[str, str, frozenset[str], str]]:
    """Return (language, call, asserted calls that were found, text) of each sentence."""
    found = []
    for language in ("fr", "en"):
        rows = [row for row in sentences(half) if row[0] == language]
        spans = Pipeline(read_rules(language), use_trained=False).annotate([text for _, _, text in rows])
        calls: dict[int, set[str]] = {}
        for text, label, state in zip(spans.text, spans.label, spans.state, strict=True):
            if label.startswith("call:") and state == "asserted":
                calls.setdefault(text, set()).add(label.removeprefix("call:"))
        found += [(lang, call, frozenset(calls.get(n, ())), text) for n, (lang, call, text) in enumerate(rows)]
    return found


def figures(half: str, language: str | None = None) -> tuple[float, float, Counter]:
    """Return precision, recall, and how often each call was taken for another: (true, found)."""
    rows = [row for row in judged(half) if language in (None, row[0])]
    pairs: Counter[tuple[str, str]] = Counter()
    for _, label, calls, _ in rows:
        true = set(label.split("+")) - {"none"}
        pairs.update((call, call) for call in true & calls)
        pairs.update((label, call) for call in calls - true)
        pairs.update((call, "none") for call in true - calls)
    right = sum(count for (call, other), count in pairs.items() if call == other)
    found = sum(count for (_, other), count in pairs.items() if other != "none")
    wanted = sum(len(set(label.split("+")) - {"none"}) for _, label, _, _ in rows)
    return right / max(found, 1), right / max(wanted, 1), pairs


def test_there_are_enough_sentences_and_half_are_hard_negatives():
    rows = sentences("tune") + sentences("judge")
    assert len(rows) >= 300
    assert len({text for _, _, text in rows}) == len(rows)
    assert 0.45 <= sum(call == "none" for _, call, _ in rows) / len(rows) <= 0.55
    assert 0.4 <= len(sentences("judge")) / len(rows) <= 0.6


@pytest.mark.parametrize("half", [pytest.param("tune", marks=pytest.mark.long), "judge"])
def test_calls_are_found_with_the_stated_precision_and_recall(half):
    precision, recall, confusions = figures(half)
    assert precision >= PRECISION, confusions
    assert recall >= RECALL, confusions


def test_the_figures_in_the_document_are_those_of_today():
    page = (Path(__file__).parents[1] / "docs/language.md").read_text("utf-8")
    for language in ("fr", "en", None):
        precision, recall, _ = figures("judge", language)
        assert f"{precision:.2f} | {recall:.2f} |" in page, (language, precision, recall)
