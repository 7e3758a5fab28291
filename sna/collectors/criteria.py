"""Holds a collection to the policy of its case: its sources, its criteria, its window of time."""

from dataclasses import replace
from fnmatch import fnmatchcase

from sna.case import Policy
from sna.collectors.base import ABOUT_KNOWN_POSTS, Ask
from sna.errors import UsageError


def within_policy(policy: Policy, source: str, ask: Ask) -> Ask:
    """Return `ask` with its window cut to the policy's; raises UsageError for what the policy does not allow.

    A query must be one of the criteria, word for word or by a pattern with `*`; case and spaces do not count.
    Asking about posts that the case knows needs no criterion. Without criteria the policy bounds sources and time.
    """
    if policy.sources and source not in policy.sources:
        raise UsageError(f"the policy of this case allows {', '.join(policy.sources)}, not {source} (case.toml)")
    if policy.criteria and ask.what not in ABOUT_KNOWN_POSTS:
        query = _plain(ask.query)
        if not any(fnmatchcase(query, _plain(criterion)) for criterion in policy.criteria):
            raise UsageError(
                "the query is none of the criteria in this case's policy (case.toml); "
                "collect by one of them, or have the policy amended"
            )
    if ask.what in ABOUT_KNOWN_POSTS:
        return ask
    since = max(filter(None, (ask.since, policy.start)), default=None)
    until = min(filter(None, (ask.until, policy.end)), default=None)
    if since and until and since >= until:
        raise UsageError("the window of time lies outside the policy of this case (start and end in case.toml)")
    return replace(ask, since=since, until=until)


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
