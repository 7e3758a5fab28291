"""The tokens of many texts as arrays, so that what concerns each word is asked once for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from spacy.tokens import Doc


@dataclass(frozen=True, slots=True)
class Batch:
    """All tokens in order: norm, first character and length (`table`), and where each text begins (`bounds`).

    `words` are the different norms, `word` the place of each token's norm among them.
    """

    table: NDArray[np.uint64]
    bounds: NDArray[np.int64]
    words: NDArray[np.uint64]
    word: NDArray[np.int64]

    @classmethod
    def of(cls, docs: "Sequence[Doc]") -> "Batch":
        """Return the tokens of the docs."""
        from spacy.attrs import IDX, LENGTH, NORM

        arrays = [doc.to_array([NORM, IDX, LENGTH]) for doc in docs]
        bounds = np.cumsum([0, *map(len, arrays)], dtype=np.int64)
        table = np.concatenate(arrays) if arrays else np.zeros((0, 3), np.uint64)
        words, word = np.unique(table[:, 0], return_inverse=True)
        return cls(table, bounds, words, word)

    def norms_of(self, place: int) -> list[int]:
        """Return the norms of one text's tokens."""
        norms: list[int] = self.table[self.bounds[place] : self.bounds[place + 1], 0].tolist()
        return norms
