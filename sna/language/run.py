"""Annotates the posts of a case, those alone that are new, edited or read by other rules the last time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from sna.language.identify import UNKNOWN, identify
from sna.language.pipeline import Pipeline, pipeline_language
from sna.language.rules import read_rules
from sna.language.tokens import LANGUAGES, OTHER
from sna.store.opening import Store

CHUNK = 20_000
# Called with (posts done, posts to do).
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Annotated:
    """What a run did: posts read now, posts that were up to date, and by which pipelines."""

    posts: int = 0
    kept: int = 0
    identified: int = 0
    pipelines: dict[str, int] = field(default_factory=dict)


def annotate_posts(
    store: Store, more_rules: Sequence[Path] = (), progress: Progress | None = None, *, use_trained: bool = True
) -> Annotated:
    """Bring `post_language` and `span` up to date for all posts with a text that are no reposts.

    Each chunk is a transaction of its own: an interrupted run goes on where it stopped. Raises UsageError for a file
    of rules that cannot be.
    """
    rules = {language: read_rules(language, more_rules) for language in (*LANGUAGES, OTHER)}
    _choose(store, {language: _signature(language, rules[language].sha256, use_trained) for language in rules})
    done = Annotated(kept=store.value("SELECT count(*) FROM post_language WHERE post NOT IN (FROM to_annotate)"))
    total = store.value("SELECT count(*) FROM to_annotate")
    # Rules of the user's own are tried before any work, whatever languages the posts are in.
    own = [language for language in rules if more_rules and rules[language].sha256 != read_rules(language).sha256]
    pipelines = {language: Pipeline(rules[language], use_trained=use_trained) for language in own}
    while True:
        chunk = store.frame(
            """SELECT p.post, p.text, p.lang FROM to_annotate t JOIN post p USING (post)
               ORDER BY p.lang NULLS LAST, p.post LIMIT ?""",
            CHUNK,
        )
        if not chunk.height:
            break
        told = _languages(chunk)
        done.identified += told.filter(pl.col("lang_from") == "py3langid").height
        frames = []
        for (language,), part in told.group_by("rules_of", maintain_order=True):
            name = str(language)
            if name not in pipelines:
                pipelines[name] = Pipeline(rules[name], use_trained=use_trained)
            frames.append(_spans(part, pipelines[name]))
            done.pipelines[pipelines[name].name] = done.pipelines.get(pipelines[name].name, 0) + part.height
        _write(
            store,
            told,
            pl.concat(frames),
            {n: p.name for n, p in pipelines.items()},
            rules_of={n: _signature(n, rules[n].sha256, use_trained) for n in rules},
        )
        done.posts += chunk.height
        if progress:
            progress(done.posts, total)
    return done


def _signature(language: str, sha256: str, use_trained: bool) -> str:
    """Return what changes when a language's posts must be read anew."""
    from sna.language.trained import installed_name

    trained = installed_name(language) if use_trained else None
    return f"{language} {sha256} {trained or 'rules'}"


def _choose(store: Store, signatures: dict[str, str]) -> None:
    """Make `to_annotate`: posts with a text that no run has read by today's rules, and forget what is outdated."""
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE to_annotate AS
           SELECT post FROM post WHERE text IS NOT NULL AND kind <> 'repost' AND post NOT IN (
               SELECT post FROM post_language WHERE list_contains($current, signature))""",
        {"current": list(signatures.values())},
    )


def _languages(chunk: pl.DataFrame) -> pl.DataFrame:
    """Return the chunk with `lang`, `lang_from`, `confidence` and `rules_of`: the source's word first."""
    told = [_plain(language) for language in chunk["lang"].to_list()]
    found = [
        (language, "source", None) if language else _identified(text)
        for language, text in zip(told, chunk["text"].to_list(), strict=True)
    ]
    return chunk.with_columns(
        lang=pl.Series([row[0] for row in found], dtype=pl.String),
        lang_from=pl.Series([row[1] for row in found], dtype=pl.String),
        confidence=pl.Series([row[2] for row in found], dtype=pl.Float64),
        rules_of=pl.Series([pipeline_language(row[0]) for row in found], dtype=pl.String),
    )


def _identified(text: str) -> tuple[str, str, float]:
    language, confidence = identify(text)
    return language, "py3langid" if language != UNKNOWN else "none", confidence


# What X writes where it knows no language; https://docs.x.com/x-api/fundamentals/data-dictionary
_NO_LANGUAGE = frozenset({"", "und", "zxx", "qme", "qst", "qht", "qam", "qct", "art"})


def _plain(language: str | None) -> str | None:
    """Return a language tag's first part (fr-CA: fr), None where it names no language."""
    first = (language or "").split("-")[0].split("_")[0].lower()
    return None if first in _NO_LANGUAGE else first


def _spans(part: pl.DataFrame, pipeline: Pipeline) -> pl.DataFrame:
    spans = pipeline.annotate(part["text"].to_list())
    posts = part["post"].to_numpy()
    return pl.DataFrame(
        {
            "post": pl.Series(posts[spans.text] if spans.text else [], dtype=pl.Int64),
            "start": pl.Series(spans.start, dtype=pl.Int32),
            "stop": pl.Series(spans.stop, dtype=pl.Int32),
            "label": pl.Series(spans.label, dtype=pl.String),
            "rule": pl.Series(spans.rule, dtype=pl.String),
            "state": pl.Series(spans.state, dtype=pl.String),
        }
    )


def _write(
    store: Store, told: pl.DataFrame, spans: pl.DataFrame, pipelines: dict[str, str], rules_of: dict[str, str]
) -> None:
    rows = told.select(
        "post",
        "lang",
        "lang_from",
        "confidence",
        pipeline=pl.col("rules_of").replace_strict(pipelines, default=None),
        signature=pl.col("rules_of").replace_strict(rules_of, default=None),
    )
    db = store.db
    db.execute("BEGIN")
    try:
        db.register("annotated", rows.to_arrow())
        db.register("annotated_span", spans.to_arrow())
        db.execute("DELETE FROM span WHERE post IN (SELECT post FROM annotated)")
        db.execute("DELETE FROM post_language WHERE post IN (SELECT post FROM annotated)")
        db.execute("INSERT INTO post_language BY NAME SELECT * FROM annotated")
        db.execute("INSERT INTO span BY NAME SELECT * FROM annotated_span")
        db.execute("DELETE FROM to_annotate WHERE post IN (SELECT post FROM annotated)")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    finally:
        db.unregister("annotated")
        db.unregister("annotated_span")
    store.checkpoint()
