"""Annotates texts of one language: entities, key phrases and calls to action, as spans of characters.

The shipped rules always run. Where a trained spaCy pipeline of the language is installed, entities, noun phrases and
the tense and negation of verbs come from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from sna.language.batch import Batch
from sna.language.phrases import PhraseFinder
from sna.language.rules import ENTITIES, Hit, RuleSet, compile_rules
from sna.language.tokens import CLASSES, LANGUAGES, tokenizer
from sna.language.trained import Reading, Trained, find_trained

if TYPE_CHECKING:
    from spacy.tokens import Doc

ASSERTED = "asserted"
# Small enough to stay in the processor's cache.
BATCH = 1_000
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
        strings = self.nlp.vocab.strings
        # Asked for every token again and again, by the word's number.
        self._finding_probes = cache(lambda norm: self._findings.worth_running(strings[norm]))
        self._cue_probes = cache(lambda norm: self._cues.worth_running(strings[norm]))
        self._is_end = cache(lambda norm: int(bool(CLASSES["end"](strings[norm]))))
        self.trained: Trained | None = find_trained(rules.language) if use_trained else None

    @property
    def name(self) -> str:
        """What every output tells: the trained pipeline and its version, or the shipped rules."""
        return self.trained.name if self.trained else f"rules {self.rules.language}"

    def annotate(self, texts: Sequence[str]) -> Spans:
        """Return the spans of texts: calls to action with their state, entities, key phrases."""
        spans = Spans()
        for first in range(0, len(texts), BATCH):
            self._annotate(texts[first : first + BATCH], first, spans)
        return spans

    def _annotate(self, texts: Sequence[str], offset: int, spans: Spans) -> None:
        """Add the spans of one batch, whose first text has the number `offset`."""
        docs = [self.nlp.tokenizer(text) for text in texts]
        readings: Sequence[Reading | None] = self.trained.read(texts) if self.trained else [None] * len(docs)
        batch = Batch.of(docs)
        for place, wanted in self._worth_matching(batch).items():
            self._match(place + offset, docs[place], batch.norms_of(place), wanted, readings[place], spans)
        if self.trained:
            for place, reading in enumerate(readings):
                for start, stop, label in reading.entities if reading else ():
                    spans.add(place + offset, start, stop, label, self.name)
        if self.trained and self.trained.has_phrases:
            for place, reading in enumerate(readings):
                for start, stop in reading.phrases if reading else ():
                    spans.add(place + offset, start, stop, "phrase", "noun-phrase")
        else:
            for place, start, stop in self._phrases.find(batch):
                spans.add(place + offset, start, stop, "phrase", "word-run")

    def _worth_matching(self, batch: Batch) -> dict[int, list[tuple[int, int]]]:
        """Return the texts that hold a word, time or number that rules look for: each with (probe, token) to try."""
        worth = [self._finding_probes(norm) for norm in batch.words.tolist()]
        calls_for_some = np.fromiter(map(bool, worth), bool, len(worth))
        tokens = np.flatnonzero(calls_for_some[batch.word]) if len(worth) else np.zeros(0, np.int64)
        places = np.searchsorted(batch.bounds, tokens, "right") - 1
        columns = (places, tokens - batch.bounds[places], batch.word[tokens])
        found: dict[int, list[tuple[int, int]]] = {}
        for place, token, word in zip(*(column.tolist() for column in columns), strict=True):
            found.setdefault(place, []).extend((number, token) for number in worth[word])
        return found

    def _match(
        self,
        place: int,
        doc: "Doc",
        norms: list[int],
        wanted: list[tuple[int, int]],
        reading: Reading | None,
        spans: Spans,
    ) -> None:
        hits = self._findings.match(doc, wanted)
        if not hits:
            return
        entities = _longest([hit for hit in hits if hit.rule.label in ENTITIES])
        if not self.trained or not self.trained.has_entities:
            for hit in entities:
                spans.add(place, *_characters(doc, hit), hit.rule.label, hit.rule.name)
        calls = [hit for hit in hits if hit.rule.label not in ENTITIES]
        if not calls:
            return
        sentence = list(accumulate(map(self._is_end, norms)))
        calls = [call for call in calls if _has_needs(call, entities, sentence)]
        cues = self._cues.match(doc, ((n, token) for token, norm in enumerate(norms) for n in self._cue_probes(norm)))
        others = [cue for cue in cues if cue.rule.label == "cue:other"]
        calls = [call for call in calls if not any(_reaches_out(other, call) for other in others)]
        for call in _longest(calls):
            start, stop = _characters(doc, call)
            state = _state(call, cues, sentence, reading, start, stop)
            spans.add(place, start, stop, call.rule.label, call.rule.name, state)


def _state(call: Hit, cues: list[Hit], sentence: list[int], reading: Reading | None, start: int, stop: int) -> str:
    found = {cue.rule.label.removeprefix("cue:") for cue in cues if _touches(cue, call, sentence)}
    if reading:
        found |= reading.states(start, stop)
    return next((state for state in STATES if state in found and state not in call.rule.ignores), ASSERTED)


def _touches(cue: Hit, call: Hit, sentence: list[int]) -> bool:
    """Whether a cue stands in the call's sentence, within reach before it, or reaches out of it."""
    if _reaches_out(cue, call):
        return True
    is_before = cue.end <= call.begin and call.begin - cue.end <= cue.rule.reach
    return is_before and sentence[cue.begin] == sentence[call.begin]


def _reaches_out(cue: Hit, call: Hit) -> bool:
    """Whether a cue shares words with a call and has others beside: what is all within the call is part of it."""
    overlaps = cue.begin < call.end and call.begin < cue.end
    return overlaps and not (call.begin <= cue.begin and cue.end <= call.end)


def _has_needs(call: Hit, entities: list[Hit], sentence: list[int]) -> bool:
    return not call.rule.needs or any(
        entity.rule.label in call.rule.needs and sentence[entity.begin] == sentence[call.begin] for entity in entities
    )


def _longest(hits: list[Hit]) -> list[Hit]:
    """Return the longest hits that do not overlap, one label at a time; of equal ones the first."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.begin - hit.end, hit.begin)):
        if not any(o.rule.label == hit.rule.label and o.begin < hit.end and hit.begin < o.end for o in kept):
            kept.append(hit)
    return sorted(kept, key=lambda hit: hit.begin)


def _characters(doc: "Doc", hit: Hit) -> tuple[int, int]:
    span = doc[hit.begin : hit.end]
    return span.start_char, span.end_char


@cache
def _flags_of(language: str) -> dict[str, int]:
    # A vocabulary has few numbers for flags, so that each pipeline gets its own only once.
    return {name: tokenizer(language).vocab.add_flag(test) for name, test in _TESTS.items()}


# The vocabulary asks for real booleans.
_TESTS = {name: (lambda text, test=test: bool(test(text))) for name, test in CLASSES.items()}


def pipeline_language(language: str | None) -> str:
    """Return whose rules a language's texts go through."""
    return language if language in LANGUAGES else "xx"
