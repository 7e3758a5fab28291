"""Annotates texts of one language: entities, key phrases and calls to action, as spans of characters.

The shipped rules always run. Where a trained spaCy pipeline of the language is installed, entities, noun phrases and
the tense and negation of verbs come from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import IDX, LENGTH, NORM
from spacy.tokens import Doc
from spacy.util import filter_spans

from sna.language.phrases import PhraseFinder
from sna.language.rules import ENTITIES, Hit, RuleSet, compile_rules
from sna.language.tokens import CLASSES, LANGUAGES, tokenizer
from sna.language.trained import Reading, Trained, find_trained

ASSERTED = "asserted"
# The first that applies to a call says what it is.
STATES = ("negated", "reported", "past")


@dataclass(slots=True)
class Spans:
    """Spans of a batch of texts, column by column: which text, from and to which character, label, rule, state."""

    text: list[int] = field(default_factory=list)
    start: list[int] = field(default_factory=list)
    stop: list[int] = field(default_factory=list)
    label: list[str] = field(default_factory=list)
    rule: list[str] = field(default_factory=list)
    state: list[str | None] = field(default_factory=list)

    def add(self, text: int, start: int, stop: int, label: str, rule: str, state: str | None = None) -> None:
        """Add one span."""
        self.text.append(text)
        self.start.append(start)
        self.stop.append(stop)
        self.label.append(label)
        self.rule.append(rule)
        self.state.append(state)


class Pipeline:
    """The tokenizer, rules and, where installed, the trained pipeline of one language."""

    def __init__(self, rules: RuleSet, *, use_trained: bool = True) -> None:
        """Make the pipeline of the rules' language."""
        self.rules = rules
        self.nlp = tokenizer(rules.language)
        self._flags = _flags_of(rules.language)
        is_cue = {rule: rule.label.startswith("cue:") for rule in rules.rules}
        self._findings = compile_rules(self.nlp, rules, (r for r in rules.rules if not is_cue[r]), self._flags)
        self._cues = compile_rules(self.nlp, rules, (r for r in rules.rules if is_cue[r]), self._flags)
        self._phrases = PhraseFinder(self.nlp)
        self._worth: dict[int, tuple[int, ...]] = {}
        self.trained: Trained | None = find_trained(rules.language) if use_trained else None

    @property
    def name(self) -> str:
        """What every output tells: the trained pipeline and its version, or the shipped rules."""
        return self.trained.name if self.trained else f"rules {self.rules.language}"

    def annotate(self, texts: Sequence[str]) -> Spans:
        """Return the spans of texts: calls to action with their state, entities, key phrases."""
        docs = list(self.nlp.pipe(texts, batch_size=256))
        readings: Sequence[Reading | None] = self.trained.read(texts) if self.trained else [None] * len(docs)
        spans = Spans()
        table, bounds = _table(docs)
        for place, wanted in self._worth_matching(table[:, 0], bounds).items():
            self._match(place, docs[place], wanted, readings[place], spans)
        if self.trained:
            for place, reading in enumerate(readings):
                for start, stop, label in reading.entities if reading else ():
                    spans.add(place, start, stop, label, self.name)
        if self.trained and self.trained.has_phrases:
            for place, reading in enumerate(readings):
                for start, stop in reading.phrases if reading else ():
                    spans.add(place, start, stop, "phrase", "noun-phrase")
        else:
            self._phrases.find(table, bounds, spans.add)
        return spans

    def _worth_matching(self, norms: NDArray[np.uint64], bounds: NDArray[np.int64]) -> dict[int, list[tuple[int, int]]]:
        """Return the texts that hold a word, time or number that rules look for: each with (probe, token) to try."""
        unique, inverse = np.unique(norms, return_inverse=True)
        worth = [self._probes_of(int(norm)) for norm in unique]
        calls_for_some = np.fromiter(map(bool, worth), bool, len(worth))
        tokens = np.flatnonzero(calls_for_some[inverse]) if len(worth) else np.zeros(0, np.int64)
        places = np.searchsorted(bounds, tokens, "right") - 1
        columns = (places, tokens - bounds[places], inverse[tokens])
        found: dict[int, list[tuple[int, int]]] = {}
        for place, token, word in zip(*(column.tolist() for column in columns), strict=True):
            found.setdefault(place, []).extend((number, token) for number in worth[word])
        return found

    def _probes_of(self, norm: int) -> tuple[int, ...]:
        found = self._worth.get(norm)
        if found is None:
            found = self._worth[norm] = self._findings.worth_running(self.nlp.vocab.strings[norm])
        return found

    def _match(
        self, place: int, doc: Doc, wanted: list[tuple[int, int]], reading: Reading | None, spans: Spans
    ) -> None:
        hits = self._findings.match(doc, wanted)
        if not hits:
            return
        sentence = np.cumsum(doc.to_array([self._flags["end"]]))
        entities = _longest(doc, [hit for hit in hits if hit.rule.label in ENTITIES])
        if not self.trained or not self.trained.has_entities:
            for hit in entities:
                start, stop = _characters(doc, hit)
                spans.add(place, start, stop, hit.rule.label, hit.rule.name)
        calls = [h for h in hits if h.rule.label not in ENTITIES and _has_needs(h, entities, sentence)]
        if not calls:
            return
        cues = self._cues.match(doc, ((n, token.i) for token in doc for n in self._cues.worth_running(token.norm_)))
        others = [cue for cue in cues if cue.rule.label == "cue:other"]
        calls = [c for c in calls if not any(other.begin < c.end and c.begin < other.end for other in others)]
        for call in _longest(doc, calls):
            start, stop = _characters(doc, call)
            state = _state(call, cues, sentence, reading, start, stop)
            spans.add(place, start, stop, call.rule.label, call.rule.name, state)


