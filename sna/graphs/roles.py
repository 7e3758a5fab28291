"""Roles: who speaks, acts, organises and interacts, each as counts, their percentiles, and a stated score.

No score speaks of danger, intent or truth. `sna methods role` prints every formula.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, diags_array

from sna.errors import UsageError
from sna.graphs.arrays import EdgeArrays
from sna.graphs.communities import leiden
from sna.graphs.takeup import find_contributions
from sna.store.opening import Store

# What makes up each role: a role's score is a formula over these columns alone.
COMPONENTS = {
    "speaks": ("own_posts", "conversation_share", "reach"),
    "acts": ("reposts_sent", "links_shared", "calls_answered"),
    "organises": (
        "actors_moved",
        "actors_drawn",
        "threads_drawing",
        "calls_made",
        "call_takers",
        "brokerage",
        "early_position",
        "days_starting",
    ),
    "interacts": ("partners", "reciprocated"),
}
ROLES = tuple(COMPONENTS)
# Those who moved as many others are told apart by the mean percentile of these.
TIE_BREAKERS = ("threads_drawing", "brokerage", "early_position", "days_starting")
SCORED = {**COMPONENTS, "organises": ("actors_moved", *TIE_BREAKERS)}
RANKED = tuple(dict.fromkeys(name for names in COMPONENTS.values() for name in names))
# What bears on a score's certainty, as counts.
DOUBTS = ("unrooted_posts", "tied_firsts")
RESAMPLES = 200
SEED = 1
LOW, HIGH = 5, 95


def find_roles(store: Store, network: EdgeArrays, actors: NDArray[np.int64], *, with_intervals: bool) -> pl.DataFrame:
    """Return one row per actor with a post: its components, their percentiles, and a score per role.

    Columns: actor (key), every name of COMPONENTS and its `<name>_pct` (0 to 100, the mid-rank percentile among these
    actors), `<role>_score`, DOUBTS, and with intervals `<role>_low` and `<role>_high`: the middle 90 % of the score
    over RESAMPLES draws of the case's threads. `network` is that of interactions, its node n standing for the actor
    with key `actors[n]`. Brokerage is the participation coefficient of Guimera and Amaral, "Functional cartography of
    complex metabolic networks" (2005).
    """
    find_contributions(store)
    table = store.frame(_COUNTS).join(_brokerage(network, actors), on="actor", how="left")
    table = table.with_columns(pl.col("brokerage").fill_null(0)).sort("actor")
    standing = {name: percentiles(_values(table, name)) for name in RANKED}
    table = table.with_columns(pl.Series(f"{name}_pct", values) for name, values in standing.items())
    scores = _scores(standing, _values(table, "actors_moved"))
    table = table.with_columns(pl.Series(f"{role}_score", values) for role, values in scores.items())
    return _Resampling(store, table).with_intervals(table) if with_intervals else table


def check_role(role: str) -> str:
    """Return a role's name; raises UsageError for any other."""
    if role not in ROLES:
        raise UsageError(f"there is no role {role!r}; one of {', '.join(ROLES)}")
    return role


