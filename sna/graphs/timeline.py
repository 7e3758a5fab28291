"""Time: volumes by step with their bursts, what was seen first, response times, and the network from step to step."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sna.errors import UsageError
from sna.graphs.bursts import Burst, find_bursts
from sna.graphs.carriers import find_carriers
from sna.graphs.communities import leiden
from sna.graphs.interactions import Window, find_interactions
from sna.graphs.networks import build_network
from sna.store.opening import Store

BY = ("kind", "source", "role", "community", "hashtag")
MOST_STEPS = 5_000
# So many series are shown by themselves; the others are added up.
MOST_SERIES = 8
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Steps:
    """A window cut into steps: `since` up to, not including, `until` (UTC), each `step` long."""

    since: datetime
    until: datetime
    step: timedelta

    @property
    def length(self) -> str:
        """Return the length of a step as `--step` takes it: 10m, 3h, 1d."""
        seconds = int(self.step.total_seconds())
        unit = next(name for name in ("w", "d", "h", "m", "s") if seconds % _UNITS[name] == 0)
        return f"{seconds // _UNITS[unit]}{unit}"


@dataclass(frozen=True, slots=True)
class Timeline:
    """Volumes: `table` has from, posts, one column per series; `bursts` from, until, series, level, gain, posts."""

    steps: Steps
    table: pl.DataFrame
    bursts: pl.DataFrame
    undated: int


def count_by_step(
    store: Store,
    step: str | None = None,
    by: str = "kind",
    since: datetime | None = None,
    until: datetime | None = None,
) -> Timeline:
    """Return the volume of posts by step, split by `by`, and the bursts of the whole and of each series.

    `step` is a time such as 10m, 1h or 1d; without it, one that gives some 60 steps. `role` splits acts by what they
    are: speaks (originals and quotes), interacts (replies), acts (reposts), organises (calls to action, observed roots
    that drew others). Communities are those of the whole case, the largest named apart. Raises UsageError for an
    unknown split, and for a step that gives more than MOST_STEPS.
    """
    if by not in BY:
        raise UsageError(f"cannot split a timeline by {by!r}; one of {', '.join(BY)}")
    steps = _steps(store, step, since, until)
    _split(store, by)
    rows = store.frame(
        """WITH size AS (SELECT series, count(*) AS posts FROM series_post GROUP BY series),
           named AS (
               SELECT series, CASE WHEN row_number() OVER (ORDER BY posts DESC, series) <= $most THEN series
                                   ELSE $other END AS name FROM size)
           SELECT floor((epoch(p.created_at) - epoch($since::TIMESTAMP)) / $seconds)::BIGINT AS number, n.name,
                  count(*) AS posts
           FROM timed_post p JOIN series_post s USING (post) JOIN named n USING (series)
           WHERE p.created_at >= $since::TIMESTAMP AND p.created_at < $until::TIMESTAMP GROUP BY ALL""",
        {
            "most": MOST_SERIES,
            "other": OTHER,
            "since": steps.since,
            "until": steps.until,
            "seconds": steps.step.total_seconds(),
        },
    )
    totals = store.frame(
        """SELECT floor((epoch(created_at) - epoch($since::TIMESTAMP)) / $seconds)::BIGINT AS number, count(*) AS posts
           FROM timed_post WHERE created_at >= $since::TIMESTAMP AND created_at < $until::TIMESTAMP GROUP BY ALL""",
        {"since": steps.since, "until": steps.until, "seconds": steps.step.total_seconds()},
    )
    table = _table(steps, rows, totals)
    undated = store.value("SELECT count(*) FROM post WHERE post NOT IN (SELECT post FROM timed_post)")
    return Timeline(steps, table, _bursts(steps, table), undated)


def first_seen(store: Store, kind: str = "hashtag", limit: int | None = None) -> pl.DataFrame:
    """Return what appeared when: first_at, item, source, post, handle, actors; the latest newcomers last.

    `kind` is actor, or an item of carriers.find_carriers; of items, those that at least two actors carry.
    """
    if kind == "actor":
        return store.frame(
            """SELECT min(p.created_at) AS first_at, coalesce(any_value(l.handle), any_value(a.native_id)) AS item,
                      any_value(p.source) AS source, arg_min(k.native_id, (p.created_at, k.native_id)) AS post,
                      any_value(l.handle) AS handle, 1 AS actors
               FROM timed_post p JOIN post_key k USING (post) JOIN actor a ON a.actor = p.actor
               LEFT JOIN actor_label l ON l.actor = p.actor GROUP BY p.actor ORDER BY first_at, item LIMIT ?""",
            2**62 if limit is None else limit,
        )
    find_carriers(store, kind)
    return store.frame(
        """SELECT min(c.created_at) AS first_at, c.item, arg_min(k.source, (c.created_at, k.native_id)) AS source,
                  arg_min(k.native_id, (c.created_at, k.native_id)) AS post,
                  arg_min(l.handle, (c.created_at, k.native_id)) AS handle, count(DISTINCT c.actor) AS actors
           FROM carry c JOIN post_key k USING (post) LEFT JOIN actor_label l ON l.actor = c.actor
           WHERE c.created_at IS NOT NULL GROUP BY c.item HAVING count(DISTINCT c.actor) >= 2
           ORDER BY first_at, item LIMIT ?""",
        2**62 if limit is None else limit,
    )


def response_times(
    store: Store, step: str | None = None, since: datetime | None = None, until: datetime | None = None
) -> pl.DataFrame:
    """Return how fast replies came, by the step of the reply: from, replies, median, p10 and p90 (seconds).

    Replies older than their parent (clock skew) are left out.
    """
    steps = _steps(store, step, since, until)
    return store.frame(
        """WITH answer AS (
               SELECT r.created_at, epoch(r.created_at - p.created_at) AS seconds
               FROM timed_post r JOIN timed_post p ON p.post = r.parent
               WHERE r.created_at >= p.created_at
                 AND r.created_at >= $since::TIMESTAMP AND r.created_at < $until::TIMESTAMP)
           SELECT $since::TIMESTAMP
                      + to_seconds(floor((epoch(created_at) - epoch($since::TIMESTAMP)) / $seconds) * $seconds)
                      AS "from",
                  count(*) AS replies, median(seconds) AS median, quantile_cont(seconds, 0.1) AS p10,
                  quantile_cont(seconds, 0.9) AS p90
           FROM answer GROUP BY 1 ORDER BY 1""",
        {"since": steps.since, "until": steps.until, "seconds": steps.step.total_seconds()},
    )


def network_by_step(
    store: Store, step: str | None = None, since: datetime | None = None, until: datetime | None = None
) -> pl.DataFrame:
    """Return the network of interactions of each step: what holds, what is new, how far it resembles the one before.

    Columns: from, interactions, actors, edges (ordered pairs), reciprocity, new_actors, new_edges (not in any earlier
    step), kept_edges (share of the union with the step before: Jaccard).
    """
    steps = _steps(store, step, since, until)
    find_interactions(store, Window(since=steps.since, until=steps.until))
    return store.frame(
        """WITH act AS (
               SELECT floor((epoch(acted_at) - epoch($since::TIMESTAMP)) / $seconds)::BIGINT AS number, source, target
               FROM interaction WHERE source <> target AND acted_at IS NOT NULL),
           tie AS (SELECT number, source, target, count(*) AS weight FROM act GROUP BY ALL),
           aged AS (SELECT *, number = min(number) OVER (PARTITION BY source, target) AS is_new FROM tie),
           member AS (SELECT number, source AS actor FROM tie UNION SELECT number, target FROM tie),
           newcomer AS (SELECT *, number = min(number) OVER (PARTITION BY actor) AS is_new FROM member),
           edge_count AS (
               SELECT a.number, sum(a.weight)::BIGINT AS interactions, count(*) AS edges,
                      count(b.source) / count(*) AS reciprocity, count(*) FILTER (a.is_new) AS new_edges,
                      count(e.source) AS both
               FROM aged a LEFT JOIN tie b ON b.number = a.number AND b.source = a.target AND b.target = a.source
               LEFT JOIN tie e ON e.number = a.number - 1 AND e.source = a.source AND e.target = a.target
               GROUP BY a.number),
           actor_count AS (SELECT number, count(*) AS actors, count(*) FILTER (is_new) AS new_actors FROM newcomer
                           GROUP BY number)
           SELECT $since::TIMESTAMP + to_seconds(e.number * $seconds) AS "from", interactions, actors, edges,
                  round(reciprocity, 4) AS reciprocity, new_actors, new_edges,
                  round(e."both" / nullif(edges + p.before - e."both", 0), 4) AS kept_edges
           FROM edge_count e JOIN actor_count USING (number)
           LEFT JOIN (SELECT number + 1 AS number, edges AS before FROM edge_count) p USING (number)
           ORDER BY number""",
        {"since": steps.since, "seconds": steps.step.total_seconds()},
    )


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
# Steps that people read easily, in seconds.
_ROUND = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 43200, 86400, 604800, 2592000)
_AIM = 60


def _steps(store: Store, step: str | None, since: datetime | None, until: datetime | None) -> Steps:
    """Return the steps of a window, cut at whole multiples of the step; the case's own window where none is given."""
    frame = store.frame("SELECT min(created_at) AS first, max(created_at) AS last FROM timed_post")
    first, last = frame.row(0)
    if first is None:
        raise UsageError("no post of the case has a usable time")
    since, until = since or first, until or last + timedelta(microseconds=1)
    if since >= until:
        raise UsageError("--since must be before --until")
    length = (until - since).total_seconds()
    if step is None:
        seconds = next((size for size in _ROUND if length / size <= _AIM), _ROUND[-1])
    else:
        found = re.fullmatch(r"(\d{1,6})\s*([smhdw])", step)
        if not found or not int(found[1]):
            raise UsageError("--step is a time such as 10m, 1h, 1d or 1w")
        seconds = int(found[1]) * _UNITS[found[2]]
    epoch = datetime(1970, 1, 1)
    begin = epoch + timedelta(seconds=(since - epoch).total_seconds() // seconds * seconds)
    if (until - begin).total_seconds() / seconds > MOST_STEPS:
        raise UsageError(f"this step cuts the window into more than {MOST_STEPS:,}; take a longer one")
    return Steps(begin, until, timedelta(seconds=seconds))


def _split(store: Store, by: str) -> None:
    """Make `series_post` (post, series)."""
    if by == "community":
        network = build_network(store)
        label = leiden(network.arrays()).label
        keys = store.frame("SELECT key AS actor FROM numbered ORDER BY node")
        store.db.register("labelled", keys.with_columns(community=pl.Series(label)).to_arrow())
        store.db.execute("CREATE OR REPLACE TEMP TABLE community_of AS FROM labelled")
        store.db.unregister("labelled")
    store.db.execute(f"CREATE OR REPLACE TEMP TABLE series_post AS {_SERIES[by]}")


_SERIES = {
    "kind": "SELECT post, kind AS series FROM post",
    "source": "SELECT post, source AS series FROM post",
    "hashtag": "SELECT DISTINCT post, lower(ltrim(unnest(hashtags), '#')) AS series FROM post",
    "community": """SELECT p.post, coalesce('community ' || c.community, 'no community') AS series
                    FROM post p LEFT JOIN community_of c USING (actor)""",
    "role": """
        SELECT post, CASE kind WHEN 'repost' THEN 'acts' WHEN 'reply' THEN 'interacts' ELSE 'speaks' END AS series
        FROM post
        UNION ALL SELECT post, 'organises' FROM (
            SELECT post FROM span WHERE starts_with(label, 'call:') AND state = 'asserted'
            UNION SELECT t.top FROM thread_post t JOIN post p USING (post) JOIN post r ON r.post = t.top
            WHERE t.root_status = 'observed' AND p.actor <> r.actor)""",
}


def _table(steps: Steps, rows: pl.DataFrame, totals: pl.DataFrame) -> pl.DataFrame:
    count = int(np.ceil((steps.until - steps.since) / steps.step))
    grid = pl.DataFrame({"number": np.arange(count, dtype=np.int64)})
    names = rows.group_by("name").agg(pl.col("posts").sum()).sort(["posts", "name"], descending=[True, False])["name"]
    ordered = [*(name for name in names if name != OTHER), *(OTHER for name in names if name == OTHER)]
    wide = grid.join(totals, on="number", how="left")
    for name in ordered:
        part = rows.filter(pl.col("name") == name).select("number", pl.col("posts").alias(f"series {name}"))
        wide = wide.join(part, on="number", how="left")
    wide = wide.fill_null(0).sort("number")
    begins = pl.Series("from", [steps.since + number * steps.step for number in range(count)], dtype=pl.Datetime("us"))
    return wide.drop("number").insert_column(0, begins)


def _bursts(steps: Steps, table: pl.DataFrame) -> pl.DataFrame:
    rows: list[dict[str, object]] = []
    for name in table.columns[1:]:
        counts = table[name].to_numpy().astype(np.int64)
        rows += [_burst_row(steps, name, counts, burst) for burst in find_bursts(counts)]
    schema = pl.Schema(
        {
            "from": pl.Datetime("us"),
            "until": pl.Datetime("us"),
            "series": pl.String(),
            "level": pl.Int64(),
            "gain": pl.Float64(),
            "posts": pl.Int64(),
        }
    )
    return pl.DataFrame(rows, schema=schema).sort("gain", descending=True)


def _burst_row(steps: Steps, name: str, counts: NDArray[np.int64], burst: Burst) -> dict[str, object]:
    return {
        "from": steps.since + burst.first * steps.step,
        "until": steps.since + (burst.last + 1) * steps.step,
        "series": "all" if name == "posts" else name.removeprefix("series "),
        "level": burst.level,
        "gain": burst.gain,
        "posts": int(counts[burst.first : burst.last + 1].sum()),
    }
