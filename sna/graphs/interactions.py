"""Who interacts with whom: replies, mentions, quotes and reposts as directed, weighted, timed edges."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sna.errors import UsageError
from sna.post import Interaction
from sna.store.opening import Store

KINDS = tuple(kind.value for kind in Interaction)


@dataclass(frozen=True, slots=True)
class Window:
    """Which interactions count: their kinds, and the times (UTC) from `since` up to, not including, `until`."""

    kinds: Sequence[str] = KINDS
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        """Raise UsageError for an unknown kind or an empty window."""
        for kind in self.kinds:
            if kind not in KINDS:
                raise UsageError(f"unknown kind of interaction {kind!r}; any of {', '.join(KINDS)}")
        if self.since and self.until and self.since >= self.until:
            raise UsageError("--since must be before --until")


# One row per act of one account towards another: what, who, whom, in which post, about which post, when.
# A reply's mention of the account that it answers comes with the reply and is not counted again; a repost's
# mentions are those of the post that it repeats.
_EVENTS = """
SELECT 'reply' AS kind, p.actor AS source, coalesce(t.actor, p.parent_actor) AS target, p.post,
       p.parent AS target_post, p.created_at AS acted_at, t.actor IS NOT NULL AS is_target_collected
FROM post p LEFT JOIN post t ON t.post = p.parent WHERE p.parent IS NOT NULL AND p.repost_of IS NULL
UNION ALL
SELECT 'quote', p.actor, coalesce(t.actor, p.quote_actor), p.post, p.quote_of, p.created_at, t.actor IS NOT NULL
FROM post p LEFT JOIN post t ON t.post = p.quote_of WHERE p.quote_of IS NOT NULL AND p.repost_of IS NULL
UNION ALL
SELECT 'repost', p.actor, coalesce(t.actor, p.repost_actor), p.post, p.repost_of, p.created_at, t.actor IS NOT NULL
FROM post p LEFT JOIN post t ON t.post = p.repost_of WHERE p.repost_of IS NOT NULL
UNION ALL
SELECT 'mention', p.actor, m.actor, p.post, NULL, p.created_at, false
FROM mention m JOIN post p USING (post) LEFT JOIN post t ON t.post = p.parent
WHERE p.repost_of IS NULL AND m.actor IS DISTINCT FROM coalesce(t.actor, p.parent_actor)
"""


def find_interactions(store: Store, window: Window | None = None) -> None:
    """Make the temporary table `interaction`: one row per act in the window whose two accounts are known.

    Columns: kind, source and target (actor keys), post, target_post, acted_at (UTC), is_target_collected.
    """
    window = window or Window()
    store.db.execute(
        f"""CREATE OR REPLACE TEMP TABLE interaction AS
            SELECT * FROM ({_EVENTS}) WHERE source IS NOT NULL AND target IS NOT NULL
            AND list_contains($kinds, kind)
            AND ($since IS NULL OR acted_at >= $since::TIMESTAMP)
            AND ($until IS NULL OR acted_at < $until::TIMESTAMP)""",
        {"kinds": list(window.kinds), "since": window.since, "until": window.until},
    )


def weigh_edges(store: Store) -> None:
    """Make the temporary table `edge` from `interaction`: one row per ordered pair of accounts.

    Columns: source, target, weight (acts), first_at and last_at (UTC), and one count per kind.
    """
    counts = ", ".join(f"count(*) FILTER (kind = '{kind}') AS {kind}" for kind in KINDS)
    store.db.execute(
        f"""CREATE OR REPLACE TEMP TABLE edge AS
            SELECT source, target, count(*) AS weight,
                  min(acted_at) AS first_at, max(acted_at) AS last_at, {counts}
            FROM interaction GROUP BY source, target"""
    )
