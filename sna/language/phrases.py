"""Key phrases: runs of two to four words that are neither stop words nor interrupted, over whole batches at once.

After the candidates of RAKE: Rose, Engel, Cramer, Cowley, "Automatic keyword extraction from individual documents"
(2010).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from sna.language.batch import Batch
from sna.language.tokens import fold

if TYPE_CHECKING:
    from spacy.language import Language

SHORTEST_WORD = 3
FEWEST_WORDS, MOST_WORDS = 2, 4


class PhraseFinder:
    """Finds phrases in the tokens of many texts; remembers which words are stop words."""

    def __init__(self, nlp: "Language") -> None:
        """Take the stop words of the pipeline's language."""
        self._strings = nlp.vocab.strings
        self._stop = frozenset(fold(word) for word in nlp.Defaults.stop_words)
        self._known: dict[int, bool] = {}

    def find(self, batch: Batch) -> Iterator[tuple[int, int, int]]:
        """Yield (text, start, stop) of each phrase, in characters."""
        if not len(batch.table):
            return
        is_word = np.fromiter((self._is_word(norm) for norm in batch.words.tolist()), bool, len(batch.words))[
            batch.word
        ]
        text = np.repeat(np.arange(len(batch.bounds) - 1), np.diff(batch.bounds))
        # A run ends where a word is none, and where a text ends.
        follows = np.concatenate(([False], is_word[1:] & is_word[:-1] & (text[1:] == text[:-1])))
        begins = np.flatnonzero(is_word & ~follows)
        ends = np.flatnonzero(is_word & ~np.concatenate((follows[1:], [False])))
        ends = np.minimum(ends, begins + MOST_WORDS - 1)
        chosen = ends - begins + 1 >= FEWEST_WORDS
        begins, ends = begins[chosen], ends[chosen]
        start = batch.table[begins, 1].astype(np.int64)
        stop = (batch.table[ends, 1] + batch.table[ends, 2]).astype(np.int64)
        yield from zip(text[begins].tolist(), start.tolist(), stop.tolist(), strict=True)

    def _is_word(self, norm: int) -> bool:
        found = self._known.get(norm)
        if found is None:
            word = self._strings[norm]
            found = len(word) >= SHORTEST_WORD and word.isalpha() and word not in self._stop
            self._known[norm] = found
        return found
