"""Rules as data: TOML files of word patterns, read, checked and turned into patterns of spaCy's matcher.

docs/language.md describes the format.
"""

import hashlib
import math
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sna.errors import UsageError
from sna.language.tokens import CLASSES, LANGUAGES, OTHER, fold

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.matcher import Matcher
    from spacy.tokens import Doc

CALLS = ("meet", "spread", "give", "sign", "stop")
ENTITIES = ("place", "organisation", "time", "quantity")
# What words around a call make of it; `other` means another sense, and no call at all.
CUES = ("negated", "reported", "past", "other")
LABELS = (*(f"call:{call}" for call in CALLS), *ENTITIES, *(f"cue:{cue}" for cue in CUES))
REACH = 4
GAP = 3
MOST_REPEATED = 6
MOST_VARIANTS = 2_000
# One thing that a token may be, and the operator behind it, as the matcher wants it.
Token = dict[object, object]
_ANCHOR_CLASSES = ("clock", "number", "hashtag", "url")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: patterns of words, any of which makes a span with the rule's label and name.

    `needs` are entities of which one must stand in the same sentence; `ignores` cues that do not touch it; `reach`,
    for a cue, is how many words may stand between it and the call.
    """

    name: str
    label: str
    patterns: tuple[str, ...]
    needs: frozenset[str] = frozenset()
    ignores: frozenset[str] = frozenset()
    reach: int = REACH


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of one language, their word lists, and a hash that changes with them."""

    language: str
    lists: Mapping[str, tuple[str, ...]]
    rules: tuple[Rule, ...]
    sha256: str

    @property
    def by_name(self) -> Mapping[str, Rule]:
        """The rules by their names."""
        return {rule.name: rule for rule in self.rules}


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a rule matched: from one token up to, not including, another."""

    rule: Rule
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Probe:
    """Patterns of a rule that share the words they need: a matcher, and how far from such a word it must look."""

    rule: Rule
    matcher: "Matcher"
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Compiled:
    """Rules ready to run: probes, and the words and token classes that make each of them worth running.

    Most texts hold none of the words, and one that does needs few of the probes, on few of its tokens.
    """

    probes: tuple[Probe, ...]
    by_word: Mapping[str, tuple[int, ...]]
    by_class: Mapping[str, tuple[int, ...]]

    def worth_running(self, word: str) -> tuple[int, ...]:
        """Return the numbers of the probes that a word, as folded, calls for."""
        found = self.by_word.get(word, ())
        for name, numbers in self.by_class.items():
            if CLASSES[name](word):
                found += numbers
        return found

    def match(self, doc: "Doc", wanted: Iterable[tuple[int, int]]) -> list[Hit]:
        """Return the hits of numbered probes around tokens of a text, `wanted` being (number, token)."""
        found = set()
        for number, token in wanted:
            probe = self.probes[number]
            first = max(token - probe.before, 0)
            for _, begin, end in probe.matcher(doc[first : token + probe.after + 1]):
                found.add((number, begin + first, end + first))
        return [Hit(self.probes[number].rule, begin, end) for number, begin, end in sorted(found)]


def read_rules(language: str, more: Sequence[Path] = ()) -> RuleSet:
    """Return the shipped rules of a language and those of the files in `more` that are for it.

    A rule of the same name replaces a shipped one. Raises UsageError that names the file and the rule that cannot be.
    """
    shipped = files("sna.language") / "rules" / f"{language}.toml"
    texts = [(shipped.name, shipped.read_text("utf-8"))]
    for path in more:
        try:
            texts.append((str(path), path.read_text("utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} cannot be read as a file of rules ({type(error).__name__})") from error
    lists: dict[str, tuple[str, ...]] = {}
    rules: dict[str, Rule] = {}
    digest = hashlib.sha256()
    for name, text in texts:
        content = _parsed(name, text)
        if content.get("language") != language:
            continue
        digest.update(text.encode())
        lists |= {key: _words(name, key, words) for key, words in content.get("lists", {}).items()}
        for number, entry in enumerate(content.get("rule", []), 1):
            rule = _rule(entry, f"{name}: rule number {number}")
            rules[rule.name] = rule
    return RuleSet(language, lists, tuple(rules.values()), digest.hexdigest()[:12])


def compile_rules(nlp: "Language", rules: RuleSet, chosen: Iterable[Rule], flags: Mapping[str, int]) -> Compiled:
    """Return the chosen rules ready to run; `flags` are the numbers of the token classes in the vocabulary.

    Raises UsageError for a pattern that cannot be, or that holds no word to look for.
    """
    from spacy.matcher import Matcher

    stop_words = frozenset(fold(word) for word in nlp.Defaults.stop_words)
    probes: list[Probe] = []
    by_word: dict[str, list[int]] = {}
    by_class: dict[str, list[int]] = {}
    for rule in chosen:
        groups: dict[tuple[str, ...], list[tuple[list[Token], int]]] = {}
        for pattern in rule.patterns:
            for variant in _variants(nlp, rules, rule, pattern, flags):
                anchors, place = _anchors(variant, rule, flags, stop_words)
                groups.setdefault(anchors, []).append((variant, place))
        for anchors, variants in groups.items():
            matcher = Matcher(nlp.vocab, validate=False)
            matcher.add(rule.name, [variant for variant, _ in variants], greedy="LONGEST")
            for anchor in anchors:
                index = by_class if anchor.startswith("<") else by_word
                index.setdefault(anchor.strip("<>"), []).append(len(probes))
            before = max(_length(variant[:place]) for variant, place in variants)
            after = max(_length(variant[place:]) for variant, place in variants)
            probes.append(Probe(rule, matcher, before, after))
    return Compiled(
        tuple(probes),
        {word: tuple(numbers) for word, numbers in by_word.items()},
        {name: tuple(numbers) for name, numbers in by_class.items()},
    )


def _length(tokens: list[Token]) -> int:
    """Return how many tokens of a text a part of a pattern can take up; a repeated one counts as MOST_REPEATED."""
    return sum(MOST_REPEATED if token.get("OP") == "+" else 1 for token in tokens)


def _parsed(name: str, text: str) -> dict[str, Any]:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{name} cannot be read as a file of rules ({error})") from error
    if content.get("language") not in (*LANGUAGES, OTHER):
        raise UsageError(f"{name}: language is one of {', '.join((*LANGUAGES, OTHER))}")
    if unknown := set(content) - {"language", "lists", "rule"}:
        raise UsageError(f"{name}: unknown key {sorted(unknown)[0]!r}; there are language, [lists], [[rule]]")
    if not isinstance(content.get("lists", {}), dict) or not isinstance(content.get("rule", []), list):
        raise UsageError(f"{name}: write [lists] once and [[rule]] with two brackets for each rule")
    return content


def _words(name: str, key: str, words: object) -> tuple[str, ...]:
    if not isinstance(words, str):
        raise UsageError(f"{name}: the list {key!r} is one text of words, with _ for a blank inside of one")
    return tuple(word.replace("_", " ") for word in words.split())


def _rule(entry: object, where: str) -> Rule:
    if not isinstance(entry, dict):
        raise UsageError(f"{where} is no table")
    known = {"name", "label", "patterns", "needs", "ignores", "reach"}
    if unknown := set(entry) - known:
        raise UsageError(f"{where}: unknown key {sorted(unknown)[0]!r}; there are {', '.join(sorted(known))}")
    name, label, patterns = entry.get("name"), entry.get("label"), entry.get("patterns")
    if not isinstance(name, str) or not name:
        raise UsageError(f"{where} has no name")
    if label not in LABELS:
        raise UsageError(f"{where} ({name}): label is one of {', '.join(LABELS)}")
    if not isinstance(patterns, list) or not patterns or not all(isinstance(p, str) and p.strip() for p in patterns):
        raise UsageError(f"{where} ({name}): patterns is a list of texts")
    needs, ignores, reach = entry.get("needs", []), entry.get("ignores", []), entry.get("reach", REACH)
    if not isinstance(needs, list) or not set(needs) <= set(ENTITIES):
        raise UsageError(f"{where} ({name}): needs is a list of {', '.join(ENTITIES)}")
    if not isinstance(ignores, list) or not set(ignores) <= set(CUES):
        raise UsageError(f"{where} ({name}): ignores is a list of {', '.join(CUES)}")
    if isinstance(reach, bool) or not isinstance(reach, int) or not 0 <= reach <= 50:
        raise UsageError(f"{where} ({name}): reach is a number of words from 0 to 50")
    return Rule(name, label, tuple(patterns), frozenset(needs), frozenset(ignores), reach)


_ELEMENT = re.compile(r"(\.\.\.|\*|(?:<\w+>|[^\s<>|?+*]+)(?:\|(?:<\w+>|[^\s<>|?+*]+))*)([?+]?)")


def _variants(nlp: "Language", rules: RuleSet, rule: Rule, pattern: str, flags: Mapping[str, int]) -> list[list[Token]]:
    """Return a pattern as lists of the matcher's tokens; alternatives of several words make one list each."""
    choices: list[list[list[Token]]] = []
    for piece in pattern.split():
        found = _ELEMENT.fullmatch(piece)
        if not found:
            raise UsageError(f"rule {rule.name}: {piece!r} is no element of a pattern; see docs/language.md")
        choices.append(_choices(nlp, rules, rule, found[1], found[2], flags))
    count = math.prod(map(len, choices))
    if count > MOST_VARIANTS:
        raise UsageError(f"rule {rule.name}: the pattern {pattern!r} has {count:,} variants; split it")
    return [[token for part in parts for token in part] for parts in product(*choices)]


