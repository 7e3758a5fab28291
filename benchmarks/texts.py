"""Texts: near-duplicates beside datasketch's own loop, and the language pipeline beside bare tokenising."""

import time
from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl

from sna.graphs.near import group_texts
from sna.store.opening import Store
from sna.store.terms import Terms

CHANGED_WORDS = 3
THRESHOLD = 0.5


def invented_texts(texts: int) -> tuple[list[str], dict[int, int]]:
    """Return texts of 10 to 25 words by Zipf's law, a tenth of them copies with three words changed, and whose."""
    random = np.random.default_rng(1)
    vocabulary = np.array([f"w{number}" for number in range(50_000)])
    share = 1 / np.arange(1, len(vocabulary) + 1)
    originals = texts * 9 // 10
    lengths = random.integers(10, 26, originals)
    words = np.split(
        vocabulary[random.choice(len(vocabulary), lengths.sum(), p=share / share.sum())], np.cumsum(lengths)
    )
    chosen = random.choice(originals, texts - originals, replace=False)
    copies = []
    for original in chosen:
        copy = words[original].copy()
        copy[random.choice(len(copy), CHANGED_WORDS, replace=False)] = random.choice(vocabulary, CHANGED_WORDS)
        copies.append(copy)
    return [" ".join(w) for w in (*words[:originals], *copies)], dict(enumerate(chosen.tolist(), originals))


def sna_near(folder: str, texts: int) -> list[float]:
    """Return seconds, recall of the planted copies, and precision over all pairs of all groups."""
    content, copies = invented_texts(texts)
    with Store(Path(folder) / "texts.duckdb", Path(folder) / "spill", terms=Terms(1)) as store:
        store.db.register("rows", pl.DataFrame({"post": np.arange(texts), "text": content}).to_arrow())
        store.db.execute(
            """INSERT INTO post (post, source, kind, created_at, text, seen_as, seen_at, batch, expires_at)
               SELECT post, 'x', 'original', make_timestamp(post * 1000000), text, 'collected',
                      TIMESTAMP '2026-01-01', 1, TIMESTAMP '2099-01-01' FROM rows"""
        )
        began = time.perf_counter()
        group_texts(store, THRESHOLD)
        seconds = time.perf_counter() - began
        groups = store.rows("SELECT list(post) FROM text_group GROUP BY item HAVING count(*) > 1")
    members: list[list[int]] = [sorted(group) for (group,) in groups]  # type: ignore[call-overload]
    pairs = {pair for group in members for pair in combinations(group, 2)}
    planted = {(original, copy) for copy, original in copies.items()}
    return [seconds, len(pairs & planted) / len(planted), len(pairs & planted) / max(len(pairs), 1)]


def datasketch_near(texts: int) -> list[float]:
    """Return seconds and recall of datasketch's own loop: a MinHash and a query for each text, then its insertion."""
    from datasketch import MinHash, MinHashLSH

    content, copies = invented_texts(texts)
    began = time.perf_counter()
    lsh = MinHashLSH(threshold=THRESHOLD, num_perm=128)
    met: dict[int, list[int]] = {}
    for number, text in enumerate(content):
        minhash = MinHash(num_perm=128)
        minhash.update_batch([word.encode() for word in set(text.split())])
        met[number] = lsh.query(minhash)
        lsh.insert(number, minhash)
    seconds = time.perf_counter() - began
    return [seconds, sum(original in met[copy] for copy, original in copies.items()) / len(copies)]


_SMALL = "le la les de des un une et en que qui dans pour sur avec pas plus par mais on il elle ce au du se son"
_SYLLABLES = "ba de fi lo mu ra te si no pu ga vé ri cha lou quin mar ber tel vo dan"
_EXTRAS = (
    ("samedi à 14h30", "place de la Halle", "300 personnes", "demain matin", "à la mairie de Port-Lune"),
    ("Partagez svp !", "Rendez-vous samedi 14h devant la gare", "Signez la pétition", "Ne partagez pas cette rumeur"),
    ("#TramPortLune", "@anna_quai", "https://port-lune.example/avis", "#eau", "\U0001f62e"),
)
# How many posts in a hundred have a time, a place or a number; a call; a hashtag, mention, link or emoji.
_OFTEN = (20, 6, 45)


def invented_posts(posts: int) -> list[str]:
    """Return posts of some 18 words, half of them small French words, the others invented, by Zipf's law."""
    random = np.random.default_rng(3)
    words = np.array(["".join(random.choice(_SYLLABLES.split(), random.integers(2, 5))) for _ in range(20_000)])
    share = 1 / np.arange(1, len(words) + 1)
    long = words[random.choice(len(words), (posts, 9), p=share / share.sum())]
    small = random.choice(_SMALL.split(), (posts, 9))
    texts = [" ".join(w for pair in zip(a, b, strict=True) for w in pair) for a, b in zip(small, long, strict=True)]
    for choices, often in zip(_EXTRAS, _OFTEN, strict=True):
        for place in np.flatnonzero(random.integers(0, 100, posts) < often).tolist():
            texts[place] += f". {choices[random.integers(len(choices))]}"
    return texts


def bare_tokens(posts: int) -> float:
    """Return the seconds of spaCy's bare French tokenizer."""
    import spacy

    texts, nlp = invented_posts(posts), spacy.blank("fr")
    began = time.perf_counter()
    for _ in nlp.pipe(texts, batch_size=1_000):
        pass
    return time.perf_counter() - began


def whole_pipeline(posts: int) -> float:
    """Return the seconds of tokens, entities, phrases and calls by the shipped French rules."""
    from sna.language.pipeline import Pipeline
    from sna.language.rules import read_rules

    texts, pipeline = invented_posts(posts), Pipeline(read_rules("fr"), use_trained=False)
    began = time.perf_counter()
    for first in range(0, posts, 20_000):
        pipeline.annotate(texts[first : first + 20_000])
    return time.perf_counter() - began
