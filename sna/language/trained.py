"""A trained spaCy pipeline, where one is installed: its entities, noun phrases, and what it says of verbs.

Its labels: https://spacy.io/models; its morphology: https://universaldependencies.org/u/feat/
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc, Token

# The larger ones are the better ones.
SIZES = ("trf", "lg", "md", "sm")
GENRES = ("core_news", "core_web")
_LABELS = {
    **dict.fromkeys(("LOC", "GPE", "FAC"), "place"),
    "ORG": "organisation",
    **dict.fromkeys(("DATE", "TIME"), "time"),
    **dict.fromkeys(("QUANTITY", "MONEY", "PERCENT", "CARDINAL"), "quantity"),
}
_NEGATIONS = frozenset({"neg"})


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb and where it stands: what it is besides asserted."""

    start: int
    stop: int
    state: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What the pipeline found in one text, by characters."""

    entities: tuple[tuple[int, int, str], ...]
    phrases: tuple[tuple[int, int], ...]
    verbs: tuple[Verb, ...]

    def states(self, start: int, stop: int) -> set[str]:
        """Return what the verbs in a span are: negated, past."""
        return {verb.state for verb in self.verbs if verb.start < stop and start < verb.stop}


class Trained:
    """One installed pipeline."""

    def __init__(self, package: str) -> None:
        """Load it; takes seconds and some hundred megabytes."""
        import spacy

        self._nlp: Language = spacy.load(package)
        self.name = f"{package} {self._nlp.meta.get('version', '')}".strip()
        self.has_entities = "ner" in self._nlp.pipe_names or "entity_ruler" in self._nlp.pipe_names
        self.has_phrases = "parser" in self._nlp.pipe_names

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """Return one reading per text."""
        return [self._read(doc) for doc in self._nlp.pipe(texts, batch_size=128)]

    def _read(self, doc: "Doc") -> Reading:
        entities = tuple((e.start_char, e.end_char, _LABELS[e.label_]) for e in doc.ents if e.label_ in _LABELS)
        phrases = tuple((p.start_char, p.end_char) for p in _noun_phrases(doc)) if self.has_phrases else ()
        return Reading(entities, phrases, tuple(_verbs(doc)))


@cache
def find_trained(language: str) -> Trained | None:
    """Return the best installed pipeline of a language, None where there is none."""
    name = installed_name(language)
    return Trained(name) if name else None


def installed_name(language: str) -> str | None:
    """Return the package of the best installed pipeline of a language, None where there is none."""
    import spacy

    installed = set(spacy.util.get_installed_models())
    names = (f"{language}_{genre}_{size}" for size in SIZES for genre in GENRES)
    return next((name for name in names if name in installed), None)


def _noun_phrases(doc: "Doc") -> "Iterator[Doc]":
    for chunk in doc.noun_chunks:
        begin, end = chunk.start, chunk.end
        while begin < end and (doc[begin].is_stop or not doc[begin].is_alpha):
            begin += 1
        if end - begin >= 2 and all(token.is_alpha for token in doc[begin:end]):
            yield doc[begin:end]


def _verbs(doc: "Doc") -> Iterator[Verb]:
    for token in doc:
        if token.pos_ not in ("VERB", "AUX"):
            continue
        span = token.idx, token.idx + len(token)
        if _is_negated(token):
            yield Verb(*span, "negated")
        if "Past" in token.morph.get("Tense") and "Fin" in token.morph.get("VerbForm"):
            yield Verb(*span, "past")


def _is_negated(token: "Token") -> bool:
    return any(child.dep_ in _NEGATIONS or "Neg" in child.morph.get("Polarity") for child in token.children)
