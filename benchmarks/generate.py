"""Generates posts as X hands them out: authors by a power law, threads with heavy tails, one chain, some orphans."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

CHAIN = 5_000
REPLY_SHARE = 0.55
ORPHAN_SHARE = 0.03
FIRST_ID = 1_400_000_000_000_000_000
BATCH = 100_000
_WORDS = (
    "the", "of", "and", "to", "in", "a", "is", "that", "for", "it", "was", "on", "are", "as", "with",
    "they", "at", "be", "this", "from", "have", "or", "by", "one", "had", "not", "but", "what", "all",
    "were", "when", "we", "there", "can", "an", "your", "which", "their", "said", "if", "do", "will",
    "each", "about", "how", "up", "out", "them", "then", "she", "many", "some", "so", "these",
    "would", "other", "into", "has", "more", "her", "two", "like", "him", "see", "time", "could",
    "no", "make", "than", "first", "been", "its", "who", "now", "people",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Forest:
    """Who answers what: per post its author and parent (-1 for none, -2 for one that is absent) and its root."""

    author: NDArray[np.int64]
    parent: NDArray[np.int64]
    root: NDArray[np.int64]


def grow(count: int, seed: int = 7) -> Forest:
    """Return a forest of `count` posts; each answer goes to a random earlier post (Yule, 1925: heavy tails)."""
    luck = np.random.default_rng(seed)
    authors = max(count // 10, 10)
    author = np.minimum(luck.zipf(1.6, count) - 1, authors - 1)
    author = luck.permutation(authors)[author]
    place = np.arange(count)
    parent = np.where(luck.random(count) < REPLY_SHARE, (luck.random(count) * place).astype(np.int64), -1)
    parent[0] = -1
    chain = min(CHAIN, count // 2)
    parent[count // 4 + 1 : count // 4 + chain] = place[count // 4 : count // 4 + chain - 1]
    is_orphan = (parent >= 0) & (luck.random(count) < ORPHAN_SHARE)
    is_orphan[count // 4 : count // 4 + chain] = False
    parent[is_orphan] = -2
    root = np.where(parent >= 0, parent, place)
    while not np.array_equal(following := root[root], root):
        root = following
    return Forest(author, parent, root)


def write_posts(path: Path, count: int, seed: int = 7) -> Forest:
    """Write the forest as flattened X v2 lines of about 1.3 kB and return it."""
    forest = grow(count, seed)
    luck = np.random.default_rng(seed)
    texts = [" ".join(luck.choice(_WORDS, luck.integers(6, 40))) for _ in range(20_000)]
    with path.open("wb") as file:
        for start in range(0, count, BATCH):
            rows = slice(start, min(start + BATCH, count))
            lines = _lines(forest, rows, texts, luck)
            file.write(("\n".join(lines) + "\n").encode())
    return forest


def _lines(forest: Forest, rows: slice, texts: list[str], luck: np.random.Generator) -> list[str]:
    parent = forest.parent[rows]
    n = len(parent)
    place = np.arange(rows.start, rows.stop)
    asked = np.where(parent == -2, place + 10**15, parent)
    to = forest.author[np.maximum(parent, 0)]
    seconds = 1_600_000_000 + place // 20
    frame = pl.DataFrame({
        "id": FIRST_ID + place, "author": forest.author[rows], "asked": FIRST_ID + asked, "to": to,
        "is_reply": parent != -1, "root": FIRST_ID + forest.root[rows],
        "text": pl.Series([texts[k] for k in luck.integers(0, len(texts), n)]), "tag": luck.zipf(1.5, n) % 5000,
        "has_tag": luck.random(n) < 0.4, "likes": np.minimum(luck.zipf(1.8, n), 10**6),
        "at": pl.from_epoch(pl.Series(seconds)),
    })  # fmt: skip
    c = pl.col
    empty = pl.lit("")
    reply = pl.when("is_reply")
    return frame.select(
        pl.concat_str(
            pl.lit('{"id":"'), c("id"), pl.lit('","author_id":"'), c("author"), pl.lit('","created_at":"'),
            c("at").dt.strftime("%Y-%m-%dT%H:%M:%S.000Z"), pl.lit('","conversation_id":"'), c("root"),
            pl.lit('","text":"'), reply.then(pl.concat_str(pl.lit("@user"), c("to"), pl.lit(" "))).otherwise(empty),
            c("text"), pl.when("has_tag").then(pl.concat_str(pl.lit(" #tag"), c("tag"))).otherwise(empty),
            pl.lit('","lang":"en","source":"Twitter Web App","reply_settings":"everyone","possibly_sensitive":false,'),
            reply.then(pl.concat_str(
                pl.lit('"in_reply_to_user_id":"'), c("to"),
                pl.lit('","referenced_tweets":[{"type":"replied_to","id":"'), c("asked"),
                pl.lit('"}],'))).otherwise(empty),
            pl.lit('"public_metrics":{"retweet_count":0,"reply_count":0,"like_count":'), c("likes"),
            pl.lit(',"quote_count":0},"context_annotations":[{"domain":{"id":"46","name":"Brand Category",'
                   '"description":"Categories within Brand Verticals that narrow down the scope of Brands"},"entity":'
                   '{"id":"781974596752842752","name":"Services"}}],"entities":{"annotations":[],"hashtags":['),
            pl.when("has_tag").then(pl.concat_str(pl.lit('{"start":3,"end":9,"tag":"tag'), c("tag"), pl.lit('"}')))
            .otherwise(empty), pl.lit('],"mentions":['),
            reply.then(pl.concat_str(pl.lit('{"start":0,"end":9,"username":"user'), c("to"), pl.lit('","id":"'),
                                     c("to"), pl.lit('"}'))).otherwise(empty),
            pl.lit(']},"author":{"id":"'), c("author"), pl.lit('","username":"user'), c("author"),
            pl.lit('","name":"User '), c("author"),
            pl.lit('","created_at":"2012-05-01T10:00:00.000Z","description":"An account that a generator made up for a '
                   'measurement","location":"Nowhere","verified":false,"protected":false,"public_metrics":{'
                   '"followers_count":120,"following_count":80,"tweet_count":900,"listed_count":2}}}'),
        )
    ).to_series().to_list()  # fmt: skip