def _choices(
    nlp: "Language", rules: RuleSet, rule: Rule, element: str, sign: str, flags: Mapping[str, int]
) -> list[list[Token]]:
    """Return what may stand for one element: each choice is a list of tokens."""
    operator: Token = {"OP": sign} if sign else {}
    if element == "...":
        return [[{flags["end"]: False, "OP": "?"}] * GAP]
    if element == "*":
        return [[{flags["end"]: False, **operator}]]
    words: list[str] = []
    found: list[list[Token]] = []
    for part in element.split("|"):
        name = part[1:-1] if part.startswith("<") else None
        if name is None:
            words.append(part.replace("_", " "))
        elif name in flags:
            found.append([{flags[name]: True, **operator}])
        elif name in rules.lists:
            words += rules.lists[name]
        else:
            raise UsageError(f"rule {rule.name}: there is no list {name!r}; classes are {', '.join(CLASSES)}")
    split = {_split(nlp, form) for word in words for form in _forms(word)}
    single = sorted(parts[0] for parts in split if len(parts) == 1)
    several = sorted(parts for parts in split if len(parts) > 1)
    if several and sign == "+":
        raise UsageError(f"rule {rule.name}: + cannot follow words that are split into several tokens")
    found += [[{"NORM": part} for part in parts] for parts in several]
    if single:
        found.append([{"NORM": {"IN": single}, **operator}])
    elif sign == "?" and several:
        found.append([])
    return found