def percentiles(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return per value the share (0 to 100) of the values below it, equal ones counted half.

    The mid-rank percentile: Hyndman and Fan, "Sample Quantiles in Statistical Packages" (1996), definition 5.
    """
    return _standing(values, np.sort(values))


def _standing(values: NDArray[np.float64], ordered: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the percentiles of values among others that are in order."""
    if not len(ordered):
        return np.zeros(len(values))
    rank = (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / 2
    return np.asarray(np.round(100 * rank / len(ordered), 2), np.float64)


def _values(table: pl.DataFrame, name: str) -> NDArray[np.float64]:
    # Who takes no part in any cascade has no place in one, and stands below those who do.
    return table[name].cast(pl.Float64).fill_null(-1).to_numpy()


def _scores(standing: Mapping[str, NDArray[np.float64]], moved: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return each role's score: the mean percentile of the role's components; organises counts the actors moved.

    To the actors moved a fraction below one is added, the mean percentile of TIE_BREAKERS over 100.
    """
    means = {role: _mean(standing, names) for role, names in COMPONENTS.items() if role != "organises"}
    means["organises"] = moved + np.where(moved > 0, _mean(standing, TIE_BREAKERS) / 100, 0)
    return {role: np.round(means[role], 4) for role in ROLES}


def _mean(standing: Mapping[str, NDArray[np.float64]], names: Sequence[str]) -> NDArray[np.float64]:
    return np.asarray(sum(standing[name] for name in names) / len(names), np.float64)


def _brokerage(network: EdgeArrays, actors: NDArray[np.int64]) -> pl.DataFrame:
    """Return per actor 1 - the sum over communities of (share of its interactions that go there)^2."""
    label = leiden(network).label
    both = network.without_loops().both_ways()
    if not len(both.source):
        return pl.DataFrame({"actor": actors, "brokerage": np.zeros(len(actors))})
    shape = (network.nodes, int(label.max()) + 1)
    weight = coo_array((both.weight, (both.source, label[both.target])), shape=shape).tocsr()
    strength = np.asarray(weight.sum(axis=1)).ravel()
    squares = np.asarray(weight.multiply(weight).sum(axis=1)).ravel()
    share = np.divide(squares, strength**2, out=np.ones(network.nodes), where=strength > 0)
    return pl.DataFrame({"actor": actors, "brokerage": np.round(1 - share, 4)})


class _Resampling:
    """Draws the case's threads with replacement again and again, and scores every actor anew.

    Efron, "Bootstrap Methods: Another Look at the Jackknife" (1979), with threads as the unit, since the posts of one
    conversation depend on each other. Brokerage, early position, days and reciprocity stay as they are.
    """

    def __init__(self, store: Store, table: pl.DataFrame) -> None:
        self._row = pl.DataFrame({"actor": table["actor"], "row": np.arange(table.height)})
        units = store.frame("SELECT DISTINCT unit FROM contribution ORDER BY unit")["unit"]
        self._unit = pl.DataFrame({"unit": units, "column": np.arange(len(units))})
        self._shape = (table.height, len(units))
        parts = self._placed(store.frame("FROM contribution"))
        self._sums = {name: self._matrix(parts, name) for name in _SUMS}
        for name, relation in _DISTINCT.items():
            others = f"SELECT actor, unit, count(DISTINCT other) AS {name} FROM {relation} GROUP BY ALL"
            self._sums[name] = self._scaled(self._matrix(self._placed(store.frame(others)), name), table[name])

    def with_intervals(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return the table with `<role>_low` and `<role>_high`."""
        count, threads = self._shape
        random = np.random.default_rng(SEED)
        fixed = {name: table[f"{name}_pct"].to_numpy() for names in SCORED.values() for name in names}
        ordered = {name: np.sort(_values(table, name)) for name in fixed}
        scores = {role: np.zeros((RESAMPLES, count), np.float32) for role in ROLES}
        for number in range(RESAMPLES if threads else 0):
            drawn = np.bincount(random.integers(0, threads, threads), minlength=threads)
            sample = self._sample(drawn)
            standing = {name: _standing(values, ordered[name]) for name, values in sample.items()}
            for role, score in _scores({**fixed, **standing}, sample["actors_moved"]).items():
                scores[role][number] = score
        columns = []
        for role, values in scores.items():
            low, high = np.percentile(values, [LOW, HIGH], axis=0)
            columns += [pl.Series(f"{role}_low", np.round(low, 2)), pl.Series(f"{role}_high", np.round(high, 2))]
        return table.with_columns(columns)

    def _sample(self, drawn: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        sums = {name: matrix @ drawn for name, matrix in self._sums.items()}
        joined = sums.pop("joined_posts")
        share = np.divide(sums["own_posts"], joined, out=np.zeros(len(joined)), where=joined > 0)
        return {**sums, "conversation_share": share}

    def _placed(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.join(self._row, on="actor").join(self._unit, on="unit")

    def _matrix(self, parts: pl.DataFrame, name: str) -> csr_array:
        part = parts.filter(pl.col(name) != 0)
        place = (part["row"].to_numpy(), part["column"].to_numpy())
        return coo_array((part[name].to_numpy().astype(np.float64), place), self._shape).tocsr()

    def _scaled(self, matrix: csr_array, distinct: pl.Series) -> csr_array:
        """Return the matrix with rows that sum to the actor's distinct others.

        One met in two threads counts half in each: a resample of the threads then gives the count itself on average.
        """
        total = np.asarray(matrix.sum(axis=1)).ravel()
        factor = np.divide(distinct.to_numpy(), total, out=np.zeros(len(total)), where=total > 0)
        return diags_array(factor).tocsr() @ matrix


_SUMS = ("own_posts", "joined_posts", "reposts_sent", "links_shared", "calls_answered", "threads_drawing")
_DISTINCT = {"reach": "reached", "actors_moved": "moved", "partners": "partner"}


# One row per actor with a post; needs the tables of takeup.find_contributions.
_COUNTS = """
WITH did AS (
    SELECT actor, sum(own_posts)::BIGINT AS own_posts, sum(reposts_sent)::BIGINT AS reposts_sent,
           sum(links_shared)::BIGINT AS links_shared, sum(calls_answered)::BIGINT AS calls_answered,
           sum(calls_made)::BIGINT AS calls_made, sum(threads_drawing)::BIGINT AS threads_drawing,
           coalesce(sum(own_posts) / nullif(sum(joined_posts), 0), 0) AS conversation_share
    FROM contribution GROUP BY actor),
moving AS (SELECT actor, count(DISTINCT other) AS actors_moved FROM moved GROUP BY actor),
drawing AS (
    SELECT r.actor, count(DISTINCT p.actor) AS actors_drawn FROM thread_post t
    JOIN post p USING (post) JOIN post r ON r.post = t.top
    WHERE t.root_status = 'observed' AND p.actor <> r.actor GROUP BY r.actor),
reaching AS (SELECT actor, count(DISTINCT other) AS reach FROM reached GROUP BY actor),
taking AS (SELECT actor, count(DISTINCT other) AS call_takers FROM took_up GROUP BY actor),
meeting AS (SELECT actor, count(DISTINCT other) AS partners FROM partner GROUP BY actor),
tied AS (SELECT DISTINCT source, target FROM interaction WHERE source <> target),
both_ways AS (SELECT t.source AS actor, count(*) AS mutual FROM tied t SEMI JOIN tied b
              ON b.source = t.target AND b.target = t.source GROUP BY 1),
early AS (
    SELECT actor, avg(place) AS early_position, count(*) FILTER (is_tied_first) AS tied_firsts
    FROM cascade_place GROUP BY actor),
starting AS (
    SELECT actor, count(DISTINCT created_at::DATE) AS days_starting FROM (
        SELECT actor, created_at FROM call
        UNION ALL SELECT p.actor, p.created_at FROM post p WHERE p.post IN (SELECT unit FROM moved)
            AND p.actor IS NOT NULL)
    GROUP BY actor),
unrooted AS (
    SELECT p.actor, count(*) AS unrooted_posts FROM thread_post t JOIN post p USING (post)
    WHERE t.root_status <> 'observed' GROUP BY 1)
SELECT d.actor, own_posts, round(conversation_share, 4) AS conversation_share, coalesce(reach, 0) AS reach,
       reposts_sent, links_shared, calls_answered, coalesce(actors_moved, 0) AS actors_moved,
       coalesce(actors_drawn, 0) AS actors_drawn, threads_drawing, calls_made, coalesce(call_takers, 0) AS call_takers,
       round(early_position, 4) AS early_position, coalesce(days_starting, 0) AS days_starting,
       coalesce(partners, 0) AS partners, round(coalesce(mutual, 0) / nullif(partners, 0), 4) AS reciprocated,
       coalesce(unrooted_posts, 0) AS unrooted_posts, coalesce(tied_firsts, 0) AS tied_firsts
FROM did d LEFT JOIN moving USING (actor) LEFT JOIN drawing USING (actor) LEFT JOIN reaching USING (actor)
LEFT JOIN taking USING (actor) LEFT JOIN meeting USING (actor) LEFT JOIN both_ways USING (actor)
LEFT JOIN early USING (actor) LEFT JOIN starting USING (actor) LEFT JOIN unrooted USING (actor)
"""
