"""Citizen reports: Open311 GeoReport v2 service requests, and the CSV exports of Ushahidi.

http://wiki.open311.org/GeoReport_v2/ and https://docs.ushahidi.com/platform-user-manual (export of data)

Whoever sent a report is no actor: only an account that the endpoint itself publishes is one.
"""

from collections.abc import Mapping, Sequence

from sna.errors import InputError
from sna.formats.shape import Nested, Shape

REQUEST = Shape(
    name="Open311 service request",
    source="open311",
    recognise=lambda keys: (
        "service_request_id" in keys and bool(keys & {"status", "service_code", "requested_datetime"})
    ),
    spec={
        "service_request_id": "VARCHAR",
        "status": "VARCHAR",
        "status_notes": "VARCHAR",
        "service_name": "VARCHAR",
        "description": "VARCHAR",
        "requested_datetime": "VARCHAR",
        "updated_datetime": "VARCHAR",
        "lat": "DOUBLE",
        "long": "DOUBLE",
        "media_url": "VARCHAR",
        "account_id": "VARCHAR",
    },
    post={
        "id": "j.service_request_id || coalesce('@' || $origin, '')",
        "author_id": "j.account_id || coalesce('@' || $origin, '')",
        "created_raw": "j.requested_datetime",
        "edited_raw": "j.updated_datetime",
        "text": "concat_ws(E'\\n\\n', nullif(j.service_name, ''), nullif(j.description, ''), "
        "nullif(j.status_notes, ''))",
        "is_report": "true",
        # Some endpoints write 0, 0 where no position is known.
        "latitude": "CASE WHEN j.lat <> 0 OR j.long <> 0 THEN j.lat END",
        "longitude": "CASE WHEN j.lat <> 0 OR j.long <> 0 THEN j.long END",
        "media": "CASE WHEN j.media_url <> '' THEN [j.media_url] END",
        "state": "lower(j.status)",
    },
    text_path="$.description",
)

REQUESTS = Shape(
    name="Open311 service requests",
    source="open311",
    recognise=lambda keys: keys == {"service_requests"},
    inside=(Nested("from_json(json_extract(line, '$.service_requests'), '[\"JSON\"]')"),),
)

# An answer to one who just sent a report: a token, no report yet.
TOKEN = Shape(
    name="Open311 token",
    source="open311",
    recognise=lambda keys: "token" in keys and keys <= {"token", "service_notice"},
)

SHAPES = (REQUEST, REQUESTS, TOKEN)

# Which column of an Ushahidi export holds what: names of version 2, then of the Platform (3 and later), lower case.
_USHAHIDI = {
    "id": ("#", "post id"),
    "title": ("incident title", "title"),
    "text": ("description", "unstructured description", "content"),
    "created_at": ("incident date", "post date (utc)", "created (utc)"),
    "category": ("category", "categories", "survey"),
    "state": ("verified", "post status"),
    "latitude": ("latitude", ".lat"),
    "longitude": ("longitude", ".lon", ".lng"),
}


def ushahidi_mapping(name: str, columns: Sequence[str]) -> tuple[Mapping[str, str], str | None]:
    """Return which columns of an Ushahidi export to read, and the time zone where the column names tell it.

    Columns with names or addresses of those who reported are never read. Raises InputError for another table.
    """
    known = {column.strip().lower(): column for column in columns}
    mapping: dict[str, str] = {}
    for field, names in _USHAHIDI.items():
        found = [known[n] for n in names if n in known]
        found += [known[k] for k in known for n in names if n.startswith(".") and k.endswith(n)]
        if found:
            mapping[field] = found[0]
    if "id" not in mapping or "created_at" not in mapping:
        raise InputError(f"{name} has no columns of an Ushahidi export (Post ID or #, a date); use --format table")
    return mapping, "UTC" if mapping["created_at"].lower().endswith("(utc)") else None