def _state(
    call: Hit, cues: list[Hit], sentence: NDArray[np.int64], reading: Reading | None, start: int, stop: int
) -> str:
    found = {cue.rule.label.removeprefix("cue:") for cue in cues if _touches(cue, call, sentence)}
    if reading:
        found |= reading.states(start, stop)
    return next((state for state in STATES if state in found and state not in call.rule.ignores), ASSERTED)


def _touches(cue: Hit, call: Hit, sentence: NDArray[np.int64]) -> bool:
    """Whether a cue stands in the call's sentence, within reach before it, or overlaps it."""
    if cue.begin < call.end and call.begin < cue.end:
        return True
    is_before = cue.end <= call.begin and call.begin - cue.end <= cue.rule.reach
    return is_before and sentence[cue.begin] == sentence[call.begin]


def _has_needs(call: Hit, entities: list[Hit], sentence: NDArray[np.int64]) -> bool:
    return not call.rule.needs or any(
        entity.rule.label in call.rule.needs and sentence[entity.begin] == sentence[call.begin] for entity in entities
    )


def _longest(doc: Doc, hits: list[Hit]) -> list[Hit]:
    """Return the longest hits that do not overlap, one label at a time."""
    kept = []
    for label in dict.fromkeys(hit.rule.label for hit in hits):
        of_label = {(hit.begin, hit.end): hit for hit in hits if hit.rule.label == label}
        chosen = filter_spans([doc[begin:end] for begin, end in of_label])
        kept += [of_label[span.start, span.end] for span in chosen]
    return sorted(kept, key=lambda hit: hit.begin)


def _characters(doc: Doc, hit: Hit) -> tuple[int, int]:
    span = doc[hit.begin : hit.end]
    return span.start_char, span.end_char


def _table(docs: Sequence[Doc]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return norm, first character and length of every token of all texts, and where each text begins."""
    arrays = [doc.to_array([NORM, IDX, LENGTH]) for doc in docs]
    bounds = np.cumsum([0, *map(len, arrays)], dtype=np.int64)
    return (np.concatenate(arrays) if arrays else np.zeros((0, 3), np.uint64)), bounds


@cache
def _flags_of(language: str) -> dict[str, int]:
    # A vocabulary has few numbers for flags, so that each pipeline gets its own only once.
    return {name: tokenizer(language).vocab.add_flag(test) for name, test in _TESTS.items()}


# The vocabulary asks for real booleans.
_TESTS = {name: (lambda text, test=test: bool(test(text))) for name, test in CLASSES.items()}


def pipeline_language(language: str | None) -> str:
    """Return whose rules a language's texts go through."""
    return language if language in LANGUAGES else "xx"
