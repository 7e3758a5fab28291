"""One form for each URL: what differs only in spelling, tracking or fragment becomes the same."""

from functools import lru_cache
from urllib.parse import urlsplit

import polars as pl
from w3lib.url import canonicalize_url, url_query_cleaner

from sna.store.opening import Store

# Parameters that name the visitor or the campaign and never the page.
TRACKERS = (
    *("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id", "utm_name", "utm_cid"),
    *("fbclid", "gclid", "gclsrc", "dclid", "msclkid", "twclid", "yclid", "ttclid", "igshid", "igsh", "mc_cid"),
    *("mc_eid", "_hsenc", "_hsmi", "ref_src", "ref_url", "cmpid", "xtor", "at_medium", "at_campaign", "wt_mc"),
    *("spm", "vero_id", "mkt_tok", "s_cid", "ncid", "CMP", "smid", "smtyp", "feature", "si"),
)
_PORTS = {"http": ":80", "https": ":443"}


def canonical_urls(store: Store) -> None:
    """Make the temporary table `url_form`: one row per URL as it stands in posts (`raw`), and its canonical form.

    Works on the distinct URLs. Forms that cannot be read stay as they are.
    """
    raw = store.frame("SELECT DISTINCT unnest(urls) AS raw FROM post WHERE len(urls) > 0")
    forms = raw.with_columns(form=pl.Series([canonical_url(url) for url in raw["raw"]], dtype=pl.String))
    store.db.register("url_forms", forms.to_arrow())
    store.db.execute("CREATE OR REPLACE TEMP TABLE url_form AS FROM url_forms")
    store.db.unregister("url_forms")


@lru_cache(maxsize=100_000)
def canonical_url(url: str) -> str:
    """Return a URL's canonical form: https, host in lower case without `www.` and default port, parameters sorted.

    Trackers, the fragment and a slash at the end are left out. Path and values keep their case: they name pages.
    """
    try:
        plain = canonicalize_url(url_query_cleaner(url.strip(), TRACKERS, remove=True))
        parts = urlsplit(plain)
    except ValueError:
        return url
    if parts.scheme not in _PORTS or not parts.netloc:
        return url
    host = parts.netloc.lower().removesuffix(_PORTS[parts.scheme]).removeprefix("www.")
    path = parts.path.rstrip("/")
    return f"https://{host}{path}{f'?{parts.query}' if parts.query else ''}"
