"""Near-duplicate texts: MinHash signatures by rensa, compared band by band, each likely pair then measured.

Broder, "On the resemblance and containment of documents" (1997); Leskovec, Rajaraman, Ullman, "Mining of Massive
Datasets", chapter 3, for the bands.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rensa import RMinHash
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sna.errors import UsageError
from sna.store.opening import Store

THRESHOLD = 0.5
# Shorter texts share half their words by chance.
FEWEST_WORDS = 5
BANDS, ROWS = 64, 5
PERMUTATIONS = BANDS * ROWS
SEED = 1
# In a bucket each text is compared with so many before it, so that one viral text costs no square.
NEIGHBOURS = 8
# Texts that share small words by chance do not have them side by side: so many of the pairs of words must agree.
SAME_NEIGHBOURS = 0.2
CHUNK = 50_000


@dataclass(frozen=True, slots=True)
class Groups:
    """What was found: texts compared, candidate pairs measured, pairs at or above the threshold."""

    texts: int
    candidates: int
    pairs: int


def group_texts(store: Store, threshold: float = THRESHOLD) -> Groups:
    """Make the temporary table `text_group`: post, item (the number of its group), similarity.

    Texts are compared as sets of words in lower case, links and mentions left out, and must have a fifth of their pairs
    of neighbouring words in common, so that shared small words alone make no copy; `similarity` is the Jaccard index
    with the earliest text of the group (1 for the same words). Groups are what pairs at or above `threshold` connect.
    Threshold 1 groups exact copies. Raises UsageError for a threshold out of 0.3 .. 1.
    """
    if not 0.3 <= threshold <= 1:
        raise UsageError("--threshold is a similarity from 0.3 to 1")
    _find_texts(store)
    texts = store.value("SELECT count(*) FROM text_form")
    candidates = pairs = 0
    if threshold < 1 and texts > 1:
        _find_candidates(store)
        candidates = store.value("SELECT count(*) FROM candidate")
        _measure(store, threshold)
        pairs = store.value("SELECT count(*) FROM alike")
        _connect(store, texts)
    else:
        store.db.execute("CREATE OR REPLACE TEMP TABLE member AS SELECT form, form AS item FROM text_form")
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE text_group AS
           WITH head AS (
               SELECT m.item, arg_min(f.words, (f.first_at IS NULL, f.first_at, m.form)) AS words
               FROM member m JOIN text_form f USING (form) GROUP BY m.item)
           SELECT p.post, m.item,
                  round(len(list_intersect(f.words, h.words)) / len(list_distinct(f.words || h.words)), 4) AS similarity
           FROM form_post p JOIN member m USING (form) JOIN text_form f USING (form) JOIN head h USING (item)"""
    )
    return Groups(texts, candidates, pairs)


# Words as people see them: letters and digits together, each sign of a script without blanks for itself.
_WORD = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]|[#]?[\p{L}\p{M}\p{N}_]+"


def _find_texts(store: Store) -> None:
    """Make `text_form` (form, words, first_at), one row per set of words in use, and `form_post` (form, post)."""
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE worded AS
           SELECT post, created_at, list_sort(list_distinct(said)) AS words,
                  list_transform(list_zip(said[:-2], said[2:]), lambda pair: hash(pair)) AS neighbours
           FROM (SELECT post, created_at, regexp_extract_all(regexp_replace(
                     lower(text), 'https?://\\S+|@[\\w.@-]+|^rt @\\S+', ' ', 'g'), $word) AS said
                 FROM post WHERE text IS NOT NULL AND kind <> 'repost')""",
        {"word": _WORD},
    )
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE text_form AS
           SELECT row_number() OVER (ORDER BY min(created_at) NULLS LAST, min(post)) - 1 AS form, words,
                  min(created_at) AS first_at, arg_min(neighbours, post) AS neighbours
           FROM worded WHERE len(words) >= $fewest GROUP BY words""",
        {"fewest": FEWEST_WORDS},
    )
    store.db.execute(
        "CREATE OR REPLACE TEMP TABLE form_post AS SELECT f.form, w.post FROM worded w JOIN text_form f USING (words)"
    )