@cache
def _split(nlp: "Language", form: str) -> tuple[str, ...]:
    # An elided word (n', d') is only told by what follows it.
    if form.endswith("'") and len(form) > 1:
        return tuple(token.norm_ for token in nlp(f"{form}aller"))[:-1]
    return tuple(token.norm_ for token in nlp(form))


def _forms(word: str) -> tuple[str, ...]:
    # The tokenizer splits some words otherwise when they begin with a capital.
    return word, word.capitalize(), word.upper()


def _anchors(
    variant: list[Token], rule: Rule, flags: Mapping[str, int], stop_words: frozenset[str]
) -> tuple[tuple[str, ...], int]:
    """Return the words of which a text must hold one to match, the rarest choice, and their place in the pattern.

    A class stands as <class> where the pattern holds no word.
    """
    wanted = [(place, token) for place, token in enumerate(variant) if token.get("OP", "+") == "+"]
    choices: list[tuple[bool, int, int, int, int, tuple[str, ...]]] = []
    for place, token in wanted:
        norm = token.get("NORM")
        words = (norm,) if isinstance(norm, str) else tuple(norm["IN"]) if isinstance(norm, dict) else ()
        if words:
            # Stop words and signs are everywhere; of the rest the shorter choice, of longer words, is the rarer one.
            common = sum(word in stop_words or not any(map(str.isalnum, word)) for word in words)
            choices.append((common == len(words), common, len(words), -min(map(len, words)), place, words))
    if choices:
        *_, place, words = min(choices)
        return words, place
    for name in _ANCHOR_CLASSES:
        for place, token in wanted:
            if token.get(flags[name]):
                return (f"<{name}>",), place
    names = ", ".join(f"<{name}>" for name in _ANCHOR_CLASSES)
    raise UsageError(f"rule {rule.name}: a pattern needs a word, or one of {names}")