def _find_candidates(store: Store) -> None:
    """Make `candidate`: pairs of forms (low, high) whose signatures agree in a band."""
    count = store.value("SELECT count(*) FROM text_form")
    buckets = np.empty((BANDS, count), np.uint32)
    for first in range(0, count, CHUNK):
        words = store.frame(
            """SELECT list_transform(words, lambda word: hash(word)) AS hashes FROM text_form
               WHERE form >= $first AND form < $last ORDER BY form""",
            {"first": first, "last": first + CHUNK},
        )["hashes"]
        buckets[:, first : first + len(words)] = _buckets(words)
    pairs = np.unique(np.concatenate([_pairs(bucket) for bucket in buckets]))
    found = pl.DataFrame({"low": (pairs // count).astype(np.int64), "high": (pairs % count).astype(np.int64)})
    store.db.register("candidates", found.to_arrow())
    store.db.execute("CREATE OR REPLACE TEMP TABLE candidate AS FROM candidates")
    store.db.unregister("candidates")


def _buckets(words: pl.Series) -> NDArray[np.uint32]:
    """Return, per band and text, a hash of the band's rows of the text's signature."""
    offsets = np.concatenate(([0], np.cumsum(words.list.len().to_numpy()))).astype(np.uint64)
    signature = RMinHash.digest_matrix_from_flat_token_hashes(words.explode().to_numpy(), offsets, PERMUTATIONS, SEED)
    rows = np.array(signature.to_rows(), np.uint64).reshape(len(words), BANDS, ROWS)
    mixed = np.zeros((len(words), BANDS), np.uint64)
    for place in range(ROWS):
        # Only equality matters: multiplied by 2^64 / golden ratio, as Knuth does.
        mixed = (mixed ^ rows[:, :, place]) * np.uint64(0x9E3779B97F4A7C15)
    return (mixed >> np.uint64(32)).astype(np.uint32).T


def _pairs(bucket: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Return pairs of texts in one bucket, as low * texts + high: each with the NEIGHBOURS texts before it."""
    order = np.argsort(bucket, kind="stable")
    ranked = bucket[order]
    found = []
    for back in range(1, min(NEIGHBOURS, len(order) - 1) + 1):
        same = np.flatnonzero(ranked[back:] == ranked[:-back])
        # The order is stable, so that the lower text stands first.
        found.append(order[same].astype(np.int64) * len(bucket) + order[same + back])
        if not len(same):
            break
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _measure(store: Store, threshold: float) -> None:
    """Make `alike`: the candidates whose sets of words have a Jaccard index of at least `threshold`."""
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE alike AS
           WITH shared AS (
               SELECT low, high, len(list_intersect(a.words, b.words)) AS common,
                      len(a.words) + len(b.words) AS all_words
               FROM candidate JOIN text_form a ON a.form = low JOIN text_form b ON b.form = high
               WHERE least(len(a.words), len(b.words)) >= $threshold * greatest(len(a.words), len(b.words))
                 AND len(list_intersect(a.neighbours, b.neighbours))
                     >= $neighbours * least(len(a.neighbours), len(b.neighbours)))
           SELECT low, high, common / (all_words - common) AS similarity FROM shared
           WHERE common >= $threshold * (all_words - common)""",
        {"threshold": threshold, "neighbours": SAME_NEIGHBOURS},
    )


def _connect(store: Store, texts: int) -> None:
    """Make `member` (form, item): the connected components of `alike`."""
    pairs = store.frame("SELECT low, high FROM alike")
    low, high = pairs["low"].to_numpy(), pairs["high"].to_numpy()
    graph = coo_array((np.ones(len(low), np.int8), (low, high)), shape=(texts, texts))
    _, label = connected_components(graph.tocsr(), directed=False)
    members = pl.DataFrame({"form": np.arange(texts, dtype=np.int64), "item": label.astype(np.int64)})
    store.db.register("members", members.to_arrow())
    store.db.execute("CREATE OR REPLACE TEMP TABLE member AS FROM members")
    store.db.unregister("members")
